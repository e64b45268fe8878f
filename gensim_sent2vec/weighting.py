"""How the words of a sentence are weighted and joined into its vector; fitted once, and kept with the vectors.

With p_w the share of word w in all tokens:

- *weight*: SIF's a / (a + p_w) (Arora, Liang, Ma 2017) or word2vec's subsampling curve √(a / p_w) + a / p_w, at most 1;
  0 for stop words; times `first_half` in the first half of long sentences, where the topic stands in Korean.
- *meaning* B_w = unit(unit(in_w) + unit(out_w)): rare words have short vectors and frequent ones long, for no reason
  that matters to a sentence. An unknown word is spelt (`gensim_sent2vec._pooling.spelling`).
- *spelling* σ_w, the signature of w, which keeps apart what a hundred dimensions of meaning blur.

A sentence has x_s = Σ w B_w / Σ w and x_l = Σ w σ_w / Σ w. The second moments of unit-length x_s and x_l over a sample
of sentences give their axes; of the meaning the leading ones Q are kept, those of the spelling are evened out by
T = V e ** -0.5. With λ = lexical_weight the sentence's vector is

    [√(1 - λ) unit(x_s Q) ; √λ unit(x_l T)],

whose cosines are the parts' cosines, mixed. Without a lexical part (λ = 0) it is x_s V e ** whiten Vᵀ.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from gensim.models import KeyedVectors
from gensim.utils import SaveLoad

from ._pooling.fitting import Fit, fingerprint
from ._pooling.spelling import Spelling
from ._text.vocabulary import Vocabulary
from ._util.parameters import check_float, check_int

DECAYS = ("sif", "word2vec")
LONGEST = 1000  # characters of an n-gram


class SentenceWeighting(SaveLoad):
    """The way from words to the vector of a sentence.

    Parameters
    ----------
    sif : float or None
        The a of the decay of frequent words' weights; None: all words weigh the same.
    unit_words : bool
        Scale word vectors to length 1, and add the output vectors where there are any.
    first_half : float
        Factor of the weights in the first half of sentences of more than `half_length` tokens.
    stop_words : iterable of str
        Words that are left out.
    whiten : float, optional
        Each axis of the meaning is scaled by its eigenvalue to this power (-1 to 1); 0: none. By default -0.25, or
        none where there is a lexical part, which it would hurt.
    remove_components : int
        So many leading axes of the meaning are left out.
    lexical_weight : float
        Share of the spelling in the cosines, 0 to 1; 0: no lexical part.
    lexical_dims : int
        Sentences have vector_size + `lexical_dims` numbers. With a lexical part a fifth of them (at most vector_size)
        is the meaning's, the others are the spelling's. 0: "in place", as many numbers as the words have.
    decay : {"sif", "word2vec"}
        The curve of the weights, with a or the subsampling threshold in `sif`.
    half_length : int
        See `first_half`.
    unseen_words : bool
        Give words that are not in the vocabulary a vector by their spelling; else they are left out.
    linear : bool
        Join the two parts without scaling each to its length in every sentence. Scores a little less, but is a mean
        of fixed rows, see `Sent2VecKeyedVectors.bake`.
    min_n, max_n : int
        Least and greatest length of the character n-grams.
    sample_size : int
        `fit` looks at no more sentences than these.
    seed : int
        Of the signatures.

    Attributes
    ----------
    rows : numpy.ndarray of float32 or float16, shape (n_words, n_numbers), or None
        The known words' rows; None where the vectors' own rows are meant (after `bake`).
    weights : numpy.ndarray of float32, shape (n_words,)
        The known words' weights.

    Raises
    ------
    TypeError, ValueError
        For a parameter that is none or out of its range.

    Examples
    --------
    >>> from gensim.test.utils import common_texts
    >>> from gensim_sent2vec import Sent2Vec, SentenceWeighting
    >>> wv = Sent2Vec(common_texts, vector_size=20, min_count=1, workers=1).wv
    >>> wv.weighting = SentenceWeighting(lexical_dims=30).fit(wv, common_texts)
    >>> wv.get_sentence_vector("human computer interfaces").shape
    (50,)
    """

    rows: np.ndarray | None = None
    weights: np.ndarray | None = None
    spelling: Spelling | None = None

    def __init__(
        self,
        sif: float | None = 5e-4,
        unit_words: bool = True,
        first_half: float = 1.0,
        stop_words: Iterable[str] = (),
        whiten: float | None = None,
        remove_components: int = 0,
        lexical_weight: float = 0.6,
        lexical_dims: int = 0,
        decay: str = "sif",
        half_length: int = 0,
        unseen_words: bool = True,
        linear: bool = False,
        min_n: int = 3,
        max_n: int = 4,
        sample_size: int = 20_000,
        seed: int = 1,
    ) -> None:
        self.sif = None if sif is None else check_float("sif", sif, above=0)
        self.unit_words = _flag("unit_words", unit_words)
        self.first_half = check_float("first_half", first_half, above=0)
        self.stop_words = _stop_words(stop_words)
        self.whiten = None if whiten is None else check_float("whiten", whiten, least=-1, most=1)
        self.remove_components = check_int("remove_components", remove_components, 0)
        self.lexical_weight = check_float("lexical_weight", lexical_weight, least=0, most=1)
        self.lexical_dims = check_int("lexical_dims", lexical_dims, 0)
        if self.lexical_dims and not self.lexical_weight:
            raise ValueError(f"lexical_dims: {lexical_dims} dimensions are for a lexical part, but lexical_weight is 0")
        if decay not in DECAYS:
            raise ValueError(f"decay: one of {', '.join(DECAYS)} is expected, got {decay!r}")
        self.decay = decay
        self.half_length = check_int("half_length", half_length, 0)
        self.unseen_words = _flag("unseen_words", unseen_words)
        self.linear = _flag("linear", linear)
        self.min_n = check_int("min_n", min_n, 1, LONGEST)
        self.max_n = check_int("max_n", max_n, self.min_n, LONGEST)
        self.sample_size = check_int("sample_size", sample_size, 1)
        self.seed = check_int("seed", seed, 0)

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments, for another one like this: ``SentenceWeighting(**weighting.parameters)``."""
        return {name: getattr(self, name) for name in PARAMETERS}

    @property
    def fitted(self) -> bool:
        """Whether `fit` has found rows and weights."""
        return self.weights is not None

    @property
    def vector_size(self) -> int | None:
        """Numbers of a sentence's vector; None before `fit`, and where the vectors' own rows are meant."""
        return None if self.rows is None else self.rows.shape[1]

    def __repr__(self) -> str:
        default = SentenceWeighting().parameters
        given = ", ".join(f"{k}={v!r}" for k, v in self.parameters.items() if v != default[k])
        return f"SentenceWeighting({given})" + ("" if self.fitted else " <not fitted>")

    # -------------------------------------------------------------------------------------------------
    # Fitting

    def fit(
        self,
        wv: KeyedVectors,
        sentences: Iterable[str | Sequence[str]],
        output_vectors: np.ndarray | None = None,
        show_progress_bar: bool | None = None,
    ) -> SentenceWeighting:
        """Make the rows and weights of the words of `wv`.

        Parameters
        ----------
        wv : gensim.models.KeyedVectors
            Any that know how often their words occurred. They are read, not changed.
        sentences : iterable of sequences of str, or of str
            A list or a stream of any length, such as the training corpus; read once, a sample of it is held. A str is
            tokenised as the vectors say (``wv.tokens``), or split at whitespace.
        output_vectors : numpy.ndarray of float32, shape (n_words, vector_size), optional
            The words' output vectors (gensim's ``model.syn1neg``); used with `unit_words`.
        show_progress_bar : bool, optional
            By default a bar appears on a terminal when the work takes longer than two seconds.

        Returns
        -------
        SentenceWeighting
            Itself.

        Raises
        ------
        ValueError
            Where counts are missing, sizes do not fit, no sentence has a known word, or a vector is not finite.
        """
        fitted = Fit(self, wv, output_vectors).run(sentences, show_progress_bar)
        self.__dict__.update(fitted)
        return self

    def decay_weights(self, p: np.ndarray) -> np.ndarray:
        """The weights of words with shares `p` of all tokens."""
        if self.sif is None:
            return np.ones(len(p), dtype=np.float32)
        with np.errstate(divide="ignore"):
            ratio = self.sif / p
        curve = 1 / (1 + 1 / ratio) if self.decay == "sif" else np.minimum(np.sqrt(ratio) + ratio, 1)
        return curve.astype(np.float32)

    def check_fits(self, vocabulary: Vocabulary) -> None:
        """Raise a ValueError unless this is fitted, for these words."""
        if self.weights is None:
            raise ValueError("weighting: it is not fitted; call .fit(wv, sentences), with some of the training corpus")
        if fingerprint(vocabulary) != self.words:
            raise ValueError(
                f"weighting: it was fitted for other words ({len(self.weights)}) than these vectors have "
                f"({len(vocabulary)}); fit one for them: SentenceWeighting(…).fit(wv, sentences)"
            )

    def unseen_word_encoder(self) -> Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]:
        """What gives words that are not in the vocabulary their rows and weights.

        Returns
        -------
        callable
            From words to rows, float32 (n_words, n_numbers), and weights, float32 (n_words,): 0 for stop words, and for
            words whose row is all zeros.
        """
        if self.spelling is None:
            raise ValueError("weighting: it knows nothing of the spelling of words (unseen_words=False)")
        speller = self.spelling.speller(self.meaning_map * np.float32(self.row_length), self.lexical_map)
        weight, stop_words = np.float32(self.unseen_weight), self.stop_words

        def rows_and_weights(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
            rows = speller(words)
            weights = np.where(rows.any(axis=1), weight, np.float32(0))
            if stop_words:
                weights[[word in stop_words for word in words]] = 0
            return rows, weights

        return rows_and_weights

    @property
    def lengths(self) -> tuple[float, float] | None:
        """To what lengths the two parts of a sentence's vector are scaled; None where they stay as they are."""
        if self.linear or not self.lexical_weight:
            return None
        return math.sqrt(1 - self.lexical_weight), math.sqrt(self.lexical_weight)

    def bake_rows(
        self, vectors: np.ndarray, vocabulary: Vocabulary, extra_words: Iterable[str] = ()
    ) -> tuple[np.ndarray, Vocabulary, SentenceWeighting | None]:
        """Rows whose plain mean is the weighted one up to its length; see `Sent2VecKeyedVectors.bake`.

        Returns
        -------
        rows : numpy.ndarray of float32, shape (n_words, n_numbers)
        words : Vocabulary
            Those given, and the extra ones that are not among them.
        rest : SentenceWeighting or None
            What is still to be done to the mean, where there is something.
        """
        self.check_fits(vocabulary)
        assert self.weights is not None
        rows = [(vectors if self.rows is None else self.rows).astype(np.float32) * self.weights[:, None]]
        extra = [word for word in dict.fromkeys(extra_words) if word not in vocabulary]
        if extra:
            spelt, weights = self.unseen_word_encoder()(extra)
            rows.append(spelt * weights[:, None])
            vocabulary = Vocabulary.from_words(chain(vocabulary, extra))
        rest = None
        if (self.lexical_weight and not self.linear) or self.first_half != 1:
            rest = SentenceWeighting(**{**self.parameters, "unseen_words": False})
            rest.weights = np.ones(len(vocabulary), dtype=np.float32)
            rest.words, rest.meaning_dims = fingerprint(vocabulary), self.meaning_dims
        return np.concatenate(rows), vocabulary, rest

    def astype(self, dtype: Any) -> SentenceWeighting:
        """The same with rows in another precision, float32 or float16."""
        result = SentenceWeighting.from_arrays(*self.to_arrays())
        result.rows = None if self.rows is None else self.rows.astype(dtype)
        return result

    def of_words(self, ids: np.ndarray, vocabulary: Vocabulary, rows: np.ndarray | None) -> SentenceWeighting:
        """The same for some of the words, `ids` (int64), which make up `vocabulary` and have these `rows`."""
        result = copy.copy(self)
        if self.weights is not None:
            result.weights, result.rows, result.words = self.weights[ids], rows, fingerprint(vocabulary)
        return result

    # -------------------------------------------------------------------------------------------------
    # Files

    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """All that `fit` found, as arrays by name and JSON-able facts; see `from_arrays`."""
        if self.weights is None:
            raise ValueError("weighting: it is not fitted")
        arrays = {"weights": self.weights}
        facts = {
            "parameters": {**self.parameters, "stop_words": sorted(self.stop_words)},
            "words": self.words,
            "meaning_dims": self.meaning_dims,
        }
        if self.rows is not None:
            arrays["rows"] = self.rows
        if self.spelling is not None:
            arrays |= {"meaning_map": self.meaning_map, "lexical_map": self.lexical_map}
            arrays |= {f"ngram_{name}": getattr(self.spelling, name) for name in ("hashes", "weights", "vectors")}
            facts |= {"row_length": self.row_length, "unseen_weight": self.unseen_weight}
            facts["ngram_new_weight"] = self.spelling.new_weight
        return arrays, facts

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> SentenceWeighting:
        """A fitted weighting from what `to_arrays` gave; arrays are shared, and may be mapped read-only.

        Raises
        ------
        ValueError
            Where an array or a fact is missing.
        """
        try:
            result = cls(**facts["parameters"])
            result.weights, result.rows = arrays["weights"], arrays.get("rows")
            result.words, result.meaning_dims = facts["words"], check_int("meaning_dims", facts["meaning_dims"], 0)
            if "ngram_hashes" in arrays:
                result.meaning_map, result.lexical_map = arrays["meaning_map"], arrays["lexical_map"]
                numbers = (
                    check_float(name, facts[name]) for name in ("row_length", "unseen_weight", "ngram_new_weight")
                )
                result.row_length, result.unseen_weight, new_weight = numbers
                hashes, weights, vectors = (arrays[f"ngram_{name}"] for name in ("hashes", "weights", "vectors"))
                sizes = result.min_n, result.max_n
                result.spelling = Spelling(hashes, weights, vectors, new_weight, *sizes, result.seed)
        except KeyError as error:
            raise ValueError(f"weighting: the saved weighting lacks {error}") from None
        result._check_arrays()
        return result

    def _check_arrays(self) -> None:
        """Raise a ValueError where arrays that were read do not fit together."""
        rows, spelling = self.rows, self.spelling
        n_words, _, crc = str(self.words).partition("-")
        if not (crc and n_words.isdecimal()) or (spelling is not None and rows is None):
            raise ValueError("weighting: the saved weighting lacks " + ("rows" if crc else "words"))
        n, one, two = int(n_words), ("float32",), ("float32", "float16")
        expected: list[tuple[Any, tuple[int, ...], tuple[str, ...]]] = [(self.weights, (n,), one)]
        width = rows.shape[-1] if rows is not None and rows.ndim else 0
        if rows is not None:
            expected.append((rows, (n, width), two))
        if spelling is not None:
            n, dim, lexical_dims = spelling.hashes.size, self.meaning_map.shape[:1], width - self.meaning_dims
            expected += [(spelling.hashes, (n,), ("uint64",)), (spelling.weights, (n,), one)]
            expected += [(spelling.vectors, (n, *dim), two), (self.meaning_map, (*dim, self.meaning_dims), one)]
            expected.append((self.lexical_map, (lexical_dims, lexical_dims), one))
        for array, shape, dtypes in expected:
            if array.shape != shape or array.dtype not in dtypes:
                raise ValueError(
                    f"weighting: an array of the saved weighting is {array.dtype} of shape {array.shape}, not "
                    f"{' or '.join(dtypes)} of shape {shape}"
                )

    # Set by `fit`; the maps and the last two for unknown words only.
    words: str  # which vocabulary it is for
    meaning_dims: int  # leading numbers of a row that are the meaning's
    meaning_map: np.ndarray  # float32, (vector_size, meaning_dims)
    lexical_map: np.ndarray  # float32, (signature dims, the same)
    row_length: float  # of unknown words' vectors
    unseen_weight: float


PARAMETERS = tuple(inspect.signature(SentenceWeighting).parameters)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: True or False is expected, got {value!r}")
    return bool(value)


def _stop_words(words: Iterable[str]) -> frozenset[str]:
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise TypeError(f"stop_words: an iterable of words is expected, got {words!r}")
    words = frozenset(words)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"stop_words: words are expected, got {word!r}")
    return words
