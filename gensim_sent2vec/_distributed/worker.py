"""A worker of distributed training: an ordinary model that trains one shard of the corpus, round by round.

All workers start a round with the same matrices, the base. A worker trains a copy, reports what it changed, combines
what all workers changed in its share of the rows, and adds the combined changes to its base. Each method can be
repeated, so that a round can be completed after some workers were lost. With a single worker there is nothing to
combine: it goes on with the same matrices and random numbers, so the result is that of `Sent2Vec.train`.
"""

from __future__ import annotations

import copy
import os
import platform
import socket
from contextlib import ExitStack
from typing import Any

import numpy as np

from .._text.corpus import TokenFile, check_corpus_file, sample_lines
from .._text.counting import WordCounts, count_file, take_counts
from .._training.learning_rate import LinearDecay
from .._training.matrices import Matrices
from .._training.run import TrainingRun
from .._util.progress import Progress
from ..model import Sent2Vec
from ..version import __version__
from .adasum import Change, adasum
from .models import fingerprint, missing

NGRAMS = Matrices._fields.index("ngrams")  # the matrix of which a round changes few rows

Changes = list[Change]  # one per matrix


class Worker:
    """One worker, in any process.

    Parameters
    ----------
    model : Sent2Vec
        Its settings; the matrices are passed to `load`.
    shard : str or TokenFile
        A text file with one sentence per line.
    number, n_workers : int
        Which worker this is.
    threads : int
    """

    def __init__(self, model: Sent2Vec, shard: str | TokenFile, number: int, n_workers: int, threads: int) -> None:
        self.model, self.shard = detached(model), os.fspath(shard)
        self.number, self.n_workers = number, n_workers
        self.model.workers = threads
        self.base: Matrices | None = None
        self.base_round = -1
        self.trained: int | None = None
        self._run: TrainingRun | None = None
        self._open = ExitStack()
        self._corpus = self._tokenized(shard)
        self.path = os.fspath(self._corpus)

    def _tokenized(self, corpus_file: str | TokenFile) -> Any:
        """The shard as a file of tokens, which is temporary if there is a tokenizer."""
        if not os.path.isfile(self.shard):
            raise missing(self.shard, "shards")
        if not os.path.getsize(self.shard):
            raise ValueError(f"shards: {self.shard!r} on host {socket.gethostname()!r} is empty; leave it out")
        check_corpus_file(self.shard)
        _, path = self._open.enter_context(self.model.as_tokens(corpus_file=corpus_file))
        if path is None:
            raise ValueError(f"shards: {self.shard!r} cannot be tokenized into a file; pass a plain text file")
        return path

    # -------------------------------------------------------------------------------------------------
    # Before the first round

    def facts(self) -> dict[str, Any]:
        """Where the worker runs, and what it reads."""
        versions = {"gensim_sent2vec": __version__, "numpy": np.__version__, "python": platform.python_version()}
        return {"host": socket.gethostname(), "versions": versions, "shard": fingerprint(self.shard)}

    def count(self) -> tuple[WordCounts, int, int]:
        """The word counts of the shard, and the numbers of its sentences and tokens."""
        counts, n_sentences, n_tokens = take_counts(self._corpus, None) or count_file(
            self.path, None, self.model.workers, show_progress_bar=False
        )
        if not n_tokens:
            raise ValueError(f"shards: {self.shard!r} has no tokens; leave it out")
        return counts, n_sentences, n_tokens

    def sample(self, size: int) -> list[list[str]]:
        """At most `size` sentences, spread evenly over the shard."""
        return list(sample_lines(self.path, size))

    def prepare(self, model: Sent2Vec, n_tokens: int, rounds_per_epoch: int) -> None:
        """Set the vocabulary and the options of training.

        Parameters
        ----------
        model : Sent2Vec
            With a vocabulary, without matrices; its `epochs`, `alpha` and `min_alpha` count.
        n_tokens : int
            Tokens of the shard.
        rounds_per_epoch : int
        """
        threads = self.model.workers
        self.model = detached(model)
        self.model.workers = threads
        self.n_tokens, self.rounds_per_epoch = n_tokens, rounds_per_epoch

    def load(self, matrices: Matrices, base_round: int) -> None:
        """Set the matrices that round `base_round` begins with."""
        attach(self.model, Matrices(*(np.array(matrix, dtype=np.float32) for matrix in matrices)))
        # With one worker, nothing is exchanged, and training goes on with the same matrices.
        self.base = None if self.n_workers == 1 else Matrices(*(matrix.copy() for matrix in self.model._matrices))
        self.base_round, self.trained, self._run = base_round, None, None

    # -------------------------------------------------------------------------------------------------
    # A round

    def train_round(self, number: int) -> int:
        """Train the part of the shard that belongs to a round; return the tokens read. If it is trained, nothing.

        Raises
        ------
        ValueError
            If training diverges.
        """
        if self.trained == number:
            return 0
        part = number % self.rounds_per_epoch
        size = os.path.getsize(self.path)
        run = self._run_of(number)
        before = run.tokens
        run.train_file(self.path, size * part // self.rounds_per_epoch, size * (part + 1) // self.rounds_per_epoch)
        if run.schedule.diverged:
            raise self._diverged(number)
        self.trained = number
        if self.n_workers == 1:
            self._run, self.base_round = run, number + 1
        return run.tokens - before

    def _run_of(self, number: int) -> TrainingRun:
        """The threads that train a round; those of the previous one if there is no other worker."""
        if self._run is not None:
            return self._run
        model = self.model
        if self.base is not None:
            for matrix, base in zip(model._matrices, self.base):
                np.copyto(matrix, base)
        done = number * self.n_tokens // self.rounds_per_epoch
        decay = LinearDecay(model.alpha, model.min_alpha, model.epochs, self.n_tokens, "tokens", done)
        schedule = decay.schedule()
        # The first round of a single worker has the random numbers of `Sent2Vec.train`.
        stream = () if self.n_workers == 1 and number == 0 else (self.number, number)
        trainers, lock_factors = model._trainers(schedule, stream), model._lock_factors()
        for trainer in trainers:
            trainer.set_lock_factors(lock_factors)
        return TrainingRun(
            trainers, schedule, model.wv.freeze().table,
            Progress("train", decay.total, "tokens", show=False),
            batch_words=model.batch_words, queue_size=1, report_delay=1.0,
        )  # fmt: skip

    def _diverged(self, number: int) -> ValueError:
        return ValueError(
            f"alpha: training diverged in round {number + 1} on {self.shard!r} at alpha={self.model.alpha}; start "
            "again with a lower alpha"
        )

    def changes(self) -> list[Changes]:
        """What the round changed: for each worker, the changes of the rows that it combines."""
        assert self.base is not None and self.trained is not None
        parts: list[Changes] = [[] for _ in range(self.n_workers)]
        try:
            for i, (before, after) in enumerate(zip(self._as_rows(self.base), self._as_rows(self.model._matrices))):
                for part, share in zip(parts, shares(len(before), self.n_workers)):
                    part.append(Change.between(before[share], after[share], sparse=i == NGRAMS))
        except FloatingPointError:
            raise self._diverged(self.trained) from None
        return parts

    def combine(self, *parts: Changes) -> Changes:
        """The changes of all workers in the rows of this worker, combined."""
        return [adasum(changes) for changes in zip(*parts, strict=True)]

    def apply(self, number: int, *combined: Changes) -> None:
        """Add the combined changes of round `number` to the base."""
        if self.base_round == number + 1:
            return
        assert self.base is not None
        for i, matrix in enumerate(self._as_rows(self.base)):
            for share, changes in zip(shares(len(matrix), self.n_workers), combined, strict=True):
                changes[i].add_to(matrix[share])
        self.base_round = number + 1

    def state(self) -> Matrices:
        """The matrices that the next round begins with."""
        return self.model._matrices if self.base is None else self.base

    def next_round(self) -> int:
        """The round that the matrices of `state` belong to; -1 without matrices."""
        return self.base_round

    def close(self) -> None:
        """Delete temporary files."""
        self._open.close()

    @staticmethod
    def _as_rows(matrices: Matrices) -> list[np.ndarray]:
        return [matrix.reshape(-1, matrix.shape[-1]) for matrix in matrices]


def shares(n_rows: int, n_workers: int) -> list[slice]:
    """The rows of a matrix that each worker combines."""
    return [slice(n_rows * i // n_workers, n_rows * (i + 1) // n_workers) for i in range(n_workers)]


def detached(model: Sent2Vec) -> Sent2Vec:
    """A shallow copy of a model, without matrices, to be sent to workers."""
    result, dim = copy.copy(model), model.vector_size
    result.wv = copy.copy(model.wv)
    result.wv.weighting = None
    attach(result, Matrices(*(np.zeros((0, dim), dtype=np.float32) for _ in range(4))))
    result.raw_vocab = None
    result.show_progress_bar = False
    return result


def attach(model: Sent2Vec, matrices: Matrices) -> None:
    """Set the matrices of a model."""
    model.wv.vectors, model.wv.vectors_ngrams, model.placeholder, model.syn1neg = matrices
