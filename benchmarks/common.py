"""Shared by the benchmarks: contestants as processes, interleaved rounds, medians, results, tables, plots.

A contestant is a command. Its wall time, CPU time and peak memory are measured from outside; it can report more figures
as JSON in the last line that it prints. This process stays small and idle and imports nothing that a contestant needs,
because a child process inherits the peak memory of its parent.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
READMES = (HERE.parent / "README.md", HERE / "README.md")
CHILD = "--contestant"
IN_README = ("headline-", "readme-")  # prefixes of the names of texts of README.md, which has no room for the machine

Run = dict[str, Any]
Runs = dict[str, list[Run]]


# -----------------------------------------------------------------------------------------------------
# Contestants


@dataclass(frozen=True)
class Contestant:
    """A command that produces one measurement.

    Attributes
    ----------
    name : str
        Its row in the tables, and its key in the result.
    command : tuple of str
    parse : callable, optional
        Extracts figures from the standard error of a command that does not print JSON.
    blas_threads : int
        Threads of a BLAS. By default one: it must not add threads to those requested, and would gain nothing on rows of
        100 dimensions.
    """

    name: str
    command: tuple[str, ...]
    parse: Callable[[str], Run] | None = None
    blas_threads: int = 1

    @classmethod
    def python(cls, name: str, script: str, function: str, **options: Any) -> Contestant:
        """Call a function that the script passes to `run_if_contestant`, in a new interpreter."""
        return cls(name, (sys.executable, script, CHILD, function, json.dumps(options)))


def run_if_contestant(functions: Iterable[Callable[..., Run]]) -> None:
    """If this process was started as a contestant, call the requested function, print its figures and exit."""
    if sys.argv[1:2] == [CHILD]:
        function = {f.__name__: f for f in functions}[sys.argv[2]]
        print(json.dumps(function(**json.loads(sys.argv[3]))))
        raise SystemExit


def measure(contestant: Contestant) -> Run:
    """Run a contestant once.

    Returns
    -------
    dict
        ``wall`` and ``cpu`` in seconds and ``max_rss`` in bytes, all of the entire process, and the figures it reports.

    Raises
    ------
    SystemExit
        If it fails, with the end of its standard error.
    """
    variables = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"
    environment = os.environ | dict.fromkeys(variables, str(contestant.blas_threads))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(contestant.command, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout, stderr = (_text_of(file) for file in (out, err))
    if process.returncode:
        raise SystemExit(f"{contestant.name}: exit status {process.returncode}\n{stderr[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    run: Run = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "max_rss": usage.ru_maxrss * unit}
    if contestant.parse:
        return run | contestant.parse(stderr)
    return run | json.loads(stdout.splitlines()[-1])


def _text_of(file: Any) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def measure_all(group: str, contestants: Sequence[Contestant], args: argparse.Namespace) -> Runs:
    """Run all contestants in turn, round by round, so that a temporary slowdown of the machine affects all of them."""
    labels = {contestant: f"{group}: {contestant.name}" for contestant in contestants}
    selected = [contestant for contestant, label in labels.items() if args.only in label]
    runs: Runs = {contestant.name: [] for contestant in selected}
    for i in range(args.rounds):
        for contestant in selected:
            run = measure(contestant)
            runs[contestant.name].append(run)
            print(f"{i + 1}/{args.rounds}  {labels[contestant]}  {summary(run)}", file=sys.stderr, flush=True)
    return runs


def summary(run: Run) -> str:
    """The figures of a run on one line."""
    return "  ".join(f"{name} {value:,.4g}" for name, value in run.items() if isinstance(value, (int, float)))


def median(runs: Sequence[Run], figure: str) -> float:
    """The median of a figure."""
    return statistics.median(run[figure] for run in runs)


def ratio(runs: Sequence[Run], base: Sequence[Run], figure: str) -> float:
    """The median of the ratios of single rounds: the runs of a round had similar conditions."""
    return statistics.median(a[figure] / b[figure] for a, b in zip(runs, base, strict=True))


# -----------------------------------------------------------------------------------------------------
# Corpora


def shortened(corpus: str, path: str, words: int, repeats: int = 1) -> str:
    """Write the first lines of a corpus, about `words` tokens, `repeats` times. Returns `path`."""
    kept, n_tokens = [], 0
    with open(corpus, encoding="utf-8") as lines:
        for line in lines:
            kept.append(line)
            n_tokens += len(line.split())
            if n_tokens >= words:
                break
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(repeats):
            out.writelines(kept)
    return path


# -----------------------------------------------------------------------------------------------------
# The machine


def versions() -> Run:
    """A contestant: the versions of the software, and the instruction set that the kernel selected."""
    import gensim
    import numpy

    import gensim_sent2vec
    from gensim_sent2vec import _kernel

    return {
        "gensim_sent2vec": gensim_sent2vec.__version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "gensim": gensim.__version__,
        "simd": _kernel.simd_level(),
    }


def machine() -> dict[str, Any]:
    """The processor and the software; nothing that identifies the machine or its owner."""
    found = measure(Contestant.python("versions", __file__, "versions"))
    simd = found.pop("simd")
    return {
        "cpu": cpu_model(),
        "cores": available_cores(),
        "simd": simd,
        "system": platform.system(),
        "versions": {name: value for name, value in found.items() if isinstance(value, str)},
    }


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def describe(machine: Mapping[str, Any]) -> str:
    """The machine in a sentence."""
    names = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['simd']}, {machine['system']}; {names}."


# -----------------------------------------------------------------------------------------------------
# Results


def results_file(question: str, version: str, suffix: str = ".json") -> Path:
    folder = HERE / "results" / version
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (question + suffix)


def save(question: str, result: Mapping[str, Any]) -> None:
    """Write a result to the folder of the version that was measured."""
    path = results_file(question, result["machine"]["versions"]["gensim_sent2vec"])
    path.write_text(json.dumps(result, indent=1) + "\n")


def load(question: str) -> Any:
    """The result of a script for the installed version."""
    version = measure(Contestant.python("versions", __file__, "versions"))["gensim_sent2vec"]
    path = results_file(question, version)
    if not path.exists():
        raise SystemExit(
            f"{path}: not found; run benchmarks/{question}.py without --report to measure version {version}"
        )
    return json.loads(path.read_text())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column left-aligned, the others right-aligned."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def times(factor: float) -> str:
    """A ratio as text, with fewer decimals the larger it is."""
    return f"{factor:.{0 if factor >= 20 else 1 if factor >= 2 else 2}f} ×"  # noqa: RUF001


def rate(per_second: float) -> str:
    """A rate, such as "3.30M", "327k" or "8,778"."""
    if per_second >= 1e6:
        return f"{per_second / 1e6:.2f}M"
    return f"{per_second / 1e3:.0f}k" if per_second >= 1e4 else f"{per_second:,.0f}"


def bar_chart(
    question: str,
    result: Mapping[str, Any],
    values: Mapping[str, float],
    label: str,
    format_value: Callable[[float], str] = rate,
) -> None:
    """Save a bar chart next to the JSON of the result; without matplotlib, print a message."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no plot", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.8 + 0.32 * len(values)), layout="constrained")
    names = list(values)[::-1]
    colors = ["#4c72b0" if "this package" in name else "#b0b0b0" for name in names]
    axes.bar_label(axes.barh(names, [values[name] for name in names], color=colors), fmt=format_value, padding=3)
    axes.set_xlabel(label)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(results_file(question, result["machine"]["versions"]["gensim_sent2vec"], ".png"), dpi=120)


def update_readme(name: str, text: str) -> None:
    """Replace the text between ``<!-- benchmark:name -->`` and ``<!-- /benchmark:name -->`` in one of the README files.

    Raises
    ------
    SystemExit
        If neither file has the two markers.
    """
    begin, end = f"<!-- benchmark:{name} -->", f"<!-- /benchmark:{name} -->"
    for readme in READMES:
        before, found, rest = readme.read_text(encoding="utf-8").partition(begin)
        _, closed, after = rest.partition(end)
        if found and closed:
            readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
            return
    raise SystemExit(f"neither README.md has the markers for this table: {begin} … {end}")


# -----------------------------------------------------------------------------------------------------
# A script


def arguments(description: str, rounds: int = 3) -> argparse.ArgumentParser:
    """A parser with the options that all scripts have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--corpus", metavar="FILE", help="a text file, one tokenized sentence per line")
    parser.add_argument("--rounds", type=int, default=rounds, help="number of runs of each contestant")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="run only contestants whose label contains TEXT; save nothing"
    )
    parser.add_argument("--report", action="store_true", help="report the stored result without measuring")
    parser.add_argument("--update-readme", action="store_true", help="write the tables into the README files")
    return parser


def main(
    question: str,
    args: argparse.Namespace,
    run: Callable[[argparse.Namespace], dict[str, Any]],
    tables: Callable[[Mapping[str, Any]], dict[str, str]],
    plot: Callable[[Mapping[str, Any]], None] = lambda result: None,
    corpus: bool = True,
) -> None:
    """Measure or load a result, and report it.

    Parameters
    ----------
    run : callable
        Takes the arguments; returns the result, without the description of the machine.
    tables : callable
        Takes the result; returns a dict from the name of a marker in the README files to Markdown.
    plot : callable
        Takes the result and saves a plot.
    corpus : bool
        Whether the script needs ``--corpus``.
    """
    if args.report:
        result = load(question)
    else:
        if corpus and (not args.corpus or not Path(args.corpus).is_file()):
            raise SystemExit(f"--corpus: expected a text file, got {args.corpus!r}")
        result = run(args) | {"machine": machine(), "rounds": args.rounds}
        if args.only:
            return
        save(question, result)
    report(tables(result), result, args.update_readme)
    plot(result)


def report(tables: Mapping[str, str], result: Mapping[str, Any], update: bool) -> None:
    """Print the tables. If `update`, write them into the README files, in benchmarks with a line about the machine."""
    for name, text in tables.items():
        print(f"\n{name}\n\n{text}")
        if update:
            machine = "" if name.startswith(IN_README) else f"\n\n{describe(result['machine'])}"
            update_readme(name, text + machine)


if __name__ == "__main__":
    run_if_contestant([versions])
