"""The notebooks of examples/ run from top to bottom, and hold small outputs without traces of a machine."""

import contextlib
import importlib.util
import io
import json
import re

import paths
import pytest

FOLDER = paths.ROOT / "examples"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
NEEDS = {"korean_faq.ipynb": "kiwipiepy"}


def cells_of(name, kind):
    cells = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def outputs_of(name):
    """The stored outputs as texts."""
    outputs = [output for cell in cells_of(name, "code") for output in cell["outputs"]]
    return ["".join(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in outputs]


def printed_by(name):
    """What the code prints, executed here as one program."""
    printed, names = io.StringIO(), {}
    with contextlib.redirect_stdout(printed):
        for number, cell in enumerate(cells_of(name, "code"), 1):
            exec(compile(source(cell), f"{name}, code cell {number}", "exec"), names)
    return printed.getvalue(), names


@pytest.fixture
def in_examples(monkeypatch):
    monkeypatch.chdir(FOLDER)
    monkeypatch.syspath_prepend(str(FOLDER))


def test_there_are_notebooks():
    assert NOTEBOOKS == ["first_steps.ipynb", "korean_faq.ipynb"]
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"[`{name}`]({name})" in readme for name in NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_are_stored_small_and_without_traces_of_a_machine(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert len(text) < 20_000
    assert outputs_of(name) and all(outputs_of(name))
    for trace in (r"(?<![\w.:/])/(tmp|root|home|work|usr)/", "Warning", "Traceback", "0x[0-9a-f]{8}"):
        assert not re.search(trace, text), trace
    counts = [cell["execution_count"] for cell in cells_of(name, "code")]
    assert counts == list(range(1, len(counts) + 1)), "execute it from top to bottom before committing"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_of_notebooks(name):
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", "\n".join(map(source, cells_of(name, "markdown"))))
    assert links and all((FOLDER / link).exists() for link in links)


@pytest.mark.slow
def test_first_steps(in_examples):
    printed, names = printed_by("first_steps.ipynb")
    alike, *others = (float(cosine) for cosine in re.findall(r"(?m)^ ?(-?\d\.\d\d)  [A-Z]", printed))
    assert alike > max(others) + 0.1
    assert names["vectors"].shape == (2, 100)
    plain, weighted, _, both = map(float, re.findall(r"(?m)^    \S.* (0\.\d\d)$", printed)[-4:])
    assert plain < weighted and both > weighted - 0.01
    assert printed.rstrip().endswith("True")


@pytest.mark.slow
def test_korean_faq(in_examples):
    if importlib.util.find_spec("kiwipiepy") is None:
        pytest.skip('needs kiwipiepy: pip install "gensim-sent2vec[korean]"')
    printed, _ = printed_by("korean_faq.ipynb")
    found = {
        float(row[0]): float(row[1]) for row in re.findall(r"(?m)^ +([01](?:\.\d)?)  (0\.\d\d)  0\.\d\d$", printed)
    }
    assert len(found) == 5 and found[0.5] > found[1] + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_in_a_kernel(name):
    """With what people run notebooks with, if it is installed: no warning, no error."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    for module in ("ipykernel", *filter(None, [NEEDS.get(name)])):
        pytest.importorskip(module)
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs and not [output for output in outputs if output.get("name") == "stderr"]
