"""Contestants and tables of `quality.py` with pretrained static vectors, and with small corpora."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import common
import methods
from common import Run
from methods import mean_pearson, sample

DIMS = (256, 128, 64)  # of the pretrained vectors, which were trained to be cut
SIZES = (1_000, 10_000, 100_000)  # lines
WITH_PRETRAINED = "this package, with pretrained vectors"
SPEED = "pretrained, speed"
ENCODED, ROUNDS = 20_000, 5  # sentences


def contestants(path: str, characters: tuple[int, int]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, function and options of each contestant; `path` is that of the pretrained vectors."""
    for dims in DIMS:
        yield f"pretrained, {dims} dimensions", "static", {"path": path, "dims": dims}
    yield SPEED, "encode_speed", {"path": path}
    yield WITH_PRETRAINED, "ours", {"options": {}, "poolings": blends(path)}
    for lines in SIZES:
        yield f"{lines:,} lines", "small", {"path": path, "lines": lines, "ngrams": characters}


def blends(path: str) -> dict[str, dict[str, Any]]:
    """The poolings with a pretrained part."""
    found = {}
    for dims in DIMS:
        found[f"blend {dims}"] = {"pretrained": [path, dims]}
        found[f"blend {dims}, 200 more"] = {"pretrained": [path, dims], "lexical_dims": 200}
    return found


# -----------------------------------------------------------------------------------------------------
# Methods


def static(texts: Mapping[str, Any], path: str, dims: int) -> Run:
    """Pretrained vectors alone; they split the texts themselves, lower-cased like ours, which scores higher."""
    from gensim_sent2vec import Sent2VecKeyedVectors

    wv = Sent2VecKeyedVectors.from_model2vec(path, dims)
    found = methods.scores(lambda batch: wv.encode([text.lower() for text in batch]), texts["files"])
    return {"scores": {"plain": found}, "numbers": {"plain": dims}}


def encode_speed(texts: Mapping[str, Any], path: str) -> Run:
    """Sentences per CPU second with one thread, of the same table in three packages; the best of some rounds."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import numpy as np
    import wordllama
    from model2vec import StaticModel
    from tokenizers import Tokenizer

    from gensim_sent2vec import Sent2VecKeyedVectors

    ours = Sent2VecKeyedVectors.from_model2vec(path)
    rows = ours.vectors.astype(np.float32)
    tokenizer = Tokenizer.from_str(ours.tokenizer.definition.tobytes().decode())
    static_model = StaticModel(rows, tokenizer, max_length=None)
    inference = wordllama.inference.WordLlamaInference(rows, tokenizer)
    packages = {
        "this package": lambda batch: ours.encode(batch, workers=1),
        "model2vec": lambda batch: static_model.encode(batch, use_multiprocessing=False),
        "wordllama": inference.embed,
    }
    sentences = list(islice(methods.lines_of(texts["corpus"]), ENCODED))
    speeds = dict.fromkeys(packages, 0.0)
    for _ in range(ROUNDS):
        for name, encode in packages.items():
            began = time.process_time()
            encode(sentences)
            speeds[name] = max(speeds[name], len(sentences) / (time.process_time() - began))
    return {"scores": {}, "numbers": {}, "speed": speeds}


def small(texts: Mapping[str, Any], path: str, lines: int, ngrams: list[int]) -> Run:
    """What can be trained on a part of the corpus: evenly spaced lines."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "corpus.txt"
        chosen = sample(texts["corpus"], lines)[:lines]
        part.write_text("".join(f"{' '.join(tokens)}\n" for tokens in chosen), encoding="utf-8")
        of_part = {**texts, "corpus": str(part)}
        result = methods.ours(of_part, {}, {name: of for name, of in blends(path).items() if "256" in name})
        for name, sizes in (("TF-IDF of words", []), ("TF-IDF of characters", ngrams)):
            counted = methods.tfidf(of_part, sizes, [])
            for figure in ("scores", "numbers"):
                result[figure][name] = counted[figure]["plain"]
    return result


# -----------------------------------------------------------------------------------------------------
# Report


def mean_spearman(found: Mapping[str, Mapping[str, float]]) -> float:
    """The mean of 100 times Spearman's rank correlation over all files of judged pairs; NaN if there are none."""
    values = [of["spearman"] for of in found.values() if "spearman" in of]
    return 100 * sum(values) / len(values) if values else math.nan


def both(found: Mapping[str, Mapping[str, float]] | None) -> str:
    """Mean Pearson and mean Spearman."""
    return f"{mean_pearson(found):.1f} · {mean_spearman(found):.1f}" if found else ""


def pretrained_table(runs: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """Pretrained vectors, our own and both together; `own` is the run of the default model."""
    header = ["mean Pearson · Spearman, × 100", "dimensions", "score", "sets ahead of both parts"]  # noqa: RUF001
    rows = []
    for dims in DIMS:
        found = runs[f"pretrained, {dims} dimensions"]
        rows.append([f"pretrained vectors, {dims}", f"{dims}", both(found["scores"]["plain"]), ""])
    for pooling in ("default", "200 more"):
        rows.append(["this package", f"{own['numbers'][pooling]}", both(own["scores"][pooling]), ""])
    blended = runs[WITH_PRETRAINED]
    for dims in DIMS:
        alone = runs[f"pretrained, {dims} dimensions"]["scores"]["plain"]
        for pooling, suffix in (("default", ""), ("200 more", ", 200 more")):
            found = blended["scores"][f"blend {dims}{suffix}"]
            ahead = sum(
                found[name]["pearson"] > max(alone[name]["pearson"], own["scores"][pooling][name]["pearson"])
                for name in found
            )
            numbers = blended["numbers"][f"blend {dims}{suffix}"]
            rows.append(
                [f"this package, with {dims} pretrained", f"{numbers}", both(found), f"{ahead} of {len(found)}"]
            )
    return common.table(header, rows)


def small_table(runs: Mapping[str, Any], lines: int, own: Mapping[str, Any]) -> str:
    """One row per size of the corpus, of which the last is the entire one, with `lines` lines."""
    columns = {
        "own vectors": "default",
        "own vectors, 200 more dimensions": "200 more",
        "TF-IDF of words": "TF-IDF of words",
        "TF-IDF of character n-grams": "TF-IDF of characters",
        "own and pretrained vectors": "blend 256",
        "own and pretrained, 200 more dimensions": "blend 256, 200 more",
    }
    header = ["lines of the corpus", *columns, "pretrained vectors alone"]
    alone = both(runs["pretrained, 256 dimensions"]["scores"]["plain"])
    whole = {name: of["scores"]["plain"] for name, of in runs.items() if name.startswith("TF-IDF")}
    scores = {f"{size:,}": runs[f"{size:,} lines"]["scores"] for size in SIZES if f"{size:,} lines" in runs}
    scores[f"{lines:,}"] = {
        **own["scores"],
        **{name: of for name, of in runs[WITH_PRETRAINED]["scores"].items() if name.startswith("blend")},
        "TF-IDF of words": whole.get("TF-IDF of words"),
        "TF-IDF of characters": next((of for name, of in whole.items() if "character" in name), None),
    }
    rows = [[size, *(both(of.get(name)) for name in columns.values()), alone] for size, of in scores.items()]
    return common.table(header, rows)


def speed_table(runs: Mapping[str, Any]) -> str:
    """Sentences per second of the packages that encode with the same table."""
    speeds = runs[SPEED]["speed"]
    base = speeds["this package"]
    rows = [[name, common.rate(speed), f"{speed / base:.2f}"] for name, speed in speeds.items()]
    return common.table(["encoding with the same table", "sentences per CPU second", "relative"], rows)
