"""Training on texts: strings, columns of tables, every tokenizer; and the warning if nobody tokenized them."""

import lzma
import warnings
from itertools import islice

import numpy as np
import pytest
from gensim.test.utils import common_texts
from models import SMALL, assert_same_bytes

from gensim_sent2vec import Sent2Vec, TokenFile

TEXTS = [" ".join(tokens) for tokens in common_texts]
RAW = ["The Police arrested a man, who ran away.", "Where is my order? It should be here!"] * 10


class Stream:
    """An iterable without a length that starts over."""

    def __iter__(self):
        return iter(TEXTS)


def as_series(texts):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(texts, index=range(len(texts), 0, -1))


KINDS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda texts: np.array(texts, dtype=object),
    "series": as_series,
    "stream": lambda texts: Stream(),
}


@pytest.mark.parametrize("tokenizer", ["split", "simple", "words", str.split])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_train_as_their_tokens_do(kind, tokenizer):
    texts, options = KINDS[kind](TEXTS), {"tokenizer": tokenizer, "word_ngrams": 2, "bucket": 50, **SMALL}
    expected = Sent2Vec(common_texts, **options)
    assert_same_bytes(Sent2Vec(texts, **options), expected)
    model = Sent2Vec(**options)
    model.build_vocab(texts)
    model.train(texts)
    assert_same_bytes(model, expected)
    before = model.wv.encode(TEXTS)
    model.fit_weighting(texts)
    np.testing.assert_allclose(model.wv.encode(TEXTS), before, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tokenizer", ["split", "words"])
@pytest.mark.parametrize("method", ["build_vocab", "train", "fit_weighting"])
def test_tables_and_missing_values_are_rejected(ready, tokenizer, method):
    pandas = pytest.importorskip("pandas")
    ready.wv.tokenizer = tokenizer
    frame = pandas.DataFrame({"text": ["a b", None, "c"], "label": [1, 2, 3]})
    with pytest.raises(
        TypeError, match=r"^corpus_iterable: .*DataFrame with the columns 'text', 'label'; pass one column"
    ):
        getattr(ready, method)(frame)
    with pytest.raises(TypeError, match=r"^corpus_iterable: row 1: a missing value .*dropna"):
        getattr(ready, method)(frame["text"])


def test_a_table_is_rejected_by_the_constructor():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"^sentences: .*such as dataframe\['text'\]"):
        Sent2Vec(pandas.DataFrame({"text": TEXTS}), **SMALL)


def test_vocabulary_from_a_stream_of_texts_that_can_be_read_once():
    model = Sent2Vec(**SMALL)
    model.build_vocab(iter(TEXTS))
    assert model.corpus_count == len(TEXTS)
    model.build_vocab((tokens for tokens in common_texts), update=True)
    assert model.wv.get_vecattr("human", "count") == 4


# -----------------------------------------------------------------------------------------------------
# Texts that nobody has tokenized


@pytest.mark.parametrize("kind", ["texts", "tokens", "file", "stream of texts"])
def test_raw_text_split_at_whitespace_is_warned_about_once(kind, tmp_path):
    path = tmp_path / "raw.txt"
    path.write_text("\n".join(RAW))
    corpus = {
        "texts": {"sentences": RAW},
        "tokens": {"sentences": [text.split() for text in RAW]},
        "file": {"corpus_file": path},
        "stream of texts": {"sentences": dict.fromkeys(RAW).keys()},
    }[kind]
    with pytest.warns(UserWarning, match=r"does not look tokenized: .*tokenizer='words'") as warned:
        Sent2Vec(**corpus, **SMALL)
    assert len(warned) == 1
    assert str(warned[0].message).startswith(next(iter(corpus)))


def test_capitals_alone_are_warned_about():
    with pytest.warns(UserWarning, match=r"have capitals, such as"):
        Sent2Vec(["POLICE ARRESTED A MAN", "police arrested a man"] * 5, **SMALL)


def test_texts_that_are_passed_as_tokens_are_warned_about():
    with pytest.warns(
        UserWarning, match=r"^sentences: 100% of the tokens contain whitespace, such as 'police arr"
    ) as warned:
        Sent2Vec([["police arrested a man"], ["a man was arrested"]] * 5, **SMALL)
    assert len(warned) == 1


def test_korean_text_is_pointed_to_kiwi():
    with pytest.warns(UserWarning, match=r"tokenizer='kiwi'"):
        Sent2Vec(["오늘은 정말 좋은 날이다.", "그래서, 우리는 갔다."] * 5, **SMALL)


def test_no_warning_about_tokenized_text(tmp_path):
    cased = ["Mr.", "Smith", "'s", "dog", ",", "named", "Rex", ",", "ran", "to", "Boston", "."]
    (tmp_path / "tokens.txt").write_text("\n".join(RAW))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sent2Vec(common_texts, **SMALL)
        Sent2Vec([cased] * 10, **SMALL)
        Sent2Vec(RAW, tokenizer="words", **SMALL)
        Sent2Vec([text.split() for text in RAW], tokenizer="words", **SMALL)
        Sent2Vec(corpus_file=TokenFile(tmp_path / "tokens.txt"), **SMALL)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_warning_about_the_corpora_of_the_benchmarks(shared_data, language):
    with lzma.open(shared_data(f"{language}.txt.xz"), "rt", encoding="utf-8") as lines:
        texts = list(islice(lines, 2000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sent2Vec(**SMALL).build_vocab(texts)
