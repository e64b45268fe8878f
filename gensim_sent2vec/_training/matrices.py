"""The weight matrices of a model: their random initial values and the memory that they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .. import _kernel
from .._util import memory
from .._util.rows import empty_rows, zero_rows
from .._util.threads import slices_of, threads_over

# Independent streams of random numbers, all derived from the model's seed.
WORDS, NGRAMS, PLACEHOLDER, TRAINING = range(4)

# Bytes per word of the vocabulary: the UTF-8 of ten characters, offset, hash slots, count, sample_int.
WORD_BYTES = 10 + 8 + 4 * 8 + 8 + 4


class Matrices(NamedTuple):
    """What training changes; all float32.

    Attributes
    ----------
    words : numpy.ndarray, shape (n_words, dim)
        Input vectors of the words.
    ngrams : numpy.ndarray, shape (bucket, dim)
        Input vectors of the n-gram buckets; no rows in a unigram model.
    placeholder : numpy.ndarray, shape (dim,)
        Input vector at the position of the target.
    output : numpy.ndarray, shape (n_words, dim)
        Output vectors of the words.
    """

    words: np.ndarray
    ngrams: np.ndarray
    placeholder: np.ndarray
    output: np.ndarray


def initial_matrices(n_words: int, n_ngrams: int, dim: int, seed: int, workers: int) -> Matrices:
    """Random input vectors and zero output vectors, the same whatever the number of threads."""
    return Matrices(
        random_rows(n_words, dim, seed, WORDS, workers),
        random_rows(n_ngrams, dim, seed, NGRAMS, workers),
        random_rows(1, dim, seed, PLACEHOLDER)[0],
        zero_rows(n_words, dim),
    )


def random_rows(n: int, dim: int, seed: int, stream: int, workers: int = 1, first: int = 0) -> np.ndarray:
    """Rows `first` to `first` + `n` of an endless random matrix.

    A value depends on the seed, the stream and its own position only. So rows can be appended later, and threads can
    share the work.

    Returns
    -------
    numpy.ndarray of float32, shape (n, dim)
        Uniform in ±1/dim.
    """
    rows = empty_rows(n, dim)
    kernel_seed = stream_seed(seed, stream)
    parts = iter(slices_of(n, max(1, -(-n // workers))))

    def fill(_: int, part: slice) -> None:
        _kernel.fill_uniform(rows[part], kernel_seed, 1 / dim, (first + part.start) * dim)

    with threads_over([parts] * workers, fill):
        pass
    return rows


def stream_seed(seed: int, *stream: int) -> int:
    """The kernel's seed for one stream of random numbers, identified by the integers in `stream`."""
    return int(np.random.SeedSequence([seed, *stream]).generate_state(1, np.uint64)[0])


def check_vocabulary(words: Sequence[str], vectors: np.ndarray) -> None:
    """Raise a ValueError if there are not enough words to train, or no vectors for them."""
    if not len(words) or not len(vectors):
        raise ValueError("train: the vocabulary is empty; call build_vocab(sentences) first")
    if len(words) < 2:
        raise ValueError(
            f"train: the vocabulary contains a single word, {words[0]!r}, so there are no negative samples; "
            "pass a lower min_count or a larger corpus"
        )


NAMES = "wv.vectors", "wv.vectors_ngrams", "placeholder", "syn1neg"  # of the matrices, for errors


def check_output_vectors(vectors: np.ndarray, output: np.ndarray | None) -> None:
    """Raise a ValueError unless there are output vectors for the words; words added last may lack them."""
    if output is None:
        raise ValueError("train: the model has no output vectors (syn1neg was deleted), so it cannot be trained")
    if output.shape[1:] != vectors.shape[1:] or len(output) > len(vectors):
        raise ValueError(f"train: syn1neg of shape {output.shape} does not match wv.vectors of shape {vectors.shape}")


def check_matrices(matrices: Matrices, n_words: int, bucket: int) -> None:
    """Raise a ValueError that names a matrix that cannot be trained: missing, of another shape or type, or read-only.

    Parameters
    ----------
    matrices : Matrices
        What users may have deleted (None) or replaced.
    n_words, bucket : int
        Rows of words and of n-grams that the model needs.
    """
    check_output_vectors(matrices.words, matrices.output)
    dim = matrices.words.shape[1]
    for name, matrix, shape in zip(NAMES, matrices, ((n_words, dim), (bucket, dim), (dim,), (n_words, dim))):
        if matrix is None:
            raise ValueError(f"train: the model has no {name} (it was deleted), so it cannot be trained")
        if matrix.shape != shape:
            raise ValueError(
                f"train: {name} must be of shape {shape}, got {matrix.shape}; after wv.add_vectors, call "
                "build_vocab(sentences, update=True)"
            )
        if matrix.dtype != np.float32:
            raise ValueError(
                f"train: {name} must be float32, got {matrix.dtype}; convert it with astype(numpy.float32)"
            )
        if not matrix.flags.c_contiguous:
            raise ValueError(f"train: {name} must be C-contiguous; convert it with numpy.ascontiguousarray")
        if not matrix.flags.writeable:
            raise ValueError(f"train: {name} is read-only (memory-mapped); load the model without mmap to train it")


# -----------------------------------------------------------------------------------------------------
# Memory


def memory_estimate(n_words: int, n_ngrams: int, dim: int, lexical_dims: int | None) -> dict[str, int]:
    """Bytes by part of a model. `lexical_dims`: those of its weighting, None without a weighting."""
    row = 4 * dim
    estimate = {
        "vocab": n_words * WORD_BYTES,
        "vectors": n_words * row,
        "vectors_ngrams": n_ngrams * row,
        "syn1neg": n_words * row,
    }
    if lexical_dims is not None:
        estimate["weighting"] = n_words * (row + 4 * lexical_dims + 4)
    return estimate


def require_memory(n_rows: int, dim: int, n_words: int, n_ngrams: int, min_count: int) -> None:
    """Raise a MemoryError if `n_rows` more rows do not fit, before they are allocated.

    `n_words`, `n_ngrams` and `min_count` are those of the model, for the message.
    """
    advice = [f"a larger min_count (now {min_count}) or a max_final_vocab", "a smaller vector_size"]
    if n_ngrams > n_words:
        advice.insert(0, f"a smaller bucket (now {n_ngrams})")
    ngrams = f" and {n_ngrams} n-gram rows" if n_ngrams else ""
    memory.require(4 * n_rows * dim, f"training {n_words} words{ngrams} of {dim} dimensions", advice)
