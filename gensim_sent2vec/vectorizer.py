"""A scikit-learn transformer from texts to sentence vectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ._text.inputs import checked_texts
from ._util.hints import with_hints
from .keyedvectors import Sent2VecKeyedVectors, Weighting, check_keyed_vectors
from .model import Sent2Vec
from .tokenizers import DEFAULT
from .weighting import SentenceWeighting

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise ImportError(
        f'Sent2VecVectorizer requires scikit-learn ({error}): pip install "gensim-sent2vec[sklearn]"'
    ) from error


# Parameters that are passed on to Sent2Vec.
TRAINING = (
    "vector_size", "alpha", "epochs", "min_count", "max_final_vocab", "word_ngrams", "dropout_k", "bucket",
    "skip_bigrams", "negative", "ns_exponent", "sample", "shared_negatives", "weighting", "workers", "seed",
    "tokenizer", "phrases",
)  # fmt: skip


@with_hints
class Sent2VecVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Transform texts to sentence vectors, with pretrained vectors or a `Sent2Vec` that `fit` trains on its texts.

    A replacement for `sklearn.feature_extraction.text.TfidfVectorizer`, with dense features::

        make_pipeline(Sent2VecVectorizer(model), LinearSVC())

    Parameters
    ----------
    wv : Sent2VecKeyedVectors or Sent2Vec, optional
        Pretrained vectors, or a model that has them. `fit` does not train then, and the training parameters are
        ignored. Clones share the vectors instead of copying them; pickles include them.
    normalize : bool
        Scale sentence vectors to length 1.
    weighting : bool or SentenceWeighting
        How to pool word vectors into sentence vectors, see `Sent2Vec`. For pretrained vectors, True stands for their
        own weighting, False for plain means, and a `SentenceWeighting` that has not been fitted is fitted by `fit`,
        which needs the counts of the words.
    vector_size, alpha, epochs, min_count, max_final_vocab, word_ngrams, dropout_k, bucket, skip_bigrams, \
negative, ns_exponent, sample, shared_negatives, workers, seed, tokenizer, phrases
        Training parameters, see `Sent2Vec`. With one worker, training is reproducible.

    Attributes
    ----------
    wv_ : Sent2VecKeyedVectors
        The vectors that `transform` uses.
    weighting_ : SentenceWeighting, False or None
        The weighting that `transform` uses; None for that of the vectors.
    """

    def __init__(
        self,
        wv: Sent2VecKeyedVectors | Sent2Vec | None = None,
        *,
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
        weighting: SentenceWeighting | bool | None = True,
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
        self.weighting = weighting
        self.workers = workers
        self.seed = seed
        self.tokenizer = tokenizer
        self.phrases = phrases

    def fit(self, X: Iterable[Any], y: Any = None) -> Sent2VecVectorizer:
        """Train on texts. With pretrained vectors, only check the parameters and fit the `weighting`.

        Parameters
        ----------
        X : iterable of str or of sequences of str
            Texts, which are tokenized, or token lists.
        y : ignored

        Returns
        -------
        Sent2VecVectorizer
            The fitted transformer itself.

        Raises
        ------
        TypeError
            If `wv` is neither a `Sent2VecKeyedVectors` nor a `Sent2Vec`, or `X` is a table or contains missing values.
        ValueError
            If `X` is a single string, or too few words are left to train.
        """
        texts = _texts(X)
        if self.wv is not None:
            wv, weighting = self._pretrained(), self._weighting_of_pretrained()
            if weighting and not weighting.fitted:
                weighting = weighting.unfitted().fit(wv, texts, show_progress_bar=False)
            self.wv_, self.weighting_ = wv, weighting
            return self
        options = {name: getattr(self, name) for name in TRAINING}
        self.wv_, self.weighting_ = Sent2Vec(texts, **options, show_progress_bar=False).wv, None
        return self

    def transform(self, X: Iterable[Any]) -> np.ndarray:
        """Compute the sentence vectors of texts.

        Parameters
        ----------
        X : iterable of str or of sequences of str
            Texts or token lists, as for `fit`.

        Returns
        -------
        numpy.ndarray of float32, shape (n_texts, n_dims)
            All zeros for a text without known words.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If there are no pretrained vectors and `fit` was not called.
        ValueError
            If `X` is a single string.
        """
        check_is_fitted(self)
        return self._encode(_texts(X))

    def _encode(self, texts: list[Any]) -> np.ndarray:
        if hasattr(self, "wv_"):
            wv, weighting = self.wv_, self.weighting_
        else:
            wv, weighting = self._pretrained(), self._weighting_of_pretrained()
        return wv.encode(
            texts, weighting=weighting, normalize=self.normalize, workers=self.workers, show_progress_bar=False
        )

    def _pretrained(self) -> Sent2VecKeyedVectors:
        wv = self.wv.wv if isinstance(self.wv, Sent2Vec) else self.wv
        check_keyed_vectors(wv)
        assert wv is not None
        return wv

    def _weighting_of_pretrained(self) -> Weighting:
        """The argument `weighting` of ``wv.encode``."""
        if isinstance(self.weighting, SentenceWeighting):
            return self.weighting
        if self.weighting is not None and not isinstance(self.weighting, bool):
            raise TypeError(f"weighting: expected a SentenceWeighting, True or False, got {self.weighting!r}")
        return None if self.weighting else False

    @property
    def _n_features_out(self) -> int:  # for get_feature_names_out
        return self._encode([]).shape[1]

    def __sklearn_is_fitted__(self) -> bool:
        return self.wv is not None or hasattr(self, "wv_")

    def __sklearn_clone__(self) -> Sent2VecVectorizer:
        return type(self)(**self.get_params(deep=False))  # sklearn.clone would copy the vectors

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = self.wv is None
        return tags


def _texts(X: Any) -> list[Any]:
    if isinstance(X, (str, bytes)):
        raise ValueError(f"X: expected an iterable of texts, got the {type(X).__name__} {X[:40]!r}")
    return list(checked_texts(X, "X"))
