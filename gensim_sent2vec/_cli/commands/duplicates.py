"""The command ``duplicates``: sentences that an earlier one says already."""

from __future__ import annotations

import argparse
import sys

import numpy as np
import smart_open

from ..._text.corpus import TextLines
from ..._util.atomic import atomic_path
from ...convert import load_vectors
from ...mining import earlier_duplicates
from ...search import SentenceIndex
from ..arguments import Subcommands, add_command, add_file, add_float, add_force, add_model, add_plain, add_workers
from ..files import TOKENS, check_output


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "duplicates",
        run,
        summary="find sentences that say the same as an earlier one",
        details="Lists the near duplicates of a file: line, cosine similarity, the earlier line, and the sentence, "
        "separated by tabs. With --output, a file without them is written instead, for instance to train on. All pairs "
        "are compared; of more than 300,000 sentences, a graph is searched if usearch is installed.",
        examples=[
            "gensim-sent2vec duplicates my.model corpus.txt | less",
            "gensim-sent2vec duplicates my.model corpus.txt --threshold 0.95 --output unique.txt",
        ],
    )
    add_model(parser)
    add_file(parser, "sentences", metavar="SENTENCES", help="one per line; may be compressed; - reads standard input")
    add_float(parser, "--threshold", help="least cosine similarity of duplicates, -1 to 1", default=0.9)
    add_file(parser, "-o", "--output", metavar="OUT", help="write the sentences without near duplicates")
    parser.add_argument(
        "--method", choices=("exact", "hnsw"), help="how to compare (default: by the number of sentences)"
    )
    add_plain(parser)
    add_force(parser)
    add_workers(parser)


def run(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, args.plain, args.trusted)
    if args.output:
        check_output(args.output, TOKENS, (args.model, args.sentences), args.force)
    index = SentenceIndex.build(wv, TextLines(args.sentences), workers=args.workers)
    rows, scores = earlier_duplicates(index, threshold=args.threshold, method=args.method)
    repeated = np.flatnonzero(rows >= 0)
    if args.output:
        with atomic_path(args.output) as unfinished, smart_open.open(unfinished, "w", encoding="utf-8") as file:
            file.writelines(f"{index.sentences[row]}\n" for row in np.flatnonzero(rows < 0).tolist())
    else:
        print("line\tscore\tof line\tsentence")
        for row in repeated.tolist():
            print(f"{row + 1}\t{scores[row]:.4f}\t{rows[row] + 1}\t{index.sentences[row]}")
    print(f"{len(repeated):,} of {len(index):,} sentences repeat an earlier one", file=sys.stderr)
