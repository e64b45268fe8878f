"""The corpus of one call of `Sent2Vec`: checked once, tokenized once, and shared by all steps of the call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .._text.corpus import Sample, check_corpus_file, check_sentences, sample_lines
from .._text.counting import WordCounts, count_file, count_words


def check_corpus(sentences: Any, corpus_file: Any, passes: int) -> str:
    """Check that exactly one corpus was passed, and that it can be read `passes` times.

    Returns
    -------
    str
        The corpus as the subject of an error message.

    Raises
    ------
    TypeError, OSError, ValueError
        As `check_sentences` and `check_corpus_file` do; a TypeError for no corpus or two.
    """
    if (sentences is None) == (corpus_file is None):
        raise TypeError("sentences, corpus_file: pass exactly one of the two")
    if corpus_file is None:
        check_sentences(sentences, passes)
        return "sentences: the corpus"
    check_corpus_file(corpus_file)
    return f"corpus_file: {os.fspath(corpus_file)!r}"


@dataclass(frozen=True)
class CheckedCorpus:
    """A corpus that has been checked and tokenized. Either `sentences` or `path` is set, the other is None.

    Attributes
    ----------
    sentences : iterable of sequences of str or None
        Token lists.
    path : str or path-like or None
        A text file with one sentence per line and whitespace between tokens.
    name : str
        What the user passed, as the subject of an error message.
    """

    sentences: Any
    path: Any
    name: str

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
            counted = count_file(self.path, max_vocab_size, workers, show_progress_bar)
        else:
            counted = count_words(self.sentences, max_vocab_size, show_progress_bar)
        _, n_sentences, n_tokens = counted
        if not n_tokens:
            raise ValueError(f"{self.name} is empty ({n_sentences} sentences, no tokens)")
        return counted

    def sampled_while_read(self, size: int) -> CheckedCorpus:
        """The same corpus, of which the first pass over an iterable collects the sample that `sample` returns."""
        return self if self.sentences is None else replace(self, sentences=SampledSentences(self.sentences, size))

    def sample(self, size: int) -> Iterable[Any]:
        """At most `size` sentences, spread evenly over a file; all sentences of an iterable that is not sampled yet."""
        if self.path is not None:
            return sample_lines(self.path, size)
        return self.sentences.sample if isinstance(self.sentences, SampledSentences) else self.sentences


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
