"""The code of the pages and docstrings runs, on the data that ships with gensim; the pages are complete and build."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import paths
import pytest
from gensim.models.doc2vec import Doc2Vec, TaggedDocument
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

import gensim_sent2vec
from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._cli.main import main
from gensim_sent2vec.datasets import lee_documents

ROOT = paths.ROOT
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Code that takes long: training with two million n-gram rows, as the reference program does by default; clusters.
PAGES_BY_COST = [
    pytest.param(page, marks=pytest.mark.slow) if page.name in ("reference-program.md", "distributed.md") else page
    for page in PAGES
]
MODULES = [
    "gensim_sent2vec",
    *(
        module.name
        for module in pkgutil.walk_packages(gensim_sent2vec.__path__, "gensim_sent2vec.")
        if not module.name.endswith("__main__")
    ),
]
PUBLIC = [module for module in MODULES if "._" not in module]
# Packages that a module, or all modules of a package, cannot be imported without.
OPTIONAL_IMPORTS = {
    "gensim_sent2vec.vectorizer": ["sklearn"],
    "gensim_sent2vec._service": ["fastapi", "uvicorn", "prometheus_client"],
}
# Packages that code on the pages needs, by a word in it.
OPTIONAL = {
    "wordllama": "wordllama",  # has files of pretrained vectors
    "from_model2vec": "tokenizers",
    "with_pretrained": "wordllama",
    "pretrained=": "wordllama",
    "model2vec": "model2vec",
    "SentenceTransformer": "sentence_transformers",
    "import fasttext": "fasttext",
    "from fse ": "fse",
    "sklearn": "sklearn",
    "vectorizer": "sklearn",
    "kiwi": "kiwipiepy",
    "mecab": "mecab",
    "hnsw": "usearch",
    "pyarrow": "pyarrow",
    "ray.": "ray",
    "engine ray": "ray",
    "pyspark": "pyspark",
    "dask": "dask",
    "from datasets": "datasets",
    "--print-completion": "shtab",
}
NOT_RUN = ("demo", "serve")  # tested in test_commands.py and test_service.py
LANGUAGES = {"python", "shell", "text", "nginx"}  # and directives; README.md has commands without a language
EXTRAS_OF_DEVELOPERS = {"docs", "test", "lint"}


def blocks(page: Path, *languages: str) -> list[tuple[int, str]]:
    """The code blocks of a page in the given languages: the number of lines before each, and its text."""
    found: list[tuple[int, str]] = []
    language, first = None, 0
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if language is None:
            language, first = line[3:].strip(), number + 1
        else:
            if language in languages:
                found.append((first, "".join(lines[first:number])))
            language = None
    return found


def missing(code: str) -> str | None:
    """A package that the code needs and that is not installed."""
    return next((package for word, package in OPTIONAL.items() if word in code and not find_spec(package)), None)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with the files that the pages mention."""
    folder = tmp_path_factory.mktemp("world")
    articles = lee_documents("lee_background.cor")[:100]
    lines = [" ".join(simple_preprocess(line)) for article in articles for line in article.split(". ")]
    for name in "corpus.txt", "news.txt":
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in "new.txt", "faq.txt":
        (folder / name).write_text("\n".join(lines[:50]) + "\n", encoding="utf-8")
    pairs = [(5, lines[0], lines[0]), (3, lines[1], lines[1] + " today"), (0, lines[2], lines[30])]
    (folder / "pairs.tsv").write_text("".join(f"{score}\t{a}\t{b}\n" for score, a, b in pairs), encoding="utf-8")
    faq = [("role", "answer", "question"), ("index", 1, lines[0]), ("index", 2, lines[1]), ("query", 1, lines[0])]
    (folder / "faq.tsv").write_text("".join(f"{a}\t{b}\t{c}\n" for a, b, c in faq), encoding="utf-8")
    (folder / "faq.csv").write_text(
        "".join(f'"{line}",{i}\n' for line, i in [("question", "answer"), *zip(filter(None, lines), range(50))])
    )
    (folder / "reviews.csv").write_text(
        "".join(f'{i},"{line}"\n' for i, line in [("id", "review"), *enumerate(filter(None, lines))])
    )
    shutil.copy(paths.EPFML / "ngrams2.bin", folder / "model.bin")
    shutil.copy(datapath("lee_fasttext_new.bin"), folder / "fasttext.bin")
    model = Sent2Vec(corpus_file=folder / "corpus.txt", workers=1)
    model.save(folder / "my.model")
    model.wv.save(folder / "my.s2v")
    model.wv.save_word2vec_format(folder / "words.vec")
    return folder


@pytest.fixture
def here(world, tmp_path):
    """The working directory, with copies of those files."""
    shutil.copytree(world, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("page", PAGES_BY_COST, ids=lambda page: getattr(page, "name", None))
def test_the_python_of_a_page_runs(page, here, monkeypatch):
    """Each block after the ones above it, which define all names that it uses."""
    if page.name == "distributed.md":
        monkeypatch.setenv("HOME", str(here))  # Ray writes a token there
        monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    names = {"__name__": page.stem}
    for line, code in blocks(page, "python"):
        if package := missing(code):
            print(f"{page.name}, line {line}: skipped, {package} is not installed")
            continue
        exec(compile("\n" * line + code, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page, here, capsys):
    calls = [line for _, code in blocks(page, "", "shell") for line in code.splitlines()]
    for call in calls:
        words = shlex.split(call.partition(" > ")[0], comments=True)
        if words[:1] != ["gensim-sent2vec"] or words[1] in NOT_RUN or missing(call):
            continue
        try:
            main(words[1:])
        except SystemExit as end:
            assert not end.code, f"{page.name}: {call}\n{capsys.readouterr().err}"


def test_pages_have_code_to_run():
    """The two tests above do find code."""
    readme, start = PAGES[0], ROOT / "docs" / "start.md"
    for page in readme, start:
        assert blocks(page, "python")
        assert any("gensim-sent2vec train" in code for _, code in blocks(page, "", "shell"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_has_a_language_that_is_tested(page):
    """No block escapes the tests above by a label that they do not know, such as py or bash."""
    known = LANGUAGES | ({""} if page.name == "README.md" else set())
    opening = re.findall(r"^```(.*)\n(?:.*\n)*?```$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert {label.strip() for label in opening if not label.startswith("{")} <= known


COMPARISONS = [page for page in PAGES if page.stem.startswith("from-") or page.stem == "reference-program"]


def our_calls(page: Path) -> str:
    """The code in the tables of a comparison, without the first column, which is another program's."""
    rows = re.findall(r"^\|[^|]*\|(.*)\|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return " ".join(code for row in rows for code in re.findall(r"`([^`]*)`", row))


@pytest.mark.parametrize("page", COMPARISONS, ids=lambda page: page.name)
def test_the_calls_that_comparisons_recommend_exist(page, world):
    model = Sent2Vec.load(world / "my.model")
    objects = {"model": model, "wv": model.wv, "kv": model.wv, "index": SentenceIndex}
    classes = {cls.__name__: cls for cls in (Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting)}
    code = our_calls(page)
    attributes = re.findall(rf"\b({'|'.join(objects | classes)})\.([a-z]\w*)", code)
    assert attributes
    for name, attribute in attributes:
        assert hasattr((objects | classes)[name], attribute), f"{name}.{attribute}"
    for name, arguments in re.findall(r"\b(Sent2Vec|SentenceWeighting)\(([^()]*)\)", code):
        known = inspect.signature(classes[name]).parameters
        for argument in re.findall(r"(\w+)=", arguments):
            assert argument in known, f"{name}({argument}=…)"


def fitted_doc2vec(world):
    """Documents with tags, some attributes of which exist in instances only."""
    lines = (world / "news.txt").read_text(encoding="utf-8").splitlines()
    return Doc2Vec([TaggedDocument(line.split(), [line]) for line in lines[:50]], vector_size=5, min_count=1, epochs=1)


def fitted_tfidf(world):
    return importlib.import_module("sklearn.feature_extraction.text").TfidfVectorizer().fit(["one text", "another one"])


def fitted_fasttext(world):
    return importlib.import_module("fasttext").load_model(str(world / "fasttext.bin"))


# The page, the heading of its table, the package it needs, and what the names in the table's first column stand for.
OTHERS = [
    ("from-doc2vec", "Doc2Vec", "gensim", {"model": fitted_doc2vec}),
    ("from-fasttext", "fastText", "fasttext", {"model": fitted_fasttext, "fasttext": "fasttext"}),
    ("from-scikit-learn", "scikit-learn", "sklearn", {"vectorizer": fitted_tfidf}),
    (
        "from-sentence-transformers",
        "sentence-transformers",
        "sentence_transformers",
        {"model": "sentence_transformers:SentenceTransformer", "util": "sentence_transformers.util"},
    ),
    ("from-sentence-transformers", "model2vec", "model2vec", {"model": "model2vec:StaticModel"}),
]


@pytest.mark.parametrize(("page", "heading", "package", "objects"), OTHERS, ids=[row[1] for row in OTHERS])
def test_the_calls_of_other_packages_exist(page, heading, package, objects, world):
    pytest.importorskip(package)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    table = text.partition(f"| {heading} | here |\n")[2].partition("\n\n")[0]
    code = " ".join(re.findall(r"^\| `(.*?)\|", table, re.MULTILINE))  # a row that names a version is not looked at
    calls = re.findall(rf"(?<![\w.])({'|'.join(objects)})\.(\w+)", code)
    assert calls
    found = {name: pkgutil.resolve_name(of) if isinstance(of, str) else of(world) for name, of in objects.items()}
    for name, attribute in calls:
        assert hasattr(found[name], attribute), f"{name}.{attribute}"


def extras_of_the_table(page: Path) -> set[str]:
    """The extras in the first column of the page's tables."""
    cells = re.findall(r"^\| (`\[.*?)\|", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`\[(\w+)\]`", cell)}


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_the_table_of_extras_is_complete(page):
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = project.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    extras = set(re.findall(r"^(\w+) = \[", section, re.MULTILINE))
    assert {"korean", "serve", "static"} < extras
    assert extras_of_the_table(ROOT / page) == extras - EXTRAS_OF_DEVELOPERS


def test_all_modules_are_examined():
    """The tests below cover every file of the package: `walk_packages` passes over what it cannot import."""
    package = Path(gensim_sent2vec.__path__[0])
    files = (path.relative_to(package.parent).with_suffix("") for path in package.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in files if path.name != "__main__"}
    assert {"gensim_sent2vec.model", "gensim_sent2vec._cli.commands.train"} < names
    assert set(MODULES) - {"gensim_sent2vec._kernel"} == names
    assert set(OPTIONAL_IMPORTS) < names


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings(name):
    for prefix, packages in OPTIONAL_IMPORTS.items():
        if f"{name}.".startswith(f"{prefix}."):
            for package in packages:
                pytest.importorskip(package)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=options)
    assert failed == 0


def documented_names() -> set[str]:
    """Full names of what the directives of the API page document."""
    names = set()
    directive = re.compile(r"^\.\. auto(\w+):: (\S+)\n((?: +:.*\n)*)", re.MULTILINE)
    for kind, name, options in directive.findall((ROOT / "docs" / "api.md").read_text(encoding="utf-8")):
        members = re.search(r":members: (.+)", options) if kind == "module" else None
        names |= {f"{name}.{member.strip()}" for member in members[1].split(",")} if members else {name}
    return names


def test_the_api_page_lists_all_that_is_public():
    names = documented_names()
    version = {"gensim_sent2vec.__version__"}
    assert {f"gensim_sent2vec.{name}" for name in gensim_sent2vec.__all__} - version <= names
    modules = set()
    for name in names:
        module, _, last = name.rpartition(".")
        modules.add(getattr(gensim_sent2vec, last).__module__ if module == "gensim_sent2vec" else module)
    assert set(PUBLIC) - {"gensim_sent2vec", "gensim_sent2vec.version"} <= modules


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_within_the_repository(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r'(?:\]\(|src(?:set)?=")(?!https?:)([^)"#]+)', text):
        if target.startswith("gensim_sent2vec/") and not (ROOT / "gensim_sent2vec").exists():
            continue  # tests of an installed wheel have no source package next to them
        assert (ROOT / target).exists(), f"{page.name} links to {target}, which does not exist"


def test_figures_take_rows_from_the_tables(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    figures = importlib.import_module("figures")
    table = figures.tables()["quality-ablation"]
    assert figures.chosen(table, ["a = 1e-4", "the default"]).splitlines()[2:] == [
        next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
        for name in ("a = 1e-4", "the default")
    ]
    with pytest.raises(ValueError, match="no row 'a = 7'"):
        figures.chosen(table, ["a = 7"])


@pytest.fixture
def example_page(monkeypatch):
    """The module that makes the page of examples."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("example_page")


def test_the_page_of_examples_describes_every_program(example_page):
    programs = example_page.programs()
    assert {path.name for path in programs} >= {path.name for path in (ROOT / "examples").glob("*.py")}
    assert programs[0].name == "quickstart.py"  # the first in the README.md there
    for path in programs:
        assert len(example_page.section(path)) > 200


def test_the_page_of_examples_takes_notebooks_and_folders(example_page, tmp_path):
    (tmp_path / "README.md").write_text(
        "[Texts](data/README.md)\n| [one](folder/) |\n| [two](steps.ipynb) |\n", encoding="utf-8"
    )
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "README.md").write_text("# A service\n\nSee [it](x.py).\n\n## Run\n\nmore", encoding="utf-8")
    cells = [{"cell_type": "markdown", "source": ["# First steps\n", "\n", "Train."]}]
    (tmp_path / "steps.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    (tmp_path / "last.py").write_text(
        '"""Run --this.\n\nLike so --now:\n\n    pip install x\n\nDone.\n"""\n', encoding="utf-8"
    )
    (tmp_path / "data").mkdir()

    folder, steps, last = example_page.programs(tmp_path)
    assert example_page.section(folder).split("\n\n")[0::2] == ["## A service", "See it.\n"]
    assert example_page.section(steps).split("\n\n")[0::2] == ["## First steps", "Train.\n"]
    assert "Like so `--now`:" in example_page.section(last)
    assert "\n```shell\npip install x\n```\n" in example_page.section(last)

    (tmp_path / "last.py").write_text("pass", encoding="utf-8")
    with pytest.raises(ValueError, match=r"examples/last\.py: has no docstring"):
        example_page.section(last)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built pages; any warning fails, and so does any broken link."""
    for package in "sphinx", "furo", "myst_parser", "sklearn":
        pytest.importorskip(package)
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", str(out / "doctrees")]
    pages = [str(ROOT / "docs"), str(out / "html")]
    done = subprocess.run([*command, *pages], cwd=out, capture_output=True, text=True)  # outside the source folder
    assert done.returncode == 0, done.stderr
    return out / "html"


@pytest.mark.slow
def test_the_pages_are_built(site):
    api = (site / "api.html").read_text(encoding="utf-8")
    for name in set(gensim_sent2vec.__all__) - {"__version__"}:
        assert f'id="gensim_sent2vec.{name}"' in api
    for name in "Sent2Vec.train", "Sent2Vec.build_vocab", "Sent2VecKeyedVectors.encode", "SentenceIndex.most_similar":
        assert f'id="gensim_sent2vec.{name}"' in api
    commands = re.sub("<[^>]*>", "", (site / "commands.html").read_text(encoding="utf-8"))
    assert "--lexical-dims N" in commands and "gensim-sent2vec shrink my.model" in commands
    assert "<math" in (site / "sentences.html").read_text(encoding="utf-8")
    assert "quickstart.py" in (site / "examples.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_figures_of_the_pages_are_those_measured(site):
    results = ROOT / "benchmarks" / "results" / gensim_sent2vec.__version__ / "quality.json"
    run = json.loads(results.read_text())["languages"]["korean"]["runs"]["this package, default"]
    p1 = run["scores"]["default / first_half = 1.25"]["faq-ko"]["P@1"]
    row = re.search(r"first_half = 1.25</p>.*?</tr>", (site / "parameters.html").read_text(encoding="utf-8"), re.DOTALL)
    assert f"{p1:.3f}" in row[0]


@pytest.mark.slow
def test_the_pages_fetch_nothing(site):
    for page in site.rglob("*.html"):
        fetched = re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', page.read_text())
        assert not fetched, f"{page.name}: {fetched}"
