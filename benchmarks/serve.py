"""How many requests a second does the service answer, how late, and what does each of its processes hold for itself?

A model is trained on the beginning of a corpus, and the first lines of it are indexed; the queries are lines that
follow. The load is made by wrk (https://github.com/wg/wrk): one thread, so many connections, each of which sends the
next request when it has its answer. So the times are those of a service that is never idle, waiting included, and wrk
takes its share of the CPUs. *Private* is the unique set size of a worker after the load (Private_Clean and
Private_Dirty of /proc/<pid>/smaps_rollup), and *written* its Private_Dirty; the largest of the workers. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

WORDS, QUERIES, LONGEST = 2_000_000, 1000, 12
WARM_UP = 1  # seconds of load before the measurement
ROUTES: dict[str, tuple[str, Any]] = {  # label: (path, query -> body)
    "search": ("/search", lambda query: {"query": query}),
    "search, words explained": ("/search", lambda query: {"query": query, "explain": True}),
    "encode": ("/encode", lambda query: {"sentence": query}),
}
LOAD = """
local bodies, i = {}, 0
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  i = i % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[i])
end
done = function(summary, latency)
  local errors = summary.errors
  print(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


# -----------------------------------------------------------------------------------------------------
# Preparation


def prepare(folder: str, corpus: str, sentences: int) -> Run:
    """A model, an index, and for each route the bodies of requests and wrk's script."""
    from gensim_sent2vec import Sent2Vec, SentenceIndex

    text = common.shortened(corpus, f"{folder}/corpus.txt", WORDS)
    wv = Sent2Vec(corpus_file=text, vector_size=100, epochs=1).wv
    wv.save(f"{folder}/model.s2v")
    with open(corpus, encoding="utf-8") as lines:
        indexed = [line.strip() for line in islice(lines, sentences)]
        queries = [" ".join(line.split()[:LONGEST]) for line in islice(lines, QUERIES)]
    SentenceIndex.build(wv, indexed, lexical=True).save(f"{folder}/index")
    for i, (_, body) in enumerate(ROUTES.values()):
        bodies = Path(folder, f"{i}.jsonl")
        bodies.write_text("".join(json.dumps(body(query)) + "\n" for query in queries if query))
        Path(folder, f"{i}.lua").write_text(LOAD.replace("BODIES", str(bodies)))
    sizes = {name: Path(folder, file).stat().st_size for name, file in (("model", "model.s2v"), ("index", "index"))}
    return {**sizes, "words": len(wv), "indexed": len(indexed)}


def http_parts() -> Run:
    """A contestant: the versions of what answers, and whether it has its compiled parts."""
    import importlib.metadata
    import importlib.util

    names = ("fastapi", "uvicorn", "httptools", "uvloop")
    return {name: importlib.metadata.version(name) for name in names if importlib.util.find_spec(name)}


# -----------------------------------------------------------------------------------------------------
# The contestant


@contextmanager
def served(folder: str, workers: int) -> Iterator[tuple[str, list[int]]]:
    """The service's address and its processes that answer."""
    command = [sys.executable, "-m", "gensim_sent2vec", "serve", f"{folder}/model.s2v", f"{folder}/index"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--workers", str(workers)], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        address = re.search(r"http://\S+", line)
        if not address:
            raise SystemExit(f"the service did not start: {line}")
        yield address[0].rstrip("/"), answering(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stderr.close()


def answering(session: int) -> list[int]:
    """Processes of a session that were forked from one that runs the same command."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = folder.joinpath("stat").read_text().rpartition(")")[2].split()
            command = folder.joinpath("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[3]) == session:
            parents[int(folder.name)], commands[int(folder.name)] = int(fields[1]), command
    return [pid for pid, parent in parents.items() if commands.get(parent) == commands[pid]]


def memory(pid: int) -> dict[str, int]:
    """Bytes that only this process holds, and those of them that it has written."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(size.split()[0]) * 1024 for name, size in (line.split(":") for line in lines)}
    return {"private": sizes["Private_Clean"] + sizes["Private_Dirty"], "written": sizes["Private_Dirty"]}


def load(script: str, url: str, connections: int, seconds: float) -> Run:
    """What wrk reports."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", script, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def service(folder: str, workers: int, connections: int, seconds: float) -> Run:
    """Start, load each route, look at the memory, stop."""
    began = time.perf_counter()
    result: Run = {}
    with served(folder, workers) as (url, pids):
        result["start"] = time.perf_counter() - began
        if len(pids) != workers:
            raise SystemExit(f"{workers} processes are expected, found {len(pids)}")
        for i, (label, (path, _)) in enumerate(ROUTES.items()):
            load(f"{folder}/{i}.lua", url + path, connections, WARM_UP)
            run = load(f"{folder}/{i}.lua", url + path, connections, seconds)
            if run["errors"]:
                raise SystemExit(f"{label}: {run['errors']} errors")
            result |= {f"{label}: rate": run["requests"] / run["seconds"]}
            result |= {f"{label}: {figure}": run[figure] for figure in ("p50", "p99")}
        sizes = [memory(pid) for pid in pids]
    return result | {name: max(size[name] for size in sizes) for name in ("private", "written")}


# -----------------------------------------------------------------------------------------------------
# Rounds


def run(args: argparse.Namespace) -> dict[str, Any]:
    if not shutil.which("wrk"):
        raise SystemExit("wrk makes the load, and is not installed (apt-get install wrk)")
    result: dict[str, Any] = {"connections": args.connections, "seconds": args.seconds}
    result["http"] = {
        name: version
        for name, version in common.measure(Contestant.python("parts", __file__, "http_parts")).items()
        if isinstance(version, str)
    }
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        options = {"folder": folder, "corpus": os.path.abspath(args.corpus), "sentences": args.sentences}
        made = common.measure(Contestant.python("prepare", __file__, "prepare", **options))
        result |= {name: made[name] for name in ("model", "index", "words", "indexed")}
        contestants = [
            Contestant.python(
                f"{n} process{'es' * (n > 1)}", __file__, "service", folder=folder, workers=n,
                connections=args.connections, seconds=args.seconds,
            )
            for n in args.workers
        ]  # fmt: skip
        result["services"] = common.measure_all("serve", contestants, args)
    return result


# -----------------------------------------------------------------------------------------------------
# Report


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    rows = []
    for name, runs in result["services"].items():
        sizes = [f"{common.median(runs, figure) / 1e6:,.0f}" for figure in ("private", "written")]
        for label in ROUTES:
            times = [f"{common.median(runs, f'{label}: {figure}') * 1e3:,.1f}" for figure in ("p50", "p99")]
            rows.append([f"{label}, {name}", f"{common.median(runs, f'{label}: rate'):,.0f}", *times, *sizes])
            sizes = ["", ""]
    header = ["", "requests/s", "p50, ms", "p99, ms", "private, MB a process", "written, MB a process"]
    parts = ", ".join(f"{name} {version}" for name, version in result["http"].items())
    note = (
        f"{result['indexed']:,} sentences with their lexical part ({result['index'] / 1e6:,.0f} MB), a model of "
        f"{result['words']:,} words ({result['model'] / 1e6:,.0f} MB); {parts}. Load by wrk on the same machine: "
        f"{result['connections']} connections that send the next request when they have their answer."
    )
    return {"serve": f"{common.table(header, rows)}\n\n{note}"}


if __name__ == "__main__":
    common.answer([prepare, http_parts, service])
    parser = common.arguments(__doc__.splitlines()[0])
    parser.add_argument("--folder", metavar="DIR", help="where the files are made, for a while")
    parser.add_argument("--sentences", type=int, default=10_000, help="that are searched")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5, help="of load on each route")
    common.main("serve", parser.parse_args(), run, tables)
