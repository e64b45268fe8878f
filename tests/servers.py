"""The service as a user starts it: as a program."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processes import heed_ctrl_c

PATIENCE = 120  # seconds


class Server:
    """``gensim-sent2vec serve ...`` on a free port; use it in a ``with`` block. `said` is what it has printed."""

    def __init__(self, *arguments: Any, **env: str) -> None:
        command = [sys.executable, "-m", "gensim_sent2vec", "serve", *map(str, arguments), "--port", "0"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
            cwd=tempfile.gettempdir(),  # not the source folder
            start_new_session=True,  # by which its processes are found
            preexec_fn=heed_ctrl_c,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)

    def wait_for(self, what: str) -> str:
        """The first line printed that matches a regular expression."""
        return until(lambda: next((line for line in self.said if re.search(what, line)), None), self)

    @property
    def url(self) -> str:
        return re.search(r"http://\S+", self.wait_for("serving .* at"))[0].rstrip("/")  # type: ignore[index]

    def processes(self) -> dict[int, tuple[int, str]]:
        """The running processes of its session: process id -> (process id of the parent, command). Linux only."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                rest = folder.joinpath("stat").read_text().rpartition(")")[2]
                state, parent, _, session = rest.split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    command = folder.joinpath("cmdline").read_text().replace("\0", " ")
                    found[int(folder.name)] = int(parent), command
            except OSError:
                continue
        return found

    def workers(self) -> list[int]:
        """The process ids of the workers: the children of the fork server."""
        all_ = self.processes()
        servers = {
            pid for pid, (parent, command) in all_.items() if parent == self.process.pid and "forkserver" in command
        }
        return [pid for pid, (parent, _) in all_.items() if parent in servers]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.send(number)
        return self.end()

    def end(self) -> int:
        """Wait for the end and return the exit status. `said` is complete then."""
        status = self.process.wait(PATIENCE)
        self._reader.join()
        return status

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.end()
        assert self.process.stdout is not None and self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()


def until(what: Callable[[], Any], server: Server | None = None) -> Any:
    """Wait until a condition holds, and return its value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if result := what():
            return result
        if server is not None and server.process.poll() is not None:
            raise AssertionError(f"the server ended: {''.join(server.said)}")
        time.sleep(0.05)
    raise AssertionError(f"not in time{': ' + ''.join(server.said) if server else ''}")
