"""Trained vectors made smaller: fewer words, fewer n-gram rows, half precision.

Words: the most frequent ones are kept, under the ids that they had. The row of an n-gram is found by a hash of the ids
of its words, so in vectors with n-grams only the tail of the vocabulary can be cut off; words stand there by falling
count, so that is what is rare.

n-grams: nothing says which n-grams a row is for, but a smaller matrix has a row for each set of old rows that its
n-grams can come from, which are *folded* into one. With B rows before and B' after, the hash "mixed" takes a 64-bit
number m to ⌊mB / 2⁶⁴⌋ and ⌊mB' / 2⁶⁴⌋, so a new row takes the place of neighbours, the first and last of which it may
share with the next ones; "epfml" takes h to h mod B, so where B' divides B, row j is that of j, j + B', j + 2B' …
The folded row is the mean of the old ones, each weighted by how often a sample of sentences looks it up (and by the
share of it that goes there). So n-grams that are used keep their rows nearly as they were, and those that nobody uses
are gone; rows without any use are zeros. Without a sample rows are weighted by their squared length: training makes
those long that it meets often.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _kernel
from ._files import container
from ._files.attributes import STORED_APART, contents
from ._files.container import Stream
from ._text.vocabulary import Vocabulary
from ._util import memory
from ._util.batches import batched
from ._util.parameters import check_optional_int
from ._util.progress import Progress
from .keyedvectors import Sent2VecKeyedVectors, file_name

BLOCK = 1 << 12  # rows that are made at a time
WEIGHTING = "weighting.rows"  # their name in a file


def shrink(
    wv: Sent2VecKeyedVectors,
    min_count: int | None = None,
    max_words: int | None = None,
    bucket: int | None = None,
    dtype: Any = None,
    sentences: Iterable[str | Sequence[str]] | None = None,
    show_progress_bar: bool | None = None,
) -> Sent2VecKeyedVectors:
    """Smaller vectors made of trained ones.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        They are read, not changed, and may be mapped.
    min_count : int, optional
        Drop words that occurred less often.
    max_words : int, optional
        Keep at most so many words, the most frequent ones.
    bucket : int, optional
        Fold the n-gram rows into so many; 0: drop them all. For vectors of the reference program (`ngram_hash` "epfml")
        a divisor of what they have.
    dtype : numpy.float16 or numpy.float32, optional
        Of the new matrices; by default as they are.
    sentences : iterable of str or of sequences of str, optional
        A sample of the texts that the vectors are for, or their training corpus, read once: n-gram rows are kept as
        they are used in it. A str is tokenised as the vectors say.
    show_progress_bar : bool, optional
        By default a bar appears on a terminal when the work takes longer than two seconds.

    Returns
    -------
    Sent2VecKeyedVectors
        With arrays of its own; with the attributes, tokenizer, phrases and weighting of `wv`.

    Raises
    ------
    ValueError
        Where nothing is asked for, or what is asked for is not possible: more rows than there are, words that are not
        at the end of a vocabulary with n-grams, counts that nobody knows, numbers too large for float16.
    MemoryError
        Where the result does not fit; `shrink_to_file` needs next to no memory.
    """
    smaller = _planned(wv, min_count, max_words, bucket, dtype, sentences, show_progress_bar)
    streams = smaller.matrices()
    nbytes = sum(math.prod(stream.shape) * np.dtype(stream.dtype).itemsize for stream in streams.values())
    memory.require(nbytes, "shrink", ["shrink_to_file(wv, path, …)"])
    result = smaller.frame()
    result.vectors, result.vectors_ngrams = (_filled(streams[name]) for name in ("vectors", "vectors_ngrams"))
    if WEIGHTING in streams:
        assert result.weighting is not None
        result.weighting.rows = _filled(streams[WEIGHTING])
    return result


def shrink_to_file(wv: Sent2VecKeyedVectors, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
    """Save what `shrink` would return, block by block: `wv` may be mapped, and larger than the memory.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    path : str or path-like
        As for ``wv.save``. The file that `wv` is mapped from may be replaced.
    *args, **kwargs
        The further arguments of `shrink`.

    Raises
    ------
    ValueError, OSError
        As by `shrink` and ``wv.save``.
    """
    path = file_name(path)
    smaller = _planned(wv, *args, **kwargs)
    arrays, facts = contents(smaller.frame())
    container.write(path, {**arrays, **smaller.matrices()}, facts)


def stored_bytes(wv: Sent2VecKeyedVectors) -> int:
    """What the arrays of some vectors take in a file: words, matrices, attributes, weighting."""
    return sum(array.nbytes for array in contents(wv)[0].values())


# -----------------------------------------------------------------------------------------------------
# What is kept


@dataclass(frozen=True)
class _Smaller:
    """What is to be kept of some vectors; the matrices are made when they are asked for, block by block."""

    wv: Sent2VecKeyedVectors
    kept: np.ndarray  # ids of words, int64, ascending
    bucket: int
    dtype: np.dtype | None  # None: as it is
    uses: np.ndarray | None  # of each n-gram row that there is
    show: bool | None

    def matrices(self) -> dict[str, Stream]:
        """The matrices by their names in the file."""
        wv = self.wv
        rows, ngrams = wv.vectors, wv.vectors_ngrams
        streams = {"vectors": self._stream("words", rows, len(self.kept), lambda block: rows[self.kept[block]])}
        same = self.bucket == len(ngrams) and self.uses is None
        folded = (lambda block: ngrams[block]) if same else self._folded
        streams["vectors_ngrams"] = self._stream("n-grams", ngrams, self.bucket, folded)
        if wv.weighting is not None and wv.weighting.rows is not None:
            read_out = wv.weighting.rows
            streams[WEIGHTING] = self._stream(
                "weighting", read_out, len(self.kept), lambda block: read_out[self.kept[block]]
            )
        return streams

    def frame(self) -> Sent2VecKeyedVectors:
        """All but the matrices, in whose places stand some of their shapes that take no memory."""
        wv = self.wv
        result = Sent2VecKeyedVectors(wv.vector_size)
        result.__dict__.update({name: value for name, value in vars(wv).items() if name not in STORED_APART})
        result.set_words(wv.freeze().take(self.kept))
        result.word_ngrams = wv.word_ngrams if self.bucket else 1
        result.skip_bigrams, result.ngram_hash = wv.skip_bigrams and self.bucket > 0, wv.ngram_hash
        result.tokenizer, result.phrases = wv.tokenizer, wv.phrases
        result.expandos = {name: values[self.kept] for name, values in wv.expandos.items()}
        result.vectors = self._room(len(self.kept), wv.vectors)
        result.vectors_ngrams = self._room(self.bucket, wv.vectors_ngrams)
        if wv.weighting is not None:
            rows = wv.weighting.rows
            room = None if rows is None else self._room(len(self.kept), rows)
            result.weighting = wv.weighting.of_words(self.kept, result.freeze(), room)
        return result

    def _room(self, n: int, rows: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.zeros((), dtype=self.dtype or rows.dtype), (n, rows.shape[1]))

    def _stream(self, what: str, rows: np.ndarray, n: int, made: Callable[[slice], np.ndarray]) -> Stream:
        """`n` rows like `rows`, made block by block."""
        dtype = self.dtype or rows.dtype

        def chunks() -> Iterator[np.ndarray]:
            with Progress(f"shrink: {what}", n, "rows", self.show) as progress:
                for i in range(0, n, BLOCK):
                    yield _converted(made(slice(i, min(i + BLOCK, n))), dtype)
                    progress.update(min(i + BLOCK, n))

        return Stream(dtype, (n, rows.shape[1]), chunks())

    def _folded(self, block: slice) -> np.ndarray:
        """Some of the folded rows, float32."""
        rows, hash_name = self.wv.vectors_ngrams, self.wv.ngram_hash
        new = np.arange(block.start, block.stop)
        sums, totals = np.zeros((len(new), rows.shape[1])), np.zeros(len(new))
        for old, share in _sources(new, len(rows), self.bucket, hash_name):
            part = rows[old].astype(np.float32)
            weights = share * (np.einsum("ij,ij->i", part, part) if self.uses is None else self.uses[old])
            sums += weights[:, None] * part
            totals += weights
        return (sums / np.where(totals > 0, totals, 1)[:, None]).astype(np.float32)


def _planned(
    wv: Sent2VecKeyedVectors,
    min_count: int | None = None,
    max_words: int | None = None,
    bucket: int | None = None,
    dtype: Any = None,
    sentences: Iterable[str | Sequence[str]] | None = None,
    show_progress_bar: bool | None = None,
) -> _Smaller:
    """Check what is asked for, and count the uses of n-grams."""
    if not isinstance(wv, Sent2VecKeyedVectors):
        raise TypeError(
            f"wv: Sent2VecKeyedVectors are expected, got a {type(wv).__name__}; of a model pass its .wv, other vectors "
            "of gensim's through Sent2VecKeyedVectors.from_keyed_vectors"
        )
    if min_count is max_words is bucket is dtype is None:
        raise ValueError("nothing to do: pass at least one of min_count, max_words, bucket, and dtype")
    if dtype is not None:
        dtype = np.dtype(dtype)
        if dtype not in (np.float32, np.float16):
            raise ValueError(f"dtype: float32 or float16 is expected, got {dtype}")
    bucket = _new_bucket(wv, check_optional_int("bucket", bucket, 0))
    kept = _kept(wv, check_optional_int("min_count", min_count, 0), check_optional_int("max_words", max_words, 1))
    if bucket and not np.array_equal(kept, np.arange(len(kept))):
        raise ValueError(
            "the words do not stand by falling count, and n-grams know them by their places: pass a max_words that "
            "cuts off the end, or bucket=0 to drop the n-grams"
        )
    uses = None
    if sentences is not None and bucket:
        uses = _uses(wv, wv.freeze().take(kept), sentences, show_progress_bar)
    return _Smaller(wv, kept, bucket, dtype, uses, show_progress_bar)


def _new_bucket(wv: Sent2VecKeyedVectors, bucket: int | None) -> int:
    old = wv.bucket if wv.word_ngrams > 1 else 0
    if bucket is None or bucket == old:
        return old
    if bucket > old:
        raise ValueError(f"bucket: there are {old} n-gram rows, of which {bucket} cannot be made; pass at most {old}")
    if bucket and wv.ngram_hash == "epfml" and old % bucket:
        divisors = (old // k for k in range(1, old + 1) if old % k == 0 and old // k <= bucket)
        raise ValueError(
            f"bucket: the {old} n-gram rows of the reference program can be folded into a divisor of their number "
            f"only; the next to {bucket} is {next(divisors)}"
        )
    return bucket


def _kept(wv: Sent2VecKeyedVectors, min_count: int | None, max_words: int | None) -> np.ndarray:
    """The ids of the words to keep, ascending."""
    ids = np.arange(len(wv.freeze()))
    counts = wv.expandos.get("count")
    if min_count is not None:
        if counts is None:
            raise ValueError("min_count: these vectors do not know how often their words occurred; pass max_words")
        ids = ids[counts[ids] >= min_count]
    if max_words is not None and len(ids) > max_words:
        falling = ids if counts is None else ids[np.argsort(-counts[ids].astype(np.float64), kind="stable")]
        ids = np.sort(falling[:max_words])
    if min_count is not None and not len(ids):
        raise ValueError(f"min_count: none of {len(wv)} words occurred {min_count} times")
    return ids


# -----------------------------------------------------------------------------------------------------
# n-gram rows


def _uses(
    wv: Sent2VecKeyedVectors, words: Vocabulary, sentences: Iterable[str | Sequence[str]], show: bool | None
) -> np.ndarray:
    """How often `sentences` look up each n-gram row, int64 (bucket,), where only `words` are known."""
    if isinstance(sentences, (str, bytes)):
        raise TypeError("sentences: an iterable of sentences is expected, got one string")
    uses = np.zeros(wv.bucket, dtype=np.int64)
    encoder = _kernel.Encoder(
        words, wv.vectors, wv.vectors_ngrams, word_ngrams=wv.word_ngrams, skip_bigrams=wv.skip_bigrams,
        ngram_hash=wv.ngram_hash,
    )  # fmt: skip
    with Progress("shrink: uses of n-grams", None, "sentences", show) as progress:
        done = 0
        for batch in batched(wv._prepared(sentences)):
            rows = np.frombuffer(encoder.row_ids(_kernel.Pack(batch))[0], dtype=np.int64) - len(wv.vectors)
            np.add.at(uses, rows[rows >= 0], 1)
            done += len(batch)
            progress.update(done)
    if not uses.any():
        raise ValueError(f"sentences: none of {done} has an n-gram of words of these vectors")
    return uses


def _sources(new: np.ndarray, old: int, bucket: int, ngram_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows, of `old`, that become rows `new`, of `bucket`: one for each at a time, and the share of it, 0 to 1."""
    if ngram_hash == "epfml":
        for first in range(0, old, bucket):
            yield new + first, np.ones(len(new))
        return
    # Both numbers of rows divide the same stretch of old x bucket points: an old row takes `bucket`, a new one `old`.
    begin, end = new * old, (new + 1) * old
    for i in range(-(-old // bucket) + 1):
        row = np.minimum(begin // bucket + i, old - 1)
        overlap = np.minimum(end, (row + 1) * bucket) - np.maximum(begin, row * bucket)
        overlap[begin // bucket + i >= old] = 0
        yield row, np.maximum(overlap, 0) / bucket


# -----------------------------------------------------------------------------------------------------
# Blocks


def _converted(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Rows in another precision; a ValueError where a number would become infinite."""
    try:
        with np.errstate(over="raise"):
            return rows.astype(dtype, copy=False)
    except FloatingPointError:
        raise ValueError(f"dtype: there is a number of {np.abs(rows).max():g}, too large for {dtype}") from None


def _filled(stream: Stream) -> np.ndarray:
    array = np.empty(stream.shape, dtype=stream.dtype)
    at = 0
    for block in stream.chunks:
        array[at : at + len(block)] = block
        at += len(block)
    return array
