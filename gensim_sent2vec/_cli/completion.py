"""Shell completion: shtab generates a static script, so that pressing Tab does not have to start Python."""

from __future__ import annotations

import argparse
import sys
from typing import Any

# shtab's names for "complete a file name", per shell.
FILES = {
    "bash": "_shtab_compgen_files",
    "zsh": "_files",
    "tcsh": "f",
    "fish": "(__fish_complete_path (commandline -ct))",
    "powershell": "_shtab_powershell_compgen_files",
}
SHELLS = tuple(FILES)


class PrintCompletion(argparse.Action):
    """An option that prints the completion script for a shell and exits."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option_string: Any = None) -> None:
        try:
            import shtab
        except ImportError:
            parser.exit(2, f'{parser.prog}: {option_string} needs shtab: pip install "gensim-sent2vec[completion]"\n')
        sys.stdout.write(shtab.complete(parser, shell=values) + "\n")
        parser.exit()
