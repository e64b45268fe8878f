"""Words <-> ids as arrays, and the counting of words.

A vocabulary of a million words as a dict of Python strings takes a second to unpickle and hundreds of
megabytes in every process. Here it is three arrays, which can be mapped from files and shared:

- ``blob``: the words' UTF-8, end to end;
- ``offsets``: word i is ``blob[offsets[i]:offsets[i + 1]]``;
- ``slots``: an open-addressing hash table of word ids.

`Vocabulary` stands in for gensim's ``key_to_index`` and `Words` for its ``index_to_key``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice, pairwise
from operator import index as as_index
from typing import Any, overload

import numpy as np
from gensim.utils import SaveLoad

from .. import _kernel
from .._util.progress import Progress
from .._util.threads import slices_of, threads_over

ERRORS = "surrogatepass"  # any str can be a word, lone surrogates too
SLICE = 1 << 24  # bytes of a corpus file that are counted between two looks at the progress
BATCH = 1 << 13  # sentences of an iterable that are handed to the counter together, words read together


class Words(Sequence[str]):
    """The words of a vocabulary by id, like a list; decoded as they are asked for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def __len__(self) -> int:
        return len(self._vocabulary)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._vocabulary.words_between(start, stop)
            return [self[i] for i in range(start, stop, step)]
        i = as_index(index)
        if i < 0:
            i += len(self)
        if not 0 <= i < len(self):
            raise IndexError(f"word {index} of {len(self)}")
        return self._vocabulary.word(i)

    def __iter__(self) -> Iterator[str]:
        return iter(self._vocabulary)

    def __contains__(self, word: object) -> bool:
        return word in self._vocabulary

    def index(self, word: str, start: int = 0, stop: int | None = None) -> int:
        i = self._vocabulary.get(word, -1)
        if i < 0 or i not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{word!r} is not among the words")
        return i

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Words):
            return self._vocabulary == other._vocabulary
        return isinstance(other, list) and len(other) == len(self) and all(a == b for a, b in zip(self, other))

    def __repr__(self) -> str:
        return f"<{len(self)} words>"


class Packed:
    """Words laid end to end in ``blob``, word i at ``offsets[i]`` to ``offsets[i + 1]``."""

    blob: np.ndarray
    offsets: np.ndarray

    def word(self, i: int) -> str:
        """Word number `i`."""
        return self.blob[self.offsets[i] : self.offsets[i + 1]].tobytes().decode("utf-8", ERRORS)

    def words_between(self, start: int, stop: int) -> list[str]:
        """Words number `start` to `stop`: single items of mapped arrays take their time."""
        ends = self.offsets[start : max(start, stop) + 1].tolist()
        text = self.blob[ends[0] : ends[-1]].tobytes()
        return [text[begin - ends[0] : end - ends[0]].decode("utf-8", ERRORS) for begin, end in pairwise(ends)]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[str]:
        for i in range(0, len(self), BATCH):
            yield from self.words_between(i, i + BATCH)


class Vocabulary(SaveLoad, Packed, Mapping[str, int]):
    """Word -> id, a read-only mapping over arrays.

    Parameters
    ----------
    blob : numpy.ndarray of uint8
        The words' UTF-8, end to end.
    offsets : numpy.ndarray of int64, shape (n_words + 1,)
        Word i is ``blob[offsets[i]:offsets[i + 1]]``.

    Raises
    ------
    ValueError
        Where a word stands twice, or the offsets are not those of the blob.
    """

    slots: np.ndarray
    _table: _kernel.WordTable | None = None

    def __init__(self, blob: np.ndarray, offsets: np.ndarray) -> None:
        self.blob, self.offsets = blob, offsets
        self.slots = np.zeros(slots_for(len(offsets) - 1), dtype=np.uint64)
        twice = _kernel.build_slots(blob, offsets, self.slots)
        if twice >= 0:
            raise ValueError(f"the word {self.word(twice)!r} stands twice in the vocabulary")

    @classmethod
    def from_words(cls, words: Iterable[str]) -> Vocabulary:
        """A vocabulary of the given words, the first one with id 0."""
        return cls(*pack_words(words))

    @classmethod
    def over(cls, blob: np.ndarray, offsets: np.ndarray, slots: np.ndarray) -> Vocabulary:
        """A vocabulary over arrays that are there, which may be mapped: nothing is built, and hardly anything read.

        The kernel believes no number in them, so whatever they hold, a look-up ends well; see `check`.

        Parameters
        ----------
        slots : numpy.ndarray of uint64, shape (a power of two above the number of words,)

        Raises
        ------
        ValueError
            Where they are not of these types and shapes.
        """
        result = cls.__new__(cls)
        result.blob, result.offsets, result.slots = blob, offsets, slots
        result._table = _kernel.WordTable(blob, offsets, slots)
        if offsets[0] != 0 or offsets[-1] != len(blob):
            raise ValueError(f"words.offsets: from {offsets[0]} to {offsets[-1]}, for {len(blob)} bytes of words")
        return result

    def check(self) -> None:
        """Look at each word.

        Raises
        ------
        ValueError
            Where one is not UTF-8, or is not found under its id, as one that stands twice.
        """
        bad = self.table.check()
        if bad >= 0:
            raise ValueError(
                f"words.slots: word {bad:,} is not found under its id; it stands twice, or they are damaged"
            )
        try:
            self.blob.tobytes().decode("utf-8", ERRORS)
        except UnicodeDecodeError as error:
            raise ValueError(f"words.blob: no UTF-8 at byte {error.start:,} of it") from None
        begins = self.offsets[:-1][np.diff(self.offsets) > 0]
        split = np.flatnonzero(self.blob[begins] & 0xC0 == 0x80)
        if len(split):
            raise ValueError(f"words.offsets: byte {begins[split[0]]:,} of the blob, within a character, begins a word")

    @property
    def words(self) -> Words:
        """The words by id."""
        return Words(self)

    @property
    def table(self) -> _kernel.WordTable:
        """The arrays as the kernel takes them."""
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

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Vocabulary):
            return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.blob, other.blob)
        return Mapping.__eq__(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_table"}

    def __repr__(self) -> str:
        return f"<Vocabulary of {len(self)} words>"


def slots_for(n_words: int) -> int:
    """The length of the hash table of so many words: a power of two, no more than half full."""
    return 1 << max(4, (2 * n_words + 1).bit_length())


class WordCounts(Packed, Mapping[str, int]):
    """Words and how often they occur, a read-only mapping (gensim's ``raw_vocab``).

    Parameters
    ----------
    blob, offsets : numpy.ndarray
        The words, as in `Vocabulary`.
    counts : numpy.ndarray of int64, shape (n_words,)
    """

    def __init__(self, blob: np.ndarray, offsets: np.ndarray, counts: np.ndarray) -> None:
        self.blob, self.offsets, self.counts = blob, offsets, counts
        self._vocabulary: Vocabulary | None = None

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> WordCounts:
        """Word counts from a dict."""
        if isinstance(counts, WordCounts):
            return counts
        for word, count in counts.items():
            if not isinstance(word, str) or not isinstance(count, (int, np.integer)) or count < 0:
                raise ValueError(f"word_freq: words with counts >= 0 are expected, got {word!r}: {count!r}")
        return cls(*pack_words(counts), np.fromiter(counts.values(), dtype=np.int64, count=len(counts)))

    @property
    def vocabulary(self) -> Vocabulary:
        """The words by id; its table is built when first asked for."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self.blob, self.offsets)
        return self._vocabulary

    def take(self, ids: np.ndarray) -> WordCounts:
        """The words `ids` (int64), in that order."""
        offsets = np.zeros(len(ids) + 1, dtype=np.int64)
        np.cumsum(np.diff(self.offsets)[ids], out=offsets[1:])
        blob = np.empty(offsets[-1], dtype=np.uint8)
        _kernel.take_words(self.blob, self.offsets, ids, blob)
        return WordCounts(blob, offsets, self.counts[ids])

    def __getitem__(self, word: str) -> int:
        return int(self.counts[self.vocabulary[word]])

    def __repr__(self) -> str:
        return f"<WordCounts of {len(self)} words>"


def pack_words(words: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """The blob and the offsets of some words."""
    encoded = [word.encode("utf-8", ERRORS) for word in words]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded)), out=offsets[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets


def _exported(counter: _kernel.CorpusCounter) -> WordCounts:
    blob, offsets, counts = counter.export()
    return WordCounts(
        np.frombuffer(blob, dtype=np.uint8),
        np.frombuffer(offsets, dtype=np.int64),
        np.frombuffer(counts, dtype=np.int64),
    )


def batches(sentences: Iterable[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """Lists of up to `size` sentences."""
    iterator = iter(sentences)
    while batch := list(islice(iterator, size)):
        yield batch


def count_words(
    sentences: Iterable[Sequence[str]], max_vocab_size: int | None = None, show: bool | None = None
) -> tuple[WordCounts, int, int]:
    """Count the words of an iterable of token lists.

    Returns
    -------
    counts : WordCounts
        In order of first appearance.
    n_sentences, n_tokens : int

    Raises
    ------
    TypeError
        Where a sentence is a string or a token is not one.
    """
    counter = _kernel.CorpusCounter(max_vocab_size or 0)
    with Progress("vocabulary", None, "tokens", show) as progress:
        for batch in batches(sentences):
            if isinstance(batch[0], str):
                raise TypeError(f"sentences: each sentence must be a list of tokens, got the string {batch[0][:40]!r}")
            counter.add_pack(_kernel.Pack(batch))
            progress.update(counter.tokens)
    return _exported(counter), counter.lines, counter.tokens


@contextmanager
def descriptors(path: str | os.PathLike[str], n: int) -> Iterator[list[int]]:
    """File descriptors for `n` threads that read parts of a file; each thread needs one, with a position of its own."""
    opened: list[int] = []
    try:
        while len(opened) < n:
            opened.append(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))
        yield opened
    finally:
        for file in opened:
            os.close(file)


def count_file(
    path: str | os.PathLike[str], max_vocab_size: int | None = None, workers: int = 1, show: bool | None = None
) -> tuple[WordCounts, int, int]:
    """Count the words of a text file, one sentence a line, tokens separated by whitespace as by `str.split`.

    Each thread counts a part of the file into a table of its own; the order of first appearance is kept, so
    the result does not depend on the number of threads (unless `max_vocab_size` prunes).

    Returns
    -------
    counts : WordCounts
        In order of first appearance.
    n_sentences, n_tokens : int

    Raises
    ------
    ValueError
        Where the file is not UTF-8 text, with the offset.
    """
    size = os.path.getsize(path)
    workers = max(1, min(workers, size // (1 << 20)))
    counters = [_kernel.CorpusCounter(max_vocab_size or 0) for _ in range(workers)]
    stop = np.zeros(1, dtype=np.int64)
    done = [0] * workers

    parts = [slices_of(size * (i + 1) // workers, SLICE, start=size * i // workers) for i in range(workers)]

    def count(i: int, part: slice) -> None:
        bad = counters[i].add_slice(files[i], part.start, part.stop, stop)
        if bad >= 0:
            raise ValueError(
                f"corpus_file: {os.fspath(path)!r} is not UTF-8 text: see the bytes at offset {bad:,} "
                "(a binary file, another encoding, or a token of more than 1 MiB); "
                "convert it, for instance with iconv -t UTF-8"
            )
        done[i] += part.stop - part.start

    with (
        descriptors(path, workers) as files,
        Progress("vocabulary", size, "B", show) as progress,
        threads_over(parts, count, lambda: stop.fill(1)) as threads,
    ):
        while not threads.wait(0.1):
            progress.update(sum(done))
    for counter in counters[1:]:
        counters[0].merge(counter)
    return _exported(counters[0]), counters[0].lines, counters[0].tokens
