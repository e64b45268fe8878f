"""Signals of the supervisor."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CAUGHT = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def sigterm_exits() -> Iterator[None]:
    """SIGTERM raises ``SystemExit(0)`` in a ``with`` block, as SIGINT raises `KeyboardInterrupt`."""

    def leave(*_: Any) -> None:
        sys.exit(0)

    with _handled([signal.SIGTERM], leave):
        yield


@contextmanager
def caught_signals() -> Iterator[socket.socket]:
    """In a ``with`` block, SIGINT, SIGTERM and SIGHUP are bytes to be read from the socket, and do nothing else."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with ours, theirs:
        wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            with _handled(CAUGHT, lambda *_: None):  # inside, so that no signal falls between the two
                yield ours
        finally:
            signal.set_wakeup_fd(wakeup)


@contextmanager
def _handled(numbers: list[int], handler: Callable[..., None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
