"""The Sphinx directive ``examples``: a section for each program in examples/, generated from what it says about itself.

A docstring describes a program, the first cell a notebook, and README.md a folder, up to its first section.
"""

import ast
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from command_page import marked
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

EXAMPLES = Path(__file__).parents[1] / "examples"


def programs(folder: Path = EXAMPLES) -> list[Path]:
    """Programs and notebooks, and folders that the tables of the README.md of examples/ list, in their order."""
    readme = (folder / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"^\| \[[^]]*\]\(([\w./-]+)\)", readme, flags=re.MULTILINE)
    order = {link.split("/")[0]: number for number, link in reversed(list(enumerate(links)))}
    found = [path for path in folder.glob("*") if path.suffix in (".py", ".ipynb") or path.name in order]
    return sorted(found, key=lambda path: (order.get(path.name, len(links)), path.name))


def description(path: Path) -> str:
    """What a program says about itself, as Markdown; the first paragraph is its title.

    Raises
    ------
    ValueError
        If it says nothing.
    """
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    elif path.suffix == ".ipynb":
        cell = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
        text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
    else:
        text = (path / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    if not text.strip():
        raise ValueError(f"examples/{path.name}: has no docstring, first Markdown cell or README.md to describe it")
    return text.strip().removeprefix("# ")


def section(path: Path) -> str:
    """The section of a program: its title, a link to its file, and the rest of its description."""
    title, _, rest = description(path).partition("\n\n")
    file = path / "README.md" if path.is_dir() else path
    link = f"{{download}}`{path.name} <../examples/{file.relative_to(path.parent).as_posix()}>`"
    text = fenced(rest) if path.suffix == ".py" else without_links(rest)
    return f"## {' '.join(title.split()).rstrip('.')}\n\n{link}\n\n{text}\n"


def without_links(markdown: str) -> str:
    """Links to other files of the repository, which the site does not have, become their text."""
    return re.sub(r"\[([^]]*)\]\((?!https?:)[^)]*\)", r"\1", markdown)


def fenced(docstring: str) -> str:
    """A docstring as Markdown: indented code is fenced, and options in the other paragraphs become code."""
    parts = re.split(r"((?:^(?: {4}.*)?\n)+)", f"{docstring}\n", flags=re.MULTILINE)
    return "".join(code_block(part) if part.lstrip("\n").startswith("    ") else marked(part) for part in parts)


def code_block(text: str) -> str:
    """Indented lines as a fenced block: Python, or commands."""
    code = textwrap.dedent(text.strip("\n"))
    language = "shell" if re.match(r"(pip|python|gensim-sent2vec|#) ?", code) else "python"
    return f"\n```{language}\n{code}\n```\n\n"


class Examples(SphinxDirective):
    """All sections."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(EXAMPLES / "README.md"))
        for path in programs():
            self.env.note_dependency(str(path / "README.md" if path.is_dir() else path))
        text = "\n".join(section(path) for path in programs())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("examples", Examples)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
