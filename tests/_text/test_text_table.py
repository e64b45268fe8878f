"""`TextTable`: the texts of files as people have them, and errors that say what to do."""

from __future__ import annotations

import bz2
import copy
import csv
import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec import Sent2Vec, SentenceIndex, TextTable, tokenize_file
from gensim_sent2vec._text.inputs import checked_texts
from gensim_sent2vec._util.batches import known_length
from gensim_sent2vec._util.compression import COMPRESSED_SUFFIXES
from gensim_sent2vec.lexical import LexicalScores
from gensim_sent2vec.shrink import shrink

TEXTS = ["the police said", 'he said "rain", then left', "two\nlines", "one\ttab", "경찰이 말했다", "", " blanks "]
KEYS = ["a", "b", "c", "d", "e", "f", "g"]


def parquet():
    pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "gensim-sent2vec[parquet]"')
    import pyarrow
    from pyarrow import parquet

    return pyarrow, parquet


def write_parquet(path: Path, columns: dict[str, list], **options) -> None:
    pyarrow, parquet_ = parquet()
    parquet_.write_table(pyarrow.table(columns), path, **options)


def written(path: Path, texts=TEXTS, keys=KEYS) -> Path:
    """A file of texts and keys in the format that its name says."""
    name = path.name
    for suffix, compress in (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress):
        if name.endswith(suffix):
            plain = written(path.with_name(name.removesuffix(suffix)), texts, keys)
            path.write_bytes(compress(plain.read_bytes()))
            plain.unlink()
            return path
    if name.endswith(".parquet"):
        write_parquet(path, {"id": keys, "text": texts}, row_group_size=2)
    elif name.endswith((".jsonl", ".ndjson")):
        rows = ({"text": text, "id": key, "more": [1]} for text, key in zip(texts, keys))
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif name.endswith(".txt"):
        path.write_text("".join(text.replace("\n", " ") + "\n" for text in texts), encoding="utf-8")
    else:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, "excel" if ".csv" in name else "excel-tab")
            writer.writerow(["id", "text"])
            writer.writerows(zip(keys, texts))
    return path


NAMES = ("t.csv", "t.tsv", "t.tab", "T.CSV", "t.csv.gz", "t.tsv.bz2", "t.jsonl", "t.ndjson.xz", "t.parquet")


@pytest.mark.parametrize("name", NAMES)
def test_every_format(tmp_path, name):
    path = written(tmp_path / name)
    table = TextTable(path)
    assert list(table) == TEXTS and list(table) == TEXTS  # again
    assert list(zip(table, table)) == [(text, text) for text in TEXTS]
    assert list(TextTable(str(path), key="ID").rows()) == list(zip(TEXTS, KEYS))
    assert list(TextTable(path, text="id")) == KEYS
    assert list(checked_texts(table)) == TEXTS
    assert list(pickle.loads(pickle.dumps(table))) == list(copy.deepcopy(table)) == TEXTS


def test_plain_text_is_its_lines(tmp_path):
    for name in "t.txt", "t.txt.gz", "corpus.de":
        path = tmp_path / name
        data = '\ufeffone line\r\n\nzwei, drei\tvier\n "text" \nno newline'.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        assert list(TextTable(path)) == ["one line", "", "zwei, drei\tvier", ' "text" ', "no newline"]
    with pytest.raises(ValueError, match=r"text \(--column\): .*t\.txt' is plain text.*format="):
        TextTable(tmp_path / "t.txt", text="text")
    with pytest.raises(ValueError, match=r"key \(--key\): .* is plain text"):
        TextTable(tmp_path / "t.txt", key="id")


def test_length_where_files_store_it(tmp_path):
    written(tmp_path / "a.parquet")
    written(tmp_path / "b.parquet")
    assert known_length(TextTable(tmp_path)) == 14 == known_length(checked_texts(TextTable(tmp_path)))
    for table in TextTable(written(tmp_path / "t.csv")), TextTable(tmp_path / "a.parquet", missing="skip"):
        assert known_length(table) is None


# -----------------------------------------------------------------------------------------------------
# CSV and TSV

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.text(
    "\",;\t\r\n a'\\", max_size=8
)
cells = cells.filter(lambda cell: "\t" not in cell or "\n" not in cell)  # both in one value: the limit of TSV


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=6), everything=st.booleans())
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, name, rows, everything):
    path = tmp_path_factory.getbasetemp() / name
    with open(path, "w", newline="", encoding="utf-8") as file:
        quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
        writer = csv.writer(
            file, delimiter="," if name.endswith("csv") else "\t", quoting=quoting, lineterminator="\r\n"
        )
        writer.writerows([["id", "text"], *rows])
    assert list(TextTable(path, key="id").rows()) == [(text, key) for key, text in rows]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
@given(rows=st.lists(cells, min_size=1, max_size=6))
def test_a_single_column(tmp_path_factory, name, rows):
    path = tmp_path_factory.getbasetemp() / name
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, "excel" if name.endswith("csv") else "excel-tab").writerows([["text"], *zip(rows)])
    assert list(TextTable(path)) == rows


def test_blank_lines_of_tables(tmp_path):
    for name, mark in ("t.csv", ","), ("t.tsv", "\t"):
        lines = [" ", "", f"text{mark}id", "", f"a{mark}1", "  ", mark, f"b{mark}2", ""]
        assert list(TextTable(csv_file(tmp_path, "\n".join(lines), name), key="id").rows()) == [
            ("a", "1"), ("", ""), ("b", "2"),
        ]  # fmt: skip


def test_packages_for_decompression_are_named(tmp_path, monkeypatch):
    path = tmp_path / "t.csv.lz4"
    path.write_bytes(b"\x04\x22\x4d\x18")
    if ".lz4" not in COMPRESSED_SUFFIXES:
        with pytest.raises(ValueError, match=r"compressed \(lz4\), which the installed smart_open cannot read"):
            TextTable(path)
        return
    monkeypatch.setitem(sys.modules, "lz4", None)
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    with pytest.raises(ImportError, match=r't\.csv\.lz4.: .*pip install "smart_open\[lz4\]"'):
        list(TextTable(path))


def test_quotation_marks_of_tsv_are_literal_where_no_quoting_is_needed(tmp_path):
    path = tmp_path / "sts.tsv"
    rows = [('"Go away!"', "x"), ('"I went home.', "a"), ('Then I slept."', 'say "b"'), ('"', '"'), ('" a', 'b "')]
    path.write_text("text\tid\n" + "".join(f"{text}\t{key}\n" for text, key in rows))
    assert list(TextTable(path, key="id").rows()) == rows
    path.write_text('id\ttext\n1\t"I went home.\n2\tThen I slept."\n3\t"He said ""no""."\n4\t""\n')
    assert list(TextTable(path)) == ['"I went home.', 'Then I slept."', 'He said "no".', ""]


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_other_delimiters_byte_order_mark_and_line_ends_of_csv(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    for end in "\r\n", "\r", "\n":
        lines = [delimiter.join(cells) for cells in (["id", "Text"], ["1", '"a, b; c\td"'], ["2", " e "])]
        path.write_bytes(("\ufeff" + end.join(lines) + end + end).encode())
        assert list(TextTable(path, key="id").rows()) == [("a, b; c\td", "1"), (" e ", "2")]


def test_long_values(tmp_path):
    text = "word " * 200_000
    path = written(tmp_path / "t.csv", [text], ["1"])
    assert list(TextTable(path)) == [text]


# -----------------------------------------------------------------------------------------------------
# Columns


def csv_file(tmp_path, text: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["text", "Sentence", "question", "CONTENT", "질문"])
def test_the_usual_names_are_found(tmp_path, name):
    assert list(TextTable(csv_file(tmp_path, f"id,{name}\n1,a\n"))) == ["a"]


@pytest.mark.parametrize(
    "text, options, message",
    [
        ("id,frage\n1,a\n", {}, r"t\.csv' has the columns 'id', 'frage'; none has .* pass .*text='id' \(--column id\)"),
        ("text,question\n1,a\n", {}, r"columns 'text', 'question'; several may hold the texts: .*--column text\)"),
        ("utterance\na\n", {}, r"has the columns 'utterance'; none .*not a header, pass its number"),
        ("a,b\n1,2\n", {"text": "c"}, r"text \(--column\): '.*t\.csv' has no column 'c'; its columns are 'a', 'b'"),
        ("a,b\n1,2\n", {"text": "a", "key": "c"}, r"key \(--key\): '.*t\.csv' has no column 'c'"),
        ("a,a\n1,2\n", {"text": "a"}, r"has 2 columns called 'a'"),
        ("A,a,A\n1,2,3\n", {"text": "A"}, r"has 2 columns called 'A'"),
        ("a,b\n1,2\n", {"text": 3}, r"has no column 3; it has 2"),
        ("a,b\n1,2\n", {"text": "0"}, r"has no column 0"),
        ("a,b\n1,2\n", {"text": 1, "key": "b"}, r"pass two names, or two numbers"),
        ("id,text\n1,2\n", {"text": 2}, r"numbers are for tables without a header, but .* 'id', 'text'; pass a name"),
        ("a,b\n1,2\n", {"format": "xlsx"}, r"format: expected one of text, csv, tsv, jsonl, parquet, got 'xlsx'"),
        ("a,b\n1,2\n", {"missing": "drop"}, r'missing: expected "error" or "skip", got \'drop\''),
    ],
)
def test_columns_that_are_not_found_are_refused_at_once(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message):
        TextTable(csv_file(tmp_path, text), **options)


def test_wrong_types_of_arguments(tmp_path):
    path = csv_file(tmp_path, "text\na\n")
    for column in True, 1.0, ["text"], b"text":
        with pytest.raises(TypeError, match=r"^key: expected the name or number of a column"):
            TextTable(path, key=column)
    for paths in 5, None, b"t.csv", [b"t.csv"], [5]:
        with pytest.raises(TypeError, match=r"^path: expected"):
            TextTable(paths)
    with pytest.raises(ValueError, match=r"^path: expected at least one file"):
        TextTable([])


def test_numbers_are_for_tables_without_a_header(tmp_path):
    path = csv_file(tmp_path, "how do I pay,By card\nwhere is it,Here\n")
    for text, key in (1, 2), ("1", "2"):
        assert list(TextTable(path, text, key).rows()) == [("how do I pay", "By card"), ("where is it", "Here")]
    assert list(TextTable(csv_file(tmp_path, "2,1\na,b\n"), text="1")) == ["b"]  # the name comes first


def test_json_keys_may_differ(tmp_path):
    path = csv_file(tmp_path, '{"id": 1, "text": "a"}\n\n{"text": "b", "id": "x", "more": {}}\n', "t.json")
    assert list(TextTable(path, key="id").rows()) == [("a", 1), ("b", "x")]


# -----------------------------------------------------------------------------------------------------
# Invalid files

INVALID = {
    "short row": ("t.csv", "id,text\n1,a\n2\n", "line 3: expected 2 columns, got 1"),
    "long row": ("t.csv", "id,text\n1,a\n2,b,c\n", "line 3: expected 2 columns, got 3"),
    "row after a long one": ("t.csv", 'id,text\n1,"a\nb"\n2\n', "line 4: expected 2 columns, got 1"),
    "open quote": ("t.csv", 'id,text\n1,a\n2,"b\n3,c\n', "line 3: unexpected end of data; is a quotation mark missing"),
    "text after a quote": ("t.csv", 'id,text\n1,"a"b\n', "line 2: .*expected after"),
    "stray quotes": ("t.csv", 'id,text\n1,"a\n2,b\n3,"c"\n', "line 2: .*quotation mark"),
    "Latin-1": ("t.csv", "id,text\n1,a\n2,caf\xe9\n".encode("latin-1"), r"line 3: not UTF-8 .*iconv -f ENCODING"),
    "Latin-1 TSV": ("t.tsv", "id\ttext\n1\tcaf\xe9\n".encode("latin-1"), r"line 2: not UTF-8 .*iconv"),
    "Latin-1 JSON": ("t.jsonl", '{"text": "a"}\n{"text": "\xe9"}\n'.encode("latin-1"), r"line 2: not UTF-8"),
    "ragged TSV": ("t.tsv", "id\ttext\n1\ta\tb\n", "line 2: expected 2 tab-separated columns, got 3"),
    "empty": ("t.csv", "", r"t\.csv': there are no rows$"),
    "blank": ("t.csv", "\n\n", r"t\.csv': there are no rows$"),
    "header only": ("t.csv", "id,text\n", r"t\.csv': there are no rows below the header"),
    "empty JSON": ("t.jsonl", "\n", r"t\.jsonl': there are no rows"),
    "no JSON": ("t.jsonl", '{"text": "a"}\n{"text": b}\n', r"line 2: invalid JSON \(Expecting value, column 10\)"),
    "cut JSON": ("t.jsonl", '{"text": "a"}\n{"text"', r"line 2: invalid JSON"),
    "indented JSON": ("t.json", '{\n  "text": "a"\n}\n', r"line 1: invalid JSON .*one object per line.*jq"),
    "array": ("t.json", '[{"text": "a"}]\n', r"line 1: expected a JSON object per line.*got a list.*jq"),
    "JSON string": ("t.jsonl", '"a"\n', r"line 1: expected a JSON object per line.*got a str"),
    "number": ("t.jsonl", '{"text": "a"}\n{"text": 5}\n', r"line 2: text: expected a string, got the int 5"),
    "tokens": ("t.jsonl", '{"text": ["a", "b"]}\n', r"line 1: text: expected a string, got the list \['a', 'b'\]"),
    "null": ("t.jsonl", '{"text": "a"}\n{"text": null}\n', r'line 2: the text is missing; .*missing="skip" \(--skip-m'),
    "absent": ("t.jsonl", '{"text": "a"}\n{"txt": "b"}\n', r"line 2: the text is missing"),
    "gzip": ("t.csv", gzip.compress(b"text\na\n"), r"is not UTF-8, but compressed: rename .* ends in \.gz"),
    "xz": ("t.txt", lzma.compress(b"text\na\n"), r"is not UTF-8, but compressed: rename .* ends in \.xz"),
    "bz2": ("t.jsonl", bz2.compress(b"text\na\n"), r"is not UTF-8, but compressed: rename .* ends in \.bz2"),
    "Excel": (
        "t.csv",
        b"PK\x03\x04\x14\0\x06\0\x08\0\0\0",
        r"zip archive or an Excel workbook; .*save the sheet as CSV",
    ),
    "old Excel": ("t.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"is an Excel or Word file"),
    "model": ("t.txt", pickle.dumps({"a": 1}), r"is a saved model, vectors or an index, not texts"),
    "vectors": ("t.txt", b'\x90\x01\0\0\0\0\0\0{"a": {}}', r"is a saved model, vectors or an index, not texts"),
    "numpy": ("t.txt", b"\x93NUMPY\x01\0v\0{'descr'", r"is a NumPy array"),
    "UTF-16": ("t.csv", "text\na\n".encode("utf-16"), r"line 1: not UTF-8, but UTF-16; .*iconv -f UTF-16 -t UTF-8"),
    "UTF-16 text": ("t.txt", "a b c\n".encode("utf-16"), r"not UTF-8, but UTF-16"),
    "UTF-16LE": ("t.txt", "a b c d\n".encode("utf-16-le"), r"not UTF-8, but UTF-16LE"),
    "UTF-16BE": ("t.tsv", "a b c d\n".encode("utf-16-be"), r"not UTF-8, but UTF-16BE"),
    "old Mac": ("t.txt", b"one line\ranother\r", r"lines end in carriage returns only.*tr '\\r' '\\n'"),
    "Parquet": ("t.txt", b"PAR1\x15\0\x15\x02", r'is a Parquet file, but its name .*format="parquet"'),
    "CSV in a text file": ("t.txt", "id,text\n1,a\n", r'looks like a header of CSV.*--format csv\), or format="text"'),
    "semicolons": ("t", "id;question;x\n1;a;b\n", r"looks like a header of CSV"),
    "JSON in a text file": ("t.txt", '{"text": "a"}\n', r'looks like JSON.*--format jsonl\), or format="text"'),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_files_are_named(tmp_path, case):
    name, data, message = INVALID[case]
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(ValueError, match=message) as raised:
        list(TextTable(path))
    assert name in str(raised.value)


def test_files_that_are_meant_to_be_plain_text(tmp_path):
    for line in "id,text", '{"text": "a"}', "id\ttext":
        assert list(TextTable(csv_file(tmp_path, line + "\n", "t.txt"), format="text")) == [line]
        assert list(TextTable(csv_file(tmp_path, line + "\n", "t.csv"), format="text")) == [line]
    for line in "question, answer", "PK is a name", "BZh is not one", "{curly", "a,b", "text":
        assert list(TextTable(csv_file(tmp_path, line + "\n", "t.txt"))) == [line]


def test_a_header_with_tabs_makes_a_table_of_any_file(tmp_path):
    for name in "faq", "faq.txt":
        path = csv_file(tmp_path, "question\tanswer\nq\ta\n", name)
        assert list(TextTable(path, key="answer").rows()) == [("q", "a")]


def test_missing_values_can_be_skipped(tmp_path, caplog):
    rows = (
        '{"text": "a", "id": 1}\n{"text": null, "id": 2}\n{"id": 3}\n{"text": " ", "id": 4}\n{"text": "b", "id": 5}\n'
    )
    path = csv_file(tmp_path, rows, "t.jsonl")
    table = TextTable(path, key="id", missing="skip")
    assert list(table.rows()) == [("a", 1), ("b", 5)]
    assert "skipped 3 of 5 rows" in caplog.text
    assert list(TextTable(csv_file(tmp_path, "id,text\n1,\n2,b\n"), missing="skip")) == ["b"]


def test_parquet_types(tmp_path):
    pyarrow, _ = parquet()
    path = tmp_path / "t.parquet"
    write_parquet(path, {"text": ["a", "b", "a"], "n": [1, 2, 3], "x": [0.5, None, 1]})
    assert list(TextTable(path, key="n").rows()) == [("a", 1), ("b", 2), ("a", 3)]
    assert list(TextTable(csv_file(tmp_path, "", "u").parent / "t.parquet", format="parquet")) == ["a", "b", "a"]
    with pytest.raises(ValueError, match=r"row 1: text: expected a string, got the int 1"):
        list(TextTable(path, text="n"))
    with pytest.raises(ValueError, match=r"row 1: key: expected a string or a whole number, got the float 0\.5"):
        list(TextTable(path, key="x"))
    with pytest.raises(ValueError, match=r"numbers are for tables without a header"):
        TextTable(path, text=1)
    write_parquet(path, {"text": pyarrow.array(["a", "b", "a"]).dictionary_encode()})
    assert list(TextTable(path)) == ["a", "b", "a"]
    write_parquet(path, {"text": pyarrow.array(["a", None], pyarrow.large_string())})
    with pytest.raises(ValueError, match=r"t\.parquet', row 2: the text is missing"):
        list(TextTable(path))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"t\.parquet': not a Parquet file, or damaged"):
        TextTable(path)
    write_parquet(path, {"text": pyarrow.array([], pyarrow.string())})
    with pytest.raises(ValueError, match=r"there are no rows below the header"):
        list(TextTable(path))


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 and so on PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r't\.parquet.: .*pip install "gensim-sent2vec\[parquet\]"'):
        TextTable(path)


# -----------------------------------------------------------------------------------------------------
# Several files, directories, standard input


def test_several_files_in_order(tmp_path):
    a, b = written(tmp_path / "a.csv", ["1", "2"]), written(tmp_path / "b.jsonl", ["3"])
    assert list(TextTable([b, a])) == ["3", "1", "2"]
    empty = csv_file(tmp_path, "id,text\n", "empty.csv")
    assert list(TextTable([empty, a])) == ["1", "2"]  # a part without rows, as programs write them
    with pytest.raises(ValueError, match=r"empty\.csv', .*empty\.csv': there are no rows"):
        list(TextTable([empty, empty]))
    other = csv_file(tmp_path, "id,frage\n1,a\n", "other.csv")
    with pytest.raises(ValueError, match=r"other\.csv' has the columns 'id', 'frage'"):
        TextTable([a, other])
    with pytest.raises(FileNotFoundError, match=r"there is no file 'nowhere\.csv'"):
        TextTable([a, "nowhere.csv"])


def test_a_directory_is_read_in_the_order_of_names(tmp_path):
    for number, name in enumerate(["b.csv", "a.jsonl", "c.txt.gz", "_SUCCESS", ".hidden"]):
        path = tmp_path / name
        written(path, [str(number)]) if name[0] in "abc" else path.write_text("x")
    table = TextTable(tmp_path)
    assert list(table) == ["1", "0", "2"] and [Path(path).name[0] for path in table.paths] == ["a", "b", "c"]
    (tmp_path / "README.md").write_text("read me")
    with pytest.raises(ValueError, match=r"other things than files of texts: 'README\.md'; move them, pass the files"):
        TextTable(tmp_path)
    (tmp_path / "README.md").unlink()
    (tmp_path / "deeper").mkdir()
    with pytest.raises(ValueError, match=r"other things than files of texts: 'deeper'"):
        TextTable(tmp_path)
    with pytest.raises(ValueError, match=r"is a directory without files of texts"):
        TextTable(tmp_path / "deeper")


@pytest.mark.parametrize(
    "data, options, expected",
    [
        ("a\nb\n", {}, ["a", "b"]),
        ("\ufeffquestion\tanswer\nq\ta\n", {}, ["q"]),
        ("x,y\n1,2\n", {"format": "csv", "text": "y"}, ["2"]),
        ('{"text": "a"}\n', {"format": "jsonl"}, ["a"]),
    ],
)
def test_standard_input(monkeypatch, data, options, expected):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
    table = TextTable("-", **options)
    assert list(table) == list(table) == expected


def test_errors_of_standard_input(monkeypatch):
    for data, message in (b"id,text\n1,a\n", "standard input: .*looks like a header of CSV.*--format csv"), (
        gzip.compress(b"a"), "standard input is not UTF-8, but compressed"
    ), (b"caf\xe9\n", "standard input, line 1: not UTF-8"):  # fmt: skip
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        with pytest.raises(ValueError, match=message):
            list(TextTable("-"))


# -----------------------------------------------------------------------------------------------------
# Where sentences are accepted


@pytest.fixture
def faq(tmp_path, lee):
    """A table of news sentences, and the sentences."""
    texts = [" ".join(tokens[:12]) for tokens in lee]
    return written(tmp_path / "faq.csv", texts, [f"key {i}" for i in range(len(texts))]), texts


@pytest.mark.parametrize("tokenizer", ["split", "words"])
def test_models_train_on_tables(faq, tokenizer):
    path, texts = faq
    options = {"vector_size": 10, "epochs": 2, "workers": 1, "min_count": 2, "tokenizer": tokenizer}
    expected = Sent2Vec(texts, **options)
    model = Sent2Vec(TextTable(path), **options)
    assert model.wv.vectors.tobytes() == expected.wv.vectors.tobytes()
    assert model.wv.weighting.weights.tobytes() == expected.wv.weighting.weights.tobytes()
    step = Sent2Vec(**options)
    step.build_vocab(TextTable(path))
    step.train(TextTable(path), total_words=step.corpus_total_words, epochs=2)
    assert step.wv.vectors.tobytes() == expected.wv.vectors.tobytes()


def test_a_table_of_plain_text_is_read_by_all_threads(faq, monkeypatch):
    path, texts = faq
    plain = written(path.with_name("t.txt"), texts)
    model = Sent2Vec(vector_size=5, min_count=1)
    with model.as_tokens(TextTable(plain)) as (sentences, corpus_file):
        assert sentences is None and corpus_file == str(plain)  # not copied
    with model.as_tokens(TextTable(path)) as (sentences, corpus_file):
        assert sentences is None and Path(corpus_file).read_text().splitlines() == texts


def test_vectors_and_indexes_of_tables(faq, wv, tmp_path):
    path, texts = faq
    table = TextTable(path, key="id")
    assert wv.encode(table).tobytes() == wv.encode(texts).tobytes()
    assert wv.weighting.fit(wv, table).fitted
    index = SentenceIndex.build(wv, table)
    assert list(index.keys) == [f"key {i}" for i in range(len(texts))] and list(index.sentences) == texts
    index.add(TextTable(written(tmp_path / "more.csv", ["the police"], ["new"]), key="id"))
    assert index.most_similar("the police", topn=1)[0][0] == "new"
    assert list(SentenceIndex.build(wv, TextTable(path)).keys) == texts
    assert Path(tokenize_file(path, tmp_path / "tokens", "split")).read_text().splitlines() == texts


def test_pipes_are_checked_too(tmp_path, monkeypatch):
    options = {"vector_size": 5, "min_count": 1, "epochs": 1}
    for data, message in {
        b"one line\ranother\r": "carriage returns only",
        gzip.compress(b"a b"): "not UTF-8, but compressed",
        "a b".encode("utf-16"): "not UTF-8, but UTF-16",
    }.items():
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        with pytest.raises(ValueError, match=f"^standard input.*{message}"):
            Sent2Vec(TextTable("-"), **options)
        if hasattr(os, "mkfifo"):
            fifo = tmp_path / "fifo"
            os.mkfifo(fifo)
            writer = threading.Thread(target=fifo.write_bytes, args=[data])
            writer.start()
            with pytest.raises(ValueError, match=f"fifo.*{message}"):
                Sent2Vec(corpus_file=fifo, **options)
            writer.join()
            fifo.unlink()


def test_everything_else_takes_tables(faq, wv, lee_path):
    path, texts = faq
    table = TextTable(path)
    assert list(wv.token_lists(table)) == list(wv.token_lists(texts))
    baked = wv.bake(sentences=table)
    assert baked.vectors.tobytes() == wv.bake(sentences=texts).vectors.tobytes()
    assert shrink(wv, bucket=100, sentences=table).vectors_ngrams.any()
    assert LexicalScores.fit(table).scores(texts[3]).argmax() == 3
    model = Sent2Vec(corpus_file=lee_path, vector_size=5, min_count=2, epochs=1, workers=1)
    model.fit_weighting(table)
    assert wv.similarity_matrix(table, table).shape == (len(texts), len(texts))
    assert SentenceIndex.build(wv, texts).search(table, topn=1)[3][0][0] == texts[3]


def test_vectorizer(faq):
    pytest.importorskip("sklearn", reason='needs scikit-learn: pip install "gensim-sent2vec[sklearn]"')
    from gensim_sent2vec import Sent2VecVectorizer

    path, texts = faq
    options = {"vector_size": 5, "epochs": 1, "workers": 1}
    vectors = Sent2VecVectorizer(**options).fit_transform(TextTable(path))
    assert vectors.tobytes() == Sent2VecVectorizer(**options).fit_transform(texts).tobytes()


def test_the_name_of_a_file_is_no_list_of_texts(faq, wv):
    path, _ = faq
    for call in lambda: SentenceIndex.build(wv, str(path)), lambda: Sent2Vec(str(path)):
        with pytest.raises(TypeError, match=r"TextTable\("):
            call()


def test_blank_lines_of_plain_text_can_be_skipped(tmp_path):
    path = csv_file(tmp_path, "a\n\nb\n", "t.txt")
    target = tmp_path / "tokens"
    tokenize_file(path, target)
    assert target.read_text() == "a\n\nb\n"
    tokenize_file(TextTable(path, missing="skip"), target)
    assert target.read_text() == "a\nb\n"


def test_corpus_files_that_are_no_plain_text(tmp_path, lee_path):
    options = {"vector_size": 5, "min_count": 1, "epochs": 1, "workers": 1}
    for name, data, message in (
        ("t.csv", b"id,text\n1,a\n", r"corpus_file: .*t\.csv' is a table by its name; pass TextTable"),
        ("t.txt", gzip.compress(b"a b c\n"), r"corpus_file: .* is not UTF-8, but compressed: rename .*\.gz"),
        ("u.txt", "a b c d\n".encode("utf-16"), r"corpus_file: .*not UTF-8, but UTF-16; .*iconv"),
        ("v.txt", b"a b c\rd e f\r", r"corpus_file: .*carriage returns only.*tr"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(ValueError, match=message):
            Sent2Vec(corpus_file=path, **options)
    marked = tmp_path / "bom.txt"
    marked.write_bytes(b"\xef\xbb\xbf" + Path(lee_path).read_bytes())
    expected = Sent2Vec(corpus_file=lee_path, **options)
    for source in {"corpus_file": marked}, {"sentences": TextTable(marked)}:
        model = Sent2Vec(**source, **options)
        assert list(model.wv.index_to_key) == list(expected.wv.index_to_key)
        assert model.wv.vectors.tobytes() == expected.wv.vectors.tobytes()


def test_untokenized_tables_are_noticed(tmp_path):
    path = written(tmp_path / "t.csv", ["The Police arrested a man, in Sydney."] * 20, map(str, range(20)))
    plain = written(tmp_path / "t.txt", ["\ufeffThe Police arrested a man, in Sydney."] * 20)
    for source in path, plain:
        with pytest.warns(UserWarning, match="sentences: the corpus: the text does not look tokenized"):
            Sent2Vec(TextTable(source), vector_size=5, min_count=1, epochs=1)
        model = Sent2Vec(vector_size=5, min_count=1)
        message = rf"^corpus_file: '.*{source.name}': the text does not look tokenized"
        with model.as_tokens(TextTable(source)) as corpus, pytest.warns(UserWarning, match=message):
            model.build_vocab(*corpus)


# -----------------------------------------------------------------------------------------------------
# Memory

PEAK = """
import sys
from gensim_sent2vec import TextTable
n = sum(1 for _ in TextTable(sys.argv[1], key="id").rows())
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(n, status["VmHWM"].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    """Reading 40 times as many rows (100 MB of text) takes at most 16 MB more."""
    peaks = []
    for n in 10_000, 400_000:
        path = tmp_path / f"{n}-{name}"
        texts = (f'{i} "said" the police, ' + "word " * 48 for i in range(n))
        if name.endswith("parquet"):
            write_parquet(path, {"id": list(range(n)), "text": list(texts)}, row_group_size=10_000)
        else:
            written(path, texts, map(str, range(n)))
        done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
        rows, peak = map(int, done.stdout.split())
        assert rows == n
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 16 << 10  # in kilobytes
