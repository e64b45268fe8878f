"""The command ``index``: a saved `SentenceIndex` of a text file."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from ..._service.faq import build_index
from ..._util.counted import counted
from ...convert import load_vectors
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_flag,
    add_float,
    add_force,
    add_model,
    add_texts,
    add_workers,
    texts_of,
)
from ..files import INDEX, check_output, say_replaced

KEYS = "what a search returns instead of the text (default: answer, if the texts are in question; or 답변 and 질문)"


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "index",
        run,
        summary="build a searchable index of sentences",
        details="Encodes the sentences once. The commands similar --index and serve then memory-map the file, which "
        "any number of processes share.",
        examples=[
            "gensim-sent2vec index my.model faq.txt faq.index --lexical",
            "gensim-sent2vec index my.model products.csv products.index --column title --key id",
            "gensim-sent2vec index my.model news.txt.gz news.index --method hnsw --float16",
        ],
    )
    add_model(parser)
    add_texts(
        parser,
        "corpus",
        metavar="CORPUS",
        nargs="+",
        help="one sentence per line, or tables, such as one with the columns question and answer",
    )
    add_file(parser, "output", metavar="OUT", help="where to save the index")
    parser.add_argument(
        "--method",
        choices=("exact", "hnsw"),
        default="exact",
        help="hnsw is approximate and needs usearch (default: exact)",
    )
    add_flag(parser, "--float16", help="store vectors in half precision")
    add_flag(parser, "--lexical", help="store lexical scores too, for searches with --hybrid")
    add_float(
        parser,
        "--length-power",
        help="store lexical scores that differences in length lower less or more than by default (0.5); 0: not at all, "
        "for short queries that should find long texts",
    )
    add_flag(parser, "--csls", help="prepare the correction for hubs, for searches with csls; serve uses it by default")
    add_flag(parser, "--refit", help="fit the weighting to these sentences, which are read into memory")
    add_force(parser)
    add_workers(parser)
    add_columns(parser, KEYS)


def run(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, trusted=args.trusted)
    texts = texts_of(args, args.corpus)
    replaced = check_output(args.output, INDEX, (args.model, *texts.paths), args.force)
    dtype = np.float16 if args.float16 else np.float32
    lexical = args.lexical if args.length_power is None else {"length_power": args.length_power}
    index = build_index(
        wv, texts, method=args.method, dtype=dtype, lexical=lexical, workers=args.workers, csls=args.csls,
        refit=args.refit,
    )  # fmt: skip
    index.save(args.output)
    print(f"Saved an index of {counted(len(index), 'sentence')} to {args.output}", file=sys.stderr)
    say_replaced(args.output, replaced)
