"""Counters that several processes share."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("prometheus_client", reason='needs prometheus_client: pip install "gensim-sent2vec[serve]"')
from gensim_sent2vec._service.metrics import FOLDER, Metrics, forget_process


def test_a_process_that_died_while_it_created_a_file_spoils_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "counter_12345678.db").touch()
    forget_process(12345678)
    assert Metrics().render() == b""


def test_counts_of_dead_processes_stay_counted_and_their_files_do_not(tmp_path):
    """Prometheus picks the kind of storage when it is imported, so the processes are real."""
    count = "from gensim_sent2vec._service.metrics import Metrics; Metrics().count('/search', [True, False])"
    env = {**os.environ, FOLDER: str(tmp_path)}
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", count], env=env) as process:
            process.wait()
        forget = f"from gensim_sent2vec._service.metrics import Metrics, forget_process as f; f({process.pid})"
        shown = subprocess.check_output(
            [sys.executable, "-c", forget + "; print(Metrics().render().decode())"], env=env
        )
    assert b'gensim_sent2vec_sentences_total{route="/search"} 4.0' in shown
    assert not list(tmp_path.glob(f"*_{process.pid}.db")) and not list(tmp_path.glob("*.tmp"))
    assert len(list(tmp_path.glob("counter_*.db"))) <= 2
