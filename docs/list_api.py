"""List the public API of the installed package, one line per name with its signature, to compare versions.

    python docs/list_api.py > before.txt      # with one version installed
    python docs/list_api.py > after.txt       # with another version installed
    diff before.txt after.txt

The list contains the names in ``gensim_sent2vec.__all__`` and the public definitions of the documented modules. Modules
whose extra is not installed are reported on standard error.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import gensim_sent2vec

MODULES = (
    "convert", "datasets", "distributed", "evaluation", "export", "history", "hnsw", "lexical", "mining", "phrases",
    "plots", "shrink", "tokenizers", "vectorizer",
)  # fmt: skip


def signature(value: Any) -> str:
    """The parameters and their defaults. Annotations are left out, as equal ones can be written differently."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return "(…)"
    plain = (parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters)
    return re.sub(r" at 0x[0-9a-f]+", "", f"({', '.join(map(str, plain))})")


def lines_of(name: str, value: Any) -> Iterator[str]:
    """The lines of a class and its public attributes, of a function, or of a constant."""
    if inspect.isclass(value):
        yield f"{name}{signature(value)}"
        for attribute in dir(value):
            if attribute.startswith("_"):
                continue
            member = inspect.getattr_static(value, attribute)
            function = getattr(value, attribute)
            yield f"{name}.{attribute}" + (signature(function) if callable(function) else f" <{type(member).__name__}>")
    elif callable(value):
        yield f"{name}{signature(value)}"
    else:
        yield f"{name} <{type(value).__name__}>"


def defined_in(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The public functions and classes that a module defines, not those that it imports."""
    for name, value in vars(module).items():
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__:
            yield name, value


def main() -> None:
    lines = set()
    for name in gensim_sent2vec.__all__:
        lines.update(lines_of(name, getattr(gensim_sent2vec, name)))
    for short in MODULES:
        try:
            module = importlib.import_module(f"gensim_sent2vec.{short}")
        except ImportError as error:
            print(f"{short}: not listed: {error}", file=sys.stderr)
            continue
        for name, value in defined_in(module):
            lines.update(lines_of(f"{short}.{name}", value))
    print("\n".join(sorted(lines)))


if __name__ == "__main__":
    main()
