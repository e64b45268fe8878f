"""The supervisor's decisions, without processes."""

import socket

import pytest

from gensim_sent2vec._service import supervisor as module
from gensim_sent2vec._service.access import Access
from gensim_sent2vec._service.limits import Limits
from gensim_sent2vec._service.source import Source


def test_a_fork_server_that_dies_during_the_start_is_tried_again(monkeypatch, capsys, tmp_path):
    def fail(*_):
        raise EOFError("unexpected EOF")

    monkeypatch.setattr(module, "start_method", lambda: None)
    monkeypatch.setattr(module, "start_worker", fail)
    with socket.socket() as listener:
        supervisor = module.Supervisor(Source("model", "faq"), "index", 1, Limits(), listener, str(tmp_path), Access())
        supervisor.start_times.clear()
        supervisor._start_worker()
        assert len(supervisor.start_times) == 1 and "EOFError" in capsys.readouterr().err
        with pytest.raises(ChildProcessError, match="EOFError"):
            for _ in range(module.MAX_FAILED_STARTS):
                supervisor._start_worker()
