"""How long does a search among a million sentences take, and how much of what exact search finds does a graph find?

The sentences are lines of a corpus in random order, and the queries are lines that are not among them. A model that is
trained on the corpus first encodes both.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

TOPN, WIDER = 10, 100
SINGLE, BATCH = 50, 1000  # numbers of queries: one by one, and in a batch
EXPANSIONS = 64, 128, 256, 512
SIZES = 100_000, 200_000, 500_000  # sentences
OPTIONS: tuple[dict[str, int], ...] = ({"connectivity": 32},)  # of more graphs of the least size
ROUNDING = 1e-6
THREADS = 2


# -----------------------------------------------------------------------------------------------------
# Preparation


def prepare(path: str, output: str) -> Run:
    """Train on a corpus; save its lines in random order and their unit vectors, and the vectors of the queries."""
    import numpy as np

    from gensim_sent2vec import Sent2Vec
    from gensim_sent2vec._util.rows import unit_rows

    wv = Sent2Vec(corpus_file=path, workers=THREADS).wv
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    order = np.random.default_rng(1).permutation(len(lines))
    queries = [lines[i] for i in order[:BATCH]]
    others = [lines[i] for i in order[BATCH:]]
    held_out = set(queries)
    others = [line for line in others if line not in held_out]
    Path(f"{output}.lines").write_text("\n".join(others), encoding="utf-8")
    np.save(f"{output}.queries.npy", unit_rows(wv.encode(queries)))
    np.save(f"{output}.vectors.npy", unit_rows(wv.encode(others)))
    return {"lines": len(others)}


def lines(data: str) -> Iterator[str]:
    with open(f"{data}.lines", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n")


def two_words(dim: int) -> Any:
    """Vectors of two words, the least that an index needs: queries are given as vectors."""
    import numpy as np

    from gensim_sent2vec import Sent2VecKeyedVectors

    wv = Sent2VecKeyedVectors(dim)
    wv.add_vectors(["a", "b"], np.eye(2, dim, dtype=np.float32))
    wv.freeze()
    return wv


def build(
    data: str, n: int, output: str, dtype: str, method: str, options: Mapping[str, int], smaller: str | None
) -> Run:
    """An index of the first n sentences. A graph grows from that of a smaller index, so that none is built twice."""
    import numpy as np

    from gensim_sent2vec import SentenceIndex
    from gensim_sent2vec._text.packed import PackedStrings
    from gensim_sent2vec.hnsw import BATCH_SIZE, Graph
    from gensim_sent2vec.lexical import LexicalScores

    vectors = np.load(f"{data}.vectors.npy", mmap_mode="r")[:n].astype(dtype)
    texts = PackedStrings.from_strings(islice(lines(data), n))
    graph, earlier = None, 0.0
    if smaller:
        graph = SentenceIndex.load(smaller, two_words(vectors.shape[1]))._graph.graph  # type: ignore[union-attr]
        earlier = json.loads(Path(f"{smaller}.json").read_text())["build_cpu"]
    began, cpu = time.perf_counter(), time.process_time()
    if method == "hnsw" and graph is None:
        graph = Graph.build(vectors, **options)
    elif graph is not None:
        for first in range(len(graph), len(vectors), BATCH_SIZE):
            batch = vectors[first : first + BATCH_SIZE]
            graph.add(np.arange(first, first + len(batch)), batch)
    lexical = LexicalScores.fit(texts) if method == "exact" and dtype == "float32" else None
    run = {"build": time.perf_counter() - began, "build_cpu": earlier + time.process_time() - cpu}
    wv = two_words(vectors.shape[1])
    SentenceIndex(wv, vectors, texts, np.arange(len(vectors)), graph, lexical=lexical).save(output)
    return run | {"bytes": os.path.getsize(output), "sentences": len(vectors), "dims": vectors.shape[1]}


# -----------------------------------------------------------------------------------------------------
# Contestants


def load(data: str, index: str) -> tuple[Any, Any]:
    """An index, memory-mapped, and the queries."""
    from gensim_sent2vec import SentenceIndex

    wv, queries = prepared(data)
    return SentenceIndex.load(index, wv, mmap="r"), queries


def prepared(data: str) -> tuple[Any, Any]:
    """Vectors that fit the indexes of a corpus, and the queries."""
    import numpy as np

    queries = np.load(f"{data}.queries.npy")
    return two_words(queries.shape[1]), queries


def exact(data: str, index: str) -> Run:
    """Search with an index, query by query and in a batch."""
    from gensim_sent2vec import SentenceIndex

    wv, queries = prepared(data)
    before = private_memory()
    began = time.perf_counter()
    loaded = SentenceIndex.load(index, wv, mmap="r")
    seconds = time.perf_counter() - began
    run = timed(lambda batch: loaded.most_similar_batch(batch, topn=TOPN), loaded.most_similar, queries)
    after = private_memory()
    return run | {"load": seconds, "own": None if after is None or before is None else after - before}


def graph(data: str, index: str, others: str) -> Run:
    """Search a graph with several values of expansion_search, and with the default; recall relative to `others`.

    A result is right if its cosine is at least that of the last one that exact search finds: equal sentences may be
    found in any order.
    """
    loaded, queries = load(data, index)
    truth = load(data, others)[0]
    loaded.most_similar_batch(queries[:256], topn=TOPN)  # reads the file
    run: Run = {}
    for topn, expansions in ((TOPN, (*EXPANSIONS, None)), (WIDER, (None,))):
        least = [found[-1][1] - ROUNDING for found in truth.most_similar_batch(queries, topn=topn)]
        for expansion in expansions:
            loaded._graph.graph.expansion_search = expansion
            name = expansion or "default"
            cpu = time.process_time()
            found = loaded.most_similar_batch(queries, topn=topn)
            seconds = time.process_time() - cpu
            right = [sum(score >= bound for _, score in results) for results, bound in zip(found, least)]
            run[f"recall@{topn}, {name}"] = sum(right) / (topn * len(right))
            if topn == TOPN:
                run[f"alone, {name}"] = timed(None, loaded.most_similar, queries)["alone"]
                run[f"together, {name}"] = seconds / len(queries)
    run["expansion"] = loaded._graph.graph.expansion(TOPN)
    return run


def spelling(data: str, index: str) -> Run:
    """Compute the lexical scores alone, which hybrid search computes in addition."""
    scores = load(data, index)[0].lexical
    return timed(None, scores.scores, list(islice(lines(data), 7, 7 + SINGLE)))


def gensim_words(data: str, index: str) -> Run:
    """Search with gensim's most_similar, over the same float32 vectors in memory."""
    import numpy as np
    from gensim.models import KeyedVectors

    from gensim_sent2vec._files import container

    vectors = container.read(index)[0]["vectors"]
    wv = KeyedVectors(vectors.shape[1], count=len(vectors))
    wv.vectors, wv.index_to_key = vectors, range(len(vectors))  # type: ignore[assignment]
    wv.key_to_index = {i: i for i in range(len(vectors))}  # type: ignore[misc]
    wv.fill_norms()
    queries = np.load(f"{data}.queries.npy")[:SINGLE]
    return timed(None, lambda query: wv.most_similar([query], topn=TOPN), queries)


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


def kept(contestant: Contestant, output: str) -> Run:
    """Run a contestant that writes files, unless an earlier run with the same folder did; what it reported."""
    report = Path(f"{output}.json")
    if not report.exists():
        report.write_text(json.dumps(common.measure(contestant)))
    found: Run = json.loads(report.read_text())
    return found


class Indexes:
    """What is built in a folder: the vectors of corpora, and indexes of their sentences."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.lines: dict[str, int] = {}
        self.built: dict[str, Run] = {}

    def data(self, corpus: str) -> str:
        """The prefix of the prepared files of a corpus."""
        output = f"{self._folder}/{Path(corpus).stem}"
        made = kept(Contestant.python("prepare", __file__, "prepare", path=corpus, output=output), output)
        self.lines[output] = made["lines"]
        return output

    def index(self, data: str, n: int, dtype: str, method: str, **options: int) -> str:
        """The file of an index; what its construction took is in `built`."""
        n = min(n, self.lines[data])
        output = "-".join([data, str(n), dtype, method, *(f"{name}-{value}" for name, value in options.items())])
        graphs = [name for name in self.built if method == "hnsw" and not options and name.startswith(f"{data}-")]
        sizes = {self.built[name]["sentences"]: name for name in graphs if name.endswith("-hnsw")}
        smaller = sizes[max(sizes)] if sizes and max(sizes) < n else None
        arguments = {"data": data, "n": n, "output": output, "dtype": dtype, "method": method, "options": options}
        arguments["smaller"] = smaller
        self.built[output] = kept(Contestant.python(output, __file__, "build", **arguments), output)
        return output


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        indexes = Indexes(args.folder or temporary)
        first = indexes.data(args.corpus)
        last = indexes.data(args.second) if args.second else first
        everything = max(indexes.lines.values())
        contestants: list[Contestant] = []
        about: dict[str, Run] = {}  # of the rows of the tables of graphs

        def add(name: str, function: str, **options: Any) -> None:
            contestants.append(Contestant.python(name, __file__, function, **options))

        def add_graph(data: str, n: int, **options: int) -> None:
            flat = indexes.index(data, n, "float16", "exact")
            made = indexes.index(data, n, "float16", "hnsw", **options)
            of_flat, of_graph = indexes.built[flat], indexes.built[made]
            name = f"{of_graph['sentences']:,} lines of {Path(data).stem}"
            text = "; ".join(f"{option} {value}" for option, value in options.items())
            about[f"{name}; {text}" if text else name] = {
                "exact": f"exact, {name}", "defaults": not options, "built": of_graph, "flat_bytes": of_flat["bytes"],
            }  # fmt: skip
            if not options:
                add(f"exact, {name}", "exact", data=data, index=flat)
            add(f"{name}; {text}" if text else name, "graph", data=data, index=made, others=flat)

        full = indexes.index(last, everything, "float32", "exact")
        half = indexes.index(last, everything, "float16", "exact")
        add("exact, float32", "exact", data=last, index=full)
        add("exact, float16", "exact", data=last, index=half)
        add("spelling alone", "spelling", data=last, index=full)
        add("gensim's most_similar, float32", "gensim_words", data=last, index=full)
        if args.graph:
            for n in SIZES:
                add_graph(first, n)
            if args.second:
                add_graph(last, everything)
            for options in OPTIONS:
                add_graph(first, SIZES[0], **options)
        return {
            "sentences": everything,
            "dims": indexes.built[full]["dims"],
            "built": {"exact, float32": indexes.built[full], "exact, float16": indexes.built[half]},
            "graphs": about,
            "search": common.measure_all("search", contestants, args),
        }


# -----------------------------------------------------------------------------------------------------
# Report


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    made = {"search": exact_table(result)}
    if result["graphs"]:
        made |= {"search-graph": graph_table(result), "search-graph-options": options_table(result)}
    return made


def exact_table(result: Mapping[str, Any]) -> str:
    rows = []
    others = {*result["graphs"], *(graph["exact"] for graph in result["graphs"].values())}
    for name, runs in result["search"].items():
        if name in others:
            continue

        def shown(figure: str, unit: float, text: str, runs: Any = runs) -> str:
            return f"{common.median(runs, figure) / unit:{text}}" if runs[0].get(figure) is not None else ""

        size = result["built"].get(name)
        rows.append([
            name, *(shown(figure, 1e-3, ".2f") for figure in ("alone", "together", "alone_wall", "together_wall")),
            shown("load", 1e-3, ".0f"), shown("own", 1e6, ",.0f"),
            f"{size['bytes'] / 1e6:,.0f}" if size else "",
        ])  # fmt: skip
    header = ["", "CPU ms per query", f"in a batch of {BATCH:,}", "wall ms per query", f"in a batch of {BATCH:,}"]
    header += ["load, ms", "private MB", "file, MB"]
    text = f"{result['sentences']:,} sentences, {result['dims']} dimensions, top {TOPN}.\n\n"
    return text + common.table(header, rows)


def graph_table(result: Mapping[str, Any]) -> str:
    """Exact and approximate search by the number of sentences, with the defaults."""
    rows = []
    for name, of_one in result["graphs"].items():
        if not of_one["defaults"]:
            continue
        flat, runs = result["search"][of_one["exact"]], result["search"][name]
        times = [
            f"{1e3 * common.median(of, figure):.2f}"
            for figure in ("alone", "together")
            for of, figure in ((flat, figure), (runs, f"{figure}, default"))
        ]
        rows.append([
            name, f"{common.median(runs, 'expansion'):.0f}",
            *(f"{common.median(runs, f'recall@{topn}, default'):.3f}" for topn in (TOPN, WIDER)), *times,
            f"{of_one['built']['build_cpu']:,.0f}", f"{of_one['flat_bytes'] / 1e6:,.0f}",
            f"{of_one['built']['bytes'] / 1e6:,.0f}",
        ])  # fmt: skip
    header = ["", "`expansion_search`", f"recall@{TOPN}", f"recall@{WIDER}", "CPU ms per query, exact", "hnsw"]
    header += [f"in a batch of {BATCH:,}, exact", "hnsw", "CPU s to build", "file, MB, exact", "hnsw"]
    return f"float16, top {TOPN}.\n\n" + common.table(header, rows)


def options_table(result: Mapping[str, Any]) -> str:
    """Recall and time by the options of graphs."""
    rows = []
    for name, of_one in result["graphs"].items():
        runs = result["search"][name]
        rows.append([
            name, f"{of_one['built']['build_cpu']:,.0f}",
            *(
                f"{common.median(runs, f'recall@{TOPN}, {expansion}'):.3f} · "
                f"{1e3 * common.median(runs, f'together, {expansion}'):.2f}"
                for expansion in EXPANSIONS
            ),
        ])  # fmt: skip
    header = ["", "CPU s to build", *(f"`expansion_search` {expansion}" for expansion in EXPANSIONS)]
    text = f"recall@{TOPN} · CPU ms per query in a batch of {BATCH:,}; float16.\n\n"
    return text + common.table(header, rows)


if __name__ == "__main__":
    common.run_if_contestant([prepare, build, exact, graph, spelling, gensim_words])
    parser = common.arguments(__doc__ or "")
    parser.add_argument(
        "--second", metavar="FILE", help="another corpus, for an index of more lines than the first has"
    )
    parser.add_argument("--graph", action="store_true", help="also measure approximate indexes; needs usearch")
    parser.add_argument(
        "--folder", metavar="DIR", help="folder to keep vectors and indexes in; another run takes what it finds there"
    )
    common.main("search", parser.parse_args(), run, tables)
