"""Tables: headers, columns, line numbers and errors."""

import gzip

import pytest

from gensim_sent2vec._text.tables import at_line, header_of, read_table

COLUMNS = ("Role", "answer", "question")


@pytest.fixture
def table(tmp_path):
    """``table(text)``: the path of a file with it."""

    def write(text: str, name: str = "table.tsv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def test_columns_by_name_in_any_order_and_case(table):
    path = table("QUESTION\tid\t answer \trole\nq 1\t1\ta\tindex\nq 2\t2\tb\tquery\n")
    assert list(read_table(path, COLUMNS)) == [(2, ["index", "a", "q 1"]), (3, ["query", "b", "q 2"])]
    assert header_of(path) == ["question", "id", "answer", "role"]
    assert list(read_table(path, ["id"], header="optional")) == [(2, ["1"]), (3, ["2"])]


def test_byte_order_mark_blank_lines_and_line_ends(table):
    path = table("\ufeff\r\n \nrole\tanswer\tquestion\r\n\r\nindex\ta\tq\r\nindex\tb\t\r\n")
    assert list(read_table(path, COLUMNS)) == [(5, ["index", "a", "q"]), (6, ["index", "b", ""])]
    assert list(read_table(table("\ufeffA\n1\n"), ["a"])) == [(2, ["1"])]


def test_values_are_taken_literally(table):
    path = table('a\tb\n" x\ty "\n"\t\\t\n')
    assert list(read_table(path, ["a", "b"])) == [(2, ['" x', 'y "']), (3, ['"', "\\t"])]


def test_a_header_may_be_optional(table):
    assert list(read_table(table("index\ta\tq\n"), COLUMNS, header="optional")) == [(1, ["index", "a", "q"])]
    assert list(read_table(table(""), COLUMNS, header="optional")) == []


def test_compressed_files(table):
    assert list(read_table(table("a\n1\n", "table.tsv.gz"), ["a"])) == [(2, ["1"])]


@pytest.mark.parametrize("text", ["", "\n", "role\tquestion\n", "index\ta\tq\n"])
def test_missing_columns(table, text):
    with pytest.raises(
        ValueError, match=r"table\.tsv': the first line must name the columns Role, .* missing: .*answer"
    ):
        next(read_table(table(text), COLUMNS))


@pytest.mark.parametrize(
    "text, header, message",
    [
        ("a\tb\n1\t2\n\n1\n", "required", "line 4: expected 2 tab-separated columns, got 1"),
        ("a\tb\n1\t2\t3\n", "required", "line 2: expected 2 tab-separated columns, got 3"),
        ("1\n", "optional", "line 1: expected 2 tab-separated columns, got 1"),
        ("1\t2\t3\n", "optional", "line 1: expected 2 tab-separated columns, got 3"),
    ],
)
def test_wrong_numbers_of_columns(table, text, header, message):
    path = table(text)
    with pytest.raises(ValueError) as raised:
        list(read_table(path, ["a", "b"], header))
    assert str(raised.value) == f"{str(path)!r}, {message}"


def test_files_that_cannot_be_read(table, tmp_path):
    path = table("a\n1\n")
    path.write_bytes(b"a\n1\n\xe9\n")
    with pytest.raises(ValueError, match=f"{at_line(path, 3)}: not UTF-8"):
        list(read_table(path, ["a"]))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        header_of(tmp_path / "nowhere.tsv")
