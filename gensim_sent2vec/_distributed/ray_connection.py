"""The connection to a Ray cluster: a running one, or one that is started on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CONNECT_SECONDS = 10.0
SCHEME = "ray://"  # Ray Client, which has a port of its own

# What a client of gRPC sends first: the preface of HTTP/2, and a frame of settings, which are those by default. The
# server, too, begins with a frame of settings, whose header has a byte 4 after the three of its length.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
SETTINGS = 4

# Read by Ray when it is imported. Without the second one, it listens on all addresses on some systems.
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


def import_ray() -> Any:
    """Import Ray, without usage statistics.

    Raises
    ------
    ImportError
        If it is not installed, with the extra.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise ImportError(f'this needs Ray ({error}): pip install "gensim-sent2vec[ray]"') from error
    return ray


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Connect to a cluster for a ``with`` block, and return the module `ray`.

    Parameters
    ----------
    address : str, optional
        HOST:PORT of a running cluster, ``auto`` for the one of this machine, or ``ray://HOST:PORT`` for Ray Client.
        None: a connection that exists already, else a new cluster on this machine, without dashboard, on loopback.

    Raises
    ------
    ConnectionError
        If there is no cluster at the address.
    ValueError
        If Ray is connected to another cluster.
    """
    ray = import_ray()
    if ray.is_initialized():
        _check_connection(ray, address)
        yield ray
        return
    if address is not None:
        _check_reachable(address)
    options: dict[str, Any] = {"address": address} if address else {"include_dashboard": False, "address": "local"}
    try:
        ray.init(log_to_driver=False, configure_logging=False, **options)
    except (ImportError, OSError, RuntimeError, ValueError) as error:  # one of them if Ray Client is not installed
        reason = str(error).strip().partition("\n")[0]
        raise ConnectionError(
            f"address: cannot connect to a Ray cluster at {address or 'local'!r}: {reason}"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_connection(ray: Any, address: str | None) -> None:
    """Refuse to use another cluster than the one that was asked for."""
    if address is None or address == "auto" or address.startswith(SCHEME):
        return
    connected_to = ray.get_runtime_context().gcs_address
    if address != connected_to:
        raise ValueError(
            f"address: Ray is connected to {connected_to!r} already, not to {address!r}; call ray.shutdown() first"
        )


def _check_reachable(address: str) -> None:
    """Ray itself would try for minutes, and then exit."""
    host, colon, port = address.removeprefix(SCHEME).rpartition(":")
    if address == "auto":
        return
    if not colon or not port.isdigit():
        raise ValueError(f"address: expected HOST:PORT, auto or ray://HOST:PORT, got {address!r}")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS) as connection:
            reason = None if os.environ.get("RAY_USE_TLS", "0") != "0" else _why_not_grpc(connection)
    except (OSError, OverflowError) as error:
        reason = str(error)
    if reason is not None:
        raise ConnectionError(
            f"address: no Ray cluster answers at {address!r} ({reason}); start one with ray start --head, or correct "
            "the address"
        )


def _why_not_grpc(connection: socket.socket) -> str | None:
    """What is wrong with what a server answers to a client of gRPC; None if nothing is."""
    connection.sendall(PREFACE)
    answer = b""
    while len(answer) < 4:
        received = connection.recv(4 - len(answer))
        if not received:
            break
        answer += received
    return None if answer[3:] == bytes((SETTINGS,)) else "another program listens there"


def n_cpus(ray: Any) -> int:
    """CPUs of the cluster."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))
