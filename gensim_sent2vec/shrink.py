"""Make trained vectors smaller: fewer words, fewer n-gram rows, half precision.

Words: the most frequent ones are kept, with their ids. The row of an n-gram is found by a hash of the ids of its words,
so in vectors with n-grams only the last words of the vocabulary can be dropped; as the vocabulary is sorted by
descending count, these are the rarest.

n-grams: there is no record of which n-grams use a row, but each row of a smaller matrix corresponds to a set of old
rows, those from which its n-grams can come. They are *folded* into one row. With B rows before and B' after, the hash
"mixed" maps a 64-bit number m to ⌊mB / 2⁶⁴⌋ and to ⌊mB' / 2⁶⁴⌋: a new row replaces adjacent old ones, and may share the
first and the last of them with its neighbors. The hash "epfml" maps h to h mod B: if B' divides B, row j replaces rows
j, j + B', j + 2B' …

The folded row is the mean of the old ones, each weighted by how often a sample of sentences looks it up (and by the
share of it that goes to the new row). n-grams that are used thus keep their rows almost unchanged, those that are not
used are dropped, and rows without any use are zeros. Without a sample, rows are weighted by their squared length:
training makes the rows long that it updates often.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _kernel
from ._files import container
from ._files.container import Stream
from ._files.schema import VECTORS, VECTORS_NGRAMS, WEIGHTING_ROWS
from ._text.inputs import checked_texts
from ._text.packing import packed
from ._text.vocabulary import Vocabulary
from ._util import memory
from ._util.batches import batched
from ._util.hints import arguments_of, reject_unknown, with_hints
from ._util.parameters import check_optional_int
from ._util.progress import Progress
from .keyedvectors import Sent2VecKeyedVectors, check_keyed_vectors

BLOCK_ROWS = 1 << 12  # computed at a time


@with_hints
def shrink(
    wv: Sent2VecKeyedVectors,
    min_count: int | None = None,
    max_words: int | None = None,
    bucket: int | None = None,
    dtype: Any = None,
    sentences: Iterable[str | Sequence[str]] | None = None,
    show_progress_bar: bool | None = None,
) -> Sent2VecKeyedVectors:
    """Make smaller vectors from trained ones.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        The trained vectors, which may be memory-mapped. They are not changed.
    min_count : int, optional
        Drop words that occurred less often.
    max_words : int, optional
        Keep at most `max_words` words, the most frequent ones.
    bucket : int, optional
        Fold the n-gram rows into `bucket` rows; 0 drops them. For vectors of the reference program (`ngram_hash`
        "epfml"), a divisor of their present number.
    dtype : numpy.float16 or numpy.float32, optional
        The type of the new matrices; by default unchanged.
    sentences : iterable of str or of sequences of str, optional
        A sample of the texts that the vectors are intended for, or the training corpus. It is read once, and determines
        how n-gram rows are weighted. Strings are tokenized by the tokenizer of `wv`.
    show_progress_bar : bool, optional
        By default a progress bar appears on a terminal if the work takes longer than two seconds.

    Returns
    -------
    Sent2VecKeyedVectors
        With new arrays, and the attributes, tokenizer, phrases and weighting of `wv`.

    Raises
    ------
    ValueError
        If nothing would change, or the request is impossible: more rows than there are, dropping words other than the
        last ones from vectors with n-grams, `min_count` without counts, values that are too large for float16.
    MemoryError
        If the result does not fit into memory; `shrink_to_file` needs next to none.
    """
    plan = _plan(wv, min_count, max_words, bucket, dtype, sentences, show_progress_bar)
    matrices = plan.matrices()
    nbytes = sum(math.prod(stream.shape) * np.dtype(stream.dtype).itemsize for stream in matrices.values())
    memory.require(nbytes, "shrink", ["shrink_to_file(wv, path, …)"])
    result = plan.without_matrices()
    result.vectors, result.vectors_ngrams = _to_array(matrices[VECTORS]), _to_array(matrices[VECTORS_NGRAMS])
    if WEIGHTING_ROWS in matrices:
        assert result.weighting is not None
        result.weighting.rows = _to_array(matrices[WEIGHTING_ROWS])
        result._accept_weighting()
    return result


def shrink_to_file(wv: Sent2VecKeyedVectors, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
    """Save what `shrink` would return, block by block: `wv` may be memory-mapped, and larger than memory.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    path : str or path-like
        As for ``wv.save``. It may be the file from which `wv` is mapped.
    *args, **kwargs
        The other arguments of `shrink`.

    Raises
    ------
    ValueError, OSError
        As `shrink` and ``wv.save`` do.
    """
    reject_unknown(kwargs, "shrink_to_file", ("path", *arguments_of(shrink)[1:]))
    path = container.check_path_to_save(path)
    plan = _plan(wv, *args, **kwargs)
    arrays, facts = plan.without_matrices().to_arrays()
    container.write(path, {**arrays, **plan.matrices()}, facts)


@with_hints
def stored_bytes(wv: Sent2VecKeyedVectors) -> int:
    """The size of all arrays of some vectors in a file: words, matrices, attributes, weighting."""
    return sum(array.nbytes for array in wv.to_arrays()[0].values())


# -----------------------------------------------------------------------------------------------------
# What is kept


@dataclass(frozen=True)
class _Plan:
    """What will be kept of some vectors. The matrices are computed when they are read, block by block."""

    wv: Sent2VecKeyedVectors
    kept: np.ndarray  # ids of words, int64, ascending
    bucket: int
    dtype: np.dtype | None  # None: unchanged
    uses: np.ndarray | None  # of each old n-gram row, int64
    show: bool | None

    def matrices(self) -> dict[str, Stream]:
        """The new matrices by their names in the file."""
        wv = self.wv
        rows, ngrams = wv.vectors, wv.vectors_ngrams
        streams = {VECTORS: self._stream("words", rows, len(self.kept), lambda block: rows[self.kept[block]])}
        unchanged = self.bucket == len(ngrams) and self.uses is None
        ngram_rows = (lambda block: ngrams[block]) if unchanged else self._fold
        streams[VECTORS_NGRAMS] = self._stream("n-grams", ngrams, self.bucket, ngram_rows)
        if wv.weighting is not None and wv.weighting.rows is not None:
            weighted = wv.weighting.rows
            streams[WEIGHTING_ROWS] = self._stream(
                "weighting", weighted, len(self.kept), lambda block: weighted[self.kept[block]]
            )
        return streams

    def without_matrices(self) -> Sent2VecKeyedVectors:
        """The new vectors, with matrices of zeros that have the right shapes but take no memory."""
        wv = self.wv
        result = copy.copy(wv)
        result.set_words(wv.freeze().take(self.kept))
        result.expandos = {name: values[self.kept] for name, values in wv.expandos.items()}
        result._take_lock_factors(len(wv), self.kept)
        result.word_ngrams = wv.word_ngrams if self.bucket else 1
        result.skip_bigrams = wv.skip_bigrams and self.bucket > 0
        result.vectors, result.norms = self._zeros(len(self.kept), wv.vectors), None
        result.vectors_ngrams = self._zeros(self.bucket, wv.vectors_ngrams)
        if wv.weighting is not None:
            rows = wv.weighting.rows
            new_rows = None if rows is None else self._zeros(len(self.kept), rows)
            result.weighting = wv.weighting.of_words(self.kept, result.freeze(), new_rows)
        return result

    def _zeros(self, n: int, rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.zeros((), dtype=self.dtype or rows.dtype), (n, rows.shape[1]))

    def _stream(self, what: str, rows: np.ndarray, n: int, compute: Callable[[slice], np.ndarray]) -> Stream:
        """`n` rows of the width of `rows`, computed block by block."""
        dtype = self.dtype or rows.dtype

        def chunks() -> Iterator[np.ndarray]:
            with Progress(f"shrink: {what}", n, "rows", self.show) as progress:
                for i in range(0, n, BLOCK_ROWS):
                    yield _convert(compute(slice(i, min(i + BLOCK_ROWS, n))), dtype)
                    progress.update(min(i + BLOCK_ROWS, n))

        return Stream(dtype, (n, rows.shape[1]), chunks())

    def _fold(self, block: slice) -> np.ndarray:
        """A block of folded rows, float32."""
        rows, hash_name = self.wv.vectors_ngrams, self.wv.ngram_hash
        new = np.arange(block.start, block.stop)
        sums, totals = np.zeros((len(new), rows.shape[1])), np.zeros(len(new))
        for old, share in _old_rows(new, len(rows), self.bucket, hash_name):
            part = rows[old].astype(np.float32)
            weights = share * (np.einsum("ij,ij->i", part, part) if self.uses is None else self.uses[old])
            sums += weights[:, None] * part
            totals += weights
        return (sums / np.where(totals > 0, totals, 1)[:, None]).astype(np.float32)


def _plan(
    wv: Sent2VecKeyedVectors,
    min_count: int | None = None,
    max_words: int | None = None,
    bucket: int | None = None,
    dtype: Any = None,
    sentences: Iterable[str | Sequence[str]] | None = None,
    show_progress_bar: bool | None = None,
) -> _Plan:
    """Check the arguments of `shrink`, and count the uses of n-gram rows."""
    check_keyed_vectors(wv)
    if wv.weighting is not None and wv.weighting.fitted:
        wv._check_weighting(wv.weighting)
    if min_count is max_words is bucket is dtype is None:
        raise ValueError("nothing to do: pass at least one of min_count, max_words, bucket, and dtype")
    if dtype is not None:
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float16):
            raise ValueError(f"dtype: expected float32 or float16, got {dtype}")
    bucket = _new_bucket(wv, check_optional_int("bucket", bucket, 0))
    kept = _kept_words(wv, check_optional_int("min_count", min_count, 0), check_optional_int("max_words", max_words, 1))
    if bucket and not np.array_equal(kept, np.arange(len(kept))):
        raise ValueError(
            "min_count, max_words: the words are not sorted by descending count, and n-grams are looked up by word "
            "ids, so only the last words can be dropped; pass bucket=0 to drop the n-grams"
        )
    uses = None
    if sentences is not None and bucket:
        uses = _count_uses(wv, wv.freeze().take(kept), sentences, show_progress_bar)
    return _Plan(wv, kept, bucket, dtype, uses, show_progress_bar)


def _new_bucket(wv: Sent2VecKeyedVectors, bucket: int | None) -> int:
    old = wv.bucket if wv.word_ngrams > 1 else 0
    if bucket is None or bucket == old:
        return old
    if bucket > old:
        raise ValueError(
            f"bucket: there are {old} n-gram rows, which cannot be folded into {bucket}; pass at most {old}"
        )
    if bucket and wv.ngram_hash == "epfml" and old % bucket:
        divisors = (old // k for k in range(1, old + 1) if old % k == 0 and old // k <= bucket)
        raise ValueError(
            f"bucket: {old} n-gram rows of the reference program can only be folded into a divisor of {old}, got "
            f"{bucket}; the next smaller one is {next(divisors)}"
        )
    return bucket


def _kept_words(wv: Sent2VecKeyedVectors, min_count: int | None, max_words: int | None) -> np.ndarray:
    """The ids of the words to keep, ascending."""
    ids = np.arange(len(wv.freeze()))
    counts = wv.expandos.get("count")
    if min_count is not None:
        if counts is None:
            raise ValueError("min_count: these vectors have no counts of their words; pass max_words")
        ids = ids[counts[ids] >= min_count]
    if max_words is not None and len(ids) > max_words:
        by_count = ids if counts is None else ids[np.argsort(-counts[ids].astype(np.float64), kind="stable")]
        ids = np.sort(by_count[:max_words])
    if min_count is not None and not len(ids):
        raise ValueError(f"min_count: none of {len(wv)} words occurred {min_count} times")
    return ids


# -----------------------------------------------------------------------------------------------------
# n-gram rows


def _count_uses(
    wv: Sent2VecKeyedVectors, words: Vocabulary, sentences: Iterable[str | Sequence[str]], show: bool | None
) -> np.ndarray:
    """How often `sentences` look up each n-gram row if only `words` are known, int64 (bucket,)."""
    uses = np.zeros(wv.bucket, dtype=np.int64)
    encoder = _kernel.Encoder(
        words, wv.vectors, wv.vectors_ngrams, word_ngrams=wv.word_ngrams, skip_bigrams=wv.skip_bigrams,
        ngram_hash=wv.ngram_hash,
    )  # fmt: skip
    n_sentences = 0
    with Progress("shrink: uses of n-grams", None, "sentences", show) as progress:
        for batch in batched(wv._for_kernel(checked_texts(sentences), "sentences")):
            ids, _ = encoder.row_ids(packed(batch, n_sentences, "sentences"))
            rows = np.frombuffer(ids, dtype=np.int64) - len(wv.vectors)
            np.add.at(uses, rows[rows >= 0], 1)
            n_sentences += len(batch)
            progress.update(n_sentences)
    if not uses.any():
        raise ValueError(f"sentences: none of {n_sentences} has an n-gram of known words")
    return uses


def _old_rows(new: np.ndarray, n_old: int, n_new: int, ngram_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The old rows that are folded into the rows `new`.

    Yields
    ------
    rows : numpy.ndarray of int64, shape of `new`
        One old row for each new one.
    shares : numpy.ndarray of float64, shape of `new`
        The share of the old row that goes to the new one, 0 to 1.
    """
    if ngram_hash == "epfml":
        for first in range(0, n_old, n_new):
            yield new + first, np.ones(len(new))
        return
    # Divide n_old * n_new points evenly: an old row covers n_new of them, a new row covers n_old.
    begin, end = new * n_old, (new + 1) * n_old
    for i in range(-(-n_old // n_new) + 1):
        row = np.minimum(begin // n_new + i, n_old - 1)
        overlap = np.minimum(end, (row + 1) * n_new) - np.maximum(begin, row * n_new)
        overlap[begin // n_new + i >= n_old] = 0
        yield row, np.maximum(overlap, 0) / n_new


# -----------------------------------------------------------------------------------------------------
# Blocks of rows


def _convert(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Rows in another precision; a ValueError if a value would become infinite."""
    try:
        with np.errstate(over="raise"):
            return rows.astype(dtype, copy=False)
    except FloatingPointError:
        raise ValueError(f"dtype: a vector contains {np.abs(rows).max():g}, which is too large for {dtype}") from None


def _to_array(stream: Stream) -> np.ndarray:
    array = np.empty(stream.shape, dtype=stream.dtype)
    filled = 0
    for block in stream.chunks:
        array[filled : filled + len(block)] = block
        filled += len(block)
    return array
