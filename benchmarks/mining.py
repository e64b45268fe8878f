"""How long does it take to mine sentences, compared to sentence-transformers' functions on the same vectors?

A model is trained and the sentences are indexed first. Each contestant loads their vectors.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from itertools import islice
from typing import Any

import common
from common import Contestant, Run

TOPN, SIMILAR, CLOSE, COMMUNITY = 10, 0.8, 0.9, 10  # results per sentence, thresholds, sentences per community
THREADS = 2
OURS, THEIRS = "this package", "sentence-transformers"


# -----------------------------------------------------------------------------------------------------
# Contestants


def prepare(path: str, sentences: int, folder: str) -> Run:
    """Train on the corpus, and save an index of its first sentences and their vectors."""
    import numpy as np

    from gensim_sent2vec import Sent2Vec, SentenceIndex

    wv = Sent2Vec(corpus_file=path, epochs=1, workers=THREADS).wv
    with open(path, encoding="utf-8") as lines:
        index = SentenceIndex.build(wv, [line.rstrip("\n") for line in islice(lines, sentences)])
    wv.save(f"{folder}/wv")
    index.save(f"{folder}/index")
    np.save(f"{folder}/vectors.npy", index.vectors)
    return {"sentences": len(index), "dims": index.vectors.shape[1]}


def ours(folder: str, job: str) -> Run:
    """One of the functions of `gensim_sent2vec.mining`."""
    from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, mining

    index = SentenceIndex.load(f"{folder}/index", Sent2VecKeyedVectors.load(f"{folder}/wv"))
    began = time.perf_counter()
    if job == "pairs":
        found = len(mining.paraphrase_mining(index, topn=TOPN, threshold=SIMILAR))
    elif job == "duplicates":
        found = int(mining.near_duplicates(index, threshold=CLOSE).sum())
    else:
        found = len(mining.community_detection(index, threshold=SIMILAR, min_community_size=COMMUNITY))
    return {"seconds": time.perf_counter() - began, "found": found}


def theirs(folder: str, job: str) -> Run:
    """The function of sentence-transformers; it has none for near duplicates."""
    import numpy as np
    import torch
    from sentence_transformers import util

    torch.set_num_threads(THREADS)
    vectors = torch.from_numpy(np.load(f"{folder}/vectors.npy"))
    began = time.perf_counter()
    if job == "pairs":
        pairs = util.paraphrase_mining_embeddings(vectors, top_k=TOPN, max_pairs=len(vectors) * TOPN)
        found = sum(score >= SIMILAR for score, _, _ in pairs)
    else:
        found = len(util.community_detection(vectors, threshold=SIMILAR, min_community_size=COMMUNITY))
    return {"seconds": time.perf_counter() - began, "found": found}


# -----------------------------------------------------------------------------------------------------
# Rounds and report


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        options = {"path": args.corpus, "sentences": args.sentences, "folder": folder}
        made = common.measure(Contestant.python("prepare", __file__, "prepare", **options))
        contestants = []
        for job in ("pairs", "duplicates", "communities"):
            entries = [(OURS, "ours", sys.executable)]
            if args.sentence_transformers and job != "duplicates":
                entries.append((THEIRS, "theirs", args.sentence_transformers))
            for name, function, interpreter in entries:
                command = Contestant.python("", __file__, function, folder=folder, job=job).command[1:]
                contestants.append(Contestant(f"{job}, {name}", (interpreter, *command), blas_threads=THREADS))
        runs = common.measure_all("mining", contestants, args)
    return {"mining": runs, "sentences": made["sentences"], "dims": made["dims"]}


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    runs = result["mining"]
    rows = []
    for name, of_one in runs.items():
        base = runs.get(name.replace(OURS, THEIRS)) if OURS in name else None
        rows.append(
            [
                name,
                *(common.times(common.ratio(base, of_one, figure)) if base else "" for figure in ("seconds", "cpu")),
                f"{common.median(of_one, 'seconds'):.0f}",
                f"{common.median(of_one, 'max_rss') / 1e6:,.0f}",
                f"{common.median(of_one, 'found'):,.0f}",
            ]
        )
    header = ["", "faster, wall", "less CPU", "seconds", "MB of the process", "found"]
    about = (
        f"{result['sentences']:,} sentences of {result['dims']} dimensions, {THREADS} threads: pairs of at least "
        f"{SIMILAR} among the {TOPN} nearest, duplicates of at least {CLOSE}, communities of at least {COMMUNITY} "
        f"sentences within {SIMILAR}. CPU time includes loading.\n\n"
    )
    return {"mining": about + common.table(header, rows)}


if __name__ == "__main__":
    common.run_if_contestant([prepare, ours, theirs])
    parser = common.arguments(__doc__, rounds=1)
    parser.add_argument("--sentences", type=int, default=100_000, help="number of sentences to mine")
    parser.add_argument(
        "--sentence-transformers", metavar="PYTHON", help="also measure sentence-transformers, in this interpreter"
    )
    common.main("mining", parser.parse_args(), run, tables)
