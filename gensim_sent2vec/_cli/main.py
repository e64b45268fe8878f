"""The entry point ``gensim-sent2vec COMMAND ...``: runs a command and turns errors into one line and an exit status."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from functools import partial
from typing import Any, NoReturn, TextIO

from .._util import memory
from .._util.threads import thread_failure
from .startup import parse


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
    name = "gensim-sent2vec"
    try:
        args = parse(argv)
        name = f"{name} {args.command}"
        _log_to_stderr(args.verbose)
        with warnings.catch_warnings():
            warnings.showwarning = partial(_show_warning, name)
            args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ValueError, TypeError, OSError, MemoryError, ImportError) as error:
        _fail(name, memory.explained(error))
    except RuntimeError as error:
        refused = thread_failure(error)
        if refused is None:
            raise
        _fail(name, str(refused))


def _log_to_stderr(verbose: bool) -> None:
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", stream=sys.stderr)
    for name in ("progress", "columns", "tokens"):
        logging.getLogger(f"gensim_sent2vec.{name}").setLevel(logging.INFO)


def _fail(name: str, text: str) -> NoReturn:
    print(f"{name}: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(2)


def _show_warning(name: str, message: Warning | str, *_: Any) -> None:
    """Print a warning as one line, without the place in the code."""
    print(f"{name}: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _discard(stream: TextIO) -> None:
    """Redirect a broken pipe to nowhere, so that the interpreter's flush at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
