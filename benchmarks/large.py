"""Do speed and memory hold for a corpus of several GB, and for millions of words with 20 million buckets?

The large corpus repeats the lines of the given one, shuffled each time. The large vocabulary is that of a synthetic
corpus whose word frequencies follow Zipf's law. Both corpora are written to the folder for temporary files.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

BLOCK = 1 << 16  # lines of the synthetic corpus that are generated at a time


def train(path: str, options: dict[str, Any]) -> Run:
    """Count words, train one epoch, and check the vectors of some sentences. Peak memory is measured from outside."""
    import resource
    from itertools import islice

    import numpy as np

    from gensim_sent2vec import Sent2Vec

    imports = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    model = Sent2Vec(**options)
    began = time.perf_counter()
    model.build_vocab(corpus_file=path)
    counted = time.perf_counter()
    trained, _ = model.train(corpus_file=path, epochs=1)
    seconds = time.perf_counter() - counted
    with open(path, encoding="utf-8") as lines:
        vectors = model.wv.encode(list(islice(lines, 1000)), weighting=False)
    if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        raise SystemExit("some sentence vectors are zero or not finite")
    return {
        "words": len(model.wv),
        "bytes": Path(path).stat().st_size,
        "tokens": model.corpus_total_words,
        "count_speed": model.corpus_total_words / (counted - began),
        "speed": trained / seconds,
        "imports": imports,
        "matrices": sum(a.nbytes for a in (model.wv.vectors, model.wv.vectors_ngrams, model.syn1neg)),
    }


def shuffled(corpus: str, path: Path, repeats: int) -> Path:
    """Write the lines of a corpus `repeats` times, each time in a new random order."""
    import random

    lines = Path(corpus).read_text(encoding="utf-8").splitlines(keepends=True)
    rng = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(repeats):
            rng.shuffle(lines)
            out.writelines(lines)
    return path


def synthetic(path: Path, n_words: int, n_lines: int, length: int = 20) -> Path:
    """Write each word once, then `n_lines` lines of words drawn by Zipf's law."""
    import numpy as np

    rng = np.random.default_rng(1)
    with open(path, "w", encoding="ascii") as out:
        for first in range(0, n_words, length):
            out.write(" ".join(f"w{i}" for i in range(first, min(first + length, n_words))) + "\n")
        for _ in range(0, n_lines, BLOCK):
            ranks = (n_words ** rng.random((BLOCK, length))).astype(np.int64) - 1
            out.writelines(" ".join(f"w{i}" for i in row) + "\n" for row in ranks.tolist())
    return path


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        corpus = shuffled(args.corpus, Path(name, "corpus.txt"), args.repeats)
        words = synthetic(Path(name, "words.txt"), args.vocabulary, args.lines)
        unigrams: dict[str, Any] = {"weighting": False}
        bigrams = {"word_ngrams": 2, "dropout_k": 4, "weighting": False}
        many = {**bigrams, "bucket": args.bucket, "min_count": 1}
        questions = {
            "the corpus, over and over": (corpus, unigrams),
            "many words and buckets: bigrams": (words, many),
        }
        contestants = [
            Contestant.python(name, __file__, "train", path=str(path), options=options)
            for name, (path, options) in questions.items()
        ]
        return {"runs": common.measure_all("large", contestants, args)}


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    rows = []
    for name, runs in result["runs"].items():
        size, tokens, words, matrices, imports, peak = (
            common.median(runs, figure) for figure in ("bytes", "tokens", "words", "matrices", "imports", "max_rss")
        )
        rows.append(
            [
                name,
                f"{size / 1e9:.1f}",
                f"{tokens / 1e6:,.0f}M",
                f"{words:,.0f}",
                f"{matrices / 1e6:,.0f}",
                f"{(peak - imports - matrices) / 1e6:,.0f}",
                *(common.rate(common.median(runs, figure)) for figure in ("count_speed", "speed")),
            ]
        )
    header = ["", "corpus, GB", "tokens", "words", "matrices, MB", "peak beyond matrices and imports, MB",
              "counting, tokens/s", "training, words/s"]  # fmt: skip
    return {"large": common.table(header, rows)}


if __name__ == "__main__":
    common.run_if_contestant([train])
    parser = common.arguments(__doc__, rounds=1)
    parser.add_argument("--repeats", type=int, default=64, help="number of repetitions of the corpus")
    parser.add_argument("--vocabulary", type=int, default=3_000_000, help="number of words of the synthetic corpus")
    parser.add_argument("--lines", type=int, default=2_000_000, help="number of lines of the synthetic corpus")
    parser.add_argument("--bucket", type=int, default=20_000_000, help="number of n-gram buckets")
    common.main("large", parser.parse_args(), run, tables)
