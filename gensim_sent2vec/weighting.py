"""Sentence weighting: how the vectors of a sentence's words are weighted and pooled into the vector of the sentence.

A weighting is fitted once, and stored with the vectors. With p_w the share of word w in all tokens, unit(x) = x / |x|,
v_w the input vector and o_w the output vector of w:

- The *weight* ω_w decreases with frequency, as SIF's a / (a + p_w) (Arora, Liang, Ma 2017), or as word2vec's
  subsampling curve √(a / p_w) + a / p_w, at most 1. It is 0 for stop words, and multiplied by `first_half` in the
  first half of long sentences: in Korean, that is where the topic stands.
- The *vector* is B_w = unit(unit(v_w) + unit(o_w)), because rare words have short vectors and frequent words long ones,
  which is irrelevant for the meaning of a sentence. Vectors of out-of-vocabulary words are estimated from their
  character n-grams (`gensim_sent2vec._pooling.spelling`).
- The *signature* σ_w is a random projection of the word's character n-grams. It separates words that a hundred
  dimensions of meaning cannot tell apart.

Pooling gives the means x_s = Σ ω_w B_w / Σ ω_w and x_l = Σ ω_w σ_w / Σ ω_w over the words of a sentence. `fit` computes
the second moments of unit(x_s) and of unit(x_l) over a sample of sentences. Q consists of the leading eigenvectors of
the first, after the `remove_components` largest, each scaled by its eigenvalue to the power `whiten`. T = V e^(-1/2)
whitens x_l, with V the eigenvectors and e the eigenvalues of the second. With λ = `lexical_weight`, the sentence vector

    [√(1 - λ) unit(x_s Q) ; √λ unit(x_l T)]

consists of a *semantic part* and a *lexical part*; its cosines are the weighted means of the cosines of the parts.
With other, pretrained vectors there is a third, *pretrained part*; see `gensim_sent2vec._pooling.pretrained`.
Without a lexical part (λ = 0) it is x_s V e^whiten Vᵀ, with V and e of the first moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from gensim.models import KeyedVectors
from gensim.utils import SaveLoad

from ._files.pickles import load_pickle, save_atomically
from ._pooling import baking
from ._pooling.fitted import FittedWeighting, NgramFactors, fingerprint
from ._pooling.fitting import fit_weighting
from ._pooling.parameters import WeightingParameters
from ._pooling.pooling import WeightedPooling
from ._pooling.pretrained import PretrainedRows
from ._text.corpus import sample_sentences
from ._text.inputs import as_tokens, checked_texts
from ._text.vocabulary import Vocabulary
from ._util.hints import with_hints
from ._util.rows import sample
from ._util.subwords import SubwordTokenizer
from ._util.warning import warn

# With at least this many words, counts n, n - 1, n - 2, ... cannot be a coincidence, or nearly so: this share of steps.
GENSIM_DUMMY_COUNTS, GENSIM_DUMMY_STEPS = 10, 0.8


def _parameter(name: str) -> Any:
    """An attribute of `SentenceWeighting` that is a field of its parameters; new values are checked."""

    def get_value(weighting: SentenceWeighting) -> Any:
        return getattr(weighting._parameters, name)

    def set_value(weighting: SentenceWeighting, value: Any) -> None:
        weighting._parameters = replace(weighting._parameters, **{name: value})

    return property(get_value, set_value)


@with_hints
class SentenceWeighting(SaveLoad):
    """Weights the words of sentences, and pools their vectors into sentence vectors.

    Parameters
    ----------
    sif : float or None
        a of the weights that decrease with frequency; None: all words have weight 1.
    unit_words : bool
        Scale word vectors to length 1, and add the output vectors if there are any.
    first_half : float
        Factor of the weights in the first half of sentences with more than `half_length` tokens.
    stop_words : iterable of str
        Words with weight 0.
    whiten : float, optional
        Scale each axis of the semantic part by its eigenvalue to this power (-1 to 1); 0: no scaling. The default is
        -0.25, or 0 if there is a lexical part, which would otherwise suffer.
    remove_components : int
        Number of leading axes that are removed from the semantic part (common component removal).
    lexical_weight : float
        Weight of the lexical part in cosines, 0 to 1; 0: no lexical part.
    lexical_dims : int
        Sentence vectors have vector_size + `lexical_dims` dimensions. With a lexical part, a fifth of them (at most
        vector_size) are semantic and the others lexical. 0: as many dimensions as the word vectors.
    decay : {"sif", "word2vec"}
        How weights decrease with frequency: a / (a + p), or √(a / p) + a / p, at most 1.
    half_length : int
        See `first_half`.
    unseen_words : bool
        Estimate the vectors of out-of-vocabulary words from their character n-grams; False: leave these words out.
    linear : bool
        Do not scale the two parts of each sentence vector to their lengths. Slightly worse, but then a sentence vector
        is the mean of fixed rows, see `Sent2VecKeyedVectors.bake`.
    min_n, max_n : int
        Shortest and longest character n-gram.
    sample_size : int
        Maximum number of sentences that `fit` uses.
    seed : int
        Seed of the signatures.
    pretrained_weight : float, optional
        Weight of the pretrained part in cosines, 0 to 1, if `fit` is given pretrained vectors; the default is 0.7. The
        other parts share the rest. Sentence vectors have as many dimensions more as the pretrained vectors.

    Attributes
    ----------
    rows : numpy.ndarray of float32 or float16, shape (n_words, n_dims), or None
        Rows of the words; None if they are the word vectors themselves (after `bake`), and before `fit`.
    weights : numpy.ndarray of float32, shape (n_words,), or None
        Weights of the words; None before `fit`.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Notes
    -----
    Parameters are attributes and can be changed. Changes of `first_half`, `half_length`, `linear`, `lexical_weight`,
    `pretrained_weight`, and of `stop_words` for out-of-vocabulary words, take effect immediately, those of other
    parameters with `fit`.

    Examples
    --------
    >>> from gensim.test.utils import common_texts
    >>> from gensim_sent2vec import Sent2Vec, SentenceWeighting
    >>> wv = Sent2Vec(common_texts, vector_size=20, min_count=1, workers=1).wv
    >>> wv.weighting = SentenceWeighting(lexical_dims=30).fit(wv, common_texts)
    >>> wv.get_sentence_vector("human computer interfaces").shape
    (50,)
    """

    _parameters: WeightingParameters
    _fitted: FittedWeighting | None = None
    _source: PretrainedRows | None = None  # pretrained vectors for `fit`

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
        sample_size: int = 10_000,
        seed: int = 1,
        pretrained_weight: float | None = None,
    ) -> None:
        self._parameters = WeightingParameters(
            sif=sif,
            unit_words=unit_words,
            first_half=first_half,
            stop_words=stop_words,  # type: ignore[arg-type]  # made a frozenset there
            whiten=whiten,
            remove_components=remove_components,
            lexical_weight=lexical_weight,
            lexical_dims=lexical_dims,
            decay=decay,
            half_length=half_length,
            unseen_words=unseen_words,
            linear=linear,
            min_n=min_n,
            max_n=max_n,
            sample_size=sample_size,
            seed=seed,
            pretrained_weight=pretrained_weight,
        )

    sif: float | None = _parameter("sif")
    unit_words: bool = _parameter("unit_words")
    first_half: float = _parameter("first_half")
    stop_words: frozenset[str] = _parameter("stop_words")
    whiten: float | None = _parameter("whiten")
    remove_components: int = _parameter("remove_components")
    lexical_weight: float = _parameter("lexical_weight")
    lexical_dims: int = _parameter("lexical_dims")
    decay: str = _parameter("decay")
    half_length: int = _parameter("half_length")
    unseen_words: bool = _parameter("unseen_words")
    linear: bool = _parameter("linear")
    min_n: int = _parameter("min_n")
    max_n: int = _parameter("max_n")
    sample_size: int = _parameter("sample_size")
    seed: int = _parameter("seed")
    pretrained_weight: float | None = _parameter("pretrained_weight")

    @property
    def parameters(self) -> dict[str, Any]:
        """The constructor's arguments: ``SentenceWeighting(**weighting.parameters)`` is a copy that is not fitted."""
        return {field.name: getattr(self._parameters, field.name) for field in fields(self._parameters)}

    def __repr__(self) -> str:
        defaults = SentenceWeighting().parameters
        given = ", ".join(f"{k}={v!r}" for k, v in self.parameters.items() if v != defaults[k])
        return f"SentenceWeighting({given})" + ("" if self.fitted else " <not fitted>")

    # -------------------------------------------------------------------------------------------------
    # Fitting

    def fit(
        self,
        wv: KeyedVectors,
        sentences: Iterable[str | Sequence[str]],
        output_vectors: np.ndarray | None = None,
        show_progress_bar: bool | None = None,
        pretrained: KeyedVectors | None = None,
    ) -> SentenceWeighting:
        """Compute the rows and weights of the words of `wv`.

        Parameters
        ----------
        wv : gensim.models.KeyedVectors
            Any vectors with word counts. They are not changed. Subwords (`Sent2VecKeyedVectors.from_model2vec`) that
            have no counts are counted in the sentences.
        sentences : iterable of sequences of str, or of str
            A list, or a stream of any length, such as the training corpus. It is read once, and a sample of it is kept
            in memory. A str is split by ``wv.tokens`` if there is such a method, otherwise at whitespace.
        output_vectors : numpy.ndarray of float32, shape (n_words, vector_size), optional
            Output vectors of the words (``syn1neg`` of gensim's models); used only with `unit_words`.
        show_progress_bar : bool, optional
            The default is a progress bar on a terminal if the work takes longer than two seconds.
        pretrained : gensim.models.KeyedVectors, optional
            Other vectors, for a pretrained part: those of `Sent2VecKeyedVectors.from_model2vec`, or of whole words,
            such as GloVe's. They are shared, not copied, and saved with the weighting. By default those of a previous
            fit or of `with_pretrained`, if any.

        Returns
        -------
        SentenceWeighting
            self.

        Raises
        ------
        ValueError
            If counts are missing or invalid, shapes do not match, no sentence has a known word, or the vector of a word
            in the sentences is not finite; or if `pretrained_weight` is set, but there are no pretrained vectors. A
            previous fit is kept.
        TypeError
            If `sentences` is a str or a table, or its items are neither strings nor lists of strings; a missing one is
            named by its row.
        """
        source = self._source if pretrained is None else pretrained_rows(pretrained)
        parameters = self._parameters
        if source is not None:
            parameters = replace(parameters, pretrained_weight=parameters.pretrained_share)
            source = replace(source, delimiter=phrase_delimiter(getattr(wv, "phrases", None)))
        self.check_source(source)
        sentences, counts = sentences_and_counts(wv, checked_texts(sentences), parameters.sample_size)
        fitted = fit_weighting(
            parameters,
            wv.vectors,
            vocabulary_of(wv),
            counts,
            sentences,
            getattr(wv, "tokens", str.split),
            output_vectors,
            show_progress_bar,
            source,
        )
        self._parameters, self._source = parameters, source
        self._fitted = replace(fitted, source=sample(wv.vectors).astype(np.float32))
        if remember := getattr(wv, "_fitted_here", None):
            remember(self)
        return self

    def with_pretrained(self, pretrained: KeyedVectors) -> SentenceWeighting:
        """A copy that is not fitted, for which `fit` uses these pretrained vectors, also at the end of training.

        ::

            Sent2Vec(sentences, weighting=SentenceWeighting().with_pretrained(other))

        Parameters
        ----------
        pretrained : gensim.models.KeyedVectors
            As in `fit`.

        Returns
        -------
        SentenceWeighting
        """
        result = self.unfitted()
        result._source = pretrained_rows(pretrained)
        return result

    def unfitted(self) -> SentenceWeighting:
        """A copy that is not fitted, with the same parameters and pretrained vectors."""
        result = SentenceWeighting(**self.parameters)
        result._source = self._source
        return result

    def check_source(self, source: PretrainedRows | None = None) -> None:
        """Raise a ValueError if there should be a pretrained part, but no vectors to fit it with were given."""
        if self.pretrained_weight is not None and source is None and self._source is None:
            raise ValueError(
                f"pretrained: missing, but pretrained_weight is {self.pretrained_weight}; pass pretrained vectors to "
                "fit(wv, sentences, pretrained=other), or before training to SentenceWeighting(...)."
                "with_pretrained(other)"
            )

    def tune(
        self,
        wv: KeyedVectors,
        texts: Iterable[str | Sequence[str]],
        labels: Iterable[str | int],
        hybrid: float = 0.5,
        folds: int = 5,
        pulls: Sequence[float] | None = None,
        seed: int = 1,
        show_progress_bar: bool | None = None,
        csls: float = 0.0,
    ) -> SentenceWeighting:
        """Learn factors of the words' weights from labeled texts, such as questions and their answers.

        The factors maximize the probability of finding a text with the same label among all others, at the score that
        a search uses. Factors of character n-grams are learned with them, for the lexical score: searches and
        evaluations of vectors that have this weighting use them. Before that, `first_half` is multiplied by 0.8, 1.2 or
        1.4 if texts then find those with the same label clearly better, unless sentence vectors are means of rows
        (`linear`, or no lexical part). Cross-validation over labels tells whether all this helps: no text is scored
        with what was learned from a text of its label.

        Parameters
        ----------
        wv : Sent2VecKeyedVectors or gensim.models.KeyedVectors
            The vectors that the weighting was fitted on.
        texts : iterable of str or of sequences of str
            Texts or their tokens. Texts that occur twice are used once; texts with several labels are left out, with a
            warning.
        labels : iterable of str or of int
            One per text: texts with the same label should find each other. Texts whose label no other text has serve
            as texts that should not be found.
        hybrid : float
            Share of the lexical score that searches will use, from 0 to 1.
        folds : int
            Number of parts that the labels are divided into for cross-validation, at least 2.
        pulls : sequence of float, optional
            Strengths of the pull to 1, of which cross-validation chooses one: the sum of the squares of the logarithms
            of all factors, times this, is added to the loss, which is a mean over texts. The default is 8, divided by
            the number of texts whose label another text has: the fewer texts, the less the factors may differ from 1.
        seed : int
            Seed of the folds and of the order of the texts; the same arguments give the same weighting.
        show_progress_bar : bool, optional
            As in `fit`.
        csls : float
            Strength of the correction for hubs that searches will use, 0 or more; see `SentenceIndex`. Cross-validation
            scores with it, and chooses among `pulls` for such searches.

        Returns
        -------
        SentenceWeighting
            A new weighting, with the scores in its attribute `tuning`. If tuning does not help, this object, with a
            warning that gives the scores.

        Raises
        ------
        ValueError
            If the weighting is not fitted or was fitted for other vectors, there are more or fewer labels than texts,
            fewer than two labels have several texts, or an argument is out of range.
        TypeError
            If a text or a label is missing or of another type.

        References
        ----------
        Goldberger et al.: "Neighbourhood Components Analysis", NIPS 2004.
        """
        from ._search.tuning import did_not_help, tune

        self.check_fits(vocabulary_of(wv))
        tuned = tune(
            self._parameters, self._require_fit(), wv, texts, labels, hybrid, folds, pulls, seed, show_progress_bar,
            csls,
        )  # fmt: skip
        if tuned.fitted is None:
            warn(did_not_help(tuned.report))
            return self
        return SentenceWeighting._from_values(tuned.parameters, tuned.fitted)

    @property
    def fitted(self) -> bool:
        """Whether `fit` has been called."""
        return self._fitted is not None

    @property
    def rows(self) -> np.ndarray | None:
        return None if self._fitted is None else self._fitted.rows

    @rows.setter
    def rows(self, rows: np.ndarray | None) -> None:
        self._fitted = replace(self._require_fit(), rows=rows, source=None)

    @property
    def weights(self) -> np.ndarray | None:
        return None if self._fitted is None else self._fitted.weights

    @weights.setter
    def weights(self, weights: np.ndarray) -> None:
        self._fitted = replace(self._require_fit(), weights=weights)

    @property
    def ngram_factors(self) -> NgramFactors | None:
        """Factors of character n-grams in lexical scores; None unless the weighting was tuned."""
        return None if self._fitted is None else self._fitted.ngram_factors

    @property
    def tuning(self) -> dict[str, Any] | None:
        """How `tune` went; None if the weighting was not tuned.

        ``"before"`` and ``"after"`` are P@1, P@3 and P@5 by cross-validation, and ``"folds"`` the same for each fold;
        ``"pulls"`` has the scores of each strength, and ``"pull"`` is the one that was chosen; ``"first_half"`` is the
        new value of this parameter; ``"texts"``, ``"labels"`` and ``"scored"`` are the numbers of texts, of labels, and
        of texts that were scored.
        """
        tuning = None if self._fitted is None else self._fitted.tuning
        return None if tuning is None else dict(tuning)

    @property
    def meaning_dims(self) -> int:
        """How many leading dimensions of a sentence vector are its semantic part."""
        return self._require_fit().semantic_dims

    @property
    def pretrained_dims(self) -> int:
        """How many last dimensions of a sentence vector are its pretrained part; the lexical part is between both."""
        return self._require_fit().pretrained_dims

    @property
    def vector_size(self) -> int | None:
        """Dimensions of a sentence vector; None before `fit`, and if `rows` are the word vectors themselves."""
        return None if self.rows is None else self.rows.shape[1]

    @property
    def pretrained(self) -> PretrainedRows | None:
        """The source of the pretrained part, for `fit` too; None if there is none."""
        return self._source

    @pretrained.setter
    def pretrained(self, source: PretrainedRows | None) -> None:
        self._source = source

    def _require_fit(self) -> FittedWeighting:
        if self._fitted is None:
            raise ValueError("weighting: not fitted; call .fit(wv, sentences), with sentences of the training corpus")
        return self._fitted

    def check_fits(self, vocabulary: Vocabulary) -> None:
        """Raise a ValueError unless the weighting is fitted, for this vocabulary."""
        self._require_fit().check_vocabulary(vocabulary)

    # -------------------------------------------------------------------------------------------------
    # Use

    def pooling(
        self,
        vocabulary: Vocabulary,
        vectors: np.ndarray,
        previous: WeightedPooling | None = None,
        values: np.ndarray | None = None,
    ) -> WeightedPooling:
        """What pools sentences of these words: `previous`, if it is still valid, or a new one.

        `values` are those of the vectors that it was fitted on, see `WeightedPooling`.
        """
        fitted = self._require_fit()
        if previous is not None and previous.matches(vocabulary, vectors, self._parameters, fitted, values):
            return previous
        return WeightedPooling(vocabulary, vectors, self._parameters, fitted, values=values)

    def bake(
        self, vocabulary: Vocabulary, vectors: np.ndarray, extra_words: Iterable[str] = ()
    ) -> tuple[np.ndarray, Vocabulary, SentenceWeighting | None]:
        """Rows whose plain mean is the weighted one up to its length; see `Sent2VecKeyedVectors.bake`.

        Returns
        -------
        rows : numpy.ndarray of float32, shape (n_words, n_dims)
        vocabulary : Vocabulary
            The given one, followed by those of `extra_words` that it does not contain.
        rest : SentenceWeighting or None
            What cannot be included in rows; None if everything is.
        """
        fitted = self._require_fit()
        fitted.check_vocabulary(vocabulary)
        rows, vocabulary = baking.weighted_rows(self._parameters, fitted, vectors, vocabulary, extra_words)
        rest = baking.remaining_weighting(self._parameters, fitted, vocabulary)
        return rows, vocabulary, None if rest is None else SentenceWeighting._from_values(*rest)

    def astype(self, dtype: Any) -> SentenceWeighting:
        """A copy with rows of another precision, float32 or float16; other arrays are shared."""
        fitted = self._require_fit()
        rows = None if fitted.rows is None else fitted.rows.astype(dtype)
        fitted = replace(fitted, rows=rows, source=None)
        if fitted.pretrained is not None:
            fitted = replace(fitted, pretrained=fitted.pretrained.astype(dtype))
        return SentenceWeighting._from_values(self._parameters, fitted)

    def of_words(self, ids: np.ndarray, vocabulary: Vocabulary, rows: np.ndarray | None) -> SentenceWeighting:
        """A copy for a subset of the words: `ids` (int64), which make up `vocabulary` and have these `rows`."""
        fitted = self._fitted
        if fitted is not None:
            fitted = replace(
                fitted, weights=fitted.weights[ids], rows=rows, vocabulary=fingerprint(vocabulary), source=None
            )
        return SentenceWeighting._from_values(self._parameters, fitted)

    @classmethod
    def _from_values(cls, parameters: WeightingParameters, fitted: FittedWeighting | None) -> SentenceWeighting:
        result = cls.__new__(cls)
        result._parameters, result._fitted = parameters, fitted
        result._source = None if fitted is None else fitted.pretrained
        return result

    # -------------------------------------------------------------------------------------------------
    # Files

    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """A fitted weighting as arrays by name, and facts that JSON can store; see `from_arrays`."""
        arrays, facts = self._require_fit().to_arrays()
        parameters = {**self.parameters, "stop_words": sorted(self.stop_words)}
        if self.pretrained_weight is None:  # files without a pretrained part stay as they were before there was one
            del parameters["pretrained_weight"]
        return arrays, {"parameters": parameters, **facts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> SentenceWeighting:
        """The fitted weighting that `to_arrays` was called on; arrays are shared, and may be mapped read-only.

        Raises
        ------
        TypeError, ValueError
            If an array or a fact is missing or invalid, or the arrays do not fit together.
        """
        try:
            result = cls(**facts["parameters"])
            result._fitted = FittedWeighting.from_arrays(arrays, facts, result._parameters)
            result._source = result._fitted.pretrained
        except KeyError as error:
            raise ValueError(f"weighting: {error} is missing from the file") from None
        return result

    def save(self, fname_or_handle: Any, *args: Any, **kwargs: Any) -> None:
        """Save the weighting alone, atomically; the arguments are those of gensim's `SaveLoad.save`."""
        save_atomically(self, SaveLoad.save, fname_or_handle, *args, **kwargs)

    @classmethod
    def load(cls, fname: Any, mmap: str | None = None, trusted: bool = False) -> SentenceWeighting:
        """Load what `save` wrote; the arguments are those of `Sent2Vec.load`."""
        result = load_pickle(cls, fname, mmap, trusted)
        if not isinstance(result, cls):
            raise TypeError(f"{os.fspath(fname)!r} contains a {type(result).__qualname__}, not a {cls.__name__}")
        return result

    def _prepare_to_save(self) -> None:
        if self._fitted is not None:
            if self._source is self._fitted.pretrained:
                self.__dict__.pop("_source", None)
            self._fitted = _SavedFit(self._fitted)

    def _load_specials(self, *args: Any) -> None:
        super()._load_specials(*args)
        if isinstance(self._fitted, _SavedFit):
            self._fitted = self._fitted.restore(self._parameters)
            self._source = self._source or self._fitted.pretrained


class _SavedFit(SaveLoad):
    """A `FittedWeighting` as gensim saves and loads it.

    gensim's `save` stores large arrays in files of their own, which `load` can map. To do so, it deletes attributes and
    sets them again, which a frozen dataclass refuses.
    """

    def __init__(self, fitted: FittedWeighting) -> None:
        arrays, self.facts = fitted.to_arrays()
        for name, array in arrays.items():
            setattr(self, name, array)

    def restore(self, parameters: WeightingParameters) -> FittedWeighting:
        arrays = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return FittedWeighting.from_arrays(arrays, self.facts, parameters)


# -----------------------------------------------------------------------------------------------------
# What a weighting needs of gensim's vectors


def vocabulary_of(wv: KeyedVectors) -> Vocabulary:
    """The words of any gensim vectors."""
    words = wv.key_to_index
    return words if isinstance(words, Vocabulary) else Vocabulary.from_words(wv.index_to_key)


def pretrained_rows(pretrained: KeyedVectors) -> PretrainedRows:
    """The rows of any pretrained vectors, for the pretrained part of sentence vectors."""
    if not isinstance(pretrained, KeyedVectors):
        hint = "; pass its .wv" if hasattr(pretrained, "wv") else "; see Sent2VecKeyedVectors.from_model2vec"
        raise TypeError(f"pretrained: expected vectors, got {type(pretrained).__name__}{hint}")
    if getattr(pretrained, "weighting", None) is not None:
        raise ValueError(
            "pretrained: these vectors have a weighting, which would be ignored; pass pretrained.bake() to apply it, "
            "or set pretrained.weighting to None"
        )
    if not len(pretrained.vectors) or not np.isfinite(pretrained.vectors).all():
        raise ValueError("pretrained: there are no vectors, or some have NaN or infinite values")
    vectors = pretrained.vectors
    if vectors.dtype not in (np.float32, np.float16):
        vectors = vectors.astype(np.float32)
    tokenizer = getattr(pretrained, "tokenizer", None)
    return PretrainedRows(
        vectors, vocabulary_of(pretrained), tokenizer if isinstance(tokenizer, SubwordTokenizer) else None
    )


def phrase_delimiter(phrases: Any) -> str:
    """What joins words into phrases; empty if nothing does, or several things."""
    delimiters = {p.delimiter for p in (phrases if isinstance(phrases, tuple) else (phrases,)) if p is not None}
    return delimiters.pop() if len(delimiters) == 1 else ""


def sentences_and_counts(wv: KeyedVectors, sentences: Any, sample_size: int) -> tuple[Any, np.ndarray]:
    """The sentences to fit a weighting on, and the counts of the words; see `word_counts`.

    Pretrained subwords have no counts: they are counted in a sample of the sentences, which is returned.
    """
    if "count" in wv.expandos or not isinstance(getattr(wv, "tokenizer", None), SubwordTokenizer):
        return sentences, word_counts(wv)
    tokens: Any = getattr(wv, "tokens", str.split)
    lists = [as_tokens(sentence, tokens, "sentences") for sentence in sample_sentences(sentences, sample_size)]
    find = vocabulary_of(wv).table.find
    ids = np.fromiter((i for sentence in lists for i in map(find, sentence) if i >= 0), dtype=np.int64)
    counts = np.bincount(ids, minlength=len(wv.vectors)).astype(np.float64)
    return lists, counts if counts.any() else np.ones_like(counts)


def word_counts(wv: KeyedVectors) -> np.ndarray:
    """How often each word occurs: float64, (n_words,).

    Raises
    ------
    ValueError
        If the counts are missing or invalid.
    """
    remedy = "load the file with fvocab=..., a file of words and counts, or set wv.expandos['count'] to an array"
    counts = wv.expandos.get("count")
    if counts is None or len(counts) < len(wv.vectors):
        raise ValueError(f"wv: the vectors have no word counts; {remedy}")
    counts = np.asarray(counts[: len(wv.vectors)], dtype=np.float64)
    if not np.isfinite(counts).all() or (counts < 0).any() or not counts.any():
        raise ValueError(f"wv: word counts must be finite, not negative, and not all 0; {remedy}")
    # They start at the number of words in the file, which is greater than that of the vectors if words occur twice.
    # Words that were added since have a count of 0, and some words may have been dropped. Counts of texts have ties.
    used = counts[counts > 0]
    if len(used) >= GENSIM_DUMMY_COUNTS and (np.diff(used) == -1).mean() >= GENSIM_DUMMY_STEPS:
        raise ValueError(
            f"wv: the word counts {counts[0]:.0f}, {counts[1]:.0f}, ..., {counts[-1]:.0f} are dummies, which gensim "
            f"sets if a file has no counts; {remedy}"
        )
    return counts
