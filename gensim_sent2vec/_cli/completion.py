"""Completion of the command line by the shell: a script made by shtab, so that a TAB need not start Python."""

from __future__ import annotations

import argparse
import sys
from typing import Any

FILES = {  # how shtab is told, for each shell, that a file is meant
    "bash": "_shtab_compgen_files",
    "zsh": "_files",
    "tcsh": "f",
    "fish": "(__fish_complete_path (commandline -ct))",
    "powershell": "_shtab_powershell_compgen_files",
}
SHELLS = tuple(FILES)


class PrintCompletion(argparse.Action):
    """The option that prints the script for a shell, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        try:
            import shtab
        except ImportError:
            parser.exit(2, f'{parser.prog}: {option_string} needs shtab: pip install "gensim-sent2vec[completion]"\n')
        sys.stdout.write(shtab.complete(parser, shell=values) + "\n")
        parser.exit()
