"""The reference program's .bin, in and out: loaded to be used or trained on, saved, and converted in bounded memory.

What carries over: words, counts, both matrices, the placeholder's row and the arguments that the file has. Word number
i of the file is our i - 1: its <PLACEHOLDER>, word 0, is a row of its own here and no word. ``</s>`` is a word like any
other, whose count is the number of lines: it is drawn as a negative, and as a token it ends the sentence. n-grams keep
the reference's hash (``ngram_hash == "epfml"``), and texts are split at the bytes at which the reference splits.

Words are bytes to the reference. Those that are not UTF-8 become lone surrogates, as by Python's ``surrogateescape``,
and are found in texts that were read in the same way; `save_epfml_model` turns them into bytes again.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from . import _kernel
from ._files.container import Stream, atomic_write, write
from ._files.epfml.char_ngrams import composed_rows
from ._files.epfml.layout import (
    CHARACTERS,
    LINE_END,
    MAGIC,
    NEGATIVES,
    PLACEHOLDER,
    SENT2VEC,
    VERSIONS,
    Layout,
    Matrix,
    open_regular_file,
    read_entries,
    read_exactly,
    read_layout,
    rows_of,
)
from ._files.epfml.vocabulary_on_disk import DiskVocabulary
from ._text.packed import PackedStrings
from ._text.vocabulary import Vocabulary, slots_for
from ._training.word_selection import as_uint32, target_probability
from ._util import memory
from ._util.progress import Progress
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec

NEVER_SKIPPED = 1.0  # the reference's -t at which no target is ever skipped
SAVED_WORDS = 1 << 16  # entries of a dictionary that are written at a time


# -----------------------------------------------------------------------------------------------------
# In


def load_epfml_vectors(path: str | os.PathLike[str]) -> Sent2VecKeyedVectors:
    """The vectors of a model that the reference program trained.

    Parameters
    ----------
    path : str or path-like
        A .bin of its ``sent2vec`` command; or of ``cbow-c+w-ngrams``, of which each word becomes the mean of its row
        and the rows of its character n-grams, as the program's Python module reads it out.

    Returns
    -------
    Sent2VecKeyedVectors
        Which give the sentence vectors of the reference, up to rounding.

    Raises
    ------
    ValueError
        For a file of another kind, a quantised or pruned model, or a damaged file; with the section and the byte.
    OSError
        Where the file cannot be read.
    MemoryError
        Where the matrices do not fit the memory that this process may take; nothing has been allocated then.
    """
    layout = read_layout(path)
    _require_memory(layout, f"loading {layout.path!r}", layout.n_words - 1 + _gram_rows(layout), "")
    return _read_vectors(layout)


def load_epfml_model(path: str | os.PathLike[str]) -> Sent2Vec:
    """A model that the reference program trained, to be trained on.

    The file does not hold ``-lr`` and ``-dropoutK``: `alpha` and `dropout_k` are the defaults of `Sent2Vec`, set them
    where others are wanted. ``-t`` becomes `sample`.

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
        As by `load_epfml_vectors`; and for models that were not trained with negative sampling.
    """
    layout = read_layout(path)
    args = layout.args
    if args.model == CHARACTERS or args.loss != NEGATIVES:
        kind = "with character n-grams" if args.model == CHARACTERS else "without negative sampling"
        raise ValueError(
            f"{layout.path!r}: arguments at byte 8: a model trained {kind}, which Sent2Vec cannot train on; "
            "for its vectors alone use load_epfml_vectors"
        )
    _require_memory(
        layout, f"loading {layout.path!r}", 2 * layout.n_words + _gram_rows(layout),
        "load_epfml_vectors, which leaves out the output matrix",
    )  # fmt: skip
    model = Sent2Vec(
        vector_size=args.dim, epochs=max(1, args.epoch), min_count=args.minCount, negative=max(1, args.neg),
        word_ngrams=args.wordNgrams, bucket=args.bucket, sample=0 if args.t >= NEVER_SKIPPED else args.t,
        ns_exponent=0.5,
    )  # fmt: skip
    model.wv = wv = _read_vectors(layout)
    probability = target_probability(wv.expandos["count"], model.sample, layout.n_tokens)
    wv.expandos["sample_int"] = as_uint32(probability)
    model.placeholder = _read(layout, layout.input, 0, 1)[0]
    model.syn1neg = _read(layout, layout.output, 1, layout.n_words)
    model.effective_min_count = args.minCount
    model.corpus_count = layout.n_lines
    model.corpus_total_words = max(0, layout.n_tokens - layout.n_lines)  # where line ends are tokens
    model.add_lifecycle_event("load_epfml_model", msg=f"{len(wv)} words from {layout.path}")
    return model


def _gram_rows(layout: Layout) -> int:
    return layout.args.bucket if layout.args.wordNgrams > 1 and layout.args.model == SENT2VEC else 0


def _require_memory(layout: Layout, what: str, rows: int, way_out: str) -> None:
    words = layout.blob_bytes + layout.n_words * (8 + 8) + 8 * slots_for(layout.n_words)
    ways_out = [
        *([way_out] if way_out else []),
        "convert_epfml(path, 'model.s2v'), which needs less than 200 MB, and "
        "Sent2VecKeyedVectors.load('model.s2v', mmap='r')",
    ]
    memory.require(4 * rows * layout.args.dim + words, what, ways_out)


def _read_vectors(layout: Layout) -> Sent2VecKeyedVectors:
    wv = Sent2VecKeyedVectors(layout.args.dim)
    vocabulary, counts = _read_words(layout)
    wv.set_words(vocabulary)
    wv.expandos = {"count": counts}
    wv.ngram_hash = "epfml"
    grams = _gram_rows(layout)
    wv.word_ngrams = layout.args.wordNgrams if grams else 1
    if layout.args.model == CHARACTERS:
        wv.vectors = np.empty((len(vocabulary), layout.args.dim), dtype=np.float32)
        done = 0
        for block in _word_rows(layout):
            wv.vectors[done : done + len(block)] = block
            done += len(block)
    else:
        wv.vectors = _read(layout, layout.input, 1, layout.n_words)
        wv.vectors_ngrams = _read(layout, layout.input, layout.n_words, layout.n_words + grams)
    return wv


def _read_words(layout: Layout) -> tuple[Vocabulary, np.ndarray]:
    n = layout.n_words - 1
    blob = np.empty(layout.blob_bytes, dtype=np.uint8)
    offsets, counts = np.zeros(n + 1, dtype=np.int64), np.empty(n, dtype=np.int64)
    words = at = 0
    for entries in read_entries(layout):
        end, blob_end = words + len(entries.lengths), at + len(entries.blob)
        if end > n or blob_end > len(blob):
            raise _changed(layout)
        blob[at:blob_end] = entries.blob
        offsets[words + 1 : end + 1] = at + np.cumsum(entries.lengths)
        counts[words:end] = entries.counts
        words, at = end, blob_end
    if at != len(blob):
        raise _changed(layout)
    try:
        return Vocabulary(PackedStrings(blob, offsets)), counts
    except ValueError as error:
        raise _twice(layout, error) from None


def _changed(layout: Layout) -> OSError:
    return OSError(f"{layout.path!r}: dictionary at byte {layout.entries}: the file changed while it was read")


def _twice(layout: Layout, error: ValueError) -> ValueError:
    return ValueError(f"{layout.path!r}: dictionary at byte {layout.entries}: {error}; the file is damaged")


def _read(layout: Layout, matrix: Matrix, begin: int, end: int) -> np.ndarray:
    """Rows [begin, end) of a matrix."""
    rows = np.empty((end - begin, matrix.columns), dtype="<f4")
    with open_regular_file(layout.path) as file:
        file.seek(matrix.begin + 4 * matrix.columns * begin)
        read_exactly(file, rows, layout.path, matrix.name)
    return rows.astype(np.float32, copy=False)


def _word_rows(layout: Layout) -> Iterator[np.ndarray]:
    """The words' rows block by block, without the placeholder's."""
    if layout.args.model == CHARACTERS:
        return composed_rows(layout)
    return rows_of(layout, layout.input, 1, layout.n_words)


# -----------------------------------------------------------------------------------------------------
# To the native layout


def convert_epfml(src: str | os.PathLike[str], dst: str | os.PathLike[str]) -> None:
    """Write the vectors of a model of the reference program in the native layout, which loads with ``mmap='r'``.

    Takes less than 200 MB of memory, the interpreter included, whatever the size of the file, of its vocabulary too;
    words are put in order in temporary files beside `dst`, about 60 bytes each.

    Parameters
    ----------
    src : str or path-like
        As for `load_epfml_vectors`.
    dst : str or path-like
        The file to write; it appears when it is complete. Load it with ``Sent2VecKeyedVectors.load(dst, mmap='r')``.

    Raises
    ------
    ValueError, OSError
        As by `load_epfml_vectors`.
    """
    layout = read_layout(src)
    if os.path.exists(dst) and os.path.samefile(src, dst):
        raise ValueError(f"dst: {os.fspath(dst)!r} is the file to convert; pass another name")
    args, grams = layout.args, _gram_rows(layout)
    facts: dict[str, Any] = {
        "kind": "Sent2VecKeyedVectors", "vector_size": args.dim, "word_ngrams": args.wordNgrams if grams else 1,
        "skip_bigrams": False, "ngram_hash": "epfml",
    }  # fmt: skip
    folder, name = os.path.split(os.path.abspath(dst))
    n_rows = layout.n_words - 1 + grams
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=f".{name[:48]}-") as beside,
        Progress("convert", n_rows, "rows") as progress,
    ):
        vocabulary = DiskVocabulary(beside)
        try:
            for entries in read_entries(layout):
                vocabulary.add(entries.blob, entries.lengths, entries.hashes, entries.counts)
        finally:
            vocabulary.close()
        if (vocabulary.n_words, vocabulary.n_bytes) != (layout.n_words - 1, layout.blob_bytes):
            raise _changed(layout)
        try:
            arrays = vocabulary.finish()
        except ValueError as error:
            raise _twice(layout, error) from None
        gram_rows = rows_of(layout, layout.input, layout.n_words, layout.n_words + grams)
        arrays["vectors"] = _stream(_word_rows(layout), layout.n_words - 1, args.dim, progress)
        arrays["vectors_ngrams"] = _stream(gram_rows, grams, args.dim, progress)
        write(dst, arrays, facts)


def _stream(blocks: Iterator[np.ndarray], n_rows: int, dim: int, progress: Progress) -> Stream:
    def reported() -> Iterator[np.ndarray]:
        for block in blocks:
            yield block.astype(np.float32, copy=False)
            progress.update(progress.done + len(block))

    return Stream(np.float32, (n_rows, dim), reported())


# -----------------------------------------------------------------------------------------------------
# Out


def save_epfml_model(model: Sent2Vec | Sent2VecKeyedVectors, path: str | os.PathLike[str]) -> None:
    """Save a model so that the reference program loads it and gives the same sentence vectors.

    The file holds <PLACEHOLDER> as word 0 and ``</s>``, which is appended where the vocabulary does not have it. It is
    of version 11, which the reference's current builds read, and holds no character n-grams, so that the program's
    ``print-word-vectors`` prints the rows of words. Of vectors alone the placeholder's row and the output matrix are
    zeros. It appears under its name when it is complete.

    Parameters
    ----------
    model : Sent2Vec or Sent2VecKeyedVectors
        A unigram model; or one with n-grams that came from the reference program.
    path : str or path-like

    Raises
    ------
    ValueError
        Where the reference cannot express the model: n-grams that are hashed otherwise, skip pairs, a word with a zero
        byte in it.
    """
    wv = model.wv if isinstance(model, Sent2Vec) else model
    _check_expressible(wv)
    vocabulary = wv.freeze()
    n_lines = model.corpus_count if isinstance(model, Sent2Vec) else 0
    counts = wv.expandos.get("count")
    counts = np.ones(len(wv), dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    appended = LINE_END.decode() not in vocabulary
    n_words = 1 + len(wv) + appended
    n_tokens = max(getattr(model, "corpus_total_words", 0) + n_lines, int(counts.sum()) + (n_lines if appended else 0))
    no_rows = np.zeros((1, wv.vector_size), dtype=np.float32)
    with atomic_write(os.path.realpath(path)) as file:
        file.write(struct.pack("<2i", MAGIC, VERSIONS[0]))
        file.write(_arguments(model, wv))
        file.write(struct.pack("<3i2q", n_words, n_words, 0, n_tokens, -1))
        file.write(_entry(PLACEHOLDER, 0))
        for i in range(0, len(wv), SAVED_WORDS):
            offsets = np.asarray(vocabulary.offsets[i : i + SAVED_WORDS + 1])
            file.write(_kernel.pack_entries(vocabulary.blob, offsets, counts[i : i + SAVED_WORDS]))
        if appended:
            file.write(_entry(LINE_END, n_lines))
        end = [no_rows] if appended else []
        start = model.placeholder[None] if isinstance(model, Sent2Vec) else no_rows
        _write_matrix(file, [start, wv.vectors, *end, wv.vectors_ngrams, no_rows])  # the last: a character bucket
        output = model.syn1neg if isinstance(model, Sent2Vec) else np.broadcast_to(no_rows, wv.vectors.shape)
        _write_matrix(file, [no_rows, output, *end])


def _check_expressible(wv: Sent2VecKeyedVectors) -> None:
    if wv.word_ngrams > 1 and (wv.ngram_hash != "epfml" or wv.skip_bigrams):
        what = "skip_bigrams" if wv.skip_bigrams else f"word_ngrams={wv.word_ngrams}, hashed as new models hash them"
        raise ValueError(
            f"model: the reference program has no n-grams of this kind ({what}); keep the model in the native layout "
            "(save), export its words with save_word2vec_format, or train with word_ngrams=1"
        )
    if not len(wv):
        raise ValueError("model: there are no words to save; call build_vocab and train first")
    vocabulary = wv.freeze()
    zeros = np.flatnonzero(vocabulary.blob == 0)
    if len(zeros):
        i = int(np.searchsorted(vocabulary.offsets, zeros[0], side="right")) - 1
        raise ValueError(f"model: the word {vocabulary.words[i]!r} has a zero byte in it, which ends a word in a .bin")
    if len(wv) + 2 >= 1 << 31 or wv.bucket >= 1 << 31:
        raise ValueError(f"model: {len(wv)} words and {wv.bucket} buckets are more than a .bin can count")


def _arguments(model: Sent2Vec | Sent2VecKeyedVectors, wv: Sent2VecKeyedVectors) -> bytes:
    epochs, min_count, negative, sample = 5, 1, 10, 0.0
    if isinstance(model, Sent2Vec):
        epochs, min_count, negative, sample = model.epochs, model.min_count, model.negative, model.sample
    epochs, min_count, negative = (min(number, 2**31 - 1) for number in (epochs, min_count, negative))
    return struct.pack(
        "<12i d", wv.vector_size, 5, epochs, min_count, negative, wv.word_ngrams, NEGATIVES, SENT2VEC, wv.bucket, 0, 0,
        100, sample or NEVER_SKIPPED,
    )  # fmt: skip


def _entry(word: bytes, count: int) -> bytes:
    return word + b"\0" + struct.pack("<qb", count, 0)


def _write_matrix(file: BinaryIO, parts: list[np.ndarray]) -> None:
    """A matrix of all the parts' rows, as float32, block by block."""
    dim = parts[0].shape[1]
    file.write(struct.pack("<?2q", False, sum(map(len, parts)), dim))
    step = max(1, (1 << 22) // (4 * dim))
    for part in parts:
        for i in range(0, len(part), step):
            file.write(np.ascontiguousarray(part[i : i + step], dtype="<f4").data)
