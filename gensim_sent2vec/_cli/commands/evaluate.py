"""The command ``evaluate``: scores of sentence vectors on judged pairs or on questions."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..._text.tables import files_of
from ..._util.missing import check_input
from ...convert import load_model
from ...evaluation import append_to_log, check_log, evaluate_file
from ...model import Sent2Vec
from ..arguments import (
    Subcommands,
    add_command,
    add_file,
    add_flag,
    add_float,
    add_model,
    add_plain,
    add_question_columns,
    missing_of,
)
from ..files import LOG, check_output
from .info import describe_model


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "evaluate",
        run,
        summary="score sentence vectors on pairs or questions",
        details="For scored sentence pairs, prints Pearson's and Spearman's correlation of cosine similarities and "
        "scores. For questions, prints the share of queries that find a question with the same answer among the "
        "top 1, 3 and 5 results (P@1, P@3, P@5): queries among those to be searched, or, without a column role, each "
        "question among the others. Files may be .tsv, .csv, .jsonl or .parquet, and "
        "compressed; if a header names the columns, there may be others. A directory stands for its files.",
        examples=[
            "gensim-sent2vec evaluate my.model pairs.tsv faq.tsv --log results.tsv",
            "gensim-sent2vec evaluate my.model faq.tsv --hybrid 0.5 --json",
        ],
    )
    add_model(parser)
    add_file(
        parser,
        "files",
        metavar="FILE",
        nargs="+",
        help="columns score, sentence1, sentence2; or question, answer and possibly role (index or query)",
    )
    add_float(parser, "--hybrid", help="weight of the lexical score, 0 to 1", default=0.0)
    add_float(parser, "--csls", help="strength of the correction for hubs, 0 or more", default=0.0)
    add_plain(parser)
    parser.add_argument("--tokenizer", metavar="NAME", help="use this tokenizer instead of the model's")
    add_file(parser, "--log", metavar="RESULTS.tsv", help="append a dated row per file to this table")
    add_flag(parser, "--json", help="print a JSON object per file")
    add_question_columns(parser)


def run(args: argparse.Namespace) -> None:
    loaded = load_model(args.model, trusted=args.trusted)
    wv = loaded.wv if isinstance(loaded, Sent2Vec) else loaded
    options = {
        "hybrid": args.hybrid,
        "csls": args.csls,
        "weighting": False if args.plain else None,
        "tokenizer": args.tokenizer,
    }
    columns = {"text": args.column, "key": args.key}
    files = list(files_of(args.files, args.format))
    if args.log:
        check_output(args.log, LOG, (args.model, *files))
        check_log(args.log)
    results = []
    for path in files:
        check_input(path)
        results.append(evaluate_file(wv, path, **options, **columns, format=args.format, missing=missing_of(args)))
        _show(results[-1], args.json, header=len(results) == 1)
    pearsons = [result["pearson"] for result in results if "pearson" in result]
    if len(pearsons) > 1 and not args.json:
        print(f"{sum(pearsons) / len(pearsons):8.4f}  mean of {len(pearsons)} files of pairs")
    if args.log:
        given = {name: value for name, value in options.items() if value is not None}
        append_to_log(args.log, args.model, results, describe_model(loaded) | given)


def _show(result: dict[str, Any], as_json: bool, header: bool) -> None:
    """Print one row per file: Pearson's and Spearman's correlation, or P@1, P@3 and P@5."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False), flush=True)
        return
    if header:
        print(f"{'pearson':>8} {'spearman':>8}  {'P@1':>6} {'P@3':>6} {'P@5':>6}  {'n':>6} {'coverage':>8}  file")
    cells = [
        f"{result[name]:{width}.4f}" if name in result else " " * width
        for name, width in (("pearson", 8), ("spearman", 8), ("P@1", 7), ("P@3", 6), ("P@5", 6))
    ]
    print(*cells, f"{result['n']:7,} {result['coverage']:8.1%}  {result['file']}", flush=True)
