"""The mapping between words and their ids, stored in arrays.

A dict of a million Python strings takes a second to unpickle, and hundreds of megabytes in each process. `Vocabulary`
stores the same in three arrays, which can be memory-mapped and shared between processes:

- ``blob``: the words in UTF-8, end to end;
- ``offsets``: word i is ``blob[offsets[i]:offsets[i + 1]]``;
- ``slots``: an open-addressing hash table of word ids.

`Vocabulary` takes the role of gensim's ``key_to_index``, and `IndexToKey` that of ``index_to_key``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
from gensim.utils import SaveLoad

from .. import _kernel
from .._util.counted import counted
from .packed import UTF8_ERRORS, PackedStrings


class Vocabulary(SaveLoad, Mapping[str, int]):
    """A read-only mapping from words to ids, which are 0 to n - 1.

    Parameters
    ----------
    words : PackedStrings
        The words by id.

    Attributes
    ----------
    blob : numpy.ndarray of uint8
    offsets : numpy.ndarray of int64, shape (n_words + 1,)
    slots : numpy.ndarray of uint64, shape (a power of two,)

    Raises
    ------
    ValueError
        If a word occurs twice, or the offsets do not match the blob.
    """

    _table: _kernel.WordTable | None = None

    def __init__(self, words: PackedStrings) -> None:
        # Direct attributes, because gensim stores the large arrays of an object in separate files, which can be mapped.
        self.blob, self.offsets = words.blob, words.offsets
        self.slots = np.zeros(slots_for(len(words)), dtype=np.uint64)
        duplicate = _kernel.build_slots(self.blob, self.offsets, self.slots)
        if duplicate >= 0:
            raise ValueError(f"the word {words[duplicate]!r} occurs twice in the vocabulary")

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Vocabulary:
        """Build a vocabulary of distinct words; the first one gets id 0."""
        return cls(PackedStrings.from_strings(words))

    @classmethod
    def from_arrays(cls, blob: np.ndarray, offsets: np.ndarray, slots: np.ndarray) -> Vocabulary:
        """Wrap existing arrays, which may be memory-mapped: nothing is built, and next to nothing is read.

        The kernel checks every index that it reads from them, so a lookup is safe whatever the arrays contain; `check`
        reports damage.

        Raises
        ------
        ValueError
            If dtypes or shapes are wrong.
        """
        result = cls.__new__(cls)
        result.blob, result.offsets, result.slots = blob, offsets, slots
        result._table = _kernel.WordTable(blob, offsets, slots)
        if offsets[0] != 0 or offsets[-1] != len(blob):
            raise ValueError(f"words.offsets: from {offsets[0]} to {offsets[-1]}, but words.blob has {len(blob)} bytes")
        return result

    def take(self, ids: np.ndarray) -> Vocabulary:
        """A new vocabulary of the words `ids` (int64), numbered in that order."""
        return Vocabulary(self.words.take(ids))

    def check(self) -> None:
        """Check each word.

        Raises
        ------
        ValueError
            If a word is not UTF-8, or is not found under its id, for instance because it occurs twice.
        """
        bad = self.table.check()
        if bad >= 0:
            raise ValueError(
                f"words.slots: word {bad:,} is not found under its id; it occurs twice, or the file is damaged"
            )
        try:
            self.blob.tobytes().decode("utf-8", UTF8_ERRORS)
        except UnicodeDecodeError as error:
            raise ValueError(f"words.blob: not UTF-8 at byte {error.start:,}") from None
        starts = self.offsets[:-1][np.diff(self.offsets) > 0]
        within_character = starts[self.blob[starts] & 0xC0 == 0x80]  # a continuation byte of UTF-8
        if len(within_character):
            raise ValueError(f"words.offsets: a word starts within a character, at byte {within_character[0]:,}")

    @property
    def words(self) -> PackedStrings:
        """The words by id."""
        return PackedStrings(self.blob, self.offsets)

    @property
    def index_to_key(self) -> IndexToKey:
        """The words by id, as gensim expects them."""
        return IndexToKey(self)

    @property
    def table(self) -> _kernel.WordTable:
        """The kernel's view of the arrays."""
        if self._table is None:
            self._table = _kernel.WordTable(self.blob, self.offsets, self.slots)
        return self._table

    def get(self, word: Any, default: Any = None) -> Any:
        i = self.table.find(word) if isinstance(word, str) else -1
        return default if i < 0 else i

    def __getitem__(self, word: str) -> int:
        i = self.get(word, -1)
        if i < 0:
            raise KeyError(word)
        return i

    def __contains__(self, word: object) -> bool:
        return self.get(word, -1) >= 0

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __eq__(self, other: object) -> bool:
        return self.words == other.words if isinstance(other, Vocabulary) else Mapping.__eq__(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_table"}

    def __repr__(self) -> str:
        return f"<Vocabulary of {counted(len(self), 'word')}>"


class IndexToKey(Sequence[str]):
    """gensim's ``index_to_key``: the words of a vocabulary by id.

    It reads like a list and equals a list of the same words, but `in` and `index` use the vocabulary's hash table.
    It only refers to the vocabulary, so that the arrays are stored once when gensim pickles both.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def belongs_to(self, vocabulary: Vocabulary) -> bool:
        """Whether these are the words of that very object."""
        return self._vocabulary is vocabulary

    def __len__(self) -> int:
        return len(self._vocabulary)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._vocabulary.words[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._vocabulary)

    def __contains__(self, word: object) -> bool:
        return word in self._vocabulary

    def index(self, word: str, start: int = 0, stop: int | None = None) -> int:
        i = self._vocabulary.get(word, -1)
        if i < 0 or i not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{word!r} is not in index_to_key")
        return i

    def __eq__(self, other: object) -> bool:
        return self._vocabulary.words == (other._vocabulary.words if isinstance(other, IndexToKey) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'word')}>"


def slots_for(n_words: int) -> int:
    """Size of the hash table for `n_words` words: a power of two, at most half full."""
    return 1 << max(4, (2 * n_words + 1).bit_length())
