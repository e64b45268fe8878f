"""From raw Korean text to a saved model: how long tokenizing takes, next to the training, and what kept tokens save.

The lines of the corpus are texts, not morphemes. An earlier version of the package is compared too, if there is a
folder with it, built in place.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

EARLIER = "earlier version"


def train(path: str, model: str, tokenizer: str, workers: int, keep: str | None = None, fresh: bool = False) -> Run:
    """Tokenize, count, train and save, as the command does. `fresh`: without kept tokens, which are written."""
    from gensim_sent2vec import Sent2Vec

    if fresh and keep is not None:
        Path(keep).unlink(missing_ok=True)
    trained = Sent2Vec(tokenizer=characters if tokenizer == "a function" else tokenizer, workers=workers, epochs=5)
    options = {} if keep is None else {"keep_tokens": keep}
    busy = Busy()
    marks = [times()]
    with trained.as_tokens(corpus_file=path, **options) as corpus:
        marks.append(times())
        figures: Run = {"busy": busy.mean()}
        trained.build_vocab(*corpus)
        marks.append(times())
        trained.train(*corpus)
    trained.save(model)
    marks.append(times())
    figures |= {"sentences": trained.corpus_count, "tokens": trained.corpus_total_words, "words": len(trained.wv)}
    for phase, before, after in zip(("tokenize", "count", "train"), marks, marks[1:]):
        figures |= {f"{phase}_{name}": after[name] - before[name] for name in after}
    return figures


class Busy:
    """Looks every 20 ms how many threads of this process and its children run, or would if a core was free (Linux)."""

    def __init__(self) -> None:
        import threading

        self._found: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        import os

        while not self._ended.wait(0.02):
            processes = [os.getpid()]
            for children in Path("/proc/self/task").glob("*/children"):
                processes += map(int, children.read_text().split())
            tasks = [task for process in processes for task in Path(f"/proc/{process}/task").glob("*/stat")]
            states = [state(task) for task in tasks if int(task.parent.name) != self._thread.native_id]
            self._found.append(states.count("R"))

    def mean(self) -> float:
        """The mean number so far, after which no more is looked at."""
        self._ended.set()
        self._thread.join()
        return sum(self._found) / max(1, len(self._found))


def state(task: Path) -> str:
    try:
        return task.read_text().rpartition(")")[2].split()[0]
    except OSError:  # it has ended
        return ""


def times() -> Run:
    """Seconds of wall and CPU time so far, the latter with the processes that have ended."""
    import os
    import time

    return {"wall": time.perf_counter(), "cpu": sum(os.times()[:4])}


def characters(text: str) -> list[str]:
    """A tokenizer in Python: the runs of characters of one kind, and the pairs of characters in them."""
    import unicodedata
    from itertools import groupby, pairwise

    runs = ["".join(run) for kind, run in groupby(text, unicodedata.category) if kind[0] != "Z"]
    return [part for run in runs for part in (run, *map("".join, pairwise(run)))]


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = common.shortened(args.corpus, str(folder / "corpus.txt"), args.words)
        always = {"path": corpus, "model": str(folder / "model")}
        kept = {"keep": str(folder / "kept.tokens")}
        questions: dict[str, dict[str, Any]] = {}
        for tokenizer in ("kiwi", "mecab", "a function"):
            options = {**always, "tokenizer": tokenizer}
            if args.earlier:
                questions[f"{tokenizer}, {EARLIER}, 2 workers"] = {**options, "workers": 2}
            questions |= {f"{tokenizer}, {counted(n)}": {**options, "workers": n} for n in (1, 2)}
            keeping = {**options, **kept, "workers": 2}
            questions[f"{tokenizer}, 2 workers, keeping the tokens"] = {**keeping, "fresh": True}
            questions[f"{tokenizer}, 2 workers, with kept tokens"] = keeping
        contestants = [
            of_version(Contestant.python(name, __file__, "train", **options), args.earlier)
            for name, options in questions.items()
        ]
        return {"runs": common.measure_all("korean", contestants, args)}


def counted(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def of_version(contestant: Contestant, earlier: str | None) -> Contestant:
    """The contestant, with the earlier version of the package if its name says so."""
    if not earlier or EARLIER not in contestant.name:
        return contestant
    return Contestant(contestant.name, ("env", f"PYTHONPATH={earlier}", *contestant.command))


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    rows = []
    for name, runs in result["runs"].items():
        base = result["runs"][name.partition(",")[0] + ", 2 workers"]
        rows.append(
            [
                name,
                common.times(common.ratio(base, runs, "cpu")),
                *(f"{common.median(runs, figure):,.2f}" for figure in ("cpu", "tokenize_cpu")),
                "" if "with kept" in name else f"{common.median(runs, 'busy'):.1f}",
                *(f"{common.median(runs, figure):,.2f}" for figure in ("count_cpu", "train_cpu")),
                f"{common.median(runs, 'max_rss') / 1e6:,.0f}",
            ]
        )
    header = ["", "speed", "CPU s", "tokenizing", "busy threads", "counting", "training and saving", "peak MB"]
    return {"korean": common.table(header, rows)}


if __name__ == "__main__":
    common.run_if_contestant([train])
    parser = common.arguments(__doc__)
    parser.add_argument("--words", type=int, default=250_000, help="number of words of the corpus, between spaces")
    parser.add_argument("--earlier", metavar="FOLDER", help="an earlier version of the package, to compare with")
    common.main("korean", parser.parse_args(), run, tables)
