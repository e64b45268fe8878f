"""A vocabulary built on the disk, for one that need not fit the memory allowed.

The arrays are those of `Vocabulary`. Words go to temporary files as they come; the hash table is filled part by part,
each from one pass over the words' hashes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from ... import _kernel
from ..._text.packed import UTF8_ERRORS
from ..._text.vocabulary import slots_for
from ..container import Stream

PART = 1 << 22  # slots of the hash table in memory at a time: 32 MB
BLOCK = 1 << 18  # numbers read at a time
NONE = np.zeros(0, dtype=np.int64)


class DiskVocabulary:
    """Words and their counts in files of a folder, which is the caller's to delete.

    Parameters
    ----------
    folder : str or path-like
        Must exist, with room for about 60 bytes a word.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.n_words = self.n_bytes = self.n_slots = 0
        names = ("blob", "offsets", "hashes", "counts")
        self._files = {name: open(self.folder / name, "wb") for name in names}  # noqa: SIM115
        self._files["offsets"].write(np.zeros(1, dtype=np.int64).tobytes())

    def add(self, blob: np.ndarray, lengths: np.ndarray, hashes: np.ndarray, counts: np.ndarray) -> None:
        """Append words: their bytes end to end, the lengths (int64), hashes (uint64) and counts (int64)."""
        offsets = self.n_bytes + np.cumsum(lengths)
        for name, values in (("blob", blob), ("offsets", offsets), ("hashes", hashes), ("counts", counts)):
            self._files[name].write(values.tobytes())
        self.n_words += len(lengths)
        self.n_bytes += len(blob)

    def close(self) -> None:
        """Close the files; more than once does no harm."""
        for file in self._files.values():
            file.close()

    def finish(self) -> dict[str, Stream]:
        """Build the table; the arrays as the stored layout names them.

        Raises
        ------
        ValueError
            Where a word stands twice.
        """
        self.close()
        self.n_slots = slots_for(self.n_words)
        self._fill_slots()
        return {
            "words.offsets": Stream(np.int64, (self.n_words + 1,), self._numbers("offsets", np.int64)),
            "words.slots": Stream(np.uint64, (self.n_slots,), self._numbers("slots", np.uint64)),
            "words.blob": Stream(np.uint8, (self.n_bytes,), self._numbers("blob", np.uint8)),
            "expandos.count": Stream(np.int64, (self.n_words,), self._numbers("counts", np.int64)),
        }

    def _numbers(self, name: str, dtype: type[np.generic]) -> Iterator[np.ndarray]:
        with open(self.folder / name, "rb") as file:
            while len(block := np.fromfile(file, dtype=dtype, count=BLOCK)):
                yield block

    def _fill_slots(self) -> None:
        """One part after the other; words that run over the end of the last one go on in the first."""
        size = min(PART, self.n_slots)
        begins = range(0, self.n_slots, size)
        over = np.zeros(0, dtype=np.uint64), NONE
        with open(self.folder / "slots", "w+b") as file:
            for i, begin in enumerate(chain(begins, begins)):
                first_time = i < len(begins)
                if not first_time and not len(over[1]):
                    break
                file.seek(8 * begin)
                part = np.zeros(size, dtype=np.uint64) if first_time else np.fromfile(file, np.uint64, size)
                over = self._fill_part(part, begin, over, first_time)
                file.seek(8 * begin)
                part.tofile(file)

    def _fill_part(
        self, part: np.ndarray, begin: int, carried: tuple[np.ndarray, np.ndarray], own: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Words carried over from the part before, then the part's own; those that find no place in it."""
        left = [self._place(part, begin, *carried, True)]
        first = 0
        for hashes in self._numbers("hashes", np.uint64) if own else ():
            ids = np.flatnonzero((hashes & np.uint64(self.n_slots - 1)) // np.uint64(len(part)) == begin // len(part))
            left.append(self._place(part, begin, hashes[ids], ids + first, False))
            first += len(hashes)
        return np.concatenate([h for h, _ in left]), np.concatenate([ids for _, ids in left])

    def _place(
        self, part: np.ndarray, begin: int, hashes: np.ndarray, ids: np.ndarray, carried: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        over, alike = _kernel.insert_words(hashes, ids, part, begin, self.n_slots, carried)
        pairs = np.frombuffer(alike, dtype=np.int64).reshape(-1, 2)
        for a, b in pairs.tolist():
            if (word := self.word(a)) == self.word(b):
                raise ValueError(f"the word {word.decode('utf-8', UTF8_ERRORS)!r} occurs twice in the vocabulary")
        if len(pairs) > 64:
            raise ValueError(f"too many words have the same hash, such as number {pairs[0, 0]} and {pairs[0, 1]}")
        which = np.frombuffer(over, dtype=np.int64)
        return hashes[which], ids[which]

    def word(self, i: int) -> bytes:
        """Word number `i`, once all are written."""
        with open(self.folder / "offsets", "rb") as file:
            file.seek(8 * i)
            begin, end = np.fromfile(file, dtype=np.int64, count=2).tolist()
        with open(self.folder / "blob", "rb") as file:
            file.seek(begin)
            return file.read(end - begin)
