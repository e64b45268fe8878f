"""One call of `Sent2Vec.train`: threads, their batches or slices, and the report of how far they are."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _kernel
from .._text.counting import file_descriptors
from .._util.batches import BATCH_SIZE
from .._util.progress import Progress
from .._util.threads import ThreadGroup, slices_of, threads_over
from .word_selection import negative_weights

if TYPE_CHECKING:
    from ..model import Sent2Vec

# Threads have copies of their own of the rows of so many words, the most frequent ones, and exchange what these have
# gained after so many tokens of all threads together.
HOT_ROWS, HOT_TOKENS = 64, 5000
MIN_SLICE, MAX_SLICE = 1 << 16, 1 << 22  # bytes of a corpus file that a thread trains on at a time


class Training:
    """One call of `Sent2Vec.train`: a trainer a thread, kept from epoch to epoch."""

    def __init__(self, model: Sent2Vec, schedule: _kernel.Schedule, queue_factor: int, report_delay: float) -> None:
        wv = model.wv
        self.model, self.schedule = model, schedule
        self.queue_size = max(1, queue_factor) * model.workers
        self.report_delay = max(0.05, report_delay)
        self.table = wv.freeze().table
        alias = np.empty(len(wv), dtype=np.uint64)
        _kernel.fill_alias(negative_weights(wv.expandos["count"], model.ns_exponent), alias)
        self.trainers = [
            _kernel.Trainer(
                wv.vectors,
                model.placeholder,
                wv.vectors_ngrams,
                model.syn1neg,
                alias,
                wv.expandos["sample_int"] if model.sample else None,
                schedule,
                word_ngrams=model.word_ngrams,
                skip_bigrams=model.skip_bigrams,
                epfml_hash=wv.ngram_hash == "epfml",
                dropout_k=model.dropout_k,
                negative=model.negative,
                shared_negatives=max(1, model.shared_negatives),
                seed=model._stream(3, model.train_count, i),
                compute_loss=model.compute_loss,
                hot_rows=HOT_ROWS if model.workers > 1 else 0,
                sync_every=max(100, HOT_TOKENS // model.workers),
            )
            for i in range(model.workers)
        ]

    @property
    def trained_words(self) -> int:
        return sum(trainer.trained_words for trainer in self.trainers)

    @property
    def tokens(self) -> int:
        return sum(trainer.tokens for trainer in self.trainers)

    @property
    def lines(self) -> int:
        return sum(trainer.lines for trainer in self.trainers)

    def epoch(self, epoch: int, sentences: Any, path: Any, progress: Progress) -> None:
        """One pass over the corpus."""
        lines = self.lines
        if path is not None:
            self._train_file(path, epoch, progress)
        else:
            self._train_iterable(sentences, epoch, progress)
        self._report(epoch, progress)
        if self.schedule.diverged:
            raise ValueError(
                f"alpha: training diverged in epoch {epoch + 1} at alpha={self.model.alpha}: numbers grew beyond "
                "float32; the vectors are of no use, build the model anew with a lower alpha"
            )
        if self.lines == lines:
            raise ValueError(
                f"corpus_file: {os.fspath(path)!r} was empty in epoch {epoch + 1}"
                if path is not None
                else f"sentences: the corpus was empty in epoch {epoch + 1}; it must give its sentences anew each time"
            )

    def _train_file(self, path: Any, epoch: int, progress: Progress) -> None:
        size = os.path.getsize(path)
        step = min(max(size // (64 * len(self.trainers)), MIN_SLICE), MAX_SLICE)
        slices = iter(slices_of(size, step))
        n = len(self.trainers)

        def work(i: int, part: slice) -> None:
            self.trainers[i].train_slice(self.table, files[i], part.start, part.stop)

        with file_descriptors(path, n) as files, threads_over([slices] * n, work, self.schedule.stop) as threads:
            while not threads.wait(self.report_delay):
                self._report(epoch, progress)

    def _train_iterable(self, sentences: Any, epoch: int, progress: Progress) -> None:
        waiting: queue.Queue[_kernel.Pack | None] = queue.Queue(self.queue_size)
        stopped = threading.Event()

        def work(i: int) -> None:
            while (pack := waiting.get()) is not None and not stopped.is_set():
                self.trainers[i].train_pack(self.table, pack)

        def stop() -> None:
            self.schedule.stop()
            stopped.set()
            for _ in self.trainers:  # wakes threads that wait for a batch
                try:
                    waiting.put_nowait(None)
                except queue.Full:
                    break

        def hand_over(pack: _kernel.Pack | None) -> None:
            while True:
                threads.check()
                try:
                    return waiting.put(pack, timeout=min(self.report_delay, 0.1))
                except queue.Full:
                    self._report(epoch, progress)

        with ThreadGroup(len(self.trainers), work, stop) as threads:
            for pack in _packs(sentences, self.model.batch_words):
                hand_over(pack)
                self._report(epoch, progress)
            for _ in self.trainers:
                hand_over(None)
            while not threads.wait(self.report_delay):
                self._report(epoch, progress)

    def _report(self, epoch: int, progress: Progress) -> None:
        facts = {"epoch": f"{epoch + 1}/{self.model.epochs}", "rate": f"{self.schedule.rate:.4f}"}
        if self.model.compute_loss:
            self.model.running_training_loss = sum(trainer.loss for trainer in self.trainers)
            facts["loss"] = f"{self.model.running_training_loss / max(1, self.trained_words):.4f}"
        progress.update(self.schedule.done, **facts)


def _packs(sentences: Iterable[Sequence[str]], batch_words: int) -> Iterable[_kernel.Pack]:
    """Batches of at least `batch_words` tokens, as the kernel takes them."""
    batch: list[Sequence[str]] = []
    words = 0
    for sentence in sentences:
        if isinstance(sentence, str):
            raise TypeError(f"sentences: each sentence must be a list of tokens, got the string {sentence[:40]!r}")
        if isinstance(sentence, Iterable) and not isinstance(sentence, Sized):
            sentence = list(sentence)
        batch.append(sentence)
        words += len(sentence) if isinstance(sentence, Sized) else 0  # the pack refuses it with a good word
        if words >= batch_words or len(batch) >= BATCH_SIZE:
            yield _kernel.Pack(batch)
            batch, words = [], 0
    if batch:
        yield _kernel.Pack(batch)
