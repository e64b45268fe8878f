"""The first process of a service: it listens, and starts, reloads, replaces and stops the workers that answer.

It binds the port and passes the listening socket to the workers. Every worker maps the same files, so there is one copy
of the model and of the index in memory.

On SIGHUP one worker reloads the files. If it can, the others follow; if not, all keep what they have. A worker that has
reloaded answers its next request from the new files; connections, and requests that have begun, are not interrupted.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import wait

from .._util.atomic import scratch_folder
from .._util.threads import available_cpus
from .access import Access
from .limits import Limits
from .listener import listen, url_of
from .processes import Worker, environment, start_method, start_worker
from .signals import caught_signals, sigterm_exits
from .source import Source
from .worker import GRACE, STOP, Load, Report, one_line, run_worker

REQUIRED = ("fastapi", "uvicorn", "prometheus_client")
MAX_DEFAULT_WORKERS = 4
MAX_FAILED_STARTS = 5  # in succession, while the service starts
RESTART_DELAY = 1.0  # seconds before a worker that has died is replaced


class Supervisor:
    """Starts workers, replaces those that die, reloads and stops them.

    Parameters
    ----------
    source : Source
    index : str
        The path of its index.
    n_workers : int
    limits : Limits
    listener : socket.socket
    folder : str
        A temporary folder, for indexes built from text files.
    access : Access
    """

    def __init__(
        self,
        source: Source,
        index: str,
        n_workers: int,
        limits: Limits,
        listener: socket.socket,
        folder: str,
        access: Access,
    ) -> None:
        self.source, self.n_workers, self.limits = source, n_workers, limits
        self.listener, self.folder, self.access = listener, folder, access
        self.current = Load(index, 1)  # what all workers have loaded, or will
        self.announced = 0  # the last generation that was reported as loaded by all workers; 0 while starting
        self.trial: tuple[Worker, Load] | None = None  # the worker that reloads first, and what
        self.workers: list[Worker] = []
        self.n_failed_starts = 0  # in succession
        self.start_times = [0.0] * n_workers  # when to start the workers that are missing
        self.context = start_method()

    def run(self, signals: socket.socket) -> None:
        """Supervise until SIGTERM. SIGINT raises `KeyboardInterrupt`.

        Raises
        ------
        ChildProcessError
            If a worker fails while the service starts.
        """
        try:
            self._loop(signals)
        except ChildProcessError:
            # A signal to the process group may end a child before it is received here.
            if not self._handle_signals(signals):
                raise

    def _loop(self, signals: socket.socket) -> None:
        ready: Sequence[object] = ()
        while not self._handle_signals(signals):
            for worker in [worker for worker in self.workers if worker.pipe in ready]:
                self._read_report(worker)
            if self.start_times and self.start_times[0] <= time.monotonic():
                self.start_times.pop(0)
                self._start_worker()
            pause = max(0.0, self.start_times[0] - time.monotonic()) if self.start_times else None
            ready = wait([signals, *(worker.pipe for worker in self.workers)], pause)

    def _handle_signals(self, signals: socket.socket) -> bool:
        """Act on the signals received; True if it is time to stop."""
        if not wait([signals], 0):
            return False
        received = signals.recv(64)
        if signal.SIGINT in received:
            raise KeyboardInterrupt
        if signal.SIGTERM in received:
            return True
        if getattr(signal, "SIGHUP", 0) in received:
            self._reload()
        return False

    def _start_worker(self) -> None:
        try:
            worker = start_worker(
                self.context, run_worker, self.source, self.current, self.limits, self.access, self.listener
            )
        except (OSError, EOFError) as error:  # the fork server was killed
            self._retry_start(f"cannot start a worker: {one_line(error)}")
            return
        self.n_failed_starts = 0
        self.workers.append(worker)

    def _retry_start(self, reason: str) -> None:
        """Try again, also while the service starts: the next attempt starts a new fork server."""
        self.n_failed_starts += 1
        if not self.announced and self.n_failed_starts > MAX_FAILED_STARTS:
            raise ChildProcessError(reason)
        _print(f"{reason}; trying again")
        self.start_times.append(time.monotonic() + RESTART_DELAY)

    def _restart_later(self, reason: str) -> None:
        if not self.announced:
            raise ChildProcessError(reason)
        _print(f"{reason}; starting another")
        self.start_times.append(time.monotonic() + RESTART_DELAY)

    # -------------------------------------------------------------------------------------------------
    # Reports of workers

    def _read_report(self, worker: Worker) -> None:
        try:
            report: Report = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace_worker(worker)
            return
        tried = self.trial[1] if self.trial and self.trial[0] is worker else None
        if report.error:
            self._handle_failure(worker, report.error, tried)
            return
        worker.generation = report.generation
        if tried:
            self._reload_others(worker, tried)
        loaded = all(worker.generation == self.current.generation for worker in self.workers)
        if loaded and not self.start_times:
            self._announce()

    def _handle_failure(self, worker: Worker, error: str, tried: Load | None) -> None:
        if not self.announced:
            raise ChildProcessError(error)
        if tried:
            self.trial = None
            _print(f"reload failed, still serving the previous files: {error}")
        else:
            _print(f"worker {worker.process.pid} cannot load the files: {error}")

    def _replace_worker(self, worker: Worker) -> None:
        """Clean up after a worker that has died, and start another soon."""
        from .metrics import forget_process  # here, as it needs the extra

        self.workers.remove(worker)
        worker.process.join()
        forget_process(worker.process.pid)
        if self.trial and self.trial[0] is worker:
            self.trial = None
        ended = f"worker {worker.process.pid} ended (exit code {worker.process.exitcode})"
        self._restart_later(ended if self.announced else f"{ended} while loading; out of memory?")

    def _announce(self) -> None:
        """All workers have loaded the same files."""
        workers = f"{self.n_workers} worker{'s' * (self.n_workers > 1)}"
        if not self.announced:
            _print(f"serving {self.source.shown} at {url_of(self.listener)} with {workers}; press Ctrl-C to stop")
        elif self.announced < self.current.generation:
            _print(f"reloaded (generation {self.current.generation}) by {workers}")
        self.announced = self.current.generation
        if not self.trial:
            self._remove_old_indexes()

    def _remove_old_indexes(self) -> None:
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            if name.endswith(".index") and path != self.current.index_path:
                os.remove(path)

    # -------------------------------------------------------------------------------------------------
    # Reloading

    def _reload(self) -> None:
        """Let one worker reload; the others follow if it can."""
        if self.trial or not self.workers or not self.announced:
            _print("reload ignored: the files are being loaded already")
            return
        generation = self.current.generation + 1
        try:
            load = Load(self.source.index(self.folder, generation), generation)
        except Exception as error:
            _print(f"reload failed, still serving the previous files: {one_line(error)}")
            return
        self.trial = self.workers[0], load
        self.workers[0].send(load)

    def _reload_others(self, first: Worker, load: Load) -> None:
        self.trial, self.current = None, load
        for worker in self.workers:
            if worker is not first:
                worker.send(load)

    # -------------------------------------------------------------------------------------------------
    # Stopping

    def stop(self) -> None:
        """Let requests finish, and end all workers."""
        self.listener.close()
        for worker in self.workers:
            worker.send(STOP)
        end = time.monotonic() + GRACE + 2
        for worker in self.workers:
            with suppress(EOFError, OSError):
                while worker.pipe.poll(max(0.0, end - time.monotonic())):
                    worker.pipe.recv()
                worker.process.kill()
            worker.process.join()


def _print(text: str) -> None:
    print(f"gensim-sent2vec serve: {text}", file=sys.stderr, flush=True)


# -----------------------------------------------------------------------------------------------------
# All together


def serve(
    source: Source,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int | None = None,
    limits: Limits | None = None,
    access: Access | None = None,
) -> None:
    """Answer over HTTP until SIGTERM.

    Parameters
    ----------
    source : Source
    host : str
        The address to listen at. Any but a loopback address can be reached from other machines, without a password.
    port : int
        0: any free one.
    workers : int, optional
        Number of worker processes. Default: the number of CPUs, at most four.
    limits : Limits, optional
    access : Access, optional
        By default, requests must name `host`, localhost or an IP address.

    Raises
    ------
    ImportError
        Without the extra ``[serve]``.
    ValueError, TypeError, OSError
        If an argument or a file is invalid, a file is missing or the port is in use.
    ChildProcessError
        If a worker cannot load the files, with the reason.
    KeyboardInterrupt
        On Ctrl-C, after all workers have ended.
    SystemExit
        On SIGTERM while a text file is indexed, before there is any worker; the status is 0.
    """
    for name in REQUIRED:
        if importlib.util.find_spec(name) is None:
            raise ImportError(f'serve needs {name}, which is not installed: pip install "gensim-sent2vec[serve]"')
    n_workers = min(available_cpus(), MAX_DEFAULT_WORKERS) if workers is None else workers
    if n_workers < 1:
        raise ValueError(f"workers: must be at least 1, got {n_workers}")
    with ExitStack() as stack:
        stack.enter_context(sigterm_exits())
        listener = stack.enter_context(listen(host, port))
        folder = stack.enter_context(scratch_folder())
        stack.enter_context(environment(_variables(folder, n_workers)))
        index = source.index(folder, 1)
        signals = stack.enter_context(caught_signals())  # before there is any child process
        supervisor = Supervisor(
            source, index, n_workers, limits or Limits(), listener, folder, access or Access((host,))
        )
        stack.callback(supervisor.stop)
        supervisor.run(signals)


def _variables(folder: str, n_workers: int) -> dict[str, str]:
    """Environment variables of the workers."""
    variables = {"PROMETHEUS_MULTIPROC_DIR": folder}
    if n_workers > 1:  # a batch of queries is a product of matrices; threads of several workers would compete
        threads = os.environ.get("OPENBLAS_NUM_THREADS") or str(max(1, available_cpus() // n_workers))
        variables["OPENBLAS_NUM_THREADS"] = threads
    return variables
