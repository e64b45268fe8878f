"""What is accepted as sentences, keys and queries: columns by position, and no texts in the place of tokens."""

import numpy as np
import pytest

from gensim_sent2vec import Sent2Vec, SentenceIndex
from gensim_sent2vec._service.faq import Faq
from gensim_sent2vec.lexical import LexicalScores

QUESTIONS = ["get money back", "when does it arrive"]


@pytest.fixture(scope="session")
def texts(lee) -> list[str]:
    return [" ".join(words[:12]) for words in lee[:40]]


@pytest.fixture
def index(wv, texts) -> SentenceIndex:
    return SentenceIndex.build(wv, texts, lexical=True)


def uses(index):
    """Every method that takes several queries, as functions of them."""
    rows = np.arange(len(index))
    return (
        index.search,
        index.most_similar_batch,
        index.find,
        index.search_rows,
        lambda queries: index.search(queries, hybrid=0.5),
        lambda queries: index.score_rows(queries, rows),
        lambda queries: index.score_rows(queries, rows, hybrid=0.5),
        lambda queries: index.most_similar(positive=queries),
        lambda queries: index.most_similar(positive=["rain"], negative=queries),
        Faq(index).search,
        lambda queries: index.lexical.scores_of(queries, rows),
    )


def same(one, other) -> bool:
    return str(one) == str(other)


def test_a_series_is_read_by_position_everywhere(wv, texts, index):
    pandas = pytest.importorskip("pandas")
    labels = np.random.default_rng(0).permutation(len(texts))
    series = pandas.Series(texts, index=labels)
    numbers = pandas.Series(range(len(texts)), index=labels[::-1])
    assert list(SentenceIndex.build(wv, series).sentences) == texts
    keyed = SentenceIndex.build(wv, series, keys=numbers)
    assert list(keyed.keys) == list(range(len(texts)))
    keyed.add(series, keys=numbers)
    assert [keyed[len(texts) + 3].sentence, keyed[len(texts) + 3].key] == [texts[3], 3]
    assert keyed.remove(numbers) == 2 * len(texts)
    assert [results[0][0] for results in index.search(series)] == texts
    for use in uses(index):
        for column in (series, np.array(texts), np.array(texts, dtype=object), iter(texts), (text for text in texts)):
            assert same(use(column), use(texts))
    np.testing.assert_array_equal(LexicalScores.fit(series).scores(texts[3]), index.lexical.scores(texts[3]))


def test_tables_and_matrices_of_texts_are_refused_everywhere(wv, texts, index):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": texts, "key": range(len(texts))})
    for table in (frame, frame[["text"]], frame[["text"]].to_numpy(), np.array(texts)[:, None], {"text": texts}):
        for use in (*uses(index), index.add, LexicalScores.fit, lambda table: SentenceIndex.build(wv, table)):
            with pytest.raises(TypeError, match="pass one column"):
                use(table)
        for use in (index.most_similar, index.lexical.scores):
            with pytest.raises(TypeError, match=r"query: .*(pass one|neither a text)"):
                use(table)
        with pytest.raises(TypeError, match=r"keys: .*pass one column"):
            SentenceIndex.build(wv, texts, keys=table)
        with pytest.raises(TypeError, match=r"keys: .*pass one column"):
            index.remove(table)
    assert len(index) == len(texts)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_missing_texts_are_refused_with_their_row(wv, texts, index, missing):
    rows = [*texts[:2], missing, texts[2]]
    for use in (*uses(index), index.add, LexicalScores.fit, lambda rows: SentenceIndex.build(wv, rows)):
        with pytest.raises(TypeError, match=r"row 2: a missing value .*drop it, or replace it"):
            use(rows)
        with pytest.raises(TypeError, match="missing value"):
            use([["rain", missing]])
    with pytest.raises(TypeError, match="keys: row 2: a missing value"):
        SentenceIndex.build(wv, rows[:2] + rows[:2], keys=rows)
    with pytest.raises(TypeError, match="query: a missing value"):
        index.lexical.scores(missing)
    if missing is not None:
        with pytest.raises(TypeError, match="query: a missing value"):
            index.most_similar(missing)
        with pytest.raises(TypeError, match=r"queries: .*got float"):
            index.search(missing)


def test_texts_in_the_place_of_tokens_are_refused(wv, texts, index):
    with pytest.raises(TypeError, match=r"query: .*'get money back' contains whitespace.*search or most_similar_batch"):
        index.most_similar(QUESTIONS)
    with pytest.raises(TypeError, match="search or most_similar_batch"):
        index.most_similar(np.array(QUESTIONS))
    for use in (*uses(index)[:9], index.add, lambda rows: SentenceIndex.build(wv, rows)):
        for rows in ([["rain"], QUESTIONS], [["rain"], QUESTIONS[:1]], [["rain"], ["police", QUESTIONS[1]]]):
            with pytest.raises(TypeError, match=r"row 1: a list of strings is read as the tokens"):
                use(rows)
    assert len(index.search(QUESTIONS)) == 2 and len(index) == len(texts)


def test_tokens_that_are_words_may_contain_spaces():
    sentences = [["new york", "police"], ["new york", "rain"], ["rain", "police"]] * 5
    wv = Sent2Vec(sentences, vector_size=5, min_count=1, workers=1, epochs=1, weighting=False).wv
    index = SentenceIndex.build(wv, [*sentences, ["los angeles", "rain"]])
    assert index.most_similar(["new york", "police"], topn=1)[0][0] == "new york police"
    with pytest.raises(TypeError, match="'get money back' contains whitespace"):
        index.most_similar(QUESTIONS)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (3, "query: the int 3 is neither"),
        (b"rain", "query: the bytes b'rain' is neither"),
        ({"text": "rain"}, "query: a dict with the keys 'text'"),
        ([0.5, 0.5], "query: tokens must be strings, got the float 0.5"),
        ([["rain"]], "query: tokens must be strings, got the list"),
    ],
)
def test_what_is_no_query_is_refused(index, query, message):
    with pytest.raises(TypeError, match=message):
        index.most_similar(query)
    with pytest.raises(TypeError, match=message.replace("query:", "queries: row 1:")):
        index.search(["rain", query])


def test_one_vector_in_the_place_of_many_queries(wv, index):
    vector = wv.get_sentence_vector("the police")
    assert index.search(vector) == index.most_similar(vector)
    for use in uses(index)[1:4]:
        with pytest.raises(TypeError, match=r"queries: expected a list of queries or a matrix"):
            use(vector)
    with pytest.raises(TypeError, match="positive: expected a list of queries or a matrix"):
        index.most_similar(positive=vector)


def test_a_single_string_in_the_place_of_many_is_refused(wv, index):
    with pytest.raises(TypeError, match=r"keys: .*single string 'ab'"):
        SentenceIndex.build(wv, ["rain", "police"], keys="ab")
    for use in (*uses(index)[1:4], Faq(index).search, LexicalScores.fit):
        with pytest.raises(TypeError, match=r"(single string|got a string)"):
            use("rain")


def test_integer_keys_of_any_type(wv):
    for keys in (np.array([3, 4], dtype=np.uint8), [np.int64(3), 4], range(3, 5)):
        assert SentenceIndex.build(wv, ["rain", "police"], keys=keys).keys.tolist() == [3, 4]
    with pytest.raises(ValueError, match="keys: integers must fit in 64 bits"):
        SentenceIndex.build(wv, ["rain", "police"], keys=[1, 2**64])
    with pytest.raises(TypeError, match=r"keys: expected all strings or all integers, got the int 1 in row 1"):
        SentenceIndex.build(wv, ["rain", "police"], keys=["a", 1])
