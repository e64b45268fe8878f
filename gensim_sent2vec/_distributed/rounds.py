"""The rounds of distributed training: what workers do in which order, and what happens when some are lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .._training.matrices import Matrices
from .clusters import Cluster, WorkersLost

logger = logging.getLogger(__name__)

State = tuple[Matrices, int]  # and the round that begins with it


class Rounds:
    """All rounds of a training.

    Parameters
    ----------
    cluster : Cluster
    prepare : callable
        Returns the arguments of `Worker.prepare` for worker `i`.
    stored : callable
        The latest state that is stored outside the workers, for the case that all of them are lost.
    finished : callable
        Called after each round with its number.
    max_restarts : int
        How often workers may be lost within a round.
    """

    def __init__(
        self,
        cluster: Cluster,
        prepare: Callable[[int], tuple[Any, ...]],
        stored: Callable[[], State],
        finished: Callable[[int], None],
        max_restarts: int,
    ) -> None:
        self._cluster, self._prepare, self._stored, self._finished = cluster, prepare, stored, finished
        self._max_restarts = max_restarts

    def run(self, n_rounds: int) -> Matrices:
        """Train from the stored state to the end of round `n_rounds`, and return the matrices.

        Raises
        ------
        RuntimeError
            If workers are lost too often.
        """
        number = restarts = 0
        reported: int | None = None  # the last round that `finished` was called for
        is_ready = False
        while True:
            try:
                if not is_ready:
                    number, is_ready = self._begin(), True
                    reported = number - 1 if reported is None else reported
                if reported is not None and number - 1 > reported:
                    self._finished(number - 1)
                    reported, restarts = number - 1, 0
                if number >= n_rounds:
                    (matrices,) = self._cluster.gather([self._cluster.call(0, "state")])
                    return matrices
                self._round(number)
                number += 1
            except WorkersLost as lost:
                restarts += 1
                if restarts > self._max_restarts:
                    raise RuntimeError(
                        f"workers: lost {restarts} times in round {number + 1} of {n_rounds}; look for the reason in "
                        "the logs of the cluster (often memory); finished rounds are kept in the checkpoint, if you "
                        "passed one"
                    ) from lost
                logger.warning("workers were lost in round %d of %d; they are replaced", number + 1, n_rounds)
                is_ready = False

    def _begin(self) -> int:
        """Replace lost workers, give all of them the latest state, and return the round that it begins."""
        cluster = self._cluster
        everyone = range(cluster.n_workers)
        cluster.start(cluster.lost())
        rounds = cluster.gather([cluster.call(i, "next_round") for i in everyone])
        cluster.gather([cluster.call(i, "prepare", *self._prepare(i)) for i in everyone if rounds[i] < 0])
        latest = max(rounds)
        if latest >= 0:
            state = cluster.call(rounds.index(latest), "state")
        else:
            matrices, latest = self._stored()
            state = cluster.share(matrices)
        cluster.gather([cluster.call(i, "load", state, latest) for i in everyone if rounds[i] != latest])
        return latest

    def _round(self, number: int) -> None:
        cluster, n = self._cluster, self._cluster.n_workers
        cluster.gather([cluster.call(i, "train_round", number) for i in range(n)])
        if n == 1:
            return
        changes = [cluster.call(i, "changes", n_results=n) for i in range(n)]
        combined = [cluster.call(j, "combine", *(parts[j] for parts in changes)) for j in range(n)]
        cluster.gather([cluster.call(i, "apply", number, *combined) for i in range(n)])
