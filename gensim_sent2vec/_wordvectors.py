"""gensim's KeyedVectors over a vocabulary stored in arrays."""

from __future__ import annotations

import copy
import logging
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from lzma import LZMAError
from typing import Any

import numpy as np
from gensim.models import KeyedVectors

from ._files import word2vec
from ._text.vocabulary import IndexToKey, Vocabulary
from ._util.counted import counted
from ._util.missing import check_exists
from ._util.parameters import check_float
from ._util.rows import rows_not_finite, sample, sampled_values

logger = logging.getLogger(__name__)


class DamagedFileError(ValueError, EOFError):
    """A word2vec file is damaged. gensim raises an EOFError for some of these files, and a ValueError for others."""


class WordVectors(KeyedVectors):
    """The words of `Sent2VecKeyedVectors`, their vectors and attributes."""

    # A list and a dict while gensim's own code fills them; see `freeze`.
    index_to_key: Any
    key_to_index: Any
    expandos: dict[str, np.ndarray]
    vectors_ngrams: np.ndarray
    vectors_lockf: Any  # set by gensim's models: float32, shape (1,) or (n_words,)

    row_version = 0  # increases whenever the rows of words change
    _norms_of: bytes | None = None  # samples of the rows whose norms `norms` are

    def __setattr__(self, name: str, value: Any) -> None:
        # All of gensim's methods that replace rows, or change them in place with an operator, set an attribute. An
        # attribute that is missing is set by `__init__`, or while gensim loads or saves.
        old = self.__dict__.get(name)
        is_change = name == "norms" and value is None and name in self.__dict__
        is_change |= name == "vectors" and old is not None and not _is_copy(value, old)
        super().__setattr__(name, value)
        if is_change:
            self._rows_changed()

    def _rows_changed(self) -> None:
        """Forget what was computed from the rows of words; to be called after changes that are not assignments."""
        self.__dict__.update(norms=None, row_version=self.row_version + 1)

    def fill_norms(self, force: bool = False) -> None:
        """Compute the lengths of the rows if they are unknown, or the rows changed.

        Rows that are replaced (``wv[word] = vector``, `add_vectors`, ``wv.vectors = rows``, and operators such as
        ``wv.vectors *= 2``) are always noticed. A change within the array (``wv.vectors[i] = vector``) is noticed for
        the first 4,096 words, and for others if many rows change.

        Parameters
        ----------
        force : bool
            Compute them in any case, after changes within the array. If they differ from those computed before, the
            rows count as replaced: a weighting that was fitted on them is refused.

        Raises
        ------
        ValueError
            If a row has NaN or infinite values.
        """
        samples = sampled_values(self.vectors)
        known = self.norms if samples == self._norms_of else None
        if not force and known is not None:
            return
        super().fill_norms(force=True)
        if not np.isfinite(self.norms).all():
            self.__dict__["norms"] = None
            self._check_finite()
            super().fill_norms(force=True)  # too long for the type of the norms, but finite
        if known is not None and not np.allclose(known, self.norms, rtol=1e-5, atol=0):
            norms = self.norms
            self._rows_changed()
            self.__dict__["norms"] = norms
        self._norms_of = samples

    def _check_finite(self) -> None:
        """Raise a ValueError with the first word whose vector has NaN or infinite values."""
        bad = rows_not_finite(self.vectors)
        if len(bad):
            raise ValueError(
                f"vectors: {len(bad):,} of {len(self.vectors):,} words have NaN or infinite values, such as "
                f"{self.index_to_key[int(bad[0])]!r}; replace these vectors (for instance, by zeros)"
            )

    def get_index(self, key: Any, default: Any = None) -> Any:
        """The row of a word; a KeyError for an unknown one, with the spelling that is known, if there is one."""
        try:
            return super().get_index(key, default)
        except KeyError:
            raise KeyError(self._unknown(key)) from None

    def get_mean_vector(self, keys: Any, *args: Any, **kwargs: Any) -> Any:
        """The mean of the vectors of words; the arguments are those of gensim's `KeyedVectors`."""
        try:
            return super().get_mean_vector(keys, *args, **kwargs)
        except KeyError:
            unknown = next((key for key in keys if isinstance(key, str) and key not in self), None)
            if unknown is None:
                raise
            raise KeyError(self._unknown(unknown)) from None

    def _unknown(self, key: Any) -> str:
        spellings = (key.lower(), key.capitalize(), key.strip()) if isinstance(key, str) else ()
        known = next((spelling for spelling in spellings if spelling in self.key_to_index), None)
        hint = "" if known is None else f"; {known!r} is (words are looked up as they are, without the tokenizer)"
        return f"Key {key!r} not present in vocabulary{hint}"

    def set_words(self, vocabulary: Vocabulary) -> None:
        """Set the words; the caller must set rows and attributes that match."""
        self.key_to_index = vocabulary
        self.index_to_key = vocabulary.index_to_key
        self.next_index = len(vocabulary)

    @property
    def bucket(self) -> int:
        """Number of n-gram rows."""
        return len(self.vectors_ngrams)

    def freeze(self) -> Vocabulary:
        """The words as a `Vocabulary`, which replaces the dict and list that gensim's own code fills.

        Raises
        ------
        ValueError
            If words are missing, or only one of the two was replaced by other words.
        """
        words, ids = self.index_to_key, self.key_to_index
        if isinstance(ids, Vocabulary) and isinstance(words, IndexToKey) and words.belongs_to(ids):
            return ids
        if None in words:
            raise ValueError(f"only {words.index(None)} of {len(words)} words have been added")
        if len(words) != len(ids) or not all(ids.get(word) == i for i, word in enumerate(words)):
            raise ValueError(
                "index_to_key and key_to_index: their words differ; if words were replaced, set both: "
                "wv.index_to_key = words; wv.key_to_index = {word: i for i, word in enumerate(words)}"
            )
        self.set_words(ids if isinstance(ids, Vocabulary) else Vocabulary.from_words(words))
        return self.key_to_index

    def _unfreeze(self) -> None:
        """Replace the `Vocabulary` by a dict and list that gensim's own code can modify."""
        if isinstance(self.key_to_index, Vocabulary):
            self.index_to_key = list(self.index_to_key)
            self.key_to_index = {word: i for i, word in enumerate(self.index_to_key)}

    def add_vectors(self, keys: Any, weights: Any, extras: Any = None, replace: bool = False) -> None:
        """Add words, or replace their vectors; the arguments are those of gensim's `KeyedVectors`.

        Attributes of the words, such as counts, are 0 for new words that `extras` does not specify.

        Raises
        ------
        TypeError, ValueError
            If a word is not a string, or occurs twice, or the shape of an array is wrong. Nothing is changed then.
        """
        keys = [keys] if isinstance(keys, (str, int, np.integer)) else list(keys)
        if not keys:
            return
        weights = np.asarray(weights)
        rows = weights.reshape(1, -1) if weights.ndim == 1 and len(keys) == 1 else weights
        extras = {name: np.asarray(values) for name, values in (extras or {}).items()}
        _check_added(keys, rows, extras, self.vector_size)
        new = np.array([key not in self.key_to_index for key in keys], dtype=bool)
        self._unfreeze()
        n_rows = len(self.vectors)
        super().add_vectors(keys, rows, replace=replace)
        self._extend_lock_factors(n_rows)
        self.expandos = {name: np.asarray(values) for name, values in self.expandos.items()}
        self.allocate_vecattrs()
        self.allocate_vecattrs(extras.keys(), [values.dtype for values in extras.values()])
        set_rows = np.ones(len(keys), dtype=bool) if replace else new
        ids = [self.key_to_index[key] for key, is_set in zip(keys, set_rows) if is_set]
        for name, values in extras.items():
            self.expandos[name][ids] = values[set_rows]
        if ids:
            self._rows_changed()  # gensim replaces rows in place

    def add_vector(self, key: Any, vector: Any) -> int:
        """Add one word; the arguments are those of gensim's `KeyedVectors`."""
        _check_added([key], np.asarray(vector)[None], {}, self.vector_size)
        if key in self.key_to_index:
            raise ValueError(f"key: {key!r} is a word already; to replace its vector, use wv[{key!r}] = vector")
        self._unfreeze()
        n_rows = len(self.vectors)
        result = super().add_vector(key, vector)
        self._extend_lock_factors(n_rows)
        self._rows_changed()
        return result

    def __setitem__(self, keys: Any, weights: Any) -> None:
        self.add_vectors(keys, weights, replace=True)

    def sort_by_descending_frequency(self) -> None:
        """Sort the words by their counts, as gensim does.

        Raises
        ------
        ValueError
            If there are no counts, or the order would change and there are n-gram rows, which are found by the ids of
            words.
        """
        if len(self) and "count" not in self.expandos:
            raise ValueError("count: the words have no counts to sort them by; set wv.expandos['count'] to an array")
        counts = np.asarray(self.expandos.get("count", ()), dtype=np.int64)
        places = np.arange(len(counts))
        if self.bucket and len(self.vectors) and not np.array_equal(np.lexsort((-places, -counts)), places):
            raise ValueError(
                "vectors: words with n-grams cannot be sorted, because n-gram rows are found by the ids of words; sort "
                "the vocabulary before training (sorted_vocab=1), or drop the n-grams (wv.word_ngrams = 1; "
                "wv.vectors_ngrams = wv.vectors_ngrams[:0])"
            )
        ids, n_rows = self.key_to_index, len(self.vectors)
        super().sort_by_descending_frequency()
        if len(self):
            self.freeze()
            self._take_lock_factors(n_rows, [ids[word] for word in self.index_to_key])

    # -------------------------------------------------------------------------------------------------
    # Lock factors

    def _lock_factors(self) -> np.ndarray:
        """The factors of the updates that training makes to the vectors of words: ``vectors_lockf``, checked.

        Returns
        -------
        numpy.ndarray of float32, shape (n_words,)
            A copy: 0 (the vector is locked) to 1 (it is trained as usual). Without ``vectors_lockf``, ones.

        Raises
        ------
        ValueError
            If ``vectors_lockf`` has another shape than (1,), which stands for all words, and (n_words,), or a factor is
            not from 0 to 1.
        """
        n_words = len(self.index_to_key)
        try:
            factors = np.asarray(getattr(self, "vectors_lockf", (1,)), dtype=np.float32)
        except (TypeError, ValueError):
            raise ValueError(f"wv.vectors_lockf: expected floats, got {self.vectors_lockf!r:.40}") from None
        if factors.shape not in ((1,), (n_words,)):
            raise ValueError(
                f"wv.vectors_lockf: expected a factor per word, shape ({n_words},), or one for all, shape (1,), got "
                f"shape {factors.shape}"
            )
        bad = np.flatnonzero(~((factors >= 0) & (factors <= 1)))
        if len(bad):
            of_word = f" for the word {self.index_to_key[int(bad[0])]!r}" if len(factors) == n_words else ""
            raise ValueError(f"wv.vectors_lockf: factors must be from 0 to 1, got {factors[bad[0]]}{of_word}")
        return np.array(np.broadcast_to(factors, n_words))

    def _extend_lock_factors(self, n_rows: int) -> None:
        """Words that were added to the first `n_rows` are not locked, unless one factor stands for all words."""
        factors = getattr(self, "vectors_lockf", 0)
        n_new = len(self.vectors) - n_rows
        if n_new and np.shape(factors) == (n_rows,) != (1,):
            self.vectors_lockf = np.concatenate([factors, np.ones(n_new, dtype=np.float32)])

    def _take_lock_factors(self, n_rows: int, ids: Any) -> None:
        """Keep the factors of the words `ids` of `n_rows` words, in this order."""
        factors = getattr(self, "vectors_lockf", 0)
        if np.shape(factors) == (n_rows,) != (1,):
            self.vectors_lockf = np.asarray(factors)[ids]

    def resize_vectors(self, seed: int = 0) -> None:
        """Add random vectors for words that have none, as gensim does."""
        n_rows = len(self.vectors)
        super().resize_vectors(seed)
        self._extend_lock_factors(n_rows)

    # -------------------------------------------------------------------------------------------------
    # The word2vec format

    def save_word2vec_format(self, fname: Any, fvocab: Any = None, *args: Any, **kwargs: Any) -> None:
        """Save the vectors of the words as a word2vec file, atomically; loading it gives equal vectors.

        The arguments are those of gensim's `KeyedVectors`. Half precision is written as float32. What the format
        cannot store is left out, with a warning in the log: n-gram rows; words that are empty or contain ASCII
        whitespace, a control character or a lone surrogate (and with `fvocab` any other whitespace).

        Parameters
        ----------
        fname : str or path-like
            Compressed if it ends in ``.gz`` or ``.bz2``.
        fvocab : str, optional
            Another file to write: the words and their counts.
        binary : bool
            Write the binary format instead of text.
        """
        if self.bucket:
            logger.warning("%s: the word2vec format stores words only; %s n-gram rows are left out", fname, self.bucket)
        saved: Any = self
        unsupported = word2vec.unsupported_words(self.freeze(), counts_file=fvocab is not None)
        if len(unsupported):
            examples = ", ".join(repr(self.index_to_key[i]) for i in unsupported[:3].tolist())
            logger.warning(
                "%s: %s words, such as %s, cannot be stored in a word2vec file and are left out",
                fname, len(unsupported), examples,
            )  # fmt: skip
            saved = self._without(unsupported)
        if saved.vectors.dtype != np.float32:
            saved = copy.copy(saved)
            saved.vectors = saved.vectors.astype(np.float32)
        if fvocab is not None and "count" in saved.expandos:
            saved = copy.copy(saved)
            saved.expandos["count"] = _whole_counts(saved.expandos["count"], fvocab)
        append = kwargs.get("append", args[4] if len(args) > 4 else False)
        with word2vec.unfinished(fname, append) as new, word2vec.unfinished(fvocab, append) as new_counts:
            super(WordVectors, saved).save_word2vec_format(new, new_counts, *args, **kwargs)

    def _without(self, ids: np.ndarray) -> WordVectors:
        """The words, vectors and attributes except those of `ids`."""
        kept = np.delete(np.arange(len(self)), ids)
        result = type(self)(self.vector_size)
        result.set_words(self.freeze().take(kept))
        result.vectors = self.vectors[kept]
        result.expandos = {name: values[kept] for name, values in self.expandos.items()}
        return result

    def intersect_word2vec_format(
        self,
        fname: Any,
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
    ) -> None:
        """Take over the vectors that a word2vec file has for words of the vocabulary, for instance to train them on.

        The other words keep their vectors, and words that are only in the file are ignored. The file is read word by
        word, so it may be larger than memory. After an error, nothing is changed.

        Parameters
        ----------
        fname : str or path-like
        lockf : float, default=0.0
            What ``vectors_lockf`` becomes for the words that were found: training multiplies the updates of their
            vectors by it. 0: it does not change them; 1: it trains them as usual.
        binary : bool
            Whether the file is binary.
        encoding, unicode_errors : str
            How to decode the words, see `bytes.decode`.

        Raises
        ------
        TypeError, ValueError
            If `lockf` is not a number from 0 to 1, the vectors in the file have other dimensions, or those of the model
            are read-only.
        DamagedFileError, OSError
            With the name of the file, if it is damaged, in another format, or cannot be read.
        """
        lockf = check_float("lockf", lockf, least=0, most=1)
        check_exists(fname, "fname", "a word2vec file")
        fname = os.fspath(fname)
        if not self.vectors.flags.writeable:
            raise ValueError("vectors: read-only (memory-mapped); load the model without mmap to change its vectors")
        factors = self._lock_factors()
        found: dict[int, np.ndarray] = {}
        with _errors_of_file(fname, binary):
            _, dim = word2vec.check_header(fname, binary)
            entries = word2vec.read_entries(fname, binary, encoding, unicode_errors) if dim == self.vector_size else ()
            for word, row in entries:
                if word in self.key_to_index:
                    with np.errstate(over="ignore"):
                        converted = row.astype(self.vectors.dtype)
                    if not np.isfinite(converted).all():
                        raise ValueError(f"the vector of {word!r} has NaN, infinite or too large values")
                    found[self.key_to_index[word]] = converted
        if dim != self.vector_size:
            raise ValueError(f"fname: {fname!r} has vectors of {dim} dimensions, expected {self.vector_size}")
        if found:
            for i, row in found.items():
                self.vectors[i] = row
            factors[list(found)] = lockf
            self.vectors_lockf = factors
            self._rows_changed()
        self.add_lifecycle_event(
            "intersect_word2vec_format",
            msg=f"{len(found)} of {len(self)} words have vectors from {fname}, with lock factor {lockf}",
        )

    @classmethod
    def load_word2vec_format(
        cls,
        fname: Any,
        fvocab: Any = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: Any = np.float32,
        no_header: bool = False,
    ) -> WordVectors:
        """Load a word2vec file, text or binary; the arguments are those of gensim's `KeyedVectors`.

        Raises
        ------
        DamagedFileError, OSError
            With the name of the file, if it is damaged, in another format, or cannot be read.
        MemoryError
            If the vectors do not fit into the memory available to this process.
        """
        check_exists(fname, "fname", "a word2vec file")
        check_exists(fvocab, "fvocab", "the counts that save_word2vec_format(…, fvocab=…) wrote")
        fname = os.fspath(fname)
        with _errors_of_file(fname, binary):
            if not no_header:
                word2vec.require_memory(fname, *word2vec.check_header(fname, binary, limit))
            try:
                result = super().load_word2vec_format(
                    fname, fvocab, binary, encoding, unicode_errors, limit, datatype, no_header
                )
            except TypeError as error:  # gensim stores a missing count as None
                if fvocab is None or "attribute count" not in str(error):
                    raise
                raise _missing_count(fname, fvocab, "a word that gensim's log names") from error
        n = result.next_index  # less than the rows that gensim allocated, if words occur twice
        result.index_to_key, result.vectors = result.index_to_key[:n], result.vectors[:n]
        result.allocate_vecattrs()
        result.freeze()
        counts = result.expandos.get("count", np.zeros(n))
        if counts.dtype == object:
            raise _missing_count(fname, fvocab, repr(result.index_to_key[counts.tolist().index(None)]))
        return result


def _missing_count(fname: str, fvocab: Any, word: str) -> DamagedFileError:
    return DamagedFileError(
        f"fvocab: {fvocab!r} has no count for {word}, which is in {fname!r}; complete it, or load without fvocab"
    )


@contextmanager
def _errors_of_file(fname: str, binary: bool) -> Iterator[None]:
    """Errors of a word2vec file that is being read, with its name."""
    try:
        yield
    except (ValueError, EOFError, AssertionError, IndexError, zlib.error, LZMAError) as error:
        kind = "binary" if binary else "text"
        reason = error or "no vectors"
        raise DamagedFileError(f"{fname!r} is damaged, or not a word2vec {kind} file: {reason}") from error
    except OSError as error:
        if error.filename is None:  # raised by a decompressor
            raise OSError(f"{fname!r}: {error}") from error
        raise


def _whole_counts(counts: Any, fvocab: Any) -> np.ndarray:
    """Counts as integers, which is what a file of counts holds; a ValueError if they are not."""
    counts = np.asarray(counts)
    if counts.dtype.kind not in "iu":
        values = counts
        with np.errstate(invalid="ignore"):
            counts = values.astype(np.int64)
        if not np.array_equal(counts, values):
            raise ValueError(f"fvocab: {fvocab!r} can hold integers only, and wv.expandos['count'] has other values")
    return counts


def _is_copy(new: Any, old: Any) -> bool:
    """Whether another array has equal values, as a copy or a memory-mapped array has."""
    if new is old or not (isinstance(new, np.ndarray) and isinstance(old, np.ndarray)):
        return False
    same_kind = new.shape == old.shape and new.dtype == old.dtype
    return same_kind and np.array_equal(sample(new), sample(old)) and np.array_equal(new, old)


def _check_added(keys: list[Any], rows: np.ndarray, extras: dict[str, np.ndarray], vector_size: int) -> None:
    """Check words, vectors and attributes before they are added."""
    for key in keys:
        if not isinstance(key, str):
            raise TypeError(f"keys: expected words, got the {type(key).__name__} {key!r:.40}")
    if len(set(keys)) < len(keys):
        twice = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise ValueError(f"keys: the word {twice!r} occurs twice")
    if rows.shape != (len(keys), vector_size):
        raise ValueError(
            f"weights: expected vectors of shape {(len(keys), vector_size)} for {counted(len(keys), 'word')}, got "
            f"shape {rows.shape}"
        )
    for name, values in extras.items():
        if len(values) != len(keys):
            raise ValueError(f"extras: {name!r} has {counted(len(values), 'value')} for {counted(len(keys), 'word')}")


def taken(values: Any, places: Sequence[int]) -> np.ndarray:
    """The values of an attribute at some places; 0 where gensim has added words without extending the attribute."""
    values = np.asarray(values)
    longer = np.zeros((max([len(values), *(place + 1 for place in places)]), *values.shape[1:]), dtype=values.dtype)
    longer[: len(values)] = values
    return longer[list(places)]
