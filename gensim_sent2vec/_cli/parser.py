"""The parser of the whole command line."""

from __future__ import annotations

import argparse
from typing import Any

from ..version import __version__
from .arguments import HelpFormatter
from .commands import bake, convert, demo, encode, evaluate, index, info, serve, shrink, similar, tokenize, train, tune
from .completion import SHELLS, PrintCompletion

COMMANDS = (demo, train, encode, similar, tokenize, evaluate, tune, index, serve, convert, bake, shrink, info)

EPILOG = """\
exit status:
  0    success
  2    invalid input, or a missing file or package; one line says what to do
  130  interrupted by Ctrl-C; train saves the model as trained so far
  141  broken pipe: the program reading the output has exited

Results go to standard output. Progress goes to standard error: a bar on a
terminal, one line per minute elsewhere. MODEL is a saved model, a file of
vectors, a .bin file of the reference Sent2Vec program, or a word2vec file.
"""


class CommandParser(argparse.ArgumentParser):
    """Accepts options before, between and after the positional arguments, which argparse by itself does not."""

    _entered = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._entered:  # parse_known_intermixed_args calls this method again in Python 3.10 and 3.11
            return super().parse_known_args(args, namespace)
        self._entered = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._entered = False


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; in its result, `command` is the name of the command and `run` the function to call."""
    parser = argparse.ArgumentParser(
        prog="gensim-sent2vec",
        description="Sent2Vec sentence embeddings for gensim.\n\n"
        "For the options of a command, run: gensim-sent2vec COMMAND --help",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"gensim-sent2vec {__version__}", help="show the version and exit"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log each step to standard error")
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        metavar="SHELL",
        help=f"print a completion script for {', '.join(SHELLS[:-1])} or {SHELLS[-1]}, and exit (needs shtab)",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands", parser_class=CommandParser
    )
    for command in COMMANDS:
        command.add_parser(commands)
    return parser
