"""The command ``tokenize``: from a text file to a file of tokens."""

from __future__ import annotations

import argparse

from ..._text.tokenization import Tokenization, tokenize_file
from ..._util.parameters import check_int
from ..._util.threads import available_cpus
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_force,
    add_phrases,
    add_texts,
    add_trusted,
    add_workers,
    phrases_of,
    texts_of,
)
from ..files import TOKENS, check_output, say_replaced


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "tokenize",
        run,
        summary="tokenize texts, one per line",
        details="Tokenize a corpus once, then train on the result as often as you like with --tokenized. The output is "
        "moved into place once it is complete.",
        examples=[
            "gensim-sent2vec tokenize corpus.txt corpus.tokens --tokenizer kiwi",
            "gensim-sent2vec tokenize reviews.csv reviews.tokens --column review --tokenizer words",
            "gensim-sent2vec train corpus.tokens my.model --tokenized --tokenizer kiwi",
        ],
    )
    add_texts(parser, "source", metavar="CORPUS", nargs="+", help="one sentence per line, or tables")
    add_file(
        parser,
        "target",
        metavar="OUT",
        help="tokens separated by spaces; compressed if its suffix says so; -: standard output",
    )
    parser.add_argument("--tokenizer", metavar="NAME", required=True, help="simple, words, kiwi, mecab, kiwi:N,V, ...")
    add_phrases(parser)
    add_trusted(parser)
    add_force(parser)
    add_workers(parser, unit="processes")
    add_columns(parser)


def run(args: argparse.Namespace) -> None:
    texts = texts_of(args, args.source)
    if args.target != "-":
        replaced = check_output(args.target, TOKENS, (*texts.paths, args.phrases), args.force)
    phrases = phrases_of(args) if args.phrases else None
    if args.target == "-":
        workers = available_cpus() if args.workers is None else check_int("--workers", args.workers, 1)
        for line in Tokenization(args.tokenizer, phrases).lines(texts, workers):
            print(line)
        return
    tokenize_file(texts, args.target, args.tokenizer, phrases, args.workers)
    say_replaced(args.target, replaced)
