"""The command ``convert``: a model in another file format."""

from __future__ import annotations

import argparse
import os
import sys

from ...convert import FORMATS, format_from_name
from ...convert import convert as convert_file
from ..arguments import Subcommands, add_command, add_file, add_force, add_trusted
from ..files import check_output, say_replaced


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "convert",
        run,
        summary="convert a model to another file format",
        details="Formats are native files, .bin files of the reference Sent2Vec program, and word2vec text and binary; "
        "IN may also be pretrained vectors: a folder of model2vec, a file of wordllama, or the word wordllama for the "
        "installed package. "
        "The format of IN is detected from its content. Converting a .bin to the native format takes less than "
        "200 MB of memory, whatever its size. word2vec files hold words only; what they cannot hold is left out "
        "with a warning.",
        examples=[
            "gensim-sent2vec convert model.bin model.s2v",
            "gensim-sent2vec convert my.model words.vec.gz",
            "gensim-sent2vec convert potion-base-8M potion.s2v",
        ],
    )
    add_file(
        parser,
        "source",
        metavar="IN",
        help="a file or folder in any of these formats; word2vec files may be compressed",
    )
    add_file(
        parser,
        "target",
        metavar="OUT",
        help="its suffix selects the format: .bin: reference; .txt, .vec: word2vec text; .w2v.bin: word2vec binary "
        "(these also with .gz); any other: native",
    )
    parser.add_argument(
        "--to", choices=FORMATS, metavar="FORMAT", help=f"format of OUT, whatever its suffix: {', '.join(FORMATS)}"
    )
    add_force(parser)
    add_trusted(parser)


def run(args: argparse.Namespace) -> None:
    replaced = check_output(args.target, args.to or format_from_name(args.target), [args.source], args.force)
    output_format = convert_file(args.source, args.target, args.to, args.trusted)
    print(f"{args.target}: {output_format}, {os.path.getsize(args.target):,} bytes", file=sys.stderr)
    say_replaced(args.target, replaced)
