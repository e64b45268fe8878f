"""The command ``bake``: word vectors whose plain means are good sentence vectors."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from itertools import chain

from ..._pooling.baking import SAMPLE
from ..._text.corpus import Sample
from ..._text.tables import TextTable
from ..._util.counted import counted
from ...convert import BINARY, EPFML, FOLDERS, NATIVE, TEXT, format_from_name, load_vectors, write_vectors
from ...keyedvectors import Sent2VecKeyedVectors
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_force,
    add_model,
    add_texts,
    reject_columns,
    texts_of,
)
from ..files import check_output, say_replaced

FORMATS = (NATIVE, TEXT, BINARY, *FOLDERS)


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "bake",
        run,
        summary="fold a model's weighting into its word vectors",
        details="For programs that average word vectors. The model must have a weighting, which training fits by "
        "default. With the training corpus, vectors are fitted to its sentences and its rare words get vectors "
        "too, which brings plain means close to the vectors of encode.",
        examples=[
            "gensim-sent2vec bake my.model baked.vec.gz --corpus corpus.txt",
            "gensim-sent2vec bake my.model my-m2v --corpus corpus.txt --to model2vec",
        ],
    )
    add_model(parser)
    add_file(parser, "target", metavar="OUT", help="its suffix selects the format, as for convert")
    add_texts(
        parser, "--corpus", metavar="CORPUS", action="append", help="one sentence per line, or a table; repeatable"
    )
    parser.add_argument(
        "--to",
        choices=FORMATS,
        metavar="FORMAT",
        help=f"format of OUT, whatever its suffix: {', '.join(FORMATS)}; the last two write a folder and need the "
        "extra [static]",
    )
    add_force(parser)
    add_columns(parser)


def run(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, trusted=args.trusted)
    output_format = args.to or format_from_name(args.target)
    if output_format == EPFML:
        raise ValueError(
            f"OUT: {args.target!r} has the suffix of the reference program's format, which cannot hold baked vectors; "
            "choose another suffix, or pass --to"
        )
    if args.corpus is None:
        reject_columns(args, "says how --corpus is read, which is missing")
    corpus = texts_of(args, args.corpus) if args.corpus else None
    replaced = check_output(args.target, output_format, (args.model, *(corpus.paths if corpus else ())), args.force)
    if output_format in FOLDERS and find_spec(output_format.replace("-", "_")) is None:
        raise ImportError(f'--to {output_format} needs {output_format}: pip install "gensim-sent2vec[static]"')
    baked = _bake(wv, corpus)
    write_vectors(baked, args.target, output_format)
    size = f"{counted(len(baked), 'word')}, {counted(baked.vector_size, 'dimension')}"
    print(f"{args.target}: {output_format}, {size}", file=sys.stderr)
    say_replaced(args.target, replaced)


def _bake(wv: Sent2VecKeyedVectors, corpus: TextTable | None) -> Sent2VecKeyedVectors:
    """Read the corpus once, for its words and for a sample of its sentences."""
    if corpus is None:
        return wv.bake()
    sample = Sample(SAMPLE)
    words = dict.fromkeys(chain.from_iterable(sample.record(wv.token_lists(corpus))))
    return wv.bake(words, sample.sentences)
