"""How long does loading take if many processes share one model, and how much memory does each of them add?

A synthetic model has the words `word0`, `word1`, … and random rows. All processes load it with mmap, run at the same
time and encode different sentences, whose words are drawn in proportion to 1 / rank, as in text. *Private* is the
unique set size of a process (Private_Clean and Private_Dirty of /proc/self/smaps_rollup) when all processes have
encoded, minus its value after the imports. *Written* is the Private_Dirty part of it. The rest consists of pages of the
file that no other process has read so far: the kernel can drop them, and they are no longer private once another
process reads them. Linux only.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

TOKENS = 12  # words per sentence


# -----------------------------------------------------------------------------------------------------
# The models


def make(folder: str, words: int, buckets: int, dim: int) -> Run:
    """Save the same random vectors as a file of this package and as files of gensim."""
    import numpy as np
    from gensim.models import KeyedVectors

    from gensim_sent2vec import Sent2VecKeyedVectors
    from gensim_sent2vec._text.vocabulary import Vocabulary

    rng = np.random.default_rng(0)
    names = [f"word{i}" for i in range(words)]
    wv = Sent2VecKeyedVectors(dim)
    wv.set_words(Vocabulary.from_words(names))
    wv.vectors = rng.random((words, dim), dtype=np.float32)
    wv.vectors_ngrams = rng.random((buckets, dim), dtype=np.float32)
    wv.word_ngrams = 2
    wv.expandos = {"count": np.arange(words)[::-1].copy()}
    began = time.perf_counter()
    wv.save(f"{folder}/ours")
    seconds = time.perf_counter() - began
    plain = KeyedVectors(dim)
    plain.index_to_key, plain.key_to_index = names, {name: i for i, name in enumerate(names)}
    plain.vectors, plain.expandos = wv.vectors, wv.expandos
    plain.save(f"{folder}/gensim")
    os.sync()  # otherwise pages of gensim's files would be counted as written
    return {"save_seconds": seconds, "bytes": Path(f"{folder}/ours").stat().st_size}


def sentences(number: int, count: int, words: int) -> list[list[str]]:
    """The sentences of process `number`."""
    uniform = random.Random(number).random
    log_words = math.log(words)
    return [[f"word{int(math.exp(uniform() * log_words)) - 1}" for _ in range(TOKENS)] for _ in range(count)]


# -----------------------------------------------------------------------------------------------------
# Contestants


def load_ours(folder: str) -> Any:
    from gensim_sent2vec import Sent2VecKeyedVectors

    return Sent2VecKeyedVectors.load(f"{folder}/ours", mmap="r")


def load_gensim(folder: str) -> Any:
    from gensim.models import KeyedVectors

    return KeyedVectors.load(f"{folder}/gensim", mmap="r")


LOAD = {"ours": load_ours, "gensim": load_gensim}


def encode(vectors: Any, sentence: list[str]) -> Any:
    """The vector of a sentence: the mean of words and n-grams, or gensim's mean of words."""
    if hasattr(vectors, "encode"):
        return vectors.encode([sentence], workers=1, show_progress_bar=False)[0]
    return vectors.get_mean_vector(sentence, pre_normalize=False)


def memory() -> Run:
    """Bytes of memory that only this process uses, the part that it has written, and its resident set size."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(size.split()[0]) * 1024 for name, size in (line.split(":") for line in lines)}
    return {
        "private": sizes["Private_Clean"] + sizes["Private_Dirty"],
        "written": sizes["Private_Dirty"],
        "resident": sizes["Rss"],
    }


def serve(
    number: int, which: str, folder: str, words: int, count: int, inherited: Any, barrier: Any, results: Any
) -> None:
    """The body of a process: load the vectors unless they are inherited, encode, and report times and memory."""
    from gensim_sent2vec import Sent2VecKeyedVectors  # noqa: F401  (so that `before` includes all imports)

    texts = sentences(number, count, words)
    before = memory()
    barrier.wait()
    began = time.perf_counter()
    vectors = inherited if inherited is not None else LOAD[which](folder)
    loaded = time.perf_counter()
    encode(vectors, texts[0])
    first = time.perf_counter()
    for sentence in texts:
        encode(vectors, sentence)
    barrier.wait()
    after = memory()
    barrier.wait()  # no process exits before all have measured their memory
    times = {"load": loaded - began, "first": first - loaded}
    results.put(times | {name: after[name] - before[name] for name in after})


def processes(which: str, method: str, folder: str, words: int, count: int, n: int) -> Run:
    """Run `n` processes at the same time. Returns the maximum and the median of each figure over the processes."""
    context = multiprocessing.get_context(method)
    inherited = LOAD[which](folder) if method == "fork" else None
    barrier, results = context.Barrier(n), context.SimpleQueue()
    children = [
        context.Process(target=serve, args=(i, which, folder, words, count, inherited, barrier, results))
        for i in range(n)
    ]
    for child in children:
        child.start()
    runs = [results.get() for _ in children]
    for child in children:
        child.join()
    return {name: max(run[name] for run in runs) for name in runs[0]} | {
        f"median_{name}": statistics.median(run[name] for run in runs) for name in runs[0]
    }


# -----------------------------------------------------------------------------------------------------
# Rounds


def run(args: argparse.Namespace) -> dict[str, Any]:
    size = {"words": args.words, "buckets": args.buckets, "dim": args.dim}
    result: dict[str, Any] = {**size, "sentences": args.sentences, "processes": {}}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        made = common.measure(Contestant.python("make", __file__, "make", folder=folder, **size))
        result |= {name: made[name] for name in ("bytes", "save_seconds")}
        here = {"folder": folder, "words": args.words, "count": args.sentences}
        contestants = []
        for n in args.processes:
            for name, which, method in (
                ("this package", "ours", "spawn"),
                ("this package, forked after loading", "ours", "fork"),
                ("gensim KeyedVectors", "gensim", "spawn"),
            ):
                if n > 1 or method == "spawn":
                    label = f"{name}, {n} process{'es' * (n > 1)}"
                    options = {"which": which, "method": method, "n": n, **here}
                    contestants.append(Contestant.python(label, __file__, "processes", **options))
        result["processes"] = common.measure_all("processes", contestants, args)
    return result


# -----------------------------------------------------------------------------------------------------
# Report


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    rows = []
    for name, runs in result["processes"].items():
        times = [f"{common.median(runs, figure) * 1e3:,.1f}" for figure in ("load", "first")]
        if "forked" in name:
            times[0] = ""
        sizes = [f"{common.median(runs, figure) / 1e6:,.1f}" for figure in ("private", "written")]
        rows.append([name, *times, *sizes])
    header = ["", "load, ms", "first sentence, ms", "private, MB per process", "written, MB per process"]
    note = (
        f"{result['words']:,} words and {result['buckets']:,} n-gram rows of {result['dim']} dimensions, a file of "
        f"{result['bytes'] / 1e9:.2f} GB (gensim's files contain the words only); {result['sentences']:,} sentences "
        "per process. Each figure is the maximum over the processes."
    )
    return {"share": f"{common.table(header, rows)}\n\n{note}", "headline-share": headline(result)}


def headline(result: Mapping[str, Any]) -> str:
    """The bullet point about memory at the top of README.md: the most private memory of any of four processes."""
    several = [runs for name, runs in result["processes"].items() if name.startswith("this package, 4 processes")]
    private = max(common.median(runs, "private") for runs in several) / 1e6
    return (
        f"- **{private:.1f} MB per additional process**: vectors and indexes are memory-mapped files, "
        f"{result['bytes'] / 1e9:.2f} GB in this measurement."
    )


if __name__ == "__main__":
    common.run_if_contestant([make, processes])
    parser = common.arguments(__doc__.splitlines()[0])
    parser.add_argument("--folder", metavar="DIR", help="folder for temporary files")
    parser.add_argument("--words", type=int, default=1_000_000, help="number of words of the model")
    parser.add_argument("--buckets", type=int, default=2_000_000, help="number of n-gram rows of the model")
    parser.add_argument("--dim", type=int, default=100, help="dimensions of the model")
    parser.add_argument("--sentences", type=int, default=10_000, help="number of sentences that each process encodes")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4, 16], help="numbers of processes to measure")
    common.main("share", parser.parse_args(), run, tables, corpus=False)
