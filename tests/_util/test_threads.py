"""Threads hand their errors to the caller, and stop if it fails."""

import threading
import time

import pytest

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._text.tokenization import Tokenization
from gensim_sent2vec._util.threads import ThreadGroup, thread_map


def test_an_error_in_a_thread_is_raised_in_the_block(no_thread_left):
    stopped = threading.Event()

    def work(i):
        if i == 1:
            raise KeyError("broken")
        assert stopped.wait(30)

    with pytest.raises(KeyError, match="broken"), ThreadGroup(3, work, stopped.set) as threads:
        while not threads.wait(30):
            pass


def test_threads_stop_if_the_block_fails(no_thread_left):
    stopped = threading.Event()
    with pytest.raises(ZeroDivisionError), ThreadGroup(3, lambda i: stopped.wait(30), stopped.set):
        1 / 0  # noqa: B018


def test_an_error_in_a_thread_is_raised_at_the_end_of_the_block():
    def fail(i):
        raise OSError(f"thread {i}")

    with pytest.raises(OSError, match="thread 0"), ThreadGroup(1, fail, lambda: None):
        pass


def test_each_number_runs_once(no_thread_left):
    done = []
    with ThreadGroup(5, done.append, lambda: None) as threads:
        assert threads.wait(30)
    assert sorted(done) == [0, 1, 2, 3, 4]


@pytest.fixture
def only_two_threads(monkeypatch):
    """The system refuses the third thread, as under ``ulimit -v`` or ``-u``."""
    started, start = [], threading.Thread.start

    def limited(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)


def test_threads_that_have_started_stop_if_another_cannot(only_two_threads, no_thread_left):
    stopped = threading.Event()
    group = ThreadGroup(5, lambda i: stopped.wait(30), stopped.set)
    with pytest.raises(MemoryError, match=r"workers: cannot start thread 3 of 5: .*use fewer workers"), group:
        raise AssertionError("the block must not be entered")
    assert stopped.is_set()


def test_pools_say_what_to_do_if_a_thread_cannot_start(only_two_threads, no_thread_left):
    with pytest.raises(MemoryError, match=r"cannot start a thread.*use fewer workers"):
        list(thread_map(lambda i: time.sleep(0.01), range(100), workers=5))


def test_training_with_too_many_threads_leaves_none(only_two_threads, no_thread_left):
    with pytest.raises(MemoryError, match="use fewer workers"):
        Sent2Vec([["a", "b"]] * 9, vector_size=4, min_count=1, workers=3)


def test_a_pool_of_processes_checks_its_threads_first(monkeypatch, no_thread_left):
    """If its own threads could not start, it would wait forever."""

    def refused(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    lines = Tokenization("words").lines(["a b"] * 5000, 2)
    with pytest.raises(MemoryError, match="use fewer workers"):
        list(lines)
