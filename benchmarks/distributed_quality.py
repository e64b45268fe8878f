"""What does training lose if it is spread over workers, and what do rounds cost?

The workers run one after the other in this process, as `train_distributed(engine="local")` does it, so scores and bytes
are those of a cluster, but not the time of its network. Lines are dealt out to the shards, as users should do it; one
setting has blocks of successive lines instead.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common
from common import Contestant

DIM, EPOCHS, BUCKET = 100, 5, 500_000
DEALT, BLOCKS = "", ", blocks of lines"
SETTINGS = (  # longest n-grams, workers, rounds per epoch, shards
    (1, 1, 1, DEALT), (1, 4, 1, DEALT), (1, 4, 4, DEALT), (1, 4, 4, BLOCKS), (1, 4, 16, DEALT), (1, 8, 4, DEALT),
    (1, 16, 4, DEALT), (2, 1, 1, DEALT), (2, 4, 4, DEALT), (2, 4, 8, DEALT),
)  # fmt: skip


def write_shards(corpus: str, folder: str, lines: int, n: int, kind: str) -> list[str]:
    """Split the first lines of a corpus: into blocks of about the same number, or in turn."""
    with open(corpus, encoding="utf-8") as file:
        kept = [line for _, line in zip(range(lines), file)]
    paths = []
    for i in range(n):
        part = kept[i::n] if kind == DEALT else kept[len(kept) * i // n : len(kept) * (i + 1) // n]
        paths.append(str(Path(folder, f"{n}-{i}.txt")))
        Path(paths[-1]).write_text("".join(part), encoding="utf-8")
    return paths


def trained(
    corpus: str, lines: int, word_ngrams: int, workers: int, rounds: int, kind: str, seed: int, evaluations: list[str]
) -> dict[str, Any]:
    """A contestant: train, and score plain and weighted sentence vectors."""
    from gensim_sent2vec import Sent2Vec
    from gensim_sent2vec._distributed import worker
    from gensim_sent2vec.distributed import train_distributed
    from gensim_sent2vec.evaluation import evaluate_sts

    spent = {"train_round": 0.0, "changes": 0.0, "combine": 0.0, "apply": 0.0}
    sent = [0]
    for name in spent:
        _measured(worker.Worker, name, spent, sent)
    model = Sent2Vec(
        vector_size=DIM, epochs=EPOCHS, seed=seed, workers=1, word_ngrams=word_ngrams, bucket=BUCKET,
        show_progress_bar=False,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        shards = write_shards(corpus, folder, lines, workers, kind)
        train_distributed(model, shards, rounds, engine="local", show_progress_bar=False)
    scores = {}
    for name, weighting in (("plain", False), ("weighted", None)):
        found = [evaluate_sts(model.wv, path, weighting, tokenizer="words").pearson for path in evaluations]
        scores[name] = 100 * sum(found) / len(found)
    all_rounds = rounds * EPOCHS
    exchange = sum(spent.values()) - spent["train_round"]
    return {
        **scores,
        "words": len(model.wv),
        "tokens": model.corpus_total_words,
        "train_cpu": spent["train_round"],
        "exchange_cpu_per_round_and_worker": exchange / all_rounds / workers,
        "bytes_per_round_and_worker": sent[0] / all_rounds / workers,
    }


def _measured(owner: type, name: str, spent: dict[str, float], sent: list[int]) -> None:
    """Wrap a method so that its CPU time, and the bytes of the changes that it returns, are added up."""
    method = getattr(owner, name)

    def measured(self: Any, *args: Any) -> Any:
        began = time.process_time()
        result = method(self, *args)
        spent[name] += time.process_time() - began
        if name == "changes":
            parts = [part for i, part in enumerate(result) if i != self.number]
            sent[0] += sum(n_bytes(change) for part in parts for change in part)
        elif name == "combine":
            sent[0] += (self.n_workers - 1) * sum(n_bytes(change) for change in result)
        return result

    setattr(owner, name, measured)


def n_bytes(change: Any) -> int:
    return change.values.nbytes + (0 if change.rows is None else change.rows.nbytes)


# -----------------------------------------------------------------------------------------------------
# Rounds and report


def run(args: argparse.Namespace) -> dict[str, Any]:
    evaluations = [str(path.resolve()) for path in sorted(Path(args.data).glob("sts*.tsv"))]
    contestants = [
        Contestant.python(
            f"{name(*setting)}, seed {seed}", __file__, "trained", corpus=args.corpus, lines=args.lines, seed=seed,
            evaluations=evaluations, **dict(zip(("word_ngrams", "workers", "rounds", "kind"), setting)),
        )
        for setting in SETTINGS
        for seed in range(1, args.seeds + 1)
    ]  # fmt: skip
    runs = common.measure_all("distributed_quality", contestants, args)
    return {"runs": runs, "lines": args.lines, "seeds": args.seeds, "n_evaluations": len(evaluations)}


def name(word_ngrams: int, workers: int, rounds: int, kind: str) -> str:
    return f"{'bigrams, ' if word_ngrams > 1 else ''}{workers} x {rounds}{kind}"


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    rows = []
    for setting in map(name, *zip(*SETTINGS)):
        found = [result["runs"].get(f"{setting}, seed {seed}") for seed in range(1, result["seeds"] + 1)]
        runs = [of_one[0] for of_one in found if of_one]
        if runs:
            mean = {key: sum(run[key] for run in runs) / len(runs) for key in runs[0]}
            rows.append(
                [
                    setting.replace(" x ", " × "),  # noqa: RUF001
                    f"{mean['plain']:.1f}",
                    f"{mean['weighted']:.1f}",
                    f"{mean['bytes_per_round_and_worker'] / 1e6:.0f}",
                    f"{1000 * mean['exchange_cpu_per_round_and_worker']:.0f}",
                ]
            )
    header = ["workers × rounds per epoch", "plain", "weighted", "MB sent per round", "ms CPU per round"]  # noqa: RUF001
    return {"distributed": common.table(header, rows)}


if __name__ == "__main__":
    common.run_if_contestant([trained])
    parser = common.arguments(__doc__, rounds=1)
    parser.add_argument("--data", metavar="FOLDER", required=True, help="files of judged pairs: sts*.tsv")
    parser.add_argument("--lines", type=int, default=10**9, help="lines of the corpus to train on")
    parser.add_argument("--seeds", type=int, default=2, help="models to train per setting, of which means are shown")
    common.main("distributed_quality", parser.parse_args(), run, tables)
