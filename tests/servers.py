"""A service that tests start as a user would, as a program of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processes import heed_ctrl_c

PATIENCE = 120  # seconds


class Server:
    """``gensim-sent2vec serve …`` at a free port; use it in a ``with`` block."""

    def __init__(self, *arguments: Any, **env: str) -> None:
        command = [sys.executable, "-m", "gensim_sent2vec", "serve", *map(str, arguments), "--port", "0"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **env},
            start_new_session=True,  # so that all of its processes can be found
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
        """The first line that has this in it (a regular expression)."""
        return until(lambda: next((line for line in self.said if re.search(what, line)), None), self)

    @property
    def url(self) -> str:
        return re.search(r"http://\S+", self.wait_for("serving .* at"))[0].rstrip("/")  # type: ignore[index]

    def processes(self) -> dict[int, tuple[int, str]]:
        """Processes of its session that run: number -> (parent's number, command); Linux only."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                rest = folder.joinpath("stat").read_text().rpartition(")")[2]
                state, parent, _, session = rest.split()[:4]
                command = folder.joinpath("cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            if int(session) == self.process.pid and state != "Z":
                found[int(folder.name)] = int(parent), command
        return found

    def workers(self) -> list[int]:
        """The numbers of the processes that answer: those that the fork server has forked."""
        all_ = self.processes()
        servers = {
            pid for pid, (parent, command) in all_.items() if parent == self.process.pid and "forkserver" in command
        }
        return [pid for pid, (parent, _) in all_.items() if parent in servers]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit status after a signal; all output is in `said`."""
        self.send(number)
        return self.end()

    def end(self) -> int:
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
    """Wait for something to be true, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if result := what():
            return result
        if server is not None and server.process.poll() is not None:
            raise AssertionError(f"the server ended: {''.join(server.said)}")
        time.sleep(0.05)
    raise AssertionError(f"not in time{': ' + ''.join(server.said) if server else ''}")
