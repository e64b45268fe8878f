"""Threads that train on a corpus: how they share it, how they stop, and how their progress is reported."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

from .. import _kernel
from .._text.corpus import begin_of
from .._text.counting import file_descriptors
from .._text.packing import packed
from .._util.batches import BATCH_SIZE
from .._util.progress import Progress
from .._util.threads import ThreadGroup, slices_of, threads_over
from .corpus import CheckedCorpus

MIN_SLICE, MAX_SLICE = 1 << 16, 1 << 22  # bytes of a corpus file that a thread takes at a time
SLICES_PER_THREAD = 64  # of a file, within these bounds: all threads finish an epoch at about the same time
LEAST_DELAY = 0.05  # seconds


class TrainingRun:
    """The threads of one call of `Sent2Vec.train`. Trainers are kept from epoch to epoch.

    Parameters
    ----------
    trainers : sequence of Trainer
        One per thread.
    schedule : Schedule
        The one that the trainers share.
    words : WordTable
        The vocabulary.
    progress : Progress
        Where the progress is reported.
    batch_words : int
        Tokens per batch of an iterable.
    queue_size : int
        Batches of an iterable that may wait for a thread.
    report_delay : float
        Seconds between two progress reports.
    min_slice : int
        Least number of bytes of a file that a thread takes at a time.
    """

    def __init__(
        self,
        trainers: Sequence[_kernel.Trainer],
        schedule: _kernel.Schedule,
        words: _kernel.WordTable,
        progress: Progress,
        *,
        batch_words: int,
        queue_size: int,
        report_delay: float,
        min_slice: int = MIN_SLICE,
    ) -> None:
        self.trainers, self.schedule, self.words, self.progress = trainers, schedule, words, progress
        self.batch_words, self.queue_size, self.min_slice = batch_words, queue_size, min_slice
        self.report_delay = max(LEAST_DELAY, report_delay)
        self._epoch_label = ""

    @property
    def trained_words(self) -> int:
        """Targets trained so far."""
        return sum(trainer.trained_words for trainer in self.trainers)

    @property
    def tokens(self) -> int:
        """Tokens read so far, including unknown words."""
        return sum(trainer.tokens for trainer in self.trainers)

    @property
    def lines(self) -> int:
        """Sentences read so far."""
        return sum(trainer.lines for trainer in self.trainers)

    @property
    def loss(self) -> float:
        """The summed loss so far; 0 if the trainers do not compute it."""
        return sum((trainer.loss for trainer in self.trainers), 0.0)

    def train_epoch(self, corpus: CheckedCorpus, epoch: int, epochs: int) -> float:
        """Train on one pass over a corpus, as number `epoch` of `epochs`, counted from 0.

        Returns
        -------
        float
            The loss, summed over all epochs so far; 0 if the trainers do not compute it.

        Raises
        ------
        ValueError
            If the corpus has no sentences.
        """
        self._epoch_label = f"{epoch + 1}/{epochs}"
        lines_before = self.lines
        if corpus.path is not None:
            self.train_file(corpus.path, begin_of(corpus.path))
        else:
            self._train_iterable(corpus)
        self._report()
        if self.lines == lines_before and not self.schedule.diverged:
            advice = "" if corpus.path is not None else "; each iteration must yield all sentences again"
            raise ValueError(f"{corpus.name} was empty in epoch {epoch + 1}{advice}")
        return self.loss

    def train_file(self, path: Any, begin: int = 0, end: int | None = None) -> None:
        """Train on the lines of a file that begin in the bytes `begin` to `end`; by default, on all."""
        n = len(self.trainers)
        end = os.path.getsize(path) if end is None else end
        step = min(max((end - begin) // (SLICES_PER_THREAD * n), self.min_slice), MAX_SLICE)
        slices = iter(slices_of(end, step, start=begin))

        def train(i: int, part: slice) -> None:
            self.trainers[i].train_slice(self.words, files[i], part.start, part.stop)

        with file_descriptors(path, n) as files, threads_over([slices] * n, train, self.schedule.stop) as threads:
            while not threads.wait(self.report_delay):
                self._report()

    def _train_iterable(self, corpus: CheckedCorpus) -> None:
        waiting: queue.Queue[_kernel.Pack | None] = queue.Queue(self.queue_size)  # None ends a thread
        stopped = threading.Event()

        def train(i: int) -> None:
            while (batch := waiting.get()) is not None and not stopped.is_set():
                self.trainers[i].train_pack(self.words, batch)

        def stop() -> None:
            self.schedule.stop()
            stopped.set()
            for _ in self.trainers:  # wake the threads that wait for a batch
                try:
                    waiting.put_nowait(None)
                except queue.Full:
                    break

        def put(batch: _kernel.Pack | None) -> None:
            while True:
                threads.check()
                try:
                    return waiting.put(batch, timeout=min(self.report_delay, 0.1))
                except queue.Full:
                    self._report()

        with ThreadGroup(len(self.trainers), train, stop) as threads:
            for batch in _batches(corpus.sentences, self.batch_words, corpus.argument):
                put(batch)
                self._report()
            for _ in self.trainers:
                put(None)
            while not threads.wait(self.report_delay):
                self._report()

    def _report(self) -> None:
        facts = {"epoch": self._epoch_label, "rate": f"{self.schedule.rate:.4f}"}
        if loss := self.loss:
            facts["loss"] = f"{loss / max(1, self.trained_words):.4f}"
        self.progress.update(self.schedule.done, **facts)


def _batches(sentences: Iterable[str | Sequence[str]], batch_words: int, name: str) -> Iterator[_kernel.Pack]:
    """Batches of at least `batch_words` tokens (the last one may be smaller), in the kernel's format."""
    batch: list[str | Sequence[str]] = []
    words = first_row = 0
    for sentence in sentences:
        if isinstance(sentence, Iterable) and not isinstance(sentence, Sized):
            sentence = list(sentence)
        batch.append(sentence)
        words += _n_tokens(sentence)
        if words >= batch_words or len(batch) >= BATCH_SIZE:
            yield packed(batch, first_row, name)
            first_row += len(batch)
            batch, words = [], 0
    if batch:
        yield packed(batch, first_row, name)


def _n_tokens(sentence: Any) -> int:
    """About as many tokens as a sentence has; 0 for anything else, for which `packed` raises a TypeError."""
    if isinstance(sentence, str):
        return sentence.count(" ") + 1
    return len(sentence) if isinstance(sentence, Sized) else 0
