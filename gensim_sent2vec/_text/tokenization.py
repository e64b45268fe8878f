"""Tokenizing texts and files, on all CPUs."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice, takewhile
from typing import Any, BinaryIO

import smart_open

from .._util.atomic import atomic_path
from .._util.batches import batched, known_length
from .._util.hints import with_hints
from .._util.missing import check_input
from .._util.pickling import is_picklable
from .._util.progress import Progress
from .._util.threads import available_cpus, check_threads, ordered_map
from .._util.warning import warn
from ..phrases import freeze_phrases, join_phrases
from ..tokenizers import DEFAULT, Kiwi, describe, name_of, resolve
from .corpus import TextLines, TokenFile
from .inputs import check_text
from .tables import TextTable

POOL_THREADS = 2  # of a ProcessPoolExecutor, in this process
LEAST_TEXTS = 1 << 10  # starting processes for fewer does not pay
FIRST_TEXTS, MOST_TEXTS = 1 << 5, 1 << 10  # that are sent to a worker process together, at first and at most
TASK_SECONDS = 0.1  # for which they should keep it busy
MOST_THREADS = 8  # of Kiwi; the calling thread takes a thirteenth of the time that Kiwi takes for a text
TEXTS_PER_UPDATE = 1 << 5  # texts between two looks at the clock; a slow tokenizer takes milliseconds for each


class Tokenization:
    """A tokenizer, followed by the joining of phrases.

    Parameters
    ----------
    tokenizer : str or callable
        See `gensim_sent2vec.tokenizers`.
    phrases : None, gensim Phrases or FrozenPhrases, or a sequence of them
        See `gensim_sent2vec.phrases.freeze_phrases`.
    """

    def __init__(self, tokenizer: Any = DEFAULT, phrases: Any = None) -> None:
        self.tokenizer, self.phrases = tokenizer, freeze_phrases(phrases)
        self._tokenize = resolve(tokenizer)

    @property
    def is_whitespace_split(self) -> bool:
        """Whether texts are only split at whitespace, which the kernel does itself."""
        return self.phrases is None and name_of(self.tokenizer) == DEFAULT

    def __call__(self, text: str) -> list[str]:
        """The tokens of a text."""
        return self._postprocess(self._tokenize(text))

    def _postprocess(self, tokens: Any) -> list[str]:
        """Check the output of the tokenizer, join phrases, and replace whitespace, which separates tokens in files."""
        if isinstance(tokens, str) or not isinstance(tokens, Iterable):
            raise TypeError(
                f"tokenizer: {describe(self.tokenizer)} must return a list of strings, not a {type(tokens).__name__}"
            )
        tokens = join_phrases(tokens, self.phrases)
        if " ".join(tokens).split() == tokens:
            return tokens
        return ["_".join(token.split()) for token in tokens if token.strip()]

    def stream(self, texts: Iterable[str], workers: int | None = None) -> Iterator[list[str]]:
        """The tokens of many texts, in this process; in several threads if the tokenizer has its own.

        Parameters
        ----------
        texts : iterable of str
        workers : int, optional
            Number of these threads, if the tokenizer is not loaded yet; by default, one per CPU.
        """
        texts, tokenize = check_texts(texts), self._tokenize
        if isinstance(tokenize, Kiwi):
            return map(self._postprocess, tokenize.stream(texts, workers))
        stream: Callable[[Iterable[str]], Iterable[Any]] | None = getattr(tokenize, "stream", None)
        return map(self._postprocess, stream(texts) if stream else map(tokenize, texts))

    def lines(self, texts: Iterable[str], workers: int) -> Iterator[str]:
        """The tokens of many texts, each text as a line of tokens separated by spaces.

        Parameters
        ----------
        texts : iterable of str
        workers : int
            Number of processes, or of threads if the tokenizer has its own. All that threads return passes through the
            calling thread, so with more than `MOST_THREADS`, Kiwi runs in forked processes, which share its dictionary.
        """
        if workers == 1:
            return (" ".join(self(text)) for text in check_texts(texts))
        if isinstance(self._tokenize, Kiwi) and _can_fork():
            by_processes = workers > MOST_THREADS or not self._tokenize.has_threads
            self._tokenize.load(workers)
            self._tokenize("가")  # the dictionary is read now, and not by each process
        else:
            by_processes = not hasattr(self._tokenize, "stream")
        if by_processes:
            return self._lines_by_processes(check_texts(texts), workers)
        return map(" ".join, self.stream(texts, workers))

    def _lines_by_processes(self, texts: Iterator[str], workers: int) -> Iterator[str]:
        first = list(islice(texts, LEAST_TEXTS))
        pool = self._pool(workers) if len(first) == LEAST_TEXTS else None
        if pool is None:
            yield from (" ".join(self(text)) for text in chain(first, texts))
            return
        tasks = _Tasks(chain(first, texts))
        with pool:
            try:
                for lines, seconds in ordered_map(pool, _tokenize_batch, tasks, 2 * workers):
                    tasks.took(len(lines), seconds)
                    yield from lines
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    f"a process that ran the tokenizer {describe(self.tokenizer)} was killed (out of memory?) or could "
                    "not start; try workers=1"
                ) from error
            finally:
                pool.stop()

    def _pool(self, workers: int) -> _Pool | None:
        """Processes that tokenize; None, after a warning, if there cannot be any."""
        if multiprocessing.current_process().daemon:
            reason = "this process is a daemon of multiprocessing, which may not start others"
        elif not (_can_fork() or is_picklable(self)):
            reason = "it cannot be pickled; define it at the top level of a module"
        else:
            check_threads(POOL_THREADS)
            try:
                return _Pool(self, workers)
            except (OSError, NotImplementedError) as error:  # no shared memory, as in some containers
                reason = f"the system does not let processes share memory ({error})"
        warn(f"the tokenizer {describe(self.tokenizer)} uses one CPU instead of {workers}: {reason}")
        return None


class _Tasks:
    """Batches of texts, of such sizes that a process takes about `TASK_SECONDS` for each."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts, self._size = texts, FIRST_TEXTS

    def __iter__(self) -> Iterator[list[str]]:
        while batch := list(islice(self._texts, self._size)):
            yield batch

    def took(self, n: int, seconds: float) -> None:
        """Adapt the sizes of the next batches to one that has been tokenized."""
        self._size = min(max(int(n * TASK_SECONDS / max(seconds, 1e-6)), 1), MOST_TEXTS)


class _Pool(ProcessPoolExecutor):
    """Worker processes that tokenize, and a flag that stops them."""

    def __init__(self, tokenization: Tokenization, workers: int) -> None:
        context = multiprocessing.get_context("fork" if _can_fork() else None)
        self._stop = context.RawValue("b", 0)
        super().__init__(workers, context, _init_worker, (tokenization, self._stop))

    def stop(self) -> None:
        """End running batches after their present texts, so that Ctrl-C does not wait for entire batches."""
        self._stop.value = 1


_worker: tuple[Tokenization, Any]  # in a worker process: the tokenization, and the flag that stops it


def _init_worker(tokenization: Tokenization, stop: Any) -> None:
    global _worker
    _worker = tokenization, stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles Ctrl-C


def _end_with_parent() -> None:
    """End this process when its parent is killed; its pool would wait for work forever, and hold locks on files."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _tokenize_batch(texts: list[str]) -> tuple[list[str], float]:
    """The lines of tokens, and the seconds that they took."""
    tokenization, stop = _worker
    began = time.perf_counter()
    lines = [" ".join(tokenization(text)) for text in takewhile(lambda _: not stop.value, texts)]
    return lines, time.perf_counter() - began


def _can_fork() -> bool:
    return sys.platform == "linux"  # unsafe with the system libraries of macOS; not available on Windows


def check_texts(texts: Iterable[Any], name: str = "sentences") -> Iterator[str]:
    """Yield texts; a TypeError for the row of anything else."""
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            check_text(text, f"{name}: row {row:,}")
            raise TypeError(
                f"{name}: row {row:,}: the first one is a text, so all must be texts; got {type(text).__name__}"
            )
        yield text


# -----------------------------------------------------------------------------------------------------
# Files


@with_hints
def tokenize_file(
    source: str | os.PathLike[str] | TextTable,
    target: str | os.PathLike[str],
    tokenizer: Any = DEFAULT,
    phrases: Any = None,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> TokenFile:
    """Tokenize a text file line by line, or a column of a table row by row.

    Parameters
    ----------
    source : str or path-like or TextTable
        A file that `TextTable` reads, such as UTF-8 text with one sentence per line, or ``-`` for standard input.
    target : str or path-like
        The file to write: one line of space-separated tokens per text of `source`. It is replaced atomically.
    tokenizer : str or callable
        A name ("kiwi", "words", …, see `gensim_sent2vec.tokenizers`), or a function from a text to a list of tokens.
    phrases : gensim Phrases or FrozenPhrases, or a sequence of them, optional
        Phrases to join after tokenizing.
    workers : int, optional
        Number of processes, or of Kiwi's threads; by default, one per CPU. If Kiwi is loaded, it keeps those it has.
    show_progress_bar : bool, optional
        By default, a bar appears on a terminal if the work takes longer than two seconds.

    Returns
    -------
    TokenFile
        The target. ``Sent2Vec(corpus_file=…, tokenizer=…)`` reads it without tokenizing it again.

    Raises
    ------
    OSError
        If a file cannot be read or written.
    ValueError
        If the source is not UTF-8, or a table in which the column of texts is not found; see `TextTable`.
    ImportError
        If the tokenizer needs a package that is not installed.
    """
    check_input(source, "source", "a file of texts")
    table = source if isinstance(source, TextTable) else TextTable(source)
    target = os.path.abspath(os.fspath(target))
    tokenization = Tokenization(tokenizer, phrases)
    with atomic_path(target) as unfinished:
        write_tokens(table.lines or table, unfinished, tokenization, workers, show_progress_bar)
    return TokenFile(target)


class Observer:
    """Looks on while the tokens of texts are written to a file. This one does nothing; others override its methods."""

    header = b""  # what the file begins with

    def on_read(self, texts: Iterable[str]) -> Iterable[str]:
        """The texts, which are looked at while they are read."""
        return texts

    def on_write(self, file: BinaryIO, data: bytes) -> None:
        """Look at the lines that have just been written."""


def write_tokens(
    texts: Iterable[str],
    path: str,
    tokenization: Tokenization,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
    observer: Observer | None = None,
) -> None:
    """Write the tokens of texts to a file, one text per line.

    Parameters
    ----------
    texts : iterable of str
    path : str
        Compressed if its suffix says so.
    tokenization : Tokenization
    workers : int, optional
        See `tokenize_file`.
    show_progress_bar : bool, optional
    observer : Observer, optional
    """
    workers = available_cpus() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers: must be at least 1, got {workers}")
    observer = observer or Observer()
    counted, shown = _Counted(texts, observer.on_read), getattr(texts, "shown", "texts")
    n_written = 0
    try:
        with (
            Progress("tokenize", counted.total(), counted.unit, show_progress_bar) as progress,
            smart_open.open(path, "wb") as file,
        ):
            file.write(observer.header)
            for lines in batched(tokenization.lines(counted, workers), TEXTS_PER_UPDATE):
                data = _joined(lines, n_written, shown)
                file.write(data)
                observer.on_write(file, data)
                n_written += len(lines)
                progress.update(n_written, counted.total())
            progress.update(counted.n_read, counted.total())
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        folder = os.path.dirname(os.path.dirname(path))
        raise OSError(error.errno, f"not enough disk space for the tokenized corpus in {folder!r}") from error


def _joined(lines: list[str], n_before: int, shown: str) -> bytes:
    """Lines of tokens as the bytes of a file."""
    text = "\n".join(lines)
    if "\0" in text:
        number, line = next((i, line) for i, line in enumerate(lines, n_before + 1) if "\0" in line)
        raise ValueError(f"{shown}: text {number:,} has a NUL character: {line[:40]!r}; remove it")
    return text.encode("utf-8", "replace") + b"\n"


class _Counted:
    """Texts that are counted as they are read, to know or to estimate how many there are."""

    def __init__(self, texts: Iterable[str], on_read: Callable[[Iterable[str]], Iterable[str]]) -> None:
        self.texts, self.n_read, self._on_read = texts, 0, on_read
        self.unit, self._bytes = "sentences", None
        if isinstance(texts, TextLines):
            self.unit = "lines"
            self._bytes = None if texts.plain_path is None else os.path.getsize(texts.plain_path)

    def __iter__(self) -> Iterator[str]:
        for self.n_read, text in enumerate(self._on_read(self.texts), 1):  # noqa: B020
            yield text

    def total(self) -> float | None:
        """The number of texts; of a file, an estimate from the length of the lines so far. None if it is not known."""
        n = known_length(self.texts)
        if n is not None:
            return n
        if self._bytes is None or not isinstance(self.texts, TextLines) or not self.texts.position:
            return None
        return self.n_read * self._bytes / self.texts.position
