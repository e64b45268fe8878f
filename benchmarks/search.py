"""How long does a search among many sentences take, and how much memory?

Vectors are drawn at random around a few thousand centres, so that there are near ones, as among sentences; the spelling
is that of the corpus given, over and over where it is short.
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

DIM, TOPN, CENTRES = 100, 10, 4000
ALONE, TOGETHER = 50, 1000  # queries one by one, and at once


# -----------------------------------------------------------------------------------------------------
# Preparation


def draw(n: int, seed: int) -> Any:
    """Unit vectors (n, DIM) in clusters, and the same centres for every seed."""
    import numpy as np

    centres = np.random.default_rng(0).standard_normal((CENTRES, DIM), dtype=np.float32)
    rows = np.random.default_rng(seed)
    vectors = centres[rows.integers(0, CENTRES, n)] + 0.7 * rows.standard_normal((n, DIM), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def lines(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as file:
        yield from cycle([line.rstrip("\n") for line in file])


def words() -> Any:
    """A model of two words: queries are vectors here."""
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
    SentenceIndex(words(), vectors, texts, np.arange(n), graph, lexical=lexical).save(output)
    return {"build": seconds, "bytes": os.path.getsize(output)}


# -----------------------------------------------------------------------------------------------------
# Contestants


def ours(index: str, exact: str | None = None) -> Run:
    """One by one and at once; against the exact index the share of its results that are found."""
    from gensim_sent2vec import SentenceIndex

    wv, before = words(), own_memory()
    began = time.perf_counter()
    loaded = SentenceIndex.load(index, wv, mmap="r")
    seconds = time.perf_counter() - began
    queries = draw(TOGETHER, 2)
    run = timed(lambda some: loaded.most_similar_batch(some, topn=TOPN), loaded.most_similar, queries)
    after = own_memory()
    run |= {"load": seconds, "own": None if after is None or before is None else after - before}
    if exact:
        truth = SentenceIndex.load(exact, words(), mmap="r").most_similar_batch(queries, topn=TOPN)
        found = loaded.most_similar_batch(queries, topn=TOPN)
        shared = [len({key for key, _ in a} & {key for key, _ in b}) for a, b in zip(found, truth)]
        run["recall"] = sum(shared) / (TOPN * len(shared))
    return run


def spelling(index: str, path: str) -> Run:
    """The lexical scores alone, which a hybrid search adds to a query."""
    from gensim_sent2vec import SentenceIndex

    scores = SentenceIndex.load(index, words(), mmap="r").lexical
    queries = list(islice(lines(path), 7, 7 + ALONE))
    return timed(None, scores.scores, queries)


def gensim_words(index: str) -> Run:
    """gensim's most_similar over the same float32 vectors, held in memory."""
    from gensim.models import KeyedVectors

    from gensim_sent2vec._files import container

    vectors = container.read(index)[0]["vectors"]
    wv = KeyedVectors(DIM, count=len(vectors))
    wv.vectors, wv.index_to_key = vectors, range(len(vectors))  # type: ignore[assignment]
    wv.key_to_index = {i: i for i in range(len(vectors))}  # type: ignore[misc]
    wv.fill_norms()
    return timed(None, lambda query: wv.most_similar([query], topn=TOPN), draw(ALONE, 2))


def timed(batch: Callable[[Any], Any] | None, one: Callable[[Any], Any], queries: Any) -> Run:
    """Seconds of a query, alone and among many; the first ones, which read the file, do not count."""
    one(queries[0])
    began, cpu = time.perf_counter(), time.process_time()
    for query in queries[:ALONE]:
        one(query)
    run = {"alone": (time.process_time() - cpu) / ALONE, "alone_wall": (time.perf_counter() - began) / ALONE}
    if batch:
        batch(queries[:64])
        began, cpu = time.perf_counter(), time.process_time()
        batch(queries)
        run["together"] = (time.process_time() - cpu) / len(queries)
        run["together_wall"] = (time.perf_counter() - began) / len(queries)
    return run


def own_memory() -> int | None:
    """Bytes that this process has written; pages of a mapped index are not its own."""
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

        def enter(name: str, function: str, **options: Any) -> None:
            contestants.append(Contestant.python(name, __file__, function, **options))

        contestants: list[Contestant] = []
        n = args.sentences
        exact = index("exact, float32", n, "float32", "exact")
        enter("exact, float32", "ours", index=exact)
        half = index("exact, float16", n, "float16", "exact")
        enter("exact, float16", "ours", index=half)
        enter("spelling alone", "spelling", index=exact, path=args.corpus)
        enter("gensim's most_similar, float32", "gensim_words", index=exact)
        if args.graph:
            names = [f"{method}, float16, {args.graph:,} sentences" for method in ("exact", "hnsw")]
            fewer = half if args.graph == n else index(names[0], args.graph, "float16", "exact")
            if fewer != half:
                enter(names[0], "ours", index=fewer)
            enter(names[1], "ours", index=index(names[1], args.graph, "float16", "hnsw"), exact=fewer)
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
    header = [
        "",
        "ms of CPU time per query",
        f"each of {TOGETHER:,}",
        "ms of wall time per query",
        f"each of {TOGETHER:,}",
    ]
    header += [f"recall@{TOPN}", "ms to load", "own MB", "MB of the file"]
    text = f"{result['sentences']:,} sentences, {DIM} dimensions, the best {TOPN}.\n\n"
    return {"search": text + common.table(header, rows)}


if __name__ == "__main__":
    common.answer([build, ours, spelling, gensim_words])
    parser = common.arguments(__doc__ or "")
    parser.add_argument("--sentences", type=int, default=1_000_000, help="in the index")
    parser.add_argument("--graph", type=int, metavar="N", help="an approximate index of so many too; needs usearch")
    parser.add_argument("--folder", metavar="DIR", help="where the indexes are written for a while")
    common.main("search", parser.parse_args(), run, tables)
