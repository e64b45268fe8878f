"""Counting the words of a corpus."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np

from .. import _kernel
from .._util.batches import BATCH_SIZE, batched
from .._util.counted import counted
from .._util.hints import with_hints
from .._util.missing import check_exists
from .._util.progress import Progress
from .._util.threads import slices_of, threads_over
from .corpus import SpooledText
from .inputs import checked_texts
from .packed import PackedStrings
from .packing import packed
from .vocabulary import Vocabulary

MIN_BYTES_PER_THREAD = 1 << 20  # starting a thread for less does not pay
WORDS_OF_PART = 40  # bits of the column `first` for the position in a part; the rest is the number of the part
MAX_PARTS = 1 << 22


@with_hints
class WordCounts(Mapping[str, int]):
    """A read-only mapping from words to their counts: gensim's ``raw_vocab``.

    Parameters
    ----------
    words : PackedStrings
    counts : numpy.ndarray of int64, shape (n_words,)
    is_complete : bool
        Whether these are all words of a corpus; False if `max_vocab_size` pruned rare ones, or some were selected.
    """

    is_complete = True  # also of a pickle of an earlier version
    _vocabulary: Vocabulary | None = None

    def __init__(self, words: PackedStrings, counts: np.ndarray, is_complete: bool = True) -> None:
        self.words, self.counts, self.is_complete = words, counts, is_complete

    @classmethod
    def from_mapping(cls, counts: Mapping[str, int]) -> WordCounts:
        """Convert a dict of counts.

        Raises
        ------
        ValueError
            If a key is not a string, or a value is not a non-negative integer.
        """
        if isinstance(counts, WordCounts):
            return counts
        for word, count in counts.items():
            if not isinstance(word, str) or not isinstance(count, (int, np.integer)) or count < 0:
                raise ValueError(f"word_freq: expected words with counts >= 0, got {word!r}: {count!r}")
        values = np.fromiter(counts.values(), dtype=np.int64, count=len(counts))
        return cls(PackedStrings.from_strings(counts), values)

    @classmethod
    def from_counter(cls, counter: _kernel.CorpusCounter) -> WordCounts:
        """The words that the kernel has counted, in order of first appearance."""
        blob, offsets, counts = counter.export()
        words = PackedStrings(np.frombuffer(blob, dtype=np.uint8), np.frombuffer(offsets, dtype=np.int64))
        values = np.frombuffer(counts, dtype=np.int64)
        return cls(words, values, is_complete=int(values.sum()) == counter.tokens)

    @classmethod
    def of_file(
        cls,
        path: str | os.PathLike[str],
        begin: int = 0,
        end: int | None = None,
        workers: int = 1,
        show_progress_bar: bool | None = None,
    ) -> WordCounts:
        """Count the words of a UTF-8 text file, or of the lines that begin within a part of it.

        Parameters
        ----------
        path : str or path-like
            Tokens are separated by whitespace, as in `str.split`.
        begin, end : int
            Bytes of the file; by default all.
        workers : int
            Threads.
        show_progress_bar : bool, optional
            See `Sent2Vec`.

        Returns
        -------
        WordCounts
            In order of first appearance.
        """
        check_exists(path, "path", "a text file")
        return count_file(path, None, workers, show_progress_bar, begin=begin, end=end)[0]

    @classmethod
    def of_texts(cls, sentences: Iterable[str | Sequence[str]]) -> WordCounts:
        """Count the words of token lists, or of texts, which are split at whitespace; in order of first appearance."""
        return count_words(checked_texts(sentences), show_progress_bar=False)[0]

    @classmethod
    def merge(cls, parts: Iterable[Any]) -> WordCounts:
        """Add up the counts of the parts of a corpus.

        Parameters
        ----------
        parts : iterable of WordCounts, mappings of str to int, or pyarrow tables as of `to_arrow`
            In the order of the corpus. A table may hold several parts, if they were written with their numbers.

        Returns
        -------
        WordCounts
            Exactly the counts of the whole corpus, in order of first appearance. So a vocabulary built from it, and
            the initial vectors, are those of the whole corpus.

        Raises
        ------
        ValueError
            If a part was pruned, because then its counts are too low.
        TypeError
            If a part is something else.
        """
        if isinstance(parts, (Mapping, str)) or not isinstance(parts, Iterable):
            raise TypeError(f"parts: expected a list of word counts, got {type(parts).__name__}; pass [counts, ...]")
        counted = [cls._of_part(part, i) for i, part in enumerate(parts)]
        words = PackedStrings.concatenate([part.words for part in counted])
        counts = np.concatenate([np.zeros(0, dtype=np.int64), *(part.counts for part in counted)])
        return cls._added_up(words, counts)

    @classmethod
    def _of_part(cls, part: Any, i: int) -> WordCounts:
        if isinstance(part, Mapping):
            try:
                part = cls.from_mapping(part)
            except ValueError as error:
                raise ValueError(f"parts: part {i}: {str(error).partition(': ')[2]}") from None
        elif hasattr(part, "schema"):
            part = cls.from_arrow(part)
        else:
            raise TypeError(f"parts: part {i}: expected word counts, got {type(part).__name__}")
        if not part.is_complete:
            raise ValueError(
                f"parts: part {i} lacks words that max_vocab_size pruned, so sums of counts would be too low; count it "
                "without max_vocab_size, and pass max_final_vocab or min_count to the model instead"
            )
        return part

    @classmethod
    def _added_up(cls, words: PackedStrings, counts: np.ndarray) -> WordCounts:
        """The sums of the counts of equal words, in order of first appearance."""
        ids: dict[str, int] = {}
        row_ids = np.fromiter((ids.setdefault(word, len(ids)) for word in words), dtype=np.int64, count=len(words))
        first = np.unique(row_ids, return_index=True)[1]
        sums = np.zeros(len(ids), dtype=np.int64)
        np.add.at(sums, row_ids, counts)
        return cls(words.take(first.astype(np.int64)), sums)

    def to_arrow(self, part: int = 0) -> Any:
        """The counts as a pyarrow table, which any engine can group and add up.

        Parameters
        ----------
        part : int
            The number of the part of the corpus, from 0.

        Returns
        -------
        pyarrow.Table
            Columns ``word`` (string), ``count`` (int64) and ``first`` (int64), the order of first appearance: group by
            ``word``, and take the sum of ``count`` and the minimum of ``first``.

        Raises
        ------
        ValueError
            If words were pruned, or a word is not valid UTF-8.
        """
        pyarrow = _pyarrow()
        if not 0 <= part < MAX_PARTS:
            raise ValueError(f"part: must be from 0 to {MAX_PARTS - 1:,}, got {part}")
        self._of_part(self, part)
        words = self.words
        offsets = pyarrow.py_buffer(np.ascontiguousarray(words.offsets))
        blob = pyarrow.py_buffer(np.ascontiguousarray(words.blob))
        large = pyarrow.LargeStringArray.from_buffers(len(words), offsets, blob)
        try:
            large.validate(full=True)
        except pyarrow.ArrowInvalid as error:
            raise ValueError(f"words: Arrow cannot hold one of them ({error}); remove lone surrogates") from None
        column = large.cast(pyarrow.string()) if words.offsets[-1] < 1 << 31 else large
        first = (np.int64(part) << WORDS_OF_PART) + np.arange(len(words), dtype=np.int64)
        return pyarrow.table({"word": column, "count": pyarrow.array(self.counts), "first": pyarrow.array(first)})

    @classmethod
    def from_arrow(cls, table: Any) -> WordCounts:
        """Counts from what `to_arrow` returns, concatenated or grouped by word.

        Parameters
        ----------
        table : pyarrow.Table or RecordBatch
            Columns ``word``, ``count`` and ``first``, rows in any order. Without ``first``, the rows must be in order.

        Raises
        ------
        ValueError
            If a column is missing, or holds nulls or other values.
        """
        _pyarrow()
        names = list(table.schema.names)
        for name in ("word", "count"):
            if name not in names:
                raise ValueError(f"table: no column {name!r}; it has {', '.join(map(repr, names)) or 'no columns'}")
        used = {name: table.column(name) for name in ("word", "count", "first") if name in names}
        for name, column in used.items():
            if column.null_count:
                raise ValueError(f"table: column {name!r} has {column.null_count} nulls; drop these rows")
        words = used["word"].to_pylist()
        counts = np.array(used["count"].to_pylist(), dtype=object)
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f"table: column 'word' must hold strings, not {used['word'].type}")
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise ValueError("table: column 'count' must hold integers of at least 0")
        if "first" in used:
            order = np.argsort(np.array(used["first"].to_pylist(), dtype=np.int64), kind="stable")
            words, counts = [words[i] for i in order.tolist()], counts[order]
        return cls._added_up(PackedStrings.from_strings(words), counts.astype(np.int64))

    @property
    def vocabulary(self) -> Vocabulary:
        """The words as a vocabulary, which is built on first access."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self.words)
        return self._vocabulary

    def take(self, ids: np.ndarray) -> WordCounts:
        """Select the words `ids` (int64), in that order."""
        return WordCounts(self.words.take(ids), self.counts[ids], self.is_complete and len(ids) == len(self))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_vocabulary"}  # which can be rebuilt

    def __getitem__(self, word: str) -> int:
        return int(self.counts[self.vocabulary[word]])

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"<WordCounts of {counted(len(self), 'word')}>"


def count_words(
    sentences: Iterable[str | Sequence[str]],
    max_vocab_size: int | None = None,
    show_progress_bar: bool | None = None,
    batch_size: int = BATCH_SIZE,
    name: str = "sentences",
) -> tuple[WordCounts, int, int]:
    """Count the words of an iterable of token lists, or of texts, which are split at whitespace.

    Parameters
    ----------
    sentences : iterable of str or of sequences of str
    max_vocab_size : int, optional
        Forget the rarest words as soon as there are more distinct words than this.
    show_progress_bar : bool, optional
    batch_size : int
        Number of sentences per call of the kernel.
    name : str
        The argument that errors name.

    Returns
    -------
    counts : WordCounts
        In order of first appearance.
    n_sentences, n_tokens : int

    Raises
    ------
    TypeError
        If a sentence is neither a string nor a list of strings, or both are mixed.
    """
    counter = _kernel.CorpusCounter(max_vocab_size or 0)
    with Progress("vocabulary", None, "tokens", show_progress_bar) as progress:
        for batch in batched(sentences, batch_size):
            counter.add_pack(packed(batch, counter.lines, name))
            progress.update(counter.tokens)
    return WordCounts.from_counter(counter), counter.lines, counter.tokens


def count_file(
    path: str | os.PathLike[str],
    max_vocab_size: int | None = None,
    workers: int = 1,
    show_progress_bar: bool | None = None,
    slice_bytes: int = 1 << 24,
    begin: int = 0,
    end: int | None = None,
) -> tuple[WordCounts, int, int]:
    """Count the words of a text file with one sentence per line, and tokens separated by whitespace as in `str.split`.

    Each thread counts one part of the file. Words keep their order of first appearance, so the result does not depend
    on the number of threads (unless `max_vocab_size` prunes).

    Parameters
    ----------
    path : str or path-like
    max_vocab_size : int, optional
        Forget the rarest words as soon as a thread has counted more distinct words than this.
    workers : int
        Maximum number of threads; small files use fewer.
    show_progress_bar : bool, optional
    slice_bytes : int
        Number of bytes per call of the kernel; progress is updated in between.
    begin, end : int
        Count the lines that begin in this part of the file; by default, all.

    Returns
    -------
    counts : WordCounts
        In order of first appearance.
    n_sentences, n_tokens : int

    Raises
    ------
    ValueError
        If the file is not UTF-8 text, with the offset of the first invalid token.
    """
    file_size = os.path.getsize(path)
    end = file_size if end is None else min(end, file_size)
    size = max(0, end - begin)
    workers = max(1, min(workers, size // MIN_BYTES_PER_THREAD))
    counters = [_kernel.CorpusCounter(max_vocab_size or 0) for _ in range(workers)]
    stop = _kernel.StopFlag()
    done, tokens = [0] * workers, [0] * workers
    bounds = [begin + size * i // workers for i in range(workers + 1)]
    parts = [slices_of(stop_at, slice_bytes, start=start) for start, stop_at in pairwise(bounds)]

    def count(i: int, part: slice) -> None:
        bad = counters[i].add_slice(files[i], part.start, part.stop, stop)
        if bad >= 0:
            raise _not_utf8(path, bad)
        done[i] += part.stop - part.start
        tokens[i] = counters[i].tokens

    with (
        file_descriptors(path, workers) as files,
        Progress("vocabulary", None, "tokens", show_progress_bar) as progress,
        threads_over(parts, count, stop.set) as threads,
    ):
        while not threads.wait(0.1):
            progress.update(sum(tokens), sum(tokens) * size / max(1, sum(done)))
    for counter in counters[1:]:
        counters[0].merge(counter)
    return WordCounts.from_counter(counters[0]), counters[0].lines, counters[0].tokens


class FileCounter:
    """Counts the words of a file while it is written, so that it need not be read again for that.

    Parameters
    ----------
    path : str
        An uncompressed text file.
    shown : str
        What its texts are from, for errors.
    max_vocab_size : int, optional
        See `count_words`.
    begin : int
        The first byte to count.
    slice_bytes : int
        Bytes per call of the kernel: so few that the threads or processes that tokenize do not run out of work.
    """

    def __init__(
        self,
        path: str,
        shown: str,
        max_vocab_size: int | None = None,
        begin: int = 0,
        slice_bytes: int = 1 << 18,
    ) -> None:
        self.max_vocab_size = max_vocab_size
        self._path, self._shown, self._slice_bytes = path, shown, slice_bytes
        self._counter, self._stop = _kernel.CorpusCounter(max_vocab_size or 0), _kernel.StopFlag()
        self._counted_to = self._written_to = begin

    def on_write(self, file: BinaryIO, data: bytes) -> None:
        """Count lines that have just been written to the file, once they are enough to pay.

        Raises
        ------
        ValueError
            If a token is not valid.
        """
        self._written_to += len(data)
        if self._written_to - self._counted_to >= self._slice_bytes:
            file.flush()
            self.count()

    def count(self) -> None:
        """Count all lines that have been written; raises like `on_write`."""
        if self._written_to == self._counted_to:
            return
        with file_descriptors(self._path, 1) as (file,):
            bad = self._counter.add_slice(file, self._counted_to, self._written_to, self._stop)
        if bad >= 0:
            raise _not_utf8(SpooledText(self._path, self._shown), bad)
        self._counted_to = self._written_to

    def result(self) -> tuple[WordCounts, int, int]:
        """The word counts and the numbers of sentences and tokens, as of `count_file`."""
        return WordCounts.from_counter(self._counter), self._counter.lines, self._counter.tokens


def take_counts(path: Any, max_vocab_size: int | None) -> tuple[WordCounts, int, int] | None:
    """What a `FileCounter` has counted in a `TokenFile` or `SpooledText`, as of `count_file`.

    Only the first call returns it, as it may take much memory. None if nothing was counted, or if words were pruned
    that `max_vocab_size` would keep.
    """
    counter: FileCounter | None = getattr(path, "counter", None)
    if counter is None:
        return None
    path.counter = None
    result = counter.result()
    words = result[0]
    is_whole = words.is_complete and (not max_vocab_size or len(words) <= max_vocab_size)
    return result if is_whole or counter.max_vocab_size == max_vocab_size else None


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            f'tables of word counts need pyarrow ({error}): pip install "gensim-sent2vec[parquet]"'
        ) from error
    return pyarrow


def _not_utf8(path: str | os.PathLike[str], offset: int) -> ValueError:
    if isinstance(path, SpooledText):  # UTF-8, but not what its texts are read from
        with open(path, "rb") as file:
            file.seek(offset)
            found = file.read(40).decode("utf-8", "replace")
        return ValueError(
            f"{path.source}: a token has a NUL character or is longer than 1 MiB, see the text with {found!r}; "
            "remove the character or the text"
        )
    return ValueError(
        f"corpus_file: {os.fspath(path)!r} is not UTF-8 text, see the bytes at offset {offset:,} (a binary file, "
        "another encoding, or a token longer than 1 MiB); convert it, for example with iconv -t UTF-8"
    )


@contextmanager
def file_descriptors(path: str | os.PathLike[str], n: int) -> Iterator[list[int]]:
    """Open a file `n` times: threads that read it need separate descriptors, as each has its own position."""
    opened: list[int] = []
    try:
        while len(opened) < n:
            opened.append(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))
        yield opened
    finally:
        for descriptor in opened:
            os.close(descriptor)
