"""Every example runs as a program, and prints and writes what it promises."""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import paths
import pytest

EXAMPLES = paths.ROOT / "examples"
PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
NEEDS = {"text_classification": ["sklearn"], "embedding_bag": ["torch"], "corpus_map": ["sklearn", "plotly"]}
EXTRAS = {"sklearn": "sklearn", "torch": "torch", "keras": "keras", "plotly": "map", "kiwipiepy": "korean"}

TOPICS = {"weather": "rain wind cloud storm snow frost", "football": "goal match team ball coach pass"}


def need(*modules):
    """Skip if an extra is not installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f'needs {module}: pip install "gensim-sent2vec[{EXTRAS[module]}]"')


@pytest.fixture
def run(monkeypatch, capsys):
    """``run(name, *arguments)``: what an example prints, executed in this process as ``__main__``."""

    def in_this_process(name, *arguments):
        need(*NEEDS.get(name, []))
        path = str(EXAMPLES / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, *map(str, arguments)])
        monkeypatch.syspath_prepend(str(EXAMPLES))  # where a program finds the modules next to it
        capsys.readouterr()
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            assert not end.code, capsys.readouterr().err
        return capsys.readouterr().out

    return in_this_process


def run_process(name, *arguments):
    """What an example prints, in a process of its own, whose threads and memory are then its own too."""
    need(*NEEDS.get(name, []))
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=250,
        # On a busy machine the threads of OpenMP and BLAS would spin, waiting for each other.
        env={**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def numbers(text, pattern):
    """The numbers that the groups of a pattern match, one entry per match."""
    found = re.findall(pattern, text)
    assert found, f"{pattern!r} does not match:\n{text}"
    found = [match if isinstance(match, tuple) else (match,) for match in found]
    values = [tuple(float(number.replace(",", "")) for number in match) for match in found]
    return [match[0] if len(match) == 1 else match for match in values]


@pytest.fixture
def texts():
    """Sentences on two topics, and their topics."""
    rng = np.random.default_rng(0)
    labels = ["weather", "football"] * 60
    return [" ".join(rng.choice(TOPICS[label].split(), 6)) for label in labels], labels


@pytest.fixture
def corpus(texts, tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(texts[0] * 5) + "\n")
    return path


@pytest.fixture
def table(texts, tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("label\ttext\n" + "".join(f"{label}\t{text}\n" for text, label in zip(*texts)))
    return path


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_says_what_to_expect(run, name):
    printed = " ".join(run(name, "--help").split())
    assert "--help" in printed
    assert "xpect" in printed
    assert name == "quickstart" or f"python {name}.py" in printed


def test_the_readme_lists_all_examples():
    listed = re.findall(r"(?m)^\| \[`(\w+)\.py`\]", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_examples_import_public_modules_only(name):
    assert "gensim_sent2vec._" not in (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")


def test_quickstart(run):
    printed = run("quickstart")
    assert "(2, 100)" in printed
    alike, different = numbers(printed, r"(?m)^(-?\d\.\d\d)  'Police arrested")
    assert alike > different
    assert "loaded vectors are equal: True" in printed


def precisions(printed, name):
    return numbers(printed, name + r"\s+(\d\.\d+)\s+(\d\.\d+)\s+(\d\.\d+)")[0]


@pytest.mark.slow
def test_docstrings(run, tmp_path):
    printed = run("docstrings", "--sentences", tmp_path / "sentences.txt")
    functions, with_similar = numbers(printed, r"([\d,]+) functions and classes; ([\d,]+) of them".replace(",", ","))[0]
    lines = (tmp_path / "sentences.txt").read_text(encoding="utf-8").splitlines()
    assert functions > 1500 and 0.4 < with_similar / functions < 0.8
    assert len(lines) == len(set(lines)) > 15_000 and all(line.strip() for line in lines)


def test_what_docstrings_say(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import docstrings

    functions = {
        "scipy.signal.one": "one(x, y=None)\n\nFilter the\nsignal. Fast.\n\n"
        "See Also\n--------\ntwo : The other.\n    more\nnumpy.three, absent\n\n"
        "Examples\n--------\nThis sentence is code and no text.",
        "scipy.signal.two": "Smooth all of the signal.",
        "numpy.two": "Count to two.",
        "numpy.three": "Smooth all of the signal.\n\nSee Also\n--------\nscipy.signal.two",
    }
    assert docstrings.summary(functions["scipy.signal.one"]) == "Filter the signal. Fast."
    assert docstrings.see_also(functions) == {0: {1, 3}, 3: {2}}  # numpy's own two is nearer to numpy.three
    assert docstrings.sentences(functions.values()) == ["Smooth all of the signal."]
    assert docstrings.labeled(functions, smallest=2)[1] == ["scipy.signal"] * 2 + ["numpy"] * 2
    similarities = np.array([[1, 0.2, 0.9, 0.1], [0, 1, 0, 0], [0, 0, 1, 0], [0.1, 0.5, 0.6, 1]])
    assert docstrings.mean_reciprocal_rank(similarities, {0: {1, 3}, 3: {2}}) == (1 / 2 + 1) / 2


def test_faq_search(run):
    need("kiwipiepy")
    printed = run("faq_search")
    plain, weighted, counting, both = (
        precisions(printed, name) for name in ("plain mean", "weighted ", "counting words", r"both \(hybrid 0.5\)")
    )
    assert plain[0] < counting[0] < weighted[0] <= both[0] and both[1] > max(counting[1], weighted[1])
    for found in (plain, weighted, counting, both):
        assert found[0] <= found[1] <= found[2]
    shown = printed.split("right by both")[1].split("Wrong with both")
    assert len(re.findall(r"\n\n  .*\n   \* 0\.", shown[0])) == 3
    assert not re.search(r"\n\n  .*\n   \* 0\.", shown[1])


@pytest.mark.slow
def test_faq_search_in_the_help(run):
    need("kiwipiepy")
    data = EXAMPLES / "data"
    given = "--faq", data / "help-ko.tsv", "--corpus", data / "help-ko.txt", "--hybrid", 0.7
    printed = run("faq_search", *given)
    weighted, counting, both = (
        precisions(printed, name) for name in ("weighted ", "counting words", r"both \(hybrid 0.7\)")
    )
    assert weighted[2] < counting[2] and counting[0] < both[0]


def test_faq_search_without_kiwi(run, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *args: None if name == "kiwipiepy" else find_spec(name, *args)
    )
    printed = run("faq_search")
    assert 'pip install "gensim-sent2vec[korean]"' in printed and "from the tokenizer 'words'" in printed
    assert precisions(printed, r"\(hybrid 0.5\)")[2] > 0.5


def test_faq_search_with_own_files(run, corpus, tmp_path):
    faq = tmp_path / "faq.tsv"
    faq.write_text(
        "role\tanswer\tquestion\nindex\tbring an umbrella\train storm\nindex\tbuy a ticket\tteam match\n"
        "query\tbring an umbrella\tstorm wind\nquery\tbuy a ticket\tmatch ball\n"
    )
    given = "--corpus", corpus, "--faq", faq, "--tokenizer", "split", "--model", tmp_path / "my.model"
    printed = run("faq_search", *given)
    assert precisions(printed, r"\(hybrid 0.5\)") == (1, 1, 1)
    corpus.unlink()  # the saved model is used
    assert run("faq_search", *given, "--ask", "snow storm").split("\n")[2].endswith("bring an umbrella")
    faq.write_text("question\tanswer\nrain storm\tbring an umbrella\n")
    assert "no rows with the role query" in run("faq_search", *given)


def rows_of(printed):
    """The lines of a table as lists of numbers, by their first words."""
    return {
        name.strip(): [float(value.rstrip("*")) for value in values.split()]
        for name, values in re.findall(r"(?m)^    (\S.*?)((?:\s+\d\.\d\d\*?)+)\s*$", printed)
    }


@pytest.mark.slow
def test_text_classification():
    printed = run_process("text_classification")
    rows = rows_of(printed)
    few, _, _, many = zip(*rows.values())
    words, _, vectors, both = range(4)
    assert few[both] == max(few) and few[vectors] > few[words] > 0.24
    assert many[words] > many[vectors] and many[both] >= many[words]
    assert "9 classes; accuracy of the majority class: 0.24" in printed


def test_text_classification_with_own_files(corpus, table):
    rows = rows_of(run_process("text_classification", "--corpus", corpus, "--data", table))
    assert len(rows["Sent2Vec"]) == 4 and min(rows["Sent2Vec"]) > 0.9


@pytest.mark.slow
def test_embedding_bag_of_docstrings(run):
    accuracies = numbers(run("embedding_bag"), r"held-out texts (\S+)")
    assert len(accuracies) == 3 and accuracies[1] == max(accuracies) and min(accuracies) > 0.5


def test_embedding_bag(run, corpus, table):
    printed = run("embedding_bag", "--corpus", corpus, "--data", table)
    first, *_, last = numbers(printed, r"trainable vectors\s+loss (\S+) -> .* (\S+)   accuracy")[0]
    assert last < first / 10
    assert numbers(printed, r"trainable vectors .*held-out texts (\S+)")[0] > 0.9
    differences = numbers(printed, r"difference to encode: (\S+)")
    has_keras = importlib.util.find_spec("keras") is not None
    assert len(differences) == 2 + has_keras and max(differences) < 1e-6
    if has_keras:
        before, after = numbers(printed, r"loss (\S+) -> (\S+) in 10 steps")[0]
        assert after < before
    else:
        assert 'pip install "gensim-sent2vec[keras]"' in printed


@pytest.mark.slow
def test_corpus_map(tmp_path):
    printed = run_process("corpus_map", "--projector", tmp_path / "projector")
    ours, counting = numbers(printed, r"Agreement .*: (\S+)")
    assert ours > counting > 0.2
    assert sum(numbers(printed, r"(?m)^\s*(\d+) texts: \w+, \w+, \w+$")) > 400
    page = (tmp_path / "corpus_map.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page), "the page needs other files"
    assert "functions of SciPy" in page and "Fourier" in page
    lines = (tmp_path / "projector" / "metadata.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "text\tgroup" and {line.count("\t") for line in lines} == {1}
    vectors = np.loadtxt(tmp_path / "projector" / "vectors.tsv")
    assert vectors.shape == (len(lines) - 1, 100)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_corpus_map_with_own_files(texts, tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(texts[0]) + "\n")
    printed = run_process("corpus_map", "--texts", corpus, "--groups", 2, "-o", tmp_path / "mine.html")
    groups = re.findall(r"texts: (\w+), (\w+), (\w+)", printed)
    assert len(groups) == 2
    assert "120 texts of corpus.txt" in (tmp_path / "mine.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_multiprocess_serving():
    printed = run_process("multiprocess_serving", "--processes", 2)
    assert printed.count("the vectors equal those of a single process") == (3 if hasattr(os, "fork") else 2)
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("the memory of a process is known on Linux only")
    file = numbers(printed, r"n-gram rows: (\d+) MB")[0]
    parts = printed.split("single process")
    shared = numbers("".join(parts[:-1]), r"private\s+(\S+) MB")
    assert len(shared) == 4 and max(shared) < file / 4
    assert min(numbers(parts[-1], r"private\s+(\S+) MB")) > 0.8 * file


@pytest.mark.slow
def test_move_from_fse(run):
    printed = run("move_from_fse")
    assert numbers(printed, r"by hand (\S+)\.\n")[0] < 1e-5
    average, sif, ours, sent2vec, counting, both = (row[0] for row in rows_of(printed).values())
    assert average < sif < ours - 0.05 and sif < sent2vec - 0.05
    assert both > max(sent2vec, counting) - 0.01


@pytest.mark.slow
def test_move_from_fasttext(run):
    printed = run("move_from_fasttext")
    assert "lee_fasttext.bin: 1,762 words of 10 dimensions" in printed
    assert numbers(printed, r"fastText's: (\S+)")[0] < 1e-6
    assert "unseen: eigenvalus, symetric" in printed
    assert printed.split("symetric)")[1].split("\n\n")[0].count("eigenvalues") >= 2
    mean, ours, sent2vec, counting, both = (row[0] for row in rows_of(printed).values())
    assert mean < ours - 0.05 and mean < sent2vec - 0.05
    assert both > max(sent2vec, counting) - 0.01


@pytest.mark.slow
def test_move_from_doc2vec(run):
    printed = run("move_from_doc2vec")
    assert printed.count("    Doc2Vec   0") + printed.count("    Doc2Vec   1") == 6
    assert printed.count("    Sent2Vec  0") + printed.count("    Sent2Vec  1") == 6
    assert re.search(r"\d+\.\d+ \(Doc2Vec\) and 0\.000 \(Sent2Vec\)", printed)
    theirs, ours, counting, both = (row[0] for row in rows_of(printed.split("Mean reciprocal rank")[1]).values())
    assert theirs < ours - 0.05 and both > max(ours, counting) - 0.01
    assert "times as fast as infer_vector" in printed


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.startswith("move_from")])
def test_moves_with_own_files(run, name, corpus):
    printed = run(name, "--corpus", corpus)
    assert re.search(
        r"(?m)^    .*\d\.\d\d  (rain|wind|cloud|storm|snow|frost|goal|match|team|ball|coach|pass) ", printed
    )
    assert "Mean reciprocal rank" not in printed
