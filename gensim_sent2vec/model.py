"""Sent2Vec, a gensim `Word2Vec` whose context is the whole line. The only file that touches gensim's private hooks."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from gensim.models import Word2Vec

from . import _kernel
from ._files.pickles import SEPARATE, load_pickle, save_atomically
from ._text.corpus import Sample, check_corpus_file, check_sentences, sample_lines
from ._text.tokenization import Tokenization, as_tokens
from ._training.preparation import Preparation, unfitted
from ._training.run import Training
from ._util.parameters import check_float, check_int, check_optional_int, reject_unknown_options
from ._util.progress import Progress
from ._util.threads import available_cpus
from .tokenizers import DEFAULT
from .weighting import SentenceWeighting

logger = logging.getLogger(__name__)

DEFAULT_RUN = 16  # shared_negatives=True


class Sent2Vec(Preparation):
    """Train, save and load Sent2Vec sentence embeddings.

    A word is predicted from the mean of the rows of the whole line it stands in: its words, with a placeholder
    in the word's own place, and its word n-grams (Pagliardini, Gupta, Jaggi 2018). A sentence's vector is the weighted
    mean of its words' rows, joined with their spelling (`SentenceWeighting`), or the plain mean of its rows.

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
    Pagliardini, Gupta, Jaggi: "Unsupervised Learning of Sentence Embeddings using Compositional n-Gram Features", NAACL
    2018.

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
        alpha: float = 0.4,
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
        reject_unknown_options(unsupported, inspect.signature(type(self)).parameters)
        if sentences is not None and corpus_file is not None:
            raise TypeError("sentences and corpus_file: pass one of the two")
        if sentences is not None:
            check_sentences(sentences, passes=epochs + 1 if isinstance(epochs, int) else 2)
        if corpus_file is not None:
            check_corpus_file(corpus_file)

        self.word_ngrams = check_int("word_ngrams", word_ngrams, 1)
        self.skip_bigrams = bool(skip_bigrams)
        if self.skip_bigrams and self.word_ngrams == 1:
            raise ValueError("skip_bigrams: pairs need word_ngrams >= 2, the greatest distance of a pair plus one")
        self.dropout_k = check_int("dropout_k", dropout_k, 0)
        self.bucket = check_int("bucket", bucket, 1 if self.word_ngrams > 1 else 0)
        if isinstance(shared_negatives, bool):
            shared_negatives = DEFAULT_RUN if shared_negatives else 1
        self.shared_negatives = check_int("shared_negatives", shared_negatives, 0)
        self.weighting = unfitted(weighting)
        self.show_progress_bar = show_progress_bar
        self.wv = self._empty_vectors(check_int("vector_size", vector_size, 1), tokenizer, phrases)
        self.placeholder = np.zeros(0, dtype=np.float32)

        super().__init__(
            vector_size=vector_size,
            alpha=check_float("alpha", alpha, above=0),
            min_alpha=check_float("min_alpha", min_alpha, least=0),
            epochs=check_int("epochs", epochs, 1),
            min_count=check_int("min_count", min_count, 0),
            max_vocab_size=check_optional_int("max_vocab_size", max_vocab_size, 1),
            max_final_vocab=check_optional_int("max_final_vocab", max_final_vocab, 1),
            negative=check_int("negative", negative, 1),
            ns_exponent=check_float("ns_exponent", ns_exponent),
            sample=check_float("sample", sample, least=0),
            workers=available_cpus() if workers is None else check_int("workers", workers, 1),
            seed=check_int("seed", seed, 0),
            compute_loss=compute_loss,
            batch_words=check_int("batch_words", batch_words, 1),
            comment=comment,
            sg=0,
            hs=0,
        )
        if self.min_alpha > self.alpha:
            raise ValueError(f"min_alpha: {min_alpha} is above alpha={self.alpha}; the rate falls from this to that")

        if sentences is not None or corpus_file is not None:
            with self.as_tokens(sentences, corpus_file) as corpus:
                self.build_vocab(*corpus, trim_rule=trim_rule)
                self.train(*corpus, compute_loss=self.compute_loss, callbacks=callbacks)
        elif trim_rule is not None or callbacks:
            logger.warning("trim_rule and callbacks belong to build_vocab and train, and are not kept without a corpus")

    def as_tokens(self, sentences: Any = None, corpus_file: Any = None) -> AbstractContextManager[tuple[Any, Any]]:
        """A corpus tokenised once, for several calls of `build_vocab` and `train` in a ``with`` block.

        Parameters
        ----------
        sentences, corpus_file
            One of the two, as for the class.

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
            As for the class.

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
        reject_unknown_options(unsupported, inspect.signature(self.train).parameters)
        epochs = self.epochs if epochs is None else check_int("epochs", epochs, 1)
        self._check_ready()
        self._check_corpus_sanity(corpus_iterable, corpus_file, passes=epochs)
        alpha = self.alpha if start_alpha is None else check_float("start_alpha", start_alpha, above=0)
        min_alpha = self.min_alpha if end_alpha is None else check_float("end_alpha", end_alpha, least=0)
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
                        sentences = sample.record(sentences)
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
        weighting = unfitted(self.weighting or True)
        assert weighting is not None
        if file is not None:
            sentences = sample_lines(file, weighting.sample_size)
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

        An older one there is replaced as a whole: whatever happens, one of the two can be loaded.

        Parameters
        ----------
        fname_or_handle : str, path-like or file
            The path, or an open binary file, which then holds all.
        *args, **kwargs
            Further arguments of gensim's.

        Raises
        ------
        OSError
            Where it cannot be written.
        """
        kwargs.setdefault("sep_limit", SEPARATE)
        save_atomically(super().save, fname_or_handle, *args, **kwargs)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], *args: Any, **kwargs: Any) -> Sent2Vec:
        """Load a model that `save` wrote, to go on training or to use its vectors.

        Parameters
        ----------
        fname : str or path-like
            The path given to `save`.
        mmap : {None, 'r'}, keyword
            'r' maps the matrices read-only, and processes share them: for use, not for training.

        Raises
        ------
        TypeError
            Where the file holds another kind of model.
        ValueError
            Where it is no saved model at all.
        """
        model = load_pickle(cls, fname, *args, **kwargs)
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


def _call(callbacks: Iterable[Any], hook: str, model: Sent2Vec) -> None:
    for callback in callbacks:
        getattr(callback, hook)(model)
