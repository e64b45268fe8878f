"""Threads that rest while all of them together are hardly faster than one."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from gensim_sent2vec._training import resting
from gensim_sent2vec._training.resting import MEASURED, Resting


class Clock:
    """A time that tests set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Simulation:
    """Threads with given speeds, in thousands of tokens per second, of the first one among the others and alone."""

    def __init__(self, n: int, together: float, alone: float) -> None:
        self.n, self.together, self.alone, self.clock = n, together, alone, Clock()
        self.resting = Resting(n, clock=self.clock)
        self.tokens = self.cpu = 0.0

    def run(self, seconds: float, step: float = 0.01) -> float:
        """The share of the time during which all threads work."""
        before, working = self.cpu, 0
        for _ in range(round(seconds / step)):
            rest = self.resting._until > self.clock.now
            speed = self.alone if rest else self.together
            self.resting.note(0 if rest else self.n - 1, round(1000 * speed * step), step)
            self.tokens += speed * step * (1 if rest else self.n)
            self.cpu += step * (1 if rest else self.n)
            working += not rest
            self.clock.now += step
        assert self.cpu > before
        return working / round(seconds / step)


@pytest.mark.parametrize("together", [40, 50, 57])
def test_threads_rest_if_they_are_hardly_faster_than_one(together, caplog):
    far = Simulation(2, together, alone=100)
    with caplog.at_level("INFO", logger=resting.__name__):
        assert far.run(20) < 0.1
    assert far.cpu / far.tokens < 1.1 / far.alone
    assert [record.getMessage() for record in caplog.records] == [
        f"1 of 2 threads rest, because all of them train only {together / 50:.2f} times as fast as one (do their "
        "CPUs share no cache?)"
    ]


@pytest.mark.parametrize(("n", "together"), [(2, 99), (2, 60), (4, 40), (16, 10)])
def test_threads_work_if_they_are_faster_than_one(n, together):
    assert Simulation(n, together, alone=100).run(20) > 0.98


def test_threads_follow_changes_of_speed():
    threads = Simulation(2, together=95, alone=100)
    threads.run(20)
    threads.together = 48
    assert threads.run(20) < 0.1
    threads.together = 90
    threads.run(2)
    assert threads.run(20) == 1
    threads.together, threads.alone = 50, 55  # both slower: one alone is measured again
    assert threads.run(20) > 0.98


def test_speeds_while_some_of_the_others_work_do_not_count():
    threads = Resting(4, clock=Clock())
    for _ in range(100):
        threads.note(2, 1, MEASURED)
        threads.note(0, 1, MEASURED)
    assert threads._until == 0


def run_parts(threads: Resting, n: int, parts, work) -> None:
    """Threads that share parts, as in a run."""
    threads.begin()
    shared = iter(parts)

    def run(i: int) -> None:
        for part in threads.parts(i, shared):
            threads.work(i, partial(work, i, part))

    running = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(timeout=20)
        assert not thread.is_alive()


@pytest.mark.parametrize("may_rest", [True, False])
def test_each_part_is_worked_on_once_and_nobody_waits_for_a_rest_at_the_end(may_rest, monkeypatch):
    """The first thread works slowly unless it is alone, so that the others are told to rest for 100 seconds."""
    monkeypatch.setattr(resting, "LEAST_REST", 100.0)
    monkeypatch.setattr(resting, "MEASURED", 0.002)
    threads, done, working = Resting(3, may_rest), [], set()

    def work(i: int, part: int) -> int:
        working.add(i)
        done.append((part, i))
        start = time.thread_time()
        while time.thread_time() - start < 0.001:
            pass
        working.discard(i)
        return 10 if working else 100

    start = time.monotonic()
    for epoch in range(6):
        done.clear()
        run_parts(threads, 3, range(100), work)
        assert sorted(part for part, _ in done) == list(range(100))
        if may_rest and epoch == 5:
            assert {i for _, i in done} == {0}
    assert time.monotonic() - start < 20


def test_a_stop_wakes_threads():
    threads = Resting(2)
    threads._until = time.monotonic() + 100
    woken = threading.Thread(target=lambda: next(threads.parts(1, iter([1]))))
    woken.start()
    time.sleep(0.05)
    assert woken.is_alive()
    threads.end()
    woken.join(timeout=10)
    assert not woken.is_alive()
