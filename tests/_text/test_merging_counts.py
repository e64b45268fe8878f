"""Counts of the parts of a corpus add up to the counts of the whole, in the same order."""

from __future__ import annotations

import itertools
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import matrices
from strategies import token_lists

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._text.counting import WordCounts, count_file, count_words
from gensim_sent2vec.distributed import WordCounts as public


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow")


def corpus(seed=1, n=3000):
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{i}" for i in rng.zipf(1.3, rng.integers(1, 12)) % 5000) for _ in range(n)]


def assert_equal(counts, expected):
    assert list(counts.items()) == list(expected.items()) and counts.is_complete == expected.is_complete


@given(st.lists(token_lists, max_size=5))
def test_parts_add_up(parts):
    whole, *_ = count_words([sentence for part in parts for sentence in part])
    merged = WordCounts.merge(count_words(part)[0] for part in parts)
    assert_equal(merged, whole)
    assert_equal(WordCounts.merge([dict(count_words(part)[0]) for part in parts]), whole)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=4))
def test_parts_of_a_file_add_up(tmp_path_factory, cuts):
    path = tmp_path_factory.mktemp("parts") / "corpus.txt"
    path.write_text("\n".join(corpus(n=200)) + "\nlast line", encoding="utf-8")
    size = path.stat().st_size
    bounds = [0, *sorted(min(cut, size) for cut in cuts), size]
    parts = [WordCounts.of_file(path, begin, end) for begin, end in itertools.pairwise(bounds)]
    assert_equal(WordCounts.merge(parts), count_file(path)[0])
    assert sum(part.counts.sum() for part in parts) == count_file(path)[2]


def test_the_model_is_that_of_the_whole_file(tmp_path):
    lines = corpus()
    (tmp_path / "all.txt").write_text("\n".join(lines), encoding="utf-8")
    for i in range(4):
        (tmp_path / f"{i}.txt").write_text("\n".join(lines[i * 700 : (i + 1) * 700 + 200 * (i == 3)]), encoding="utf-8")
    options = {"vector_size": 8, "min_count": 2, "workers": 1, "sample": 1e-3, "max_final_vocab": 500}
    expected = Sent2Vec(**options)
    expected.build_vocab(corpus_file=tmp_path / "all.txt")
    counts = public.merge([public.of_file(tmp_path / f"{i}.txt") for i in range(4)])
    model = Sent2Vec(**options)
    model.build_vocab_from_freq(counts, corpus_count=len(lines))
    assert list(model.wv.index_to_key) == list(expected.wv.index_to_key) and len(model.wv) > 100
    for name, values in expected.wv.expandos.items():
        assert np.array_equal(model.wv.expandos[name], values)
    assert (model.corpus_count, model.corpus_total_words) == (expected.corpus_count, expected.corpus_total_words)
    for name, rows in matrices(expected).items():
        assert matrices(model)[name].tobytes() == rows.tobytes()


def test_pruned_parts_are_refused(tmp_path):
    lines = corpus()
    (tmp_path / "corpus.txt").write_text("\n".join(lines), encoding="utf-8")
    whole, *_ = count_words(lines)
    pruned = [count_words(lines, max_vocab_size=50)[0], count_file(tmp_path / "corpus.txt", 50)[0]]
    pruned.append(whole.take(np.arange(10)))  # a selection
    pruned.append(pickle.loads(pickle.dumps(pruned[0])))
    for part in pruned:
        with pytest.raises(ValueError, match=r"^parts: part 1 lacks words that max_vocab_size pruned"):
            WordCounts.merge([whole, part])
    assert_equal(WordCounts.merge([count_words(lines, max_vocab_size=10**6)[0]]), whole)  # nothing was pruned
    assert_equal(WordCounts.merge([whole.take(np.arange(len(whole)))]), whole)


def test_mistakes():
    for parts, error, message in (
        ([{"a": 1}, {"b": -1}], ValueError, "part 1: expected words with counts >= 0, got 'b': -1"),
        ([{"a": 1}, ["a"]], TypeError, "part 1: expected word counts, got list"),
        ({"a": 1}, TypeError, "expected a list of word counts, got dict"),
        (3, TypeError, "expected a list of word counts, got int"),
    ):
        with pytest.raises(error, match=f"^parts: {message}"):
            WordCounts.merge(parts)
    assert len(WordCounts.merge([])) == 0


def test_pickles_hold_no_lookup_table():
    counts, *_ = count_words(["a b a"])
    assert counts["a"] == 2  # which builds it
    again = pickle.loads(pickle.dumps(counts))
    assert "_vocabulary" not in vars(again) and dict(again) == {"a": 2, "b": 1} and again["b"] == 1


# -----------------------------------------------------------------------------------------------------
# Arrow


def test_arrow_there_and_back(arrow):
    lines = corpus()
    whole, *_ = count_words(lines)
    table = whole.to_arrow()
    table.validate(full=True)
    assert table.schema.names == ["word", "count", "first"]
    assert_equal(WordCounts.from_arrow(table), whole)
    assert_equal(WordCounts.from_arrow(table.drop_columns(["first"])), whole)
    assert_equal(WordCounts.from_arrow(table.take(arrow.array(np.arange(len(whole))[::-1]))), whole)
    assert_equal(WordCounts.from_arrow(WordCounts.merge([]).to_arrow()), WordCounts.merge([]))


def test_the_group_by_of_an_engine(arrow):
    lines = corpus()
    whole, *_ = count_words(lines)
    tables = [count_words(lines[i : i + 700])[0].to_arrow(part) for part, i in enumerate(range(0, len(lines), 700))]
    together = arrow.concat_tables(tables[::-1])
    assert_equal(WordCounts.from_arrow(together), whole)
    grouped = together.group_by("word").aggregate([("count", "sum"), ("first", "min")])
    grouped = grouped.rename_columns(
        [{"count_sum": "count", "first_min": "first"}.get(n, n) for n in grouped.schema.names]
    )
    assert_equal(WordCounts.from_arrow(grouped), whole)
    assert_equal(WordCounts.merge(tables), whole)


def test_mistakes_with_arrow(arrow, monkeypatch):
    pruned, *_ = count_words(corpus(), max_vocab_size=50)
    with pytest.raises(ValueError, match="max_vocab_size pruned"):
        pruned.to_arrow()
    with pytest.raises(ValueError, match=r"^words: Arrow cannot hold"):
        WordCounts.from_mapping({"a\ud800": 1}).to_arrow()
    with pytest.raises(ValueError, match=r"^part: must be from 0"):
        WordCounts.from_mapping({"a": 1}).to_arrow(part=-1)
    for columns, message in (
        ({"word": ["a"]}, "no column 'count'; it has 'word'"),
        ({"word": ["a", None], "count": [1, 2]}, "column 'word' has 1 nulls"),
        ({"word": [1], "count": [1]}, "column 'word' must hold strings, not int64"),
        ({"word": ["a"], "count": [1.5]}, "column 'count' must hold integers"),
        ({"word": ["a"], "count": [-1]}, "column 'count' must hold integers of at least 0"),
    ):
        with pytest.raises(ValueError, match=f"^table: {message}"):
            WordCounts.from_arrow(arrow.table(columns))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "gensim-sent2vec\[parquet\]"'):
        WordCounts.from_mapping({"a": 1}).to_arrow()
