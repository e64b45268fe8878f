"""What does an engine cost if it encodes? CPU seconds within the function that it calls, and around it.

The same texts, from the same Parquet file, are encoded by `wv.encode` with one thread, by a `SentenceEncoder` in this
process, and by one in the processes of Ray Data.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common
from common import Contestant

PLAIN, ENCODER, RAY = "wv.encode, one thread", "SentenceEncoder, one process", "SentenceEncoder in Ray Data"
BATCH = 4096
REPEATS = 3


def prepare(corpus: str, sentences: int, folder: str) -> dict[str, Any]:
    """A contestant: train a model, and write the texts."""
    import pyarrow
    from pyarrow import parquet

    from gensim_sent2vec import Sent2Vec

    with open(corpus, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for _, line in zip(range(sentences), file)]
    Sent2Vec(lines, epochs=1, show_progress_bar=False).wv.save(f"{folder}/vectors")
    parquet.write_table(pyarrow.table({"text": lines}), f"{folder}/in.parquet", row_group_size=len(lines) // 8)
    return {"sentences": len(lines)}


def plain(folder: str) -> dict[str, Any]:
    """A contestant."""
    from pyarrow import parquet

    from gensim_sent2vec import Sent2VecKeyedVectors

    wv = Sent2VecKeyedVectors.load(f"{folder}/vectors", mmap="r")
    table = parquet.read_table(f"{folder}/in.parquet")
    wv.encode(["a"] * 10)
    began = time.process_time()
    for _ in range(REPEATS):
        texts = table.column("text").to_numpy().tolist()
        wv.encode(texts, workers=1, show_progress_bar=False)
    return {"speed": REPEATS * len(table) / (time.process_time() - began)}


def encoder(folder: str) -> dict[str, Any]:
    """A contestant."""
    from pyarrow import parquet

    from gensim_sent2vec.distributed import SentenceEncoder

    encode = SentenceEncoder(f"{folder}/vectors")
    batches = parquet.read_table(f"{folder}/in.parquet").to_batches(max_chunksize=BATCH)
    encode(batches[0].slice(0, 10))
    began = time.process_time()
    for _ in range(REPEATS):
        for batch in batches:
            encode(batch)
    return {"speed": REPEATS * sum(map(len, batches)) / (time.process_time() - began)}


class Timed:
    """Encodes, and adds the CPU seconds per row."""

    def __init__(self, path: str) -> None:
        from gensim_sent2vec.distributed import SentenceEncoder

        self.encode = SentenceEncoder(path)
        self.encode({"text": ["a"]})

    def __call__(self, batch: Any) -> Any:
        import numpy as np
        import pyarrow

        began = time.process_time()
        result = self.encode(batch)
        spent = time.process_time() - began
        return result.append_column("cpu", pyarrow.array(np.full(len(batch), spent / len(batch))))


def ray_data(folder: str) -> dict[str, Any]:
    """A contestant."""
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "HOME": folder}
    import ray
    import ray.data

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    began = time.perf_counter()
    rows = ray.data.read_parquet(f"{folder}/in.parquet")
    encoded = rows.map_batches(
        Timed, fn_constructor_args=(f"{folder}/vectors",), batch_format="pyarrow", batch_size=BATCH, concurrency=1
    )
    seconds = n = 0.0
    for batch in encoded.iter_batches(batch_format="pyarrow", batch_size=None):
        seconds += sum(batch.column("cpu").to_pylist())
        n += len(batch)
    return {"speed": n / seconds, "pipeline_seconds": time.perf_counter() - began, "rows": n}


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        options = {"corpus": args.corpus, "sentences": args.sentences, "folder": folder}
        made = common.measure(Contestant.python("prepare", __file__, "prepare", **options))
        names = {PLAIN: "plain", ENCODER: "encoder", RAY: "ray_data"}
        contestants = [Contestant.python(name, __file__, function, folder=folder) for name, function in names.items()]
        runs = common.measure_all("distributed_encode", contestants, args)
        assert all(run["rows"] == made["sentences"] for run in runs.get(RAY, []))
        Path(folder, "in.parquet").unlink()
    return {"runs": runs, "sentences": made["sentences"]}


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    runs = result["runs"]
    rows = [
        [name, common.rate(common.median(of_one, "speed")), common.times(common.ratio(of_one, runs[PLAIN], "speed"))]
        for name, of_one in runs.items()
    ]
    return {"distributed-encode": common.table(["", "sentences per CPU second", "of wv.encode"], rows)}


if __name__ == "__main__":
    common.run_if_contestant([prepare, plain, encoder, ray_data])
    parser = common.arguments(__doc__)
    parser.add_argument("--sentences", type=int, default=200_000, help="sentences to encode")
    common.main("distributed_encode", parser.parse_args(), run, tables)
