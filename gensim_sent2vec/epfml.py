"""Load, save and convert the .bin files of the reference program (https://github.com/epfml/sent2vec).

A file holds words, counts, both matrices, the row of the placeholder, and most arguments of the training. Word i of
the file is word i - 1 here: ``<PLACEHOLDER>``, word 0 of the file, is not a word here but a separate row. ``</s>`` is a
word like any other, counted once per line: it can be drawn as a negative sample, and as a token it ends the sentence.
n-grams keep the hash of the reference program (``ngram_hash == "epfml"``), and texts are split at the same bytes.

To the reference program, words are bytes. Bytes that are not UTF-8 become lone surrogates, as with Python's
``surrogateescape``, and are found in texts that were read in the same way; `save_epfml_model` converts them back.
"""

from __future__ import annotations

import os

import numpy as np

from ._files.epfml.conversion import convert
from ._files.epfml.layout import NEGATIVE_SAMPLING, SENT2VEC, Arguments, Layout, read_layout
from ._files.epfml.reading import read_rows, read_words
from ._files.epfml.word_vectors import read_word_vectors
from ._files.epfml.writing import write_model
from ._text.vocabulary import slots_for
from ._training.word_selection import as_uint32, target_probability
from ._util import memory
from ._util.hints import with_hints
from ._util.missing import check_exists
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec

NEVER_SKIPPED = 1.0  # the reference program's -t with which no target is skipped
MAX_INT32 = 2**31 - 1
EXPECTED = "a .bin of the reference program"


# -----------------------------------------------------------------------------------------------------
# Loading


@with_hints
def load_epfml_vectors(path: str | os.PathLike[str]) -> Sent2VecKeyedVectors:
    """Load the vectors of a model that the reference program trained.

    Parameters
    ----------
    path : str or path-like
        A .bin of its ``sent2vec`` command; or of ``cbow-c+w-ngrams``, in which case the vector of each word is the mean
        of its row and the rows of its character n-grams, as in the program's Python module.

    Returns
    -------
    Sent2VecKeyedVectors
        They give the sentence vectors of the reference program, up to rounding.

    Raises
    ------
    ValueError
        If the file is in another format, a quantized or pruned model, or damaged; with the section and the byte.
    OSError
        If the file cannot be read.
    MemoryError
        If the matrices do not fit into the memory available to this process; nothing has been allocated then.
    """
    check_exists(path, "path", EXPECTED)
    layout = read_layout(path)
    _require_memory(layout, n_rows=layout.n_words + layout.n_ngram_rows)
    return _read_vectors(layout)


@with_hints
def load_epfml_model(path: str | os.PathLike[str]) -> Sent2Vec:
    """Load a model that the reference program trained, to continue its training.

    The file does not hold ``-lr`` and ``-dropoutK``: `alpha` and `dropout_k` are the defaults of `Sent2Vec`; set them
    if other values are needed. ``-t`` becomes `sample`.

    Parameters
    ----------
    path : str or path-like
        A .bin of its ``sent2vec`` command.

    Returns
    -------
    Sent2Vec

    Raises
    ------
    ValueError, OSError, MemoryError
        As `load_epfml_vectors` does; and if the model was not trained with negative sampling.
    """
    check_exists(path, "path", EXPECTED)
    layout = read_layout(path)
    args = layout.args
    if layout.has_char_ngrams or args.loss != NEGATIVE_SAMPLING:
        kind = "with character n-grams" if layout.has_char_ngrams else "without negative sampling"
        raise ValueError(
            f"{layout.path!r}: arguments at byte 8: the model was trained {kind}, and Sent2Vec cannot continue that; "
            "to load only its vectors, use load_epfml_vectors"
        )
    _require_memory(
        layout,
        2 * layout.n_entries + layout.n_ngram_rows,
        "load_epfml_vectors, which leaves out the output matrix",
    )
    try:
        model = Sent2Vec(
            vector_size=args.dim, epochs=max(1, args.epoch), min_count=args.minCount, negative=max(1, args.neg),
            word_ngrams=args.wordNgrams, bucket=args.bucket, sample=0 if args.t >= NEVER_SKIPPED else args.t,
            ns_exponent=0.5,
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"{layout.path!r}: arguments at byte 8: {error}") from None
    model.wv = wv = _read_vectors(layout)
    probability = target_probability(wv.expandos["count"], model.sample, layout.n_tokens)
    wv.expandos["sample_int"] = as_uint32(probability)
    model.placeholder = read_rows(layout, layout.input, 0, 1)[0]
    model.syn1neg = read_rows(layout, layout.output, 1, layout.n_entries)
    model.effective_min_count = args.minCount
    model.corpus_count = layout.n_lines
    model.corpus_total_words = max(0, layout.n_tokens - layout.n_lines)  # the file counts line ends as tokens
    model.add_lifecycle_event("load_epfml_model", msg=f"{len(wv)} words from {layout.path}")
    return model


def _require_memory(layout: Layout, n_rows: int, *alternatives: str) -> None:
    words = layout.blob_bytes + layout.n_entries * (8 + 8) + 8 * slots_for(layout.n_entries)
    conversion = (
        "convert_epfml(path, 'model.s2v'), which needs less than 200 MB, and "
        "Sent2VecKeyedVectors.load('model.s2v', mmap='r')"
    )
    memory.require(4 * n_rows * layout.args.dim + words, f"loading {layout.path!r}", [*alternatives, conversion])


def _read_vectors(layout: Layout) -> Sent2VecKeyedVectors:
    wv = Sent2VecKeyedVectors(layout.args.dim)
    vocabulary, counts = read_words(layout)
    wv.set_words(vocabulary)
    wv.expandos = {"count": counts}
    wv.word_ngrams, wv.ngram_hash = layout.word_ngrams, "epfml"
    wv.vectors = read_word_vectors(layout)
    first_ngram = layout.n_entries
    wv.vectors_ngrams = read_rows(layout, layout.input, first_ngram, first_ngram + layout.n_ngram_rows)
    return wv


# -----------------------------------------------------------------------------------------------------
# Converting


@with_hints
def convert_epfml(src: str | os.PathLike[str], dst: str | os.PathLike[str]) -> None:
    """Convert the vectors of a model of the reference program to the native format, which loads with ``mmap='r'``.

    This takes less than 200 MB of memory, including the interpreter, whatever the size of the file and its vocabulary.
    Words are sorted in temporary files next to `dst`, which take about 60 bytes per word.

    Parameters
    ----------
    src : str or path-like
        As for `load_epfml_vectors`.
    dst : str or path-like
        The file to write, atomically. Load it with ``Sent2VecKeyedVectors.load(dst, mmap='r')``.

    Raises
    ------
    ValueError, OSError
        As `load_epfml_vectors` does.
    """
    check_exists(src, "src", EXPECTED)
    layout = read_layout(src)
    if os.path.exists(dst) and os.path.samefile(src, dst):
        raise ValueError(f"dst: {os.fspath(dst)!r} is the file to convert; pass another name")
    convert(layout, dst)


# -----------------------------------------------------------------------------------------------------
# Saving


@with_hints
def save_epfml_model(model: Sent2Vec | Sent2VecKeyedVectors, path: str | os.PathLike[str]) -> None:
    """Save a model so that the reference program can load it and gives the same sentence vectors.

    The file starts with ``<PLACEHOLDER>`` as word 0, and ``</s>`` is appended if it is not in the vocabulary. It has
    version 11, which current builds of the reference program read, and no character n-grams, so that the program's
    ``print-word-vectors`` prints the rows of the words. If only vectors are given, the row of the placeholder and the
    output matrix are zeros. The file is written atomically.

    Parameters
    ----------
    model : Sent2Vec or Sent2VecKeyedVectors
        A unigram model, or one with n-grams that the reference program trained.
    path : str or path-like

    Raises
    ------
    ValueError
        If the format cannot store the model: n-grams with another hash, skip-bigrams, a word that contains a zero byte.
    OSError
        If the file cannot be written.
    """
    wv = model.wv if isinstance(model, Sent2Vec) else model
    _check_can_be_saved(wv)
    counts = wv.expandos.get("count")
    counts = np.ones(len(wv), dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    arguments, n_lines, n_tokens = _arguments(wv), 0, 0
    placeholder: np.ndarray | None = None
    output: np.ndarray | None = None
    if isinstance(model, Sent2Vec):
        arguments = _arguments(wv, model.epochs, model.min_count, model.negative, model.sample)
        n_lines, n_tokens = model.corpus_count, model.corpus_total_words + model.corpus_count
        placeholder, output = model.placeholder, model.syn1neg
    write_model(
        path, arguments, wv.freeze(), counts, n_lines, n_tokens, placeholder, wv.vectors, wv.vectors_ngrams, output
    )


def _check_can_be_saved(wv: Sent2VecKeyedVectors) -> None:
    if wv.word_ngrams > 1 and (wv.ngram_hash != "epfml" or wv.skip_bigrams):
        found = "skip_bigrams" if wv.skip_bigrams else f"word_ngrams={wv.word_ngrams}, hashed with {wv.ngram_hash!r}"
        raise ValueError(
            f"model: the reference program does not have such n-grams ({found}); keep the model in the native format "
            "(save), export its words with save_word2vec_format, or train with word_ngrams=1"
        )
    if not len(wv):
        raise ValueError("model: there are no words to save; call build_vocab and train first")


def _arguments(
    wv: Sent2VecKeyedVectors, epochs: int = 5, min_count: int = 1, negative: int = 10, sample: float = 0.0
) -> Arguments:
    """The arguments to write; those that have no effect are the reference program's defaults."""
    return Arguments(
        dim=wv.vector_size,
        ws=5,
        epoch=min(epochs, MAX_INT32),
        minCount=min(min_count, MAX_INT32),
        neg=min(negative, MAX_INT32),
        wordNgrams=wv.word_ngrams,
        loss=NEGATIVE_SAMPLING,
        model=SENT2VEC,
        bucket=wv.bucket,
        minn=0,
        maxn=0,
        lrUpdateRate=100,
        t=sample or NEVER_SKIPPED,
    )
