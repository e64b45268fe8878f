"""The entry point ``gensim-sent2vec COMMAND ...``: runs a command and turns errors into one line and an exit status."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from functools import partial
from typing import Any, TextIO

from .parser import build_parser


def main(argv: list[str] | None = None) -> None:
    """Run a command.

    Parameters
    ----------
    argv : list of str, optional
        The arguments; by default those of the process.

    Raises
    ------
    SystemExit
        With status 2 and one line on standard error for invalid input, 130 after Ctrl-C, 141 after a broken pipe.
    """
    args = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("gensim_sent2vec.progress").setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_show_warning, args.command)
            args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ValueError, TypeError, OSError, MemoryError, ImportError) as error:
        print(f"gensim-sent2vec {args.command}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


def _show_warning(command: str, message: Warning | str, *_: Any) -> None:
    """Print a warning as one line, without the place in the code."""
    print(f"gensim-sent2vec {command}: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _discard(stream: TextIO) -> None:
    """Redirect a broken pipe to nowhere, so that the interpreter's flush at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
