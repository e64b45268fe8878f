"""Corpora of tokens: text that is tokenized once, counted on the way, and kept for later runs on request."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO

from .._util.atomic import temporary_folder
from .._util.counted import counted
from .._util.progress import Progress
from .._util.warning import warn
from ..phrases import join_phrases
from ..tokenizers import describe
from .corpus import SpooledText, TextLines, TokenFile
from .counting import FileCounter
from .fingerprints import TextsFingerprint, is_pristine, new_hash, tokenization_facts
from .inputs import checked_texts
from .kept import (
    ARGUMENT,
    HEADER_BYTES,
    TextSample,
    blank_header,
    check_is_no_input,
    check_writable,
    checked_path,
    explain_other_facts,
    explain_other_tokens,
    pinned,
    publish,
    read_header,
    write_header,
)
from .tables import TextTable
from .tokenization import Observer, Tokenization, check_texts, write_tokens

logger = logging.getLogger("gensim_sent2vec.tokens")  # what is kept and used again; commands show it

SAMPLE_SIZE = 250  # texts that are tokenized again, to see whether kept tokens are those of the tokenizer
TEXTS_PER_UPDATE = 1 << 10  # of the progress bar, while texts are compared


class TokenizedSentences:
    """Token lists that need no tokenizer. Can be iterated over as often as `sentences` can.

    Parameters
    ----------
    sentences : iterable of sequences of str
    phrases : optional
        Phrases to join, as returned by `freeze_phrases`; None if there are none, or they have been joined already.
    """

    def __init__(self, sentences: Iterable[Sequence[str]], phrases: Any = None) -> None:
        self.sentences, self.phrases = sentences, phrases

    def __iter__(self) -> Iterator[list[str]]:
        return (join_phrases(sentence, self.phrases) for sentence in self.sentences)


@dataclass(frozen=True)
class TokenizingOptions:
    """How a corpus is tokenized.

    Attributes
    ----------
    workers : int, optional
        Processes, or Kiwi's threads; by default, one per CPU.
    show_progress_bar : bool, optional
        See `Sent2Vec`.
    count : bool
        Whether to count the words on the way.
    max_vocab_size : int, optional
        With which they are counted, see `count_words`.
    keep : str or path-like, optional
        The file of kept tokens.
    """

    workers: int | None = None
    show_progress_bar: bool | None = None
    count: bool = False
    max_vocab_size: int | None = None
    keep: Any = None


def check_keep_tokens(path: Any, sentences: Any, corpus_file: Any) -> None:
    """Check the path of a file of kept tokens, if any, before a corpus is opened; it must not be a part of that.

    Raises
    ------
    TypeError, ValueError, OSError
        As `checked_path` and `check_is_no_input` do.
    """
    if path is not None:
        paths = sentences.paths if isinstance(sentences, TextTable) else [corpus_file]
        check_is_no_input(checked_path(path), filter(None, paths))


@contextmanager
def as_tokens(
    sentences: Any,
    corpus_file: Any,
    tokenization: Tokenization,
    options: TokenizingOptions = TokenizingOptions(),
    argument: str = "sentences",
) -> Iterator[tuple[Any, Any]]:
    """Prepare a corpus for the kernel, for the duration of a ``with`` block.

    Texts are tokenized once, into a temporary file. So is a `TextTable`, even if its texts are only split at
    whitespace: threads cannot read parts of a table, and each epoch would parse it again. Token lists only have their
    phrases joined. A corpus that has been tokenized already is passed through, and so is any other corpus if the kernel
    can split the texts itself. Errors name `argument` if there are `sentences`.

    Yields
    ------
    (sentences, corpus_file)
        One of them is None.

    Raises
    ------
    ValueError
        If tokens should be kept of a corpus that needs no tokenizer; as `kept.checked_path` and `kept.read_header` do.
    """
    kept = None if options.keep is None else checked_path(options.keep)
    tokenized = isinstance(corpus_file, TokenFile) or isinstance(sentences, TokenizedSentences)
    if isinstance(sentences, TextTable) and sentences.lines is not None and sentences.lines.plain_path is not None:
        sentences, corpus_file = None, _plain_file(sentences.lines)  # a copy lives as long as the table of the caller
    if kept is not None and (tokenized or tokenization.is_whitespace_split):
        raise _nothing_to_keep("it has been tokenized already" if tokenized else "texts are only split at whitespace")
    if tokenized or (tokenization.is_whitespace_split and not isinstance(sentences, TextTable)):
        yield sentences, corpus_file
        return
    if corpus_file is None and not isinstance(sentences, TextTable):
        if kept is not None:
            _check_repeatable(sentences, argument)
        first, sentences = _peek(sentences)
        if not isinstance(first, str):
            if kept is not None:
                raise _nothing_to_keep("it consists of token lists" if first is not None else "it is empty")
            phrases = tokenization.phrases
            yield (sentences if phrases is None else TokenizedSentences(sentences, phrases)), None
            return
    texts, folder = _source(sentences, corpus_file, argument)
    opened = _temporary(texts, folder, tokenization, options)
    with opened if kept is None else _kept(texts, kept, tokenization, options) as tokens:
        yield None, tokens


def _source(sentences: Any, corpus_file: Any, argument: str) -> tuple[Any, str]:
    """The texts of a corpus, and the directory for a temporary file with their tokens."""
    if corpus_file is not None:
        lines = TextLines(corpus_file)
        parent = os.path.dirname(os.path.abspath(lines.path))
        return lines, parent if os.access(parent, os.W_OK) else tempfile.gettempdir()
    if isinstance(sentences, TextTable):
        return sentences.lines or sentences, tempfile.gettempdir()
    return checked_texts(sentences, argument), tempfile.gettempdir()


@contextmanager
def _temporary(
    texts: Any, folder: str, tokenization: Tokenization, options: TokenizingOptions
) -> Iterator[TokenFile | SpooledText]:
    """The tokens of texts in a temporary file."""
    with temporary_folder(os.path.join(folder, "gensim-sent2vec")) as temporary:
        path = os.path.join(temporary, "tokens.txt")
        counter = _write(texts, path, tokenization, options, _Counting(texts, path, options))
        tokens = SpooledText(path, texts.shown) if tokenization.is_whitespace_split else TokenFile(path)
        tokens.counter = counter
        yield tokens


def _check_repeatable(sentences: Any, argument: str) -> None:
    if isinstance(sentences, Iterator):
        raise TypeError(
            f"{argument}: {ARGUMENT} reads the texts twice, to compare them with those of kept tokens, but a "
            f"{type(sentences).__name__} can be read only once; pass a list, or a file"
        )


def _nothing_to_keep(why: str) -> ValueError:
    return ValueError(f"{ARGUMENT}: nothing is tokenized, because {why}; leave the option out")


class _Counting(Observer):
    """Counts the words of the tokens, if `options` say so."""

    def __init__(self, texts: Any, path: str, options: TokenizingOptions) -> None:
        self.counter: FileCounter | None = None
        if options.count:
            shown = getattr(texts, "shown", "texts")
            self.counter = FileCounter(path, shown, options.max_vocab_size, begin=len(self.header))

    def on_write(self, file: BinaryIO, data: bytes) -> None:
        if self.counter is not None:
            self.counter.on_write(file, data)

    def on_close(self) -> FileCounter | None:
        """Count what is left; return the counter."""
        if self.counter is not None:
            self.counter.count()
        return self.counter


def _write(
    texts: Any, path: str, tokenization: Tokenization, options: TokenizingOptions, observer: _Counting
) -> FileCounter | None:
    """Write the tokens of texts to a temporary file."""
    write_tokens(texts, path, tokenization, options.workers, options.show_progress_bar, observer)
    return observer.on_close()


def _plain_file(lines: TextLines) -> Any:
    """The file of plain text with these lines, which may be a copy."""
    lines.check()
    path = lines.plain_path
    return path if path is None or path == lines.path else SpooledText(path, lines.shown)


def _peek(items: Iterable[Any]) -> tuple[Any, Iterable[Any]]:
    """The first item, None if there is none, and all items."""
    iterator = iter(items)
    head = list(islice(iterator, 1))
    first = head[0] if head else None
    return first, chain(head, iterator) if iterator is items else items  # into an iterator, it is put back


# -----------------------------------------------------------------------------------------------------
# Kept tokens


@contextmanager
def _kept(texts: Any, path: str, tokenization: Tokenization, options: TokenizingOptions) -> Iterator[TokenFile]:
    """The tokens of texts from a file of kept tokens, which is written first if it is missing or out of date."""
    # Before the tokenizer changes its state:
    facts = tokenization_facts(tokenization.tokenizer, tokenization.phrases)
    pristine = is_pristine(tokenization.tokenizer)
    with ExitStack() as stack:
        if os.path.exists(path) and os.path.getsize(path):
            file = stack.enter_context(pinned(path))
            reason = _out_of_date(file, path, texts, facts, tokenization, options)
            if reason is None:
                yield _token_file(file)
                return
            stack.close()
            logger.warning("%s: %r is out of date: %s; the corpus is tokenized again", ARGUMENT, path, reason)
        check_writable(path)
        folder = stack.enter_context(temporary_folder(path))
        file = os.path.join(folder, "tokens.txt")
        observer = _Keeping(texts, file, options)
        counter = _write(texts, file, tokenization, options, observer)
        write_header(file, {**observer.fields(), "pristine": pristine, "facts": facts})
        try:
            publish(file, path)
            logger.info("%s: kept the tokens in %r", ARGUMENT, path)
        except (OSError, ValueError) as error:
            warn(f"the tokens are not kept for other runs, but this one goes on with them: {error}")
        tokens = _token_file(file)
        tokens.counter = counter
        yield tokens


def _token_file(path: str) -> TokenFile:
    tokens = TokenFile(path)
    tokens.begin = HEADER_BYTES
    return tokens


def _out_of_date(
    file: str,
    path: str,
    texts: Any,
    facts: dict[str, Any],
    tokenization: Tokenization,
    options: TokenizingOptions,
) -> str | None:
    """Why the tokens in `file` are not those of texts, as a clause for a message; None if they are."""
    fields = read_header(file, path)
    reason = explain_other_facts(fields, facts)
    if reason is not None:
        return reason
    found, sample = TextsFingerprint(), TextSample(SAMPLE_SIZE)
    with Progress("compare texts", fields["n_texts"], "sentences", options.show_progress_bar) as progress:
        for _ in sample.record(found.record(check_texts(texts))):
            if found.n_texts % TEXTS_PER_UPDATE == 0:
                progress.update(found.n_texts)
    if (found.n_texts, found.hexdigest()) != (fields["n_texts"], fields["texts"]):
        before, after = (counted(n, "text") for n in (fields["n_texts"], found.n_texts))
        return "the texts have changed" + (f": there were {before}, there are {after}" if before != after else "")
    if not (fields["pristine"] and is_pristine(tokenization.tokenizer)):
        reason = explain_other_tokens(file, sample.texts, lambda text: " ".join(tokenization(text)))
    if reason is None:
        shown = describe(tokenization.tokenizer)
        logger.info("%s: using the tokens of %s by %s in %r", ARGUMENT, counted(found.n_texts, "text"), shown, path)
    return reason


class _Keeping(_Counting):
    """Takes the fingerprints of texts and tokens, and counts the words if `options` say so."""

    header = blank_header()

    def __init__(self, texts: Any, path: str, options: TokenizingOptions) -> None:
        super().__init__(texts, path, options)
        self._texts, self._tokens, self._n_bytes = TextsFingerprint(), new_hash(), 0

    def on_read(self, texts: Iterable[str]) -> Iterable[str]:
        return self._texts.record(texts)

    def on_write(self, file: BinaryIO, data: bytes) -> None:
        super().on_write(file, data)
        self._tokens.update(data)
        self._n_bytes += len(data)

    def fields(self) -> dict[str, Any]:
        """What the header says of the texts and the tokens."""
        return {
            "n_texts": self._texts.n_texts,
            "texts": self._texts.hexdigest(),
            "n_bytes": self._n_bytes,
            "tokens": self._tokens.hexdigest(),
        }
