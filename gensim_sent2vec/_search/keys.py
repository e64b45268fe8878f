"""Keys of the sentences of an index: what a search returns instead of a row number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .._text.inputs import as_column, is_missing
from .._text.packed import PackedStrings
from .._util.counted import counted

Key = str | int
Keys = PackedStrings | np.ndarray  # one per row: all strings, or all int64


def pack_keys(keys: Iterable[Key], n_sentences: int) -> Keys:
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
    keys = list(as_column(keys, "keys", "keys"))
    if len(keys) != n_sentences:
        found = f"{counted(len(keys), 'key')} for {counted(n_sentences, 'sentence')}"
        raise ValueError(f"keys: expected one per sentence, got {found}")
    if all(isinstance(key, str) for key in keys):
        return PackedStrings.from_strings(keys)  # type: ignore[arg-type]
    for row, key in enumerate(keys):
        if is_missing(key):
            raise TypeError(f"keys: row {row:,}: a missing value ({key!r}); pass a string or an integer per sentence")
        if not is_key(key) or isinstance(key, str) != isinstance(keys[0], str):
            raise TypeError(
                f"keys: expected all strings or all integers, got the {type(key).__name__} {key!r} in row {row:,}"
            )
    if any(not -(1 << 63) <= key < 1 << 63 for key in keys):  # type: ignore[operator]
        raise ValueError("keys: integers must fit in 64 bits; pass strings instead")
    return np.array(keys, dtype=np.int64)


def is_key(key: Any) -> bool:
    """Whether a value has a type that keys can have."""
    return isinstance(key, (str, int, np.integer)) and not isinstance(key, bool)


def join_keys(first: Keys, second: Keys) -> Keys:
    """Concatenate keys; a TypeError if one part has strings and the other integers."""
    if isinstance(first, PackedStrings) and isinstance(second, PackedStrings):
        return PackedStrings.concatenate([first, second])
    if isinstance(first, PackedStrings) or isinstance(second, PackedStrings):
        raise TypeError("keys: strings and integers cannot be mixed; pass keys of the type that the index has")
    return np.concatenate([first, second])


def keys_at(keys: Keys, rows: np.ndarray) -> list[Key]:
    """The keys of the given rows (int64), as str or int."""
    if isinstance(keys, PackedStrings):
        return [keys[row] for row in rows.tolist()]
    return keys[rows].tolist()


def rows_with_key(keys: Keys, key: Key) -> np.ndarray:
    """All rows that have a key (int64, ascending)."""
    if isinstance(keys, PackedStrings) and isinstance(key, str):
        return keys.rows(key)
    if isinstance(keys, PackedStrings) or isinstance(key, str) or not is_key(key):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(keys == key)
