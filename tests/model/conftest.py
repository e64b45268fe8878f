"""A small corpus file and a small trained model."""

import pytest
from gensim.test.utils import common_texts
from models import SMALL

from gensim_sent2vec import Sent2Vec


@pytest.fixture
def corpus_file(tmp_path) -> str:
    """``common_texts`` as a file."""
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(text) + "\n" for text in common_texts))
    return str(path)


@pytest.fixture
def ready() -> Sent2Vec:
    """A trained model with n-grams, which the test may change."""
    return Sent2Vec(common_texts, word_ngrams=2, bucket=50, **SMALL)
