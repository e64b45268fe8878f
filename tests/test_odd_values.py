"""Values that are possible in Python but make no sense are refused, with the name of the argument or attribute."""

import lzma
import sys

import numpy as np
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec._cli.main import main

WORDS = ["one", "two", "three"]


@pytest.fixture
def wv():
    vectors = Sent2VecKeyedVectors(4)
    vectors.add_vectors(WORDS, np.eye(3, 4, dtype=np.float32))
    return vectors


@pytest.mark.parametrize("value", [3, False, "sif"])
def test_a_weighting_of_another_type_is_refused_and_not_kept(value, wv):
    with pytest.raises(TypeError, match="weighting: expected a SentenceWeighting, or None"):
        wv.weighting = value
    assert wv.weighting is None and wv.encode("one").tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize(
    "name, value",
    [("word_ngrams", 0), ("word_ngrams", True), ("ngram_hash", "x"), ("skip_bigrams", 1), ("vector_size", 4.0)],
)
def test_no_file_is_written_that_could_not_be_loaded(name, value, wv, tmp_path):
    wv.save(tmp_path / "wv")
    before = (tmp_path / "wv").read_bytes()
    setattr(wv, name, value)
    with pytest.raises(ValueError, match=rf"save: facts: {name} is {value!r}, expected"):
        wv.save(tmp_path / "wv")
    assert (tmp_path / "wv").read_bytes() == before


@pytest.mark.parametrize("value", [0, -1])
def test_batch_size_of_a_search(value, wv):
    index = SentenceIndex.build(wv, WORDS)
    with pytest.raises(ValueError, match=f"batch_size: must be at least 1, got {value}"):
        index.search_rows(["one"], batch_size=value)
    with pytest.raises(TypeError, match="batch_size: expected an integer"):
        index.search_rows(["one"], batch_size=1.5)


def test_rows_to_score(wv):
    index = SentenceIndex.build(wv, WORDS)
    assert index.score_rows(["two"], [0, 1, -1]).tolist() == [[0, 1, 0]]
    assert index.score_rows(["two"], np.array([True, True, False])).tolist() == [[0, 1]]
    assert index.score_rows(["two"], []).shape == (1, 0)
    with pytest.raises(ValueError, match="rows: row 3 is out of range for an index of 3 sentences"):
        index.score_rows(["two"], [0, 3])
    with pytest.raises(TypeError, match="rows: expected row numbers, got float64"):
        index.score_rows(["two"], [0.5])


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_the_length_of_a_query_vector_does_not_matter(scale, wv):
    index = SentenceIndex.build(wv, WORDS)
    found = index.search(np.array([0, 2, 0, 0]) * scale, topn=1)
    assert found == [("two", 1.0)]


def test_complex_query_vectors_are_refused(wv):
    with pytest.raises(TypeError, match="query: expected a vector of real numbers, got an array of complex128"):
        SentenceIndex.build(wv, WORDS).search(np.ones(4, complex))


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_similarities_of_short_and_long_vectors(scale, wv):
    wv.vectors = wv.vectors * np.float32(scale)
    assert wv.similarity_sentences("one two", "two one") == pytest.approx(1)
    assert np.linalg.norm(wv.encode("one two", normalize=True)) == pytest.approx(1)
    assert SentenceIndex.build(wv, WORDS).search("two", topn=1) == [("two", 1.0)]


@pytest.mark.parametrize("name", ["words.vec.xz", "texts.txt.xz"])
def test_commands_name_a_damaged_compressed_file(name, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(lzma.compress(b"3 2\none 1 2\ntwo 1 2\nsix 1 2\n" * 1000)[:50])
    words = ["info", str(path)] if "vec" in name else ["train", str(path), str(tmp_path / "out.model")]
    with pytest.raises(SystemExit) as exit_:
        main(words)
    captured = capsys.readouterr()
    assert exit_.value.code == 2 and captured.err.count("\n") == 1
    assert f"{name}': damaged, incomplete, or not compressed" in captured.err


@pytest.mark.parametrize("tokenizer", ["split", "words"])
def test_training_names_the_text_with_a_nul_character(tokenizer, tmp_path, capsys):
    path = tmp_path / "texts.csv"
    path.write_bytes(b"text,id\none two,1\none\0 two,2\n")
    with pytest.raises(SystemExit) as exit_:
        main(["train", str(path), str(tmp_path / "out.model"), "--min-count", "1", "--tokenizer", tokenizer])
    assert exit_.value.code == 2
    where = "text 2 has" if sys.version_info >= (3, 11) else "line 3: has"  # csv reads no NUL before
    error = capsys.readouterr().err
    assert "texts.csv'" in error and f"{where} a NUL character" in error
