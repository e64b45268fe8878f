"""What `build_vocab` does: words are counted and chosen, matrices laid out and started."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from gensim.models import Word2Vec

from .. import _kernel
from .._text.corpus import check_corpus_file, check_sentences
from .._text.counting import WordCounts, count_file, count_words
from .._text.packed import PackedStrings
from .._text.vocabulary import Vocabulary
from .._util import memory
from .._util.threads import slices_of, threads_over
from ..keyedvectors import Sent2VecKeyedVectors
from ..weighting import SentenceWeighting
from .word_selection import as_uint32, count_for, kept_words, no_word_left, target_probability

logger = logging.getLogger(__name__)


class Preparation(Word2Vec):
    """The part of `Sent2Vec` that comes before training: gensim's hooks for the vocabulary and the weights."""

    # What gensim's constructor sets.
    wv: Sent2VecKeyedVectors
    alpha: float
    min_alpha: float
    epochs: int
    min_count: int
    sample: float
    negative: int
    ns_exponent: float
    workers: int
    seed: int
    batch_words: int
    vector_size: int
    max_vocab_size: int | None
    max_final_vocab: int | None
    compute_loss: bool
    running_training_loss: float
    corpus_count: int
    corpus_total_words: int
    train_count: int
    raw_vocab: Mapping[str, int] | None

    # What ours sets.
    weighting: SentenceWeighting | None = None  # not fitted: the parameters of the next one
    word_ngrams: int
    skip_bigrams: bool
    bucket: int
    placeholder: np.ndarray
    show_progress_bar: bool | None

    def _empty_vectors(self, vector_size: int, tokenizer: Any, phrases: Any) -> Sent2VecKeyedVectors:
        wv = Sent2VecKeyedVectors(vector_size)
        wv.word_ngrams, wv.skip_bigrams = self.word_ngrams, self.skip_bigrams
        wv.tokenizer, wv.phrases = tokenizer, phrases
        return wv

    # -------------------------------------------------------------------------------------------------
    # Vocabulary

    def _check_corpus_sanity(self, corpus_iterable: Any = None, corpus_file: Any = None, passes: int = 1) -> None:
        if (corpus_iterable is None) == (corpus_file is None):
            raise TypeError("sentences and corpus_file: pass one of the two")
        if corpus_file is not None:
            check_corpus_file(corpus_file)
        else:
            check_sentences(corpus_iterable, passes)

    def build_vocab(self, *args: Any, **kwargs: Any) -> None:
        """Build the vocabulary from a corpus; the arguments are those of gensim's `Word2Vec.build_vocab`.

        Parameters
        ----------
        corpus_iterable : iterable of list of str, optional
            Token lists.
        corpus_file : str or path-like, optional
            Or a text file, one sentence a line.
        update : bool
            Add the words to those there are, and keep what is trained.
        progress_per, keep_raw_vocab, trim_rule
            As in gensim.

        Raises
        ------
        TypeError, OSError, ValueError
            Where the corpus is none, cannot be read, or leaves no word; the model is as it was before.
        """
        with self._counts_kept_on_error():
            super().build_vocab(*args, **kwargs)

    @contextmanager
    def _counts_kept_on_error(self) -> Iterator[None]:
        kept = self.corpus_count, self.corpus_total_words, self.raw_vocab
        try:
            yield
        except BaseException:
            self.corpus_count, self.corpus_total_words, self.raw_vocab = kept
            raise

    def scan_vocab(
        self,
        corpus_iterable: Iterable[Sequence[str]] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        progress_per: int = 10000,
        workers: int | None = None,
        trim_rule: Callable[[str, int, int], int] | None = None,
    ) -> tuple[int, int]:
        """Count the words of a corpus into ``raw_vocab``.

        Returns
        -------
        (int, int)
            Tokens and sentences.

        Raises
        ------
        ValueError
            Where there is no token, or the file is not UTF-8.
        """
        with self.as_tokens(corpus_iterable, corpus_file) as (sentences, file):
            if file is not None:
                counted = count_file(file, self.max_vocab_size, workers or self.workers, self.show_progress_bar)
            else:
                counted = count_words(sentences, self.max_vocab_size, self.show_progress_bar)
        counts, n_sentences, n_tokens = counted
        if not n_tokens:
            source = f"corpus_file {os.fspath(corpus_file)!r}" if corpus_file is not None else "sentences"
            raise ValueError(f"{source}: the corpus is empty ({n_sentences} sentences without a token)")
        self.raw_vocab = counts
        logger.info("%s distinct words in %s tokens, %s sentences", len(counts), n_tokens, n_sentences)
        return n_tokens, n_sentences

    def prepare_vocab(
        self,
        update: bool = False,
        keep_raw_vocab: bool = False,
        trim_rule: Callable[[str, int, int], int] | None = None,
        min_count: int | None = None,
        sample: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, int]:
        """Choose the words to keep from ``raw_vocab``, most frequent first; see gensim's `Word2Vec.prepare_vocab`.

        Raises
        ------
        ValueError
            Where no word is kept.
        """
        min_count = self.min_count if min_count is None else min_count
        sample = self.sample if sample is None else sample
        if self.raw_vocab is None:
            raise ValueError(
                "prepare_vocab: the raw counts are gone; call build_vocab, with keep_raw_vocab=True to keep them"
            )
        raw = WordCounts.from_mapping(self.raw_vocab)
        effective = max(min_count, count_for(raw.counts, self.max_final_vocab))
        kept = raw.take(kept_words(raw, effective, trim_rule))
        if not len(kept) and not update:
            options = f"min_count={min_count}" + (" and trim_rule" if trim_rule is not None else "")
            raise ValueError(no_word_left(raw, options, effective, self.max_final_vocab, self.max_vocab_size))

        retain_total = int(kept.counts.sum())
        probability = target_probability(kept.counts, sample, retain_total)
        report = {
            "drop_unique": len(raw) - len(kept),
            "retain_total": retain_total,
            "downsample_unique": int((probability < 1).sum()),
            "downsample_total": int((probability * kept.counts).sum()),
            "num_retained_words": len(kept),
        }
        logger.info("min_count=%s keeps %s of %s distinct words", effective, len(kept), len(raw))
        if dry_run:
            return report

        self.min_count, self.sample, self.effective_min_count = min_count, sample, effective
        self._update_words(raw, kept, probability) if update else self._set_words(kept, probability)
        if not keep_raw_vocab:
            self.raw_vocab = None
        self.add_lifecycle_event(
            "prepare_vocab", msg=f"effective_min_count={effective} keeps {len(kept)} of {len(raw)} words", update=update
        )
        return report

    def _set_words(self, kept: WordCounts, probability: np.ndarray) -> None:
        self.wv.set_words(kept.vocabulary)
        self.wv.expandos = {"count": np.array(kept.counts), "sample_int": as_uint32(probability)}

    def _update_words(self, raw: WordCounts, kept: WordCounts, probability: np.ndarray) -> None:
        """Add the counts of known words, and append the unknown ones: a word's id is part of its n-grams' hashes."""
        old: Vocabulary = self.wv.key_to_index
        if not isinstance(old, Vocabulary) or not len(self.wv.vectors):
            raise ValueError("update=True: there is no vocabulary to update; call build_vocab without it first")
        ids = np.fromiter((old.get(word, -1) for word in kept), dtype=np.int64, count=len(kept))
        new = np.flatnonzero(ids < 0)
        ids[new] = len(old) + np.arange(len(new))
        vocabulary = Vocabulary(PackedStrings.concatenate([old.words, kept.words.take(new)]))

        def grown(name: str, fill: int) -> np.ndarray:
            values = self.wv.expandos[name]
            return np.concatenate([values, np.full(len(new), fill, dtype=values.dtype)])

        count, sample_int = grown("count", 0), grown("sample_int", 2**32 - 1)
        known = np.fromiter((vocabulary.get(word, -1) for word in raw), dtype=np.int64, count=len(raw))
        count[known[known >= 0]] += raw.counts[known >= 0]  # below min_count in this corpus as well
        sample_int[ids] = as_uint32(probability)
        self.wv.set_words(vocabulary)
        self.wv.expandos = {"count": count, "sample_int": sample_int}

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[str, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: Callable[[str, int, int], int] | None = None,
        update: bool = False,
    ) -> None:
        """Build the vocabulary from words and their counts; see gensim's `Word2Vec.build_vocab_from_freq`.

        Raises
        ------
        ValueError
            Where a key is not a string or a count not a whole number.
        """
        counts = WordCounts.from_mapping(word_freq)
        with self._counts_kept_on_error():
            super().build_vocab_from_freq(counts, keep_raw_vocab, corpus_count, trim_rule, update)
        self.corpus_total_words = int(counts.counts.sum())

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Bytes that the model takes.

        Returns
        -------
        dict of (str, int)
            'vocab', 'vectors', 'vectors_ngrams', 'syn1neg', 'weighting' where there is to be one, and their 'total'.
        """
        n = vocab_size or len(self.wv)
        row = 4 * self.vector_size
        report = dict(report or {})
        report["vocab"] = n * (10 + 8 + 4 * 8 + 8 + 4)  # a word of ten bytes, its offset, slots, count, sample_int
        report["vectors"] = n * row
        report["vectors_ngrams"] = self._gram_rows() * row
        report["syn1neg"] = n * row
        if self.weighting is not None:
            report["weighting"] = n * (row + 4 * self.weighting.lexical_dims + 4)
        report["total"] = sum(report.values())
        logger.info("%s words of %s dimensions take %s bytes", n, self.vector_size, report["total"])
        return report

    def make_cum_table(self, domain: int = 2**31 - 1) -> None:
        """Nothing: the table of negative draws is made when training starts, and not kept."""
        self.cum_table = None

    # -------------------------------------------------------------------------------------------------
    # Weights

    def _gram_rows(self) -> int:
        return self.bucket if self.word_ngrams > 1 else 0

    def init_weights(self) -> None:
        """Reset the weights: input rows uniform in ±1/vector_size, output rows zero."""
        n, dim = len(self.wv), self.vector_size
        self._require_memory(2 * n + 1 + self._gram_rows())
        self.wv.vectors = self._start_rows("words", n)
        self.wv.vectors_ngrams = self._start_rows("ngrams", self._gram_rows())
        self.placeholder = self._start_rows("placeholder", 1)[0]
        self.syn1neg = np.zeros((n, dim), dtype=np.float32)
        self.wv.norms = None
        self._drop_weighting()

    def update_weights(self) -> None:
        """Keep all weights, and start those of words that have been added to the vocabulary."""
        old = len(self.wv.vectors)
        self._require_memory(len(self.wv) + 2 * (len(self.wv) - old))  # a matrix at a time is copied
        self.wv.vectors = np.concatenate([self.wv.vectors, self._start_rows("words", len(self.wv) - old, first=old)])
        zeros = np.zeros((len(self.wv) - old, self.vector_size), dtype=np.float32)
        self.syn1neg = np.concatenate([self.syn1neg, zeros])
        self.wv.norms = None
        self._drop_weighting()

    def _require_memory(self, rows: int) -> None:
        grams = self._gram_rows()
        ways_out = [f"a larger min_count (now {self.min_count}) or a max_final_vocab", "a smaller vector_size"]
        memory.require(
            4 * rows * self.vector_size,
            f"training {len(self.wv)} words"
            + (f" and {grams} n-gram rows" if grams else "")
            + f" of {self.vector_size} dimensions",
            [f"a smaller bucket (now {grams})", *ways_out] if grams > len(self.wv) else ways_out,
        )

    def _start_rows(self, which: str, n: int, first: int = 0) -> np.ndarray:
        rows = np.empty((n, self.vector_size), dtype=np.float32)
        stream = self._stream(("words", "ngrams", "placeholder").index(which))
        parts = iter(slices_of(n, max(1, -(-n // self.workers))))

        def fill(_: int, part: slice) -> None:
            _kernel.fill_uniform(rows[part], stream, 1 / self.vector_size, (first + part.start) * self.vector_size)

        with threads_over([parts] * self.workers, fill):
            pass
        return rows

    def _stream(self, *numbers: int) -> int:
        """The seed of one stream of random numbers."""
        return int(np.random.SeedSequence([self.seed, *numbers]).generate_state(1, np.uint64)[0])

    def reset_from(self, other_model: Preparation) -> None:
        """Share the vocabulary of another model, and reset the weights."""
        self.wv = self._empty_vectors(self.vector_size, self.wv.tokenizer, self.wv.phrases)
        self.wv.set_words(other_model.wv.freeze())
        self.wv.expandos = other_model.wv.expandos
        self.corpus_count, self.corpus_total_words = other_model.corpus_count, other_model.corpus_total_words
        self.init_weights()

    def _drop_weighting(self) -> None:
        """Forget the fitted weighting, which is of vectors as they were; its parameters are those of the next one."""
        if self.wv.weighting is not None:
            self.weighting = unfitted(self.wv.weighting)
            self.wv.weighting = None


def unfitted(weighting: SentenceWeighting | bool | None) -> SentenceWeighting | None:
    """A weighting like the one given or meant, not fitted."""
    if isinstance(weighting, SentenceWeighting):
        return SentenceWeighting(**weighting.parameters)
    if weighting is not None and not isinstance(weighting, bool):
        raise TypeError(f"weighting: a SentenceWeighting, True or False is expected, got {weighting!r}")
    return SentenceWeighting() if weighting else None
