"""Export vectors to other libraries: torch, Keras, sentence-transformers, model2vec.

`to_embedding_bag` and `to_keras` return layers that can be trained further, with word n-grams. `to_static_embedding`
and `to_model2vec` return static embeddings, the mean of the vectors of a text's words; see `Sent2VecKeyedVectors.bake`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _kernel
from ._text.inputs import checked_texts
from ._text.packing import packed
from ._text.static_tokenizer import LOWER_CASED, word_tokenizer
from ._util.hints import with_hints
from ._util.warning import warn
from .keyedvectors import Sent2VecKeyedVectors, Sentence, check_keyed_vectors
from .tokenizers import describe, name_of

if TYPE_CHECKING:
    import torch
    from model2vec import StaticModel
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

PADDING, NOTHING_KNOWN = 0, 1  # in `padded_rows`, before the row indices

Lookup = Callable[[Sequence[Sentence]], "tuple[torch.Tensor, torch.Tensor]"]


@with_hints
def sentence_rows(wv: Sent2VecKeyedVectors, sentences: Sequence[Sentence]) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows whose mean is the vector of a sentence, for all sentences end to end.

    Together with the matrix `stacked_rows`, this is all that another framework needs for an equivalent layer.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    sentences : sequence of str or of sequences of str

    Returns
    -------
    rows : numpy.ndarray of int64
        For each sentence its words by id, then its word n-grams: row r of `vectors_ngrams` is n_words + r.
    offsets : numpy.ndarray of int64, shape (n_sentences,)
        Where the rows of each sentence start.

    Raises
    ------
    TypeError
        If `sentences` is a single string or a table, or its items are neither strings nor lists of strings.
    """
    check_keyed_vectors(wv)
    encoder = _kernel.Encoder(
        wv.freeze(),
        wv.vectors,
        wv.vectors_ngrams,
        word_ngrams=wv.word_ngrams,
        skip_bigrams=wv.skip_bigrams,
        ngram_hash=wv.ngram_hash,
    )
    batch = list(wv._for_kernel(checked_texts(sentences), "sentences"))
    rows, ends = encoder.row_ids(packed(batch, 0, "sentences"))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.frombuffer(ends, dtype=np.int64)])[:-1]
    return np.frombuffer(rows, dtype=np.int64), offsets


@with_hints
def stacked_rows(wv: Sent2VecKeyedVectors) -> np.ndarray:
    """Copy the rows of the words and then those of the n-grams into one matrix.

    Returns
    -------
    numpy.ndarray of float32, shape (n_words + bucket, vector_size)
    """
    check_keyed_vectors(wv)
    words = np.asarray(wv.vectors, dtype=np.float32)
    return np.concatenate([words, np.asarray(wv.vectors_ngrams, dtype=np.float32)])


@with_hints
def to_embedding_bag(wv: Sent2VecKeyedVectors, trainable: bool = True, sparse: bool = False) -> tuple[Any, Lookup]:
    """Convert vectors to a ``torch.nn.EmbeddingBag``, and return the function for its input.

    ::

        bag, lookup = to_embedding_bag(wv)
        bag(*lookup(["police arrested two men", "it rained"]))  # (2, vector_size), as wv.encode(…) with plain means

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    trainable : bool
        Whether the rows have gradients.
    sparse : bool
        Compute sparse gradients, for optimizers such as `torch.optim.SparseAdam`: with millions of n-gram rows, a step
        is many times faster.

    Returns
    -------
    bag : torch.nn.EmbeddingBag
        A copy of the rows of words and word n-grams, with mode "mean". The weighting is not applied.
    lookup : callable
        Maps a list of sentences to the arguments `input` and `offsets` of `bag`, int64 tensors on the CPU.

    Raises
    ------
    ImportError
        If torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(f'to_embedding_bag needs torch ({error}): pip install "gensim-sent2vec[torch]"') from error
    weights = torch.from_numpy(stacked_rows(wv))
    bag = torch.nn.EmbeddingBag.from_pretrained(weights, freeze=not trainable, mode="mean", sparse=sparse)

    def lookup(sentences: Sequence[Sentence]) -> tuple[Any, Any]:
        rows, offsets = sentence_rows(wv, sentences)
        return torch.from_numpy(rows.copy()), torch.from_numpy(offsets)

    return bag, lookup


@with_hints
def padded_rows(wv: Sent2VecKeyedVectors, sentences: Sequence[Sentence]) -> np.ndarray:
    """Find the rows of each sentence as in `sentence_rows`, as a padded matrix for layers that support masking.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    sentences : sequence of str or of sequences of str

    Returns
    -------
    numpy.ndarray of int64, shape (n_sentences, n_rows of the longest, at least 1)
        r + 2 for row r of `stacked_rows`, padded with 0. A sentence without anything known starts with 1, because the
        mean of padding alone is not a number.

    Raises
    ------
    TypeError
        As `sentence_rows` does.
    """
    rows, offsets = sentence_rows(wv, sentences)
    lengths = np.diff(np.append(offsets, len(rows)))
    padded = np.full((len(lengths), lengths.max(initial=1)), PADDING, dtype=np.int64)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = rows + 2
    padded[lengths == 0, 0] = NOTHING_KNOWN
    return padded


@with_hints
def to_keras(
    wv: Sent2VecKeyedVectors, trainable: bool = True
) -> tuple[Any, Callable[[Sequence[Sentence]], np.ndarray]]:
    """Convert vectors to Keras layers, an ``Embedding`` and the mean, and return the function for their input.

    ::

        layers, lookup = to_keras(wv)
        layers(lookup(["police arrested two men", "it rained"]))  # (2, vector_size), as wv.encode(…) with plain means
        model = keras.Sequential([layers, keras.layers.Dense(2)])

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    trainable : bool
        Whether the rows have gradients.

    Returns
    -------
    layers : keras.Sequential
        A copy of the rows of words and word n-grams. The weighting is not applied. The first two rows are zeros, for
        padding and for sentences without anything known.
    lookup : callable
        Maps a list of sentences to `padded_rows`.

    Raises
    ------
    ImportError
        If Keras 3 or its backend is not installed.
    """
    try:
        import keras
    except ImportError as error:
        raise ImportError(
            f'to_keras needs keras ({error}): pip install "gensim-sent2vec[keras]"; this installs the torch backend, '
            "which Keras uses if the environment variable KERAS_BACKEND=torch is set"
        ) from error
    rows = stacked_rows(wv)
    weights = np.concatenate([np.zeros((2, wv.vector_size), dtype=np.float32), rows])
    embedding = keras.layers.Embedding(*weights.shape, weights=[weights], mask_zero=True, trainable=trainable)
    return keras.Sequential([embedding, keras.layers.GlobalAveragePooling1D()]), partial(padded_rows, wv)


# -----------------------------------------------------------------------------------------------------
# Static embeddings


@with_hints
def to_static_embedding(wv: Sent2VecKeyedVectors) -> StaticEmbedding:
    """Convert vectors to a module of sentence-transformers, which encodes a text as the mean of its word vectors.

    ::

        model = SentenceTransformer(modules=[wv.bake(sentences=corpus).to_static_embedding()])
        model.encode(["police arrested two men", "it rained"])  # (2, n_dims)
        model.save("my-model")

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        If they have a weighting, it is applied first (`Sent2VecKeyedVectors.bake`). The tokenizers "split", "words" and
        "simple" are reproduced.

    Returns
    -------
    sentence_transformers.sentence_transformer.modules.StaticEmbedding
        A copy of the word vectors, float32, which can be trained further. A text without known words becomes zeros.

    Raises
    ------
    ImportError
        If sentence-transformers is not installed.
    ValueError
        If there are no words, or there are word n-grams and no weighting: a static embedding cannot have n-grams.

    Warns
    -----
    UserWarning
        If the vectors have another tokenizer, or phrases: the static embedding splits texts at whitespace, so pass it
        ``" ".join(wv.tokens(text))``.
    """
    try:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    except ImportError as error:
        raise ImportError(
            f'to_static_embedding needs sentence-transformers ({error}): pip install "gensim-sent2vec[static]"'
        ) from error
    tokenizer, rows = static_parts(wv)
    return StaticEmbedding(tokenizer, embedding_weights=rows)


@with_hints
def to_model2vec(wv: Sent2VecKeyedVectors) -> StaticModel:
    """Convert vectors to a model of model2vec, which encodes a text as the mean of its word vectors.

    ::

        model = wv.bake(sentences=corpus).to_model2vec()
        model.encode(["police arrested two men", "it rained"])  # (2, n_dims)
        model.save_pretrained("my-model")

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        As in `to_static_embedding`, with the same errors and warnings.

    Returns
    -------
    model2vec.StaticModel
        A copy of the word vectors, float32; texts are not truncated. A text without known words becomes zeros.

    Raises
    ------
    ImportError
        If model2vec is not installed.
    """
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise ImportError(f'to_model2vec needs model2vec ({error}): pip install "gensim-sent2vec[static]"') from error
    tokenizer, rows = static_parts(wv)
    return StaticModel(rows, tokenizer, max_length=None)


def static_parts(wv: Sent2VecKeyedVectors) -> tuple[Tokenizer, np.ndarray]:
    """A tokenizer whose tokens are the words, and a copy of their vectors, float32 (n_tokens, n_dims)."""
    check_keyed_vectors(wv)
    if wv.weighting is not None:
        wv = wv.bake()
    if wv.word_ngrams > 1:
        raise ValueError(
            "wv: a static embedding cannot have word n-grams; fit a weighting, which pools words only "
            "(wv.weighting = SentenceWeighting().fit(wv, sentences)), or use wv.to_embedding_bag()"
        )
    # Empty words and those that are not valid Unicode cannot occur in a text.
    ids = [i for i, word in enumerate(wv.index_to_key) if word and word == word.encode("utf-8", "ignore").decode()]
    if not ids:
        raise ValueError("wv: there are no words")
    words = [wv.index_to_key[i] for i in ids]
    return word_tokenizer(words, _reproducible_tokenizer(wv)), wv.vectors[ids].astype(np.float32)


def _reproducible_tokenizer(wv: Sent2VecKeyedVectors) -> str:
    """The name of the tokenizer; "split", with a warning, if it cannot be reproduced."""
    name = name_of(wv.tokenizer)
    if name in LOWER_CASED and wv.phrases is None:
        return name
    used = describe(wv.tokenizer) + (" and phrases" if wv.phrases is not None else "")
    warn(
        f"these vectors split texts by {used}, but the static embedding splits them at whitespace: pass it "
        '" ".join(wv.tokens(text))'
    )
    return "split"
