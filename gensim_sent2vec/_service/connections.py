"""Connections of a worker: time-outs, the answer to what is not HTTP, and the log of failed connections."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, h11

from .access import HEADERS, encoded
from .limits import RequestError


class Protocol(H11Protocol):
    """uvicorn's protocol with a time-out for request heads."""

    header_seconds = 10.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.limit_concurrency = None  # uvicorn's limit counts idle connections as well
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:  # the head is complete
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._timer is None and not self.transport.is_closing():
            self._start_timer()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP with a `Problem`, and close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):  # otherwise a response has begun
            body = json.dumps(RequestError(400, "invalid", "the request is not valid HTTP/1.1").body).encode()
            lengths = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
            start = h11.Response(status_code=400, headers=encoded({**lengths, **HEADERS}), reason=b"Bad Request")
            for event in (start, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.header_seconds, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def protocol_with(header_seconds: float) -> type[Protocol]:
    """Return a protocol class with a time-out."""
    return type("TimedProtocol", (Protocol,), {"header_seconds": header_seconds})


class RareFilter(logging.Filter):
    """Passes asyncio's records of a lack of file descriptors once per interval, with how many were left out before.

    Parameters
    ----------
    seconds : float
        The interval. Without the filter, asyncio logs one record per second and socket while the lack lasts.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.seconds, self.clock = seconds, clock
        self.next, self.left_out = float("-inf"), 0

    def filter(self, record: logging.LogRecord) -> bool:
        if "out of system resource" not in record.getMessage():
            return True
        now = self.clock()
        if now < self.next:
            self.left_out += 1
            return False
        if self.left_out:
            record.msg, record.args = f"{record.getMessage()} ({self.left_out:,} more since the last message)", None
        self.next, self.left_out = now + self.seconds, 0
        return True
