"""Counting the words of a corpus."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from .. import _kernel
from .._util.batches import BATCH_SIZE, batched
from .._util.progress import Progress
from .._util.threads import slices_of, threads_over
from .packed import PackedStrings
from .packing import packed
from .vocabulary import Vocabulary

MIN_BYTES_PER_THREAD = 1 << 20  # starting a thread for less does not pay


class WordCounts(Mapping[str, int]):
    """A read-only mapping from words to their counts: gensim's ``raw_vocab``.

    Parameters
    ----------
    words : PackedStrings
    counts : numpy.ndarray of int64, shape (n_words,)
    """

    def __init__(self, words: PackedStrings, counts: np.ndarray) -> None:
        self.words, self.counts = words, counts
        self._vocabulary: Vocabulary | None = None

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
        return cls(words, np.frombuffer(counts, dtype=np.int64))

    @property
    def vocabulary(self) -> Vocabulary:
        """The words as a vocabulary, which is built on first access."""
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self.words)
        return self._vocabulary

    def take(self, ids: np.ndarray) -> WordCounts:
        """Select the words `ids` (int64), in that order."""
        return WordCounts(self.words.take(ids), self.counts[ids])

    def __getitem__(self, word: str) -> int:
        return int(self.counts[self.vocabulary[word]])

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"<WordCounts of {len(self)} words>"


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
    size = os.path.getsize(path)
    workers = max(1, min(workers, size // MIN_BYTES_PER_THREAD))
    counters = [_kernel.CorpusCounter(max_vocab_size or 0) for _ in range(workers)]
    stop = np.zeros(1, dtype=np.int64)
    done, tokens = [0] * workers, [0] * workers
    parts = [slices_of(size * (i + 1) // workers, slice_bytes, start=size * i // workers) for i in range(workers)]

    def count(i: int, part: slice) -> None:
        bad = counters[i].add_slice(files[i], part.start, part.stop, stop)
        if bad >= 0:
            raise _not_utf8(path, bad)
        done[i] += part.stop - part.start
        tokens[i] = counters[i].tokens

    with (
        file_descriptors(path, workers) as files,
        Progress("vocabulary", None, "tokens", show_progress_bar) as progress,
        threads_over(parts, count, lambda: stop.fill(1)) as threads,
    ):
        while not threads.wait(0.1):
            progress.update(sum(tokens), sum(tokens) * size / max(1, sum(done)))
    for counter in counters[1:]:
        counters[0].merge(counter)
    return WordCounts.from_counter(counters[0]), counters[0].lines, counters[0].tokens


def _not_utf8(path: str | os.PathLike[str], offset: int) -> ValueError:
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
