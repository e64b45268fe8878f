"""Threads that rest while all of them together are hardly faster than one.

With exact negative samples, each target updates rows from the entire vocabulary. If the CPUs of two threads share no
cache (those of two sockets, or virtual ones that a host has placed far apart), half of the rows come from the cache of
the other CPU. Then two threads train hardly more words than one, with twice the CPU time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")

# Speed of all threads, relative to one; below it, all but the first rest. Less than the 1.2 to 1.3 of two hyperthreads
# of one core, which share its cache and are worth having.
LEAST_GAIN = 1.15
MEASURED = 0.05  # seconds of CPU time in which a speed is measured
LEAST_REST, RESTS = 1.0, 16  # seconds, and multiples of the time measured, after which all threads are tried again
SLOW, LEAST_PAUSE = 0.75, 10.0  # one thread is measured again if it is slower than this among others, after 10 seconds
LONGEST = 10.0  # seconds to rest while one thread is measured


class Resting:
    """Measures the speed of the first thread, in tokens per second of its CPU time, and lets the others rest.

    Parameters
    ----------
    n : int
        Number of threads.
    may_rest : bool
        False: they never rest.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, n: int, may_rest: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._n, self._may_rest, self._clock = n, may_rest and n > 1, clock
        self._changed = threading.Condition()
        self._n_working = 0  # threads, besides the first
        self._until = 0.0  # when the rest ends
        self._ended, self._rests = False, False
        self._together, self._alone = 0.0, 0.0  # speed of the first thread; 0 if unknown
        self._measures_one = False
        self._tokens, self._seconds, self._others = 0, 0.0, -1  # what is being measured, among how many other threads
        self._tried = float("-inf")  # when one thread was measured last

    def begin(self) -> None:
        """To be called before the threads start."""
        self._ended = False

    def end(self) -> None:
        """Wake all threads for good: there is no more work, or it is to stop."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def parts(self, i: int, parts: Iterator[T]) -> Iterator[T]:
        """The next parts of the work, which threads may share, for thread `i`: it rests before it takes one."""
        while True:
            if i > 0:
                self._rest()
            try:
                part = next(parts)
            except StopIteration:
                break
            yield part
        if i == 0:
            self.end()

    def _rest(self) -> None:
        with self._changed:
            while not self._ended and (seconds := self._until - self._clock()) > 0:
                self._changed.wait(seconds)

    def work(self, i: int, work: Callable[[], int]) -> None:
        """Call `work`, which returns the number of tokens, in thread `i`."""
        if i > 0:
            with self._changed:
                self._n_working += 1
            try:
                work()
            finally:
                with self._changed:
                    self._n_working -= 1
            return
        others, start = self._n_working, time.thread_time()
        tokens = work()
        if self._may_rest and others == self._n_working:
            self.note(others, tokens, time.thread_time() - start)

    def note(self, others: int, tokens: int, seconds: float) -> None:
        """The first thread has trained so many tokens in so much CPU time while so many others worked."""
        if others != self._others:
            self._tokens, self._seconds, self._others = 0, 0.0, others
        self._tokens += tokens
        self._seconds += seconds
        if self._seconds < MEASURED or (others != self._n - 1 and not (others == 0 and self._measures_one)):
            return
        speed, seconds, now = self._tokens / self._seconds, self._seconds, self._clock()
        self._others = -1
        if others == 0:
            self._alone, self._tried, self._measures_one = speed, now, False
        else:
            self._together = speed
            is_slow = speed < SLOW * self._alone and now - self._tried > LEAST_PAUSE
            if is_slow or not self._alone:
                self._measures_one = True
                self._rest_until(now + LONGEST)
                return
        rests = self._n * self._together < LEAST_GAIN * self._alone
        if rests and not self._rests:
            logger.info(
                "%d of %d threads rest, because all of them train only %.2f times as fast as one (do their CPUs share "
                "no cache?)", self._n - 1, self._n, self._n * self._together / self._alone,
            )  # fmt: skip
        self._rests = rests
        self._rest_until(now + max(LEAST_REST, RESTS * seconds) if rests else now)

    def _rest_until(self, until: float) -> None:
        with self._changed:
            self._until = until
            self._changed.notify_all()
