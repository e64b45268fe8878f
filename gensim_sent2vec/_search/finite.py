"""NaN and infinite values: refused by name, because a ranking would drop or misplace their rows without a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._util.rows import rows_not_finite
from ..keyedvectors import Sent2VecKeyedVectors, Sentence


def check_encoded(
    wv: Sent2VecKeyedVectors, vectors: np.ndarray, sentences: Sequence[Any], name: str, first: int = 0
) -> None:
    """Raise a ValueError if an encoded sentence is not finite, with its row and the word that is to blame.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        The vectors that encoded the sentences.
    vectors : numpy.ndarray, shape (n, dim)
    sentences : sequence of str or of sequences of str
    name : str
        The argument that the error names.
    first : int
        The row of the first sentence.
    """
    rows = rows_not_finite(vectors)
    if len(rows):
        row = int(rows[0])
        sentence = sentences[row]
        raise ValueError(
            f"{name}: row {first + row:,} ({str(sentence)[:40]!r}) has no finite vector, because "
            f"{_cause(wv, sentence)}; repair these vectors (for instance, set them to 0), and fit the weighting again"
        )


def _cause(wv: Sent2VecKeyedVectors, sentence: Sentence) -> str:
    for token in wv.tokens(sentence) if isinstance(sentence, str) else sentence:
        if token in wv and not np.isfinite(wv.vectors[wv.key_to_index[token]]).all():
            return f"that of the word {token!r} has NaN or infinite values"
    return "a row of its word n-grams or of the weighting has NaN or infinite values"


def check_stored(vectors: np.ndarray, sentences: Sequence[str]) -> None:
    """Raise a ValueError if vectors of an index are not finite, as those of a file may be."""
    rows = rows_not_finite(vectors)
    if len(rows):
        row = int(rows[0])
        raise ValueError(
            f"vectors: {len(rows):,} of {len(vectors):,} rows of the index have NaN or infinite values, first "
            f"row {row:,} ({sentences[row][:40]!r}); repair the word vectors and build the index again"
        )
