"""What do commands do on a full disk, in a read-only folder, and as memory falls? Needs root, to mount the disks.

A command must end with status 0, or with status 2 and one line of error, which names no library's internals. The file
that was there before stays as it was unless the command succeeded, and nothing else stays in its folder.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .workplace import COMMANDS, Command, prepare

DISK = 1 << 30  # bytes of the disk that is then filled
STEPS, BELOW = 12, 2  # limits of memory per command; how many of them are too low for the libraries
BUCKET = 400_000  # rows of n-grams, so that what commands take stands out from what the libraries take
START = 412 << 20  # bytes of address space with which a command starts
PATIENCE = 300  # seconds
PEAK = """
import re, sys
from gensim_sent2vec._cli.main import main
try:
    main(sys.argv[2:])
finally:
    status = open("/proc/self/status").read()
    open(sys.argv[1], "w").write(re.search(r"VmPeak:\\s+(\\d+)", status)[1])
"""


# -----------------------------------------------------------------------------------------------------
# One attempt


def attempt(
    command: list[str], limit: Callable[[], None] | None = None, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a command; a service is terminated as soon as it answers. Returns its exit status and standard error."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=limit, start_new_session=True,
        env={**os.environ, **(env or {})},
    )  # fmt: skip
    late = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
    late.start()
    lines = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if " at http://" in line:
            process.terminate()
    process.wait()
    late.cancel()
    if process.returncode == -signal.SIGKILL:
        return -1, f"still running after {PATIENCE} seconds\n{''.join(lines)}"
    return process.returncode, "".join(lines)


def verdict(status: int, err: str) -> str | None:
    """What is wrong with how a command ended; None if nothing is."""
    lines = [line for line in err.splitlines() if line.strip()]
    if status == 0:
        return None
    errors = [line for line in lines if re.match(r"gensim-sent2vec( \w+)?: ", line)]
    foreign = [line for line in lines if re.search(r"Traceback|OpenBLAS|bad_alloc$|^\s+File |terminate called", line)]
    if status != 2 or len(errors) != 1 or foreign or lines[-1] != errors[0]:
        return f"status {status}: {err[-1500:]}"
    return None


def contents(folder: Path) -> dict[str, str]:
    """The files in a folder and their digests."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def try_command(command: Command, folder: Path, out: Path, limit: Callable[[], None] | None = None) -> dict[str, Any]:
    """Run a command whose output goes to the folder `out`, and compare the folder before and after."""
    before = contents(out)
    status, err = attempt(command.line(folder, BUCKET, out / command.out if command.out else None), limit)
    after = contents(out)
    wrong = verdict(status, err)
    if not wrong and status and before != after:
        wrong = f"the folder of the output has changed: {sorted(set(before) ^ set(after)) or 'other contents'}"
    if not wrong and not status and command.out and (set(after) - set(before)) - allowed(command.out, after):
        wrong = f"litter: {sorted(set(after) - set(before))}"
    return {"status": status, "wrong": wrong, "said": "" if status == 0 else err.strip().splitlines()[-1:]}


def allowed(out: str, names: dict[str, str]) -> set[str]:
    return {name for name in names if name == out or name.startswith(f"{out}.")}


# -----------------------------------------------------------------------------------------------------
# Disks


@contextmanager
def disk(size: int) -> Iterator[Path]:
    """An empty file system in memory."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path) -> None:
    """Leave no free block."""
    with open(folder / "filler", "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def full_disk(command: Command, folder: Path) -> dict[str, Any]:
    with disk(DISK) as out:
        old_output(command, folder, out)
        fill(out)
        return try_command(command, folder, out)


def read_only(command: Command, folder: Path) -> dict[str, Any]:
    with disk(DISK) as out:
        old_output(command, folder, out)
        subprocess.run(["mount", "-o", "remount,ro", str(out)], check=True)
        return try_command(command, folder, out)


def old_output(command: Command, folder: Path, out: Path) -> None:
    """Run the command once, so that there is something to lose."""
    status, err = attempt(command.line(folder, BUCKET, out / command.out))
    if status:
        raise SystemExit(f"{command.name}: exit status {status}\n{err}")


# -----------------------------------------------------------------------------------------------------
# Memory


def peak(command: Command, folder: Path, out: Path) -> int:
    """The address space that a command takes at most, in bytes, with one BLAS thread."""
    report = folder / "peak"
    line = command.line(folder, BUCKET, out / command.out if command.out else None)
    at = line.index("gensim_sent2vec") - 1
    process = [*line[:at], "-c", PEAK, str(report), *line[at + 2 :]]
    status, err = attempt(process, env={"OPENBLAS_NUM_THREADS": "1"})
    if status:
        raise SystemExit(f"{command.name}: exit status {status}\n{err}")
    return int(report.read_text()) * 1024


def limits(highest: int) -> list[int]:
    """Falling limits: most of them between what the libraries take and what the command takes, the rest below."""
    n = STEPS - BELOW
    step = max(1 << 20, (highest - START) // n)
    return [START + i * step for i in reversed(range(n))] + [START // (2 + i) for i in range(BELOW)]


def falling_memory(command: Command, folder: Path) -> list[dict[str, Any]]:
    out = Path(tempfile.mkdtemp(prefix="soak-"))
    runs = []
    try:
        highest = peak(command, folder, out)
        for limit in limits(highest):
            run = try_command(
                command, folder, out, lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            )
            runs.append({"limit": limit, **run})
    finally:
        shutil.rmtree(out)
    return runs


# -----------------------------------------------------------------------------------------------------
# All


def run(only: str = "") -> dict[str, Any]:
    """Run all commands under all faults, or those whose names contain one of the texts that ``|`` separates.

    Returns the counts, and every wrong run in full.
    """
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    result: dict[str, Any] = {"commands": {}, "wrong": []}
    try:
        prepare(folder, BUCKET)
        for command in COMMANDS:
            if not any(part in command.name for part in only.split("|")):
                continue
            runs = {"memory": falling_memory(command, folder)}
            if command.out:
                runs |= {"full disk": [full_disk(command, folder)], "read-only": [read_only(command, folder)]}
            result["commands"][command.name] = {name: summary(found) for name, found in runs.items()}
            for name, found in runs.items():
                result["wrong"] += [{"command": command.name, "fault": name, **r} for r in found if r["wrong"]]
                for r in found:
                    text = f"WRONG {r['wrong']}" if r["wrong"] else r["said"]
                    print(command.name, name, r.get("limit", 0) >> 20, r["status"], text, file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    return result


def summary(runs: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "runs": len(runs),
        "succeeded": sum(run["status"] == 0 and not run["wrong"] for run in runs),
        "refused": sum(run["status"] == 2 and not run["wrong"] for run in runs),
        "wrong": sum(bool(run["wrong"]) for run in runs),
    }
