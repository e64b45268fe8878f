"""The processes of a service: one that listens and looks after the others, and workers that answer.

The first process binds the port and hands the listening socket to the workers, each of which maps the same files, so
that there is one copy of model and index in memory. They talk through a pipe: a worker says "ready" or "failed", the
first process says "load" and "stop"; the end of a pipe tells each that the other has gone, however it went.

On SIGHUP one worker loads the files anew. If it can, the others do so too, else all go on with what they have. A worker
that has loaded answers its next request with the new files; requests that it has begun, and connections, go on.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from .._util.threads import available_cpus
from .limits import Limits

BACKLOG = 2048  # connections that wait to be accepted
AT_ONCE = 1  # that a worker accepts before it looks at its other work: the others shall have some too
CONNECTIONS = 1000  # of a worker; those beyond are answered with 503
GRACE = 10  # seconds that requests have to finish when the service ends
AGAIN = 1.0  # seconds before a worker that has died is replaced
NEEDED = ("fastapi", "uvicorn", "prometheus_client")
MOST_DEFAULT_WORKERS = 4


@dataclass(frozen=True)
class Source:
    """What is served.

    Attributes
    ----------
    model, faq : str
        A model or vectors, saved; an index, or a text file of questions and answers (see `read_faq`).
    hybrid : float, optional
        See `Faq`.
    """

    model: str
    faq: str
    hybrid: float | None = None

    def index(self, folder: str, generation: int) -> str:
        """The path of the index, made in `folder` where there is a text file."""
        from ..convert import load_vectors
        from .faq import build_index, is_index

        if not os.path.isfile(self.model):
            raise FileNotFoundError(f"there is no model {self.model!r}")
        if is_index(self.faq):
            return self.faq
        path = os.path.join(folder, f"{generation}.index")
        build_index(load_vectors(self.model), self.faq, lexical=True).save(path)
        return path


# -----------------------------------------------------------------------------------------------------
# A worker


def work(source: Source, index: str, generation: int, limits: Limits, listener: socket.socket, pipe: Any) -> None:
    """A worker: load, say so, answer until told to stop or left alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the first process, which then says "stop"
    try:
        import uvicorn

        from .app import Current, create_app
        from .faq import Faq
        from .metrics import Metrics

        current, metrics = Current(Faq.load(source.model, index, source.hybrid), generation), Metrics()
    except Exception as error:
        pipe.send(("failed", generation, _line(error)))
        return
    metrics.workers.set(1)
    metrics.generation.set(generation)
    config = uvicorn.Config(
        create_app(current, limits, metrics), log_level="warning", access_log=False, server_header=False,
        lifespan="off", ws="none", backlog=AT_ONCE, limit_concurrency=CONNECTIONS, timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    server = uvicorn.Server(config)

    def stop(*_: Any) -> None:
        server.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})  # signals are for this one
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)
    listener.listen(BACKLOG)  # which asyncio has set to AT_ONCE
    with suppress(EOFError, OSError):
        pipe.send(("ready", generation, ""))
        while thread.is_alive():
            if not pipe.poll(1):
                continue
            command, *what = pipe.recv()
            if command == "stop":
                break
            pipe.send(_load_again(current, metrics, source, *what))
    stop()
    thread.join()


def _load_again(current: Any, metrics: Any, source: Source, index: str, generation: int) -> tuple[str, int, str]:
    from .faq import Faq

    try:
        current.faq = Faq.load(source.model, index, source.hybrid)
    except Exception as error:
        return "failed", generation, _line(error)
    current.generation = generation
    metrics.generation.set(generation)
    return "ready", generation, ""


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@dataclass(eq=False)
class Worker:
    """A worker, seen from the first process."""

    process: Any
    pipe: Connection
    generation: int = 0  # what it has loaded; 0: nothing yet
    started: float = field(default_factory=time.monotonic)

    def tell(self, *message: Any) -> None:
        """Send a command; that a worker is gone its pipe's end tells."""
        with suppress(OSError):
            self.pipe.send(message)


# -----------------------------------------------------------------------------------------------------
# The first process


class Supervisor:
    """Starts workers, replaces those that die, reloads, stops."""

    def __init__(self, source: Source, n: int, limits: Limits, listener: socket.socket, folder: str) -> None:
        self.source, self.n, self.limits, self.listener, self.folder = source, n, limits, listener, folder
        self.index = source.index(folder, 1)
        # Workers are forked from a process that has imported all and done nothing, so that they share that too.
        method = "forkserver" if sys.platform == "linux" else "spawn"
        self.context: Any = multiprocessing.get_context(method)
        if method == "forkserver":
            from multiprocessing import forkserver

            self.context.set_forkserver_preload([f"{__package__}.preload"])
            with ignored_ctrl_c():
                forkserver.ensure_running()
        self.workers: list[Worker] = []
        self.due: list[float] = []  # when workers are to be started in place of dead ones
        self.generation = 1
        self.trial: tuple[Worker, str, int] | None = None  # who tries to load which index as which generation
        self.told = 0  # the last generation that all have loaded, and that was told; 0: none yet

    def start(self) -> None:
        """Start one worker."""
        ours, theirs = self.context.Pipe()
        what = (self.source, self.index, self.generation, self.limits, self.listener, theirs)
        process = self.context.Process(target=work, args=what)
        process.start()
        theirs.close()
        self.workers.append(Worker(process, ours))

    def run(self, signals: socket.socket) -> None:
        """Until SIGTERM; a KeyboardInterrupt on SIGINT."""
        for _ in range(self.n):
            self.start()
        while True:
            now = time.monotonic()
            while self.due and self.due[0] <= now:
                self.due.pop(0)
                self.start()
            pause = max(0.0, self.due[0] - now) if self.due else None
            said = wait([signals, *(worker.pipe for worker in self.workers)], pause)
            # First, as a signal to the whole group ends workers too.
            if (signals in said or wait([signals], 0)) and self._heed(signals.recv(64)):
                return
            for worker in [worker for worker in self.workers if worker.pipe in said]:
                self._listen(worker)

    def _heed(self, numbers: bytes) -> bool:
        """What the signals want; whether it is the end."""
        if signal.SIGINT in numbers:
            raise KeyboardInterrupt
        if signal.SIGTERM in numbers:
            return True
        if getattr(signal, "SIGHUP", 0) in numbers:
            self._reload()
        return False

    def _listen(self, worker: Worker) -> None:
        """What a worker says, or that it has gone."""
        try:
            said, generation, error = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        trial = self.trial if self.trial and self.trial[0] is worker else None
        if said == "failed" and not self.told:
            raise ChildProcessError(error)
        if said == "failed" and trial:
            self.trial = None
            _say(f"not loaded again: {error}")
            return
        if said == "failed":
            _say(f"process {worker.process.pid} could not load: {error}")
            return
        worker.generation = generation
        if trial:
            self._accept(*trial)
        if all(worker.generation == self.generation for worker in self.workers) and not self.due:
            self._complete()

    def _complete(self) -> None:
        """All workers have loaded the same."""
        host, port = self.listener.getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        processes = f"{self.n} process{'es' * (self.n > 1)}"
        if not self.told:
            _say(f"{self.source.faq} is served at {url} by {processes}; Ctrl-C ends it")
        elif self.told < self.generation:
            _say(f"loaded again ({self.generation}) by {processes}")
        self.told = self.generation
        for name in os.listdir(self.folder):
            if name.endswith(".index") and os.path.join(self.folder, name) != self.index and not self.trial:
                os.remove(os.path.join(self.folder, name))

    def _bury(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.process.join()
        _forget_metrics(worker.process.pid)
        if self.trial and self.trial[0] is worker:
            self.trial = None
        ended = f"process {worker.process.pid} ended (exit code {worker.process.exitcode})"
        if not self.told:
            raise ChildProcessError(f"{ended} while it was loading; for want of memory?")
        _say(f"{ended}; another one takes its place")
        self.due.append(time.monotonic() + AGAIN)

    # -------------------------------------------------------------------------------------------------
    # Reloading

    def _reload(self) -> None:
        """Let one worker try."""
        if self.trial or not self.workers or not self.told:
            _say("not loaded again: loading goes on already")
            return
        generation = self.generation + 1
        try:
            index = self.source.index(self.folder, generation)
        except Exception as error:
            _say(f"not loaded again: {_line(error)}")
            return
        self.trial = self.workers[0], index, generation
        self.workers[0].tell("load", index, generation)

    def _accept(self, first: Worker, index: str, generation: int) -> None:
        """One could load; now the others."""
        self.trial, self.index, self.generation = None, index, generation
        for worker in self.workers:
            if worker is not first:
                worker.tell("load", index, generation)

    # -------------------------------------------------------------------------------------------------
    # The end

    def stop(self) -> None:
        """Let requests finish; no process is left."""
        self.listener.close()
        for worker in self.workers:
            worker.tell("stop")
        end = time.monotonic() + GRACE + 2
        for worker in self.workers:
            with suppress(EOFError, OSError):
                while worker.pipe.poll(max(0.0, end - time.monotonic())):
                    worker.pipe.recv()
                worker.process.kill()
            worker.process.join()


def _say(text: str) -> None:
    print(f"gensim-sent2vec serve: {text}", file=sys.stderr, flush=True)


def _forget_metrics(pid: int) -> None:
    """What a dead process has counted stays counted; what it was, it is no more."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(pid)


# -----------------------------------------------------------------------------------------------------
# All together


def serve(
    source: Source, host: str = "127.0.0.1", port: int = 8000, workers: int | None = None, limits: Limits | None = None
) -> None:
    """Answer over HTTP until SIGTERM.

    Parameters
    ----------
    source : Source
    host : str
        The address to listen at. Others than loopback ones can be reached by other machines, without a password.
    port : int
        0: any free one.
    workers : int, optional
        Processes; as many as CPUs by default, at most four.
    limits : Limits, optional

    Raises
    ------
    ImportError
        Without the extra ``[serve]``.
    OSError
        Where a file is missing or the port is in use.
    ChildProcessError
        Where a process cannot load the files, with the reason.
    KeyboardInterrupt
        On a Ctrl-C, when all has ended.
    """
    for name in NEEDED:
        if importlib.util.find_spec(name) is None:
            raise ImportError(f'serve needs {name}, which is not installed: pip install "gensim-sent2vec[serve]"')
    n = min(available_cpus(), MOST_DEFAULT_WORKERS) if workers is None else workers
    if n < 1:
        raise ValueError(f"workers must be at least 1, got {n}")
    with ExitStack() as stack:
        listener = stack.enter_context(bind(host, port))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gensim-sent2vec-"))
        variables = {"PROMETHEUS_MULTIPROC_DIR": folder}
        if n > 1:  # many queries at once are a product of matrices, whose threads would be too many
            threads = os.environ.get("OPENBLAS_NUM_THREADS") or str(max(1, available_cpus() // n))
            variables["OPENBLAS_NUM_THREADS"] = threads
        stack.enter_context(environment(variables))
        supervisor = Supervisor(source, n, limits or Limits(), listener, folder)
        signals = stack.enter_context(caught_signals())
        stack.callback(supervisor.stop)
        supervisor.run(signals)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; an OSError that names what is in use."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server((address[0], port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise OSError(f"cannot listen at {host}, port {port}: {reason}; choose another --port or --host") from error
    # Connections inherit it; without, an answer's second part waits 40 ms for the client to confirm the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Environment variables of the processes that are started in a ``with`` block."""
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


@contextmanager
def ignored_ctrl_c() -> Iterator[None]:
    """For the length of a ``with`` block; processes that are started in it go on ignoring it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def caught_signals() -> Iterator[socket.socket]:
    """SIGINT, SIGTERM and SIGHUP as bytes to be read, for the length of a ``with`` block."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        ours.close()
        theirs.close()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    limits = Limits()
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument(
        "faq", metavar="FAQ",
        help="an index (see the command index), or a text file of questions and answers, tabs between its columns, the "
        "first line naming them: question, answer",
    )  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", type=int, default=8000, metavar="N", help="default: 8000; 0: any free one")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: as CPUs, at most 4)")
    parser.add_argument(
        "--hybrid", type=float, metavar="SHARE",
        help="share of the spelling in the score where a request does not say (default: 0.5, if the index can)",
    )  # fmt: skip
    for name, unit in (("body", "bytes of a request"), ("sentences", "sentences of a request"),
                       ("length", "characters of a sentence"), ("topn", "results of a query")):  # fmt: skip
        default = getattr(limits, name)
        parser.add_argument(
            f"--max-{name}", type=int, default=default, metavar="N", help=f"most {unit} (default: {default:,})"
        )


def main(args: argparse.Namespace) -> None:
    """The command."""
    limits = Limits(args.max_body, args.max_sentences, args.max_length, args.max_topn)
    serve(Source(args.model, args.faq, args.hybrid), args.host, args.port, args.workers, limits)
