"""Sent2Vec, a gensim `Word2Vec` whose context is the entire sentence. All overrides of Word2Vec's hooks are here."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from gensim.models import Word2Vec

from . import _kernel
from ._files.other_formats import describe_other_format
from ._files.pickles import SEPARATE, load_pickle, save_atomically
from ._text.corpus import TokenFile, name_of_file, spooled
from ._text.counting import WordCounts
from ._text.tokenization import Tokenization
from ._text.tokenized import TokenizingOptions, as_tokens, check_keep_tokens
from ._text.vocabulary import Vocabulary
from ._training.callbacks import as_callbacks, call
from ._training.corpus import CheckedCorpus, CorpusSize, check_corpus
from ._training.learning_rate import LinearDecay
from ._training.matrices import (
    WORDS,
    Matrices,
    check_matrices,
    check_output_vectors,
    check_vocabulary,
    initial_matrices,
    memory_estimate,
    random_rows,
    require_memory,
)
from ._training.run import TrainingRun
from ._training.trainers import make_trainers
from ._training.word_selection import (
    checked_counts,
    checked_sample_int,
    explain_empty,
    negative_weights,
    select_words,
    shared_vocabulary,
)
from ._util.compression import open_decompressed
from ._util.counted import counted
from ._util.hints import with_hints
from ._util.parameters import check_float, check_int, check_optional_int, reject_unknown_options
from ._util.progress import Progress
from ._util.threads import available_cpus
from .keyedvectors import Sent2VecKeyedVectors, check_keyed_vectors
from .tokenizers import DEFAULT, describe
from .weighting import SentenceWeighting

logger = logging.getLogger(__name__)

# Larger values would exhaust memory, threads or the kernel's integers with errors that do not name the option.
MAX_WORD_NGRAMS, MAX_NEGATIVE, MAX_VECTOR_SIZE, MAX_WORKERS = 1000, 100_000, 1_000_000, 10_000
MAX_INT, MAX_SEED = 2**31 - 1, 2**32 - 1
PICKLE_MAGIC = b"\x80"
HEAD = 64  # bytes of a file that show its format
DEFAULT_SHARED_NEGATIVES = 16  # shared_negatives=True


@with_hints
class Sent2Vec(Word2Vec):
    """Train, save and load Sent2Vec sentence embeddings (Pagliardini, Gupta and Jaggi, 2018).

    The model learns to predict each word from the mean of the vectors of its entire sentence: the other words, the
    word n-grams, and a placeholder at the position of the word itself. A sentence vector is the weighted mean of the
    vectors of its words, combined with their spelling (see `SentenceWeighting`), or the plain mean of its rows.

    The trained vectors are ``model.wv``, see `Sent2VecKeyedVectors`: ``model.wv.encode(sentences)`` returns sentence
    vectors, and all methods of gensim's `KeyedVectors` work on the words.

    Parameters
    ----------
    sentences : iterable of str or of list of str, optional
        The training corpus as texts, which `tokenizer` and `phrases` split, or as token lists. It can be a column of a
        table, such as ``df["text"]``. It is iterated over `epochs` + 1 times, so pass a list or a restartable
        iterable such as gensim's ``LineSentence``, not a generator. Without `sentences` and `corpus_file` the model
        is created empty; call `build_vocab` and `train` next.
    corpus_file : str or path-like, optional
        The training corpus as an uncompressed UTF-8 text file with one sentence per line and whitespace between
        tokens. This is faster than `sentences`, and takes no more memory for a larger file.
    vector_size : int, default=100
        Dimensions of the vectors.
    alpha, min_alpha : float, default=0.4 and 0.0
        Initial and final learning rate. The rate falls linearly with the number of tokens read.
    epochs : int, default=5
        Passes over the corpus.
    min_count : int, default=5
        Words with a lower count are ignored.
    max_vocab_size : int, optional
        Bounds memory while words are counted: whenever there are more distinct words than this, the rarest ones are
        pruned.
    max_final_vocab : int, optional
        Keep at most this many words, by raising `min_count` as far as necessary.
    trim_rule : callable, optional
        ``rule(word, count, min_count)`` returns ``gensim.utils.RULE_KEEP``, ``RULE_DISCARD`` or ``RULE_DEFAULT``. It
        is not saved with the model.
    word_ngrams : int, default=1
        Maximum length of word n-grams. 1: only words.
    dropout_k : int, default=2
        For each target, this many random positions of the sentence are dropped from its n-grams: no n-gram contains
        them.
    bucket : int, default=2_000_000
        Number of rows that n-grams are hashed to. None are allocated if `word_ngrams` is 1.
    skip_bigrams : bool, default=False
        Use pairs of words at a distance of at most `word_ngrams` - 1 instead of contiguous n-grams. Pairs may reach
        across dropped positions.
    negative : int, default=10
        Negative samples per target.
    ns_exponent : float, default=0.5
        Negative samples are drawn in proportion to count ** `ns_exponent`.
    sample : float, default=0
        Subsampling threshold, as in word2vec: frequent words are skipped as *targets*, but stay in the context of
        other words. 0: no subsampling.
    shared_negatives : int or bool, default=True
        This many successive targets share their negative samples, so that the rows stay in the CPU's cache, and two
        of them are trained at a time: faster, and no less accurate. True: 16. False or 1: each target has its own
        samples, as in the reference program.
    weighting : bool or SentenceWeighting, default=True
        How to pool word vectors into sentence vectors. `train` ends with fitting ``wv.weighting`` on a sample of the
        corpus: with the default parameters of `SentenceWeighting` (True), or with those of the instance passed. False
        or None: sentence vectors are plain means.
    workers : int, optional
        Number of threads; by default, all CPUs of the process. With one worker, the same seed gives the same bytes.
    seed : int, default=1
        Seed of the initial vectors and of all sampling.
    callbacks : gensim.models.callbacks.CallbackAny2Vec, or an iterable of them, optional
        Their ``on_train_begin``, ``on_train_end``, ``on_epoch_begin`` and ``on_epoch_end`` are called.
    compute_loss : bool, default=False
        Compute the training loss, see `get_latest_training_loss` and `gensim_sent2vec.history.TrainingHistory`.
    batch_words : int, default=10_000
        Tokens per batch that a thread receives; for `sentences` only.
    comment : str, optional
        Stored with the model.
    show_progress_bar : bool, optional
        Whether to show progress bars. By default, a bar appears on a terminal after two seconds; elsewhere, progress
        is logged (logger ``gensim_sent2vec.progress``, level INFO) after five seconds, with an estimate of the time
        left, and then once per minute.
    tokenizer : str or callable, default="split"
        Splits text into tokens: the lines of `corpus_file`, `sentences` that are strings, and later the strings passed
        to ``wv.encode``. "split" (at whitespace), "simple", "words", "kiwi", "mecab" or a callable, see
        `gensim_sent2vec.tokenizers`. "split" is meant for text that has been tokenized; a UserWarning is given if the
        first thousand sentences do not look so. With a tokenizer other than "split", or with `phrases`, a corpus of
        text is tokenized once, on all CPUs, into a temporary file, and its words are counted meanwhile.
    phrases : gensim Phrases or FrozenPhrases, or a sequence of them, optional
        Joins tokens into phrases, in text and in token lists. Stored with ``wv``, like the tokenizer.
    keep_tokens : str or path-like, optional
        Keep the tokens of the corpus in this file, for further runs on the same texts. A run that finds them there uses
        them instead of tokenizing, if neither the texts nor the tokenizer (its code, the versions of its packages) nor
        the phrases have changed; otherwise, a warning says what has changed, and the file is replaced. Any other file
        is an error, and stays as it is. Texts must be readable twice: no generators.

    Attributes
    ----------
    wv : Sent2VecKeyedVectors
        The vectors. They can be saved and loaded without the model, if it will not be trained further.

    Raises
    ------
    TypeError
        If a parameter or the corpus has the wrong type, or an option of `Word2Vec` does not apply to this model.
    ValueError
        If a parameter is out of range, the corpus is empty or not UTF-8, no words are left, or training diverges.
    OSError
        If the corpus cannot be read.
    MemoryError
        If the vectors do not fit into memory; raised before they are allocated.

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

    # Set by gensim's constructor and this one.
    corpus_count: int
    corpus_total_words: int
    min_count: int
    raw_vocab: Mapping[str, int] | None
    sample: float
    wv: Sent2VecKeyedVectors
    weighting: SentenceWeighting | None = None  # not fitted: the parameters of the next one

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
        callbacks: Any = (),
        compute_loss: bool = False,
        batch_words: int = 10_000,
        comment: str | None = None,
        show_progress_bar: bool | None = None,
        tokenizer: Any = DEFAULT,
        phrases: Any = None,
        keep_tokens: str | os.PathLike[str] | None = None,
        **unsupported: Any,
    ) -> None:
        reject_unknown_options(unsupported, CONSTRUCTOR)
        callbacks = as_callbacks(callbacks)
        self._set_ngram_options(word_ngrams, skip_bigrams, dropout_k, bucket)
        self.shared_negatives = _number_of_shared_negatives(shared_negatives)
        self.weighting = _unfitted(weighting)
        if self.weighting is not None:
            self.weighting.check_source()
        self.show_progress_bar = show_progress_bar
        # gensim's constructor keeps vectors that exist already.
        self.wv = self._empty_vectors(check_int("vector_size", vector_size, 1, MAX_VECTOR_SIZE), tokenizer, phrases)
        self.placeholder = np.zeros(0, dtype=np.float32)
        super().__init__(
            vector_size=vector_size,
            alpha=check_float("alpha", alpha, above=0),
            min_alpha=check_float("min_alpha", min_alpha, least=0),
            epochs=check_int("epochs", epochs, 1),
            min_count=check_int("min_count", min_count, 0),
            max_vocab_size=check_optional_int("max_vocab_size", max_vocab_size, 1),
            max_final_vocab=check_optional_int("max_final_vocab", max_final_vocab, 1),
            negative=check_int("negative", negative, 1, MAX_NEGATIVE),
            ns_exponent=check_float("ns_exponent", ns_exponent),
            sample=check_float("sample", sample, least=0),
            workers=available_cpus() if workers is None else check_int("workers", workers, 1, MAX_WORKERS),
            seed=check_int("seed", seed, 0, MAX_SEED),
            compute_loss=compute_loss,
            batch_words=check_int("batch_words", batch_words, 1),
            comment=comment,
            sg=0,
            hs=0,
        )
        if self.min_alpha > self.alpha:
            raise ValueError(f"min_alpha: must be at most alpha={self.alpha}, got {min_alpha}; the learning rate falls")
        if sentences is not None or corpus_file is not None:
            with self._open_corpus(
                sentences, corpus_file, self.epochs + 1, "sentences", keep_tokens, count=True
            ) as corpus:
                opened: Any = corpus  # which both methods pass on to `_open_corpus`
                self.build_vocab(opened, trim_rule=trim_rule)
                self.train(opened, compute_loss=self.compute_loss, callbacks=callbacks)
        elif trim_rule is not None or callbacks or keep_tokens is not None:
            logger.warning(
                "trim_rule, callbacks and keep_tokens are ignored without a corpus; pass them to build_vocab and train"
            )

    def __repr__(self) -> str:
        facts = [counted(len(self.wv), "word"), counted(self.vector_size, "dimension")]
        facts.append(f"tokenizer {describe(self.wv.tokenizer)}" + (" with phrases" if self.wv.phrases else ""))
        facts.append("weighted sentence vectors" if self.wv.weighting else "sentence vectors are plain means")
        if self.word_ngrams > 1:
            kind = "skip-bigrams" if self.skip_bigrams else "n-grams"
            facts.append(f"{kind} of up to {self.word_ngrams} words in {counted(self.bucket, 'row')}")
        return f"<{type(self).__name__}: {', '.join(facts)}>"

    def encode(self, sentences: Any, *args: Any, **options: Any) -> Any:
        """Compute the vectors of sentences: ``model.wv.encode``.

        Parameters
        ----------
        sentences, *args, **options
            As for `Sent2VecKeyedVectors.encode`.

        Returns
        -------
        numpy.ndarray of float32, shape (n_sentences, n_dims)
            What that method returns.
        """
        return self.wv.encode(sentences, *args, **options)

    def _set_ngram_options(self, word_ngrams: int, skip_bigrams: bool, dropout_k: int, bucket: int) -> None:
        self.word_ngrams = check_int("word_ngrams", word_ngrams, 1, MAX_WORD_NGRAMS)
        self.skip_bigrams = bool(skip_bigrams)
        if self.skip_bigrams and self.word_ngrams == 1:
            raise ValueError("skip_bigrams: needs word_ngrams >= 2, the maximum distance within a pair plus one, got 1")
        self.dropout_k = check_int("dropout_k", dropout_k, 0, MAX_INT)
        self.bucket = check_int("bucket", bucket, 1 if self.word_ngrams > 1 else 0)

    def _empty_vectors(self, vector_size: int, tokenizer: Any, phrases: Any) -> Sent2VecKeyedVectors:
        wv = Sent2VecKeyedVectors(vector_size)
        wv.word_ngrams, wv.skip_bigrams = self.word_ngrams, self.skip_bigrams
        wv.tokenizer, wv.phrases = tokenizer, phrases
        wv.vectors_lockf = np.ones(1, dtype=np.float32)  # as in gensim
        return wv

    # -------------------------------------------------------------------------------------------------
    # The corpus

    @contextmanager
    def as_tokens(
        self, sentences: Any = None, corpus_file: Any = None, keep_tokens: str | os.PathLike[str] | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Tokenize a corpus once, for several calls of `build_vocab` and `train` in a ``with`` block.

        Parameters
        ----------
        sentences, corpus_file
            One of the two, as for the class.
        keep_tokens : str or path-like, optional
            As for the class.

        Returns
        -------
        context manager of (sentences, corpus_file)
            One of the two is None. Text is tokenized into a temporary file, which is deleted at the end of the block.
            A pipe is copied to one, too. A corpus that needs no tokenizer is returned as it is.

        Examples
        --------
        >>> with model.as_tokens(corpus_file="corpus.txt") as corpus:  # doctest: +SKIP
        ...     model.build_vocab(*corpus)
        ...     model.train(*corpus)
        """
        tokenization = Tokenization(self.wv.tokenizer, self.wv.phrases)
        check_keep_tokens(keep_tokens, sentences, corpus_file)
        options = self._tokenizing_options(keep_tokens, count=True)
        with spooled(corpus_file) as path, as_tokens(sentences, path, tokenization, options) as corpus:
            yield corpus

    def _tokenizing_options(self, keep_tokens: Any, count: bool) -> TokenizingOptions:
        return TokenizingOptions(self.workers, self.show_progress_bar, count, self.max_vocab_size, keep_tokens)

    @contextmanager
    def _open_corpus(
        self,
        sentences: Any,
        corpus_file: Any,
        passes: int = 1,
        argument: str = "corpus_iterable",
        keep_tokens: Any = None,
        count: bool = False,
    ) -> Iterator[CheckedCorpus]:
        """Check and tokenize a corpus, counting its words if asked to; one that is open already is passed on."""
        if isinstance(sentences, CheckedCorpus):
            yield sentences
            return
        sentences = check_corpus(sentences, corpus_file, passes, argument)
        check_keep_tokens(keep_tokens, sentences, corpus_file)
        name = f"{argument}: the corpus" if corpus_file is None else f"corpus_file: {name_of_file(corpus_file)}"
        tokenization = Tokenization(self.wv.tokenizer, self.wv.phrases)
        is_raw = tokenization.is_whitespace_split and not isinstance(corpus_file, TokenFile)
        with (
            spooled(corpus_file) as regular,
            as_tokens(
                sentences, regular, tokenization, self._tokenizing_options(keep_tokens, count), argument
            ) as tokens,
        ):
            yield CheckedCorpus(*tokens, argument, name, is_raw)

    def _check_corpus_sanity(self, corpus_iterable: Any = None, corpus_file: Any = None, passes: int = 1) -> None:
        """Nothing: `_open_corpus` has checked the corpus that gensim's `build_vocab` passes on."""

    # -------------------------------------------------------------------------------------------------
    # The vocabulary

    def build_vocab(
        self,
        corpus_iterable: Iterable[Sequence[str]] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        update: bool = False,
        progress_per: int = 10000,
        keep_raw_vocab: bool = False,
        trim_rule: Callable[[str, int, int], int] | None = None,
        **kwargs: Any,
    ) -> None:
        """Build the vocabulary from a corpus, and initialize the vectors. After an error, the model is unchanged.

        Parameters
        ----------
        corpus_iterable, corpus_file
            One of the two, as `sentences` and `corpus_file` of the class; one pass is enough.
        update : bool
            Add the new words and the counts to the existing vocabulary, and keep what has been trained.
        progress_per : int
            Not used.
        keep_raw_vocab : bool
            Keep the counts of all words in ``raw_vocab``.
        trim_rule : callable, optional
            As for the class.
        **kwargs
            `keep_tokens`, as for the class, and further arguments of `prepare_vocab`: min_count, sample, dry_run.

        Raises
        ------
        TypeError, OSError, ValueError
            If the corpus is invalid, cannot be read, or leaves no words.
        """
        keep_tokens = kwargs.pop("keep_tokens", None)
        known = [*inspect.signature(self.build_vocab).parameters, *PREPARE_VOCAB, "keep_tokens"]
        reject_unknown_options(
            {name: value for name, value in kwargs.items() if name not in PREPARE_VOCAB},
            known, CONSTRUCTOR, "build_vocab",
        )  # fmt: skip
        with (
            self._open_corpus(corpus_iterable, corpus_file, keep_tokens=keep_tokens, count=True) as corpus,
            self._counts_restored_on_error(),
        ):
            super().build_vocab(corpus, None, update, progress_per, keep_raw_vocab, trim_rule, **kwargs)

    @contextmanager
    def _counts_restored_on_error(self) -> Iterator[None]:
        before = self.corpus_count, self.corpus_total_words, self.raw_vocab
        try:
            yield
        except BaseException:
            self.corpus_count, self.corpus_total_words, self.raw_vocab = before
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
            Number of tokens and of sentences.

        Raises
        ------
        ValueError
            If there are no tokens, or the file is not UTF-8.
        """
        with self._open_corpus(corpus_iterable, corpus_file, count=True) as corpus:
            counted = corpus.count_words(self.max_vocab_size, workers or self.workers, self.show_progress_bar)
        self.raw_vocab, n_sentences, n_tokens = counted
        logger.info("%s distinct words in %s tokens, %s sentences", len(self.raw_vocab), n_tokens, n_sentences)
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
            If no words are left, or there is nothing to choose from or to update.
        """
        if self.raw_vocab is None:
            raise ValueError("raw_vocab: there are no counts; call build_vocab, with keep_raw_vocab=True to keep them")
        min_count = self.min_count if min_count is None else min_count
        sample = self.sample if sample is None else sample
        selection = select_words(
            WordCounts.from_mapping(self.raw_vocab), min_count, sample, self.max_final_vocab, trim_rule
        )
        if not len(selection.kept) and not update:
            raise ValueError(explain_empty(selection, min_count, trim_rule, self.max_final_vocab, self.max_vocab_size))
        summary = f"min_count={selection.min_count} keeps {len(selection.kept)} of {len(selection.raw)} distinct words"
        logger.info("%s", summary)
        if dry_run:
            return selection.report

        if update:
            words, attributes = selection.merged_into(self._vocabulary_to_update(), self.wv.expandos)
        else:
            words, attributes = selection.vocabulary()
            if np.shape(getattr(self.wv, "vectors_lockf", 0)) != (1,):  # those of other words
                self.wv.vectors_lockf = np.ones(1, dtype=np.float32)
        self.min_count, self.sample, self.effective_min_count = min_count, sample, selection.min_count
        self.wv.set_words(words)
        self.wv.expandos = attributes
        if not keep_raw_vocab:
            self.raw_vocab = None
        self.add_lifecycle_event("prepare_vocab", msg=summary, update=update)
        return selection.report

    def _vocabulary_to_update(self) -> Vocabulary:
        words = self.wv.freeze()  # words may have been added with `add_vectors`
        if not len(words) or not len(self.wv.vectors):
            raise ValueError("update: there is no vocabulary to update; call build_vocab without update first")
        if len(self.wv.vectors) > len(words):
            raise ValueError(
                f"update: there are {len(words)} words, but {len(self.wv.vectors)} vectors; add words with "
                "wv.add_vectors(words, vectors)"
            )
        check_output_vectors(self.wv.vectors, self._matrices.output)
        return words

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[str, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: Callable[[str, int, int], int] | None = None,
        update: bool = False,
    ) -> None:
        """Build the vocabulary from word counts; see gensim's `Word2Vec.build_vocab_from_freq`.

        Raises
        ------
        ValueError
            If a key is not a string, a count is not an integer of at least 0, or no words are left.
        """
        counts = WordCounts.from_mapping(word_freq)
        with self._counts_restored_on_error():
            super().build_vocab_from_freq(counts, keep_raw_vocab, corpus_count, trim_rule, update)
        self.corpus_total_words = int(counts.counts.sum())

    def estimate_memory(self, vocab_size: int | None = None, report: dict[str, int] | None = None) -> dict[str, int]:
        """Estimate the memory that the model takes.

        Parameters
        ----------
        vocab_size : int, optional
            Number of words; by default, that of the vocabulary.
        report : dict of (str, int), optional
            Further items to include.

        Returns
        -------
        dict of (str, int)
            Bytes for "vocab", "vectors", "vectors_ngrams", "syn1neg", "weighting" (if one will be fitted), and their
            "total".
        """
        n_words = vocab_size or len(self.wv)
        lexical_dims = None if self.weighting is None else self.weighting.lexical_dims
        estimate = {**(report or {}), **memory_estimate(n_words, self._n_ngrams, self.vector_size, lexical_dims)}
        estimate["total"] = sum(estimate.values())
        logger.info("%s words of %s dimensions take %s bytes", n_words, self.vector_size, estimate["total"])
        return estimate

    def make_cum_table(self, domain: int = 2**31 - 1) -> None:
        """Nothing: `train` makes the table of negative samples, and does not keep it."""
        self.cum_table = None

    # -------------------------------------------------------------------------------------------------
    # The matrices

    @property
    def _n_ngrams(self) -> int:
        return self.bucket if self.word_ngrams > 1 else 0

    @property
    def _matrices(self) -> Matrices:
        parts: Any = (getattr(self, name, None) for name in ("placeholder", "syn1neg"))  # users may have deleted them
        return Matrices(self.wv.vectors, self.wv.vectors_ngrams, *parts)

    def init_weights(self) -> None:
        """Reset the vectors: input vectors uniform in ±1/vector_size, output vectors zero."""
        n = len(self.wv)
        self._require_memory(2 * n + 1 + self._n_ngrams)
        matrices = initial_matrices(n, self._n_ngrams, self.vector_size, self.seed, self.workers)
        self.wv.vectors, self.wv.vectors_ngrams, self.placeholder, self.syn1neg = matrices
        self._forget_derived()

    def update_weights(self) -> None:
        """Keep the vectors, and initialize those of words that were added to the vocabulary.

        Words that were added with ``wv.add_vectors`` keep their vectors, and get output vectors of zeros.
        """
        old, dim = len(self.wv.vectors), self.vector_size
        n_new, n_new_outputs = len(self.wv) - old, len(self.wv) - len(self.syn1neg)
        self._require_memory(len(self.wv) + n_new + n_new_outputs)  # one matrix is copied at a time
        new_rows = random_rows(n_new, dim, self.seed, WORDS, self.workers, first=old)
        self.wv.vectors = np.concatenate([self.wv.vectors, new_rows])
        self.wv._extend_lock_factors(old)
        self.syn1neg = np.concatenate([self.syn1neg, np.zeros((n_new_outputs, dim), dtype=np.float32)])
        self._forget_derived()

    def reset_from(self, other_model: Word2Vec) -> None:
        """Share the vocabulary of another model, and reset the vectors.

        Parameters
        ----------
        other_model : Sent2Vec or gensim.models.Word2Vec
            With a vocabulary. Neither model should then extend it.

        Raises
        ------
        TypeError
            If `other_model` is not such a model, or a word is not a string.
        ValueError
            If it has no vocabulary.
        """
        vocabulary, attributes = shared_vocabulary(other_model)
        self.wv = self._empty_vectors(self.vector_size, self.wv.tokenizer, self.wv.phrases)
        self.wv.set_words(vocabulary)
        self.wv.expandos = attributes
        self.corpus_count, self.corpus_total_words = other_model.corpus_count, other_model.corpus_total_words
        self.init_weights()

    def _require_memory(self, n_rows: int) -> None:
        require_memory(n_rows, self.vector_size, len(self.wv), self._n_ngrams, self.min_count)

    def _forget_derived(self) -> None:
        """Drop what was computed from the vectors and no longer matches them: norms and the fitted weighting."""
        self.wv.norms = None
        if self.wv.weighting is not None:
            self.weighting = _unfitted(self.wv.weighting)  # the user may have set another one since
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
        callbacks: Any = (),
        keep_tokens: str | os.PathLike[str] | None = None,
        **unsupported: Any,
    ) -> tuple[int, int]:
        """Train on a corpus, then fit the weighting to the new vectors. Call `build_vocab` first.

        During training, and after an interrupted one, ``wv.weighting`` is None; see `fit_weighting`.

        Parameters
        ----------
        corpus_iterable, corpus_file
            One of the two, as `sentences` and `corpus_file` of the class.
        total_examples, total_words : int, optional
            Sentences and tokens per epoch, on which the learning rate depends. By default, those of the corpus that
            `build_vocab` read.
        epochs : int, optional
            Passes over the corpus; by default, those of the model. The value replaces that of the model.
        start_alpha, end_alpha : float, optional
            Initial and final learning rate. They replace `alpha` and `min_alpha` of the model.
        word_count : int
            Tokens (or sentences, if only `total_examples` is known) that count as trained already.
        queue_factor : int
            Batches of `corpus_iterable` that may wait, per thread.
        report_delay : float
            Seconds between two progress reports.
        compute_loss : bool
            Compute the loss of this call.
        callbacks : CallbackAny2Vec, or an iterable of them, optional
            As for the class.
        keep_tokens : str or path-like, optional
            As for the class.

        Returns
        -------
        (int, int)
            Number of targets trained and of tokens read.

        Raises
        ------
        ValueError
            If there is no vocabulary, a parameter is out of range, or training diverged.
        KeyboardInterrupt
            Within a second of Ctrl-C. The model keeps what it has learned so far, and can be saved.
        """
        reject_unknown_options(unsupported, inspect.signature(self.train).parameters, CONSTRUCTOR, "train")
        callbacks = as_callbacks(callbacks)
        check_keyed_vectors(self.wv)  # users may have replaced them
        check_vocabulary(self.wv.index_to_key, self.wv.vectors)
        if total_words is None and total_examples is None:
            total_words, total_examples = self.corpus_total_words, self.corpus_count
        decay = LinearDecay.checked(
            self.epochs if epochs is None else epochs,
            self.alpha if start_alpha is None else start_alpha,
            self.min_alpha if end_alpha is None else end_alpha,
            total_words, total_examples, word_count,
        )  # fmt: skip
        self._check_trained_arrays()
        if decay.start > self.min_alpha_yet_reached:
            logger.warning(
                "Effective 'alpha' higher than previous training cycles: %g, after %g", decay.start,
                self.min_alpha_yet_reached,
            )  # fmt: skip
        expected = CorpusSize(total_examples or 0, total_words or 0)
        with self._open_corpus(corpus_iterable, corpus_file, decay.epochs, keep_tokens=keep_tokens) as corpus:
            return self._train(corpus, decay, expected, queue_factor, report_delay, compute_loss, callbacks)

    def _train(
        self,
        corpus: CheckedCorpus,
        decay: LinearDecay,
        expected: CorpusSize,
        queue_factor: int,
        report_delay: float,
        compute_loss: bool,
        callbacks: tuple[Any, ...],
    ) -> tuple[int, int]:
        self.alpha, self.min_alpha, self.epochs = decay.start, decay.end, decay.epochs
        self.compute_loss, self.running_training_loss = bool(compute_loss), 0.0
        schedule = decay.schedule()
        trainers = self._trainers(schedule)
        self._forget_derived()
        event = (
            f"{self.workers} workers, {len(self.wv)} words, word_ngrams={self.word_ngrams}, negative={self.negative}, "
            f"shared_negatives={self.shared_negatives}, epochs={self.epochs}, alpha={self.alpha}"
        )
        self.add_lifecycle_event("train", msg=event)
        if self.weighting is not None:
            corpus = corpus.sampled_while_read(self.weighting.sample_size)
        call(callbacks, "on_train_begin", self)
        with Progress("train", decay.total, decay.unit, self.show_progress_bar) as progress:
            run = TrainingRun(
                trainers, schedule, self.wv.freeze().table, progress,
                batch_words=self.batch_words, queue_size=max(1, queue_factor) * self.workers, report_delay=report_delay,
            )  # fmt: skip
            self._train_epochs(run, corpus, expected, callbacks)
        if self.weighting is not None:
            self._fit_weighting_if_possible(corpus)
        self.train_count += 1
        call(callbacks, "on_train_end", self)
        return run.trained_words, run.tokens

    def _check_trained_arrays(self) -> None:
        """Raise a ValueError that names what users replaced by something that cannot be trained."""
        check_matrices(self._matrices, len(self.wv), self._n_ngrams)
        self._lock_factors()
        checked_counts(self.wv.expandos, len(self.wv))
        if self.sample:
            checked_sample_int(self.wv.expandos, len(self.wv))

    def _lock_factors(self) -> np.ndarray | None:
        """The lock factors of words, None if all are 1."""
        for name in ("vectors_ngrams_lockf", "vectors_vocab_lockf"):
            if hasattr(self.wv, name):
                raise ValueError(
                    f"wv.{name}: the lock factors of FastText are not used; only words can be locked "
                    f"(wv.vectors_lockf), and n-grams are always trained; delete the attribute"
                )
        factors = self.wv._lock_factors()
        return None if (factors == 1).all() else factors

    def _trainers(self, schedule: _kernel.Schedule, stream: tuple[int, ...] = ()) -> list[_kernel.Trainer]:
        return make_trainers(
            self.workers,
            self._matrices,
            negative_weights(checked_counts(self.wv.expandos, len(self.wv)), self.ns_exponent),
            checked_sample_int(self.wv.expandos, len(self.wv)) if self.sample else None,
            schedule,
            seed=self.seed,
            train_count=self.train_count,
            word_ngrams=self.word_ngrams,
            skip_bigrams=self.skip_bigrams,
            epfml_hash=self.wv.ngram_hash == "epfml",
            dropout_k=self.dropout_k,
            negative=self.negative,
            shared_negatives=self.shared_negatives,
            compute_loss=self.compute_loss,
            stream=stream,
        )

    def _train_epochs(
        self, run: TrainingRun, corpus: CheckedCorpus, expected: CorpusSize, callbacks: tuple[Any, ...]
    ) -> None:
        try:
            for epoch in range(self.epochs):
                before = CorpusSize(run.lines, run.tokens)
                call(callbacks, "on_epoch_begin", self)  # which may lock words, or release them
                lock_factors = self._lock_factors()
                for trainer in run.trainers:
                    trainer.set_lock_factors(lock_factors)
                self.running_training_loss = run.train_epoch(corpus, epoch, self.epochs)
                if run.schedule.diverged:
                    raise ValueError(
                        f"alpha: training diverged in epoch {epoch + 1} at alpha={self.alpha}: values grew without "
                        "bound, and the vectors are useless; build the model again with a lower alpha"
                    )
                expected.warn_if_different(run.lines - before.examples, run.tokens - before.words, epoch + 1)
                self._clear_post_train()  # callbacks may query the vectors
                call(callbacks, "on_epoch_end", self)
        finally:
            self.running_training_loss = run.loss
            self.min_alpha_yet_reached = run.schedule.rate
            self._clear_post_train()

    # -------------------------------------------------------------------------------------------------
    # The weighting

    def fit_weighting(
        self,
        corpus_iterable: Iterable[Sequence[str]] | None = None,
        corpus_file: str | os.PathLike[str] | None = None,
        keep_tokens: str | os.PathLike[str] | None = None,
    ) -> None:
        """Fit ``wv.weighting`` to the current vectors, as `train` does at its end.

        Parameters
        ----------
        corpus_iterable, corpus_file
            One of the two, as in `train`; a sample that is spread evenly over the corpus is used.
        keep_tokens : str or path-like, optional
            As for the class.

        Raises
        ------
        ValueError
            If `SentenceWeighting.fit` raises it, for example because no word of the corpus is known.
        """
        with self._open_corpus(corpus_iterable, corpus_file, keep_tokens=keep_tokens) as corpus:
            self._fit_weighting(corpus)

    def _fit_weighting(self, corpus: CheckedCorpus) -> None:
        weighting = _unfitted(self.weighting or True)
        assert weighting is not None
        if weighting.pretrained is None and self.wv.weighting is not None:
            weighting.pretrained = self.wv.weighting.pretrained
        output = self.syn1neg if weighting.unit_words else None
        sentences = corpus.sample(weighting.sample_size)
        self.wv.weighting = weighting.fit(self.wv, sentences, output, self.show_progress_bar)
        if self.weighting is not None:
            self.weighting.pretrained = None  # they would be saved twice

    def _fit_weighting_if_possible(self, corpus: CheckedCorpus) -> None:
        """Fit the weighting after training, whose result must not be lost if the corpus does not suffice for that."""
        try:
            self._fit_weighting(corpus)
        except (ValueError, np.linalg.LinAlgError) as error:
            logger.warning("no weighting could be fitted, so sentence vectors are plain means: %s", error)

    # -------------------------------------------------------------------------------------------------
    # Files

    def save(self, fname_or_handle: Any, *args: Any, **kwargs: Any) -> None:
        """Save the model, with large arrays in separate files next to it; see gensim's `Word2Vec.save`.

        An existing model is replaced atomically: whatever happens, either the old or the new one can be loaded. The
        model in memory is not changed, so other threads may use it meanwhile.

        Parameters
        ----------
        fname_or_handle : str, path-like or file
            The path, or an open binary file, to which everything is written.
        *args, **kwargs
            Further arguments of gensim's method.

        Raises
        ------
        OSError
            If a file cannot be written.
        """
        kwargs.setdefault("sep_limit", SEPARATE)
        save_atomically(self, Word2Vec.save, fname_or_handle, *args, **kwargs)

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: str | None = None, trusted: bool = False) -> Sent2Vec:
        """Load a model that `save` wrote, to continue training or to use its vectors. Loading writes nothing.

        Parameters
        ----------
        fname : str or path-like
            The path that was passed to `save`.
        mmap : {None, 'r'}
            'r': memory-map the matrices read-only, so that processes share them. The model cannot be trained then.
        trusted : bool
            A model file is a pickle, which can execute code. Therefore only classes of models are loaded. True allows
            all classes, as for a tokenizer or a subclass of your own: only for files that you trust.

        Raises
        ------
        TypeError
            If the file contains another kind of model.
        ValueError
            If the file is not a saved model, or contains a class that only a trusted file may contain.
        """
        _reject_other_formats(fname)
        model = load_pickle(cls, fname, mmap, trusted)
        if not isinstance(model, cls):
            found = f"{type(model).__module__}.{type(model).__qualname__}"
            advice = ""
            if isinstance(model, Word2Vec):
                advice = (
                    f"; load it with gensim's {type(model).__name__}.load, and pass its vectors to "
                    "Sent2VecKeyedVectors.from_keyed_vectors(model.wv)"
                )
            raise TypeError(f"{os.fspath(fname)!r} contains a {found}, not a {cls.__name__}{advice}")
        return model


PREPARE_VOCAB = ("min_count", "sample", "dry_run")  # arguments of `prepare_vocab` that `build_vocab` passes on
CONSTRUCTOR = tuple(inspect.signature(Sent2Vec).parameters)


def _reject_other_formats(path: Any) -> None:
    """Raise a ValueError for a file of another program, before it is unpickled or takes memory."""
    path = os.fspath(path)
    if not os.path.isfile(path):
        return  # gensim reports a missing file, and loads from URLs
    with open_decompressed(path) as file:
        head = file.read(HEAD)
    if not head.startswith(PICKLE_MAGIC) and (description := describe_other_format(head)):
        raise ValueError(f"{path!r} is not a saved Sent2Vec: it {description}")


def _number_of_shared_negatives(shared_negatives: int | bool) -> int:
    if isinstance(shared_negatives, bool):
        return DEFAULT_SHARED_NEGATIVES if shared_negatives else 1
    return check_int("shared_negatives", shared_negatives, 0, MAX_INT)


def _unfitted(weighting: SentenceWeighting | bool | None) -> SentenceWeighting | None:
    """A weighting to be fitted: a copy of the parameters passed, or the default ones (True)."""
    if isinstance(weighting, SentenceWeighting):
        return weighting.unfitted()
    if weighting is not None and not isinstance(weighting, bool):
        raise TypeError(f"weighting: expected a SentenceWeighting, True or False, got {weighting!r}")
    return SentenceWeighting() if weighting else None
