"""Sent2Vec, a gensim `Word2Vec` whose context is the whole line. The only file that touches gensim's private hooks."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
from gensim.models import Word2Vec

from . import _kernel, memory
from .corpus import Sample, check_corpus_file, check_sentences, spread_lines
from .keyedvectors import Sent2VecKeyedVectors
from .parameters import optional_whole, real, refuse, whole
from .pickled import SEPARATE, save_beside, unpickled
from .progress import Progress
from .selection import as_uint32, count_for, kept_words, no_word_left, target_probability
from .tokenizers import DEFAULT
from .tokenizing import Tokenization, as_tokens
from .training import Training
from .vocab import Vocabulary, WordCounts, count_file, count_words
from .weighting import SentenceWeighting
from .workers import Workers, available_cpus

logger = logging.getLogger(__name__)

DEFAULT_RUN = 16  # shared_negatives=True


class Sent2Vec(Word2Vec):
    """Train, save and load Sent2Vec sentence embeddings.

    A word is predicted from the mean of the rows of the whole line it stands in: its words, with a placeholder
    in the word's own place, and its word n-grams [1]_. A sentence's vector is the weighted mean of its words' rows,
    joined with their spelling (`SentenceWeighting`), or the plain mean of its rows as in [1]_.

    Parameters
    ----------
    sentences : iterable of list of str, optional
        Token lists; an iterable that can be read `epochs` + 1 times. Where neither `sentences` nor `corpus_file`
        is given, call `build_vocab` and `train` yourself.
    corpus_file : str or path-like, optional
        A UTF-8 text file, one tokenised sentence a line; the fastest way, in constant memory.
    vector_size : int
        Dimensions of the vectors.
    alpha, min_alpha : float
        The learning rate, which falls linearly from the one to the other with the tokens seen.
    epochs : int
        Passes over the corpus.
    min_count : int
        Words that occur less often are ignored.
    max_vocab_size : int, optional
        While counting, forget the rarest words whenever there are more distinct ones than this (for bounded memory).
    max_final_vocab : int, optional
        Keep at most so many words, by raising `min_count`.
    trim_rule : callable, optional
        ``rule(word, count, min_count)`` -> ``gensim.utils.RULE_KEEP``, ``RULE_DISCARD`` or ``RULE_DEFAULT``.
    word_ngrams : int
        Longest word n-gram with a row of its own; 1: words only.
    dropout_k : int
        For each target, no n-gram starts at or runs over this many random positions of the line.
    bucket : int
        Number of rows that n-grams are hashed to; none are held where `word_ngrams` is 1.
    skip_bigrams : bool
        Instead of contiguous n-grams, pairs of words up to the distance `word_ngrams` - 1, which reach past
        dropped words.
    negative : int
        Negative draws a target.
    ns_exponent : float
        Negatives are drawn in proportion to count ** `ns_exponent`.
    sample : float
        Threshold of word2vec's subsampling: frequent words are skipped as *targets*, never as context. 0: none.
    shared_negatives : int or bool
        So many targets in succession share their negative draws, which is faster, as the rows stay in the
        cache, and no worse. True: 16. False or 1: each target draws its own, as in the reference program.
    weighting : bool or SentenceWeighting
        How sentences are to be read out: `train` ends with fitting ``wv.weighting`` on a sample of the corpus, as
        `SentenceWeighting` is by default (True) or with the parameters of the one given. False or None: the plain
        mean.
    workers : int, optional
        Threads; by default all CPUs of the process. With one thread the same seed gives the same bytes.
    seed : int
        For the start and all draws.
    callbacks : iterable of gensim.models.callbacks.CallbackAny2Vec
        ``on_train_begin/end`` and ``on_epoch_begin/end`` are called.
    compute_loss : bool
        Sum up the loss, see `get_latest_training_loss`.
    batch_words : int
        Tokens of `sentences` that are handed to a thread together.
    comment : str, optional
        Kept with the model.
    show_progress_bar : bool, optional
        By default a bar appears on a terminal when work takes longer than two seconds; elsewhere there is a log
        line a minute.
    tokenizer : str or callable
        What splits texts into tokens: lines of `corpus_file`, `sentences` that are strings, and later those that
        ``wv.encode`` is given. "split" (at whitespace), "simple", "words", "kiwi", "mecab" or a callable, see
        `gensim_sent2vec.tokenizers`. Other than "split", a corpus of texts is tokenised once, by all CPUs, into a
        temporary file; do it once and for all with `tokenize_file`.
    phrases : gensim Phrases or FrozenPhrases, or a sequence of them, optional
        Joins tokens, of texts and of token lists. Kept with `wv`, as the tokenizer is.

    Raises
    ------
    TypeError
        For an option of `Word2Vec` that has no meaning here, or a corpus that is not one.
    ValueError
        For a parameter out of its range, or a corpus without a usable word.

    References
    ----------
    .. [1] Pagliardini, Gupta, Jaggi: "Unsupervised Learning of Sentence Embeddings using Compositional n-Gram
       Features", NAACL 2018.

    Examples
    --------
    >>> from gensim.test.utils import common_texts
    >>> from gensim_sent2vec import Sent2Vec
    >>> model = Sent2Vec(common_texts, vector_size=20, min_count=1, workers=1)
    >>> model.wv.get_sentence_vector("human computer interface").shape
    (20,)
    """

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

    weighting: SentenceWeighting | None = None  # not fitted: the parameters of the next one

    def __init__(
        self,
        sentences: Iterable[Sequence[str]] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        vector_size: int = 100,
        alpha: float = 0.2,
        min_alpha: float = 0.0,
        epochs: int = 5,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        max_final_vocab: int | None = None,
        trim_rule: Callable[[str, int, int], int] | None = None,
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
        callbacks: Iterable[Any] = (),
        compute_loss: bool = False,
        batch_words: int = 10_000,
        comment: str | None = None,
        show_progress_bar: bool | None = None,
        tokenizer: Any = DEFAULT,
        phrases: Any = None,
        **unsupported: Any,
    ) -> None:
        refuse(unsupported, inspect.signature(type(self)).parameters)
        if sentences is not None and corpus_file is not None:
            raise TypeError("sentences and corpus_file: pass one of the two")
        if sentences is not None:
            check_sentences(sentences, passes=epochs + 1 if isinstance(epochs, int) else 2)
        if corpus_file is not None:
            check_corpus_file(corpus_file)

        self.word_ngrams = whole("word_ngrams", word_ngrams, 1)
        self.skip_bigrams = bool(skip_bigrams)
        if self.skip_bigrams and self.word_ngrams == 1:
            raise ValueError("skip_bigrams: pairs need word_ngrams >= 2, the greatest distance of a pair plus one")
        self.dropout_k = whole("dropout_k", dropout_k, 0)
        self.bucket = whole("bucket", bucket, 1 if self.word_ngrams > 1 else 0)
        if isinstance(shared_negatives, bool):
            shared_negatives = DEFAULT_RUN if shared_negatives else 1
        self.shared_negatives = whole("shared_negatives", shared_negatives, 0)
        self.weighting = _template(weighting)
        self.show_progress_bar = show_progress_bar
        self.wv = self._empty_vectors(whole("vector_size", vector_size, 1), tokenizer, phrases)
        self.placeholder = np.zeros(0, dtype=np.float32)

        super().__init__(
            vector_size=vector_size,
            alpha=real("alpha", alpha, above=0),
            min_alpha=real("min_alpha", min_alpha, least=0),
            epochs=whole("epochs", epochs, 1),
            min_count=whole("min_count", min_count, 0),
            max_vocab_size=optional_whole("max_vocab_size", max_vocab_size, 1),
            max_final_vocab=optional_whole("max_final_vocab", max_final_vocab, 1),
            negative=whole("negative", negative, 1),
            ns_exponent=real("ns_exponent", ns_exponent),
            sample=real("sample", sample, least=0),
            workers=available_cpus() if workers is None else whole("workers", workers, 1),
            seed=whole("seed", seed, 0),
            compute_loss=compute_loss,
            batch_words=whole("batch_words", batch_words, 1),
            comment=comment,
            sg=0,
            hs=0,
        )
        if self.min_alpha > self.alpha:
            raise ValueError(f"min_alpha: {min_alpha} is above alpha={alpha}; the rate falls from alpha to min_alpha")

        if sentences is not None or corpus_file is not None:
            with self.as_tokens(sentences, corpus_file) as corpus:
                self.build_vocab(*corpus, trim_rule=trim_rule)
                self.train(*corpus, compute_loss=self.compute_loss, callbacks=callbacks)
        elif trim_rule is not None or callbacks:
            logger.warning("trim_rule and callbacks belong to build_vocab and train, and are not kept without a corpus")

    def _empty_vectors(self, vector_size: int, tokenizer: Any, phrases: Any) -> Sent2VecKeyedVectors:
        wv = Sent2VecKeyedVectors(vector_size)
        wv.word_ngrams, wv.skip_bigrams = self.word_ngrams, self.skip_bigrams
        wv.tokenizer, wv.phrases = tokenizer, phrases
        return wv

    def as_tokens(self, sentences: Any = None, corpus_file: Any = None) -> AbstractContextManager[tuple[Any, Any]]:
        """A corpus tokenised once, for several calls of `build_vocab` and `train` in a ``with`` block.

        Returns
        -------
        context manager of (sentences, corpus_file)
            One of the two is None; texts lie in a temporary file, and what needs no tokenizer is as it was.

        Examples
        --------
        >>> with model.as_tokens(corpus_file="corpus.txt") as corpus:  # doctest: +SKIP
        ...     model.build_vocab(*corpus)
        ...     model.train(*corpus)
        """
        tokenization = Tokenization(self.wv.tokenizer, self.wv.phrases)
        return as_tokens(sentences, corpus_file, tokenization, self.workers, self.show_progress_bar)

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
        """Build the vocabulary from a corpus; see gensim's `Word2Vec.build_vocab`.

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
        raw = WordCounts.of(self.raw_vocab)
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
        added = kept.take(new)
        blob = np.concatenate([old.blob, added.blob])
        vocabulary = Vocabulary(blob, np.concatenate([old.offsets, old.offsets[-1] + added.offsets[1:]]))

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
        counts = WordCounts.of(word_freq)
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
        share = -(-n // self.workers)

        def fill(i: int) -> None:
            part = rows[i * share : (i + 1) * share]
            _kernel.fill_uniform(part, stream, 1 / self.vector_size, (first + i * share) * self.vector_size)

        with Workers(self.workers, fill, lambda: None):
            pass
        return rows

    def _stream(self, *numbers: int) -> int:
        """The seed of one stream of random numbers."""
        return int(np.random.SeedSequence([self.seed, *numbers]).generate_state(1, np.uint64)[0])

    def reset_from(self, other_model: Sent2Vec) -> None:
        """Share the vocabulary of another model, and reset the weights."""
        self.wv = self._empty_vectors(self.vector_size, self.wv.tokenizer, self.wv.phrases)
        self.wv.set_words(other_model.wv.freeze())
        self.wv.expandos = other_model.wv.expandos
        self.corpus_count, self.corpus_total_words = other_model.corpus_count, other_model.corpus_total_words
        self.init_weights()

    def _drop_weighting(self) -> None:
        """Forget the fitted weighting, which is of vectors as they were; its parameters are those of the next one."""
        if self.wv.weighting is not None:
            self.weighting = _template(self.wv.weighting)
            self.wv.weighting = None

    # -------------------------------------------------------------------------------------------------
    # Training

    def train(
        self,
        corpus_iterable: Iterable[Sequence[str]] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        total_examples: int | None = None,
        total_words: int | None = None,
        epochs: int | None = None,
        start_alpha: float | None = None,
        end_alpha: float | None = None,
        word_count: int = 0,
        queue_factor: int = 2,
        report_delay: float = 1.0,
        compute_loss: bool = False,
        callbacks: Iterable[Any] = (),
        **unsupported: Any,
    ) -> tuple[int, int]:
        """Train on a corpus, after `build_vocab`, and fit the weighting to the vectors that come out.

        While it runs, and after it is stopped, `wv.weighting` is None; see `fit_weighting`.

        Parameters
        ----------
        corpus_iterable, corpus_file
            One of the two, as `sentences` and `corpus_file` of the class.
        total_examples, total_words : int, optional
            Sentences and tokens of one pass, for the fall of the learning rate; by default those that `build_vocab`
            counted.
        epochs : int, optional
            Passes; by default those of the class.
        start_alpha, end_alpha : float, optional
            Replace `alpha` and `min_alpha`, for this and later calls.
        word_count : int
            Tokens (or sentences, where only `total_examples` is known) that count as trained already.
        queue_factor : int
            Batches of `corpus_iterable` that wait for each thread.
        report_delay : float
            Seconds between two looks at the progress.
        compute_loss : bool
            Sum up the loss of this call.
        callbacks : iterable of gensim.models.callbacks.CallbackAny2Vec

        Returns
        -------
        (int, int)
            Targets trained and tokens read.

        Raises
        ------
        ValueError
            Without a vocabulary, with parameters out of range, or where training diverged.
        KeyboardInterrupt
            On a Ctrl-C, within a second; the model stays as far as it is trained, and can be saved.
        """
        refuse(unsupported, inspect.signature(self.train).parameters)
        epochs = self.epochs if epochs is None else whole("epochs", epochs, 1)
        self._check_ready()
        self._check_corpus_sanity(corpus_iterable, corpus_file, passes=epochs)
        alpha = self.alpha if start_alpha is None else real("start_alpha", start_alpha, above=0)
        min_alpha = self.min_alpha if end_alpha is None else real("end_alpha", end_alpha, least=0)
        if total_words is None and total_examples is None:
            total_words, total_examples = self.corpus_total_words or None, self.corpus_count or None
        if min_alpha > alpha:
            raise ValueError(
                f"end_alpha: {min_alpha} is above start_alpha={alpha}; the rate falls from start_alpha to end_alpha"
            )
        total = total_words or total_examples
        if not total or total < 0:
            raise ValueError("total_words or total_examples: pass the size of the corpus, for the fall of the rate")

        self.alpha, self.min_alpha, self.epochs = alpha, min_alpha, epochs
        self.compute_loss, self.running_training_loss = bool(compute_loss), 0.0
        schedule = _kernel.Schedule(alpha, min_alpha, float(total) * epochs, not total_words, word_count)
        run = Training(self, schedule, queue_factor, report_delay)
        self._drop_weighting()
        sample = Sample(self.weighting.sample_size) if self.weighting is not None else None
        event = (
            f"{self.workers} workers, {len(self.wv)} words, word_ngrams={self.word_ngrams}, negative={self.negative}, "
            f"shared_negatives={self.shared_negatives}, epochs={epochs}, alpha={alpha}"
        )
        self.add_lifecycle_event("train", msg=event)

        callbacks = tuple(callbacks)
        _call(callbacks, "on_train_begin", self)
        unit = "tokens" if total_words else "sentences"
        with (
            self.as_tokens(corpus_iterable, corpus_file) as corpus,
            Progress("train", total * epochs, unit, self.show_progress_bar) as progress,
        ):
            try:
                for epoch in range(epochs):
                    _call(callbacks, "on_epoch_begin", self)
                    sentences, file = corpus
                    if sample is not None and epoch == 0 and sentences is not None:
                        sentences = sample.watch(sentences)
                    run.epoch(epoch, sentences, file, progress)
                    self._clear_post_train()  # callbacks may ask the vectors
                    _call(callbacks, "on_epoch_end", self)
            finally:
                self.min_alpha_yet_reached = schedule.rate
                self._clear_post_train()
            if sample is not None:
                self._fit_weighting_if_possible(sample.sentences, corpus[1])
        self.train_count += 1
        _call(callbacks, "on_train_end", self)
        return run.trained_words, run.tokens

    def fit_weighting(
        self,
        corpus_iterable: Iterable[Sequence[str]] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
    ) -> None:
        """Fit ``wv.weighting`` to the vectors as they are, which `train` does at its end.

        Parameters
        ----------
        corpus_iterable, corpus_file
            One of the two, as in `train`; a sample spread evenly over it is used.

        Raises
        ------
        ValueError
            Where `SentenceWeighting.fit` can do nothing with it.
        """
        self._check_corpus_sanity(corpus_iterable, corpus_file)
        with self.as_tokens(corpus_iterable, corpus_file) as (sentences, file):
            self._fit_weighting(sentences, file)

    def _fit_weighting(self, sentences: Any, file: Any) -> None:
        weighting = _template(self.weighting or True)
        assert weighting is not None
        if file is not None:
            sentences = spread_lines(file, weighting.sample_size)
        output = self.syn1neg if weighting.unit_words else None
        self.wv.weighting = weighting.fit(self.wv, sentences, output, self.show_progress_bar)

    def _fit_weighting_if_possible(self, sentences: Any, file: Any) -> None:
        """No training shall be lost to a corpus on which no weighting can be fitted."""
        try:
            self._fit_weighting(sentences, file)
        except (ValueError, np.linalg.LinAlgError) as error:
            logger.warning("sentences are read out as plain means: no weighting could be fitted (%s)", error)

    def _check_ready(self) -> None:
        if not len(self.wv) or not len(self.wv.vectors):
            raise ValueError("train: there is no vocabulary yet; call build_vocab(sentences) first")
        if len(self.wv) < 2:
            raise ValueError(
                f"train: the vocabulary holds a single word, {self.wv.index_to_key[0]!r}, and nothing to tell it from; "
                "lower min_count or pass a larger corpus"
            )
        for name, rows in (
            ("wv.vectors", self.wv.vectors),
            ("wv.vectors_ngrams", self.wv.vectors_ngrams),
            ("placeholder", self.placeholder),
            ("syn1neg", self.syn1neg),
        ):
            if not rows.flags.writeable:
                raise ValueError(f"train: {name} is mapped read-only; load the model without mmap to train it on")

    # -------------------------------------------------------------------------------------------------
    # Files

    def save(self, fname_or_handle: Any, *args: Any, **kwargs: Any) -> None:
        """Save the whole model, large arrays as files of their own beside; see gensim's `Word2Vec.save`.

        The old model is replaced as a whole, see `gensim_sent2vec.pickled.save_beside`.
        """
        kwargs.setdefault("sep_limit", SEPARATE)
        save_beside(super().save, fname_or_handle, *args, **kwargs)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], *args: Any, **kwargs: Any) -> Sent2Vec:
        """Load a model that `save` wrote, to go on training or to use its vectors.

        Parameters
        ----------
        fname : str or path-like
            The path given to `save`.
        mmap : {None, 'r'}, keyword
            'r' maps the matrices read-only: for use, not for training.

        Raises
        ------
        TypeError
            Where the file holds another kind of model.
        ValueError
            Where it is no saved model at all.
        """
        model = unpickled(cls, fname, *args, **kwargs)
        if not isinstance(model, cls):
            kind = f"{type(model).__module__}.{type(model).__qualname__}"
            hint = ""
            if isinstance(model, Word2Vec):
                hint = (
                    f"; load it with gensim's {type(model).__name__}.load and read sentences out of it with "
                    "Sent2VecKeyedVectors.from_keyed_vectors(model.wv)"
                )
            raise TypeError(f"{os.fspath(fname)!r} holds a {kind}, not a {cls.__name__}{hint}")
        return model


def _template(weighting: SentenceWeighting | bool | None) -> SentenceWeighting | None:
    """A weighting like the one given or meant, not fitted."""
    if isinstance(weighting, SentenceWeighting):
        return SentenceWeighting(**weighting.parameters)
    if weighting is not None and not isinstance(weighting, bool):
        raise TypeError(f"weighting: a SentenceWeighting, True or False is expected, got {weighting!r}")
    return SentenceWeighting() if weighting else None


def _call(callbacks: Iterable[Any], hook: str, model: Sent2Vec) -> None:
    for callback in callbacks:
        getattr(callback, hook)(model)
