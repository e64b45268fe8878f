"""The Sphinx directive ``commands``: documents the command line, generated from its parsers."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gensim_sent2vec._cli.parser import build_parser


class Commands(SphinxDirective):
    """A section for the program and for each command: description, usage, arguments, examples."""

    def run(self) -> list[nodes.Node]:
        text = "\n".join(section(build_parser()))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def section(parser: argparse.ArgumentParser, level: int = 2) -> Iterator[str]:
    """A parser as Markdown, followed by the parsers of its commands."""
    yield f"{'#' * level} {parser.prog.split()[-1]}\n"
    yield f"{marked(parser.description or '')}\n"
    usage = re.sub(r"^ {7}", "", parser.format_usage().removeprefix("usage: "), flags=re.MULTILINE)
    yield f"```text\n{usage}```\n"
    subparsers: dict[str, argparse.ArgumentParser] = {}
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.dest != "help"]
        for action in list(actions):
            if isinstance(action, argparse._SubParsersAction):
                subparsers = action.choices
                actions.remove(action)
        if actions:
            yield f"**{(group.title or '').capitalize()}**\n"
            yield from map(definition, actions)
    if parser.epilog:
        first, _, more = parser.epilog.partition("\n\n")
        title, _, rest = first.partition("\n")
        language = "shell" if title.startswith("example") else "text"
        yield f"**{title.rstrip(':').capitalize()}**\n\n```{language}\n{dedented(rest)}\n```\n\n{marked(more)}\n"
    for sub in subparsers.values():
        yield from section(sub, level + 1)


def definition(action: argparse.Action) -> str:
    """An argument and its help as an item of a definition list."""
    value = f" {action.metavar or '|'.join(action.choices or ())}" if action.nargs != 0 else ""
    names = [f"`{name}{value}`" for name in action.option_strings] or [f"`{action.metavar}`"]
    return f"{', '.join(names)}\n: {marked((action.help or '').replace('%%', '%'))}\n"


def marked(text: str) -> str:
    """Mark options as code, because Markdown turns two hyphens into a dash."""
    return re.sub(r"(?<![\w`-])--[a-z][\w-]*", r"`\g<0>`", text)


def dedented(text: str) -> str:
    """Remove the two spaces that lines begin with in the help."""
    return re.sub(r"^ {2}", "", text.rstrip(), flags=re.MULTILINE)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
