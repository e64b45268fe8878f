"""Sent2Vec sentence embeddings for gensim.

The names below are imported on first use: importing the package alone must not import numpy, because the command line
checks first whether there is enough memory for it.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .version import __version__

if find_spec(f"{__name__}._kernel") is None:
    raise ImportError(
        f"gensim_sent2vec in {__path__[0]!r} has no compiled kernel; if this is the source folder, either change to "
        "another folder to use the installed package, or run: python setup.py build_ext --inplace"
    )

if TYPE_CHECKING:
    from ._text.corpus import TokenFile
    from ._text.tables import TextTable
    from ._text.tokenization import tokenize_file
    from .epfml import convert_epfml, load_epfml_model, load_epfml_vectors, save_epfml_model
    from .keyedvectors import Sent2VecKeyedVectors
    from .model import Sent2Vec
    from .search import SentenceIndex
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

MODULES = {
    "Sent2Vec": "model",
    "Sent2VecKeyedVectors": "keyedvectors",
    "Sent2VecVectorizer": "vectorizer",  # not in __all__, because it needs scikit-learn
    "community_detection": "mining",
    "evaluate_retrieval": "evaluation",
    "evaluate_sts": "evaluation",
    "near_duplicates": "mining",
    "paraphrase_mining": "mining",
    "SentenceIndex": "search",
    "SentenceWeighting": "weighting",
    "TextTable": "_text.tables",
    "TokenFile": "_text.corpus",
    "convert_epfml": "epfml",
    "load_epfml_model": "epfml",
    "load_epfml_vectors": "epfml",
    "save_epfml_model": "epfml",
    "tokenize_file": "_text.tokenization",
}


def __getattr__(name: str) -> Any:
    """Import a public name, or a public module, such as ``gensim_sent2vec.search``."""
    if name in MODULES:
        value = globals()[name] = getattr(import_module(f".{MODULES[name]}", __name__), name)
        return value
    if not name.startswith("_"):
        try:
            return import_module(f".{name}", __name__)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES})
