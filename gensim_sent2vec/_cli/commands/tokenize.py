"""The command ``tokenize``: from a text file to a file of tokens."""

from __future__ import annotations

import argparse

from ..._text.tokenization import tokenize_file
from ...phrases import load_phrases
from ..arguments import Subcommands, add_command, add_file, add_force, add_phrases, add_trusted, add_workers
from ..files import TOKENS, check_output


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "tokenize",
        run,
        summary="tokenize a text file line by line",
        details="Tokenize a corpus once, then train on the result as often as you like with --tokenized. The output is "
        "moved into place once it is complete.",
        examples=[
            "gensim-sent2vec tokenize corpus.txt corpus.tokens --tokenizer kiwi",
            "gensim-sent2vec train corpus.tokens my.model --tokenized --tokenizer kiwi",
        ],
    )
    add_file(
        parser, "source", metavar="CORPUS", help="one sentence per line; may be compressed; - reads standard input"
    )
    add_file(parser, "target", metavar="OUT", help="tokens separated by spaces; compressed according to its suffix")
    parser.add_argument("--tokenizer", metavar="NAME", required=True, help="simple, words, kiwi, mecab, kiwi:N,V, ...")
    add_phrases(parser)
    add_trusted(parser)
    add_force(parser)
    add_workers(parser, unit="processes")


def run(args: argparse.Namespace) -> None:
    check_output(args.target, TOKENS, (args.source, args.phrases), args.force)
    phrases = load_phrases(args.phrases, args.trusted) if args.phrases else None
    tokenize_file(args.source, args.target, args.tokenizer, phrases, args.workers)
