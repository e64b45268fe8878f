"""Figures in the pages: tables made from benchmarks/results by the scripts that measured them, never typed.

    ```{benchmark} quality-ablation
    :rows: the default; a = 1e-3; a = 1e-4
    ```

is the table of that name in the README.md, or some rows of it, of the results of this version.
"""

import importlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gensim_sent2vec import __version__

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
RESULTS = BENCHMARKS / "results" / __version__


@cache
def tables() -> dict[str, str]:
    """The Markdown of every table, by name, from all results that a script can report."""
    made: dict[str, str] = {}
    sys.path.insert(0, str(BENCHMARKS))
    try:
        for path in sorted(RESULTS.glob("*.json")):
            if (BENCHMARKS / f"{path.stem}.py").exists():
                made |= importlib.import_module(path.stem).tables(json.loads(path.read_text()))
    finally:
        sys.path.remove(str(BENCHMARKS))
    return made


def chosen(table: str, rows: list[str]) -> str:
    """A table's header and the rows that begin with these names, in the order asked for.

    Raises
    ------
    ValueError
        Where there is no such row.
    """
    lines = [line for line in table.splitlines() if line.startswith("|")]
    of = {line.split("|")[1].strip(): line for line in lines[2:]}
    if missing := [name for name in rows if name not in of]:
        raise ValueError(f"there is no row {missing[0]!r}; there are {', '.join(of)}")
    return "\n".join([*lines[:2], *(of[name] for name in rows)])


class Benchmark(SphinxDirective):
    """The directive ``benchmark``: a table by its name, whole or the `rows` named, separated by semicolons."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"rows": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in tables():
            raise self.error(f"benchmark: there is no table {name!r}; there are {', '.join(tables())}")
        table = tables()[name]
        for path in RESULTS.glob("*.json"):
            self.env.note_dependency(str(path))
        if "rows" in self.options:
            try:
                table = chosen(table, [row.strip() for row in self.options["rows"].split(";")])
            except ValueError as error:
                raise self.error(f"benchmark {name}: {error}") from None
        return self.parse_text_to_nodes(table)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
