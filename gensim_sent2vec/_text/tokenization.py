"""Many texts into tokens: a stream, a file, a whole corpus, by all cores."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, takewhile
from typing import Any

import smart_open

from .._util.batches import batched
from .._util.progress import Progress
from .._util.threads import available_cpus, ordered_map
from ..phrases import frozen, joined
from ..tokenizers import DEFAULT, describe, name_of, resolve
from .corpus import TextLines, TokenFile

BATCH = 1 << 10  # texts that a process is handed together


class Tokenization:
    """What makes tokens of a text: a tokenizer, then phrases.

    Parameters
    ----------
    tokenizer : str or callable
        See `gensim_sent2vec.tokenizers`.
    phrases : None, gensim Phrases or FrozenPhrases, or a sequence of them
        See `gensim_sent2vec.phrases.frozen`.
    """

    def __init__(self, tokenizer: Any = DEFAULT, phrases: Any = None) -> None:
        self.tokenizer, self.phrases = tokenizer, frozen(phrases)
        self._tokens_of = resolve(tokenizer)

    @property
    def native(self) -> bool:
        """Whether the kernel does the same by itself."""
        return self.phrases is None and name_of(self.tokenizer) == DEFAULT

    def _finished(self, tokens: Any) -> list[str]:
        """The tokens with phrases joined; no whitespace within one, as a file could not hold it."""
        if isinstance(tokens, str) or not isinstance(tokens, Iterable):
            raise TypeError(
                f"tokenizer: {describe(self.tokenizer)} must return a list of strings, not a {type(tokens).__name__}"
            )
        tokens = joined(tokens, self.phrases)
        if " ".join(tokens).split() == tokens:
            return tokens
        return ["_".join(token.split()) for token in tokens if token.strip()]

    def __call__(self, text: str) -> list[str]:
        """The tokens of a text."""
        return self._finished(self._tokens_of(text))

    def stream(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """The tokens of many texts, in this process; by the tokenizer's own threads where it has some."""
        many: Callable[[Iterable[str]], Iterable[Any]] | None = getattr(self._tokens_of, "stream", None)
        return map(self._finished, many(_only_texts(texts)) if many else map(self._tokens_of, _only_texts(texts)))

    def lines(self, texts: Iterable[str], workers: int) -> Iterator[str]:
        """The tokens of many texts, joined by blanks, by so many processes (or the tokenizer's own threads)."""
        if workers == 1:
            return (" ".join(self(text)) for text in _only_texts(texts))
        if hasattr(self._tokens_of, "stream"):
            return map(" ".join, self.stream(texts))
        return self._by_processes(batched(_only_texts(texts), BATCH), workers)

    def _by_processes(self, parts: Iterator[list[str]], workers: int) -> Iterator[str]:
        first = list(next(parts, []))
        context = multiprocessing.get_context("fork" if _can_fork() else None)
        if len(first) < BATCH or not (_can_fork() or picklable(self)):
            yield from (" ".join(self(text)) for text in chain(first, chain.from_iterable(parts)))
            return
        stop = context.RawValue("b", 0)  # read before each text: a Ctrl-C need not wait for a batch
        with ProcessPoolExecutor(workers, context, _start_process, (self, stop)) as pool:
            try:
                for lines in ordered_map(pool, _batch_in_process, chain([first], parts), 2 * workers):
                    yield from lines
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    f"a process that ran the tokenizer {describe(self.tokenizer)} was ended from outside (for want of "
                    "memory?) or could not start; try workers=1"
                ) from error
            finally:
                stop.value = 1


_in_process: tuple[Tokenization, Any]  # of a process of the pool: what it does, and whether it shall stop


def _start_process(tokenization: Tokenization, stop: Any) -> None:
    global _in_process
    _in_process = tokenization, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the process that has the pool


def _batch_in_process(texts: list[str]) -> list[str]:
    tokenization, stop = _in_process
    return [" ".join(tokenization(text)) for text in takewhile(lambda _: not stop.value, texts)]


def _can_fork() -> bool:
    return sys.platform == "linux"  # on macOS its libraries do not bear it, on Windows there is none


def picklable(value: Any) -> bool:
    """Whether `pickle` takes it."""
    try:
        pickle.dumps(value)
    except Exception:  # whatever an object's own pickling raises
        return False
    return True


def _only_texts(texts: Iterable[Any]) -> Iterator[str]:
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"sentences: all must be texts where the first one is, got a {type(text).__name__}")
        yield text


# -----------------------------------------------------------------------------------------------------
# Files


def tokenize_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    tokenizer: Any = DEFAULT,
    phrases: Any = None,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> TokenFile:
    """Tokenise a text file, line for line.

    Parameters
    ----------
    source : str or path-like
        UTF-8 text, one sentence a line; compressed as its name says, or ``-`` for standard input.
    target : str or path-like
        The file to write: the tokens of each line, separated by blanks. It takes its place when it is complete.
    tokenizer : str or callable
        A name ("kiwi", "words", …, see `gensim_sent2vec.tokenizers`), or a function from a text to a list of tokens.
    phrases : gensim Phrases or FrozenPhrases, or a sequence of them, optional
        Joined after tokenising.
    workers : int, optional
        Processes (Kiwi: threads, all CPUs unless 1); all CPUs by default.
    show_progress_bar : bool, optional
        By default a bar appears on a terminal when the work takes longer than two seconds.

    Returns
    -------
    TokenFile
        The target, for ``Sent2Vec(corpus_file=…, tokenizer=…)`` to take as it is.

    Raises
    ------
    OSError
        Where a file cannot be read or written.
    ValueError
        Where the source is not UTF-8.
    ImportError
        Where the tokenizer's package is missing.
    """
    lines = TextLines(source)
    target = os.path.abspath(os.fspath(target))
    tokenization = Tokenization(tokenizer, phrases)
    with _folder_for(target) as folder:
        part = os.path.join(folder, os.path.basename(target))
        write_tokens(lines, part, tokenization, workers, show_progress_bar)
        os.replace(part, target)
    return TokenFile(target)


def _folder_for(path: str) -> tempfile.TemporaryDirectory[str]:
    """A folder beside a file, that is removed after use."""
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"there is no directory {folder!r} to write {path!r} to")
    return tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-")


def write_tokens(
    texts: Iterable[str], path: str, tokenization: Tokenization, workers: int | None = None, show: bool | None = None
) -> None:
    """Write the tokens of some texts, one text a line, to a file."""
    workers = available_cpus() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    total = len(texts) if isinstance(texts, Sized) else None
    unit, plain = "sentences", texts.plain_path if isinstance(texts, TextLines) else None
    if plain is not None:
        unit, total = "B", os.path.getsize(plain)
    try:
        with Progress("tokenize", total, unit, show) as progress, smart_open.open(path, "wb") as file:
            for number, line in enumerate(tokenization.lines(texts, workers), 1):
                file.write(line.encode("utf-8", "replace") + b"\n")
                if number % BATCH == 0:
                    progress.update(texts.position if isinstance(texts, TextLines) and plain else number)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        folder = os.path.dirname(os.path.dirname(path))
        raise OSError(error.errno, f"the tokenised corpus does not fit in {folder!r}; make room there") from error


# -----------------------------------------------------------------------------------------------------
# Corpora


class PhraseSentences:
    """Token lists with phrases joined (None: that are joined already), as often as the sentences can be read."""

    def __init__(self, sentences: Iterable[Sequence[str]], phrases: Any) -> None:
        self.sentences, self.phrases = sentences, phrases

    def __iter__(self) -> Iterator[list[str]]:
        return (joined(sentence, self.phrases) for sentence in self.sentences)


@contextmanager
def as_tokens(
    sentences: Any, corpus_file: Any, tokenization: Tokenization, workers: int | None = None, show: bool | None = None
) -> Iterator[tuple[Any, Any]]:
    """A corpus as the kernel reads it, for the length of a ``with`` block.

    What has been tokenised stays as it is, and so does all where the kernel does the tokenising itself. Texts, of a
    file or one by one, are tokenised once into a temporary file; token lists only get their phrases.

    Yields
    ------
    (sentences, corpus_file)
        One of them is None.
    """
    if tokenization.native or isinstance(corpus_file, TokenFile) or isinstance(sentences, PhraseSentences):
        yield sentences, corpus_file
        return
    if corpus_file is not None:
        texts: Any = TextLines(corpus_file)
        beside = os.path.dirname(os.path.abspath(texts.path))
        folder = beside if os.access(beside, os.W_OK) else tempfile.gettempdir()
    else:
        iterator = iter(sentences)
        first = next(iterator, None)
        if iterator is sentences:  # can be read only once
            sentences = chain([] if first is None else [first], iterator)
        texts = sentences
        if not isinstance(first, str):
            yield (PhraseSentences(sentences, tokenization.phrases) if tokenization.phrases else sentences), None
            return
        folder = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".gensim-sent2vec-") as inside:
        path = os.path.join(inside, "tokens.txt")
        write_tokens(texts, path, tokenization, workers, show)
        yield None, TokenFile(path)
