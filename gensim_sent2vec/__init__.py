"""Sent2Vec sentence embeddings for gensim."""

from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec
from .version import __version__

__all__ = ["Sent2Vec", "Sent2VecKeyedVectors", "__version__"]
