"""What the parsers of the commands have in common: how a command is added, and a helper per kind of argument."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Any, TypeAlias

from .._text.formats import FORMATS
from .._text.tables import ANSWER, QUESTION, Missing, TextTable
from .._util.missing import check_exists, check_input
from ..phrases import load_phrases
from .completion import FILES

WIDTH = 78  # columns of a description, as argparse leaves on a terminal of 80

Subcommands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Container: TypeAlias = "argparse._ActionsContainer"  # a parser or one of its groups


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions and examples, and gives option names a wide column."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 32, **options})


def add_command(
    commands: Subcommands,
    name: str,
    run: Callable[[argparse.Namespace], None],
    summary: str,
    details: str,
    examples: Sequence[str],
) -> argparse.ArgumentParser:
    """Add the parser of a command.

    Parameters
    ----------
    commands : argparse subparsers
    name : str
    run : callable
        The function that executes the command, given the parsed arguments.
    summary : str
        One line for the list of commands, starting in lower case, without a full stop.
    details : str
        A paragraph for the help of the command.
    examples : sequence of str
        Command lines that work.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{fill(details, WIDTH)}",
        epilog="\n  ".join(["examples:" if len(examples) > 1 else "example:", *examples]),
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run, example=examples[0])
    return parser


# -----------------------------------------------------------------------------------------------------
# Kinds of arguments


def add_file(to: Container, *names: str, **options: Any) -> None:
    """Add an argument that takes file names, which shells complete."""
    to.add_argument(*names, **options).complete = FILES  # type: ignore[attr-defined]


def add_flag(to: Container, name: str, help: str) -> None:
    to.add_argument(name, action="store_true", help=help)


def add_int(to: Container, *names: str, help: str, default: int | None = None) -> None:
    shown = "" if default is None else f" (default: {default})"
    to.add_argument(*names, type=int, metavar="N", default=default, help=help + shown)


def add_float(to: Container, name: str, help: str, default: float | None = None) -> None:
    shown = "" if default is None else f" (default: {default:g})"
    to.add_argument(name, type=float, metavar="X", default=default, help=help + shown)


# -----------------------------------------------------------------------------------------------------
# Arguments of several commands


def add_model(to: Container) -> None:
    add_file(to, "model", metavar="MODEL", help="a model or a file of vectors, in any format that convert reads")
    add_trusted(to)


def add_texts(to: Container, *names: str, help: str, **options: Any) -> None:
    """Add an argument for files of texts; with `add_columns`, `texts_of` reads them."""
    add_file(to, *names, help=f"{help}; see --column", **options)


def add_columns(parser: argparse.ArgumentParser, keys: str | None = None) -> None:
    """Add the options that say how files of texts are read; --key only if `keys` says what the keys are for."""
    group = parser.add_argument_group(
        "files of texts",
        "plain text, .csv, .tsv, .jsonl, .parquet, also compressed; several, folders of these, or - for standard input",
    )
    group.add_argument(
        "--column",
        metavar="NAME",
        help="the column with the texts (default: the one called text, sentence, question, ...); a number from 1 if "
        "there is no header",
    )
    if keys is not None:
        group.add_argument("--key", metavar="NAME", help=f"the column with {keys}")
    add_format(group)
    add_flag(group, "--skip-missing", help="leave out rows without a text")


def add_question_columns(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how files of questions and answers are read."""
    group = parser.add_argument_group(
        "files of questions", ".csv, .tsv, .jsonl, .parquet, also compressed; or folders of these"
    )
    for name, what in (("--column", QUESTION), ("--key", ANSWER)):
        group.add_argument(
            name,
            metavar="NAME",
            help=f"the column with the {what}s (default: {what}); a number from 1 if there is no header",
        )
    add_format(group)
    add_flag(group, "--skip-missing", help="leave out rows without a question or answer")


def columns_of_questions(args: argparse.Namespace) -> tuple[str, str]:
    """The columns with the questions and the answers."""
    return args.column or QUESTION, args.key or ANSWER


def missing_of(args: argparse.Namespace) -> Missing:
    """What to do with incomplete rows."""
    return "skip" if args.skip_missing else "error"


def add_format(to: Container) -> None:
    names = ", ".join(FORMATS)
    to.add_argument(
        "--format", choices=FORMATS, metavar="NAME", help=f"format of the files, whatever their names: {names}"
    )


def texts_of(args: argparse.Namespace, paths: str | Sequence[str]) -> TextTable:
    """The texts of files, read as the options of `add_columns` say."""
    for path in [paths] if isinstance(paths, str) else paths:
        check_input(path, expected="a file or folder of texts")
    return TextTable(paths, args.column, getattr(args, "key", None), args.format, missing_of(args))


def phrases_of(args: argparse.Namespace) -> Any:
    """The phrases of the option --phrases."""
    check_exists(args.phrases, "--phrases", "phrases that gensim's Phrases.save or FrozenPhrases.save wrote")
    return load_phrases(args.phrases, args.trusted)


def reject_columns(args: argparse.Namespace, why: str) -> None:
    """Raise a ValueError if an option of `add_columns` was passed although no file of texts is read."""
    for name in ("column", "key", "format", "skip_missing"):
        if getattr(args, name, None):
            raise ValueError(f"--{name.replace('_', '-')}: {why}")


def add_trusted(to: Container) -> None:
    add_flag(
        to,
        "--trusted",
        help="load all classes: models and phrases are pickles, which can execute code; only for files that you trust",
    )


def add_force(to: Container) -> None:
    add_flag(to, "--force", help="replace an existing output of any kind")


def add_workers(to: Container, unit: str = "threads") -> None:
    add_int(to, "--workers", help=f"{unit} (default: all CPUs)")


def add_plain(to: Container) -> None:
    add_flag(to, "--plain", help="ignore the model's weighting: sentence vectors are plain means")


def add_phrases(to: Container) -> None:
    add_file(to, "--phrases", metavar="FILE", help="join phrases with a saved gensim Phrases or FrozenPhrases")
