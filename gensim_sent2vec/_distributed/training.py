"""Training a model on shards: before, between and after the rounds."""

from __future__ import annotations

import logging
import os
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from .._text.corpus import TokenFile
from .._text.counting import WordCounts
from .._training.corpus import CheckedCorpus
from .._training.matrices import Matrices, check_vocabulary
from .._util.progress import Progress
from .._util.rows import sampled_values
from ..model import Sent2Vec
from ..version import __version__
from .checkpoints import read_checkpoint, write_checkpoint
from .clusters import Cluster, WorkersLost
from .rounds import Rounds, State
from .worker import Worker, attach, detached

logger = logging.getLogger(__name__)
T = TypeVar("T")

# Options of a model that its training depends on.
OPTIONS = (
    "alpha", "min_alpha", "epochs", "seed", "train_count", "vector_size", "word_ngrams", "skip_bigrams", "dropout_k",
    "bucket", "negative", "ns_exponent", "sample", "shared_negatives",
)  # fmt: skip


def worker_factory(model: Sent2Vec, shards: Sequence[str | TokenFile], threads: int) -> Callable[[int], Worker]:
    """A function that makes worker `i`, and that can be pickled."""
    return partial(_make_worker, detached(model), list(shards), threads)


def _make_worker(model: Sent2Vec, shards: Sequence[str | TokenFile], threads: int, i: int) -> Worker:
    return Worker(model, shards[i], i, len(shards), threads)


class DistributedTraining:
    """One training of a model by the workers of a cluster.

    Parameters
    ----------
    model : Sent2Vec
        Trained in place, for its `epochs` and with its learning rates.
    cluster : Cluster
        With the workers of `worker_factory`, not started.
    rounds_per_epoch : int
    checkpoint : str or None
    max_restarts : int
    show_progress_bar : bool or None
    """

    def __init__(
        self,
        model: Sent2Vec,
        cluster: Cluster,
        rounds_per_epoch: int,
        checkpoint: str | None,
        max_restarts: int,
        show_progress_bar: bool | None,
    ) -> None:
        self._model, self._cluster, self._checkpoint = model, cluster, checkpoint
        self._rounds_per_epoch, self._max_restarts = rounds_per_epoch, max_restarts
        self._show = show_progress_bar

    def run(self) -> None:
        """Count, train, and fit the weighting.

        Raises
        ------
        ValueError, OSError
            If a worker cannot read its shard, runs another version, or the checkpoint is of another training.
        RuntimeError
            If workers are lost too often.
        """
        self._with_restarts(self._look_at_shards)
        model = self._model
        check_vocabulary(model.wv.index_to_key, model.wv.vectors)
        model._check_trained_arrays()
        self._detached = self._cluster.share(detached(model))
        self._facts = self._training_facts()
        n_rounds = self._rounds_per_epoch * model.epochs
        self._stored()  # an unusable checkpoint is noticed before the training
        model._forget_derived()
        with Progress("train", sum(self._tokens) * model.epochs, "tokens", self._show) as self._progress:
            rounds = Rounds(self._cluster, self._arguments, self._stored, self._finished, self._max_restarts)
            trained = rounds.run(n_rounds)
        self._finish(trained)

    def _with_restarts(self, action: Callable[[], T]) -> T:
        """Call a function before or after the rounds; if workers are lost, replace them and call it again."""
        restarts = 0
        while True:
            try:
                self._cluster.start(self._cluster.lost())
                return action()
            except WorkersLost as lost:
                restarts += 1
                if restarts > self._max_restarts:
                    raise RuntimeError(
                        f"workers: lost {restarts} times while they read their shards; look for the reason in the logs "
                        "of the cluster (often memory)"
                    ) from lost
                logger.warning("workers were lost while they read their shards; they are replaced")

    def _look_at_shards(self) -> None:
        """What workers run and read; the vocabulary, if the model has none."""
        cluster, n = self._cluster, self._cluster.n_workers
        self._shards = cluster.gather([cluster.call(i, "facts") for i in range(n)])
        for i, facts in enumerate(self._shards):
            _check_versions(i, facts)
        counted = cluster.gather([cluster.call(i, "count") for i in range(n)])
        self._tokens = [n_tokens for _, _, n_tokens in counted]
        if not len(self._model.wv):
            n_sentences = sum(sentences for _, sentences, _ in counted)
            counts = WordCounts.merge([counts for counts, _, _ in counted])
            self._model.build_vocab_from_freq(counts, corpus_count=n_sentences)

    def _arguments(self, i: int) -> tuple[Any, ...]:
        return self._detached, self._tokens[i], self._rounds_per_epoch

    def _training_facts(self) -> dict[str, Any]:
        """What must be equal if a training goes on from a checkpoint."""
        model, vocabulary = self._model, self._model.wv.freeze()
        return {
            "shards": [facts["shard"] for facts in self._shards],
            "tokens": self._tokens,
            "rounds_per_epoch": self._rounds_per_epoch,
            "vocabulary": zlib.crc32(np.ascontiguousarray(vocabulary.blob).tobytes()),
            "lock factors": zlib.crc32(model.wv._lock_factors().tobytes()),
            "initial vectors": zlib.crc32(sampled_values(model.wv.vectors)),
            **{name: getattr(model, name) for name in OPTIONS},
        }

    def _stored(self) -> State:
        found = None if self._checkpoint is None else read_checkpoint(self._checkpoint, self._facts)
        return found or (self._model._matrices, 0)

    def _finished(self, number: int) -> None:
        done = sum(self._tokens) * (number + 1) // self._rounds_per_epoch
        self._progress.update(done, round=f"{number + 1}")
        if self._checkpoint is not None:
            (matrices,) = self._cluster.gather([self._cluster.call(0, "state")])
            write_checkpoint(self._checkpoint, matrices, number + 1, self._facts)

    def _finish(self, trained: Matrices) -> None:
        """Give the model its vectors and its weighting."""
        model = self._model
        attach(model, Matrices(*(np.array(matrix) for matrix in trained)))  # those of Ray are read-only
        model._forget_derived()
        model.train_count += 1
        model.min_alpha_yet_reached = model.min_alpha
        model.add_lifecycle_event(
            "train", msg=f"{self._cluster.n_workers} machines, {self._rounds_per_epoch} rounds per epoch"
        )
        if model.weighting is not None:
            sentences = self._with_restarts(self._sample)
            model._fit_weighting_if_possible(CheckedCorpus(sentences, None, "shards", "shards: the corpus"))

    def _sample(self) -> list[list[str]]:
        """Sentences to fit the weighting, spread evenly over all shards."""
        assert self._model.weighting is not None
        size = self._model.weighting.sample_size
        total = sum(self._tokens)
        sizes = [-(-size * tokens // total) for tokens in self._tokens]
        calls = [self._cluster.call(i, "sample", n) for i, n in enumerate(sizes)]
        return [sentence for part in self._cluster.gather(calls) for sentence in part]


def _check_versions(i: int, facts: dict[str, Any]) -> None:
    """The vectors of other versions may differ, and pickles may be unreadable."""
    theirs = facts["versions"]
    found = theirs["gensim_sent2vec"], theirs["numpy"].partition(".")[0]
    ours = __version__, np.__version__.partition(".")[0]
    if found != ours:
        raise ValueError(
            f"workers: worker {i} on host {facts['host']!r} runs gensim_sent2vec {found[0]} with numpy "
            f"{theirs['numpy']}, but this process {ours[0]} with {np.__version__}; install the same on all nodes"
        )


def check_shards(shards: Any) -> list[str | TokenFile]:
    """The absolute paths of shards.

    Raises
    ------
    TypeError, ValueError
        If `shards` is not a list of paths, or there are none, or one is given twice.
    """
    if isinstance(shards, (str, bytes, os.PathLike)) or not isinstance(shards, Sequence):
        raise TypeError(f"shards: expected a list of paths, got {type(shards).__name__}; pass [path, ...]")
    for i, shard in enumerate(shards):
        if not isinstance(shard, (str, os.PathLike)):
            raise TypeError(
                f"shards: expected paths of text files, got the {type(shard).__name__} {shard!r:.40} at {i}"
            )
    if not shards:
        raise ValueError("shards: expected at least one file, got an empty list")
    paths = [os.path.abspath(shard) for shard in shards]
    if len(set(paths)) != len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ValueError(f"shards: {twice!r} is listed twice; its text would count twice")
    return [TokenFile(path) if isinstance(shard, TokenFile) else path for path, shard in zip(paths, shards)]
