"""How much time and memory does a search among a million sentences take?

Vectors are random, in clusters around a few thousand centers, so that they have near neighbors as sentences do. Lexical
scores are computed on the lines of the given corpus, repeated if it is short.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

DIM, TOPN, CENTERS = 100, 10, 4000
SINGLE, BATCH = 50, 1000  # numbers of queries: one by one, and in a batch


# -----------------------------------------------------------------------------------------------------
# Preparation


def draw(n: int, seed: int) -> Any:
    """Unit vectors, float32 (n, DIM), in clusters. The centers are the same for every seed."""
    import numpy as np

    centers = np.random.default_rng(0).standard_normal((CENTERS, DIM), dtype=np.float32)
    rng = np.random.default_rng(seed)
    vectors = centers[rng.integers(0, CENTERS, n)] + 0.7 * rng.standard_normal((n, DIM), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def lines(path: str) -> Iterator[str]:
    """The lines of a file, repeated without end."""
    with open(path, encoding="utf-8") as file:
        yield from cycle([line.rstrip("\n") for line in file])


def two_words() -> Any:
    """Vectors of two words, the least that an index needs: queries are given as vectors."""
    import numpy as np

    from gensim_sent2vec import Sent2VecKeyedVectors

    wv = Sent2VecKeyedVectors(DIM)
    wv.add_vectors(["a", "b"], np.eye(2, DIM, dtype=np.float32))
    wv.freeze()
    return wv


def build(path: str, n: int, output: str, dtype: str, method: str) -> Run:
    """An index of random vectors and the lines of a corpus."""
    import numpy as np

    from gensim_sent2vec import SentenceIndex
    from gensim_sent2vec._text.packed import PackedStrings
    from gensim_sent2vec.hnsw import Graph
    from gensim_sent2vec.lexical import LexicalScores

    vectors = draw(n, 1).astype(dtype)
    texts = PackedStrings.from_strings(islice(lines(path), n))
    began = time.perf_counter()
    graph = Graph.build(vectors) if method == "hnsw" else None
    lexical = LexicalScores.fit(texts) if method == "exact" and dtype == "float32" else None
    seconds = time.perf_counter() - began
    SentenceIndex(two_words(), vectors, texts, np.arange(n), graph, lexical=lexical).save(output)
    return {"build": seconds, "bytes": os.path.getsize(output)}


# -----------------------------------------------------------------------------------------------------
# Contestants


def ours(index: str, exact: str | None = None) -> Run:
    """Search with an index, query by query and in a batch. If `exact` is given, also report recall relative to it."""
    from gensim_sent2vec import SentenceIndex

    wv, before = two_words(), private_memory()
    began = time.perf_counter()
    loaded = SentenceIndex.load(index, wv, mmap="r")
    seconds = time.perf_counter() - began
    queries = draw(BATCH, 2)
    run = timed(lambda batch: loaded.most_similar_batch(batch, topn=TOPN), loaded.most_similar, queries)
    after = private_memory()
    run |= {"load": seconds, "own": None if after is None or before is None else after - before}
    if exact:
        truth = SentenceIndex.load(exact, two_words(), mmap="r").most_similar_batch(queries, topn=TOPN)
        found = loaded.most_similar_batch(queries, topn=TOPN)
        shared = [len({key for key, _ in a} & {key for key, _ in b}) for a, b in zip(found, truth)]
        run["recall"] = sum(shared) / (TOPN * len(shared))
    return run


def spelling(index: str, path: str) -> Run:
    """Compute the lexical scores alone, which hybrid search computes in addition."""
    from gensim_sent2vec import SentenceIndex

    scores = SentenceIndex.load(index, two_words(), mmap="r").lexical
    queries = list(islice(lines(path), 7, 7 + SINGLE))
    return timed(None, scores.scores, queries)


def gensim_words(index: str) -> Run:
    """Search with gensim's most_similar, over the same float32 vectors in memory."""
    from gensim.models import KeyedVectors

    from gensim_sent2vec._files import container

    vectors = container.read(index)[0]["vectors"]
    wv = KeyedVectors(DIM, count=len(vectors))
    wv.vectors, wv.index_to_key = vectors, range(len(vectors))  # type: ignore[assignment]
    wv.key_to_index = {i: i for i in range(len(vectors))}  # type: ignore[misc]
    wv.fill_norms()
    return timed(None, lambda query: wv.most_similar([query], topn=TOPN), draw(SINGLE, 2))


def timed(batch: Callable[[Any], Any] | None, one: Callable[[Any], Any], queries: Any) -> Run:
    """Seconds per query, one by one and in a batch, after a warm-up that reads the file."""
    one(queries[0])
    began, cpu = time.perf_counter(), time.process_time()
    for query in queries[:SINGLE]:
        one(query)
    run = {"alone": (time.process_time() - cpu) / SINGLE, "alone_wall": (time.perf_counter() - began) / SINGLE}
    if batch:
        batch(queries[:64])
        began, cpu = time.perf_counter(), time.process_time()
        batch(queries)
        run["together"] = (time.process_time() - cpu) / len(queries)
        run["together_wall"] = (time.perf_counter() - began) / len(queries)
    return run


def private_memory() -> int | None:
    """Bytes of memory that only this process uses and has written; excludes the pages of a mapped index."""
    try:
        text = Path("/proc/self/smaps_rollup").read_text()
    except OSError:
        return None
    sizes = [int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_Dirty")]
    return 1024 * sum(sizes)


# -----------------------------------------------------------------------------------------------------
# Rounds


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        built: dict[str, Run] = {}

        def index(name: str, n: int, dtype: str, method: str) -> str:
            output = f"{folder}/{len(built)}"
            options = {"path": args.corpus, "n": n, "output": output, "dtype": dtype, "method": method}
            built[name] = common.measure(Contestant.python(name, __file__, "build", **options))
            return output

        def add(name: str, function: str, **options: Any) -> None:
            contestants.append(Contestant.python(name, __file__, function, **options))

        contestants: list[Contestant] = []
        n = args.sentences
        exact = index("exact, float32", n, "float32", "exact")
        add("exact, float32", "ours", index=exact)
        half = index("exact, float16", n, "float16", "exact")
        add("exact, float16", "ours", index=half)
        add("spelling alone", "spelling", index=exact, path=args.corpus)
        add("gensim's most_similar, float32", "gensim_words", index=exact)
        if args.graph:
            names = [f"{method}, float16, {args.graph:,} sentences" for method in ("exact", "hnsw")]
            fewer = half if args.graph == n else index(names[0], args.graph, "float16", "exact")
            if fewer != half:
                add(names[0], "ours", index=fewer)
            add(names[1], "ours", index=index(names[1], args.graph, "float16", "hnsw"), exact=fewer)
        return {
            "sentences": args.sentences,
            "built": built,
            "search": common.measure_all("search", contestants, args),
        }


# -----------------------------------------------------------------------------------------------------
# Report


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    rows = []
    for name, runs in result["search"].items():

        def shown(figure: str, unit: float, text: str, runs: Any = runs) -> str:
            return f"{common.median(runs, figure) / unit:{text}}" if runs[0].get(figure) is not None else ""

        size = result["built"].get(name)
        rows.append([
            name, *(shown(figure, 1e-3, ".2f") for figure in ("alone", "together", "alone_wall", "together_wall")),
            shown("recall", 1, ".3f"),
            shown("load", 1e-3, ".0f"), shown("own", 1e6, ",.0f"),
            f"{size['bytes'] / 1e6:,.0f}" if size else "",
        ])  # fmt: skip
    header = ["", "CPU ms per query", f"in a batch of {BATCH:,}", "wall ms per query", f"in a batch of {BATCH:,}"]
    header += [f"recall@{TOPN}", "load, ms", "private MB", "file, MB"]
    text = f"{result['sentences']:,} sentences, {DIM} dimensions, top {TOPN}.\n\n"
    return {"search": text + common.table(header, rows)}


if __name__ == "__main__":
    common.run_if_contestant([build, ours, spelling, gensim_words])
    parser = common.arguments(__doc__ or "")
    parser.add_argument("--sentences", type=int, default=1_000_000, help="number of sentences in the index")
    parser.add_argument(
        "--graph", type=int, metavar="N", help="also build an approximate index of N sentences; needs usearch"
    )
    parser.add_argument("--folder", metavar="DIR", help="folder for temporary files")
    common.main("search", parser.parse_args(), run, tables)
