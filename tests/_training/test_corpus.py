"""The corpus that the steps of one call share."""

import pytest

from gensim_sent2vec._training.corpus import CheckedCorpus, check_corpus

SENTENCES = [["a", "b"], ["c"], []]


@pytest.fixture
def file(tmp_path) -> CheckedCorpus:
    path = tmp_path / "corpus.txt"
    path.write_text("a b\nc\n\n")
    return CheckedCorpus(None, path, "sentences", "corpus_file: 'corpus.txt'")


def iterable(sentences) -> CheckedCorpus:
    return CheckedCorpus(check_corpus(sentences, None, 2), None, "sentences", "sentences: the corpus")


def test_exactly_one_corpus_is_needed():
    for corpus in ((None, None), (SENTENCES, "corpus.txt")):
        with pytest.raises(TypeError, match=r"^sentences, corpus_file: pass exactly one of the two"):
            check_corpus(*corpus, passes=1)


def test_words_are_counted_alike_in_files_texts_and_token_lists(file):
    expected = {"a": 1, "b": 1, "c": 1}, 3, 3
    assert iterable(["a b", "c ", ""]).count_words(None, 2, False) == expected
    assert file.count_words(None, 2, False) == expected
    assert iterable(SENTENCES).count_words(None, 2, False) == expected


def test_a_sample_is_collected_during_the_first_pass_only():
    corpus = iterable(SENTENCES).sampled_while_read(10)
    for _ in range(2):
        assert list(corpus.sentences) == SENTENCES
    assert corpus.sample(10) == SENTENCES


def test_files_are_sampled_on_demand(file):
    assert file.sampled_while_read(10) is file
    assert list(file.sample(10)) == SENTENCES
    assert len(list(file.sample(2))) <= 2
