"""Word vectors, word n-gram vectors, and the sentence vectors made of them."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Sequence, Sized
from functools import partial
from itertools import chain
from typing import Any, Literal, overload

import numpy as np
from gensim.models import KeyedVectors

from . import _kernel
from ._files import container
from ._files.attributes import MADE_AGAIN, contents, restore
from ._files.pickles import class_of_pickle
from ._pooling.baking import fit_rows_to_sentences
from ._pooling.pooling import MeanPooling, RowBuffer, WeightedPooling
from ._text.corpus import check_sentences
from ._text.tokenization import Tokenization
from ._text.vocabulary import Vocabulary
from ._util.batches import batched
from ._util.compression import COMPRESSED_SUFFIXES
from ._util.pickling import is_picklable
from ._util.progress import Progress
from ._util.rows import unit_rows
from ._util.threads import available_cpus, thread_map
from ._wordvectors import WordVectors
from .phrases import freeze_phrases
from .tokenizers import DEFAULT, UnsavedTokenizer, describe, resolve, unsaved_warning, warn_if_missing
from .weighting import SentenceWeighting

logger = logging.getLogger(__name__)

Sentence = str | Sequence[str]
Weighting = SentenceWeighting | Literal[False] | None  # None: as the vectors say; False: the plain mean

ENCODE_BATCH = 1 << 11  # sentences that a thread encodes between two looks at the interpreter


class Sent2VecKeyedVectors(WordVectors):
    """The vectors of a `Sent2Vec` model: gensim's `KeyedVectors` of its words, and the rows of word n-grams.

    All that `KeyedVectors` does with words works here: ``most_similar``, ``doesnt_match``, ``evaluate_word_pairs``,
    ``save_word2vec_format`` and the rest. Once filled, ``key_to_index`` is a read-only mapping and ``index_to_key``
    a read-only sequence over arrays (`gensim_sent2vec._text.vocabulary.Vocabulary`).

    Attributes
    ----------
    vectors : numpy.ndarray of float32 (or float16, see `astype`), shape (n_words, vector_size)
        One row a word.
    vectors_ngrams : numpy.ndarray of the same type, shape (bucket, vector_size)
        The rows that word n-grams are hashed to; no rows for a unigram model.
    word_ngrams : int
        Longest n-gram that is looked up; with `skip_bigrams`, one more than the greatest distance of a pair.
    skip_bigrams : bool
        Pairs of words up to a distance instead of contiguous n-grams.
    ngram_hash : str
        "mixed", or "epfml" for vectors that the reference program trained.
    tokenizer : str or callable
        Splits texts into tokens, "split" (at whitespace) by default; see `gensim_sent2vec.tokenizers`.
    phrases : gensim FrozenPhrases, a tuple of them, or None
        Joins the tokens of texts.
    weighting : SentenceWeighting or None
        How sentences are read out, fitted for these words; None: the plain mean of the rows of words and n-grams.
    """

    _tokenizer: Any = DEFAULT
    _phrases: Any = None
    weighting: SentenceWeighting | None = None
    _plain: MeanPooling | None = None
    _weighted: WeightedPooling | None = None

    def __init__(
        self, vector_size: int, count: int = 0, dtype: Any = np.float32, mapfile_path: str | None = None
    ) -> None:
        super().__init__(vector_size, count, dtype=dtype, mapfile_path=mapfile_path)
        self.vectors_ngrams = np.zeros((0, vector_size), dtype=np.float32)
        self.word_ngrams = 1
        self.skip_bigrams = False
        self.ngram_hash = "mixed"

    @classmethod
    def from_keyed_vectors(cls, keyed_vectors: KeyedVectors) -> Sent2VecKeyedVectors:
        """Sentence vectors from any gensim word vectors (Word2Vec, FastText, GloVe …).

        Parameters
        ----------
        keyed_vectors : gensim.models.KeyedVectors
            Its matrix is shared, not copied, where it is float32.

        Returns
        -------
        Sent2VecKeyedVectors
            With the same words and their further attributes (counts, where there are any), and no n-grams.

        Raises
        ------
        TypeError
            Where it is something else, or a key is not a string.
        """
        if not isinstance(keyed_vectors, KeyedVectors):
            raise TypeError(
                f"keyed_vectors: gensim KeyedVectors are expected, got a {type(keyed_vectors).__name__}; "
                "of a model pass its .wv"
            )
        for key in keyed_vectors.index_to_key:
            if not isinstance(key, str):
                raise TypeError(f"keyed_vectors: keys must be strings, got the {type(key).__name__} {key!r}")
        result = cls(keyed_vectors.vector_size)
        result.set_words(Vocabulary.from_words(keyed_vectors.index_to_key))
        result.vectors = np.ascontiguousarray(keyed_vectors.vectors, dtype=np.float32)
        result.expandos = dict(keyed_vectors.expandos)
        return result

    # -------------------------------------------------------------------------------------------------
    # Texts

    @property
    def tokenizer(self) -> Any:
        """What splits texts into tokens: a name or a callable, see `gensim_sent2vec.tokenizers`.

        Raises
        ------
        TypeError, ValueError
            Where what it is set to is no tokenizer.
        """
        return self._tokenizer

    @tokenizer.setter
    def tokenizer(self, tokenizer: Any) -> None:
        resolve(tokenizer)
        self._tokenizer = tokenizer

    @property
    def phrases(self) -> Any:
        """What joins tokens of texts: gensim's `FrozenPhrases`, a tuple of them, or None; set it to any `Phrases`."""
        return self._phrases

    @phrases.setter
    def phrases(self, phrases: Any) -> None:
        self._phrases = freeze_phrases(phrases)

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text (str), phrases joined: what `encode` makes of it, a list of str."""
        return Tokenization(self.tokenizer, self.phrases)(text)

    def token_lists(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """`tokens` of many texts, which are read as they are needed: an iterator; Kiwi uses threads of its own."""
        return Tokenization(self.tokenizer, self.phrases).stream(texts)

    def _prepared(self, sentences: Iterable[Sentence]) -> Iterable[Sentence]:
        """Sentences as the kernel takes them: texts as they are where it splits them itself, else their tokens."""
        if self._phrases is None and (self._tokenizer == DEFAULT or Tokenization(self._tokenizer).is_whitespace_split):
            return sentences
        iterator = iter(sentences)
        first = next(iterator, None)
        sentences = chain([] if first is None else [first], iterator)
        return self.token_lists(sentences) if isinstance(first, str) else sentences  # type: ignore[arg-type]

    # -------------------------------------------------------------------------------------------------
    # Sentences

    def _pooling_for(self, weighting: Weighting) -> MeanPooling | WeightedPooling:
        if weighting is None:
            weighting = self.weighting
        words = self.freeze()
        if weighting is None or weighting is False:
            mode = self.word_ngrams, self.skip_bigrams, self.ngram_hash
            if self._plain is None or not self._plain.matches(words, self.vectors, self.vectors_ngrams, mode):
                self._plain = MeanPooling(words, self.vectors, self.vectors_ngrams, mode)
            return self._plain
        if not isinstance(weighting, SentenceWeighting):
            raise TypeError(
                f"weighting: a SentenceWeighting, None (as the vectors say) or False (the plain mean) is expected, "
                f"got {weighting!r}"
            )
        self._weighted = weighting.pooling(words, self.vectors, self._weighted)
        return self._weighted

    @property
    def sentence_size(self) -> int:
        """Numbers of a sentence's vector."""
        return (self.weighting and self.weighting.vector_size) or self.vector_size

    def get_sentence_vector(self, sentence: Sentence, weighting: Weighting = None) -> np.ndarray:
        """The vector of one sentence.

        Parameters
        ----------
        sentence : str or sequence of str
            A text, which `tokenizer` and `phrases` take apart, or its tokens, which stay as they are.
        weighting : SentenceWeighting or False, optional
            As in `encode`.

        Returns
        -------
        numpy.ndarray of float32, shape (n_numbers,)
            Zeros where no word is known.

        Raises
        ------
        TypeError
            Where `sentence` is neither.
        """
        return self._pooling_for(weighting)(_kernel.Pack(tuple(self._prepared((sentence,)))))[0][0]

    @overload
    def encode(
        self,
        sentences: Iterable[Sentence],
        weighting: Weighting = None,
        normalize: bool = False,
        workers: int | None = None,
        show_progress_bar: bool | None = None,
        return_known: Literal[False] = False,
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
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def encode(
        self,
        sentences: Iterable[Sentence],
        weighting: Weighting = None,
        normalize: bool = False,
        workers: int | None = None,
        show_progress_bar: bool | None = None,
        return_known: bool = False,
    ) -> Any:
        """The vectors of many sentences.

        Threads work without the GIL; sentences from a stream are read as they are needed.

        Parameters
        ----------
        sentences : iterable of str or of sequences of str
            All texts, which `tokenizer` and `phrases` take apart, or all lists of tokens, which stay as they are.
        weighting : SentenceWeighting or False, optional
            How words are joined; None: as `self.weighting` says; False: the plain mean of the rows of words and
            n-grams.
        normalize : bool
            Scale each vector to length 1 (a zero vector stays zero).
        workers : int, optional
            Threads; all CPUs of the process by default.
        show_progress_bar : bool, optional
            By default a bar appears on a terminal when the work takes longer than two seconds.
        return_known : bool
            Return also which sentences have a vector.

        Returns
        -------
        vectors : numpy.ndarray of float32, shape (n_sentences, n_numbers)
            `vector_size` numbers each, or those of the weighting (`SentenceWeighting.vector_size`). Zeros where
            nothing of a sentence is known.
        known : numpy.ndarray of bool, shape (n_sentences,)
            With `return_known` only: False where nothing of a sentence is known, so that its vector says nothing.

        Raises
        ------
        TypeError
            Where `sentences` is one string, or its items are neither strings nor lists of strings.
        ValueError
            Where `weighting` is not fitted, or fitted for other words.
        """
        if isinstance(sentences, (str, bytes)):
            raise TypeError("sentences: a list of sentences is expected; for one sentence there is get_sentence_vector")
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        readout = self._pooling_for(weighting)
        total = len(sentences) if isinstance(sentences, Sized) else None
        if total is not None and total <= ENCODE_BATCH:
            workers = 1  # one batch is one thread's work
        rows, known = RowBuffer(total or 0, readout.vector_size), [np.zeros(0, dtype=bool)]

        def encode_batch(batch: list[Sentence]) -> tuple[np.ndarray, np.ndarray]:
            return readout(_kernel.Pack(batch))

        with Progress("encode", total, "sentences", show_progress_bar) as progress:
            for vectors, has_vector in thread_map(
                encode_batch, batched(self._prepared(sentences), ENCODE_BATCH), workers or available_cpus()
            ):
                rows.add(vectors)
                known.append(has_vector)
                progress.update(rows.n)
        encoded = rows.result()
        if normalize:
            encoded = unit_rows(encoded)
        return (encoded, np.concatenate(known)) if return_known else encoded

    def bake(
        self,
        extra_words: Iterable[str] = (),
        sentences: Iterable[Sentence] | None = None,
        show_progress_bar: bool | None = None,
    ) -> Sent2VecKeyedVectors:
        """Word vectors for programs that average them; see `gensim_sent2vec._pooling.baking`."""
        if self.weighting is None:
            raise ValueError(
                "wv: these vectors have no weighting to bake; set wv.weighting to a fitted SentenceWeighting"
            )
        if sentences is not None:
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
        """The same vectors in another precision.

        Parameters
        ----------
        dtype : numpy.float32 or numpy.float16
            float16 halves the memory; sentences are still summed up in float32.

        Returns
        -------
        Sent2VecKeyedVectors
            With matrices of its own; words and counts are shared.
        """
        if np.dtype(dtype) not in (np.float32, np.float16):
            raise ValueError(f"dtype: float32 or float16 is expected, got {np.dtype(dtype)}")
        result = copy.copy(self)
        result.vectors, result.vectors_ngrams = self.vectors.astype(dtype), self.vectors_ngrams.astype(dtype)
        if self.weighting is not None:
            result.weighting = self.weighting.astype(dtype)
        result.norms = result._plain = result._weighted = None
        return result

    def similarity_sentences(self, a: Sentence, b: Sentence, weighting: Weighting = None) -> float:
        """The cosine of two sentences' vectors.

        Parameters
        ----------
        a, b : str or sequence of str
            As in `get_sentence_vector`.
        weighting : SentenceWeighting or False, optional
            As in `encode`.

        Returns
        -------
        float
            -1 to 1; 0 where nothing of one of them is known.
        """
        va, vb = unit_rows(np.stack([self.get_sentence_vector(s, weighting) for s in (a, b)]))
        return float(va @ vb)

    def to_embedding_bag(self, trainable: bool = True, sparse: bool = False) -> Any:
        """A ``torch.nn.EmbeddingBag`` of these rows and its lookup; see `gensim_sent2vec.export.to_embedding_bag`."""
        from .export import to_embedding_bag

        return to_embedding_bag(self, trainable, sparse)

    def to_static_embedding(self) -> Any:
        """A module of sentence-transformers; see `gensim_sent2vec.export.to_static_embedding`."""
        from .export import to_static_embedding

        return to_static_embedding(self)

    def to_model2vec(self) -> Any:
        """A ``model2vec.StaticModel``; see `gensim_sent2vec.export.to_model2vec`."""
        from .export import to_model2vec

        return to_model2vec(self)

    # -------------------------------------------------------------------------------------------------
    # Files

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in MADE_AGAIN}

    def save(
        self,
        fname: str | os.PathLike[str],
        separately: Any = None,
        sep_limit: int | None = None,
        ignore: Collection[str] = frozenset(),
        pickle_protocol: int | None = None,
    ) -> None:
        """Save all in one file, a safetensors file, which is in its place when it is complete; see `load`.

        Parameters
        ----------
        fname : str or path-like
            A file there is replaced; arrays that are mapped from it stay as they are.
        ignore : collection of str
            Attributes to leave out.
        separately, sep_limit, pickle_protocol
            Arguments of gensim's `KeyedVectors.save`, without a meaning here: each array can be mapped as it is.

        Raises
        ------
        TypeError
            Where `fname` is an open file.
        ValueError
            For an attribute of the words that is neither numbers nor JSON, or the name of a compressed file.
        OSError
            Where the file cannot be written.

        Warns
        -----
        UserWarning
            For an attribute of the object itself that is neither.
        """
        container.write(file_name(fname), *contents(self, ignore))

    def _save_specials(self, *args: Any) -> list[Any]:
        # gensim's way to change what a whole model's pickle holds: a tokenizer that cannot be pickled stays behind.
        tokenizer = self._tokenizer
        if not is_picklable(tokenizer):
            logger.warning("%s", unsaved_warning(tokenizer))
            self._tokenizer = UnsavedTokenizer(describe(tokenizer))
        try:
            restores = super()._save_specials(*args)
        except BaseException:
            self._tokenizer = tokenizer
            raise
        return [*restores, (self, {"_tokenizer": tokenizer})]

    def _load_specials(self, *args: Any, **kwargs: Any) -> None:
        super()._load_specials(*args, **kwargs)
        warn_if_missing(self._tokenizer)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: str | None = None, verify: bool = False) -> Sent2VecKeyedVectors:
        """Load vectors that `save` wrote; nothing in the file is run.

        Parameters
        ----------
        fname : str or path-like
            The path given to `save`.
        mmap : {None, 'r'}
            'r' maps the file read-only: loading takes no time and processes share one copy.
        verify : bool
            Compare all with its checksums, and look at each word. The file is read as a whole.

        Raises
        ------
        TypeError
            Where the file holds a model or the vectors of another class.
        ValueError
            Where it is another kind of file, or damaged: with the section and the byte.
        OSError
            Where it cannot be read.
        MemoryError
            Where it does not fit the memory that this process may take, and is not to be mapped.
        """
        try:
            arrays, facts = container.read(fname, mmap, verify)
        except ValueError:
            if kind := class_of_pickle(fname):
                raise TypeError(f"{os.fspath(fname)!r} holds a {kind}, not {cls.__name__}{_way_out(kind)}") from None
            raise
        result = cls(1)
        try:
            restore(result, arrays, facts, verify)
            container.advise_random_access(result.vectors_ngrams)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{os.fspath(fname)!r}: {error if type(error) is ValueError else repr(error)}") from error
        return result


def _way_out(kind: str) -> str:
    """How to get at the vectors in a pickle."""
    package, _, name = kind.rpartition(".")
    if not package.startswith("gensim"):
        return ""
    if name.endswith("KeyedVectors"):
        return f"; Sent2VecKeyedVectors.from_keyed_vectors({name}.load(…)) takes them"
    return f"; its vectors are {name}.load(…).wv"


def file_name(path: Any) -> str:
    """The name of a file that vectors can be saved as, or a TypeError or ValueError."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"fname: a path is expected, got a {type(path).__name__}; the file is written beside and renamed"
        )
    if os.fspath(path).endswith(COMPRESSED_SUFFIXES):
        raise ValueError(f"fname: {os.fspath(path)!r} would not be compressed, as it is to be mapped; name it .s2v")
    return os.fspath(path)


def check_keyed_vectors(wv: Any) -> None:
    """Raise a TypeError that says what to pass in place of a model or of other vectors."""
    if not isinstance(wv, Sent2VecKeyedVectors):
        way = "pass its .wv" if hasattr(wv, "wv") else "see Sent2VecKeyedVectors.from_keyed_vectors"
        raise TypeError(f"wv: Sent2VecKeyedVectors are expected, got a {type(wv).__name__}; {way}")
