"""The rooms of the package: who may import whom, and who may import which package. CONTRIBUTING.md has the map."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import paths
import pytest

import gensim_sent2vec

PACKAGE = Path(gensim_sent2vec.__file__).parent

# From the ground up. A module imports from its own floor and from those below it.
FLOORS = (
    ("_kernel", "version"),
    ("_util",),
    ("tokenizers", "phrases"),
    ("_text",),
    ("_files",),
    ("_pooling",),
    ("weighting",),
    ("_training",),
    ("_wordvectors", "keyedvectors"),
    ("model",),
    ("datasets", "epfml", "evaluation", "export", "history", "hnsw", "lexical", "plots", "_search", "search", "shrink"),
    ("convert", "mining", "vectorizer"),
    ("_distributed",),
    ("distributed",),
    ("_service",),
    ("_cli",),
    ("__init__", "__main__"),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# Methods of the vectors that users look for there; each imports its function when it is called.
UPWARD = {("keyedvectors", "export"), ("weighting", "_search.tuning")}

# Optional packages, and the modules that may import them.
OPTIONAL = {
    "fastapi": ("_service",),
    "keras": ("export",),
    "kiwipiepy": ("tokenizers",),
    "matplotlib": ("plots",),
    "mecab": ("tokenizers",),
    "model2vec": ("export",),
    "prometheus_client": ("_service",),
    "pyarrow": ("_distributed", "_text"),
    "pydantic": ("_service",),
    "ray": ("_distributed",),
    "sentence_transformers": ("convert", "export"),
    "shtab": ("_cli",),
    "sklearn": ("vectorizer",),
    "starlette": ("_service",),
    "tokenizers": ("_util", "_text", "export"),
    "torch": ("export",),
    "usearch": ("hnsw",),
    "uvicorn": ("_service",),
}


@cache
def imports() -> dict[str, set[str]]:
    """Module -> what it imports, under TYPE_CHECKING and inside functions too; our own modules without the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = set(imported_by(path, parts[:-1]))
    return found


def imported_by(path: Path, package: tuple[str, ...]) -> Iterator[str]:
    """What a file imports: ``.room.module`` for our own modules, the name of the package for others."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            base = tuple(part for part in base if part)
            for alias in node.names:
                target = PACKAGE.joinpath(*base, alias.name)
                is_module = target.is_dir() or target.with_suffix(".py").exists() or target.with_suffix(".pyi").exists()
                yield "." + ".".join((*base, alias.name) if is_module else base)


def own(name: str) -> set[str]:
    """The modules of the package that a module imports."""
    return {target[1:] or "__init__" for target in imports()[name] if target.startswith(".")}


def test_every_module_has_a_floor():
    rooms = {name.partition(".")[0] for name in imports()}
    assert rooms | {"_kernel"} == set(FLOOR_OF)


@pytest.mark.parametrize("name", sorted(imports()))
def test_imports_run_downward(name):
    room = name.partition(".")[0]
    for target in own(name):
        above = FLOOR_OF[target.partition(".")[0]] > FLOOR_OF[room]
        assert not above or (name, target) in UPWARD, f"{name} imports {target}, which lies above it"


def test_there_is_no_circle():
    graph = {name: own(name) - {target for source, target in UPWARD if source == name} for name in imports()}
    TopologicalSorter(graph).prepare()  # raises a CycleError that names the modules


def test_upward_imports_are_lazy():
    """They stand inside a function, so that importing the lower module does not import the upper one."""
    for source, target in UPWARD:
        tree = ast.parse((PACKAGE / f"{source}.py").read_text(encoding="utf-8"))
        assert target in {t.lstrip(".") for t in imports()[source]}
        top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        assert not [node for node in top if isinstance(node, ast.ImportFrom) and node.module == target]


def test_optional_packages_are_imported_by_those_who_need_them():
    for name, targets in imports().items():
        for package in targets & set(OPTIONAL):
            assert name.partition(".")[0] in OPTIONAL[package], f"{name} imports {package}"


# -----------------------------------------------------------------------------------------------------
# Declared dependencies

PUBLIC = sorted(name for name in imports() if not re.search(r"(^|\.)_", name))

WITHOUT = """
import importlib, sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"not declared: {name}", name=name)

REFUSED = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Refused())
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        if 'pip install "gensim-sent2vec[' not in str(error):
            print(name, error)
"""


@cache
def undeclared_packages() -> str:
    """The import names of all installed packages but the declared dependencies and what those depend on."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted, seen = list(project["dependencies"]), set()
    while wanted:
        requirement = wanted.pop()
        name = re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")
        if name in seen or "extra ==" in requirement:
            continue
        seen.add(name)
        with suppress(importlib.metadata.PackageNotFoundError):  # of another Python version or system
            wanted += importlib.metadata.requires(name) or []
    by_import = importlib.metadata.packages_distributions()
    seen.add("gensim-sent2vec")
    return ",".join(top for top, names in by_import.items() if not {n.lower().replace("_", "-") for n in names} & seen)


def test_what_is_imported_is_declared():
    """Itself, not only by way of a package that happens to depend on it."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.match(r"[\w.-]+", requirement)[0] for requirement in project["dependencies"]}
    imported = {target for targets in imports().values() for target in targets if not target.startswith(".")}
    third_party = imported - set(sys.stdlib_module_names) - set(OPTIONAL) - {"gensim_sent2vec"}
    assert third_party == declared


def test_declared_dependencies_suffice():
    """Every public module imports with nothing else installed, or names the extra that it needs."""
    names = [f"gensim_sent2vec.{name}".removesuffix(".__init__") for name in PUBLIC]
    command = [sys.executable, "-c", WITHOUT, undeclared_packages(), *names]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


def test_importing_the_package_loads_no_optional_one():
    code = "import sys; from gensim_sent2vec import *; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & (set(OPTIONAL) - {"tokenizers"})
