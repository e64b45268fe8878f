"""The command ``shrink``: smaller vectors, and what they lose."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

import numpy as np

from ...convert import NATIVE, load_vectors
from ...evaluation import evaluate_sts
from ...keyedvectors import Sent2VecKeyedVectors
from ...shrink import shrink_to_file, stored_bytes
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_flag,
    add_force,
    add_int,
    add_model,
    add_texts,
    reject_columns,
    texts_of,
)
from ..files import check_output, say_replaced


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "shrink",
        run,
        summary="make a model's vectors smaller",
        details="Keeps fewer words or n-gram rows, or halves the precision. Works block by block, in little memory. "
        "Prints the size before and after, and with --eval the scores too.",
        examples=[
            "gensim-sent2vec shrink my.model small.s2v --max-words 200000 --float16",
            "gensim-sent2vec shrink my.model small.s2v --bucket 500000 --eval pairs.tsv",
        ],
    )
    add_model(parser)
    add_file(parser, "target", metavar="OUT", help="a native file of vectors")
    words = parser.add_mutually_exclusive_group()
    add_int(words, "--min-count", help="drop words that occurred fewer than N times")
    add_int(words, "--max-words", help="keep the N most frequent words")
    add_int(parser, "--bucket", help="fold the n-gram rows into N; 0: drop them")
    add_flag(parser, "--float16", help="store vectors in half precision")
    add_texts(
        parser,
        "--corpus",
        metavar="FILE",
        action="append",
        help="weight folded n-gram rows by how often these texts use them; repeatable",
    )
    add_file(
        parser,
        "--eval",
        nargs="+",
        default=[],
        metavar="PAIRS.tsv",
        help="evaluate before and after on these files: score, sentence1, sentence2",
    )
    add_flag(parser, "--json", help='print one JSON object: "before" and "after"')
    add_force(parser)
    add_columns(parser)


def run(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, trusted=args.trusted)
    if args.corpus is None:
        reject_columns(args, "says how --corpus is read, which is missing")
    sentences = texts_of(args, args.corpus) if args.corpus else None
    inputs = (args.model, *(sentences.paths if sentences else ()), *args.eval)
    replaced = check_output(args.target, NATIVE, inputs, args.force, read_back=True)
    before = _size_and_scores(wv, args.eval)
    dtype = np.float16 if args.float16 else None
    shrink_to_file(wv, args.target, args.min_count, args.max_words, args.bucket, dtype, sentences)
    after = _size_and_scores(load_vectors(args.target), args.eval)
    if args.json:
        print(json.dumps({"before": before, "after": after}, ensure_ascii=False))
    else:
        _show(before, after)
    say_replaced(args.target, replaced)


def _size_and_scores(wv: Sent2VecKeyedVectors, files: list[str]) -> dict[str, Any]:
    scores = [(os.path.basename(path), evaluate_sts(wv, path).pearson) for path in files]
    size = {"words": len(wv), "bucket": wv.bucket, "dtype": str(wv.vectors.dtype), "bytes": stored_bytes(wv)}
    return size | {"pearson": scores}


def _show(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Print a table with a row per property."""
    was, now = before["bytes"], after["bytes"]
    rows = [
        ("words", f"{before['words']:,}", f"{after['words']:,}"),
        ("n-gram rows", f"{before['bucket']:,}", f"{after['bucket']:,}"),
        ("type", before["dtype"], after["dtype"]),
        ("bytes", f"{was:,}", f"{now:,}  {now / was:.1%}"),
    ]
    for (name, old), (_, new) in zip(_with_mean(before["pearson"]), _with_mean(after["pearson"])):
        rows.append(("pearson", f"{old:.4f}", f"{new:.4f}  {new - old:+.4f}  {name}"))
    print(f"{'':11} {'before':>14}   after")
    for name, old, new in rows:
        print(f"{name:11} {old:>14}   {new}")


def _with_mean(scores: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [*scores, ("mean", sum(score for _, score in scores) / len(scores))] if len(scores) > 1 else scores
