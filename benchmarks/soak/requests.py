"""Does the service do what its OpenAPI description says? Requests are generated from it, valid and invalid ones.

Needs schemathesis, a separate program (``pip install schemathesis``), which checks every response: no status above 499,
no status or body that is not described, no valid request that is refused, no invalid one that is accepted. The
description cannot tell which keys an index has, so feedback on an unknown key is refused though it is valid; the index
has keys that are generated often.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .service import put_live, serving
from .workplace import call, prepare

BUCKET, EXAMPLES = 2000, 300  # of each run
MAX_FAILURE = 1500  # characters of a failure that are stored
# The schema has no limit for the size of a body: one that is too large is refused with 413, whether or not it breaks
# other rules.
CONFIGURATION = """\
[checks.negative_data_rejection]
expected-statuses = [400, 405, 413, 415, 422]
[checks.positive_data_acceptance]
expected-statuses = [200, 413]
[[operations]]
include-path = "/feedback"
[operations.checks.positive_data_acceptance]
expected-statuses = [200, 413, 422]
"""
KEYS = ("0", "00", "1")  # of the index that is searched


def counted(port: int) -> dict[str, int]:
    """The number of responses by status, from the service's own metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    seen: dict[str, int] = {}
    for status, n in re.findall(r'requests_total\{.*status="(\d+)"\} ([\d.]+)', text):
        seen[status] = seen.get(status, 0) + int(float(n))
    return seen


def failures_in(text: str) -> list[str]:
    """The failures that schemathesis reports, each with the response; everything it said if it reports none."""
    found = re.findall(r"^- (.+?)(?=^Reproduce with|^- |\Z)", text, re.MULTILINE | re.DOTALL)
    return [failure.strip()[:MAX_FAILURE] for failure in found] or [text[-MAX_FAILURE:]]


def run(n: int = 5000, program: str = "schemathesis") -> dict[str, Any]:
    """Generate requests until the service has answered `n` of them."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    failures: list[str] = []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        prepare(folder, BUCKET)
        faq = folder / "keys.tsv"
        faq.write_text("question\tanswer\n" + "".join(f"the police of {key} said\t{key}\n" for key in KEYS))
        call("index", str(folder / "a.s2v"), str(faq), str(folder / "a.index"), "--lexical", "--csls", "--force")
        put_live(folder, "a")
        (folder / "schemathesis.toml").write_text(CONFIGURATION)
        with serving(folder, "--feedback", str(folder / "feedback.tsv"), workers=1) as service:
            seed, answered = 0, 0
            while answered < n:
                seed += 1
                url = f"http://127.0.0.1:{service.port}/openapi.json"
                command = [
                    program, "run", url, "--seed", str(seed), "--checks", "all",
                    "--max-examples", str(min(EXAMPLES, n)), "--continue-on-failure", "--suppress-health-check", "all",
                ]  # fmt: skip
                done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
                answered = sum(counted(service.port).values())
                print(f"{answered:,} requests, exit status {done.returncode}", file=sys.stderr, flush=True)
                if done.returncode:
                    failures += failures_in(done.stdout)
            statuses = counted(service.port)
            status = service.stop()
            tracebacks = sum("Traceback" in line for line in service.said)
    finally:
        shutil.rmtree(folder)
    return {
        "requests": sum(statuses.values()), "statuses": statuses, "failures": failures, "exit status": status,
        "tracebacks": tracebacks,
    }  # fmt: skip
