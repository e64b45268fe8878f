"""The corpus of one call of `Sent2Vec`: checked once, tokenized once, and shared by all steps of the call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from .._text.corpus import Sample, begin_of, check_corpus_file, check_sentences, first_lines, sample_lines
from .._text.counting import WordCounts, count_file, count_words, take_counts
from .._text.inputs import as_column, checked_texts
from .._util.counted import counted
from .untokenized import HEAD, warn_if_untokenized

logger = logging.getLogger(__name__)


def check_corpus(sentences: Any, corpus_file: Any, passes: int, argument: str = "sentences") -> Any:
    """Check that exactly one corpus was passed, and that it can be read `passes` times.

    Parameters
    ----------
    sentences, corpus_file
        See `Sent2Vec`.
    passes : int
        How often the corpus will be read.
    argument : str
        The name of the argument that `sentences` was passed as.

    Returns
    -------
    iterable or None
        The sentences, to be read by position whatever the labels of a pandas index.

    Raises
    ------
    TypeError, OSError, ValueError
        As `check_sentences`, `as_column` and `check_corpus_file` do; a TypeError for no corpus or two.
    """
    if (sentences is None) == (corpus_file is None):
        raise TypeError(f"{argument}, corpus_file: pass exactly one of the two")
    if corpus_file is None:
        check_sentences(sentences, passes, argument)
        return as_column(sentences, argument, "texts or token lists")
    check_corpus_file(corpus_file)
    return None


@dataclass(frozen=True)
class CheckedCorpus:
    """A corpus that has been checked and tokenized. Either `sentences` or `path` is set, the other is None.

    Attributes
    ----------
    sentences : iterable of str or of sequences of str, or None
        Token lists, or texts that the kernel splits at whitespace.
    path : str or path-like or None
        A text file with one sentence per line and whitespace between tokens.
    argument : str
        The argument that the user passed, for errors.
    name : str
        What the user passed, as the subject of an error message.
    is_raw : bool
        Whether texts are split at whitespace only, so that they may turn out not to be tokenized.
    """

    sentences: Any
    path: Any
    argument: str
    name: str
    is_raw: bool = False

    def count_words(
        self, max_vocab_size: int | None, workers: int, show_progress_bar: bool | None
    ) -> tuple[WordCounts, int, int]:
        """Word counts, number of sentences and number of tokens.

        Raises
        ------
        ValueError
            If there are no tokens, or the file is not UTF-8.
        """
        if self.path is not None:
            begin = begin_of(self.path)
            result = take_counts(self.path, max_vocab_size) or count_file(
                self.path, max_vocab_size, workers, show_progress_bar, begin=begin
            )
            if self.is_raw:
                warn_if_untokenized(first_lines(self.path, HEAD), self.name)
        else:
            sentences = self._inspected() if self.is_raw else self.sentences
            result = count_words(sentences, max_vocab_size, show_progress_bar, name=self.argument)
        _, n_sentences, n_tokens = result
        if not n_tokens:
            raise ValueError(f"{self.name} is empty ({counted(n_sentences, 'sentence')}, no tokens)")
        return result

    def _inspected(self) -> Iterator[Any]:
        """The sentences; the first ones are inspected on the way, so that no further pass is needed."""
        iterator = iter(self.sentences)
        head = list(islice(iterator, HEAD))
        warn_if_untokenized(head, self.argument)
        yield from head
        yield from iterator

    def sampled_while_read(self, size: int) -> CheckedCorpus:
        """The same corpus, of which the first pass over an iterable collects the sample that `sample` returns."""
        return self if self.sentences is None else replace(self, sentences=SampledSentences(self.sentences, size))

    def sample(self, size: int) -> Iterable[Any]:
        """At most `size` sentences, spread evenly over a file; all sentences of an iterable that is not sampled yet."""
        if self.path is not None:
            return sample_lines(self.path, size)
        if isinstance(self.sentences, SampledSentences):
            return self.sentences.sample
        return checked_texts(self.sentences, self.argument)


@dataclass(frozen=True)
class CorpusSize:
    """The number of sentences and of tokens of one pass over a corpus; 0 if it is not known."""

    examples: int
    words: int

    def warn_if_different(self, examples: int, words: int, epoch: int) -> None:
        """Log a warning, as gensim does, if an epoch read another number of sentences or tokens than expected."""
        if self.examples and self.examples != examples:
            logger.warning(
                "EPOCH %i: supplied example count (%i) did not equal expected count (%i)", epoch, examples,
                self.examples,
            )  # fmt: skip
        if self.words and self.words != words:
            logger.warning(
                "EPOCH %i: supplied raw word count (%i) did not equal expected count (%i)", epoch, words, self.words
            )


class SampledSentences:
    """Sentences of which a sample is collected during the first pass, so that they need not be read once more."""

    def __init__(self, sentences: Iterable[Any], size: int) -> None:
        self.sentences, self._sample, self._read = sentences, Sample(size), False

    def __iter__(self) -> Iterator[Any]:
        first, self._read = not self._read, True
        return self._sample.record(self.sentences) if first else iter(self.sentences)

    @property
    def sample(self) -> list[Any]:
        return self._sample.sentences
