"""Threads whose exceptions reach the caller, and which a Ctrl-C stops."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any


def available_cpus() -> int:
    """The number of CPUs this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


class ThreadGroup:
    """Runs ``work(i)`` in `n` threads, i = 0 .. n - 1, for the length of a ``with`` block.

    The block is the caller's own part: waiting, showing progress, handing out batches. An exception in it
    (a Ctrl-C, a broken corpus iterator) calls `stop` and waits for the threads; an exception in a thread is
    raised in the block by the next `check` or `wait`, or at its end.

    Parameters
    ----------
    n : int
        Number of threads.
    work : callable
        Called with the thread's number.
    stop : callable
        Makes every `work` return soon.
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
        """Raise the first exception of a thread, if there is one."""
        if self._errors:
            raise self._errors[0]

    def wait(self, seconds: float) -> bool:
        """Wait for all threads to end, at most so long; whether they have."""
        with self._ended:
            ended = self._ended.wait_for(lambda: self._running == 0 or bool(self._errors), seconds)
        self.check()
        return ended

    def __enter__(self) -> ThreadGroup:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self._stop()
        for thread in self._threads:
            thread.join()
        if kind is None:
            self.check()


def threads_over(
    slices: Sequence[Iterable[slice]], work: Callable[[int, slice], None], stop: Callable[[], object] = lambda: None
) -> ThreadGroup:
    """A `ThreadGroup` in which thread i calls ``work(i, part)`` for each slice of ``slices[i]``.

    The threads share the slices where one iterator is passed several times: ``[iter(slices_of(n, step))] * n_threads``.
    After an error or a Ctrl-C no further slice is begun.

    Parameters
    ----------
    slices : sequence of iterables of slice
        One for each thread.
    work : callable
        Called with the thread's number and a slice.
    stop : callable
        Makes a `work` that is under way return soon.
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
    """`start` to `n` in slices of `step`; the last one may be shorter."""
    return [slice(i, min(i + step, n)) for i in range(start, n, step)]


def ordered_map(pool: Executor, work: Callable[[Any], Any], items: Iterable[Any], ahead: int) -> Iterator[Any]:
    """``map(work, items)`` by a pool, with at most `ahead` items read before their turn."""
    pending: list[Future[Any]] = []
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > ahead:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()
    finally:
        for future in pending:
            future.cancel()


def thread_map(work: Callable[[Any], Any], items: Iterable[Any], workers: int) -> Iterator[Any]:
    """``map(work, items)`` by threads, with no more items read than the threads need."""
    if workers == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from ordered_map(pool, work, items, 2 * workers)
