"""Addresses at which no Ray cluster answers, in a process that is not connected to one."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading

import pytest

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._distributed import ray_connection
from gensim_sent2vec._distributed.ray_connection import connected
from gensim_sent2vec.distributed import train_distributed


@pytest.fixture
def shards(tmp_path):
    for i in range(2):
        (tmp_path / f"{i}.txt").write_text("a b c d\n" * 20, encoding="utf-8")
    return [str(tmp_path / f"{i}.txt") for i in range(2)]


@pytest.fixture
def train(home, shards):
    ray = pytest.importorskip("ray")
    assert not ray.is_initialized()
    return lambda address: train_distributed(Sent2Vec(vector_size=4, min_count=1), shards, address=address)


@pytest.fixture
def listening():
    """A port that accepts connections, and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nothing_listens(train, scheme):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=rf"^address: no Ray cluster answers at '{address}' .*refused.*start"):
            train(address)


def test_names_and_ports_that_do_not_exist(train):
    for address in ("nowhere.invalid:6379", "127.0.0.1:99999"):
        with pytest.raises(
            ConnectionError, match=rf"^address: no Ray cluster answers at '{address}'.*correct the addr"
        ):
            train(address)
    for address in ("here", "here:", "6379", "here:there"):
        with pytest.raises(ValueError, match=r"^address: expected HOST:PORT, auto or ray://HOST:PORT, got '"):
            train(address)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_another_program_listens(train, scheme):
    """Ray itself would try for ten minutes."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(
            ConnectionError, match=r"^address: no Ray cluster .*\(another program listens there\); start"
        ):
            train(f"{scheme}127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def test_no_answer(train, listening, monkeypatch):
    monkeypatch.setattr(ray_connection, "CONNECT_SECONDS", 0.2)
    with pytest.raises(ConnectionError, match=r"^address: no Ray cluster answers at .*timed out"):
        train(listening)


@pytest.mark.slow
def test_no_cluster_on_this_machine(shards, home, tmp_path):
    pytest.importorskip("ray")
    command = [sys.executable, "-m", "gensim_sent2vec", "train", *shards, str(tmp_path / "model"), "--ray", "auto"]
    environment = {**os.environ, "RAY_TMPDIR": str(tmp_path)}  # it has no traces of clusters
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "address: cannot connect to a Ray cluster at 'auto'" in done.stderr
    assert not (tmp_path / "model").exists()


def test_without_ray(shards, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r'pip install "gensim-sent2vec\[ray\]"'), connected(None):
        pass
