"""The vectors in other libraries: torch, Keras, sentence-transformers, model2vec.

`to_embedding_bag` and `to_keras` give layers that can be trained further, with word n-grams. `to_static_embedding` and
`to_model2vec` give static embeddings, the mean of the rows of a text's words; see `Sent2VecKeyedVectors.bake`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _kernel
from ._text.static_tokenizer import LOWER_CASED, word_tokenizer
from .keyedvectors import Sent2VecKeyedVectors, Sentence, check_keyed_vectors
from .tokenizers import describe, name_of

if TYPE_CHECKING:
    import torch
    from model2vec import StaticModel
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

PADDING, NOTHING = 0, 1  # numbers of rows in `padded_rows`: no more rows; a sentence of which nothing is known

Lookup = Callable[[Sequence[Sentence]], "tuple[torch.Tensor, torch.Tensor]"]


def sentence_rows(wv: Sent2VecKeyedVectors, sentences: Sequence[Sentence]) -> tuple[np.ndarray, np.ndarray]:
    """The rows whose mean is a sentence's vector, end to end.

    With the matrix `stacked_rows` that is all that another framework needs for a layer of the same kind.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    sentences : sequence of str or of sequences of str

    Returns
    -------
    rows : numpy.ndarray of int64
        Words by number, then word n-grams, row r of `vectors_ngrams` as n_words + r.
    offsets : numpy.ndarray of int64, shape (n_sentences,)
        Where each sentence's rows begin.

    Raises
    ------
    TypeError
        Where `sentences` is one string, or not of strings or lists of strings.
    """
    check_keyed_vectors(wv)
    if isinstance(sentences, (str, bytes)):
        raise TypeError("sentences: a list of sentences is expected, got one string")
    encoder = _kernel.Encoder(
        wv.freeze(),
        wv.vectors,
        wv.vectors_ngrams,
        word_ngrams=wv.word_ngrams,
        skip_bigrams=wv.skip_bigrams,
        ngram_hash=wv.ngram_hash,
    )
    numbers, ends = encoder.row_ids(_kernel.Pack(list(wv._for_kernel(sentences))))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.frombuffer(ends, dtype=np.int64)])[:-1]
    return np.frombuffer(numbers, dtype=np.int64), offsets


def stacked_rows(wv: Sent2VecKeyedVectors) -> np.ndarray:
    """The rows of words and then of n-grams in one matrix, shape (n_words + bucket, vector_size) float32; a copy."""
    check_keyed_vectors(wv)
    words = np.asarray(wv.vectors, dtype=np.float32)
    return np.concatenate([words, np.asarray(wv.vectors_ngrams, dtype=np.float32)])


def to_embedding_bag(wv: Sent2VecKeyedVectors, trainable: bool = True, sparse: bool = False) -> tuple[Any, Lookup]:
    """The vectors as a ``torch.nn.EmbeddingBag``, and the function that makes its input.

    ::

        bag, lookup = to_embedding_bag(wv)
        bag(*lookup(["police arrested two men", "it rained"]))  # (2, vector_size), as wv.encode(…) with plain means

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    trainable : bool
        Whether the rows get gradients.
    sparse : bool
        Gradients of the rows used only, for `torch.optim.SparseAdam` and the like: with millions of n-gram rows a
        step is many times faster.

    Returns
    -------
    bag : torch.nn.EmbeddingBag
        Words and word n-grams, mode "mean", with a copy of the rows; no weighting.
    lookup : callable
        A list of sentences -> the tensors `input` and `offsets` (int64) of `bag`, on the CPU.

    Raises
    ------
    ImportError
        Without torch.
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


def padded_rows(wv: Sent2VecKeyedVectors, sentences: Sequence[Sentence]) -> np.ndarray:
    """`sentence_rows` as a rectangle, for layers that skip what is masked.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    sentences : sequence of str or of sequences of str

    Returns
    -------
    numpy.ndarray of int64, shape (n_sentences, n_rows of the longest, at least 1)
        Row r of `stacked_rows` as r + 2; then 0, padding. A sentence of which nothing is known begins with 1, as the
        mean of nothing but padding is no number.

    Raises
    ------
    TypeError
        As `sentence_rows`.
    """
    rows, offsets = sentence_rows(wv, sentences)
    lengths = np.diff(np.append(offsets, len(rows)))
    padded = np.full((len(lengths), lengths.max(initial=1)), PADDING, dtype=np.int64)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = rows + 2
    padded[lengths == 0, 0] = NOTHING
    return padded


def to_keras(
    wv: Sent2VecKeyedVectors, trainable: bool = True
) -> tuple[Any, Callable[[Sequence[Sentence]], np.ndarray]]:
    """The vectors as Keras layers, an ``Embedding`` and the mean, and the function that makes their input.

    ::

        layers, lookup = to_keras(wv)
        layers(lookup(["police arrested two men", "it rained"]))  # (2, vector_size), as wv.encode(…) with plain means
        model = keras.Sequential([layers, keras.layers.Dense(2)])

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    trainable : bool
        Whether the rows get gradients.

    Returns
    -------
    layers : keras.Sequential
        Words and word n-grams, with a copy of the rows; no weighting. The first two of its rows, of zeros, are padding
        and what stands for a sentence of which nothing is known.
    lookup : callable
        A list of sentences -> `padded_rows`.

    Raises
    ------
    ImportError
        Without Keras 3 or one of the packages that it computes with.
    """
    try:
        import keras
    except ImportError as error:
        raise ImportError(
            f'to_keras needs keras ({error}): pip install "gensim-sent2vec[keras]"; that extra computes with torch, '
            "which Keras is told by the environment: KERAS_BACKEND=torch"
        ) from error
    rows = stacked_rows(wv)
    weights = np.concatenate([np.zeros((2, wv.vector_size), dtype=np.float32), rows])
    embedding = keras.layers.Embedding(*weights.shape, weights=[weights], mask_zero=True, trainable=trainable)
    return keras.Sequential([embedding, keras.layers.GlobalAveragePooling1D()]), partial(padded_rows, wv)


# -----------------------------------------------------------------------------------------------------
# Static embeddings


def to_static_embedding(wv: Sent2VecKeyedVectors) -> StaticEmbedding:
    """The vectors as a module of sentence-transformers, whose mean of a text's rows is the sentence's vector.

    ::

        model = SentenceTransformer(modules=[wv.bake(sentences=corpus).to_static_embedding()])
        model.encode(["police arrested two men", "it rained"])  # (2, n_numbers)
        model.save("my-model")

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        Those with a weighting are baked first (`Sent2VecKeyedVectors.bake`), others taken as they are. Texts are taken
        apart as by their tokenizer "split", "words" or "simple".

    Returns
    -------
    sentence_transformers.sentence_transformer.modules.StaticEmbedding
        With a copy of the rows, float32, which can be trained further. A text without a known word has zeros.

    Raises
    ------
    ImportError
        Without sentence-transformers.
    ValueError
        Where there are no words, or word n-grams without a weighting: n-grams have no place there.

    Warns
    -----
    UserWarning
        For another tokenizer and for phrases: texts are split at whitespace, and are to be given as
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


def to_model2vec(wv: Sent2VecKeyedVectors) -> StaticModel:
    """The vectors as a model of model2vec, whose mean of a text's rows is the sentence's vector.

    ::

        model = wv.bake(sentences=corpus).to_model2vec()
        model.encode(["police arrested two men", "it rained"])  # (2, n_numbers)
        model.save_pretrained("my-model")

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        As in `to_static_embedding`; its errors and warnings too.

    Returns
    -------
    model2vec.StaticModel
        With a copy of the rows, float32; texts of any length. A text without a known word has zeros.

    Raises
    ------
    ImportError
        Without model2vec.
    """
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise ImportError(f'to_model2vec needs model2vec ({error}): pip install "gensim-sent2vec[static]"') from error
    tokenizer, rows = static_parts(wv)
    return StaticModel(rows, tokenizer, max_length=None)


def static_parts(wv: Sent2VecKeyedVectors) -> tuple[Tokenizer, np.ndarray]:
    """A tokenizer of texts, and the rows of its tokens, float32 (n_tokens, n_numbers): a copy."""
    check_keyed_vectors(wv)
    if wv.weighting is not None:
        wv = wv.bake()
    if wv.word_ngrams > 1:
        raise ValueError(
            "wv: rows of word n-grams have no place in a static embedding; fit a weighting, which reads sentences out "
            "by their words (wv.weighting = SentenceWeighting().fit(wv, sentences)), or take wv.to_embedding_bag()"
        )
    # No text has such words: nothing, and what is no UTF-8.
    ids = [i for i, word in enumerate(wv.index_to_key) if word and word == word.encode("utf-8", "ignore").decode()]
    if not ids:
        raise ValueError("wv: there are no words")
    return word_tokenizer([wv.index_to_key[i] for i in ids], _with_keys(wv)), wv.vectors[ids].astype(np.float32)


def _with_keys(wv: Sent2VecKeyedVectors) -> str:
    """The tokenizer that is to be rebuilt, or "split", with a warning, for one that cannot be."""
    name = name_of(wv.tokenizer)
    if name in LOWER_CASED and wv.phrases is None:
        return name
    warnings.warn(
        f"these vectors take texts apart by {describe(wv.tokenizer)}{' and phrases' if wv.phrases is not None else ''}"
        ', the static embedding at whitespace: give it " ".join(wv.tokens(text))',
        stacklevel=4,
    )
    return "split"
