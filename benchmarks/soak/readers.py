"""Do readers reject damaged files with a clear error? Runs the fuzzers of `tests/` and counts what they have read."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2] / "tests"


def fuzz(script: str, *arguments: str) -> tuple[str, int]:
    done = subprocess.run([sys.executable, str(TESTS / script), *arguments], capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode


def run(inputs: int = 20_000, seconds: int = 120, seed: int = 1) -> dict[str, Any]:
    """Read `inputs` damaged inputs per target of `fuzz_readers.py`, and .bin files for `seconds`."""
    text, status = fuzz("fuzz_readers.py", str(seed), str(inputs))
    found = re.findall(r"^(\w+): seed \d+, ([\d,]+) inputs, \d+ s: (\{.*\})$", text, re.MULTILINE)
    targets = {name: count(n, outcomes) for name, n, outcomes in found}
    binary, binary_status = fuzz("fuzz_epfml.py", str(seed), str(seconds))
    for n, outcomes in re.findall(r"^seed \d+: ([\d,]+) files (\{.*\})$", binary, re.MULTILINE):
        targets["reference .bin"] = count(n, outcomes)
    for output, code in ((text, status), (binary, binary_status)):
        if code:
            print(output[-3000:], file=sys.stderr)
    return {"seed": seed, "exit statuses": [status, binary_status], "targets": targets}


def count(n: str, outcomes: str) -> dict[str, int]:
    """The number of inputs that were accepted, rejected with an error, and wrongly handled."""
    seen: dict[str, int] = ast.literal_eval(outcomes)
    wrong = sum(k for name, k in seen.items() if name.startswith("WRONG"))
    rejected = sum(k for name, k in seen.items() if names_an_error(name.split()))
    total = int(n.replace(",", ""))
    return {"inputs": total, "rejected": rejected, "wrong": wrong, "accepted": total - rejected - wrong}


def names_an_error(words: Sequence[str]) -> bool:
    """Whether an outcome is a rejection: the name of an error, also after loading."""
    return words[-1].endswith("Error")
