"""Whether the vectors of an index still are what its model computes: a query must be encoded as the sentences were.

A model can be trained on, given other rows or another weighting, while an index of its sentences exists. Each use of
the index compares the model's objects, and some values of its arrays, with those of the last use. This takes some
microseconds. Only if something changed are sentences encoded again, to see whether it matters: all of them after words
were given other vectors, be it a single one, otherwise a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._util.rows import sampled_values
from ..keyedvectors import Sent2VecKeyedVectors

MAX_SENTENCES = 2048  # encoded together, and the size of a sample
TOLERANCE = 0.02  # length of the difference of unit vectors, which bounds the change of a score; float16 rounds by less


class Freshness:
    """Checks that a model still encodes the sentences of an index as they were encoded.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        The model, in the state that the index was built with.
    """

    def __init__(self, wv: Sent2VecKeyedVectors) -> None:
        self._objects, self._values, self._row_version = _objects(wv), _values(wv), wv.row_version

    def check(self, wv: Sent2VecKeyedVectors, vectors: np.ndarray, sentences: Sequence[str]) -> None:
        """Check the model before it is used with the index.

        Parameters
        ----------
        wv : Sent2VecKeyedVectors
        vectors : numpy.ndarray of float32 or float16, shape (n, dim)
            Unit vectors of the index.
        sentences : sequence of str
            The sentences of the index.

        Raises
        ------
        ValueError
            If the model changed so that it encodes sentences of the index differently.
        """
        objects, values = _objects(wv), _values(wv)
        rows_replaced = wv.row_version != self._row_version
        if not rows_replaced and all(a is b for a, b in zip(objects, self._objects)) and values == self._values:
            return
        step = 1 if rows_replaced else 1 + len(vectors) // MAX_SENTENCES
        if not _encodes_equally(wv, vectors, sentences, step):
            raise ValueError(
                "wv: the vectors or their weighting changed since the index was built, so scores would be wrong; build "
                "the index again with SentenceIndex.build, or restore the vectors"
            )
        self._objects, self._values, self._row_version = objects, values, wv.row_version


def _objects(wv: Sent2VecKeyedVectors) -> tuple[Any, ...]:
    """What is replaced, not changed in place, when the model changes. The attributes of a weighting are immutable."""
    weighting = wv.weighting
    of_weighting = (None, None) if weighting is None else (weighting._parameters, weighting._fitted)
    mode = wv.word_ngrams, wv.skip_bigrams, wv.ngram_hash
    return wv, wv.freeze(), wv.vectors, wv.vectors_ngrams, *mode, *of_weighting


def _values(wv: Sent2VecKeyedVectors) -> list[bytes]:
    """Values of the arrays that can be changed in place, as training does; memory-mapped arrays cannot."""
    weighting = wv.weighting
    arrays = [wv.vectors, wv.vectors_ngrams]
    if weighting is not None:
        arrays += [array for array in (weighting.rows, weighting.weights) if array is not None]
    return [sampled_values(array) for array in arrays if array.flags.writeable]


def _encodes_equally(wv: Sent2VecKeyedVectors, vectors: np.ndarray, sentences: Sequence[str], step: int) -> bool:
    """Whether each `step`-th sentence of the index is encoded as its stored vector."""
    if wv.sentence_size != vectors.shape[1]:
        return False
    rows = np.arange(0, len(vectors), step)
    blocks = (rows[i : i + MAX_SENTENCES] for i in range(0, len(rows), MAX_SENTENCES))
    return all(_block_is_equal(wv, vectors, sentences, block) for block in blocks)


def _block_is_equal(wv: Sent2VecKeyedVectors, vectors: np.ndarray, sentences: Sequence[str], rows: np.ndarray) -> bool:
    texts = [sentences[row] for row in rows.tolist()]
    stored = vectors[rows].astype(np.float32)
    differs = np.ones(len(rows), dtype=bool)
    # The index does not know whether a sentence was passed as a text or as tokens, which it joined by spaces.
    for prepare in (str.split, str):
        left = np.flatnonzero(differs)
        if len(left):
            again = wv.encode([prepare(texts[i]) for i in left], normalize=True, show_progress_bar=False)
            differs[left] = ~(np.linalg.norm(again - stored[left], axis=1) <= TOLERANCE)  # NaN differs
    return not differs.any()
