"""Counters that several processes share."""

import pytest

pytest.importorskip("prometheus_client", reason='needs prometheus_client: pip install "gensim-sent2vec[serve]"')
from gensim_sent2vec._service.metrics import FOLDER, Metrics, forget_process


def test_a_process_that_died_while_it_created_a_file_spoils_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "counter_12345678.db").touch()
    forget_process(12345678)
    assert Metrics().render() == b""
