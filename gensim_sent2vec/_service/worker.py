"""A worker process: it loads the model and the index, and answers requests.

It is given picklable values only. The supervisor sends it `Load` and `STOP` through a pipe. It replies to each `Load`
with a `Report`, also to the first, which `run_worker` is given. The end of the pipe means that the other process has
gone.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple

from .access import Access
from .feedback import Feedback
from .limits import Limits
from .listener import BACKLOG
from .source import Source

if TYPE_CHECKING:  # they need the extra, which the command line must do without
    from .app import Current
    from .metrics import Metrics

ACCEPTED_AT_ONCE = 1  # connections a worker accepts in one go; a low number leaves some to the other workers
GRACE = 10  # seconds that requests have to finish when the service stops
STOP = None


class Load(NamedTuple):
    """Tells a worker to load an index, and the model with it."""

    index_path: str
    generation: int


class Report(NamedTuple):
    """A worker's reply to `Load`: it has loaded, unless there is an error."""

    generation: int
    error: str = ""


def run_worker(
    source: Source, first: Load, limits: Limits, access: Access, listener: socket.socket, pipe: Connection
) -> None:
    """Load and answer requests until the supervisor sends `STOP` or has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches all processes; the supervisor then sends STOP
    try:
        from .app import Current
        from .metrics import Metrics

        current, metrics = Current(source.load(first.index_path), first.generation), Metrics()
        feedback = Feedback(source.feedback, source.max_feedback) if source.feedback else None
        server = _server(current, limits, metrics, access, feedback)
    except Exception as error:
        pipe.send(Report(first.generation, one_line(error)))
        return
    metrics.workers.set(1)
    metrics.generation.set(first.generation)

    def stop(*_: Any) -> None:
        server.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})  # the main thread handles signals
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)
    listener.listen(BACKLOG)  # asyncio has set it to ACCEPTED_AT_ONCE
    with suppress(EOFError, OSError):
        pipe.send(Report(first.generation))
        while thread.is_alive():
            if not pipe.poll(1):
                continue
            command = pipe.recv()
            if command is STOP:
                break
            pipe.send(_reload(source, command, current, metrics))
    stop()
    thread.join()


def _server(current: Current, limits: Limits, metrics: Metrics, access: Access, feedback: Feedback | None) -> Any:
    import uvicorn

    from .app import create_app
    from .connections import RareFilter, protocol_with

    logging.getLogger("asyncio").addFilter(RareFilter())

    return uvicorn.Server(
        uvicorn.Config(
            create_app(current, limits, metrics, access, feedback),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            backlog=ACCEPTED_AT_ONCE,
            http=protocol_with(limits.header_seconds),
            timeout_graceful_shutdown=GRACE,
        )
    )


def _reload(source: Source, load: Load, current: Current, metrics: Metrics) -> Report:
    """Replace what is served. Requests that have begun finish with what they began with."""
    try:
        current.faq = source.load(load.index_path)
    except Exception as error:
        return Report(load.generation, one_line(error))
    current.generation = load.generation
    metrics.generation.set(load.generation)
    return Report(load.generation)


def one_line(error: Exception) -> str:
    """The text of an exception, and its type unless it is one that explains itself."""
    text = " ".join(str(error).split())
    return text if isinstance(error, (ValueError, OSError)) and text else f"{type(error).__name__}: {text}"
