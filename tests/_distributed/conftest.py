"""Engines that write nothing into the user's home folder."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Engines write tokens, caches and logs into the home folder.

    It is the current folder, too: Ray imports from that of the driver first, which could be a source folder without a
    compiled kernel.
    """
    folder = tmp_path_factory.mktemp("home")
    before, cwd = dict(os.environ), os.getcwd()
    os.chdir(folder)
    os.environ.update(HOME=str(folder), HF_HOME=str(folder), HF_DATASETS_OFFLINE="1", PYSPARK_PYTHON=sys.executable)
    yield folder
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def ray_cluster(home):
    """A cluster of two raylets besides the head, which listens on loopback only."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=2, object_store_memory=100 << 20)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def ray(ray_cluster):
    """Connected to the cluster."""
    import ray

    ray.init(address=ray_cluster.address, log_to_driver=False)
    yield ray
    ray.shutdown()
