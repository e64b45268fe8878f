"""The Sphinx directive ``benchmark``: a table generated from benchmarks/results by the script that measured it.

    ```{benchmark} quality-ablation
    :rows: the default; a = 1e-3; a = 1e-4
    ```

inserts the table of that name, or only the given rows of it, from the results of the installed version.
"""

import importlib
import json
import sys
from functools import cache
from importlib.util import find_spec
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
    """All tables of the stored results, as Markdown by name."""
    made: dict[str, str] = {}
    sys.path.insert(0, str(BENCHMARKS))
    try:
        for path in sorted(RESULTS.glob("*.json")):
            if find_spec(path.stem) is not None:
                made |= importlib.import_module(path.stem).tables(json.loads(path.read_text()))
    finally:
        sys.path.remove(str(BENCHMARKS))
    return made


def chosen(table: str, rows: list[str]) -> str:
    """The header of a table and the rows with the given names, in the order of `rows`.

    Raises
    ------
    ValueError
        If the table has no row of that name.
    """
    lines = [line for line in table.splitlines() if line.startswith("|")]
    of = {line.split("|")[1].strip(): line for line in lines[2:]}
    if missing := [name for name in rows if name not in of]:
        raise ValueError(f"rows: no row {missing[0]!r}; the rows are {', '.join(of)}")
    return "\n".join([*lines[:2], *(of[name] for name in rows)])


class Benchmark(SphinxDirective):
    """A table by its name, or some of its rows: ``:rows:`` with names separated by semicolons."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"rows": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in tables():
            raise self.error(f"benchmark: no table {name!r}; the tables are {', '.join(tables())}")
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
