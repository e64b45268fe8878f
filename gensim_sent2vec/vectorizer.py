"""Sentence vectors as a step of scikit-learn pipelines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .keyedvectors import Sent2VecKeyedVectors, check_keyed_vectors
from .model import Sent2Vec
from .tokenizers import DEFAULT

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise ImportError(
        f'Sent2VecVectorizer needs scikit-learn ({error}): pip install "gensim-sent2vec[sklearn]"'
    ) from error


TRAINING = (
    "vector_size", "alpha", "epochs", "min_count", "max_final_vocab", "word_ngrams", "dropout_k", "bucket",
    "skip_bigrams", "negative", "ns_exponent", "sample", "shared_negatives", "workers", "seed", "tokenizer", "phrases",
)  # fmt: skip


class Sent2VecVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Turns texts into sentence vectors: with ready ones, or with those of a `Sent2Vec` trained on the texts of `fit`.

    Stands where `sklearn.feature_extraction.text.TfidfVectorizer` would::

        make_pipeline(Sent2VecVectorizer(wv=model.wv), LinearSVC())

    Parameters
    ----------
    wv : Sent2VecKeyedVectors, optional
        Ready vectors: `fit` learns nothing then, and the parameters of training are not used. They are shared by
        clones, not copied, and pickled along.
    normalize : bool
        Scale vectors to length 1.
    vector_size, alpha, epochs, min_count, max_final_vocab, word_ngrams, dropout_k, bucket, skip_bigrams, \
negative, ns_exponent, sample, shared_negatives, workers, seed, tokenizer, phrases
        Those of `Sent2Vec`, for training. With one worker a seed gives the same vectors every time.

    Attributes
    ----------
    wv_ : Sent2VecKeyedVectors
        The vectors in use.
    """

    def __init__(
        self,
        *,
        wv: Sent2VecKeyedVectors | None = None,
        normalize: bool = False,
        vector_size: int = 100,
        alpha: float = 0.4,
        epochs: int = 5,
        min_count: int = 5,
        max_final_vocab: int | None = None,
        word_ngrams: int = 1,
        dropout_k: int = 2,
        bucket: int = 2_000_000,
        skip_bigrams: bool = False,
        negative: int = 10,
        ns_exponent: float = 0.5,
        sample: float = 0,
        shared_negatives: int | bool = True,
        workers: int | None = None,
        seed: int = 1,
        tokenizer: Any = DEFAULT,
        phrases: Any = None,
    ) -> None:
        self.wv = wv
        self.normalize = normalize
        self.vector_size = vector_size
        self.alpha = alpha
        self.epochs = epochs
        self.min_count = min_count
        self.max_final_vocab = max_final_vocab
        self.word_ngrams = word_ngrams
        self.dropout_k = dropout_k
        self.bucket = bucket
        self.skip_bigrams = skip_bigrams
        self.negative = negative
        self.ns_exponent = ns_exponent
        self.sample = sample
        self.shared_negatives = shared_negatives
        self.workers = workers
        self.seed = seed
        self.tokenizer = tokenizer
        self.phrases = phrases

    def fit(self, X: Iterable[Any], y: Any = None) -> Sent2VecVectorizer:
        """Train on texts; with ready vectors, nothing.

        Parameters
        ----------
        X : iterable of str or of sequences of str
            Texts, which the tokenizer takes apart, or their tokens.
        y : ignored

        Raises
        ------
        ValueError
            Where X is one string, or too few words are left.
        """
        texts = _texts(X)
        if self.wv is not None:
            check_keyed_vectors(self.wv)
            self.wv_ = self.wv
            return self
        options = {name: getattr(self, name) for name in TRAINING}
        if self.tokenizer == DEFAULT:  # the only one that Sent2Vec leaves to its caller
            texts = [text.split() if isinstance(text, str) else text for text in texts]
        self.wv_ = Sent2Vec(texts, **options, show_progress_bar=False).wv
        return self

    def transform(self, X: Iterable[Any]) -> np.ndarray:
        """The vectors of texts.

        Parameters
        ----------
        X : iterable of str or of sequences of str
            As in `fit`.

        Returns
        -------
        numpy.ndarray of float32, shape (n_texts, n_numbers)
            Zeros where nothing of a text is known.
        """
        check_is_fitted(self)
        return self._vectors().encode(
            _texts(X), normalize=self.normalize, workers=self.workers, show_progress_bar=False
        )

    def _vectors(self) -> Sent2VecKeyedVectors:
        if hasattr(self, "wv_"):
            return self.wv_
        check_keyed_vectors(self.wv)
        assert self.wv is not None
        return self.wv

    @property
    def _n_features_out(self) -> int:  # what get_feature_names_out counts
        return self._vectors().encode([], show_progress_bar=False).shape[1]

    def __sklearn_is_fitted__(self) -> bool:
        return self.wv is not None or hasattr(self, "wv_")

    def __sklearn_clone__(self) -> Sent2VecVectorizer:
        return type(self)(**self.get_params(deep=False))  # scikit-learn's own would copy the vectors

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = self.wv is None
        return tags


def _texts(X: Any) -> list[Any]:
    if isinstance(X, (str, bytes)):
        raise ValueError("X: an iterable of texts is expected, got one string")
    return list(X)
