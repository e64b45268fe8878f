"""A fingerprint of a model, stored with an index: a query must be encoded as the sentences were."""

from __future__ import annotations

import os

import numpy as np

from .._util.counted import counted
from ..keyedvectors import Sent2VecKeyedVectors

N_SENTENCES, N_WORDS = 16, 8  # words per sentence
TOLERANCE = 0.01  # rounding to float16 changes values by far less, another model by far more


def fingerprint(wv: Sent2VecKeyedVectors) -> np.ndarray:
    """Unit vectors of a few sentences made of words of the vocabulary, evenly spaced.

    They depend on the words, word vectors, n-gram vectors and weighting; those of a float16 copy are nearly the same.

    Returns
    -------
    numpy.ndarray of float32, shape (N_SENTENCES, dim)
        No rows if there are no words.
    """
    if not len(wv):
        return np.zeros((0, wv.vector_size), dtype=np.float32)
    ids = np.linspace(0, len(wv) - 1, N_SENTENCES * N_WORDS).astype(int).reshape(N_SENTENCES, N_WORDS)
    return wv.encode([[wv.index_to_key[i] for i in row] for row in ids], normalize=True, show_progress_bar=False)


def check_fingerprint(
    path: str | os.PathLike[str], wv: Sent2VecKeyedVectors, expected: np.ndarray, n_words: int
) -> None:
    """Raise a ValueError unless `wv` has `n_words` words and the fingerprint stored with an index."""
    found = fingerprint(wv) if len(wv) == n_words else None
    if found is None or found.shape != expected.shape or not np.allclose(found, expected, atol=TOLERANCE):
        raise ValueError(
            f"{os.fspath(path)!r} was built with other vectors: {counted(n_words, 'word')}, while the given vectors "
            f"have {counted(len(wv), 'word')} or encode differently; load it with the original vectors, or build the "
            "index again"
        )
