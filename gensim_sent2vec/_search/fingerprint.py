"""Are these the vectors that an index was built with?"""

from __future__ import annotations

import os

import numpy as np

from ..keyedvectors import Sent2VecKeyedVectors

PROBES, PROBE_WORDS = 16, 8
TOLERANCE = 0.01  # float16 vectors stay far below it, another model far above


def probe(wv: Sent2VecKeyedVectors) -> np.ndarray:
    """Unit vectors of a few sentences made of the model's own words, shape (PROBES, dim) float32.

    They change with the words, the rows, the n-grams and the weighting; those of float16 copies hardly differ.
    """
    if not len(wv):
        return np.zeros((0, wv.vector_size), dtype=np.float32)
    ids = np.linspace(0, len(wv) - 1, PROBES * PROBE_WORDS).astype(int).reshape(PROBES, PROBE_WORDS)
    return wv.encode([[wv.index_to_key[i] for i in row] for row in ids], normalize=True, show_progress_bar=False)


def check_built_with(
    path: str | os.PathLike[str], wv: Sent2VecKeyedVectors, expected: np.ndarray, n_words: int
) -> None:
    """Raise a ValueError where `wv` does not give the `probe` that was saved with an index."""
    found = probe(wv) if len(wv) == n_words else None
    if found is None or found.shape != expected.shape or not np.allclose(found, expected, atol=TOLERANCE):
        raise ValueError(
            f"{os.fspath(path)!r} was built with other vectors: of {n_words:,} words, those given have {len(wv):,} or "
            "embed differently; load it with the same ones, or build the index again"
        )
