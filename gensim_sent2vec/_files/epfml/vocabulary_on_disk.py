"""Build a vocabulary in files, for one that need not fit into memory.

The arrays are those of `Vocabulary`. Words are appended to temporary files. The hash table is then filled part by part,
each part in one pass over the hashes of all words.
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

SLOTS_IN_MEMORY = 1 << 22  # 32 MB of the hash table
BLOCK_BYTES = 1 << 21  # read from a file at a time
MAX_EQUAL_HASHES = 64  # more pairs of distinct words with the same hash are no coincidence

Words = tuple[np.ndarray, np.ndarray]  # hashes (uint64) and ids (int64)


class DiskVocabulary:
    """Words and their counts in the files of a folder, which the caller must delete.

    Parameters
    ----------
    folder : str or path-like
        An existing folder; it needs about 60 bytes per word.
    slots_in_memory : int
        Slots of the hash table that are in memory at a time, a power of two.
    block_bytes : int
        Bytes that are read at a time.

    Attributes
    ----------
    n_words, n_bytes : int
        Words added, and their length in bytes.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        slots_in_memory: int = SLOTS_IN_MEMORY,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.folder = Path(folder)
        self.slots_in_memory, self.block_bytes = slots_in_memory, block_bytes
        self.n_words = self.n_bytes = self.n_slots = 0
        names = ("blob", "offsets", "hashes", "counts")
        self._files = {name: open(self.folder / name, "wb") for name in names}  # noqa: SIM115
        self._files["offsets"].write(np.zeros(1, dtype=np.int64).tobytes())

    def add(self, blob: np.ndarray, lengths: np.ndarray, hashes: np.ndarray, counts: np.ndarray) -> None:
        """Append words: their bytes end to end (uint8), lengths (int64), hashes (uint64) and counts (int64)."""
        offsets = self.n_bytes + np.cumsum(lengths)
        for name, values in (("blob", blob), ("offsets", offsets), ("hashes", hashes), ("counts", counts)):
            self._files[name].write(values.tobytes())
        self.n_words += len(lengths)
        self.n_bytes += len(blob)

    def close(self) -> None:
        """Close the files; calling it again has no effect."""
        for file in self._files.values():
            file.close()

    def finish(self) -> tuple[dict[str, Stream], Stream]:
        """Build the hash table.

        Returns
        -------
        words : dict of str to Stream
            ``offsets``, ``slots`` and ``blob`` of the `Vocabulary`.
        counts : Stream

        Raises
        ------
        ValueError
            If a word occurs twice.
        """
        self.close()
        self.n_slots = slots_for(self.n_words)
        self._fill_slots()
        words = {
            "offsets": Stream(np.int64, (self.n_words + 1,), self._read("offsets", np.int64)),
            "slots": Stream(np.uint64, (self.n_slots,), self._read("slots", np.uint64)),
            "blob": Stream(np.uint8, (self.n_bytes,), self._read("blob", np.uint8)),
        }
        return words, Stream(np.int64, (self.n_words,), self._read("counts", np.int64))

    def _read(self, name: str, dtype: type[np.generic]) -> Iterator[np.ndarray]:
        """The values of a file, block by block."""
        n = max(1, self.block_bytes // np.dtype(dtype).itemsize)
        with open(self.folder / name, "rb") as file:
            while len(block := np.fromfile(file, dtype=dtype, count=n)):
                yield block

    def _fill_slots(self) -> None:
        """Fill one part after the other; words that do not fit before the end of the table continue at its start."""
        size = min(self.slots_in_memory, self.n_slots)
        begins = range(0, self.n_slots, size)
        overflow: Words = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        with open(self.folder / "slots", "w+b") as file:
            for i, begin in enumerate(chain(begins, begins)):
                first_pass = i < len(begins)
                if not first_pass and not len(overflow[1]):
                    break
                file.seek(8 * begin)
                part = np.zeros(size, dtype=np.uint64) if first_pass else np.fromfile(file, np.uint64, size)
                overflow = self._fill_part(part, begin, overflow, first_pass)
                file.seek(8 * begin)
                part.tofile(file)

    def _fill_part(self, part: np.ndarray, begin: int, carried: Words, first_pass: bool) -> Words:
        """Insert the overflow of the previous part and then, in the first pass, the words of this part.

        Returns the words for which there was no slot left in this part.
        """
        overflow = [self._insert(part, begin, *carried, True)]
        first = 0
        for hashes in self._read("hashes", np.uint64) if first_pass else ():
            ids = np.flatnonzero((hashes & np.uint64(self.n_slots - 1)) // np.uint64(len(part)) == begin // len(part))
            overflow.append(self._insert(part, begin, hashes[ids], ids + first, False))
            first += len(hashes)
        return np.concatenate([hashes for hashes, _ in overflow]), np.concatenate([ids for _, ids in overflow])

    def _insert(self, part: np.ndarray, begin: int, hashes: np.ndarray, ids: np.ndarray, carried: bool) -> Words:
        left_over, equal_hashes = _kernel.insert_words(hashes, ids, part, begin, self.n_slots, carried)
        pairs = np.frombuffer(equal_hashes, dtype=np.int64).reshape(-1, 2)
        for a, b in pairs.tolist():
            if (word := self.word(a)) == self.word(b):
                raise ValueError(f"the word {word.decode('utf-8', UTF8_ERRORS)!r} occurs twice in the vocabulary")
        if len(pairs) > MAX_EQUAL_HASHES:
            raise ValueError(f"too many words have the same hash, such as words {pairs[0, 0]} and {pairs[0, 1]}")
        which = np.frombuffer(left_over, dtype=np.int64)
        return hashes[which], ids[which]

    def word(self, i: int) -> bytes:
        """Word `i`; only after all words have been written."""
        with open(self.folder / "offsets", "rb") as file:
            file.seek(8 * i)
            begin, end = np.fromfile(file, dtype=np.int64, count=2).tolist()
        with open(self.folder / "blob", "rb") as file:
            file.seek(begin)
            return file.read(end - begin)
