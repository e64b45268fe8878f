"""Distributed training by actors of Ray, which gives the bytes of the same workers in this process."""

from __future__ import annotations

import importlib
import os
import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from models import assert_same_bytes

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._distributed import training
from gensim_sent2vec._distributed.clusters import RayCluster
from gensim_sent2vec._distributed.ray_connection import connected
from gensim_sent2vec._distributed.training import DistributedTraining, worker_factory
from gensim_sent2vec._files import container
from gensim_sent2vec.distributed import train_distributed

resource = pytest.importorskip("resource")  # Windows has none
pytestmark = pytest.mark.slow

OPTIONS = {"vector_size": 6, "min_count": 1, "workers": 1, "epochs": 2, "word_ngrams": 2, "bucket": 500}


@pytest.fixture
def shards(tmp_path):
    paths = []
    for i in range(3):
        rng = np.random.default_rng(i)
        lines = [" ".join(f"w{word}" for word in rng.zipf(1.4, rng.integers(2, 12)) % 200) for _ in range(200)]
        paths.append(str(tmp_path / f"shard-{i}.txt"))
        (tmp_path / f"shard-{i}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return paths


def local(shards, **options):
    return train_distributed(Sent2Vec(**OPTIONS), shards, 2, engine="local", **options)


def test_as_in_this_process(ray, shards):
    assert_same_bytes(train_distributed(Sent2Vec(**OPTIONS), shards, 2), local(shards))
    plain = Sent2Vec(corpus_file=shards[0], **OPTIONS)
    model = train_distributed(Sent2Vec(**OPTIONS), shards[:1], 1)
    assert_same_bytes(model, plain)
    assert model.encode(["w1 w2 w3"]).tobytes() == plain.encode(["w1 w2 w3"]).tobytes()
    model.train(corpus_file=shards[0])  # its arrays can be written to


@pytest.mark.parametrize("method", ["train_round", "combine", "apply"])
def test_a_killed_worker_is_replaced(ray, shards, tmp_path, method):
    marker = tmp_path / "killed"
    model = Sent2Vec(**OPTIONS)
    create = worker_factory(model, shards, 1)

    def create_mortal(i):
        worker = create(i)
        original, calls = getattr(worker, method), []

        def mortal(*args):
            calls.append(args)
            if i == 1 and len(calls) == 2 and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args)

        setattr(worker, method, mortal)
        return worker

    distributed(ray, model, shards, create_mortal)
    assert marker.exists()
    assert_same_bytes(model, local(shards))


def distributed(ray, model, shards, create, checkpoint=None):
    cluster = RayCluster(ray, create, len(shards), 1)
    try:
        DistributedTraining(model, cluster, 2, checkpoint, 3, False).run()
    finally:
        cluster.close()


def test_another_version_on_a_node(ray, shards):
    model = Sent2Vec(**OPTIONS)
    create = worker_factory(model, shards, 1)

    def create_other(i):
        worker = create(i)
        facts = worker.facts()
        facts["versions"]["gensim_sent2vec"] = "0.0.1"
        worker.facts = lambda: facts
        return worker

    host = re.escape(repr(socket.gethostname()))
    message = rf"^workers: worker 0 on host {host} runs gensim_sent2vec 0\.0\.1 .*; install the same on all nodes"
    with pytest.raises(ValueError, match=message):
        distributed(ray, model, shards, create_other)
    assert not len(model.wv)


class Missing:
    """Cannot be unpickled, as if the package were missing on the node."""

    def __reduce__(self):
        return importlib.import_module, ("gensim_sent2vec.not_installed",)


def test_a_node_without_the_package(ray, shards):
    message = r"^workers: a node cannot start workers: .*No module named 'gensim_sent2vec.not_installed'; install "
    with pytest.raises(ImportError, match=message):
        distributed(ray, Sent2Vec(**OPTIONS), shards, Missing())


DRIVER = """
import os, signal, sys
from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._distributed import training
from gensim_sent2vec.distributed import train_distributed

write = training.write_checkpoint

def write_and_die(path, matrices, next_round, facts):
    write(path, matrices, next_round, facts)
    if next_round == 3:
        os.kill(os.getpid(), signal.SIGKILL)

training.write_checkpoint = write_and_die
address, checkpoint, *shards = sys.argv[1:]
train_distributed(Sent2Vec(**{options}), shards, 2, address=address, checkpoint=checkpoint)
"""


def test_a_killed_driver_goes_on(ray, shards, tmp_path, monkeypatch):
    checkpoint, driver = tmp_path / "checkpoint", tmp_path / "driver.py"
    driver.write_text(DRIVER.replace("{options}", repr(OPTIONS)), encoding="utf-8")
    address = ray.get_runtime_context().gcs_address
    done = subprocess.run([sys.executable, driver, address, checkpoint, *shards], cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL and checkpoint.is_file()
    written, write = [], training.write_checkpoint
    monkeypatch.setattr(training, "write_checkpoint", lambda *args: written.append(args[2]) or write(*args))
    model = train_distributed(Sent2Vec(**OPTIONS), shards, 2, checkpoint=checkpoint)
    assert written == [4]  # of four rounds, only the last one is trained
    assert_same_bytes(model, local(shards))


def test_a_full_disk_at_a_checkpoint(ray, shards, tmp_path, monkeypatch):
    """The disk is full from the third round on; the previous checkpoint stays, and training goes on from it."""
    checkpoint, write, written = tmp_path / "checkpoint", container.write, []

    def write_or_fail(path, *args):
        written.append(path)
        if len(written) == 3:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # of a write beyond: EFBIG
            try:
                write(path, *args)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        write(path, *args)

    monkeypatch.setattr(container, "write", write_or_fail)
    with pytest.raises(OSError, match="File too large"):
        train_distributed(Sent2Vec(**OPTIONS), shards, 2, checkpoint=checkpoint)
    assert os.listdir(tmp_path).count("checkpoint") == 1 and not list(tmp_path.glob(".checkpoint*"))
    monkeypatch.undo()
    model = train_distributed(Sent2Vec(**OPTIONS), shards, 2, checkpoint=checkpoint)
    assert len(written) == 3
    assert_same_bytes(model, local(shards))


def test_a_lost_node(ray, ray_cluster, shards, tmp_path):
    """Its worker goes on on another node."""
    node = ray_cluster.add_node(num_cpus=4, object_store_memory=100 << 20, resources={"spare": 1})
    ray_cluster.wait_for_nodes()
    model, number = Sent2Vec(**OPTIONS), len(shards) - 1
    cluster = RayCluster(ray, worker_factory(model, shards, 1), len(shards), 1)
    start, spread = cluster.start, cluster._actor

    def start_on_the_node(numbers):
        for i in numbers:
            cluster._actor = spread.options(resources={"spare": 1}) if i == number else spread
            start([i])

    cluster.start = start_on_the_node
    finished = []

    class Training(DistributedTraining):
        def _finished(self, done):
            finished.append(done)
            if done == 1:
                ray_cluster.remove_node(node, allow_graceful=False)
                cluster.start = start
                cluster._actor = spread
            super()._finished(done)

    try:
        Training(model, cluster, 2, None, 3, False).run()
    finally:
        cluster.close()
    assert finished == [0, 1, 2, 3]
    assert_same_bytes(model, local(shards))


def test_a_checkpoint_of_ray(ray, shards, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    model = train_distributed(Sent2Vec(**OPTIONS), shards, 2, checkpoint=checkpoint)
    again = train_distributed(Sent2Vec(**OPTIONS), shards, 2, checkpoint=checkpoint)
    assert_same_bytes(again, model)


def test_errors_of_workers(ray, shards, tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(FileNotFoundError, match=rf"^shards: host '{socket.gethostname()}' .* does not see the file"):
        train_distributed(Sent2Vec(**OPTIONS), [*shards, tmp_path / "nowhere"])
    with pytest.raises(ValueError, match=r"^shards: .*empty' on host .* is empty; leave it out"):
        train_distributed(Sent2Vec(**OPTIONS), [*shards, tmp_path / "empty"])
    with pytest.raises(ValueError, match=r"^alpha: training diverged in round"):
        train_distributed(Sent2Vec(**OPTIONS), shards, start_alpha=1e30)


def test_addresses(ray, shards):
    address = ray.get_runtime_context().gcs_address
    for accepted in (None, "auto", address):
        with connected(accepted):
            pass
    assert ray.is_initialized()  # the connection of the caller stays
    with pytest.raises(ValueError, match=r"^address: Ray is connected to .* already, not to '10\.0\.0\.1:1'"):
        train_distributed(Sent2Vec(**OPTIONS), shards, address="10.0.0.1:1")


def test_a_cluster_without_room(ray, shards):
    model = Sent2Vec(**OPTIONS)
    cluster = RayCluster(ray, worker_factory(model, shards, 1), len(shards), 1, start_seconds=8)
    cluster._actor = cluster._actor.options(num_cpus=50)
    with pytest.raises(TimeoutError, match=r"^workers: 3 did not start within 8 seconds; the cluster has 4 CPUs"):
        DistributedTraining(model, cluster, 2, None, 3, False).run()
    cluster._actors = []
