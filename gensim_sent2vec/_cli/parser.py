"""The parser of the whole command line."""

from __future__ import annotations

import argparse
import re
from difflib import get_close_matches
from typing import Any, NoReturn

from .._util.hints import closest_option
from ..version import __version__
from .arguments import HelpFormatter
from .commands import (
    bake,
    convert,
    demo,
    duplicates,
    encode,
    evaluate,
    index,
    info,
    serve,
    shrink,
    similar,
    tokenize,
    train,
    tune,
)
from .completion import SHELLS, PrintCompletion

COMMANDS = (
    demo,
    train,
    encode,
    similar,
    duplicates,
    tokenize,
    evaluate,
    tune,
    index,
    serve,
    convert,
    bake,
    shrink,
    info,
)

# What the commands are called elsewhere.
OTHER_NAMES = {
    "embed": "encode",
    "vectors": "encode",
    "print-sentence-vectors": "encode",
    "fit": "train",
    "sent2vec": "train",
    "search": "similar",
    "query": "similar",
    "nn": "similar",
    "nnsent": "similar",
    "nearest": "similar",
    "neighbors": "similar",
    "analogies": "similar",
    "test": "evaluate",
    "eval": "evaluate",
    "score": "evaluate",
    "build": "index",
    "quantize": "shrink",
    "compress": "shrink",
    "export": "convert",
    "describe": "info",
    "show": "info",
    "server": "serve",
    "run": "serve",
}

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
            known, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._entered = False
        if unknown:
            self.error(self._explain(unknown))
        return known, unknown

    def _explain(self, unknown: list[str]) -> str:
        """What is wrong with arguments that are left over, and what was meant."""
        option = next((word.partition("=")[0] for word in unknown if word.startswith("-")), None)
        if option is None:
            return f"{', '.join(map(repr, unknown))}: too many arguments"
        names = {name.lstrip("-").replace("-", "_"): name for action in self._actions for name in action.option_strings}
        meant = closest_option(option.lstrip("-").replace("-", "_"), tuple(names))
        return f"{option}: unknown option" + (f"; did you mean {names[meant]}?" if meant else "")

    def error(self, message: str) -> NoReturn:
        """Exit with one line: the error, a call that works, and where to read more."""
        example = self.get_default("example")
        self.exit(2, f"{self.prog}: {message}; for example: {example} (see {self.prog} --help)\n")


class MainParser(argparse.ArgumentParser):
    """The parser of the program; it suggests the command that was meant."""

    def error(self, message: str) -> NoReturn:
        found = re.search(r"invalid choice: '(.*?)'", message)
        if found is None or "COMMAND" not in message:
            message = message.replace("the following arguments are required: COMMAND", "a command is missing")
            self.exit(2, f"{self.prog}: {message}; for example: gensim-sent2vec demo (see {self.prog} --help)\n")
        if found[1] == "help":
            self.print_help()
            self.exit()
        names = [command.__name__.rpartition(".")[2] for command in COMMANDS]
        wanted = OTHER_NAMES.get(found[1].lower(), found[1].lower())
        close = wanted if wanted in names else next(iter(get_close_matches(wanted, names, 1)), None)
        hint = f"did you mean {close}?" if close else f"the commands are {', '.join(names)}"
        self.exit(2, f"{self.prog}: there is no command {found[1]!r}; {hint} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; in its result, `command` is the name of the command and `run` the function to call."""
    parser = MainParser(
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
