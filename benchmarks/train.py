"""How fast is training, compared to the reference program and to gensim's models?

There are two measurements. *Training* is the number of in-vocabulary words trained per CPU second, in the training
phase alone. *Whole run* is the time from a text file to a saved model, with five epochs and two threads, including
counting and saving.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

DIM, NEGATIVE, MIN_COUNT, ALPHA, BUCKET = 100, 10, 5, 0.2, 2_000_000
MODES = {"unigrams": {"word_ngrams": 1, "dropout_k": 0}, "bigrams": {"word_ngrams": 2, "dropout_k": 4}}
SHARED_NEGATIVES = {"shared": True, "exact": False}
GENSIM = ("Word2Vec", "Doc2Vec", "FastText")
WHOLE_EPOCHS, WHOLE_THREADS = 5, 2


# -----------------------------------------------------------------------------------------------------
# Contestants


def corpus(path: str) -> Run:
    """The size of the corpus, and how many of its tokens are in the vocabulary."""
    from gensim_sent2vec._text.counting import count_file

    counts, lines, tokens = count_file(path)
    kept = counts.counts[counts.counts >= MIN_COUNT]
    return {"bytes": Path(path).stat().st_size, "lines": lines, "tokens": tokens} | {
        "vocabulary": len(kept),
        "words": int(kept.sum()),
    }


def ours(path: str, mode: str, shared: bool, threads: int, epochs: int) -> Run:
    """Train with this package."""
    from gensim_sent2vec import Sent2Vec

    model = Sent2Vec(**our_options(mode, shared, threads, epochs))
    model.build_vocab(corpus_file=path)
    with Clock() as clock:
        words, _ = model.train(corpus_file=path)
    return clock.speed(words)


def ours_whole(path: str, mode: str, shared: bool, weighting: bool = False) -> Run:
    """From a text file to a saved model with this package."""
    from gensim_sent2vec import Sent2Vec

    with tempfile.TemporaryDirectory() as folder:
        options = our_options(mode, shared, WHOLE_THREADS, WHOLE_EPOCHS) | {"weighting": weighting}
        model = Sent2Vec(corpus_file=path, **options)
        model.save(f"{folder}/model.s2v")
    return {}


def our_options(mode: str, shared: bool, threads: int, epochs: int) -> dict[str, Any]:
    """Arguments of `Sent2Vec` that correspond to the options of `reference`."""
    return MODES[mode] | {
        "vector_size": DIM,
        "alpha": ALPHA,
        "min_count": MIN_COUNT,
        "negative": NEGATIVE,
        "bucket": BUCKET,
        "shared_negatives": shared,
        "workers": threads,
        "epochs": epochs,
        "weighting": False,  # the other contestants fit none; the whole run has separate rows with it
    }


def gensim(path: str, which: str, threads: int, epochs: int, words: int) -> Run:
    """Train with gensim: CBOW with a window of 5 (Word2Vec, FastText) or DBOW (Doc2Vec), without subsampling."""
    from gensim.models import Doc2Vec, FastText, Word2Vec

    options: dict[str, Any] = {
        "vector_size": DIM,
        "negative": NEGATIVE,
        "min_count": MIN_COUNT,
        "workers": threads,
        "epochs": epochs,
        "sample": 0,
    }
    model: Any
    if which == "Doc2Vec":
        model = Doc2Vec(dm=0, **options)
    else:
        model = {"Word2Vec": Word2Vec, "FastText": FastText}[which](sg=0, window=5, **options)
    model.build_vocab(corpus_file=path)
    totals = {"total_examples": model.corpus_count, "total_words": model.corpus_total_words}
    with Clock() as clock:
        model.train(corpus_file=path, epochs=epochs, **totals)
    return clock.speed(words * epochs)


class Clock:
    """Measures the wall time and CPU time of a ``with`` block."""

    def __enter__(self) -> Clock:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exc: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu

    def speed(self, words: int) -> Run:
        return {"words": words, "speed": words / self.cpu, "train_wall": self.wall, "train_cpu": self.cpu}


def reference(name: str, program: str, path: str, mode: str, threads: int, epochs: int, output: str) -> Contestant:
    """Train with the reference program, without subsampling of targets (a threshold of 1)."""
    settings = {
        "input": path,
        "output": output,
        "wordNgrams": MODES[mode]["word_ngrams"],
        "dropoutK": MODES[mode]["dropout_k"],
        "t": 1,
        "neg": NEGATIVE,
        "dim": DIM,
        "minCount": MIN_COUNT,
        "lr": ALPHA,
        "bucket": BUCKET,
        "loss": "ns",
        "epoch": epochs,
        "thread": threads,
        "verbose": 1,  # no progress output, which would cost a few percent
    }
    options = [part for key, value in settings.items() for part in (f"-{key}", str(value))]
    return Contestant(name, (program, "sent2vec", *options), reference_speed)


def reference_speed(printed: str) -> Run:
    """Parse its last report: in-vocabulary words per CPU second of the training phase, summed over all threads."""
    return {"speed": float(re.findall(r"words/sec/thread:\s*(\d+)", printed)[-1])}


# -----------------------------------------------------------------------------------------------------
# Rounds


def training(args: argparse.Namespace, threads: int, words: int, output: str) -> list[Contestant]:
    contestants = []
    here = {"path": args.corpus, "threads": threads, "epochs": args.epochs}
    for mode in MODES:
        for kind, shared in SHARED_NEGATIVES.items():
            name = f"this package, {mode}, {kind}"
            contestants.append(Contestant.python(name, __file__, "ours", mode=mode, shared=shared, **here))
        if args.reference:
            name = f"reference, {mode}"
            contestants.append(reference(name, args.reference, args.corpus, mode, threads, args.epochs, output))
    for which in args.gensim:
        name = f"gensim {which}"
        contestants.append(Contestant.python(name, __file__, "gensim", which=which, words=words, **here))
    return contestants


def whole_run(args: argparse.Namespace, output: str) -> list[Contestant]:
    contestants = []
    for mode in MODES:
        for kind, shared in SHARED_NEGATIVES.items():
            name = f"this package, {mode}, {kind}"
            contestants.append(
                Contestant.python(name, __file__, "ours_whole", path=args.corpus, mode=mode, shared=shared)
            )
        name = f"this package, {mode}, shared, with a weighting fitted"
        here = {"path": args.corpus, "mode": mode, "shared": True, "weighting": True}
        contestants.append(Contestant.python(name, __file__, "ours_whole", **here))
        if args.reference:
            name = f"reference, {mode}"
            contestants.append(reference(name, args.reference, args.corpus, mode, WHOLE_THREADS, WHOLE_EPOCHS, output))
    return contestants


def run(args: argparse.Namespace) -> dict[str, Any]:
    size = common.measure(Contestant.python("corpus", __file__, "corpus", path=args.corpus))
    result: dict[str, Any] = {
        "corpus": {name: size[name] for name in ("bytes", "lines", "tokens", "words", "vocabulary")},
        "epochs": args.epochs,
        "training": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/reference"

        for threads in args.threads:
            contestants = training(args, threads, size["words"], output)
            result["training"][str(threads)] = common.measure_all(f"training, threads {threads}", contestants, args)
        result["whole_run"] = common.measure_all("whole run", whole_run(args, output), args)
    return result


# -----------------------------------------------------------------------------------------------------
# Report


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    made = {"training": training_table(result), "whole-run": whole_run_table(result)}
    if "reference, unigrams" in result["training"].get("1", {}):
        made |= {"readme-speed": readme_table(result), "headline-speed": headline(result)}
    return made


def headline(result: Mapping[str, Any]) -> str:
    """The bullet point about speed at the top of README.md."""
    runs = result["training"]["1"]
    ours = runs["this package, unigrams, shared"]
    reference, word2vec = (common.ratio(ours, runs[of], "speed") for of in ("reference, unigrams", "gensim Word2Vec"))
    return (
        f"- **{reference:.0f} times faster training** than the Sent2Vec program and {word2vec:.0f} times faster than "
        "gensim's Word2Vec, each with one thread."
    )


def readme_table(result: Mapping[str, Any]) -> str:
    """Training with one thread, and whole runs with two."""
    runs, whole = result["training"]["1"], result["whole_run"]
    rows = []
    for name in ("this package, unigrams, shared", "this package, bigrams, shared", "reference, unigrams",
                 "reference, bigrams", "gensim Word2Vec", "gensim Doc2Vec"):  # fmt: skip
        base, of_all = base_of(name, runs), base_of(name, whole)
        rows.append([
            name.removesuffix(", shared"),
            common.rate(common.median(runs[name], "speed")),
            common.times(common.ratio(runs[name], base, "speed")) if base else "",
            common.times(common.ratio(of_all, whole[name], "wall")) if of_all and name in whole else "",
            f"{common.median(whole[name], 'max_rss') / 1e6:,.0f}" if name in whole else "",
        ])  # fmt: skip
    header = ["", "words trained per CPU second", "vs. reference", "vs. reference, file to saved model", "peak MB"]
    return common.table(header, rows)


def base_of(name: str, runs: Mapping[str, Any]) -> Any:
    """The runs of the reference in the same mode as `name`, or None."""
    mode = next((mode for mode in MODES if mode in name), None)
    return runs.get(f"reference, {mode}")


def training_table(result: Mapping[str, Any]) -> str:
    """One row per contestant, three columns per number of threads."""
    header = [""]
    for threads in result["training"]:
        header += [f"vs. reference, threads: {threads}", "vs. gensim Word2Vec", "words/s per thread"]
    names = list(next(iter(result["training"].values())))
    rows = []
    for name in names:
        row = [name]
        for runs in result["training"].values():
            for base in (base_of(name, runs), runs.get("gensim Word2Vec")):
                row.append(common.times(common.ratio(runs[name], base, "speed")) if base else "")
            row.append(common.rate(common.median(runs[name], "speed")))
        rows.append(row)
    return common.table(header, rows)


def whole_run_table(result: Mapping[str, Any]) -> str:
    runs, size = result["whole_run"], result["corpus"]
    rows = []
    for name in runs:
        base = base_of(name, runs)
        faster = [common.times(common.ratio(base, runs[name], figure)) if base else "" for figure in ("wall", "cpu")]
        seconds = [f"{common.median(runs[name], figure):.0f}" for figure in ("wall", "cpu")]
        memory = f"{common.median(runs[name], 'max_rss') / 1e6:,.0f}"
        rows.append([name, *faster, *seconds, memory])
    header = ["", "vs. reference, wall time", "vs. reference, CPU time", "wall time, s", "CPU time, s", "peak MB"]
    text = common.table(header, rows)
    if not any(base_of(name, runs) for name in runs):
        return text
    # It stops after epochs × (tokens + line ends) but counts only in-vocabulary words on the way.  # noqa: RUF003
    passes = (size["tokens"] + size["lines"]) / size["words"]
    note = (
        f"One epoch of the reference is {passes:.2f} passes over this corpus; the figures are not corrected for this."
    )
    return f"{text}\n\n{note}"


def plot(result: Mapping[str, Any]) -> None:
    threads, runs = next(iter(result["training"].items()))
    speeds = {name: common.median(of_one, "speed") for name, of_one in runs.items()}
    common.bar_chart("train", result, speeds, f"words per CPU second, threads: {threads}")


if __name__ == "__main__":
    common.run_if_contestant([corpus, ours, ours_whole, gensim])
    parser = common.arguments(__doc__)
    parser.add_argument("--reference", metavar="PATH", help="the executable of the reference program")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads to measure")
    parser.add_argument("--epochs", type=int, default=1, help="epochs of the first measurement")
    parser.add_argument("--gensim", nargs="*", choices=GENSIM, default=GENSIM[:2], help="gensim models to measure")
    common.main("train", parser.parse_args(), run, tables, plot)
