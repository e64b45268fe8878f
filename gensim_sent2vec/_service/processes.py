"""Starting worker processes, and what the supervisor knows of each.

On Linux, workers are forked from a fork server that has imported everything and done nothing else, so that they share
the memory of the imported modules.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

# Imported by the fork server. A worker imports the program's main module, which is the command line's, a second time.
PRELOADED = (f"{__package__.partition('.')[0]}._cli.main", f"{__package__}.forkserver_imports")


@dataclass(eq=False)
class Worker:
    """A worker process as the supervisor sees it.

    Attributes
    ----------
    process : multiprocessing.process.BaseProcess
    pipe : multiprocessing.connection.Connection
        The supervisor's end.
    generation : int
        What the worker has loaded; 0 if nothing yet.
    """

    process: Any
    pipe: Connection
    generation: int = 0

    def send(self, command: Any) -> None:
        """Send a command. A worker that has gone is noticed when its pipe is read."""
        with suppress(OSError):
            self.pipe.send(command)


def start_method() -> Any:
    """The `multiprocessing` context that starts workers; on Linux, its fork server runs from now on."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    resource_tracker.ensure_running()  # else `forkserver` starts it, and that unblocks SIGINT
    # A Ctrl-C would end the fork server while it imports, with a traceback. It inherits what is blocked here.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return context


def start_worker(context: Any, target: Callable[..., None], *args: Any) -> Worker:
    """Start a process that calls ``target(*args, pipe)``.

    Raises
    ------
    OSError, EOFError
        If the fork server has gone.
    """
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*args, theirs))
    try:
        process.start()
    finally:
        theirs.close()
    return Worker(process, ours)


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables in a ``with`` block, for the processes that are started in it."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
