"""Sent2Vec, a gensim `Word2Vec` whose context is the whole line. The only file that touches gensim's private hooks."""

from __future__ import annotations

import logging
import math
import os
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from gensim import utils
from gensim.models import Word2Vec

from . import _kernel
from .corpus import check_corpus_file, check_sentences
from .keyedvectors import Sent2VecKeyedVectors
from .progress import Progress
from .vocab import BATCH, Vocabulary, WordCounts, batches, count_file, count_words, open_binary
from .workers import Workers, available_cpus

logger = logging.getLogger(__name__)

DEFAULT_RUN = 16  # shared_negatives=True
MIN_SLICE, MAX_SLICE = 1 << 16, 1 << 22  # bytes of a corpus file that a thread trains on at a time

# Options of Word2Vec that mean nothing here: silence would be a kind of bug.
UNSUPPORTED = {
    "window": "the whole line is the context of each of its words",
    "shrink_windows": "the whole line is the context of each of its words",
    "sg": "Sent2Vec predicts a word from its line (CBOW); skip-gram is gensim's Word2Vec(sg=1)",
    "cbow_mean": "the context is always the mean of its rows",
    "hs": "only negative sampling is used; hierarchical softmax is gensim's Word2Vec(hs=1)",
    "hashfxn": "vectors start from a counter and the seed, whatever Python's string hash",
    "null_word": "there is no padding",
    "sorted_vocab": "the vocabulary is always sorted by count",
    "dm": "this is not Doc2Vec",
}


class Sent2Vec(Word2Vec):
    """Train, save and load Sent2Vec sentence embeddings.

    A word is predicted from the mean of the rows of the whole line it stands in: its words, with a placeholder
    in the word's own place, and its word n-grams. A sentence's vector is the mean of its rows [1]_.

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
        workers: int | None = None,
        seed: int = 1,
        callbacks: Iterable[Any] = (),
        compute_loss: bool = False,
        batch_words: int = 10_000,
        comment: str | None = None,
        show_progress_bar: bool | None = None,
        **unsupported: Any,
    ) -> None:
        _refuse(unsupported)
        if sentences is not None and corpus_file is not None:
            raise TypeError("sentences and corpus_file: pass one of the two")
        if sentences is not None:
            check_sentences(sentences, passes=epochs + 1 if isinstance(epochs, int) else 2)
        if corpus_file is not None:
            check_corpus_file(corpus_file)

        self.word_ngrams = _whole("word_ngrams", word_ngrams, 1)
        self.skip_bigrams = bool(skip_bigrams)
        if self.skip_bigrams and self.word_ngrams == 1:
            raise ValueError("skip_bigrams: pairs need word_ngrams >= 2, the greatest distance of a pair plus one")
        self.dropout_k = _whole("dropout_k", dropout_k, 0)
        self.bucket = _whole("bucket", bucket, 1 if self.word_ngrams > 1 else 0)
        if shared_negatives is True:
            shared_negatives = DEFAULT_RUN
        self.shared_negatives = _whole("shared_negatives", int(shared_negatives), 0)
        self.show_progress_bar = show_progress_bar
        self.wv = self._empty_vectors(_whole("vector_size", vector_size, 1))
        self.placeholder = np.zeros(0, dtype=np.float32)

        super().__init__(
            vector_size=vector_size,
            alpha=_real("alpha", alpha, above=0),
            min_alpha=_real("min_alpha", min_alpha, least=0),
            epochs=_whole("epochs", epochs, 1),
            min_count=_whole("min_count", min_count, 0),
            max_vocab_size=_optional_whole("max_vocab_size", max_vocab_size, 1),
            max_final_vocab=_optional_whole("max_final_vocab", max_final_vocab, 1),
            negative=_whole("negative", negative, 1),
            ns_exponent=_real("ns_exponent", ns_exponent),
            sample=_real("sample", sample, least=0),
            workers=available_cpus() if workers is None else _whole("workers", workers, 1),
            seed=_whole("seed", seed, 0),
            compute_loss=compute_loss,
            batch_words=_whole("batch_words", batch_words, 1),
            comment=comment,
            sg=0,
            hs=0,
        )
        if self.min_alpha > self.alpha:
            raise ValueError(f"min_alpha: {min_alpha} is above alpha={alpha}; the rate falls from alpha to min_alpha")

        if sentences is not None or corpus_file is not None:
            self.build_vocab(sentences, corpus_file, trim_rule=trim_rule)
            self.train(
                sentences,
                corpus_file,
                total_examples=self.corpus_count,
                total_words=self.corpus_total_words,
                epochs=self.epochs,
                compute_loss=self.compute_loss,
                callbacks=callbacks,
            )
        elif trim_rule is not None or callbacks:
            logger.warning("trim_rule and callbacks belong to build_vocab and train, and are not kept without a corpus")

    def _empty_vectors(self, vector_size: int) -> Sent2VecKeyedVectors:
        wv = Sent2VecKeyedVectors(vector_size)
        wv.word_ngrams, wv.skip_bigrams = self.word_ngrams, self.skip_bigrams
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
        if corpus_file is not None:
            counted = count_file(corpus_file, self.max_vocab_size, workers or self.workers, self.show_progress_bar)
        else:
            assert corpus_iterable is not None
            counted = count_words(corpus_iterable, self.max_vocab_size, self.show_progress_bar)
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
        raw = WordCounts.of(self.raw_vocab)
        effective = max(min_count, _count_for(raw.counts, self.max_final_vocab))
        kept = raw.take(_kept_words(raw, effective, trim_rule))
        if not len(kept) and not update:
            raise ValueError(_no_word_left(raw, effective, trim_rule))

        retain_total = int(kept.counts.sum())
        probability = _target_probability(kept.counts, sample, retain_total)
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
        self._update_words(kept, probability) if update else self._set_words(kept, probability)
        if not keep_raw_vocab:
            self.raw_vocab = None
        self.add_lifecycle_event(
            "prepare_vocab", msg=f"effective_min_count={effective} keeps {len(kept)} of {len(raw)} words", update=update
        )
        return report

    def _set_words(self, kept: WordCounts, probability: np.ndarray) -> None:
        self.wv.set_words(kept.vocabulary)
        self.wv.expandos = {"count": np.array(kept.counts), "sample_int": _as_uint32(probability)}

    def _update_words(self, kept: WordCounts, probability: np.ndarray) -> None:
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
        count[ids] += kept.counts
        sample_int[ids] = _as_uint32(probability)
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
        super().build_vocab_from_freq(counts, keep_raw_vocab, corpus_count, trim_rule, update)
        self.corpus_total_words = int(counts.counts.sum())

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Bytes that the model takes.

        Returns
        -------
        dict of (str, int)
            'vocab', 'vectors', 'vectors_ngrams', 'syn1neg' and their 'total'.
        """
        n = vocab_size or len(self.wv)
        row = 4 * self.vector_size
        report = dict(report or {})
        report["vocab"] = n * (10 + 8 + 4 * 8 + 8 + 4)  # a word of ten bytes, its offset, slots, count, sample_int
        report["vectors"] = n * row
        report["vectors_ngrams"] = self._gram_rows() * row
        report["syn1neg"] = n * row
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
        self.wv.vectors = self._start_rows("words", n)
        self.wv.vectors_ngrams = self._start_rows("ngrams", self._gram_rows())
        self.placeholder = self._start_rows("placeholder", 1)[0]
        self.syn1neg = np.zeros((n, dim), dtype=np.float32)
        self.wv.norms = None

    def update_weights(self) -> None:
        """Keep all weights, and start those of words that have been added to the vocabulary."""
        old = len(self.wv.vectors)
        self.wv.vectors = np.concatenate([self.wv.vectors, self._start_rows("words", len(self.wv) - old, first=old)])
        zeros = np.zeros((len(self.wv) - old, self.vector_size), dtype=np.float32)
        self.syn1neg = np.concatenate([self.syn1neg, zeros])
        self.wv.norms = None

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
        self.wv = self._empty_vectors(self.vector_size)
        self.wv.set_words(other_model.wv._freeze())
        self.wv.expandos = other_model.wv.expandos
        self.corpus_count, self.corpus_total_words = other_model.corpus_count, other_model.corpus_total_words
        self.init_weights()

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
        """Train on a corpus, after `build_vocab`.

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
        _refuse(unsupported)
        epochs = self.epochs if epochs is None else _whole("epochs", epochs, 1)
        self._check_ready()
        self._check_corpus_sanity(corpus_iterable, corpus_file, passes=epochs)
        alpha = self.alpha if start_alpha is None else _real("start_alpha", start_alpha, above=0)
        min_alpha = self.min_alpha if end_alpha is None else _real("end_alpha", end_alpha, least=0)
        if total_words is None and total_examples is None:
            total_words, total_examples = self.corpus_total_words or None, self.corpus_count or None
        total = total_words or total_examples
        if not total or total < 0:
            raise ValueError("total_words or total_examples: pass the size of the corpus, for the fall of the rate")

        self.alpha, self.min_alpha, self.epochs = alpha, min_alpha, epochs
        self.compute_loss, self.running_training_loss = bool(compute_loss), 0.0
        schedule = _kernel.Schedule(alpha, min_alpha, float(total) * epochs, not total_words, word_count)
        run = _Training(self, schedule, queue_factor, report_delay)
        event = (
            f"{self.workers} workers, {len(self.wv)} words, word_ngrams={self.word_ngrams}, negative={self.negative}, "
            f"shared_negatives={self.shared_negatives}, epochs={epochs}, alpha={alpha}"
        )
        self.add_lifecycle_event("train", msg=event)

        callbacks = tuple(callbacks)
        _call(callbacks, "on_train_begin", self)
        unit = "tokens" if total_words else "sentences"
        with Progress("train", total * epochs, unit, self.show_progress_bar) as progress:
            try:
                for epoch in range(epochs):
                    _call(callbacks, "on_epoch_begin", self)
                    run.epoch(epoch, corpus_iterable, corpus_file, progress)
                    _call(callbacks, "on_epoch_end", self)
            finally:
                self.min_alpha_yet_reached = schedule.rate
                self._clear_post_train()
        self.train_count += 1
        _call(callbacks, "on_train_end", self)
        return run.trained_words, run.tokens

    def _check_ready(self) -> None:
        if not len(self.wv) or not len(self.wv.vectors):
            raise ValueError("train: there is no vocabulary yet; call build_vocab(sentences) first")
        if len(self.wv) < 2:
            raise ValueError(
                f"train: the vocabulary holds a single word, {self.wv.index_to_key[0]!r}, and nothing to tell it from; "
                "lower min_count or pass a larger corpus"
            )
        for name, rows in (("wv.vectors", self.wv.vectors), ("wv.vectors_ngrams", self.wv.vectors_ngrams)):
            if not rows.flags.writeable:
                raise ValueError(f"train: {name} is mapped read-only; load the model without mmap to train it on")

    def _clear_post_train(self) -> None:
        super()._clear_post_train()

    # -------------------------------------------------------------------------------------------------
    # Files

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
        """
        model = utils.SaveLoad.load.__func__(cls, os.fspath(fname), *args, **kwargs)
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


@dataclass
class _Epoch:
    """What one pass over the corpus did."""

    lines: int = 0


class _Training:
    """One call of `Sent2Vec.train`: a trainer a thread, kept from epoch to epoch."""

    def __init__(self, model: Sent2Vec, schedule: _kernel.Schedule, queue_factor: int, report_delay: float) -> None:
        wv = model.wv
        self.model, self.schedule = model, schedule
        self.queue_size = max(1, queue_factor) * model.workers
        self.report_delay = max(0.05, report_delay)
        self.table = wv._freeze().table
        alias = np.empty(len(wv), dtype=np.uint64)
        _kernel.fill_alias(_negative_weights(wv.expandos["count"], model.ns_exponent), alias)
        self.trainers = [
            _kernel.Trainer(
                wv.vectors,
                model.placeholder,
                wv.vectors_ngrams,
                model.syn1neg,
                alias,
                wv.expandos["sample_int"] if model.sample else None,
                schedule,
                word_ngrams=model.word_ngrams,
                skip=model.skip_bigrams,
                epfml_hash=wv.ngram_hash == "epfml",
                dropout_k=model.dropout_k,
                negative=model.negative,
                run=max(1, model.shared_negatives),
                seed=model._stream(3, model.train_count, i),
                compute_loss=model.compute_loss,
            )
            for i in range(model.workers)
        ]

    @property
    def trained_words(self) -> int:
        return sum(trainer.trained_words for trainer in self.trainers)

    @property
    def tokens(self) -> int:
        return sum(trainer.tokens for trainer in self.trainers)

    @property
    def lines(self) -> int:
        return sum(trainer.lines for trainer in self.trainers)

    def epoch(self, epoch: int, sentences: Any, path: Any, progress: Progress) -> None:
        """One pass over the corpus."""
        lines = self.lines
        if path is not None:
            self._train_file(path, epoch, progress)
        else:
            self._train_iterable(sentences, epoch, progress)
        self._report(epoch, progress)
        if self.schedule.diverged:
            raise ValueError(
                f"alpha: training diverged in epoch {epoch + 1} at alpha={self.model.alpha}: numbers grew beyond float32; "
                "the vectors are of no use, build the model anew with a lower alpha"
            )
        if self.lines == lines:
            raise ValueError(
                f"sentences: the corpus was empty in epoch {epoch + 1}; it must give its sentences anew for each pass"
            )

    def _train_file(self, path: Any, epoch: int, progress: Progress) -> None:
        size = os.path.getsize(path)
        step = min(max(size // (16 * len(self.trainers)), MIN_SLICE), MAX_SLICE)
        slices = iter(range(0, size, step))  # next() on it is atomic

        def work(i: int) -> None:
            file = open_binary(path)
            try:
                for begin in slices:
                    self.trainers[i].train_slice(self.table, file, begin, min(begin + step, size))
            finally:
                os.close(file)

        with Workers(len(self.trainers), work, self.schedule.stop) as threads:
            while not threads.wait(self.report_delay):
                self._report(epoch, progress)

    def _train_iterable(self, sentences: Any, epoch: int, progress: Progress) -> None:
        waiting: queue.Queue[_kernel.Pack | None] = queue.Queue(self.queue_size)
        stopped = threading.Event()

        def work(i: int) -> None:
            while (pack := waiting.get()) is not None and not stopped.is_set():
                self.trainers[i].train_pack(self.table, pack)

        def stop() -> None:
            self.schedule.stop()
            stopped.set()
            for _ in self.trainers:  # wakes threads that wait for a batch
                try:
                    waiting.put_nowait(None)
                except queue.Full:
                    break

        def hand_over(pack: _kernel.Pack | None) -> None:
            while True:
                threads.check()
                try:
                    return waiting.put(pack, timeout=self.report_delay)
                except queue.Full:
                    self._report(epoch, progress)

        with Workers(len(self.trainers), work, stop) as threads:
            for pack in _packs(sentences, self.model.batch_words):
                hand_over(pack)
                self._report(epoch, progress)
            for _ in self.trainers:
                hand_over(None)
            while not threads.wait(self.report_delay):
                self._report(epoch, progress)

    def _report(self, epoch: int, progress: Progress) -> None:
        facts = {"epoch": f"{epoch + 1}/{self.model.epochs}", "rate": f"{self.schedule.rate:.4f}"}
        if self.model.compute_loss:
            self.model.running_training_loss = sum(trainer.loss for trainer in self.trainers)
            facts["loss"] = f"{self.model.running_training_loss / max(1, self.trained_words):.4f}"
        progress.update(self.schedule.done, **facts)


def _packs(sentences: Iterable[Sequence[str]], batch_words: int) -> Iterable[_kernel.Pack]:
    """Batches of at least `batch_words` tokens, as the kernel takes them."""
    batch: list[Sequence[str]] = []
    words = 0
    for sentence in sentences:
        if isinstance(sentence, str):
            raise TypeError(f"sentences: each sentence must be a list of tokens, got the string {sentence[:40]!r}")
        batch.append(sentence)
        words += len(sentence)
        if words >= batch_words or len(batch) >= BATCH:
            yield _kernel.Pack(batch)
            batch, words = [], 0
    if batch:
        yield _kernel.Pack(batch)


def _call(callbacks: Iterable[Any], hook: str, model: Sent2Vec) -> None:
    for callback in callbacks:
        getattr(callback, hook)(model)


# -----------------------------------------------------------------------------------------------------
# Counts


def _count_for(counts: np.ndarray, max_words: int | None) -> int:
    """The least count that keeps at most `max_words` words."""
    if max_words is None or max_words >= len(counts):
        return 0
    return int(np.partition(counts, len(counts) - 1 - max_words)[len(counts) - 1 - max_words]) + 1


def _kept_words(raw: WordCounts, min_count: int, trim_rule: Any) -> np.ndarray:
    """Ids of the words to keep, most frequent first, equal counts in order of first appearance."""
    keep = raw.counts >= min_count
    if trim_rule is not None:
        keep = np.fromiter(
            (utils.keep_vocab_item(word, int(count), min_count, trim_rule) for word, count in zip(raw, raw.counts)),
            dtype=bool,
            count=len(raw),
        )
    ids = np.flatnonzero(keep)
    return ids[np.argsort(-raw.counts[ids], kind="stable")]


def _no_word_left(raw: WordCounts, min_count: int, trim_rule: Any) -> str:
    if not len(raw):
        return "the vocabulary is empty: no words were counted"
    most = int(np.argmax(raw.counts))
    rule = " and trim_rule" if trim_rule is not None else ""
    return (
        f"min_count={min_count}{rule} leaves no word: the most frequent of {len(raw)}, {raw.word(most)!r}, "
        f"occurs {raw.counts[most]} times; lower min_count or pass a larger corpus"
    )


def _target_probability(counts: np.ndarray, sample: float, total: int) -> np.ndarray:
    """The probability that a word is trained as a target (Mikolov et al. 2013, as word2vec computes it)."""
    if not sample:
        return np.ones(len(counts))
    threshold = sample * total if sample < 1 else int(sample * (3 + math.sqrt(5)) / 2)
    ratio = threshold / np.maximum(counts, 1)
    return np.minimum(np.sqrt(ratio) + ratio, 1.0)


def _as_uint32(probability: np.ndarray) -> np.ndarray:
    return (probability * (2**32 - 1)).astype(np.uint32)


def _negative_weights(counts: np.ndarray, exponent: float) -> np.ndarray:
    """count ** exponent, scaled so that nothing overflows."""
    weights = (np.maximum(counts, 1) / max(1, counts.max())).astype(np.float64) ** exponent
    return np.ascontiguousarray(np.nan_to_num(weights / weights.max(), nan=1.0, posinf=1.0))


# -----------------------------------------------------------------------------------------------------
# Parameters


def _refuse(options: Mapping[str, Any]) -> None:
    for name in options:
        if name in UNSUPPORTED:
            raise TypeError(f"{name}: not an option of Sent2Vec: {UNSUPPORTED[name]}")
        known = [p for p in Sent2Vec.__init__.__code__.co_varnames if p not in ("self", "unsupported")]
        close = get_close_matches(name, known, 1)
        raise TypeError(f"{name}: not an option of Sent2Vec" + (f"; did you mean {close[0]}?" if close else ""))


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}: a whole number is expected, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def _optional_whole(name: str, value: Any, least: int) -> int | None:
    return None if value is None else _whole(name, value, least)


def _real(name: str, value: Any, above: float | None = None, least: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: a number is expected, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    if above is not None and value <= above:
        raise ValueError(f"{name} must be above {above}, got {value}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return float(value)
