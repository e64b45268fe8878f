"""Files of questions and answers: reading, indexing and searching them."""

import gzip

import numpy as np
import pytest

from gensim_sent2vec import SentenceIndex, TextTable
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._service.faq import Faq, build_index, is_index

LINES = "question\tanswer\nthe police said\tA\n\nrain in the south\tB \n"


@pytest.fixture
def written(tmp_path):
    """``written(text)``: the path of a file with this text."""

    def write(text: str, name: str = "faq.tsv") -> str:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return str(path)

    return write


def rows(path: str, role: str = "index") -> list[tuple[str, str]]:
    table = TextTable(path)
    assert table.is_faq
    return list(table.with_role(role).rows())


def test_reading_a_faq(written):
    assert rows(written(LINES)) == [("the police said", "A"), ("rain in the south", "B")]
    assert rows(written(LINES, "faq.tsv.gz")) == [("the police said", "A"), ("rain in the south", "B")]
    more = "\ufeffid\tAnswer\tRole\tQuestion\n1\tA\tindex\tq\n2\tB\t Query\tr\n"
    assert rows(written(more)) == [("q", "A")]
    assert rows(written(more), role="query") == [("r", "B")]


@pytest.mark.parametrize(
    "text, message",
    [
        ("one\ttwo\na\tb\n", "has the columns 'one', 'two'; none has a name"),
        ("", "there are no rows"),
        (LINES + "lonely\n", "line 5: expected 2 tab-separated columns, got 1"),
        ("question\tanswer\n", "there are no rows below the header"),
        ("question\tanswer\trole\na\tb\tquery\n", "there are no rows with the role 'index'"),
        ("question\tanswer\trole\na\tb\tuser\n", "line 2: role: must be index or query, got 'user'"),
    ],
)
def test_invalid_files(wv, written, text, message):
    with pytest.raises(ValueError, match=message):
        build_index(wv, written(text))


def test_index_of_a_faq_has_answers_as_keys(wv, written, tmp_path, capsys):
    assert list(build_index(wv, written(LINES)).keys) == ["A", "B"]
    assert list(build_index(wv, written("the police\nrain\n", "plain.txt")).keys) == ["the police", "rain"]
    wv.save(tmp_path / "m.s2v")
    main(["index", str(tmp_path / "m.s2v"), written(LINES), str(tmp_path / "i"), "--lexical"])
    assert list(SentenceIndex.load(tmp_path / "i", wv).keys) == ["A", "B"]
    assert is_index(str(tmp_path / "i")) and not is_index(written(LINES))
    for other in (str(tmp_path / "m.s2v"), written("a\nb\n", "plain.txt"), written("\udcff".encode(
        "utf-8", "surrogateescape").decode("latin-1"), "odd")):  # fmt: skip
        with pytest.raises(ValueError, match="neither an index"):
            is_index(other)
    with pytest.raises(FileNotFoundError, match="no file"):
        is_index(str(tmp_path / "missing"))


@pytest.mark.parametrize("hybrid", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("method", ["exact", "hnsw"])
def test_search_agrees_with_that_of_the_index(wv, hybrid, method):
    if method == "hnsw":
        pytest.importorskip("usearch", reason='needs usearch: pip install "gensim-sent2vec[index]"')
    texts = ["the police said", "rain in the south", "the army said", "police and army"]
    index = SentenceIndex.build(wv, texts, keys=[3, 1, 4, 1], method=method, lexical=True)
    queries = ["police rain", "the south said so", "qqq"]
    answers = Faq(index).search(queries, topn=3, hybrid=hybrid)
    for query, answer in zip(queries, answers):
        expected = index.most_similar(query, topn=3, hybrid=hybrid)
        assert [result["key"] for result in answer["results"]] == [key for key, _ in expected][: len(answer["results"])]
        for result, (_, score) in zip(answer["results"], expected):
            assert result["score"] == pytest.approx(score, abs=1e-6)
            cosine = wv.similarity_sentences(query, result["sentence"])
            assert result["cosine"] == pytest.approx(cosine, abs=1e-5)
            if not hybrid:
                assert result["lexical"] is None
                continue
            lexical = index.lexical.scores(query)[texts.index(result["sentence"])]
            assert result["lexical"] == pytest.approx(lexical, abs=1e-5)
    assert [len(answer["results"]) for answer in answers[:2]] == [3, 3]


def test_a_query_without_known_words_finds_only_what_shares_ngrams(wv):
    wv.weighting = None
    faq = Faq(SentenceIndex.build(wv, ["the police said", "qqqq kkkk"], lexical=True))
    unknown, similar, known = faq.search(["xyxyxyx", "qqqk", "police"])
    assert unknown == {"known": False, "results": []}
    assert not similar["known"] and [result["sentence"] for result in similar["results"]] == ["qqqq kkkk"]
    assert known["known"] and len(known["results"]) == 2


def test_hybrid_is_the_default_if_the_index_has_lexical_scores(wv):
    with_part, without = (SentenceIndex.build(wv, ["a b"], lexical=lexical) for lexical in (True, False))
    assert (Faq(with_part).hybrid, Faq(without).hybrid, Faq(with_part, 0.2).hybrid) == (0.5, 0.0, 0.2)
    for hybrid in (0.5, np.nan, 2):
        with pytest.raises(ValueError, match="hybrid"):
            Faq(without, hybrid)
