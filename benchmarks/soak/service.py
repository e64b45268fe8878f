"""Does the service keep answering, and correctly, while its workers are killed and its files are replaced? Linux only.

Clients send queries over connections that stay open. Once a second a worker is killed, and every few seconds the other
model and its index are renamed into place and a SIGHUP is sent. Every answer must be that of one of the two models. A
request in progress in a worker that is killed is cut off; it is sent again, and then it must be answered.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .workplace import COMMAND, prepare

BUCKET = 20_000
CLIENTS, WORKERS, QUERIES = 4, 3, 100
KILL_EVERY, SWAP_EVERY = 1.0, 5.0  # seconds
TOLERANCE = 1e-5
IDLE, SLOW, OPEN_FILES = 2200, 50, 16_384
HEADER_SECONDS = 5
PATIENCE = 60  # seconds for any answer
CUT_OFF = (ConnectionError, http.client.HTTPException, TimeoutError)
Answer = list[tuple[str, float]]


# -----------------------------------------------------------------------------------------------------
# A service


class Service:
    """The command ``serve``, on a free port."""

    def __init__(self, model: Path, index: Path, workers: int, *options: str) -> None:
        line = [*COMMAND, "serve", str(model), str(index), "--port", "0", "--workers", str(workers), *options]
        self.process = subprocess.Popen(
            [*line, "--header-timeout", str(HEADER_SECONDS)], stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "TMPDIR": str(model.parent)},
        )  # fmt: skip
        self.said: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        end = time.monotonic() + PATIENCE
        while not (found := [line for line in self.said if " at http://" in line]):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the service does not start: {''.join(self.said)}")
            time.sleep(0.05)
        self.port = int(found[0].partition("http://127.0.0.1:")[2].split("/")[0].split()[0])

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said += []
        for line in self.process.stderr:
            self.said.append(line)

    def workers(self) -> list[int]:
        """The children of the fork server, which is the child of the first process."""
        found: dict[int, list[tuple[int, str]]] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                command = (folder / "cmdline").read_text()
            except OSError:
                continue
            if state != "Z":
                found.setdefault(int(parent), []).append((int(folder.name), command))
        servers = [pid for pid, command in found.get(self.process.pid, []) if "forkserver" in command]
        return [pid for server in servers for pid, _ in found.get(server, [])]

    def stop(self) -> int:
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.reader.join()
        return status


@contextmanager
def serving(folder: Path, *options: str, workers: int = WORKERS) -> Iterator[Service]:
    """A service of the model and the index ``live`` in a folder."""
    service = Service(folder / "live.s2v", folder / "live.index", workers, *options)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def put_live(folder: Path, name: str) -> None:
    """Rename a copy of a model and its index into place."""
    for suffix in (".s2v", ".index"):
        shutil.copy(folder / f"{name}{suffix}", folder / f"next{suffix}")
        os.replace(folder / f"next{suffix}", folder / f"live{suffix}")


# -----------------------------------------------------------------------------------------------------
# Known answers


def known_answers(folder: Path) -> tuple[list[str], dict[str, list[Answer]]]:
    """Queries, and the answers that each model gives in this process."""
    from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex

    sentences = (folder / "corpus.txt").read_text().splitlines()
    queries = [" ".join(sentence.split()[:6]) for sentence in random.Random(0).sample(sentences, QUERIES)]
    answers = {}
    for name in ("a", "b"):
        wv = Sent2VecKeyedVectors.load(str(folder / f"{name}.s2v"), mmap="r")
        index = SentenceIndex.load(str(folder / f"{name}.index"), wv, mmap="r")
        answers[name] = index.most_similar_batch(queries, topn=5, hybrid=0.5)
    return queries, answers


def same(results: list[dict[str, Any]], known: Answer) -> bool:
    """Whether results have the known scores, and the known keys; neighbors with equal scores may change places."""
    if len(results) != len(known):
        return False
    close = all(abs(r["score"] - score) < TOLERANCE for r, (_, score) in zip(results, known))
    return close and {r["key"] for r in results[:-1]} <= {key for key, _ in known}


# -----------------------------------------------------------------------------------------------------
# Load


def post(connection: http.client.HTTPConnection, query: str) -> tuple[int, Any]:
    connection.request("POST", "/search", json.dumps({"query": query, "topn": 5}), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def client(port: int, queries: list[str], answers: dict[str, list[Answer]], stop: threading.Event, seen: Any) -> None:
    """Send queries until it is time to stop."""
    rng = random.Random()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    while not stop.is_set():
        number = rng.randrange(len(queries))
        for attempt in range(WORKERS + 1):  # the worker that gets the request next may be killed too
            try:
                status, body = post(connection, queries[number])
                break
            except CUT_OFF:
                connection.close()
                seen["cut off, then sent again"] += 1
                if attempt == WORKERS:
                    status, body = 0, None
        if status != 200:
            seen[f"failed: {status}"] += 1
            continue
        matching = [name for name in answers if same(body["results"], answers[name][number])]
        seen["answered"] += 1
        seen[f"as model {'/'.join(matching)}" if matching else "wrong"] += 1
    connection.close()


def under_load(folder: Path, minutes: float) -> dict[str, Any]:
    queries, answers = known_answers(folder)
    put_live(folder, "a")
    before = set(os.listdir(folder))
    with serving(folder) as service:
        stop, counts = threading.Event(), [Counter[str]() for _ in range(CLIENTS)]
        clients = [
            threading.Thread(target=client, args=(service.port, queries, answers, stop, seen)) for seen in counts
        ]
        for thread in clients:
            thread.start()
        kills, swaps = torment(service, folder, minutes)
        stop.set()
        for thread in clients:
            thread.join()
        reloads = sum("reloaded" in line for line in service.said)
        refused = sum("reload failed" in line or "cannot load" in line for line in service.said)
        handles = len(os.listdir(f"/proc/{service.process.pid}/fd"))
        status = service.stop()
    total = sum(counts, Counter())
    failed = sum(n for name, n in total.items() if name.startswith("failed"))
    return {
        "minutes": minutes, "clients": CLIENTS, "workers": WORKERS, "killed": kills, "swaps": swaps, "reloads": reloads,
        "refused reloads": refused, "answered": total["answered"], "wrong": total["wrong"], "failed": failed,
        "cut off": total["cut off, then sent again"], "as a": total["as model a"], "as b": total["as model b"],
        "open files of the supervisor": handles, "exit status": status,
        "left in the temporary folder": len(set(os.listdir(folder)) - before),
        "tracebacks": sum("Traceback" in line for line in service.said), "details": dict(total),
    }  # fmt: skip


def torment(service: Service, folder: Path, minutes: float) -> tuple[int, int]:
    """Kill workers and replace the files. Returns how often each happened."""
    kills = swaps = 0
    end, next_swap, rng = time.monotonic() + 60 * minutes, time.monotonic() + SWAP_EVERY, random.Random(1)
    while time.monotonic() < end:
        time.sleep(KILL_EVERY)
        if workers := service.workers():
            os.kill(rng.choice(workers), signal.SIGKILL)
            kills += 1
        if time.monotonic() > next_swap:
            next_swap += SWAP_EVERY
            swaps += 1
            put_live(folder, "ab"[swaps % 2])
            service.process.send_signal(signal.SIGHUP)
    return kills, swaps


# -----------------------------------------------------------------------------------------------------
# Connections that say nothing, or little


def closed(connection: socket.socket) -> bool:
    """Whether the service has closed a connection."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def idle_connections(folder: Path) -> dict[str, Any]:
    """Open many connections that say nothing, and some that send a header byte by byte, and ask a question."""
    put_live(folder, "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, OPEN_FILES), hard))
    with serving(folder) as service, ExitStack() as stack:
        address = ("127.0.0.1", service.port)
        idle = [stack.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(IDLE)]
        slow = [stack.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(SLOW)]
        for connection in slow:
            connection.sendall(b"POST /search HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        statuses: Counter[int] = Counter()
        began = time.monotonic()
        for _ in range(20):
            fresh = http.client.HTTPConnection(*address, timeout=PATIENCE)
            statuses[post(fresh, "the police")[0]] += 1
            fresh.close()
        seconds = (time.monotonic() - began) / 20
        end = time.monotonic() + 4 * HEADER_SECONDS
        left = [*idle, *slow]
        while left and time.monotonic() < end:
            time.sleep(1)
            for connection in slow:
                try:
                    connection.sendall(b"x")
                except OSError:
                    continue
            left = [connection for connection in left if not closed(connection)]
        status = service.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return {
        "idle": IDLE, "slow": SLOW, "asked": 20, "answered": statuses[200], "seconds": seconds, "still open": len(left),
        "header timeout": HEADER_SECONDS, "exit status": status,
    }  # fmt: skip


def run_connections() -> dict[str, Any]:
    with models() as folder:
        return idle_connections(folder)


def run_load(minutes: float) -> dict[str, Any]:
    with models() as folder:
        return under_load(folder, minutes)


@contextmanager
def models() -> Iterator[Path]:
    """A folder with two models and their indexes."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        prepare(folder, BUCKET)
        yield folder
    finally:
        shutil.rmtree(folder)
