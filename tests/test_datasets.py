"""The Lee corpora and the agreement with human judgements."""

import numpy as np
import pytest

from gensim_sent2vec.datasets import human_correlation, lee_documents, split_sentences


def test_documents_and_sentences():
    background = lee_documents("lee_background.cor")
    sentences = split_sentences(background)
    assert len(background) == 300 and sentences[0].startswith("Hundreds of people have been forced")
    assert all(len(sentence.split()) >= 5 for sentence in sentences)
    assert split_sentences(["One two three four five! Too short. Six seven eight nine ten"]) == [
        "One two three four five!",
        "Six seven eight nine ten",
    ]


def test_vectors_correlate_with_human_judgements():
    """Bags of words agree with people to some extent; a document without known words is allowed."""
    documents = [set(document.lower().split()) for document in lee_documents("lee.cor")]
    words = sorted(set.union(*documents))
    bags = np.array([[word in document for word in words] for document in documents], dtype=np.float32)
    assert 0.3 < human_correlation(bags) < 0.8
    bags[7] = 0  # a document without known words
    assert np.isfinite(human_correlation(bags))


@pytest.mark.parametrize("shape", [(49, 3), (50,)])
def test_one_vector_per_document(shape):
    with pytest.raises(ValueError, match="vectors: expected one row per document"):
        human_correlation(np.ones(shape))
