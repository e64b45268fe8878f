"""Threads hand their errors to the caller, and stop if it fails."""

import threading

import pytest

from gensim_sent2vec._util.threads import ThreadGroup


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
