"""How does the cost of training grow with the length of lines, the number of threads and the size of the corpus?

There are six measurements: time per word by line length; two threads compared to one; counting the vocabulary; token
lists compared to a file; the phases from a file to a saved model; and peak memory compared to the size of the matrices.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

LENGTHS = (10, 100, 1000, 2800, 10_000)  # words per line
MODES = {"unigrams": {"word_ngrams": 1, "dropout_k": 0}, "bigrams": {"word_ngrams": 2, "dropout_k": 4}}
ALPHA = 0.05  # low enough for lines of any length; it does not affect the speed
REPEATS = (1, 8)
QUESTIONS = ["length", "threads", "count", "source", "phases", "memory"]
PHASES = ("counting", "training", "fitting", "saving")
LINES_OF_PHASES = 120_000  # first lines of the corpus
SOURCES = ("corpus_file", "list", "LineSentence")


# -----------------------------------------------------------------------------------------------------
# Contestants


def train(path: str, mode: str, threads: int, min_count: int, words: int, source: str = "corpus_file") -> Run:
    """Train as many epochs as it takes to train about `words` words."""
    from gensim.models.word2vec import LineSentence

    from gensim_sent2vec import Sent2Vec

    model = Sent2Vec(alpha=ALPHA, min_count=min_count, workers=threads, weighting=False, **MODES[mode])
    model.build_vocab(corpus_file=path)
    corpus: dict[str, Any] = {"corpus_file": path}
    if source == "LineSentence":
        corpus = {"corpus_iterable": LineSentence(path)}
    elif source == "list":
        with open(path, encoding="utf-8") as lines:
            corpus = {"corpus_iterable": [line.split() for line in lines]}

    epochs = max(1, round(words / model.corpus_total_words))
    wall, cpu = time.perf_counter(), time.process_time()
    trained, _ = model.train(**corpus, epochs=epochs)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"words": trained, "speed": trained / cpu, "speed_wall": trained / wall}


def count(path: str, threads: int) -> Run:
    """Count the vocabulary."""
    from gensim_sent2vec._text.counting import count_file

    wall, cpu = time.perf_counter(), time.process_time()
    _, _, tokens = count_file(path, workers=threads)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"tokens": tokens, "speed": tokens / cpu, "speed_wall": tokens / wall}


def gensim_count(path: str) -> Run:
    """Count the vocabulary with gensim."""
    from gensim.models import Word2Vec

    model = Word2Vec(vector_size=100)
    wall, cpu = time.perf_counter(), time.process_time()
    tokens, _ = model.scan_vocab(corpus_file=path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"tokens": tokens, "speed": tokens / cpu, "speed_wall": tokens / wall}


def phases(path: str, mode: str, epochs: int = 3) -> Run:
    """From a text file to a saved model with a fitted weighting, in one thread: the time of each phase."""
    from gensim.models.callbacks import CallbackAny2Vec

    from gensim_sent2vec import Sent2Vec

    ends = [(time.process_time(), time.perf_counter())]

    class Clock(CallbackAny2Vec):  # type: ignore[misc]
        """Notes the end of the last epoch, and that of the fit."""

        def on_epoch_end(self, model: Any) -> None:
            del ends[2:]
            note()

        def on_train_end(self, model: Any) -> None:
            note()

    def note() -> None:
        ends.append((time.process_time(), time.perf_counter()))

    model = Sent2Vec(workers=1, epochs=epochs, **MODES[mode])
    model.build_vocab(corpus_file=path)
    note()
    model.train(corpus_file=path, callbacks=[Clock()])
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        note()
    run = {"sentences": model.corpus_count, "words": len(model.wv)}
    for phase, (cpu, wall), (next_cpu, next_wall) in zip(PHASES, ends, ends[1:], strict=False):
        run |= {f"{phase}_cpu": next_cpu - cpu, f"{phase}_wall": next_wall - wall}
    return run


def memory(path: str, mode: str) -> Run:
    """Count and train. Peak memory is measured from outside."""
    import resource

    from gensim_sent2vec import Sent2Vec

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    model = Sent2Vec(corpus_file=path, alpha=ALPHA, epochs=1, workers=2, weighting=False, **MODES[mode])
    estimate = model.estimate_memory()
    return {"imports": before, "estimate": estimate["total"]}


def reference(name: str, program: str, path: str, mode: str, output: str) -> Contestant:
    from train import reference_speed

    options = f"-minCount 1 -lr {ALPHA} -epoch 1 -thread 1 -t 1 -neg 10 -dim 100 -bucket 2000000 -loss ns -verbose 1"
    settings = ["-wordNgrams", str(MODES[mode]["word_ngrams"]), "-dropoutK", str(MODES[mode]["dropout_k"])]
    command = (program, "sent2vec", "-input", path, "-output", output, *options.split(), *settings)
    return Contestant(name, command, reference_speed)


# -----------------------------------------------------------------------------------------------------
# Corpora


def tokens_of(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield from line.split()


def rejoin(corpus: str, path: str, length: int, words: int) -> str:
    """Write the first `words` tokens of a corpus as lines of `length` tokens."""
    tokens = islice(tokens_of(corpus), max(1, words // length) * length)
    with open(path, "w", encoding="utf-8") as out:
        while line := list(islice(tokens, length)):
            out.write(" ".join(line) + "\n")
    return path


def reference_words(length: int) -> int:
    """The number of words that the reference trains in a few seconds; its time per word grows with the line length."""
    return max(2 * length, int(4 / (3e-6 + 1.5e-7 * length)))


# -----------------------------------------------------------------------------------------------------
# Rounds


def by_length(args: argparse.Namespace, folder: Path) -> list[Contestant]:
    contestants = []
    for length in LENGTHS:
        many = rejoin(args.corpus, f"{folder}/{length}.txt", length, args.words)
        for mode in MODES:
            name = f"this package, {mode}, {length}"
            here = {"mode": mode, "threads": 1, "words": args.words}
            contestants.append(Contestant.python(name, __file__, "train", path=many, min_count=5, **here))
            if args.reference and length <= args.longest:
                part = rejoin(args.corpus, f"{folder}/few-{length}.txt", length, reference_words(length))
                name += ", few"
                contestants.append(Contestant.python(name, __file__, "train", path=part, min_count=1, **here))
                name = f"reference, {mode}, {length}, few"
                contestants.append(reference(name, args.reference, part, mode, f"{folder}/reference"))
    return contestants


def by_threads(args: argparse.Namespace, path: str) -> list[Contestant]:
    return [
        Contestant.python(
            f"{mode}, {n}", __file__, "train", path=path, mode=mode, threads=n, min_count=5, words=2 * args.words
        )
        for mode in MODES
        for n in args.threads
    ]


def counting(args: argparse.Namespace) -> list[Contestant]:
    ours = [
        Contestant.python(f"this package, threads: {n}", __file__, "count", path=args.corpus, threads=n)
        for n in args.threads
    ]
    return [*ours, Contestant.python("gensim", __file__, "gensim_count", path=args.corpus)]


def by_source(args: argparse.Namespace, path: str) -> list[Contestant]:
    here = {"path": path, "mode": "unigrams", "threads": 1, "min_count": 5, "words": 2 * args.words}
    return [Contestant.python(source, __file__, "train", source=source, **here) for source in SOURCES]


def by_phase(args: argparse.Namespace, folder: Path) -> list[Contestant]:
    path = f"{folder}/lines.txt"
    with open(args.corpus, "rb") as corpus, open(path, "wb") as lines:
        lines.writelines(islice(corpus, LINES_OF_PHASES))
    one = [Contestant.python(mode, __file__, "phases", path=path, mode=mode) for mode in MODES]
    return [*one, replace(one[0], name="unigrams, two threads of the BLAS", blas_threads=2)]


def by_size(args: argparse.Namespace, folder: Path) -> list[Contestant]:
    return [
        Contestant.python(
            f"{mode}, corpus x{repeats}",
            __file__,
            "memory",
            path=common.shortened(args.corpus, f"{folder}/x{repeats}.txt", args.words, repeats),
            mode=mode,
        )
        for mode in MODES
        for repeats in REPEATS
    ]


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = common.shortened(args.corpus, f"{folder}/corpus.txt", args.words)
        questions = {
            "length": lambda: by_length(args, folder),
            "threads": lambda: by_threads(args, path),
            "count": lambda: counting(args),
            "source": lambda: by_source(args, path),
            "phases": lambda: by_phase(args, folder),
            "memory": lambda: by_size(args, folder),
        }
        result: dict[str, Any] = {} if args.questions == QUESTIONS else common.load("scale")
        result["words"] = args.words
        for question in args.questions:
            result[question] = common.measure_all(question, questions[question](), args)
    return result


# -----------------------------------------------------------------------------------------------------
# Report


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    makers = {
        "length": length_table,
        "threads": threads_table,
        "count": count_table,
        "source": source_table,
        "phases": phases_table,
        "memory": memory_table,
    }
    return {f"scale-{name}": make(result[name]) for name, make in makers.items()}


def length_table(runs: Mapping[str, Any]) -> str:
    rows = []
    for length in LENGTHS:
        row = [f"{length:,}"]
        for mode in MODES:
            ours, base = runs[f"this package, {mode}, {length}"], runs.get(f"reference, {mode}, {length}, few")
            part = runs.get(f"this package, {mode}, {length}, few")
            row += [
                common.times(common.ratio(part, base, "speed")) if base else "",
                f"{1e9 / common.median(ours, 'speed'):,.0f}",
                f"{1e9 / common.median(base, 'speed'):,.0f}" if base else "",
            ]
        rows.append(row)
    header = ["words per line"]
    for mode in MODES:
        header += [f"{mode}: vs. reference", "ns per word", "reference, ns per word"]
    return common.table(header, rows)


def threads_table(runs: Mapping[str, Any]) -> str:
    rows = []
    for name, of_one in runs.items():
        mode, threads = name.split(", ")
        one = next(other for key, other in runs.items() if key.startswith(mode))
        ratios = [common.times(common.ratio(of_one, one, figure)) for figure in ("speed_wall", "speed")]
        cores = f"{common.median([{'cores': run['speed_wall'] / run['speed']} for run in of_one], 'cores'):.1f}"
        rows.append([mode, threads, *ratios, cores, common.rate(common.median(of_one, "speed_wall"))])
    header = ["", "threads", "speedup, wall time", "per thread, CPU time", "cores in use", "words/s"]
    return common.table(header, rows)


def count_table(runs: Mapping[str, Any]) -> str:
    rows = []
    for name, of_one in runs.items():
        ratios = [common.times(common.ratio(of_one, runs["gensim"], figure)) for figure in ("speed_wall", "speed")]
        rows.append([name, *ratios, common.rate(common.median(of_one, "speed"))])
    return common.table(["", "vs. gensim, wall time", "vs. gensim, CPU time", "tokens/s per thread"], rows)


def source_table(runs: Mapping[str, Any]) -> str:
    rows = []
    for name, of_one in runs.items():
        ratios = [common.times(common.ratio(of_one, runs["corpus_file"], figure)) for figure in ("speed_wall", "speed")]
        rows.append([name, *ratios, common.rate(common.median(of_one, "speed_wall"))])
    return common.table(["", "vs. corpus_file, wall time", "vs. corpus_file, CPU time", "words/s"], rows)


def phases_table(runs: Mapping[str, Any]) -> str:
    rows = []
    for name, of_one in runs.items():
        shares = []
        for clock in ("cpu", "wall"):
            times = [[run[f"{phase}_{clock}"] for phase in PHASES] for run in of_one]
            share = statistics.median(1 - seconds[1] / sum(seconds) for seconds in times)
            shares.append(f"{share:.1%}")
        seconds = [f"{common.median(of_one, f'{phase}_cpu'):.2f}" for phase in PHASES]
        rows.append([name, *seconds, *shares])
    header = ["CPU seconds", *PHASES, "share of all but training, CPU time", "wall time"]
    sizes = [f"{next(iter(runs.values()))[0][name]:,} {name}" for name in ("sentences", "words")]
    return f"{common.table(header, rows)}\n\n{sizes[0]}, 3 epochs, {sizes[1]} of 100 dimensions."


def memory_table(runs: Mapping[str, Any]) -> str:
    rows = []
    for name, of_one in runs.items():
        estimate, imports, peak = (common.median(of_one, figure) for figure in ("estimate", "imports", "max_rss"))
        beyond = peak - imports - estimate
        rows.append([name, *(f"{size / 1e6:,.0f}" for size in (beyond, estimate, imports, peak))])
    header = ["", "MB beyond model and imports", "model (estimate_memory), MB", "imports, MB", "peak, MB"]
    return common.table(header, rows)


def plot(result: Mapping[str, Any]) -> None:
    speeds = {name: common.median(runs, "speed") for name, runs in result["length"].items()}
    shown = {name: speed for name, speed in speeds.items() if not (name.startswith("this") and name.endswith("few"))}
    common.bar_chart("scale", result, shown, "words per CPU second, one thread, by words per line")


if __name__ == "__main__":
    common.run_if_contestant([train, count, gensim_count, phases, memory])
    parser = common.arguments(__doc__)
    parser.add_argument("--reference", metavar="PATH", help="the executable of the reference program")
    parser.add_argument(
        "--longest", type=int, default=2800, help="longest lines, in words, that the reference is measured with"
    )
    parser.add_argument("--words", type=int, default=2_000_000, help="number of tokens of the corpus to use")
    parser.add_argument(
        "--questions",
        nargs="+",
        choices=QUESTIONS,
        default=QUESTIONS,
        help="measure only these; the others keep their stored results",
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads to measure")
    common.main("scale", parser.parse_args(), run, tables, plot)
