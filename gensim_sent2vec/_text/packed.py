"""Many strings as two arrays, which can be mapped from files and shared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from .. import _kernel
from .vocabulary import ERRORS, pack_words

Key = str | int


class Strings(Sequence[str]):
    """A list of strings that are decoded as they are asked for.

    Parameters
    ----------
    blob : numpy.ndarray of uint8
        Their UTF-8, end to end.
    offsets : numpy.ndarray of int64, shape (n + 1,)
        String i is ``blob[offsets[i]:offsets[i + 1]]``.
    """

    def __init__(self, blob: np.ndarray, offsets: np.ndarray) -> None:
        self.blob, self.offsets = np.asarray(blob), np.asarray(offsets)  # slices of numpy.memmap are slow to make

    @classmethod
    def of(cls, strings: Iterable[str]) -> Strings:
        """Strings as arrays."""
        return cls(*pack_words(strings))

    @classmethod
    def joined(cls, parts: Sequence[Strings]) -> Strings:
        """Lists end to end."""
        lengths = np.concatenate([np.zeros(1, dtype=np.int64), *(np.diff(part.offsets) for part in parts)])
        return cls(np.concatenate([np.zeros(0, dtype=np.uint8), *(part.blob for part in parts)]), np.cumsum(lengths))

    def take(self, rows: np.ndarray) -> Strings:
        """The strings `rows` (int64), in that order."""
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.diff(self.offsets)[rows])])
        blob = np.empty(offsets[-1], dtype=np.uint8)
        _kernel.take_words(self.blob, self.offsets, rows, blob)
        return Strings(blob, offsets)

    def rows(self, string: str) -> np.ndarray:
        """Where a string stands (int64, ascending); all of the list is looked through."""
        wanted = string.encode("utf-8", ERRORS)
        begins, lengths = self.offsets[:-1], np.diff(self.offsets)
        as_long = np.flatnonzero(lengths == len(wanted))
        same = [i for i in as_long if self.blob[begins[i] : begins[i] + len(wanted)].tobytes() == wanted]
        return np.array(same, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = range(len(self))[index]
        return self.blob[self.offsets[i] : self.offsets[i + 1]].tobytes().decode("utf-8", ERRORS)

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} strings>"


def pack_keys(keys: Iterable[Key], n: int) -> Strings | np.ndarray:
    """Keys for `n` sentences, all strings or all integers (int64); a ValueError or TypeError for others."""
    keys = list(keys)
    if len(keys) != n:
        raise ValueError(f"keys: {len(keys)} of them for {n} sentences")
    if all(isinstance(key, str) for key in keys):
        return Strings.of(keys)  # type: ignore[arg-type]
    for key in keys:
        if not isinstance(key, (int, np.integer)) or isinstance(key, bool):
            raise TypeError(f"keys: all strings or all integers are expected, got the {type(key).__name__} {key!r}")
    return np.array(keys, dtype=np.int64)
