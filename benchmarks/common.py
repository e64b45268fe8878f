"""What the benchmarks share: contestants as processes, interleaved rounds, medians, results, tables, plots.

A contestant is a command. It is measured from outside (wall and CPU seconds, peak memory) and may report more
in a line of JSON, the last one it prints. This process stays small and idle: nothing is imported that a
contestant needs, so that a contestant's peak memory is its own.
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
HEADLINE = "headline-"  # names of texts that are one line of README.md

Run = dict[str, Any]
Runs = dict[str, list[Run]]


# -----------------------------------------------------------------------------------------------------
# Contestants


@dataclass(frozen=True)
class Contestant:
    """A command that answers a question once.

    Attributes
    ----------
    name : str
        Its row in the tables.
    command : tuple of str
    read : callable, optional
        Makes further figures of what the command wrote to standard error.
    """

    name: str
    command: tuple[str, ...]
    read: Callable[[str], Run] | None = None

    @classmethod
    def python(cls, name: str, script: str, function: str, **options: Any) -> Contestant:
        """The function of that name in a script's `answer`, in an interpreter of its own."""
        return cls(name, (sys.executable, script, CHILD, function, json.dumps(options)))


def answer(functions: Iterable[Callable[..., Run]]) -> None:
    """Where this process was started as a contestant: call the function asked for, print its figures, and end."""
    if sys.argv[1:2] == [CHILD]:
        function = {f.__name__: f for f in functions}[sys.argv[2]]
        print(json.dumps(function(**json.loads(sys.argv[3]))))
        raise SystemExit


def measure(contestant: Contestant) -> Run:
    """Run a contestant once.

    Returns
    -------
    dict
        ``wall`` and ``cpu`` in seconds and ``max_rss`` in bytes, of the whole process, and what it reports itself.

    Raises
    ------
    SystemExit
        Where it fails, with what it wrote last.
    """
    # More threads than were asked for, inside a BLAS, would help nobody with rows of a hundred numbers.
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(contestant.command, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        printed, complained = (_text_of(file) for file in (out, err))
    if process.returncode:
        raise SystemExit(f"{contestant.name}: exit status {process.returncode}\n{complained[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    run: Run = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "max_rss": usage.ru_maxrss * unit}
    if contestant.read:
        return run | contestant.read(complained)
    return run | json.loads(printed.splitlines()[-1])


def _text_of(file: Any) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def measure_all(group: str, contestants: Sequence[Contestant], args: argparse.Namespace) -> Runs:
    """Every contestant once, then all of them again: what disturbs the machine for a while disturbs them alike."""
    labels = {contestant: f"{group}: {contestant.name}" for contestant in contestants}
    wanted = [contestant for contestant, label in labels.items() if args.only in label]
    runs: Runs = {contestant.name: [] for contestant in wanted}
    for i in range(args.rounds):
        for contestant in wanted:
            run = measure(contestant)
            runs[contestant.name].append(run)
            print(f"{i + 1}/{args.rounds}  {labels[contestant]}  {brief(run)}", file=sys.stderr, flush=True)
    return runs


def brief(run: Run) -> str:
    """A run's figures on one line."""
    return "  ".join(f"{name} {value:,.4g}" for name, value in run.items() if isinstance(value, (int, float)))


def median(runs: Sequence[Run], figure: str) -> float:
    """The median of one figure."""
    return statistics.median(run[figure] for run in runs)


def ratio(runs: Sequence[Run], base: Sequence[Run], figure: str) -> float:
    """The median of the quotients round by round: runs of one round met the same disturbances."""
    return statistics.median(a[figure] / b[figure] for a, b in zip(runs, base, strict=True))


# -----------------------------------------------------------------------------------------------------
# Corpora


def shortened(corpus: str, path: str, words: int, repeats: int = 1) -> str:
    """Write the first lines of a corpus, with about so many tokens, over and over."""
    kept, seen = [], 0
    with open(corpus, encoding="utf-8") as lines:
        for line in lines:
            kept.append(line)
            seen += len(line.split())
            if seen >= words:
                break
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(repeats):
            out.writelines(kept)
    return path


# -----------------------------------------------------------------------------------------------------
# The machine


def versions() -> Run:
    """A contestant: the software in use, and the instruction set the kernel chose."""
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
    """The processor and the software, and nothing that tells whose machine it is."""
    seen = measure(Contestant.python("versions", __file__, "versions"))
    simd = seen.pop("simd")
    return {
        "cpu": cpu_model(),
        "cores": available_cores(),
        "simd": simd,
        "system": platform.system(),
        "versions": {name: value for name, value in seen.items() if isinstance(value, str)},
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
    """Write a result under the version that it is of."""
    path = results_file(question, result["machine"]["versions"]["gensim_sent2vec"])
    path.write_text(json.dumps(result, indent=1) + "\n")


def load(question: str) -> Any:
    """The result of this question for the version installed."""
    version = measure(Contestant.python("versions", __file__, "versions"))["gensim_sent2vec"]
    path = results_file(question, version)
    if not path.exists():
        raise SystemExit(f"there is no result of {question} for version {version} yet")
    return json.loads(path.read_text())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, figures to the right."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def times(factor: float) -> str:
    return f"{factor:.{0 if factor >= 20 else 1 if factor >= 2 else 2}f} ×"  # noqa: RUF001


def rate(per_second: float) -> str:
    if per_second >= 1e6:
        return f"{per_second / 1e6:.2f}M"
    return f"{per_second / 1e3:.0f}k" if per_second >= 1e4 else f"{per_second:,.0f}"


def bars(
    question: str,
    result: Mapping[str, Any],
    values: Mapping[str, float],
    label: str,
    show: Callable[[float], str] = rate,
) -> None:
    """A bar chart next to the JSON of the result; without matplotlib, a message."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no plot", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.8 + 0.32 * len(values)), layout="constrained")
    names = list(values)[::-1]
    ours = ["#4c72b0" if "this package" in name else "#b0b0b0" for name in names]
    axes.bar_label(axes.barh(names, [values[name] for name in names], color=ours), fmt=show, padding=3)
    axes.set_xlabel(label)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(results_file(question, result["machine"]["versions"]["gensim_sent2vec"], ".png"), dpi=120)


def update_readme(name: str, text: str) -> None:
    """Put `text` between ``<!-- benchmark:name -->`` and ``<!-- /benchmark:name -->`` of one of the README.md

    Raises
    ------
    SystemExit
        Where neither has the two marks.
    """
    begin, end = f"<!-- benchmark:{name} -->", f"<!-- /benchmark:{name} -->"
    for readme in READMES:
        before, found, rest = readme.read_text(encoding="utf-8").partition(begin)
        _, closed, after = rest.partition(end)
        if found and closed:
            readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
            return
    raise SystemExit(f"no README.md has a place for this table: {begin} … {end}")


# -----------------------------------------------------------------------------------------------------
# A script


def arguments(what: str, rounds: int = 3) -> argparse.ArgumentParser:
    """The options that every script has."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--corpus", metavar="FILE", help="a text file, one tokenized sentence per line")
    parser.add_argument("--rounds", type=int, default=rounds, help="runs of each contestant")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="only the contestants with this in their label; nothing is kept"
    )
    parser.add_argument("--report", action="store_true", help="measure nothing, report the result there is")
    parser.add_argument("--update-readme", action="store_true", help="put the tables into README.md")
    return parser


def main(
    question: str,
    args: argparse.Namespace,
    run: Callable[[argparse.Namespace], dict[str, Any]],
    tables: Callable[[Mapping[str, Any]], dict[str, str]],
    plot: Callable[[Mapping[str, Any]], None] = lambda result: None,
    corpus: bool = True,
) -> None:
    """Measure (or load) a result and report it.

    Parameters
    ----------
    run : callable
        arguments -> the result, without the machine's description.
    tables : callable
        result -> Markdown by the name of its place in README.md.
    corpus : bool
        Whether a corpus is needed.
    """
    if args.report:
        result = load(question)
    else:
        if corpus and (not args.corpus or not Path(args.corpus).is_file()):
            raise SystemExit(f"--corpus: a text file is needed, got {args.corpus!r}")
        result = run(args) | {"machine": machine(), "rounds": args.rounds}
        if args.only:
            return
        save(question, result)
    report(tables(result), result, args.update_readme)
    plot(result)


def report(tables: Mapping[str, str], result: Mapping[str, Any], update: bool) -> None:
    """Print the tables; on request put them into the pages, with a line about the machine below all but headlines."""
    for name, text in tables.items():
        print(f"\n{name}\n\n{text}")
        if update:
            machine = "" if name.startswith(HEADLINE) else f"\n\n{describe(result['machine'])}"
            update_readme(name, text + machine)


if __name__ == "__main__":
    answer([versions])
