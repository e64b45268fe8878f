"""Export to sentence-transformers and model2vec: the same tokens, the same sentence vectors."""

import re
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_keyedvectors import make_vectors

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceWeighting
from gensim_sent2vec._text.static_tokenizer import word_tokenizer
from gensim_sent2vec._util.rows import unit_rows
from gensim_sent2vec.export import static_parts, to_model2vec, to_static_embedding
from gensim_sent2vec.tokenizers import FUNCTIONS

PACKAGES = 'pip install "gensim-sent2vec[static]"'
SENTENCES = [
    "w1 w2 unknown w3 w1",
    "",
    "한국어 The é",
    "unknown",
    " \u3000w5\x1cw6\x85\n",
    "the [UNK] W1",
    "\t",
    "w1w2 w 1",
]
BLANKS = " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u2003\u2028\u3000"


def in_sentence_transformers(wv):
    pytest.importorskip("sentence_transformers", reason=f"needs sentence-transformers: {PACKAGES}")
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(modules=[wv.to_static_embedding()], device="cpu")


def in_model2vec(wv):
    pytest.importorskip("model2vec", reason=f"needs model2vec: {PACKAGES}")
    return wv.to_model2vec()


def saved_and_loaded(model, path):
    """A model saved and loaded by its own package."""
    if hasattr(model, "save_pretrained") and not hasattr(model, "modules"):
        model.save_pretrained(path)
        return type(model).from_pretrained(path)
    model.save(str(path))
    return type(model)(str(path), device="cpu")


both = pytest.mark.parametrize("made", [in_sentence_transformers, in_model2vec])


@pytest.fixture
def tokenizers():
    return pytest.importorskip("tokenizers", reason=f"needs tokenizers: {PACKAGES}")


# -----------------------------------------------------------------------------------------------------
# Vectors


@both
def test_the_same_sentence_vectors(made, tmp_path):
    wv = make_vectors()
    model = made(wv)
    for again in (model, saved_and_loaded(model, tmp_path / "model")):
        vectors = again.encode(SENTENCES)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, wv.encode(SENTENCES), atol=1e-6)


@both
def test_texts_without_known_words_are_zeros(made):
    model = made(make_vectors())
    for texts in (["unknown"], [""], ["unknown", "", " "]):
        np.testing.assert_array_equal(model.encode(texts), np.zeros((len(texts), 10)))
    np.testing.assert_array_equal(model.encode("unknown"), np.zeros(10))


@both
def test_sentence_vectors_of_real_text(made, wv, lee, tmp_path):
    """A bigram model: with a weighting, only the words are pooled."""
    texts = [" ".join(tokens[:n]) for tokens in lee[:60] for n in (1, 3, 12, 200)] + ["zzz of qqq", "zzz"]
    for baked in (wv.bake(), wv.bake(["zzz"], sentences=lee)):
        expected = baked.encode(texts, weighting=False)
        model = saved_and_loaded(made(baked), tmp_path / f"of {len(baked)} words")
        np.testing.assert_allclose(model.encode(texts), expected, atol=1e-5)
        assert expected[-1].any() == ("zzz" in baked)
    np.testing.assert_allclose(made(wv).encode(texts), wv.bake().encode(texts, weighting=False), atol=1e-6)


@both
def test_plain_means_of_a_linear_weighting_have_the_same_cosines(made, wv, lee):
    wv.weighting = SentenceWeighting(linear=True, unseen_words=False, lexical_dims=10).fit(wv, lee)
    texts = [" ".join(tokens) for tokens in lee[:50]]
    np.testing.assert_allclose(unit_rows(made(wv).encode(texts)), unit_rows(wv.encode(texts)), atol=1e-5)


@both
def test_mapped_and_half_precision_vectors(made, wv, tmp_path):
    wv.bake().astype(np.float16).save(str(tmp_path / "half.s2v"))
    mapped = Sent2VecKeyedVectors.load(str(tmp_path / "half.s2v"), mmap="r")
    texts = ["the police of Sydney", "rain"]
    np.testing.assert_allclose(made(mapped).encode(texts), mapped.encode(texts, weighting=False), atol=1e-5)


@both
def test_long_texts_are_not_truncated(made):
    wv = make_vectors()
    text = "w1 " * 5000 + "w2 " * 5000
    np.testing.assert_allclose(made(wv).encode([text]), wv.encode([text]), atol=1e-4)


def test_rows_that_are_trained_further_are_a_copy():
    torch = pytest.importorskip("torch", reason=f"needs torch: {PACKAGES}")
    wv = make_vectors()
    before = wv.vectors.copy()
    model = in_sentence_transformers(wv)
    with torch.no_grad():
        for parameter in model.parameters():
            assert parameter.requires_grad
            parameter.add_(1)
    np.testing.assert_array_equal(wv.vectors, before)


def test_sentence_transformers_loads_a_model_of_model2vec(tmp_path):
    wv = make_vectors()
    in_model2vec(wv).save_pretrained(tmp_path / "model2vec")
    model = saved_and_loaded(in_sentence_transformers(wv), tmp_path / "sentence-transformers")
    again = type(model)(str(tmp_path / "model2vec"), device="cpu")
    np.testing.assert_allclose(again.encode(SENTENCES), wv.encode(SENTENCES), atol=1e-6)


# -----------------------------------------------------------------------------------------------------
# Tokens


@pytest.mark.parametrize("like", ["split", "words", "simple"])
def test_every_character_is_split_as_our_tokenizer_splits_it(tokenizers, like):
    split = word_tokenizer(["a"], like).pre_tokenizer.pre_tokenize_str
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for i in range(0, len(characters), 200):  # the time grows with the square of the length
        text = " ".join(f"a{c}b" for c in characters[i : i + 200]).lower()
        assert [token for token, _ in split(text)] == [f" {token}" for token in FUNCTIONS[like](text)]


@given(st.lists(st.sampled_from(["a", "b", "ab", "é", "▁a", "[UNK]", "A", "x", "한국", "국", *BLANKS]), max_size=12))
@settings(max_examples=200)
def test_words_are_found_as_by_splitting(parts):
    pytest.importorskip("tokenizers", reason=f"needs tokenizers: {PACKAGES}")
    words = ["a", "ab", "é", "▁a", "[UNK]", "한국"]
    text = "".join(parts)
    assert word_tokenizer(words).encode(text).ids == [words.index(word) for word in text.split() if word in words]


@pytest.mark.parametrize("name", ["words", "simple"])
def test_tokenizers_that_are_reproduced(tokenizers, wv, lee, name):
    wv.tokenizer = name
    texts = [
        "The POLICE, in Sydney! 12 of 300s",
        "Größe_x ÉTÉ",
        "한국어, 국",
        *(" ".join(tokens) for tokens in lee[:50]),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer, _ = static_parts(wv)
    ours = [[f" {token}" for token in wv.tokens(text) if token in wv] for text in texts]
    assert [tokenizer.encode(text).tokens for text in texts] == ours
    assert len(ours[0]) >= 3


def test_other_tokenizers_and_phrases_cause_a_warning(tokenizers, wv):
    wv.tokenizer = lambda text: text.split("|")
    with pytest.warns(UserWarning, match=r"lambda.*whitespace.*join"):
        tokenizer, _ = static_parts(wv)
    text = "police|of"
    assert tokenizer.encode(" ".join(wv.tokens(text))).tokens == [" police", " of"]
    wv.tokenizer = "kiwi"
    with pytest.warns(UserWarning, match="kiwi"):
        static_parts(wv)
    from gensim.models.phrases import Phrases

    wv.tokenizer, wv.phrases = "split", Phrases([["of", "the"]] * 20, min_count=1, threshold=0.1)
    with pytest.warns(UserWarning, match="split and phrases"):
        static_parts(wv)


def test_words_that_cannot_occur_in_a_text_are_left_out(tokenizers):
    words = ["", "a", "\ud800", "b c", "a\ud801"]
    tokenizer, rows = static_parts(make_vectors(words=words))
    assert rows.shape == (2, 10) and tokenizer.get_vocab_size() == 2
    assert tokenizer.encode("x a b c").ids == [0]


# -----------------------------------------------------------------------------------------------------
# Errors


def test_errors(monkeypatch, tokenizers):
    with pytest.raises(ValueError, match=r"n-grams.*SentenceWeighting.*to_embedding_bag"):
        static_parts(make_vectors(2))
    with pytest.raises(ValueError, match="no words"):
        static_parts(make_vectors(words=[""]))
    with pytest.raises(TypeError, match="wv"):
        static_parts({})
    monkeypatch.setitem(sys.modules, "sentence_transformers.sentence_transformer.modules", None)
    monkeypatch.setitem(sys.modules, "model2vec", None)
    for function in (to_static_embedding, to_model2vec):
        with pytest.raises(ImportError, match=re.escape(PACKAGES)):
            function(make_vectors())
