"""What is accepted as texts: columns, arrays and streams; and what is refused, with its row."""

import numpy as np
import pytest

from gensim_sent2vec._text.corpus import TextLines
from gensim_sent2vec._text.inputs import as_column, as_text, check_text, checked_texts, reject_texts_as_tokens
from gensim_sent2vec._util.batches import known_length

TEXTS = ["the police", "the rain", "a fire"]


def test_a_series_is_read_by_position():
    pandas = pytest.importorskip("pandas")
    for index in ([2, 0, 1], [7, 7, 7], ["a", "b", "c"]):
        for dtype in (object, "string", "category"):
            assert list(checked_texts(pandas.Series(TEXTS, index=index, dtype=dtype))) == TEXTS
    assert list(checked_texts(pandas.Index(TEXTS))) == TEXTS


@pytest.mark.parametrize(
    "texts", [tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, dtype=object), dict.fromkeys(TEXTS).keys()]
)
def test_other_columns(texts):
    checked = checked_texts(texts)
    assert known_length(checked) == 3 and list(checked) == list(checked) == TEXTS


def test_a_stream_stays_a_stream(tmp_path):
    stream = checked_texts(iter(TEXTS))
    assert iter(stream) is stream and list(stream) == TEXTS
    (tmp_path / "lines").write_text("a\nb\n")
    lines = TextLines(tmp_path / "lines")
    assert checked_texts(lines) is lines


def test_columns_of_arrow_and_polars_have_their_methods_recognized():
    class ChunkedArray:
        shape = (3,)

        def __iter__(self):
            raise AssertionError("its scalars are not strings")

        def to_pylist(self):
            return TEXTS

    assert list(checked_texts(ChunkedArray())) == TEXTS


def test_long_names_of_columns_are_cut():
    for value in ({"x" * 10**6: 1}, dict.fromkeys(map(str, range(10**5)))):
        for check in (checked_texts, lambda value: list(checked_texts([value]))):
            with pytest.raises(TypeError) as caught:
                check(value)
            assert len(str(caught.value)) < 400


def test_tables_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "key": range(3)})
    with pytest.raises(
        TypeError,
        match=r"labels: .* DataFrame with the columns 'text', 'key'; pass one column, such as dataframe\['text'\]",
    ):
        as_column(frame, "labels")
    for table in (frame[["text"]], frame.to_dict("list"), {"text": TEXTS}):
        with pytest.raises(TypeError, match=r"queries: .* the columns 'text'.*pass one column"):
            checked_texts(table, "queries")


@pytest.mark.parametrize("array", [np.array(TEXTS)[:, None], np.array([TEXTS]), np.array("a"), np.ones((2, 3))])
def test_arrays_that_are_not_one_dimensional_are_refused(array):
    with pytest.raises(TypeError, match=r"sentences: expected a list of texts, got ndarray of shape .*pass one column"):
        checked_texts(array)


def test_what_is_no_column_is_refused():
    for bad, message in (
        ("abc", r"got the single string 'abc'; pass \['abc'\]"),
        (b"ab", "single string b'ab'"),
        (7, "got int"),
        (None, "got NoneType"),
    ):
        with pytest.raises(TypeError, match=f"questions: .*{message}"):
            checked_texts(bad, "questions")


@pytest.mark.parametrize("missing", [None, float("nan"), np.float32("nan"), np.ma.masked, "pandas.NA", "pandas.NaT"])
def test_a_missing_value_is_refused_with_its_row(missing):
    if isinstance(missing, str):
        missing = getattr(pytest.importorskip("pandas"), missing.partition(".")[2])
    with pytest.raises(TypeError, match=r"sentences: row 2: a missing value .*\.dropna\(\)"):
        list(checked_texts(["a", ["b"], missing]))
    with pytest.raises(TypeError, match="missing value"):
        as_text(["a", missing], "query")


def test_missing_values_of_a_series():
    pandas = pytest.importorskip("pandas")
    for dtype in (object, "string", "str", "category"):
        with pytest.raises(TypeError, match=r"sentences: row 1: a missing value"):
            list(checked_texts(pandas.Series(["a", None, "b"], dtype=dtype, index=[5, 6, 7])))


@pytest.mark.parametrize("item", [3, 2.5, b"ab", {"text": "a"}, np.ones(3), np.array([["a"]]), True])
def test_items_that_are_no_texts_are_refused(item):
    with pytest.raises(TypeError, match=r"sentences: row 1,000: "):
        list(checked_texts(["a"] * 1000 + [item]))


def test_items_that_are_texts_or_tokens_pass():
    for item in ("", "a b", np.str_("a"), [], ["a", "b"], ("a",), np.array(["a", "b"]), np.array(["a"], dtype=object)):
        check_text(item, "query")
    assert as_text(("a", "b")) == as_text("a b") == as_text(np.array(["a", "b"])) == "a b"
    with pytest.raises(TypeError, match=r"row 4: tokens must be strings, got the int 3"):
        as_text(["a", 3], "row 4")


def test_texts_in_the_place_of_tokens_are_refused():
    vocabulary = {"new york", "police"}
    for tokens in ([], ["police"], ["new york", "police"], [""], ["unknown"], ["police "]):
        reject_texts_as_tokens(tokens, vocabulary, "query", "use search")
    for tokens in (["get money back", "when does it arrive"], ["police", "a\tb"], ["new  york"]):
        with pytest.raises(TypeError, match=r"query: a list of strings is read as the tokens .*; use search"):
            reject_texts_as_tokens(tokens, vocabulary, "query", "use search")


def test_pandas_is_not_imported(run_python):
    output, status = run_python("import sys, gensim_sent2vec._text.inputs; print('pandas' in sys.modules)")
    assert (output.strip(), status) == ("False", 0)
