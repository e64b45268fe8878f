"""Every command that takes texts, with every kind of file: the texts of the column, and nothing else."""

from __future__ import annotations

import csv
import gzip
import io
import json
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._service.faq import Columns
from gensim_sent2vec._service.source import Source

FORMATS = ("csv", "csv.gz", "semicolons", "tsv", "jsonl", "parquet", "directory", "several", "stdin")
OPTIONS = ("--vector-size", "10", "--epochs", "1", "--workers", "1", "--min-count", "2")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    lines = Path(datapath("lee_background.cor")).read_text(encoding="latin-1").splitlines()[:60]
    return [", ".join(" ".join(tokens[i : i + 5]) for i in (0, 5)) for tokens in map(simple_preprocess, lines)]


@pytest.fixture(scope="module")
def model(texts, tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp("model") / "m.s2v")
    Sent2Vec(texts, vector_size=10, epochs=1, workers=1, min_count=1).wv.save(path)
    return path


@pytest.fixture
def files(texts, tmp_path, monkeypatch):
    """``files(format)``: the arguments that name a table of the texts, in a column "body text" with keys in "no."."""

    def write_csv(path: Path, start: int, stop: int, delimiter: str = ",") -> Path:
        with open(path, "w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(["no.", "body text"])
            writer.writerows((f"n{i}", texts[i]) for i in range(start, stop))
        return path

    def arguments(format: str, at_most_one: bool = False) -> list[str]:
        n = len(texts)
        path = tmp_path / f"t.{format}"
        if format == "csv.gz":
            path.write_bytes(gzip.compress(write_csv(tmp_path / "t", 0, n).read_bytes()))
        elif format == "jsonl":
            rows = [json.dumps({"no.": f"n{i}", "body text": text}) for i, text in enumerate(texts)]
            path.write_text("\n".join(rows), encoding="utf-8")
        elif format == "parquet":
            pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "gensim-sent2vec[parquet]"')
            import pyarrow
            from pyarrow import parquet

            parquet.write_table(pyarrow.table({"no.": [f"n{i}" for i in range(n)], "body text": texts}), path)
        elif format in ("directory", "several"):
            folder = tmp_path / "tables"
            folder.mkdir(exist_ok=True)
            parts = [write_csv(folder / "1.csv", 0, 20), write_csv(folder / "2.tsv", 20, n, "\t")]
            return [str(folder)] if format == "directory" else list(map(str, parts))
        elif format == "stdin":
            data = write_csv(tmp_path / "t", 0, n).read_bytes()
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
            return ["-"]
        else:
            path = path.with_suffix(".csv" if format == "semicolons" else f".{format}")
            write_csv(path, 0, n, {"tsv": "\t", "semicolons": ";"}.get(format, ","))
        return [str(path)]

    return arguments


def columns(format: str) -> list[str]:
    return ["--column", "body text", *(["--format", "csv"] if format == "stdin" else [])]


@pytest.fixture
def plain(texts, tmp_path) -> str:
    path = tmp_path / "plain.txt"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return str(path)


def refused(capsys, *argv) -> str:
    """Exit status 2 and one line on standard error."""
    with pytest.raises(SystemExit) as exit_:
        main(list(map(str, argv)))
    captured = capsys.readouterr()
    assert exit_.value.code == 2 and captured.err.count("\n") == 1 and not captured.out
    return captured.err


@pytest.mark.parametrize("format", FORMATS)
def test_train_and_tokenize(files, plain, format, tmp_path, capsys):
    for options in [], ["--tokenizer", "words"]:
        main(["train", plain, str(tmp_path / "expected"), *OPTIONS, *options])
        main(["train", *files(format), str(tmp_path / "m"), *OPTIONS, *options, *columns(format)])
        expected, model = (Sent2Vec.load(str(tmp_path / name)) for name in ("expected", "m"))
        assert list(model.wv.index_to_key) == list(expected.wv.index_to_key)
        assert model.wv.vectors.tobytes() == expected.wv.vectors.tobytes()
    for source, target, options in ([plain], "expected.txt", []), (files(format), "t.txt", columns(format)):
        main(["tokenize", *source, str(tmp_path / target), "--tokenizer", "words", *options])
    assert (tmp_path / "t.txt").read_bytes() == (tmp_path / "expected.txt").read_bytes()
    capsys.readouterr()
    main(["tokenize", *files(format), "-", "--tokenizer", "words", *columns(format)])
    assert capsys.readouterr().out == (tmp_path / "expected.txt").read_text()
    assert not Path("-").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_encode(files, model, texts, format, tmp_path, capsys):
    expected = Sent2VecKeyedVectors.load(model).encode(texts)
    main(["encode", model, *files(format), *columns(format)])
    printed = np.loadtxt(io.StringIO(capsys.readouterr().out), dtype=np.float32)
    np.testing.assert_array_equal(printed, expected)
    main(["encode", model, *files(format), *columns(format), "--key", "no.", "-o", str(tmp_path / "v.vec")])
    by_key = Sent2VecKeyedVectors.load_word2vec_format(tmp_path / "v.vec")
    assert list(by_key.index_to_key) == [f"n{i}" for i in range(len(texts))]
    np.testing.assert_array_equal(by_key.vectors, expected)


@pytest.mark.parametrize("format", FORMATS)
def test_index_and_similar(files, model, texts, format, tmp_path, capsys):
    options = [*columns(format), "--key", "no."]
    main(["index", model, *files(format), str(tmp_path / "i"), *options])
    index = SentenceIndex.load(tmp_path / "i", Sent2VecKeyedVectors.load(model))
    assert list(index.sentences) == texts and list(index.keys) == [f"n{i}" for i in range(len(texts))]
    search = ["similar", model, texts[17], "-n", "3", "--json"]
    main([*search, "--index", str(tmp_path / "i")])
    expected = capsys.readouterr().out
    assert json.loads(expected)["results"][0][0] == "n17"
    main([*search, *chain.from_iterable(["--corpus", name] for name in files(format)), *options])
    assert capsys.readouterr().out == expected
    main([*search, *chain.from_iterable(["--corpus", name] for name in files(format)), *columns(format)])
    assert json.loads(capsys.readouterr().out)["results"][0][0] == texts[17]


@pytest.mark.parametrize("format", FORMATS)
def test_bake_and_shrink(files, plain, format, tmp_path, texts):
    model = str(tmp_path / "m.s2v")
    Sent2Vec(texts, vector_size=10, epochs=1, workers=1, min_count=2, word_ngrams=2, bucket=100).wv.save(model)
    for command, *options in ["bake"], ["shrink", "--bucket", "50"]:
        main([command, model, str(tmp_path / "expected"), *options, "--corpus", plain])
        corpus = chain.from_iterable(["--corpus", name] for name in files(format))
        main([command, model, str(tmp_path / "t"), *options, *corpus, *columns(format), "--force"])
        assert (tmp_path / "t").read_bytes() == (tmp_path / "expected").read_bytes()
        (tmp_path / "expected").unlink()


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "stdin"])
def test_serve(files, model, texts, format, tmp_path):
    faq = files(format)
    source = Source(model, tuple(faq) if len(faq) > 1 else faq[0], columns=Columns("body text", "no."))
    index = source.load(source.index(str(tmp_path), 1)).index
    assert list(index.sentences) == texts and index.keys[5] == "n5"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_evaluate(suffix, model, texts, tmp_path, capsys, monkeypatch):
    tables = {
        "pairs": [{"score": i % 6, "sentence1": texts[i], "sentence2": texts[i + i % 6]} for i in range(30)],
        "faq": [
            {"id": i, "role": "index" if i < 40 else "query", "answer": f"a, {i % 20}", "question": texts[i % 50]}
            for i in range(60)
        ],
    }
    results = {}
    for name, rows in tables.items():
        for kind in "tsv", suffix:
            path = tmp_path / f"{name}.{kind}"
            if kind == "jsonl":
                path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            elif kind == "parquet":
                pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "gensim-sent2vec[parquet]"')
                import pyarrow
                from pyarrow import parquet

                parquet.write_table(pyarrow.Table.from_pylist(rows), path)
            else:
                with open(path, "w", newline="") as file:
                    writer = csv.DictWriter(file, rows[0], delimiter="," if kind == "csv" else "\t")
                    writer.writeheader()
                    writer.writerows(rows)
            main(["evaluate", model, str(path), "--json"])
            results[name, kind] = json.loads(capsys.readouterr().out)
        if suffix in ("csv", "jsonl"):
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
            main(["evaluate", model, "-", "--json", "--format", suffix])
            assert json.loads(capsys.readouterr().out) == results[name, suffix] | {"file": "-"}
        assert results[name, "tsv"] | {"file": ""} == results[name, suffix] | {"file": ""}


def test_evaluate_with_other_names(model, texts, tmp_path, capsys):
    rows = [(f"{'index' if i < 40 else 'query'}", f"a{i % 20}", texts[i % 50]) for i in range(60)]
    for name, header in ("faq.csv", "role,answer,question"), ("other.csv", "role,antwort,frage"):
        with open(tmp_path / name, "w", newline="") as file:
            csv.writer(file).writerows([header.split(","), *rows])
    main(["evaluate", model, str(tmp_path / "faq.csv"), "--json"])
    expected = json.loads(capsys.readouterr().out)
    main(["evaluate", model, str(tmp_path / "other.csv"), "--json", "--column", "frage", "--key", "antwort"])
    assert json.loads(capsys.readouterr().out) == expected | {"file": "other.csv"}
    assert "the first line has neither the columns" in refused(capsys, "evaluate", model, tmp_path / "other.csv")
    (tmp_path / "pairs.csv").write_text("score,sentence1,sentence2\n1,a,b\n2,c,d\n")
    assert "--key): " in refused(capsys, "evaluate", model, tmp_path / "pairs.csv", "--key", "id")


# -----------------------------------------------------------------------------------------------------
# Without options


@pytest.mark.parametrize("name", ["faq.csv", "faq.tsv", "faq.jsonl", "faq.txt"])
def test_a_faq_needs_no_options(model, texts, name, tmp_path, capsys):
    path = tmp_path / name
    rows = [(texts[0], "A, first"), (texts[1], 'B "second"')]
    if name.endswith("jsonl"):
        path.write_text("".join(json.dumps({"answer": a, "question": q}) + "\n" for q, a in rows))
    else:
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, delimiter="," if name.endswith("csv") else "\t")
            writer.writerows([("question", "answer"), *rows])
    main(["index", model, str(path), str(tmp_path / "i")])
    index = SentenceIndex.load(tmp_path / "i", Sent2VecKeyedVectors.load(model))
    assert list(index.keys) == ["A, first", 'B "second"'] and list(index.sentences) == texts[:2]
    capsys.readouterr()
    main(["similar", model, "--corpus", str(path), texts[1], "-n", "1"])
    assert capsys.readouterr().out.splitlines()[1].split(None, 1)[1] == f'{texts[1]} -> B "second"'
    main(["encode", model, str(path), "-o", str(tmp_path / "v.npy")])
    assert np.load(tmp_path / "v.npy").shape == (2, 10)


def test_only_questions_to_be_searched_are_indexed(model, texts, tmp_path):
    path = tmp_path / "faq.csv"
    path.write_text("role,answer,question\nindex,a,police said\nquery,a,the police\nIndex ,b,the government\n")
    main(["index", model, str(path), str(tmp_path / "i")])
    index = SentenceIndex.load(tmp_path / "i", Sent2VecKeyedVectors.load(model))
    assert list(index.sentences) == ["police said", "the government"]
    main(["index", model, str(path), str(tmp_path / "i"), "--column", "question", "--key", "role"])
    index = SentenceIndex.load(tmp_path / "i", Sent2VecKeyedVectors.load(model))
    assert list(index.sentences) == ["police said", "the police", "the government"]


REFUSED = {  # a file: what is wrong with it
    ("t.csv", b"id,frage\n1,a\n"): "has the columns 'id', 'frage'; none",
    ("t.csv", b"text,question\n1,a\n"): "several may hold the texts: 'text', 'question'",
    ("t.tsv", b"one\ttwo\n1\ta\n"): "has the columns 'one', 'two'; none",
    ("t.jsonl", b'{"a": "b"}\n'): "has the columns 'a'; none",
    ("t.jsonl", b'{"text": 5}\n'): "line 1: text: expected a string, got the int 5",
    ("t.csv", b"text,id\na,1\nb\n"): "line 3: expected 2 columns, got 1",
    ("t.csv", b'text,id\na,1\n"b,2\n'): "line 3: unexpected end of data",
    ("t.csv", b"text,id\ncaf\xe9,1\n"): "line 2: not UTF-8",
    ("t.csv", b"text,id\n"): "there are no rows below the header",
    ("t.csv", b""): "there are no rows",
    ("t.txt", gzip.compress(b"a b c\n")): "is not UTF-8, but compressed",
    ("t.txt", "a b c\n".encode("utf-16")): "UTF-16; convert it",
    ("t.txt", b"a b\rc d\r"): "carriage returns only",
    ("t.txt", b"id,text\n1,a\n"): "looks like a header of CSV",
}


@pytest.mark.parametrize("command", ["train", "tokenize", "encode", "index", "similar", "bake", "shrink"])
@pytest.mark.parametrize("name, data", REFUSED)
def test_what_is_refused_by_every_command(name, data, command, model, tmp_path, capsys):
    path, out = tmp_path / name, tmp_path / "out.vec"
    path.write_bytes(data)
    commands = {
        "train": ["train", path, out],
        "tokenize": ["tokenize", path, out, "--tokenizer", "words"],
        "encode": ["encode", model, path, "-o", out],
        "index": ["index", model, path, out],
        "similar": ["similar", model, "police", "--corpus", path],
        "bake": ["bake", model, out, "--corpus", path],
        "shrink": ["shrink", model, out, "--bucket", "0", "--corpus", path],
    }
    if command == "shrink":
        with_ngrams = tmp_path / "ngrams.s2v"
        Sent2Vec([["a", "b"]] * 9, vector_size=10, epochs=1, workers=1, word_ngrams=2, bucket=9).wv.save(with_ngrams)
        commands["shrink"] = ["shrink", with_ngrams, out, "--bucket", "3", "--corpus", path]
    error = refused(capsys, *commands[command])
    assert REFUSED[name, data] in error and name in error
    assert not out.exists()


def test_a_directory_with_other_files(model, texts, tmp_path, capsys):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("the police\n")
    (folder / "notes.md").write_text("# notes\n")
    assert "'notes.md'; move them" in refused(capsys, "index", model, folder, tmp_path / "i")
    (folder / "notes.md").unlink()
    main(["index", model, str(folder), str(tmp_path / "i")])
    capsys.readouterr()
    assert "would be overwritten" in refused(capsys, "tokenize", folder, folder / "a.txt", "--tokenizer", "words")


def test_options_without_a_file_to_read(model, tmp_path, capsys):
    assert "--column: says how --corpus is read" in refused(capsys, "similar", model, "police", "--column", "text")
    assert "--key: says how" in refused(capsys, "similar", model, "police", "--key", "text")
    assert "--format: says how" in refused(capsys, "bake", model, tmp_path / "o", "--format", "csv")
    assert "--key: only word2vec files hold keys" in refused(capsys, "encode", model, "-", "--key", "id")


def test_keys_of_word2vec_files(model, tmp_path, capsys):
    path = tmp_path / "t.csv"
    cases = {"a,x\na,y\n": "rows 1 and 2 have the same key 'a'", "a b,x\n": "row 1: a word2vec file cannot hold"}
    for rows, message in cases.items():
        path.write_text("id,text\n" + rows)
        assert message in refused(capsys, "encode", model, path, "--key", "id", "-o", tmp_path / "o.vec")


def test_an_index_without_sentences_is_searched_all_the_same(model, tmp_path, capsys):
    SentenceIndex.build(Sent2VecKeyedVectors.load(model), []).save(tmp_path / "empty")
    main(["similar", model, "police", "--negative", "said", "--index", str(tmp_path / "empty")])
    assert capsys.readouterr().out == "police - said\n"


def test_a_byte_order_mark_is_not_part_of_a_word(model, tmp_path, capsys):
    path = tmp_path / "t.txt"
    path.write_bytes(b"\xef\xbb\xbfpolice said\npolice government\n")
    main(["train", str(path), str(tmp_path / "m"), "--min-count", "1", "--vector-size", "4"])
    assert sorted(Sent2Vec.load(str(tmp_path / "m")).wv.index_to_key) == ["government", "police", "said"]
    capsys.readouterr()
    main(["similar", model, "police", "--corpus", str(path), "-n", "1", "--json"])
    assert json.loads(capsys.readouterr().out)["results"][0][0] in ("police said", "police government")


@pytest.mark.parametrize(
    ("command", "name", "kind"),
    [
        (("encode", "MODEL", "TEXTS", "-o"), "out.csv", "a NumPy array"),
        (("encode", "MODEL", "TEXTS", "-o"), "out.jsonl", "a NumPy array"),
        (("index", "MODEL", "TEXTS"), "faq.csv", "an index"),
        (("index", "MODEL", "TEXTS"), "faq.txt", "an index"),
        (("train", "TEXTS"), "model.txt", "a model"),
        (("tokenize", "TEXTS", "--tokenizer", "words"), "tokens.csv", "text"),
        (("convert", "MODEL"), "vectors.parquet", "a native file of vectors"),
        (("bake", "MODEL"), "vectors.npy", "a native file of vectors"),
    ],
)
def test_names_that_hide_what_a_file_holds_are_refused(capsys, tmp_path, model, command, name, kind):
    places = {"MODEL": model, "TEXTS": tmp_path / "t.text"}
    places["TEXTS"].write_text("the rain\n")
    out = tmp_path / name
    args = [str(places.get(arg, arg)) for arg in command]
    assert f"{name}': the output is {kind}, which a name that ends in" in refused(capsys, *args, out)
    assert not out.exists()
