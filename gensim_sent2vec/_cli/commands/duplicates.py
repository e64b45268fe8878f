"""The command ``duplicates``: sentences that an earlier one says already."""

from __future__ import annotations

import argparse
import sys

import numpy as np
import smart_open

from ..._util.atomic import atomic_path
from ..._util.counted import counted
from ..._util.parameters import check_float
from ...convert import load_vectors
from ...mining import ROUNDING, counts_by_threshold, earlier_duplicates
from ...search import SentenceIndex
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_float,
    add_force,
    add_model,
    add_plain,
    add_texts,
    add_workers,
    texts_of,
)
from ..files import TOKENS, check_output, on_one_line, say_replaced


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "duplicates",
        run,
        summary="find sentences that say the same as an earlier one",
        details="Lists the near duplicates: row, cosine similarity, the earlier row, and the sentence, "
        "separated by tabs; and how many there are at other thresholds. Which threshold is good depends on the model "
        "and the texts: list with a low one first, and see where the sentences stop saying the same thing. With "
        "--output, a file without them is written instead, for instance to train on. All pairs are compared; with more "
        "than 1,000,000 sentences, a graph is searched if usearch is installed.",
        examples=[
            "gensim-sent2vec duplicates my.model corpus.txt | less",
            "gensim-sent2vec duplicates my.model corpus.txt --threshold 0.95 --output unique.txt",
        ],
    )
    add_model(parser)
    add_texts(parser, "files", metavar="SENTENCES", nargs="+", help="one sentence per line, or tables")
    add_float(parser, "--threshold", help="least cosine similarity of duplicates, -1 to 1", default=0.9)
    add_file(parser, "-o", "--output", metavar="OUT", help="write the sentences without near duplicates")
    parser.add_argument(
        "--method", choices=("exact", "hnsw"), help="how to compare (default: by the number of sentences)"
    )
    add_plain(parser)
    add_force(parser)
    add_workers(parser)
    add_columns(parser)


def run(args: argparse.Namespace) -> None:
    threshold = check_float("--threshold", args.threshold, least=-1, most=1)
    wv = load_vectors(args.model, args.plain, args.trusted)
    texts = texts_of(args, args.files)
    if args.output:
        replaced = check_output(args.output, TOKENS, (args.model, *texts.paths), args.force)
    index = SentenceIndex.build(wv, texts, workers=args.workers)
    rows, scores = earlier_duplicates(index, threshold=-1, method=args.method)
    is_repeated = (rows >= 0) & (scores >= threshold - ROUNDING)
    repeated = np.flatnonzero(is_repeated)
    if args.output:
        with atomic_path(args.output) as unfinished, smart_open.open(unfinished, "w", encoding="utf-8") as file:
            file.writelines(f"{on_one_line(index.sentences[row])}\n" for row in np.flatnonzero(~is_repeated).tolist())
        say_replaced(args.output, replaced)
    else:
        print("row\tscore\tof row\tsentence")
        for row in repeated.tolist():
            print(row + 1, f"{scores[row]:.4f}", rows[row] + 1, on_one_line(index.sentences[row]), sep="\t")
    of = counted(len(index), "sentence")
    print(f"{len(repeated):,} of {of} repeat an earlier one at threshold {threshold:g}", file=sys.stderr)
    counts = ", ".join(f"{n:,} at {at:g}" for at, n in counts_by_threshold(scores[rows >= 0]).items())
    print(f"Repeats by threshold: {counts}. Look at some: a good threshold depends on the model.", file=sys.stderr)
