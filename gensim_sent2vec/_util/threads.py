"""Threads whose exceptions reach the caller, and which Ctrl-C stops."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

# What to do if the system refuses a thread.
NO_THREAD = "the process is out of memory, or over a limit of the system (ulimit -v, ulimit -u); use fewer workers"


def available_cpus() -> int:
    """The number of CPUs that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


class ThreadGroup:
    """Runs ``work(i)`` in `n` threads, i = 0 .. n - 1, for the duration of a ``with`` block.

    In the block, the calling thread waits, shows progress, or hands out batches. An exception in the block (Ctrl-C, an
    error of the corpus iterator) calls `stop` and waits for the threads. An exception in a thread calls `stop`, and is
    raised in the block by the next `check` or `wait`, or at its end.

    Parameters
    ----------
    n : int
        Number of threads.
    work : callable
        Called with the index of the thread.
    stop : callable
        Makes all calls of `work` return soon.
    """

    def __init__(self, n: int, work: Callable[[int], None], stop: Callable[[], object]) -> None:
        self._work, self._stop = work, stop
        self._errors: list[BaseException] = []
        self._ended = threading.Condition()
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(n)]
        self._running = n

    def _run(self, i: int) -> None:
        try:
            self._work(i)
        except BaseException as error:
            self._errors.append(error)
            self._stop()
        finally:
            with self._ended:
                self._running -= 1
                self._ended.notify_all()

    def check(self) -> None:
        """Raise the first exception that occurred in a thread, if any."""
        if self._errors:
            raise self._errors[0]

    def wait(self, seconds: float) -> bool:
        """Wait until all threads have ended, at most `seconds`; return whether they have."""
        with self._ended:
            ended = self._ended.wait_for(lambda: self._running == 0 or bool(self._errors), seconds)
        self.check()
        return ended

    def __enter__(self) -> ThreadGroup:
        started: list[threading.Thread] = []
        try:
            for thread in self._threads:
                thread.start()
                started.append(thread)
        except BaseException as error:  # the block is not entered, so `__exit__` is not called
            self._stop()
            for thread in started:
                thread.join()
            raise thread_failure(error, f"thread {len(started) + 1} of {len(self._threads)}") or error from None
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self._stop()
        for thread in self._threads:
            thread.join()
        if kind is None:
            self.check()


def thread_failure(error: BaseException, what: str = "a thread") -> MemoryError | None:
    """The error to raise instead if the system has refused to start a thread, else None."""
    if not isinstance(error, RuntimeError) or "can't start new thread" not in str(error):
        return None
    return MemoryError(f"workers: cannot start {what}: {NO_THREAD}")


def threads_over(
    slices: Sequence[Iterable[slice]], work: Callable[[int, slice], None], stop: Callable[[], object] = lambda: None
) -> ThreadGroup:
    """A `ThreadGroup` in which thread i calls ``work(i, part)`` for each slice of ``slices[i]``.

    Threads that are passed the same iterator share its slices: ``[iter(slices_of(n, step))] * n_threads``. After an
    error or Ctrl-C, no further slice is started.

    Parameters
    ----------
    slices : sequence of iterables of slice
        One for each thread.
    work : callable
        Called with the index of the thread and a slice.
    stop : callable
        Makes running calls of `work` return soon.
    """
    stopped = threading.Event()

    def run(i: int) -> None:
        for part in slices[i]:
            if stopped.is_set():
                return
            work(i, part)

    def stop_all() -> None:
        stopped.set()
        stop()

    return ThreadGroup(len(slices), run, stop_all)


def slices_of(n: int, step: int, start: int = 0) -> list[slice]:
    """Slices of length `step` from `start` to `n`; the last one may be shorter."""
    return [slice(i, min(i + step, n)) for i in range(start, n, step)]


def ordered_map(pool: Executor, work: Callable[[Any], Any], items: Iterable[Any], ahead: int) -> Iterator[Any]:
    """``map(work, items)`` in a pool; at most `ahead` items are read in advance. Results are in order."""
    pending: list[Future[Any]] = []
    try:
        for item in items:
            pending.append(_submit(pool, work, item))
            if len(pending) > ahead:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()
    finally:
        for future in pending:
            future.cancel()


def check_threads(n: int) -> None:
    """Check that `n` more threads can run, for libraries that wait forever if one of theirs cannot start.

    Raises
    ------
    MemoryError
    """
    done = threading.Event()
    with ThreadGroup(n, lambda _: _wait(done), done.set):
        done.set()


def _wait(event: threading.Event) -> None:
    event.wait()


def _submit(pool: Executor, work: Callable[[Any], Any], item: Any) -> Future[Any]:
    try:
        return pool.submit(work, item)
    except RuntimeError as error:
        raise thread_failure(error) or error from None


def thread_map(work: Callable[[Any], Any], items: Iterable[Any], workers: int) -> Iterator[Any]:
    """``map(work, items)`` in threads; at most two items per thread are read in advance. Results are in order."""
    if workers == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from ordered_map(pool, work, items, 2 * workers)
