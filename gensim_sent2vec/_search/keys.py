"""Keys of the sentences of an index: what a search returns in place of a sentence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .._text.packed import PackedStrings

Key = str | int


def pack_keys(keys: Iterable[Key], n_sentences: int) -> PackedStrings | np.ndarray:
    """Check the keys of an index, one per sentence, and store them compactly.

    Returns
    -------
    PackedStrings or numpy.ndarray of int64
        Of length `n_sentences`.

    Raises
    ------
    ValueError
        If there are more or fewer keys than sentences.
    TypeError
        If the keys are neither all strings nor all integers.
    """
    keys = list(keys)
    if len(keys) != n_sentences:
        raise ValueError(f"keys: expected one per sentence, got {len(keys)} keys for {n_sentences} sentences")
    if all(isinstance(key, str) for key in keys):
        return PackedStrings.from_strings(keys)  # type: ignore[arg-type]
    for key in keys:
        if not isinstance(key, (int, np.integer)) or isinstance(key, bool):
            raise TypeError(f"keys: expected all strings or all integers, got the {type(key).__name__} {key!r}")
    return np.array(keys, dtype=np.int64)
