"""The command line: ``gensim-sent2vec COMMAND …``, run with quiet ends and clear errors."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from . import commands  # a command is its function there
from .arguments import parser


def _silence(stream: TextIO) -> None:
    """After a broken pipe: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main(argv: list[str] | None = None) -> None:
    """Run a command; exit status 2 with one line on bad input, 130 on a Ctrl-C."""
    args = parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("gensim_sent2vec.progress").setLevel(logging.INFO)
    try:
        getattr(commands, args.command)(args)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ValueError, TypeError, OSError, MemoryError, ImportError) as error:
        print(f"gensim-sent2vec {args.command}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
