"""Where workers run: in this process, or as actors of Ray. `rounds.py` works with either.

A call returns a handle, which stands for the result and can be an argument of other calls, so that workers exchange
results without sending them through this process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from ..version import __version__
from .ray_connection import n_cpus

CREATION_FAILED = "error raised in its creation task"  # in Ray's message: the package cannot be imported or unpickled
START_SECONDS, CLOSE_SECONDS = 300.0, 10.0


class WorkersLost(Exception):
    """A call could not be completed because processes of workers have ended."""


class Cluster(Protocol):
    """A number of workers."""

    n_workers: int

    def start(self, numbers: Sequence[int]) -> None:
        """Create workers, or replace lost ones. Raises a TimeoutError if the cluster has no room for them."""

    def call(self, i: int, method: str, *args: Any, n_results: int | None = None) -> Any:
        """Call a method of worker `i`.

        Returns a handle, or a list of `n_results` handles for the items of the result.
        """

    def gather(self, handles: Sequence[Any]) -> list[Any]:
        """Wait for results. Raises WorkersLost if workers were lost, or the error of a worker."""

    def share(self, value: Any) -> Any:
        """A handle for a value that several workers need."""

    def lost(self) -> list[int]:
        """The workers whose processes have ended."""

    def close(self) -> None:
        """End all workers."""


# -----------------------------------------------------------------------------------------------------
# This process


class _Result:
    """The result of a call that is done."""

    def __init__(self, value: Any = None, error: BaseException | None = None) -> None:
        self._value, self._error = value, error

    def get(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value


class LocalCluster:
    """Workers in this process, one after the other.

    Parameters
    ----------
    create : callable
        Makes worker `i`.
    n_workers : int
    is_lost : callable, optional
        Called before each call with the worker, the method and its arguments. If it returns True, the worker is lost:
        to try out what happens then.
    """

    def __init__(
        self,
        create: Callable[[int], Any],
        n_workers: int,
        is_lost: Callable[[int, str, tuple[Any, ...]], bool] = lambda i, method, args: False,
    ) -> None:
        self.n_workers, self._create, self._is_lost = n_workers, create, is_lost
        self.workers: list[Any] = [None] * n_workers

    def start(self, numbers: Sequence[int]) -> None:
        for i in numbers:
            self.workers[i] = self._create(i)

    def call(self, i: int, method: str, *args: Any, n_results: int | None = None) -> Any:
        if self.workers[i] is not None and self._is_lost(i, method, args):
            self.workers[i] = None
        try:
            if self.workers[i] is None:
                raise WorkersLost(i)
            values = [arg.get() if isinstance(arg, _Result) else arg for arg in args]
            result = getattr(self.workers[i], method)(*values)
        except WorkersLost as error:
            failed = _Result(error=error)
            return failed if n_results is None else [failed] * n_results
        return _Result(result) if n_results is None else [_Result(item) for item in result]

    def gather(self, handles: Sequence[Any]) -> list[Any]:
        return [handle.get() for handle in handles]

    def share(self, value: Any) -> Any:
        return _Result(value)

    def lost(self) -> list[int]:
        return [i for i, worker in enumerate(self.workers) if worker is None]

    def close(self) -> None:
        for worker in self.workers:
            if worker is not None:
                worker.close()


# -----------------------------------------------------------------------------------------------------
# Ray


class RayCluster:
    """Workers as actors of Ray, spread over its nodes.

    Parameters
    ----------
    ray : module
        Connected, see `connected`.
    create : callable
        Makes worker `i`, on a node.
    n_workers : int
    threads : int
        CPUs per worker; fewer are requested if the cluster does not have that many.
    start_seconds : float
        How long a worker may take to start.
    """

    def __init__(
        self,
        ray: Any,
        create: Callable[[int], Any],
        n_workers: int,
        threads: int,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self.n_workers, self._ray, self._create, self._start_seconds = n_workers, ray, create, start_seconds
        available = n_cpus(ray)
        cpus = float(threads) if threads * n_workers <= available else min(1.0, 0.99 * available / n_workers)
        self._actor = ray.remote(num_cpus=round(cpus, 4), scheduling_strategy="SPREAD", max_restarts=0)(Actor)
        self._actors: list[Any] = [None] * n_workers

    def start(self, numbers: Sequence[int]) -> None:
        for i in numbers:
            self._actors[i] = self._actor.remote(self._create, i)
        started = [self._actors[i].call.remote("next_round") for i in numbers]
        try:
            self._ray.get(started, timeout=self._start_seconds)
        except self._ray.exceptions.GetTimeoutError:
            raise TimeoutError(
                f"workers: {self.n_workers} did not start within {self._start_seconds:.0f} seconds; the cluster has "
                f"{n_cpus(self._ray)} CPUs: pass fewer shards or threads, add nodes, or wait for other jobs to end"
            ) from None
        except self._ray.exceptions.RayActorError as error:
            if CREATION_FAILED in str(error):
                raise ImportError(
                    f"workers: a node cannot start workers: {_reason(error)}; install gensim_sent2vec {__version__} on "
                    "all nodes"
                ) from error
            raise WorkersLost from error

    def call(self, i: int, method: str, *args: Any, n_results: int | None = None) -> Any:
        return self._actors[i].call.options(num_returns=n_results or 1).remote(method, *args)

    def gather(self, handles: Sequence[Any]) -> list[Any]:
        errors = self._ray.exceptions
        try:
            results: list[Any] = self._ray.get(list(handles))
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, (errors.RayActorError, errors.ObjectLostError)):  # of a worker that this one needs
                raise WorkersLost from error
            raise cause from None
        except (errors.RayActorError, errors.ObjectLostError, errors.OwnerDiedError) as error:
            if isinstance(cause := getattr(error, "cause", None), errors.RayTaskError):  # the constructor failed
                raise cause.cause from None
            raise WorkersLost from error
        return results

    def share(self, value: Any) -> Any:
        return self._ray.put(value)

    def lost(self) -> list[int]:
        lost = []
        for i, actor in enumerate(self._actors):
            try:
                if actor is None:
                    raise WorkersLost(i)
                self._ray.get(actor.call.remote("next_round"))  # after what it is doing, such as a round
            except (WorkersLost, self._ray.exceptions.RayActorError):
                lost.append(i)
        return lost

    def close(self) -> None:
        actors = [actor for actor in self._actors if actor is not None]
        with suppress(Exception):  # those that are busy or lost do not answer
            closing = [actor.call.remote("close") for actor in actors]
            self._ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
        for actor in actors:
            with suppress(Exception):
                self._ray.kill(actor)


def _reason(error: BaseException) -> str:
    """The last error in the text of a traceback of a node."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    found = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (found or lines)[-1].strip()


class Actor:
    """The process of a worker, whose errors are raised by its calls instead of by its start."""

    def __init__(self, create: Callable[[int], Any], i: int) -> None:
        self._create, self._i, self._worker = create, i, None

    def call(self, method: str, *args: Any) -> Any:
        if self._worker is None and method in ("next_round", "close"):
            return -1
        if self._worker is None:
            self._worker = self._create(self._i)
        return getattr(self._worker, method)(*args)
