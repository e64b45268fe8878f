"""When does more than one machine pay? Arithmetic from measured figures, each of which is an option.

For clusters of several sizes: how long counting, tokenizing, training and encoding take. Training exchanges the changed
rows after each round: a worker sends its changes of the rows that others combine, and the combined changes of its own
rows, (n - 1) / n of the matrices each, while it receives as much.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

import common

HALF = 2  # bytes of float16
ROW_NUMBER = 8  # bytes

# Name, default, meaning. The speeds were measured on two cores of an AMD EPYC with AVX-512.
ASSUMPTIONS = (
    ("tokens", 10e9, "tokens of the corpus"),
    ("tokens_per_sentence", 20, "tokens of a sentence"),
    ("epochs", 5, "passes over the corpus"),
    ("train_unigrams", 3.0e6, "tokens trained per second and core"),
    ("train_bigrams", 1.5e6, "tokens trained per second and core with bigrams"),
    ("count", 25e6, "tokens counted per second and core"),
    ("encode", 350e3, "sentences encoded per second and core"),
    ("tokenize", 3700, "sentences tokenized per second and core (MeCab; Kiwi 1,650)"),
    ("cores", 64, "cores per node"),
    ("efficiency", 0.7, "speed of a core if all cores of a node train, against one alone"),
    ("gbit", 10, "Gbit/s that a node sends and receives"),
    ("words", 2e6, "words of the vocabulary"),
    ("buckets", 20e6, "rows of bigrams"),
    ("changed", 0.6, "share of the rows of bigrams that a round changes"),
    ("dim", 100, "dimensions"),
    ("rounds", 4, "rounds per epoch"),
    ("combine", 0.5e9, "bytes of changes per second and node, found, combined and added"),
    ("round_seconds", 0.2, "fixed cost of a round"),
    ("engine_seconds", 10, "fixed cost of an engine's pipeline"),
)
NODES = (1, 8, 64)


def estimate(of: Mapping[str, float], nodes: int, bigrams: bool) -> dict[str, float]:
    """Seconds for each job on `nodes` nodes, and bytes that a node sends per round."""
    cores = nodes * of["cores"] * of["efficiency"]
    sentences = of["tokens"] / of["tokens_per_sentence"]
    engine = of["engine_seconds"] if nodes > 1 else 0.0
    size = 2 * of["words"] * of["dim"] * HALF
    if bigrams:
        size += of["changed"] * of["buckets"] * (of["dim"] * HALF + ROW_NUMBER)
    sent = 2 * size * (nodes - 1) / nodes
    exchange = 0.0
    if nodes > 1:
        per_round = sent * 8 / (of["gbit"] * 1e9) + 2 * size / of["combine"] + of["round_seconds"]
        exchange = per_round * of["rounds"] * of["epochs"]
    compute = of["tokens"] * of["epochs"] / (of["train_bigrams" if bigrams else "train_unigrams"] * cores)
    return {
        "tokenize": sentences / (of["tokenize"] * cores) + engine,
        "count": of["tokens"] / (of["count"] * cores),
        "train": compute + exchange,
        "of which exchange": exchange,
        "encode": sentences / (of["encode"] * cores) + engine,
        "GB sent per round and node": sent / 1e9,
    }


def run(args: argparse.Namespace) -> dict[str, Any]:
    assumptions = {name: getattr(args, name) for name, *_ in ASSUMPTIONS}
    estimates = {
        f"{nodes} {'nodes' if nodes > 1 else 'node'}, {'bigrams' if bigrams else 'unigrams'}": estimate(
            assumptions, nodes, bigrams
        )
        for bigrams in (False, True)
        for nodes in args.nodes
    }
    return {"assumptions": assumptions, "estimates": estimates}


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    names = list(next(iter(result["estimates"].values())))
    rows = [[name, *(shown(key, row[key]) for key in names)] for name, row in result["estimates"].items()]
    return {"when-it-pays": common.table(["", *names], rows)}


def shown(name: str, value: float) -> str:
    """Seconds as a duration; other figures as they are."""
    if name.startswith("GB"):
        return f"{value:.1f}"
    if value >= 5400:
        return f"{value / 3600:.1f} h"
    return f"{value / 60:.1f} min" if value >= 90 else f"{value:.0f} s"


if __name__ == "__main__":
    common.run_if_contestant([])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for option, default, meaning in ASSUMPTIONS:
        parser.add_argument(f"--{option.replace('_', '-')}", type=float, metavar="X", default=default, help=meaning)
    parser.add_argument("--nodes", type=int, nargs="+", default=NODES, help="sizes of clusters")
    parser.add_argument("--json", action="store_true", help="print JSON, and save nothing")
    parser.set_defaults(report=False, update_readme=False, rounds_measured=1, only="", corpus=None)
    parsed = parser.parse_args()
    if parsed.json:
        print(json.dumps(run(parsed), indent=1))
    else:
        common.main("distributed", parsed, run, tables, corpus=False)
