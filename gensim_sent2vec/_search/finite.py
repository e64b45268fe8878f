"""NaN and infinite values: refused by name, because a ranking would drop or misplace their rows without a word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._util.rows import rows_not_finite


def check_stored(vectors: np.ndarray, sentences: Sequence[str]) -> None:
    """Raise a ValueError if vectors of an index are not finite, as those of a file may be."""
    rows = rows_not_finite(vectors)
    if len(rows):
        row = int(rows[0])
        raise ValueError(
            f"vectors: {len(rows):,} of {len(vectors):,} rows of the index have NaN or infinite values, first "
            f"row {row:,} ({sentences[row][:40]!r}); repair the word vectors and build the index again"
        )
