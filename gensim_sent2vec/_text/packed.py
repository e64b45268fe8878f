"""Many strings in two arrays, which can be memory-mapped from a file and shared between processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, overload

import numpy as np

from .. import _kernel
from .._util.counted import counted

UTF8_ERRORS = "surrogatepass"  # any str can be stored, even one with lone surrogates
DECODED_TOGETHER = 1 << 13  # strings


class PackedStrings(Sequence[str]):
    """A read-only list of strings, stored end to end and decoded when they are accessed.

    Parameters
    ----------
    blob : numpy.ndarray of uint8
        The strings in UTF-8, end to end.
    offsets : numpy.ndarray of int64, shape (n + 1,)
        String i is ``blob[offsets[i]:offsets[i + 1]]``.
    """

    def __init__(self, blob: np.ndarray, offsets: np.ndarray) -> None:
        self.blob, self.offsets = np.asarray(blob), np.asarray(offsets)  # slicing a numpy.memmap is slow

    @classmethod
    def from_strings(cls, strings: Iterable[str]) -> PackedStrings:
        """Pack strings."""
        encoded = [string.encode("utf-8", UTF8_ERRORS) for string in strings]
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), _offsets(lengths))

    @classmethod
    def concatenate(cls, parts: Sequence[PackedStrings]) -> PackedStrings:
        """Join several lists, in order."""
        lengths = np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(part.offsets) for part in parts)])
        return cls(np.concatenate([np.zeros(0, dtype=np.uint8), *(part.blob for part in parts)]), _offsets(lengths))

    def take(self, rows: np.ndarray) -> PackedStrings:
        """Select the strings at `rows` (int64), in that order, as `numpy.take` does."""
        offsets = _offsets(np.diff(self.offsets)[rows])
        blob = np.empty(offsets[-1], dtype=np.uint8)
        _kernel.take_words(self.blob, self.offsets, rows, blob)
        return PackedStrings(blob, offsets)

    def part(self, rows: slice) -> PackedStrings:
        """Select adjacent strings, which share the memory of these ones."""
        start, stop, _ = rows.indices(len(self))
        offsets = self.offsets[start : max(start, stop) + 1]
        return PackedStrings(self.blob[offsets[0] : offsets[-1]], offsets - offsets[0])

    def rows(self, string: str) -> np.ndarray:
        """All positions of a string (int64, ascending), by a linear search."""
        encoded = string.encode("utf-8", UTF8_ERRORS)
        starts, lengths = self.offsets[:-1], np.diff(self.offsets)
        candidates = np.flatnonzero(lengths == len(encoded))
        equal = [i for i in candidates if self.blob[starts[i] : starts[i] + len(encoded)].tobytes() == encoded]
        return np.array(equal, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self._decode(start, stop) if step == 1 else [self[i] for i in range(start, stop, step)]
        i = range(len(self))[index]  # resolves negative indices; IndexError or TypeError if there is no such item
        return self.blob[self.offsets[i] : self.offsets[i + 1]].tobytes().decode("utf-8", UTF8_ERRORS)

    def _decode(self, start: int, stop: int) -> list[str]:
        """Strings `start` to `stop`, much faster than one by one: accessing single array items is slow."""
        ends = self.offsets[start : max(start, stop) + 1].tolist()
        text = self.blob[ends[0] : ends[-1]].tobytes()
        return [text[i - ends[0] : j - ends[0]].decode("utf-8", UTF8_ERRORS) for i, j in pairwise(ends)]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), DECODED_TOGETHER):
            yield from self[start : start + DECODED_TOGETHER]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedStrings):
            return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.blob, other.blob)
        return isinstance(other, list) and len(other) == len(self) and all(a == b for a, b in zip(self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'string')}>"


def _offsets(lengths: np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
