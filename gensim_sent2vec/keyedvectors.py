"""Word vectors, word n-gram vectors, and the sentence vectors computed from them."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count, islice
from typing import Any, Literal, overload

import numpy as np
from gensim.models import KeyedVectors

from . import _kernel
from ._files import container
from ._files.attributes import check_attribute_name, storable_attributes
from ._files.model2vec import read_static
from ._files.pickles import class_of_pickle, how_to_load_vectors
from ._files.schema import WEIGHTING, WORD_ARRAYS, Part, StoredVectors
from ._pooling.baking import fit_rows_to_sentences
from ._pooling.belonging import KnownFits
from ._pooling.finite import NotFiniteError
from ._pooling.fitted import HOW_TO_REFIT, FittedWeighting
from ._pooling.pooling import MeanPooling, RowBuffer, WeightedPooling
from ._text.corpus import check_sentences
from ._text.coverage import Coverage
from ._text.inputs import as_column, as_text, check_text, checked_texts, checked_words, reject_texts_as_tokens
from ._text.packing import packed
from ._text.tokenization import Tokenization
from ._text.vocabulary import Vocabulary
from ._util.batches import batched, known_length
from ._util.counted import counted
from ._util.hints import with_hints
from ._util.missing import check_exists
from ._util.parameters import check_int, check_optional_int
from ._util.pickling import is_picklable
from ._util.progress import Progress
from ._util.rows import SAMPLED_ROWS, converted, unit_rows
from ._util.subwords import SubwordTokenizer
from ._util.threads import available_cpus, thread_map
from ._wordvectors import WordVectors, taken
from .phrases import freeze_phrases, phrases_from_json, phrases_to_json
from .tokenizers import (
    DEFAULT,
    UnsavedTokenizer,
    describe,
    resolve,
    tokenizer_from_json,
    tokenizer_to_json,
    unsaved_warning,
    warn_if_missing,
)
from .weighting import SentenceWeighting

logger = logging.getLogger(__name__)

Sentence = str | Sequence[str]
Weighting = SentenceWeighting | Literal[False] | None  # None: that of the vectors; False: the plain mean

MANY = 4  # words of the vocabulary per sentence to encode, from which on their vectors are compared one by one
BATCH_SIZE = 1 << 11  # sentences that a thread encodes without the GIL at a time
CACHES = frozenset((
    "_mean_pooling", "_weighted_pooling", "_checked_pooling", "_state", "_norms_of", "row_version", "_fits", "_coverage"
))  # fmt: skip
# Attributes that a user has not set: `to_arrays` stores them under other names, or they are derived.
NOT_USER_ATTRIBUTES = frozenset((
    "vector_size", "word_ngrams", "skip_bigrams", "ngram_hash", "vectors", "vectors_ngrams", "expandos", "weighting",
    "unit_length", "_tokenizer", "_phrases", "index_to_key", "key_to_index", "next_index", "norms", "mapfile_path",
    "_weighting_is_stale", *CACHES,
))  # fmt: skip


@with_hints
class Sent2VecKeyedVectors(WordVectors):
    """The vectors of a `Sent2Vec` model: gensim's `KeyedVectors` of its words, plus the rows of word n-grams.

    All methods of `KeyedVectors` work on the words: ``most_similar``, ``doesnt_match``, ``evaluate_word_pairs``,
    ``save_word2vec_format`` and the others. Once filled, ``key_to_index`` is a read-only mapping and ``index_to_key``
    a read-only sequence, both over arrays (`gensim_sent2vec._text.vocabulary.Vocabulary`).

    Attributes
    ----------
    vectors : numpy.ndarray of float32 (or float16, see `astype`), shape (n_words, vector_size)
        One row per word. To replace one, use ``wv[word] = vector`` rather than ``wv.vectors[i] = vector``. Changes
        within the array are noticed by encoding with a weighting, for the words that are encoded (one value of each is
        compared); by norms and indexes only for the first 4,096 words, or if many rows change.
    vectors_ngrams : numpy.ndarray of the same type, shape (bucket, vector_size)
        The rows to which word n-grams are hashed; no rows in a unigram model.
    vectors_lockf : numpy.ndarray of float32, shape (n_words,) or (1,)
        Lock factors from 0 to 1, by which training multiplies the updates of the vectors of words. One factor stands
        for all words. Vectors that do not belong to a model may lack them.
    word_ngrams : int
        Maximum length of the n-grams that are looked up; with `skip_bigrams`, the maximum distance of a pair plus one.
    skip_bigrams : bool
        Look up pairs of words up to a distance, instead of contiguous n-grams.
    ngram_hash : {"mixed", "epfml"}
        The hash function of n-grams; "epfml" for vectors that the reference program trained.
    tokenizer : str or callable
        Splits texts into tokens; "split" (at whitespace) by default, see `gensim_sent2vec.tokenizers`.
    phrases : gensim FrozenPhrases, a tuple of them, or None
        Joins the tokens of texts into phrases.
    weighting : SentenceWeighting or None
        How words are pooled into a sentence vector, fitted for these words. None: the plain mean of the rows of words
        and n-grams.
    unit_length : bool
        Scale plain means to length 1; False unless `from_model2vec` found this in the configuration.
    """

    _tokenizer: Any = DEFAULT
    unit_length = False
    _phrases: Any = None
    weighting: SentenceWeighting | None = None
    _mean_pooling: MeanPooling | None = None
    _weighted_pooling: WeightedPooling | None = None
    _fits: KnownFits | None = None  # made when a fitted weighting is used first
    _weighting_is_stale = False  # kept in copies and pickles
    _state: object = None  # another one whenever an attribute is set, or the rows of words change
    # A state, and the pooling by a weighting in this state:
    _checked_pooling: tuple[object, Any, Any] = (None, None, None)
    _coverage: Coverage | None = None

    def __init__(
        self, vector_size: int, count: int = 0, dtype: Any = np.float32, mapfile_path: str | None = None
    ) -> None:
        super().__init__(vector_size, count, dtype=dtype, mapfile_path=mapfile_path)
        self.vectors_ngrams = np.zeros((0, vector_size), dtype=np.float32)
        self.word_ngrams = 1
        self.skip_bigrams = False
        self.ngram_hash = "mixed"

    def __setattr__(self, name: str, value: Any) -> None:
        is_new = name == "weighting" and value is not self.weighting
        if is_new and not (value is None or isinstance(value, SentenceWeighting)):
            raise TypeError(f"weighting: expected a SentenceWeighting, or None for the plain mean, got {value!r}")
        super().__setattr__(name, value)
        if is_new:
            self._accept_weighting()
        if name not in CACHES:
            self.__dict__["_state"] = object()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self.__dict__["_state"] = object()

    def __repr__(self) -> str:
        facts = [counted(len(self), "word"), counted(self.vector_size, "dimension")]
        facts.append(f"tokenizer {describe(self.tokenizer)}" + (" with phrases" if self.phrases else ""))
        facts.append("plain means" if self.weighting is None else repr(self.weighting))
        if self.word_ngrams > 1:
            kind = "skip-bigrams" if self.skip_bigrams else "n-grams"
            facts.append(f"{kind} of up to {self.word_ngrams} words in {counted(self.bucket, 'row')}")
        if self.vectors.dtype != np.float32:
            facts.append(str(self.vectors.dtype))
        return f"<{type(self).__name__}: {', '.join(facts)}>"

    @classmethod
    def from_keyed_vectors(cls, keyed_vectors: KeyedVectors) -> Sent2VecKeyedVectors:
        """Make sentence vectors available for any gensim word vectors (Word2Vec, FastText, GloVe …).

        Parameters
        ----------
        keyed_vectors : gensim.models.KeyedVectors
            A float32 matrix is shared, not copied.

        Returns
        -------
        Sent2VecKeyedVectors
            With the same words and their attributes (such as counts), and without n-grams.

        Raises
        ------
        TypeError
            If `keyed_vectors` is of another type, or a key is not a string.
        """
        if not isinstance(keyed_vectors, KeyedVectors):
            raise TypeError(
                f"keyed_vectors: expected gensim KeyedVectors, got {type(keyed_vectors).__name__}; "
                "if it is a model, pass its .wv"
            )
        # gensim allocates a place for each line of a word2vec file, and leaves some unused if words occur twice.
        places = list(keyed_vectors.index_to_key)
        used = [place for place, key in enumerate(places) if key is not None]
        keys = [places[place] for place in used]
        for key in keys:
            if not isinstance(key, str):
                raise TypeError(f"keyed_vectors: expected strings as keys, got {type(key).__name__} {key!r}")
        n = len(keys)
        all_used = n == len(keyed_vectors.vectors)
        vectors = keyed_vectors.vectors if all_used else keyed_vectors.vectors[used]
        result = cls(keyed_vectors.vector_size)
        result.set_words(Vocabulary.from_words(keys))
        result.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        for name, values in keyed_vectors.expandos.items():
            result.expandos[name] = values if all_used and len(values) == n else taken(values, used)
        return result

    @classmethod
    def from_model2vec(cls, path: str | os.PathLike[str], dims: int | None = None) -> Sent2VecKeyedVectors:
        """Read pretrained static vectors: a folder of model2vec, or a file of wordllama. Nothing is downloaded.

        The words are the subwords of the table, and `tokenizer` splits texts into them; it is saved with the vectors.
        `encode` computes what the original package computes, and all other methods work as for other vectors.

        Parameters
        ----------
        path : str or path-like
            A folder with ``model.safetensors``, ``tokenizer.json`` and ``config.json``, also in the layout of
            sentence-transformers; a ``.safetensors`` file of wordllama with its tokenizer next to it or in
            ``../tokenizers``; a folder that contains these; or "wordllama" for the installed package, which has
            vectors of 256 dimensions.
        dims : int, optional
            Keep only the first dimensions, for vectors that were trained for this, such as wordllama's.

        Returns
        -------
        Sent2VecKeyedVectors
            float16 if the table is, without counts and n-grams. If the configuration says ``normalize``, `unit_length`
            is True. Longer texts than its ``max_length`` are cut, as model2vec does.

        Raises
        ------
        OSError
            If a file is missing or cannot be read.
        ValueError
            If a file is damaged, or the files do not match; with the file and the field.
        ImportError
            If the package `tokenizers` is not installed.
        """
        static = read_static(os.fspath(path), check_optional_int("dims", dims, 1))
        result = cls(static.rows.shape[1])
        result.set_words(Vocabulary.from_words(static.tokenizer.names))
        result.vectors = static.rows
        result.vectors_ngrams = np.zeros((0, result.vector_size), dtype=static.rows.dtype)
        result.tokenizer, result.unit_length = static.tokenizer, static.normalize
        return result

    # -------------------------------------------------------------------------------------------------
    # Texts

    @property
    def tokenizer(self) -> Any:
        """What splits texts into tokens: a name or a callable, see `gensim_sent2vec.tokenizers`.

        Raises
        ------
        TypeError, ValueError
            If it is set to something that is not a tokenizer.
        """
        return self._tokenizer

    @tokenizer.setter
    def tokenizer(self, tokenizer: Any) -> None:
        resolve(tokenizer)
        self._tokenizer = tokenizer

    @property
    def phrases(self) -> Any:
        """What joins tokens into phrases: gensim's `FrozenPhrases`, a tuple of them, or None.

        It can be set to any `Phrases`.
        """
        return self._phrases

    @phrases.setter
    def phrases(self, phrases: Any) -> None:
        self._phrases = freeze_phrases(phrases)

    def tokens(self, text: str) -> list[str]:
        """Tokenize a text and join phrases, as `encode` does.

        Parameters
        ----------
        text : str

        Returns
        -------
        list of str
        """
        if not isinstance(text, str):
            raise TypeError(f"text: expected a string, got the {type(text).__name__} {text!r:.40}")
        return Tokenization(self.tokenizer, self.phrases)(text)

    def token_lists(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """Tokenize many texts, as `tokens` does; they are read as they are needed. Kiwi uses threads of its own.

        Parameters
        ----------
        texts : iterable of str

        Returns
        -------
        iterator of list of str

        Raises
        ------
        TypeError
            If `texts` is a single string or a table, or, when they are read, one is missing or not a string.
        """
        return Tokenization(self.tokenizer, self.phrases).stream(checked_texts(texts, "texts"))

    def _for_kernel(self, sentences: Iterable[Sentence], name: str) -> Iterable[Sentence]:
        """Sentences for the kernel: texts are tokenized, unless the kernel can split them itself."""
        if self._phrases is None and (self._tokenizer == DEFAULT or Tokenization(self._tokenizer).is_whitespace_split):
            return sentences
        iterator = iter(sentences)
        first = list(islice(iterator, 1))
        sentences = chain(first, iterator)
        if not first or not isinstance(first[0], str):
            return sentences
        return Tokenization(self.tokenizer, self.phrases).stream(checked_texts(sentences, name))

    # -------------------------------------------------------------------------------------------------
    # Sentences

    def _pooling(self, weighting: Weighting, checked_rows: int | None) -> MeanPooling | WeightedPooling:
        """What pools sentences as `encode` documents; cached until words, matrices or weighting are replaced.

        The pooling can compare the vectors of the words that it pools with those that the weighting was fitted on; this
        method compares those of the first `checked_rows` words, or of all if it is None.
        """
        if weighting is None:
            weighting = self.weighting
        state, (state_then, weighting_then, checked) = self._state, self._checked_pooling
        if checked_rows == 0 and state_then is state and weighting_then is weighting and checked is not None:
            is_same = not weighting or (
                weighting._fitted is checked.fitted and weighting._parameters is checked.parameters
            )
            if is_same and (checked.notices_changes or not self.vectors.flags.writeable):
                return checked
        words = self.freeze()
        pooling: MeanPooling | WeightedPooling
        if weighting is None or weighting is False:
            pooling = self._pooling_of_means(words)
        elif isinstance(weighting, SentenceWeighting):
            values = self._check_weighting(weighting, checked_rows)
            pooling = self._weighted_pooling = weighting.pooling(words, self.vectors, self._weighted_pooling, values)
        else:
            raise TypeError(
                "weighting: expected a SentenceWeighting, None (the weighting of these vectors) or False (the plain "
                f"mean), got {weighting!r}"
            )
        self._checked_pooling = state, weighting, pooling
        return pooling

    def _pooling_of_means(self, words: Vocabulary) -> MeanPooling:
        mode = self.word_ngrams, self.skip_bigrams, self.ngram_hash
        made_from = words, self.vectors, self.vectors_ngrams, mode, self.unit_length
        if self._mean_pooling is None or not self._mean_pooling.matches(*made_from):
            self._mean_pooling = MeanPooling(*made_from)
        return self._mean_pooling

    # A weighting that was fitted on other vectors is refused; see `gensim_sent2vec._pooling.belonging`.

    def _rows_changed(self) -> None:
        super()._rows_changed()
        self.__dict__["_state"] = object()
        if self.weighting is not None and self.weighting.rows is not None:
            self._weighting_is_stale = True

    def _accept_weighting(self) -> None:
        """The weighting belongs to the rows as they are now, unless it is known to belong to others."""
        self.__dict__.pop("_weighting_is_stale", None)
        if self.weighting is not None and self.weighting.rows is not None:
            self._belongs(self.weighting._require_fit())

    def _belongs(self, fitted: FittedWeighting, checked_rows: int | None = None) -> bool:
        if self._fits is None:
            self._fits = KnownFits()
        return self._fits.belongs(fitted, self.vectors, self.row_version, checked_rows)

    def _fitted_here(self, weighting: SentenceWeighting) -> None:
        """Called by `SentenceWeighting.fit`."""
        if weighting is self.weighting:
            self._accept_weighting()
        else:
            self._belongs(weighting._require_fit())

    def _check_weighting(self, weighting: SentenceWeighting, checked_rows: int | None = None) -> np.ndarray | None:
        """Raise a ValueError if a weighting was fitted on other rows, or is not fitted.

        Returns
        -------
        numpy.ndarray or None
            `row_values` of the vectors that it was fitted on, for pooling to compare; None if they cannot change.
        """
        fitted = weighting._require_fit()
        if fitted.rows is None:
            return None
        is_own = weighting is self.weighting
        if not self._belongs(fitted, checked_rows) or (is_own and self._weighting_is_stale):
            fitted.check_vocabulary(self.freeze())
            raise self._stale(weighting)
        return None if self._fits is None else self._fits.values_of(fitted, self.vectors)

    def _stale(self, weighting: Weighting) -> ValueError:
        """The error of a weighting that was fitted on other rows; that of these vectors stays refused from now on."""
        if weighting is None or weighting is self.weighting:
            self._weighting_is_stale = True
        return ValueError(
            "weighting: fitted on other vectors than these, or on these before they changed, so its rows do not match; "
            f"{HOW_TO_REFIT}"
        )

    def _look_at(self, sentences: Sequence[Sentence]) -> None:
        """Warn once if few tokens of sentences are known; see `Coverage.look_at`."""
        if self._coverage is None:
            self._coverage = Coverage()
        if self._coverage.n_to_skip:  # most calls, to which even `find` would add a tenth of the time
            self._coverage.n_to_skip -= 1
        else:
            self._coverage.look_at(sentences, self.freeze().table.find)

    @property
    def sentence_size(self) -> int:
        """Number of dimensions of a sentence vector."""
        return (self.weighting and self.weighting.vector_size) or self.vector_size

    def get_sentence_vector(self, sentence: Sentence, weighting: Weighting = None) -> np.ndarray:
        """Compute the vector of one sentence.

        Parameters
        ----------
        sentence : str or sequence of str
            A text, which `tokenizer` and `phrases` split into tokens; or its tokens, which are used as they are.
        weighting : SentenceWeighting or False, optional
            As in `encode`.

        Returns
        -------
        numpy.ndarray of float32, shape (n_dims,)
            Zeros if there are no known words.

        Raises
        ------
        TypeError
            If `sentence` is neither a text nor a sequence of tokens, or a list of texts.
        ValueError
            As `encode` does.
        """
        return self._vector_of(sentence, weighting, "sentence", "to encode several texts, use encode")[0]

    def _vector_of(
        self, sentence: Sentence, weighting: Weighting, name: str, instead: str = ""
    ) -> tuple[np.ndarray, bool]:
        """The vector of one sentence, and whether it has known words; errors name the argument `name`."""
        if not isinstance(sentence, str):
            if type(sentence) not in (list, tuple):
                check_text(sentence, name)
                sentence = list(sentence)
            if len(as_text(sentence, name).split()) != len(sentence):
                reject_texts_as_tokens(sentence, self.key_to_index, name, instead)
        pooling = self._pooling(weighting, 0)
        (tokenized,) = self._for_kernel((sentence,), name)
        try:
            if isinstance(tokenized, str):
                vector, is_known = pooling.of_text(tokenized)
            else:
                vectors, known = pooling(_kernel.Pack((tokenized,)))
                vector, is_known = vectors[0], bool(known[0])
        except _kernel.ChangedVectorsError:
            raise self._stale(weighting) from None
        except _kernel.NotFiniteVectorError:
            raise NotFiniteError(name, None, sentence, self._not_finite(tokenized, weighting)) from None
        self._look_at((tokenized,))
        return vector, is_known

    def _not_finite(self, sentence: Sentence, weighting: Weighting) -> str:
        """Why the vector of a sentence is not finite."""
        weighting = self.weighting if weighting is None else weighting
        rows = weighting.rows if isinstance(weighting, SentenceWeighting) else None
        for token in sentence.split() if isinstance(sentence, str) else sentence:
            i = self.freeze().get(token, -1)
            if i >= 0 and not all(np.isfinite(r[i]).all() for r in (self.vectors, rows) if r is not None):
                return f"that of the word {token!r} has NaN or infinite values"
        return "a row of its word n-grams or of the weighting has NaN or infinite values"

    def _pool(
        self,
        pooling: MeanPooling | WeightedPooling,
        weighting: Weighting,
        compare: bool,
        name: str,
        first: int,
        batch: list[Sentence],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pool a batch of sentences, of which the first one is row `first` of `name`, and check the result."""
        try:
            return pooling(packed(batch, first, name), compare)
        except _kernel.ChangedVectorsError:
            raise self._stale(weighting) from None
        except _kernel.NotFiniteVectorError as error:
            row: int = error.args[0]
            raise NotFiniteError(name, first + row, batch[row], self._not_finite(batch[row], weighting)) from None

    @overload
    def encode(
        self,
        sentences: Iterable[Sentence],
        weighting: Weighting = None,
        normalize: bool = False,
        workers: int | None = None,
        show_progress_bar: bool | None = None,
        return_known: Literal[False] = False,
        batch_size: int = BATCH_SIZE,
    ) -> np.ndarray: ...
    @overload
    def encode(
        self,
        sentences: Iterable[Sentence],
        weighting: Weighting = None,
        normalize: bool = False,
        workers: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        return_known: Literal[True],
        batch_size: int = BATCH_SIZE,
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def encode(
        self,
        sentences: Iterable[Sentence],
        weighting: Weighting = None,
        normalize: bool = False,
        workers: int | None = None,
        show_progress_bar: bool | None = None,
        return_known: bool = False,
        batch_size: int = BATCH_SIZE,
    ) -> Any:
        """Compute the vectors of many sentences, with several threads that do not hold the GIL.

        Parameters
        ----------
        sentences : iterable of str or of sequences of str, or str
            Either texts, which `tokenizer` and `phrases` split into tokens, or lists of tokens, which are used as they
            are. A stream is read as it is needed. Columns of tables (pandas, polars, pyarrow) and one-dimensional
            arrays are read by position. A single text gives a single vector.
        weighting : SentenceWeighting or False, optional
            How words are pooled. None: by `self.weighting`. False: by the plain mean of the rows of words and n-grams.
        normalize : bool
            Scale each vector to length 1 (a zero vector stays zero).
        workers : int, optional
            Number of threads; by default that of the CPUs available to this process.
        show_progress_bar : bool, optional
            By default a progress bar appears on a terminal if the work takes longer than two seconds.
        return_known : bool
            Also return which sentences have a meaningful vector.
        batch_size : int
            Sentences that a thread encodes at a time.

        Returns
        -------
        vectors : numpy.ndarray of float32, shape (n_sentences, n_dims), or (n_dims,) for a single text
            `n_dims` is `sentence_size`, or that of the given weighting (`SentenceWeighting.vector_size`), or
            `vector_size` for plain means. Zeros for a sentence without anything known.
        known : numpy.ndarray of bool, shape (n_sentences,), or bool
            Only with `return_known`: False for a sentence without anything known, whose vector is meaningless.

        Raises
        ------
        TypeError
            If `sentences` is a table, or its items are neither strings nor lists of strings; with the row.
        ValueError
            If `weighting` is not fitted, or was fitted for other words or vectors; or if the vector of a sentence is
            not finite, with the row and the word.

        Warns
        -----
        UserWarning
            Once, if few tokens of the first sentences are in the vocabulary.
        """
        workers = check_optional_int("workers", workers, 1)
        batch_size = check_int("batch_size", batch_size, 1)
        if isinstance(sentences, str):
            vector, is_known = self._vector_of(sentences, weighting, "sentences")
            vector = unit_rows(vector[None])[0] if normalize else vector
            return (vector, is_known) if return_known else vector
        encoded, known = self._encode_all(sentences, weighting, workers, show_progress_bar, batch_size, "sentences")
        if normalize:
            encoded = unit_rows(encoded)
        return (encoded, known) if return_known else encoded

    def _encode_all(
        self,
        sentences: Iterable[Sentence],
        weighting: Weighting,
        workers: int | None,
        show_progress_bar: bool | None,
        batch_size: int,
        name: str,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What `encode` documents, with vectors as they are; errors name the argument `name`."""
        sentences = as_column(sentences, name)
        workers = available_cpus() if workers is None else workers
        total = known_length(sentences)
        many = total is not None and total > len(self.vectors) // MANY  # comparing all vectors takes 1 % of the time
        pooling = self._pooling(weighting, None if many else SAMPLED_ROWS)
        pool = partial(self._pool, pooling, weighting, not many, name)
        batches = batched(self._for_kernel(sentences, name), batch_size)
        first_batch = next(batches, [])
        if first_batch and type(first_batch[0]) in (list, tuple):
            instead = "pass the texts themselves as a list"
            reject_texts_as_tokens(first_batch[0], self.key_to_index, f"{name}: row 0", instead)
        if len(first_batch) < batch_size and not show_progress_bar:  # there are no others
            encoded = pool(0, first_batch)
            self._look_at(first_batch)
            return encoded
        if total is not None and total <= batch_size:
            workers = 1
        rows, known = RowBuffer(total or 0, pooling.vector_size), [np.zeros(0, dtype=bool)]
        with Progress("encode", total, "sentences", show_progress_bar) as progress:
            numbered = zip(count(0, batch_size), chain([first_batch] if first_batch else [], batches))
            for vectors, has_vector in thread_map(lambda item: pool(*item), numbered, workers):
                rows.add(vectors)
                known.append(has_vector)
                progress.update(rows.n)
        self._look_at(first_batch)
        return rows.result(), np.concatenate(known)

    def bake(
        self,
        extra_words: Iterable[str] = (),
        sentences: Iterable[Sentence] | None = None,
        show_progress_bar: bool | None = None,
    ) -> Sent2VecKeyedVectors:
        """Apply the weighting to the word vectors, so that their plain mean is the sentence vector up to its length.

        Any program that averages word vectors then computes the same cosines as the weighting: gensim's
        ``get_mean_vector(words, pre_normalize=False)``, or a program that reads the file of `save_word2vec_format`.

        Two steps cannot be applied to word vectors: scaling the semantic and the lexical part of each sentence to a
        fixed length (``SentenceWeighting(linear=False)`` with a lexical part), and `first_half`. Without `sentences`,
        the result keeps a weighting that performs just these steps, so that its `encode` gives the same cosines; its
        plain mean (``encode(…, weighting=False)``, or another program) is that of the same weighting with
        ``linear=True`` and ``first_half=1``. With `sentences`, the word vectors are fitted so that the plain mean
        approximates these steps too, and no weighting is kept.

        In 300 dimensions the mean Pearson correlation over 13 English sets of judged sentence pairs is 66.9 weighted,
        and 65.3 baked, fitted on the corpus including its rare words and averaged elsewhere; on the Korean KorSTS it is
        75.3 and 73.6. Most of the difference is due to words that are still unknown.

        Parameters
        ----------
        extra_words : iterable of str
            Out-of-vocabulary words that get a vector from their character n-grams, such as the words of the corpus that
            were too rare, or those of the texts to encode. Other unknown words are ignored in sentences.
        sentences : iterable of str or of sequences of str, optional
            Sentences to fit the vectors on, such as the training corpus. They are read once; a sample of them is kept
            in memory.
        show_progress_bar : bool, optional
            By default a progress bar appears on a terminal if the work takes longer than two seconds.

        Returns
        -------
        Sent2VecKeyedVectors
            float32 vectors of shape (n_words, n_dims), without n-grams.

        Raises
        ------
        ValueError
            If the vectors have no fitted weighting, or none of `sentences` has a known word.
        """
        if self.weighting is None:
            raise ValueError(
                "wv: these vectors have no weighting to bake; set wv.weighting to a fitted SentenceWeighting"
            )
        self._check_weighting(self.weighting)
        extra_words = checked_words(extra_words, "extra_words")
        if sentences is not None:
            sentences = checked_texts(sentences, "sentences")
            check_sentences(sentences, passes=1)
        rows, words, rest = self.weighting.bake(self.freeze(), self.vectors, extra_words)
        if sentences is not None and rest is not None:
            encode = partial(self.encode, normalize=True, show_progress_bar=False)
            rows = fit_rows_to_sentences(rows, words, sentences, self.token_lists, encode, show_progress_bar)
            rest = None
        result = type(self)(rows.shape[1])
        result.set_words(words)
        result.vectors, result.weighting = rows, rest
        result.tokenizer, result.phrases = self.tokenizer, self.phrases
        n_extra = len(words) - len(self)
        result.expandos = {
            name: np.append(values, np.zeros(n_extra, values.dtype)) for name, values in self.expandos.items()
        }
        return result

    def astype(self, dtype: Any) -> Sent2VecKeyedVectors:
        """Convert the vectors to another precision.

        Parameters
        ----------
        dtype : numpy.float32 or numpy.float16
            float16 halves the memory; sums are still computed in float32.

        Returns
        -------
        Sent2VecKeyedVectors
            With new matrices; words and counts are shared.

        Raises
        ------
        ValueError
            If `dtype` is another type, a value is too large for float16, or the weighting was fitted on other vectors.
        """
        if np.dtype(dtype) not in (np.float32, np.float16):
            raise ValueError(f"dtype: expected float32 or float16, got {np.dtype(dtype)}")
        if self.weighting is not None:
            self._check_weighting(self.weighting)
        words = self.index_to_key
        result = copy.copy(self)
        result.expandos = {name: np.array(values) for name, values in self.expandos.items()}
        result.vectors = converted(self.vectors, dtype, lambda i: f"vectors: that of {words[i]!r}")
        result.vectors_ngrams = converted(self.vectors_ngrams, dtype, lambda i: f"vectors_ngrams: row {i:,}")
        if self.weighting is not None:
            if self.weighting.rows is not None:
                converted(self.weighting.rows, dtype, lambda i: f"weighting: the row of {words[i]!r}")
            result.weighting = self.weighting.astype(dtype)
        return result

    def similarity_sentences(self, a: Sentence, b: Sentence, weighting: Weighting = None) -> float:
        """Compute the cosine similarity of two sentences.

        Parameters
        ----------
        a, b : str or sequence of str
            As in `get_sentence_vector`.
        weighting : SentenceWeighting or False, optional
            As in `encode`.

        Returns
        -------
        float
            -1 to 1; 0 if nothing is known of one of them.
        """
        instead = "for the similarities of several texts, use similarity_matrix"
        vectors = [self._vector_of(sentence, weighting, name, instead)[0] for name, sentence in (("a", a), ("b", b))]
        va, vb = unit_rows(np.stack(vectors))
        return min(max(float(va @ vb), -1.0), 1.0)

    def similarity_matrix(
        self, a: Iterable[Sentence], b: Iterable[Sentence] | None = None, weighting: Weighting = None
    ) -> np.ndarray:
        """Compute the cosine similarities of each sentence of `a` with each of `b`.

        Parameters
        ----------
        a, b : iterable of str or of sequences of str
            As in `encode`; without `b`, the sentences of `a` are compared with each other.
        weighting : SentenceWeighting or False, optional
            As in `encode`.

        Returns
        -------
        numpy.ndarray of float32, shape (len(a), len(b))
            -1 to 1; 0 if nothing is known of one of the two sentences.

        Raises
        ------
        TypeError, ValueError
            As `encode` does. A single text must be passed as a list.
        """
        left = unit_rows(self._encode_all(a, weighting, None, False, BATCH_SIZE, "a")[0])
        right = left if b is None else unit_rows(self._encode_all(b, weighting, None, False, BATCH_SIZE, "b")[0])
        return np.clip(left @ right.T, -1, 1)

    def to_embedding_bag(self, trainable: bool = True, sparse: bool = False) -> Any:
        """Convert to a ``torch.nn.EmbeddingBag`` and its lookup; see `gensim_sent2vec.export.to_embedding_bag`."""
        from .export import to_embedding_bag

        return to_embedding_bag(self, trainable, sparse)

    def to_static_embedding(self) -> Any:
        """Convert to a module of sentence-transformers; see `gensim_sent2vec.export.to_static_embedding`."""
        from .export import to_static_embedding

        return to_static_embedding(self)

    def to_model2vec(self) -> Any:
        """Convert to a ``model2vec.StaticModel``; see `gensim_sent2vec.export.to_model2vec`."""
        from .export import to_model2vec

        return to_model2vec(self)

    # -------------------------------------------------------------------------------------------------
    # Files

    def to_arrays(self, ignore: Collection[str] = ()) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything to store, as named arrays and JSON facts; see `from_arrays`.

        Parameters
        ----------
        ignore : collection of str
            Attributes to leave out, of the object and of its words.

        Returns
        -------
        arrays : dict of str to numpy.ndarray
            Matrices are not copied.
        facts : dict

        Raises
        ------
        ValueError
            If an attribute of the words is neither numeric nor JSON.

        Warns
        -----
        UserWarning
            For an attribute of the object that is neither; it is left out.
        """
        words = self.freeze()
        if len(self.vectors) != len(words):
            raise ValueError(f"save: there are {len(words)} words, but {len(self.vectors)} vectors")
        skipped = {*NOT_USER_ATTRIBUTES, *ignore}
        attributes = {name: value for name, value in vars(self).items() if name not in skipped and value is not None}
        weighting = None if WEIGHTING in ignore else self.weighting
        if weighting is not None:
            self._check_weighting(weighting)
        stored = StoredVectors(
            vector_size=self.vector_size,
            word_ngrams=self.word_ngrams,
            skip_bigrams=self.skip_bigrams,
            ngram_hash=self.ngram_hash,
            words={name: getattr(words, name) for name in WORD_ARRAYS},
            vectors=self.vectors,
            vectors_ngrams=self.vectors_ngrams,
            word_attributes={name: np.asarray(values) for name, values in self.expandos.items() if name not in ignore},
            attributes=storable_attributes(attributes),
            parts={} if weighting is None else {WEIGHTING: weighting.to_arrays()},
            tokenizer=tokenizer_to_json(self.tokenizer),
            phrases=None if self.phrases is None else phrases_to_json(self.phrases),
            tokenizer_definition=self.tokenizer.definition if isinstance(self.tokenizer, SubwordTokenizer) else None,
            unit_length=self.unit_length,
        )
        try:
            stored.check_values()
            stored.check_shapes(len(words))
        except ValueError as error:
            raise ValueError(f"save: {error}; no file would be loaded like this") from None
        return stored.to_arrays()

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], verify: bool = False
    ) -> Sent2VecKeyedVectors:
        """Vectors from what `to_arrays` returned.

        Parameters
        ----------
        arrays : mapping of str to numpy.ndarray
            Shared, not copied; they may be memory-mapped read-only.
        facts : mapping
        verify : bool
            Check each word: that it is valid, and found under its id and no other.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError, RecursionError
            If an array or a fact is missing or malformed, or they do not match.
        """
        stored = StoredVectors.from_arrays(arrays, facts)
        words = Vocabulary.from_arrays(**stored.words)
        if verify:
            words.check()
        stored.check_shapes(len(words))
        result = cls(stored.vector_size)
        result.word_ngrams, result.skip_bigrams = stored.word_ngrams, stored.skip_bigrams
        result.ngram_hash = stored.ngram_hash
        result.set_words(words)
        result.vectors, result.vectors_ngrams = stored.vectors, stored.vectors_ngrams
        result.expandos = dict(stored.word_attributes)
        result._tokenizer = tokenizer_from_json(stored.tokenizer, stored.tokenizer_definition)
        if stored.unit_length:
            result.unit_length = True
        if stored.phrases is not None:
            result._phrases = phrases_from_json(stored.phrases)
        for name, value in stored.attributes.items():
            check_attribute_name(name, cls, NOT_USER_ATTRIBUTES)
            setattr(result, name, value)
        result._set_parts(stored.parts)
        return result

    def _set_parts(self, parts: Mapping[str, Part]) -> None:
        for name, part in parts.items():
            if name != WEIGHTING:
                raise ValueError(f"parts: this version of gensim_sent2vec does not know {name!r}; install a newer one")
            self.weighting = SentenceWeighting.from_arrays(*part)
            if self.weighting.pretrained is not None:
                warn_if_missing(self.weighting.pretrained.tokenizer)
            if self.weighting.meaning_dims > self.sentence_size:
                raise ValueError(
                    f"weighting: meaning_dims is {self.weighting.meaning_dims}, but sentence vectors have "
                    f"{self.sentence_size} dimensions"
                )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in CACHES}

    def __copy__(self) -> Sent2VecKeyedVectors:
        """A copy that shares arrays, but no list or dict: words can be added to it, sorted, or given attributes."""
        result = type(self).__new__(type(self))
        result.__dict__.update(self.__getstate__())
        for name in ("index_to_key", "key_to_index", "expandos"):
            value = getattr(self, name)
            if isinstance(value, (list, dict)):
                result.__dict__[name] = value.copy()
        return result

    def save(
        self,
        fname: str | os.PathLike[str],
        separately: Any = None,
        sep_limit: int | None = None,
        ignore: Collection[str] = frozenset(),
        pickle_protocol: int | None = None,
    ) -> None:
        """Save to a single safetensors file, written atomically; see `load`.

        Parameters
        ----------
        fname : str or path-like
            An existing file is replaced; arrays that are mapped from it stay valid.
        ignore : collection of str
            Attributes to leave out.
        separately, sep_limit, pickle_protocol
            Arguments of gensim's `KeyedVectors.save` that have no effect here: each array can be memory-mapped.

        Raises
        ------
        TypeError
            If `fname` is an open file.
        ValueError
            If an attribute of the words is neither numeric nor JSON, or `fname` has the suffix of a compressed file.
        OSError
            If the file cannot be written.

        Warns
        -----
        UserWarning
            For an attribute of the object that is neither numeric nor JSON; it is left out.
        """
        path = container.check_path_to_save(fname)
        container.write(path, *self.to_arrays(ignore))

    def _prepare_to_save(self) -> None:
        # The pickle of an entire model gets a substitute for a tokenizer that cannot be pickled.
        if not is_picklable(self._tokenizer):
            logger.warning("%s", unsaved_warning(self._tokenizer))
            self._tokenizer = UnsavedTokenizer(describe(self._tokenizer))
        if isinstance(self.key_to_index, Vocabulary):  # a copy too, to which both must refer
            self.set_words(self.key_to_index)

    def _load_specials(self, *args: Any, **kwargs: Any) -> None:
        super()._load_specials(*args, **kwargs)
        warn_if_missing(self._tokenizer)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: str | None = None, verify: bool = False) -> Sent2VecKeyedVectors:
        """Load vectors that `save` wrote; nothing in the file is executed.

        Parameters
        ----------
        fname : str or path-like
            The path given to `save`.
        mmap : {None, 'r'}
            'r' maps the file into memory, read-only: loading takes no time, and processes share one copy.
        verify : bool
            Compare all arrays with their checksums, and check each word. This reads the entire file.

        Raises
        ------
        TypeError
            If the file holds a model, or vectors of another class.
        ValueError
            If the file is in another format, or damaged; with the section and the byte.
        OSError
            If it cannot be read.
        MemoryError
            If it does not fit into the memory available to this process, and is not mapped.
        """
        path = os.fspath(fname)
        check_exists(path, "fname", "vectors that Sent2VecKeyedVectors.save wrote")
        try:
            arrays, facts = container.read(path, mmap, verify)
        except ValueError:
            if kind := class_of_pickle(path):
                raise TypeError(f"{path!r} holds a {kind}, not {cls.__name__}{how_to_load_vectors(kind)}") from None
            raise
        try:
            result = cls.from_arrays(arrays, facts, verify)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path!r}: {error if type(error) is ValueError else repr(error)}") from error
        container.advise_random_access(result.vectors_ngrams)
        return result


def check_keyed_vectors(wv: Any) -> None:
    """Raise a TypeError that explains what to pass if `wv` is a model or other vectors."""
    if not isinstance(wv, Sent2VecKeyedVectors):
        hint = "pass its .wv" if hasattr(wv, "wv") else "see Sent2VecKeyedVectors.from_keyed_vectors"
        raise TypeError(f"wv: expected Sent2VecKeyedVectors, got {type(wv).__name__}; {hint}")
