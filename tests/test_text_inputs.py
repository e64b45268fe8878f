"""Texts as users have them: columns of tables, missing values, lists of texts as one sentence, raw text."""

import copy
import warnings

import numpy as np
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._text.counting import WordCounts
from gensim_sent2vec.evaluation import evaluate_sts
from gensim_sent2vec.export import sentence_rows
from gensim_sent2vec.lexical import LexicalScores
from gensim_sent2vec.mining import community_detection, near_duplicates, paraphrase_mining
from gensim_sent2vec.shrink import shrink

TEXTS = ["the police said", "a fire", "the rain"]
ENTRIES = {
    "encode": lambda wv, texts: wv.encode(texts),
    "token_lists": lambda wv, texts: list(wv.token_lists(texts)),
    "similarity_matrix, a": lambda wv, texts: wv.similarity_matrix(texts, ["rain"]),
    "similarity_matrix, b": lambda wv, texts: wv.similarity_matrix(["rain"], texts),
    "bake": lambda wv, texts: wv.bake(sentences=texts),
    "fit": lambda wv, texts: SentenceWeighting().fit(wv, texts),
    "index": SentenceIndex.build,
    "add": lambda wv, texts: SentenceIndex.build(wv, TEXTS).add(texts),
    "search": lambda wv, texts: SentenceIndex.build(wv, TEXTS).search(texts),
    "lexical": lambda wv, texts: LexicalScores.fit(texts),
    "shrink": lambda wv, texts: shrink(wv, bucket=50, sentences=texts),
    "sentence_rows": sentence_rows,
    "of_texts": lambda wv, texts: WordCounts.of_texts(texts),
    "paraphrase_mining": paraphrase_mining,
    "near_duplicates": near_duplicates,
    "community_detection": community_detection,
}
NAMES = {
    "token_lists": "texts", "similarity_matrix, a": "a", "similarity_matrix, b": "b", "search": "queries",
    "lexical": "texts", "of_texts": "sentences",
}  # fmt: skip


@pytest.fixture(params=["split", "words"])
def tokenized(request, wv) -> Sent2VecKeyedVectors:
    wv.tokenizer = request.param
    return wv


@pytest.mark.parametrize("entry", ENTRIES)
def test_tables_and_matrices_are_refused(tokenized, entry):
    pandas = pytest.importorskip("pandas")
    name = NAMES.get(entry, "sentences")
    frame = pandas.DataFrame({"question": TEXTS, "answer": TEXTS})
    for table in (frame, frame[["question"]], np.array(TEXTS)[:, None], {"question": TEXTS}):
        with pytest.raises(TypeError, match=rf"^{name}: .*pass one column"):
            ENTRIES[entry](tokenized, table)
    ENTRIES[entry](tokenized, frame["question"])


def test_columns_are_read_by_position(tokenized):
    pandas = pytest.importorskip("pandas")
    expected = tokenized.encode(TEXTS)
    for column in (pandas.Series(TEXTS, index=[2, 0, 1]), np.array(TEXTS), np.array(TEXTS, dtype=object), iter(TEXTS)):
        assert np.array_equal(tokenized.encode(column), expected)
    matrix = tokenized.similarity_matrix(pandas.Series(TEXTS, index=[2, 0, 1]), TEXTS)
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-5)


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan])
@pytest.mark.parametrize("entry", ENTRIES)
def test_missing_texts_are_named_by_row(tokenized, entry, missing):
    name = NAMES.get(entry, "sentences")
    for texts in ([*TEXTS, missing], np.array([*TEXTS, missing], dtype=object), iter([*TEXTS, missing])):
        with pytest.raises(TypeError, match=rf"^{name}: row 3: a missing value"):
            ENTRIES[entry](tokenized, texts)


def test_rows_that_are_neither_texts_nor_tokens(wv):
    for bad in ({"text": "a"}, b"bytes", 5):
        for sentences in ([["a"], bad], [bad], [["a"]] * 3000 + [bad]):
            with pytest.raises(TypeError, match=rf"^sentences: row {len(sentences) - 1:,}: "):
                wv.encode(sentences)
    with pytest.raises(TypeError, match=r"^sentences: row 1: tokens must be strings, got a missing value"):
        wv.encode([["a"], ["b", None]])
    with pytest.raises(TypeError, match=r"^text: expected a string, got the NoneType"):
        wv.tokens(None)
    with pytest.raises(TypeError, match=r"^extra_words: row 1: expected a word, got the float nan"):
        wv.bake(["a", float("nan")])
    with pytest.raises(TypeError, match=r"^extra_words: expected a list of words, got the single string"):
        wv.bake("word")
    with pytest.raises(ValueError, match=r"^extra_words: row 1: a word must not be empty"):
        wv.bake(["word", ""])
    with pytest.raises(TypeError, match=r"^sentence: the ndarray .* is neither a text nor a list of tokens"):
        wv.get_sentence_vector(np.array("rain"))


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name not in ("token_lists", "lexical")])
def test_tokens_that_are_not_strings(wv, entry):
    with pytest.raises(
        TypeError, match=rf"^{NAMES.get(entry, 'sentences')}: .*tokens must be strings, got the int 3 in"
    ):
        ENTRIES[entry](wv, [["the", "rain"], ["rain", 3]])


def test_lists_of_texts_are_not_tokens(wv):
    both = ["get money back", "when does it arrive"]
    for call, message in (
        (lambda: wv.encode([both]), "^sentences: row 0: .*'get money back' contains whitespace.*pass the texts"),
        (lambda: wv.similarity_matrix([both]), "^a: row 0: .*contains whitespace"),
        (lambda: wv.get_sentence_vector(both), "^sentence: .*'get money back' contains whitespace.*use encode"),
        (lambda: wv.similarity_sentences(both, "a"), "^a: .*contains whitespace.*use similarity_matrix"),
        (lambda: wv.similarity_sentences("a", np.array(both)), "^b: .*contains whitespace.*use similarity_matrix"),
    ):
        with pytest.raises(TypeError, match=message):
            call()
    wv.weighting = None
    wv["New York"] = np.ones(20)
    assert wv.get_sentence_vector(["New York"]).tolist() == [1] * 20


# ---------------------------------------------------------------------------------------------------
# Few known tokens


@pytest.fixture
def raw(lee) -> list[str]:
    return [" ".join(tokens[:15]).upper() for tokens in lee[:40]]


def test_few_known_tokens_are_reported_once(wv, raw, lee):
    with pytest.warns(
        UserWarning, match=r"^only \d+% of the first \d+ tokens .* '.*' is not, but '.*' is\).*wv\.tokenizer"
    ) as seen:
        wv.encode(raw)
    assert len(seen) == 1 and seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wv.encode(raw)


def test_single_texts_are_counted_together(wv, raw):
    with pytest.warns(UserWarning, match="tokens are in the vocabulary") as seen:
        for text in raw:
            wv.encode(text.split()[0])
    assert len(seen) == 1
    wv._coverage = None
    with pytest.warns(UserWarning, match="tokens are in the vocabulary"):
        for text in raw:
            wv.get_sentence_vector(text)


def test_another_language_is_reported_with_an_example(wv):
    with pytest.warns(UserWarning, match=r"^only 0% of the first 24 tokens .*, 'xkcd0' is not\)"):
        wv.encode([[f"xkcd{i}" for i in range(24)]])


def test_known_tokens_are_not_reported(wv, lee):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wv.encode(lee)
        wv.encode([" ".join(tokens) for tokens in lee])
        wv.encode(["XKCD"])  # too few to judge
        wv.tokenizer = "words"
        wv.encode([" ".join(tokens).title() + "." for tokens in lee])


def test_evaluations_report_few_known_tokens(wv, tmp_path, raw):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{i}\t{a}\t{b}\n" for i, (a, b) in enumerate(zip(raw, raw[5:]))))
    with pytest.warns(UserWarning, match="tokens are in the vocabulary") as seen:
        result = evaluate_sts(wv, path)
    assert len(seen) == 1 and seen[0].filename == __file__ and result.coverage < 0.5


@pytest.mark.parametrize("tokenizer", [None, "words"])
@pytest.mark.parametrize("sentences", [[None, "the police"], [None], [None, ["the"]]])
def test_a_missing_first_sentence_is_not_dropped(wv, tokenizer, sentences):
    """Without it, all vectors would be those of the next sentence."""
    wv = copy.copy(wv)
    wv.tokenizer = tokenizer or wv.tokenizer
    for encode in (wv.encode, wv.similarity_matrix):
        with pytest.raises(TypeError, match=r": row 0: a missing value"):
            encode(sentences)


@pytest.mark.parametrize("option", ["workers", "batch_size"])
@pytest.mark.parametrize("sentences", ["the police", ["the police"]])
def test_options_are_checked_for_one_sentence_too(wv, option, sentences):
    with pytest.raises(ValueError, match=rf"^{option}: must be at least 1, got 0"):
        wv.encode(sentences, **{option: 0})
