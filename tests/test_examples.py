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
    return [tuple(map(float, match)) if isinstance(match, tuple) else float(match) for match in found]


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
    assert sorted(re.findall(r"\[`(\w+)\.py`\]", (EXAMPLES / "README.md").read_text())) == PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_examples_import_public_modules_only(name):
    assert "gensim_sent2vec._" not in (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")


def test_quickstart(run):
    printed = run("quickstart")
    assert "(2, 100)" in printed
    alike, different = numbers(printed, r"(?m)^(-?\d\.\d\d)  'police arrested")
    assert alike > different
    assert "loaded vectors are equal: True" in printed


def precisions(printed, name):
    return numbers(printed, name + r"\s+(\d\.\d+)\s+(\d\.\d+)\s+(\d\.\d+)")[0]


def test_faq_search(run):
    need("kiwipiepy")
    printed = run("faq_search")
    plain, weighted, hybrid = (precisions(printed, name) for name in ("plain mean", "weighted ", r"\(hybrid\)"))
    assert plain[0] < weighted[0] <= hybrid[0] and hybrid[2] > 0.8
    for found in (plain, weighted, hybrid):
        assert found[0] <= found[1] <= found[2]
    assert printed.count("* 0.") >= 2, "no query shows its right answer"


def test_faq_search_without_kiwi(run, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *args: None if name == "kiwipiepy" else find_spec(name, *args)
    )
    printed = run("faq_search")
    assert 'pip install "gensim-sent2vec[korean]"' in printed and "from the tokenizer 'words'" in printed
    assert precisions(printed, r"\(hybrid\)")[2] > 0.5


def test_faq_search_with_own_files(run, corpus, tmp_path):
    faq = tmp_path / "faq.tsv"
    faq.write_text(
        "role\tanswer\tquestion\nindex\tbring an umbrella\train storm\nindex\tbuy a ticket\tteam match\n"
        "query\tbring an umbrella\tstorm wind\nquery\tbuy a ticket\tmatch ball\n"
    )
    given = "--corpus", corpus, "--faq", faq, "--tokenizer", "split", "--model", tmp_path / "my.model"
    printed = run("faq_search", *given)
    assert precisions(printed, r"\(hybrid\)") == (1, 1, 1)
    corpus.unlink()  # the saved model is used
    assert run("faq_search", *given, "--ask", "snow storm").split("\n")[2].endswith("bring an umbrella")
    faq.write_text("question\tanswer\nrain storm\tbring an umbrella\n")
    assert "no rows with the role query" in run("faq_search", *given)


@pytest.mark.slow
def test_text_classification():
    printed = run_process("text_classification")
    assert len(re.findall("<- best", printed)) >= 2
    accuracies = numbers(printed, r"(?m)^    \w.*\s(\d\.\d\d)")
    assert len(accuracies) == 10 and min(accuracies) > 0.1
    assert "108 texts, 6 classes; accuracy of the majority class: 0.17" in printed


def test_text_classification_with_own_files(corpus, table):
    printed = run_process("text_classification", "--corpus", corpus, "--data", table)
    assert numbers(printed, r"(?m)^    Sent2Vec\s+(\d\.\d\d)")[0] > 0.95


def test_embedding_bag(run, corpus, table):
    printed = run("embedding_bag", "--corpus", corpus, "--data", table)
    first, *_, last = numbers(printed, r"trainable vectors\s+loss (\S+) -> .* (\S+)   accuracy")[0]
    assert last < first / 10
    assert numbers(printed, r"trainable vectors .*held-out texts (\S+)")[0] > 0.95
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
    assert sum(numbers(printed, r"(?m)^\s*(\d+) texts: \w+, \w+, \w+$")) == 300
    page = (tmp_path / "corpus_map.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page), "the page needs other files"
    assert "Hundreds of people have been forced to vacate" in page
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
    average, sif, _, ours = numbers(printed, r"(?m)^    (?:Word2Vec|Sent2Vec), .*(-?\d\.\d\d)$")
    assert average < sif < ours


@pytest.mark.slow
def test_move_from_fasttext(run):
    printed = run("move_from_fasttext")
    assert "lee_fasttext.bin: 1,762 words of 10 dimensions" in printed
    assert numbers(printed, r"fastText's: (\S+)")[0] < 1e-6
    assert "unseen: goverment, afganistan" in printed
    mean, weighted, ours = numbers(printed, r"(?m)^    (?:FastText|Sent2Vec), .*(-?\d\.\d\d)$")
    assert mean < weighted and mean < ours


@pytest.mark.slow
def test_move_from_doc2vec(run):
    printed = run("move_from_doc2vec")
    assert printed.count("    Doc2Vec   ") == printed.count("    Sent2Vec  ") == 6
    assert re.search(r"\d+\.\d+ \(Doc2Vec\) and 0\.000 \(Sent2Vec\)", printed)
    theirs, ours = numbers(printed, r"Doc2Vec (\S+), Sent2Vec (\S+)")[0]
    assert ours > theirs
    assert "times as fast as infer_vector" in printed


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.startswith("move_from")])
def test_moves_with_own_files(run, name, corpus):
    printed = run(name, "--corpus", corpus)
    assert re.search(
        r"(?m)^    .*\d\.\d\d  (rain|wind|cloud|storm|snow|frost|goal|match|team|ball|coach|pass) ", printed
    )
    assert "judgments" not in printed
