"""Sent2Vec sentence embeddings for gensim."""

from typing import Any

try:
    from . import _kernel  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"gensim_sent2vec in {__path__[0]!r} has no compiled kernel ({error}); if this is the source folder, either "
        "change to another folder to use the installed package, or run: python setup.py build_ext --inplace"
    ) from error

from ._text.corpus import TokenFile
from ._text.tables import TextTable
from ._text.tokenization import tokenize_file
from .epfml import convert_epfml, load_epfml_model, load_epfml_vectors, save_epfml_model
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec
from .search import SentenceIndex
from .version import __version__
from .weighting import SentenceWeighting

__all__ = [
    "Sent2Vec",
    "Sent2VecKeyedVectors",
    "SentenceIndex",
    "SentenceWeighting",
    "TextTable",
    "TokenFile",
    "__version__",
    "convert_epfml",
    "load_epfml_model",
    "load_epfml_vectors",
    "save_epfml_model",
    "tokenize_file",
]


def __getattr__(name: str) -> Any:
    """`Sent2VecVectorizer` is imported on first use, because it imports scikit-learn."""
    if name == "Sent2VecVectorizer":
        from .vectorizer import Sent2VecVectorizer

        return Sent2VecVectorizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "Sent2VecVectorizer"]
