"""The command line, run as a user runs it."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec
from gensim.test.utils import common_texts, datapath
from gensim.utils import simple_preprocess
from processes import heed_ctrl_c

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, __version__
from gensim_sent2vec._cli.commands import bake
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._cli.parser import build_parser
from gensim_sent2vec._util import progress
from gensim_sent2vec.evaluation import evaluate_sts
from gensim_sent2vec.tokenizers import FUNCTIONS, words

COMMAND = [sys.executable, "-m", "gensim_sent2vec"]
COMMANDS = next(action for action in build_parser()._actions if action.dest == "command").choices


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "news.txt"
    lines = Path(datapath("lee_background.cor")).read_text(encoding="latin-1").splitlines()
    path.write_text("\n".join(" ".join(simple_preprocess(line)) for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(corpus, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("model") / "news.model")
    main(["train", str(corpus), path, "--vector-size", "20", "--epochs", "1", "--word-ngrams", "2", "--bucket", "1000",
          "--workers", "1"])  # fmt: skip
    return path


@pytest.fixture
def pairs(tmp_path):
    """A few judged pairs."""
    path = tmp_path / "pairs.tsv"
    path.write_text(
        "5\tpolice arrested two men\tthe police arrested men\n"
        "0\tit rained in sydney\tthe stock market fell\n"
        "2\tthe army said\tpolice in sydney said\n"
    )
    return path


def run(capsys, *argv):
    main(list(map(str, argv)))
    return capsys.readouterr().out


def refused(capsys, *argv):
    """Exit status 2 and one line on standard error."""
    with pytest.raises(SystemExit) as exit_:
        main(list(map(str, argv)))
    error = capsys.readouterr().err
    assert exit_.value.code == 2
    assert error.startswith(f"gensim-sent2vec {argv[0]}: ") and error.count("\n") == 1
    return error


def test_train_takes_the_arguments_of_sent2vec(model):
    loaded = Sent2Vec.load(model)
    assert (loaded.vector_size, loaded.epochs, loaded.word_ngrams, loaded.wv.bucket) == (20, 1, 2, 1000)
    assert loaded.get_latest_training_loss() > 0


@pytest.mark.parametrize("source", ["gz", "stdin"])
def test_train_from_compressed_files_and_standard_input(corpus, source, tmp_path, monkeypatch):
    plain, other = str(tmp_path / "plain"), str(tmp_path / "other")
    options = ["--vector-size", "10", "--epochs", "2", "--workers", "1"]
    main(["train", str(corpus), plain, *options])
    if source == "gz":
        name = str(tmp_path / "news.txt.gz")
        with gzip.open(name, "wb") as file:
            file.write(corpus.read_bytes())
    else:
        name = "-"
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(corpus.read_bytes())))
    main(["train", name, other, *options])
    np.testing.assert_array_equal(Sent2Vec.load(plain).wv.vectors, Sent2Vec.load(other).wv.vectors)


def test_encode_prints_the_vectors_of_the_api(model, tmp_path, capsys):
    sentences = tmp_path / "new.txt"
    sentences.write_text("the police said\nzzzz\n\nrain in the south\n")
    expected = Sent2Vec.load(model).wv.encode(["the police said", "zzzz", "", "rain in the south"])
    text = run(capsys, "encode", model, sentences)
    np.testing.assert_array_equal(np.loadtxt(io.StringIO(text), dtype=np.float32), expected)
    run(capsys, "encode", model, sentences, "-o", tmp_path / "new.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "new.npy"), expected)
    unit = np.loadtxt(io.StringIO(run(capsys, "encode", model, sentences, "--normalize")), dtype=np.float32)
    np.testing.assert_allclose(
        np.linalg.norm(unit, axis=1), [1, 1, 0, 1], atol=1e-6
    )  # "zzzz" has a vector from its n-grams
    plain = np.loadtxt(io.StringIO(run(capsys, "encode", model, sentences, "--plain")), dtype=np.float32)
    np.testing.assert_array_equal(plain.any(axis=1), [True, False, False, True])


def test_train_takes_the_arguments_of_sentence_weighting(corpus, tmp_path, capsys):
    path = tmp_path / "m"
    options = ["--vector-size", "20", "--epochs", "1", "--lexical-dims", "30", "--sif", "1e-3"]
    main(["train", str(corpus), str(path), *options])
    weighting = Sent2Vec.load(str(path)).wv.weighting
    assert (weighting.lexical_dims, weighting.sif) == (30, 1e-3)
    facts = json.loads(run(capsys, "info", path, "--json"))
    assert facts["sentence_size"] == 50 and "lexical_dims=30" in facts["weighting"]
    main(["train", str(corpus), str(path), "--vector-size", "20", "--epochs", "1", "--no-weighting"])
    assert Sent2Vec.load(str(path)).wv.weighting is None
    capsys.readouterr()
    assert json.loads(run(capsys, "info", path, "--json"))["weighting"] is None
    assert "weighting  none, plain means" in run(capsys, "info", path)
    capsys.readouterr()
    assert "--no-weighting" in refused(capsys, "train", corpus, path, "--no-weighting", "--sif", "1e-3")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_printed_vectors_are_those_of_the_api(model, corpus, tmp_path, capsys, dtype):
    """Bit for bit: words and sentences, printed, saved and in word2vec files."""
    path, words = tmp_path / "news.s2v", tmp_path / "words.txt"
    wv = Sent2Vec.load(model).wv.astype(dtype)
    wv.save(path)
    words.write_text("".join(f"{word}\n" for word in wv.index_to_key), encoding="utf-8")

    def printed(*argv) -> np.ndarray:
        text = run(capsys, "encode", path, *argv)
        return np.array([[np.float32(number) for number in line.split()] for line in text.splitlines()])

    lines = corpus.read_text(encoding="utf-8").splitlines()
    assert printed(corpus).tobytes() == wv.encode(lines).tobytes()
    of_words = wv.vectors.astype(np.float32)
    assert printed(words, "--plain").tobytes() == of_words.tobytes()
    for name, binary in (("a.txt", False), ("a.txt.gz", False), ("a.w2v.bin", True)):
        run(capsys, "convert", path, tmp_path / name)
        loaded = Sent2VecKeyedVectors.load_word2vec_format(tmp_path / name, binary=binary)
        assert loaded.vectors.tobytes() == of_words.tobytes()
        assert list(loaded.index_to_key) == list(wv.index_to_key)


def test_similar_words_and_sentences(model, corpus, capsys):
    words = json.loads(run(capsys, "similar", model, "police", "--json", "-n", 3))
    expected = Sent2Vec.load(model).wv.most_similar("police", topn=3)
    assert words["query"] == "police"
    assert [word for word, _ in words["results"]] == [word for word, _ in expected]
    line = corpus.read_text().splitlines()[17]
    out = run(capsys, "similar", model, line, "--corpus", corpus, "-n", 2).splitlines()
    assert out[0] == line and out[1] == f"  1.0000  {line}" and len(out) == 3


def test_searching_an_index_equals_searching_its_corpus(model, corpus, tmp_path, capsys):
    line = corpus.read_text().splitlines()[17]
    for options in ([], ["--float16", "--lexical"]):
        run(capsys, "index", model, corpus, tmp_path / "faq.index", *options)
        for hybrid in (0, 0.5):
            search = ["similar", model, line, "the rain", "-n", 3, "--hybrid", hybrid, "--json"]
            queries = run(capsys, *search, "--index", tmp_path / "faq.index").splitlines()
            expected = run(capsys, *search, "--corpus", corpus).splitlines()
            for found, wanted in zip(map(json.loads, queries), map(json.loads, expected), strict=True):
                np.testing.assert_allclose(
                    [s for _, s in found["results"]], [s for _, s in wanted["results"]], atol=1e-3
                )
            if not options:  # float16 may rank near-equal results differently
                assert queries == expected and json.loads(queries[0])["results"][0][0] == line
    assert "--corpus and --index" in refused(
        capsys, "similar", model, "a", "--corpus", corpus, "--index", tmp_path / "faq.index"
    )
    assert "hybrid" in refused(capsys, "similar", model, "a", "--corpus", corpus, "--hybrid", 2)
    assert "--index: there is no file" in refused(capsys, "similar", model, "a", "--index", tmp_path / "missing")
    assert "no directory" in refused(capsys, "index", model, corpus, tmp_path / "missing" / "faq.index")


def test_how_much_lengths_count_in_an_index(model, corpus, tmp_path, capsys):
    wv = Sent2Vec.load(str(model)).wv
    for options, power in ((["--lexical"], 0.5), (["--length-power", 0], 0.0), (["--length-power", "2"], 2.0)):
        run(capsys, "index", model, corpus, tmp_path / "faq.index", *options, "--force")
        index = SentenceIndex.load(str(tmp_path / "faq.index"), wv)
        assert index.has_lexical and index.lexical.length_power == power
    error = refused(capsys, "index", model, corpus, tmp_path / "other.index", "--length-power", -1)
    assert "length_power" in error.replace("-", "_") and not (tmp_path / "other.index").exists()


def test_info(model, capsys):
    facts = json.loads(run(capsys, "info", model, "--json"))
    assert facts["kind"] == "Sent2Vec" and facts["word_ngrams"] == 2 and facts["corpus_count"] == 300
    assert "vector_size  20" in run(capsys, "info", model)


def test_files_of_vectors(model, tmp_path, capsys):
    path = tmp_path / "news.s2v"
    Sent2Vec.load(model).wv.save(path)
    facts = json.loads(run(capsys, "info", path, "--verify", "--json"))
    assert facts["kind"] == "Sent2VecKeyedVectors" and facts["layout"] == 1 and facts["checksums"] == "ok"
    assert facts["file_bytes"] == path.stat().st_size and facts["arrays"]["vectors_ngrams"] == "float32 (1000, 20)"
    assert "checksums  not compared; see --verify" in run(capsys, "info", path)
    assert run(capsys, "similar", path, "police") == run(capsys, "similar", model, "police")
    assert "no checksums" in refused(capsys, "info", model, "--verify")
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    assert "damaged" in refused(capsys, "info", path, "--verify")


def test_info_of_an_index(model, corpus, tmp_path, capsys):
    path = tmp_path / "faq.index"
    run(capsys, "index", model, corpus, path)
    facts = json.loads(run(capsys, "info", path, "--verify", "--json"))
    assert facts["kind"] == "SentenceIndex" and facts["checksums"] == "ok"
    assert facts["arrays"]["vectors"] == "float32 (300, 20)"
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    assert "damaged" in refused(capsys, "info", path, "--verify")


def test_train_with_a_tokenizer_and_phrases(corpus, tmp_path, capsys):
    options = ["--vector-size", "5", "--epochs", "1", "--workers", "1"]
    run(capsys, "train", corpus, tmp_path / "learned", "--tokenizer", "words", "--learn-phrases", *options)
    wv = Sent2Vec.load(str(tmp_path / "learned")).wv
    assert wv.tokenizer == "words" and wv.tokens("Fire fighters in New SOUTH Wales") == [
        "fire", "fighters", "in", "new_south", "wales",
    ] and "new_south" in wv  # fmt: skip
    wv.phrases.save(str(tmp_path / "phrases"))
    options += ["--phrases", tmp_path / "phrases"]
    run(capsys, "train", corpus, tmp_path / "given", "--tokenizer", "words", *options)
    run(capsys, "tokenize", corpus, tmp_path / "tokens.gz", "--tokenizer", "words", "--phrases", tmp_path / "phrases")
    run(capsys, "train", tmp_path / "tokens.gz", tmp_path / "again", "--tokenized", "--tokenizer", "words", *options)
    for name in "given", "again":
        other = Sent2Vec.load(str(tmp_path / name)).wv
        np.testing.assert_array_equal(other.vectors, wv.vectors)
        assert other.tokens("New South") == ["new_south"]
    (tmp_path / "new.txt").write_text("Fire in New SOUTH Wales\n")
    vectors = run(capsys, "encode", tmp_path / "given", tmp_path / "new.txt")
    np.testing.assert_array_equal(
        np.loadtxt(io.StringIO(vectors), dtype=np.float32),
        wv.get_sentence_vector(["fire", "in", "new_south", "wales"]),
    )
    facts = json.loads(run(capsys, "info", tmp_path / "given", "--json"))
    assert facts["tokenizer"] == "words" and facts["phrases"] == len(wv.phrases.phrasegrams)


def test_train_keeps_tokens(corpus, tmp_path, capsys, caplog, monkeypatch):
    """Phrases are learned from the same tokens: texts are never tokenized twice."""
    caplog.set_level("INFO", "gensim_sent2vec.tokens")
    calls = []
    monkeypatch.setitem(FUNCTIONS, "words", lambda text: (calls.append(text), words(text))[1])
    train = ["train", corpus, tmp_path / "m", "--tokenizer", "words", "--vector-size", "5", "--epochs", "1",
             "--workers", "1", "--learn-phrases"]  # fmt: skip
    run(capsys, *train)
    plain, n_texts = Sent2Vec.load(str(tmp_path / "m")).wv, len(calls)
    assert n_texts == len(corpus.read_text(encoding="utf-8").splitlines()) and "new_south" in plain
    for said in "kept the tokens in", "using the tokens of":
        calls.clear()
        run(capsys, *train, "--keep-tokens", tmp_path / "tokens")
        assert said in caplog.text
        caplog.clear()
        wv = Sent2Vec.load(str(tmp_path / "m")).wv
        np.testing.assert_array_equal(wv.vectors, plain.vectors)
        assert list(wv.index_to_key) == list(plain.index_to_key)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    run(capsys, *train[:-1], "--keep-tokens", tmp_path / "tokens")  # without the phrases
    assert "using the tokens of" in caplog.text and "new_south" not in Sent2Vec.load(str(tmp_path / "m")).wv


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--keep-tokens", "corpus.txt"], "corpus.txt' exists and is not a file of kept tokens"),
        (["--keep-tokens", "./m"], "--keep-tokens: './m' is the model, too"),
        (["--keep-tokens", "notes.txt"], "notes.txt' exists and is not a file of kept tokens"),
        (["--keep-tokens", "notes.txt", "--force"], "notes.txt' exists and is not a file of kept tokens"),
        (["--keep-tokens", "none/t"], "none'; create it first"),
        (["--keep-tokens", "t", "--ray", "local"], "--keep-tokens: cannot be combined with --ray"),
        (["--keep-tokens", "t", "--tokenized"], "keep_tokens: nothing is tokenized, because it has been tokenized"),
        (["--keep-tokens", "t", "--tokenizer", "split"], "keep_tokens: nothing is tokenized, because texts are only"),
    ],
)
def test_tokens_that_cannot_be_kept(options, error, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in "corpus.txt", "notes.txt":
        (tmp_path / name).write_text("a text\n" * 9)
    assert error in refused(capsys, "train", "corpus.txt", "m", "--tokenizer", "words", *options)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        ["corpus.txt", "notes.txt"], "a text\n" * 9
    )


@pytest.fixture
def judged(tmp_path):
    """Files of pairs and of questions, with words of the corpus."""
    pairs, more, faq = tmp_path / "pairs.tsv", tmp_path / "more.tsv", tmp_path / "faq.tsv"
    pairs.write_text("5\tthe Police said\tpolice said\n1\tthe police\train\n0\tsouth\tminister\n")
    more.write_text("5\tthe fire\tfires\n1\tthe fire\tminister\n0\tsouth\tpolice\n")
    faq.write_text("role\tanswer\tquestion\nindex\ta\tthe police\nindex\tb\tminister\nquery\ta\tPolice\n")
    return [pairs, more, faq]


def test_evaluate(model, judged, tmp_path, capsys):
    rows = [json.loads(line) for line in run(capsys, "evaluate", model, *judged, "--json").splitlines()]
    wv = Sent2Vec.load(model).wv
    pairs = evaluate_sts(wv, judged[0])
    assert rows[0] == {"file": "pairs.tsv", **pairs._asdict()} and rows[2]["P@1"] in (0, 1)
    log = tmp_path / "results.tsv"
    options = ["--tokenizer", "words", "--hybrid", "0.5", "--csls", "0.25", "--plain", "--log", log]
    out = run(capsys, "evaluate", model, *judged, *options).splitlines()
    assert out[0].split() == ["pearson", "spearman", "P@1", "P@3", "P@5", "n", "coverage", "file"]
    means = [evaluate_sts(wv, path, False, tokenizer="words").pearson for path in judged[:2]]
    assert out[1].split()[0] == f"{means[0]:.4f}" and out[1].split()[-1] == "pairs.tsv"
    assert out[4] == f"{np.mean(means):8.4f}  mean of 2 files of pairs" and out[3].split()[0] == "1.0000"
    run(capsys, "evaluate", model, judged[0], "--log", log)
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    assert [line[2] for line in lines] == ["file", "pairs.tsv", "more.tsv", "faq.tsv", "pairs.tsv"]
    parameters = json.loads(lines[1][-1])
    assert parameters["epochs"] == 1 and parameters["hybrid"] == 0.5 and parameters["csls"] == 0.25
    assert parameters["tokenizer"] == "words"
    assert json.loads(lines[4][-1])["tokenizer"] == "split"


def test_evaluate_refuses(model, judged, corpus, tmp_path, capsys):
    assert "the first line has neither the columns" in refused(capsys, "evaluate", model, corpus)
    assert "hybrid" in refused(capsys, "evaluate", model, judged[2], "--hybrid", "2")
    assert "got 'word'" in refused(capsys, "evaluate", model, judged[0], "--tokenizer", "word")
    assert "not an evaluation log" in refused(capsys, "evaluate", model, judged[0], "--log", corpus)
    assert "no directory" in refused(capsys, "evaluate", model, judged[0], "--log", tmp_path / "none" / "log")
    assert "got 'words:N'" in refused(capsys, "train", corpus, tmp_path / "m", "--tokenizer", "words:N")
    assert "contains no phrases" in refused(capsys, "train", corpus, tmp_path / "m", "--phrases", corpus)
    assert "--tokenized" in refused(capsys, "train", corpus, tmp_path / "m", "--tokenized", "--learn-phrases")
    assert not (tmp_path / "m").exists()


def test_bad_input(model, corpus, tmp_path, capsys):
    missing = tmp_path / "missing"
    assert "there is no file" in refused(capsys, "train", missing, tmp_path / "m")
    assert "is a directory" in refused(capsys, "train", tmp_path, tmp_path / "m")
    assert "no directory" in refused(capsys, "train", corpus, missing / "m")
    assert "vector_size" in refused(capsys, "train", corpus, tmp_path / "m", "--vector-size", "-3")
    assert "min_count" in refused(capsys, "train", corpus, tmp_path / "m", "--min-count", "1000000")
    assert "skip_bigrams" in refused(capsys, "train", corpus, tmp_path / "m", "--skip-bigrams", "--word-ngrams", "1")
    assert "there is no model" in refused(capsys, "encode", missing, corpus)
    assert "not a saved model" in refused(capsys, "info", corpus)
    assert "not in the vocabulary" in refused(capsys, "similar", model, "qqqq")
    assert "--topn" in refused(capsys, "similar", model, "police", "-n", 0)
    assert "--hybrid" in refused(capsys, "similar", model, "police", "--hybrid", 0.5)
    assert "not in the vocabulary" in refused(capsys, "similar", model, "police", "--negative", "qqqq")
    Word2Vec(common_texts, min_count=1, vector_size=5).save(str(tmp_path / "w2v"))
    assert "Word2Vec" in refused(capsys, "info", tmp_path / "w2v")
    (tmp_path / "latin").write_bytes(b"caf\xe9 au lait\n" * 5)
    assert "not UTF-8" in refused(capsys, "train", tmp_path / "latin", tmp_path / "m")
    assert "line 1" in refused(capsys, "encode", model, tmp_path / "latin")
    assert not (tmp_path / "m").exists()


def test_unknown_options_and_help(capsys):
    for argv, code in ([], 2), (["frobnicate"], 2), (["train", "a", "b", "--window", "5"], 2), (["--help"], 0):
        with pytest.raises(SystemExit) as exit_:
            main(argv)
        assert exit_.value.code == code


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_that_parse(command, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    before, _, examples = text.partition("example:" if "example:" in text else "examples:")
    assert len(before.split("\n\n")[2].split()) >= 10  # more than the summary in the list of commands
    lines = examples.strip().splitlines()
    calls = [line.rpartition("gensim-sent2vec")[2] for line in lines if "gensim-sent2vec" in line]
    assert any(call.split()[0] == command for call in calls)
    for call in calls:
        build_parser().parse_args(shlex.split(call.partition(" | ")[0].partition(" < ")[0]))


def test_version_and_module():
    out = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True).stdout
    assert out.strip() == f"gensim-sent2vec {__version__}"


def test_every_command_runs_the_module_of_its_name():
    """The parser of a command sets the function that executes it, in the module of the same name."""
    for name, parser in COMMANDS.items():
        assert parser.get_default("run").__module__ == f"gensim_sent2vec._cli.commands.{name}"


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
@pytest.mark.parametrize("command", ["encode", "similar", pytest.param("words", marks=pytest.mark.slow)])
def test_a_closed_pipe_ends_quietly(model, corpus, tmp_path, command):
    words = tmp_path / "words.txt"
    words.write_text("police\n" * 20_000)
    argv = {
        "encode": ["encode", model, str(corpus)],
        "similar": ["similar", model, "--corpus", str(corpus), "--json"],
        "words": ["similar", model],
    }[command]
    with open(words if command == "words" else corpus) as queries:
        run = subprocess.Popen([*COMMAND, *argv], stdin=queries, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout.readline()
    run.stdout.close()
    assert run.stderr.read() == b""
    run.stderr.close()
    assert run.wait(60) == 141


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("command", ["encode", pytest.param("similar", marks=pytest.mark.slow)])
def test_ctrl_c_ends_quietly(model, command, corpus):
    """While it waits for more input."""
    argv = [*COMMAND, command, model] + (["--corpus", str(corpus)] if command == "similar" else [])
    run = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_ctrl_c
    )
    with run:
        # More than a pipe holds: when the write returns, the command has begun to read. It prints only at the end.
        run.stdin.write(b"the police said\n" * 20_000)
        run.stdin.flush()
        interrupt(run)
        assert run.stderr.read() == b""
    assert run.returncode == 130


def interrupt(run):
    """Press Ctrl-C until a process ends. One that comes just before a read is only noticed when that returns."""
    for _ in range(10):
        run.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(20)
            return


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_saves_the_model_as_trained_so_far(corpus, tmp_path):
    path = tmp_path / "m"
    train = subprocess.Popen(
        [*COMMAND, "-v", "train", str(corpus), str(path), "--epochs", "100000", "--workers", "1"],
        stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c,
    )  # fmt: skip
    for line in train.stderr:
        if "'train'" in line or "event: train" in line or ("lifecycle event" in line and "workers" in line):
            break
    time.sleep(0.2)
    train.send_signal(signal.SIGINT)
    rest = train.stderr.read()
    train.stderr.close()
    assert train.wait(60) == 130
    assert "saved the model as trained so far" in rest and "Traceback" not in rest
    assert np.isfinite(Sent2Vec.load(str(path)).wv.vectors).all()


@pytest.mark.slow
def test_demo(capsys, tmp_path):
    out = run(capsys, "demo", "--workers", "2", "--save", tmp_path / "lee.model")
    for part in ("Nearest sentences", "Nearest words", "Pearson", "Sent2Vec.load("):
        assert part in out
    code = [
        line.strip() for line in out.splitlines() if line.startswith("    from") or ("model" in line and "= " in line)
    ]
    scope = {}
    exec("\n".join(code), scope)
    assert isinstance(scope["model"], Sent2Vec)


def test_shrink(model, corpus, pairs, tmp_path, capsys):
    small = tmp_path / "small.s2v"
    out = run(
        capsys, "shrink", model, small, "--max-words", 500, "--bucket", 200, "--float16", "--corpus", corpus, "--eval",
        pairs, pairs,
    ).splitlines()  # fmt: skip
    wv, loaded = Sent2Vec.load(model).wv, Sent2VecKeyedVectors.load(small, verify=True)
    assert (len(loaded), loaded.bucket, loaded.vectors.dtype) == (500, 200, np.float16)
    assert out[1].split() == ["words", f"{len(wv):,}", "500"] and out[2].split() == ["n-gram", "rows", "1,000", "200"]
    bytes_before, bytes_after = (int(cell.replace(",", "")) for cell in out[4].split()[1:3])
    assert bytes_before > wv.vectors.nbytes + wv.vectors_ngrams.nbytes and out[4].split()[0] == "bytes"
    assert loaded.vectors.nbytes < bytes_after < small.stat().st_size
    before, after = evaluate_sts(wv, pairs).pearson, evaluate_sts(loaded, pairs).pearson
    assert out[5].split() == ["pearson", f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}", pairs.name]
    assert out[7].split()[:4] == out[5].split()[:4] and out[7].endswith("mean") and len(out) == 8


def test_shrink_refuses(model, tmp_path, capsys):
    assert "nothing to do" in refused(capsys, "shrink", model, tmp_path / "small")
    assert "bucket: there are 1000" in refused(capsys, "shrink", model, tmp_path / "small", "--bucket", 2000)
    assert "no directory" in refused(capsys, "shrink", model, tmp_path / "no" / "small", "--float16")
    assert "there is no file" in refused(
        capsys, "shrink", model, tmp_path / "small", "--float16", "--corpus", tmp_path / "none"
    )
    assert not list(tmp_path.iterdir())


def test_shrink_as_json(model, pairs, tmp_path, capsys):
    sizes = json.loads(run(capsys, "shrink", model, tmp_path / "small", "--bucket", 0, "--eval", pairs, "--json"))
    assert (sizes["before"]["bucket"], sizes["after"]["bucket"]) == (1000, 0)
    assert sizes["after"]["bytes"] < sizes["before"]["bytes"]
    small = Sent2VecKeyedVectors.load(tmp_path / "small")
    assert sizes["after"]["pearson"] == [[pairs.name, evaluate_sts(small, pairs).pearson]]


def test_bake(model, corpus, tmp_path, capsys):
    wv = Sent2Vec.load(model).wv
    run(capsys, "bake", model, tmp_path / "alone.s2v")
    np.testing.assert_array_equal(Sent2VecKeyedVectors.load(str(tmp_path / "alone.s2v")).vectors, wv.bake().vectors)
    main(["bake", model, str(tmp_path / "fitted.txt"), "--corpus", str(corpus)])
    sentences = [line.split() for line in corpus.read_text().splitlines()]
    baked = KeyedVectors.load_word2vec_format(str(tmp_path / "fitted.txt"))
    expected = wv.bake([word for tokens in sentences for word in tokens], sentences=sentences)
    assert baked.key_to_index.keys() == {word for tokens in sentences for word in tokens}
    assert f"word2vec, {len(baked):,} words, {expected.vector_size} dimensions" in capsys.readouterr().err
    np.testing.assert_allclose(baked["sydney"], expected["sydney"], atol=1e-6)


@pytest.mark.parametrize("form", ["model2vec", "sentence-transformers"])
def test_bake_for_other_packages(form, model, tmp_path, capsys):
    package = pytest.importorskip(form.replace("-", "_"), reason='pip install "gensim-sent2vec[static]"')
    run(capsys, "bake", model, tmp_path / "folder", "--to", form)
    loaded = (
        package.StaticModel.from_pretrained(str(tmp_path / "folder"))
        if form == "model2vec"
        else package.SentenceTransformer(str(tmp_path / "folder"), device="cpu")
    )
    texts = ["police in sydney", "the army said"]
    expected = Sent2Vec.load(model).wv.bake().encode(texts, weighting=False)
    np.testing.assert_allclose(loaded.encode(texts), expected, atol=1e-5)


def test_bake_refuses(model, corpus, tmp_path, monkeypatch, capsys):
    assert "reference program's format" in refused(capsys, "bake", model, tmp_path / "a.bin")
    assert "no weighting" in refused(capsys, "bake", save_plain(model, tmp_path / "plain"), tmp_path / "a.s2v")
    assert "is a file" in refused(capsys, "bake", model, corpus, "--to", "model2vec")
    assert "is a directory" in refused(capsys, "bake", model, tmp_path)
    monkeypatch.setattr(bake, "find_spec", lambda name: None)
    assert "gensim-sent2vec[static]" in refused(capsys, "bake", model, tmp_path / "a", "--to", "model2vec")


def save_plain(model, path):
    """The model's vectors without their weighting."""
    wv = Sent2Vec.load(model).wv
    wv.weighting = None
    wv.save(str(path))
    return path


def test_encode_writes_text_and_word2vec_files(model, corpus, tmp_path, capsys):
    lines = corpus.read_text(encoding="utf-8").splitlines()
    expected = Sent2Vec.load(model).wv.encode(lines)
    for name in "a.txt", "a.txt.gz", "a.txt.bz2":
        run(capsys, "encode", model, corpus, "-o", tmp_path / name)
        np.testing.assert_array_equal(np.loadtxt(tmp_path / name, dtype=np.float32), expected)
    for name in "a.vec", "a.vec.gz", "a.w2v.bin":
        run(capsys, "encode", model, corpus, "-o", tmp_path / name)
        loaded = KeyedVectors.load_word2vec_format(str(tmp_path / name), binary="bin" in name)
        assert loaded.index_to_key == [str(number) for number in range(1, len(lines) + 1)]
        np.testing.assert_array_equal(loaded.vectors, expected)


def test_encode_reads_compressed_files_and_standard_input(model, corpus, tmp_path, monkeypatch, capsys):
    expected = run(capsys, "encode", model, corpus)
    with gzip.open(tmp_path / "news.txt.gz", "wb") as file:
        file.write(corpus.read_bytes())
    assert run(capsys, "encode", model, tmp_path / "news.txt.gz") == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(corpus.read_bytes())))
    assert run(capsys, "encode", model) == expected


def test_options_may_stand_anywhere(model, corpus, tmp_path, capsys):
    run(capsys, "encode", model, "-o", tmp_path / "between.npy", corpus)
    run(capsys, "encode", "--normalize", model, corpus, "-o", tmp_path / "around.npy")
    vectors = np.load(tmp_path / "between.npy")
    np.testing.assert_allclose(
        np.load(tmp_path / "around.npy"), vectors / np.linalg.norm(vectors, axis=1)[:, None], atol=1e-6
    )
    shown = run(capsys, "similar", model, "police", "-n", 2, "rain")
    assert shown == run(capsys, "similar", "-n", 2, model, "police", "rain") and len(shown.splitlines()) == 6


def test_similar_reads_queries_from_standard_input(model, corpus, monkeypatch, capsys):
    lines = corpus.read_text(encoding="utf-8").splitlines()[:3]
    expected = run(capsys, "similar", model, *lines, "--corpus", corpus)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    assert run(capsys, "similar", model, "--corpus", corpus) == expected


def test_analogies_of_words_and_sentences(model, corpus, capsys):
    wv = Sent2Vec.load(model).wv
    found = json.loads(run(capsys, "similar", model, "police", "rain", "--negative", "fire", "--json", "-n", 3))
    expected = wv.most_similar(positive=["police", "rain"], negative=["fire"], topn=3)
    assert found["query"] == "police + rain - fire"
    assert found["results"] == [[word, pytest.approx(score)] for word, score in expected]
    a, b, c = corpus.read_text(encoding="utf-8").splitlines()[:3]
    argv = ["similar", model, "--corpus", corpus, b, c, "--negative", a, "--json"]
    expected = SentenceIndex.build(wv, corpus.read_text(encoding="utf-8").splitlines()).most_similar(
        positive=[b, c], negative=[a]
    )
    assert [text for text, _ in json.loads(run(capsys, *argv))["results"]] == [text for text, _ in expected]


def test_log_lines_if_there_is_no_terminal(corpus, tmp_path, monkeypatch, caplog):
    assert progress.LOG_EVERY == 60
    monkeypatch.setattr(progress, "LOG_EVERY", 0.05)
    some = tmp_path / "some.txt"
    some.write_text("\n".join(corpus.read_text(encoding="utf-8").splitlines()[:60]), encoding="utf-8")
    started = time.monotonic()
    main(["train", str(some), str(tmp_path / "m"), "--vector-size", "100", "--epochs", "150", "--workers", "1"])
    took = time.monotonic() - started
    lines = [record.getMessage() for record in caplog.records if record.name == progress.LOGGER]
    assert 1 <= len(lines) <= took / 0.05 + 1
    for part in ("train:", "%", "per second", "s left", "epoch", "/150", "rate 0.", "loss"):
        assert part in lines[0]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh", "fish", "powershell"])
def test_completion_scripts(shell, capsys):
    pytest.importorskip("shtab")
    with pytest.raises(SystemExit) as exit_:
        main(["--print-completion", shell])
    script = capsys.readouterr().out
    assert exit_.value.code in (0, None)
    for name in COMMANDS:
        assert name in script
    if (program := shutil.which(shell)) and shell in ("bash", "zsh", "fish"):
        subprocess.run([program, "-n"], input=script, text=True, check=True)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    "words, expected",
    [
        (["ev"], ["evaluate"]),
        (["train", "--lexical-"], ["--lexical-dims", "--lexical-weight"]),
        (["index", "m", "c", "i", "--method", ""], ["exact", "hnsw"]),
        (["info", "new"], ["news.model"]),
    ],
)
def test_completion_in_bash(words, expected, capsys, tmp_path):
    pytest.importorskip("shtab")
    with pytest.raises(SystemExit):
        main(["--print-completion", "bash"])
    (tmp_path / "news.model").touch()
    line = " ".join(["gensim-sent2vec", *words])
    script = capsys.readouterr().out + (
        f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words)}\n"
        f"COMP_WORDS=(gensim-sent2vec {' '.join(map(shlex.quote, words))})\n"
        "$(complete -p gensim-sent2vec | sed 's/.*-F \\([^ ]*\\).*/\\1/') gensim-sent2vec "
        f"{shlex.quote(words[-1])}\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash"], input=script, text=True, capture_output=True, cwd=tmp_path)
    assert sorted({word.strip() for word in done.stdout.split()}) == expected, done.stderr


def test_completion_without_shtab(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(SystemExit) as exit_:
        main(["--print-completion", "bash"])
    assert exit_.value.code == 2 and "gensim-sent2vec[completion]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "before", "after"),
    [("train", None, "1"), ("similar", None, "1"), ("", None, "1"), ("train", "3", "3"), ("tune", None, None)],
)
def test_blas_has_one_thread_unless_large_matrices_are_multiplied(command, before, after):
    """The variable is set before numpy is imported, which reads it."""
    code = (
        "import os, sys\n"
        "from gensim_sent2vec._cli import startup\n"
        "assert 'numpy' not in sys.modules\n"
        "try: startup.parse(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(os.environ.get('OPENBLAS_NUM_THREADS'))"
    )
    variables = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    variables |= {} if before is None else {"OPENBLAS_NUM_THREADS": before}
    arguments = [command, "--help"] if command else []
    run = subprocess.run([sys.executable, "-c", code, *arguments], env=variables, capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == str(after), run.stderr
