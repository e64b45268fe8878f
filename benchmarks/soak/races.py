"""Do threads of the kernel race where they must not? Needs Linux, GCC with ThreadSanitizer, and the source folder.

The kernel is compiled with ThreadSanitizer in a copy of the source folder, and everything that runs in several threads
is run (`threads.py`). Races on the rows of the model are meant (Hogwild): `races.supp` lists the functions that access
them, and nothing else. Every other race is reported.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .threads import SENTENCES, THREADS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SUPPRESSIONS = HERE / "races.supp"
COMPILER = '#!/bin/sh\nexec {} "$@" -fsanitize=thread -g1 -O1\n'  # after the flags of setup.py, which it overrides
EXIT = 66  # of a process with reports


def build(folder: Path) -> None:
    """Compile the kernel in a copy of the source folder."""
    for name in ("gensim_sent2vec", "setup.py", "pyproject.toml", "README.md"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__", "_kernel.cpp"))
        else:
            shutil.copy(source, folder / name)
    compiler = folder / "compiler"
    compiler.write_text(COMPILER.format(os.environ.get("CXX", "g++")))
    compiler.chmod(0o755)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    compilers = {"CC": str(compiler), "CXX": str(compiler), "LDSHARED": f"{compiler} -shared"}
    done = subprocess.run(command, cwd=folder, env={**os.environ, **compilers}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"cannot build the kernel: {done.stderr[-2000:]}")


def sanitizer() -> str:
    """The path of ThreadSanitizer's library, which must be loaded first."""
    found = subprocess.run(["g++", "-print-file-name=libtsan.so"], capture_output=True, text=True, check=True)
    return os.path.realpath(found.stdout.strip())


@dataclass(frozen=True)
class Outcome:
    """What ThreadSanitizer found.

    Attributes
    ----------
    reports : list of str
    suppressed : dict of str to int
        How many times each suppression matched.
    """

    reports: list[str]
    suppressed: dict[str, int]


def watch(folder: Path, suppressed: bool, sentences: int) -> Outcome:
    """Run the threads."""
    log = folder / f"report-{suppressed}"
    options = f"log_path={log} exitcode={EXIT} history_size=1 print_suppressions=1 report_signal_unsafe=0"
    environment = {
        **os.environ, "LD_PRELOAD": sanitizer(), "PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1",
        "TSAN_OPTIONS": f"{options} suppressions={SUPPRESSIONS}" if suppressed else options,
    }  # fmt: skip
    # A fixed layout of the address space, which ThreadSanitizer needs.
    command = ["setarch", "-R", sys.executable, str(HERE / "threads.py"), "--sentences", str(sentences)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    if done.returncode not in (0, EXIT) or "ran" not in done.stderr.splitlines():
        raise SystemExit(f"exit status {done.returncode}\n{done.stderr[-3000:]}")
    text = "".join(path.read_text() for path in folder.glob(f"report-{suppressed}.*"))
    found = [part for part in text.split("==================\n") if part.startswith("WARNING: ThreadSanitizer")]
    return Outcome(found, matches(text + done.stderr))


def matches(text: str) -> dict[str, int]:
    """How many times each suppression matched, from what ThreadSanitizer prints at the end."""
    seen: dict[str, int] = {}
    for n, name in re.findall(r"^\s*(\d+) (race:\S+)", text, re.MULTILINE):
        seen[name] = seen.get(name, 0) + int(n)
    return seen


def run(sentences: int = SENTENCES) -> dict[str, Any]:
    """Build, and run once with the suppressions and once without."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        build(folder)
        rest = watch(folder, suppressed=True, sentences=sentences)
        for report in rest.reports:
            print(report, file=sys.stderr)
        everything = watch(folder, suppressed=False, sentences=sentences)
    return {
        "reports": len(rest.reports), "suppressed": rest.suppressed, "without": len(everything.reports),
        "threads": THREADS, "sentences": sentences,
    }  # fmt: skip
