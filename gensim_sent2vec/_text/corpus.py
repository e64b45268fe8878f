"""Corpora: checks of arguments, streams that can be read several times, and samples of streams."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from io import BufferedIOBase
from itertools import islice
from typing import Any, BinaryIO, cast

import numpy as np
import smart_open

from .. import _kernel
from .._util.atomic import scratch_folder
from .._util.compression import COMPRESSED_SUFFIXES, decompressed
from .._util.hints import with_hints
from .._util.missing import check_exists
from .formats import TEXT, suffix_format
from .heads import BOM, HEAD_BYTES, KEPT_TOKENS, check_head, check_line_ends

MAX_SENTENCE = 1 << 16  # length of a sentence in a sample: bytes of a line, characters of a text, or tokens
SHORT_LINE = 64  # bytes; if the lines of a sample would be shorter on average, the entire file is read
NEAR_LINES, NEAR_BYTES = 1 << 14, 1 << 18  # bytes between sampled lines, below which this many are read at a time
BLOCK_BYTES = 1 << 20  # of a stream that is copied, at most
SMALL_FILE = 1 << 24  # bytes; such files are read at once
MAX_TOKENS, MAX_BYTES = 1 << 21, 1 << 26  # total length of the sentences of a sample

# -----------------------------------------------------------------------------------------------------
# Checks


def check_sentences(sentences: Any, passes: int, name: str = "sentences") -> None:
    """Reject what cannot be a corpus of token lists or texts, before any work is done.

    Raises
    ------
    TypeError
        For a string, a non-iterable, or an iterator if it must be read several times.
    """
    if isinstance(sentences, (str, bytes)):
        raise TypeError(
            f"{name}: expected an iterable of token lists or texts, got the {type(sentences).__name__} "
            f"{sentences[:40]!r}; to train from a file, pass corpus_file=…, or TextTable(…) for tables"
        )
    if not isinstance(sentences, Iterable):
        raise TypeError(f"{name}: expected an iterable of token lists or texts, got {type(sentences).__name__}")
    if passes > 1 and isinstance(sentences, Iterator):
        raise TypeError(
            f"{name}: {passes} passes are needed, but a {type(sentences).__name__} can be read only once; pass a "
            "list, or an object whose __iter__ starts over each time (such as gensim's LineSentence)"
        )


def check_corpus_file(path: Any) -> None:
    """Reject a path that cannot be read as an uncompressed text file.

    Raises
    ------
    TypeError
        If `path` is not a path.
    OSError
        If the file does not exist, or is a directory.
    ValueError
        If the file is compressed: each thread reads a part of it, and a compressed file has to be read from the start.
        If it is no text or a table, judging by its name and its first bytes.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"corpus_file: expected a path, got {type(path).__name__}; pass token lists as sentences=…")
    name = os.fspath(path)
    if os.path.isdir(name):
        raise IsADirectoryError(
            f"corpus_file: {name!r} is a directory; pass one file, or TextTable({name!r}) or gensim's "
            f"PathLineSentences({name!r}) as sentences"
        )
    check_exists(name, "corpus_file", "a text file with one sentence per line")
    if name.endswith(COMPRESSED_SUFFIXES):
        raise ValueError(
            f"corpus_file: {name!r} is compressed, so threads cannot read parts of it; decompress it, "
            f"or pass TextTable({name!r}) or gensim's LineSentence({name!r}) as sentences"
        )
    if not isinstance(path, TokenFile) and suffix_format(name) not in (None, TEXT):
        raise ValueError(
            f"corpus_file: {name!r} is a table by its name; pass TextTable({name!r}) as sentences, "
            'with format="text" if each of its lines is a sentence'
        )
    if not is_read_once(name):
        with open(name, "rb") as file:
            head = file.read(HEAD_BYTES)
        check_head(head, f"corpus_file: {name!r}")
        check_line_ends(head, f"corpus_file: {name!r}")


# -----------------------------------------------------------------------------------------------------
# Streams


@with_hints
class TokenFile:
    """A text file that has been tokenized, including phrases: training reads it as it is, whatever the tokenizer.

    Parameters
    ----------
    path : str or path-like
        One sentence per line, tokens separated by spaces, as written by `tokenize_file`.
    """

    begin = 0  # the first byte to read, after the header of kept tokens
    counter: Any = None  # the `FileCounter` that has counted the words while the file was written

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"TokenFile({self.path!r})"


class SpooledText:
    """A temporary text file, one sentence per line, with the texts of another file, which errors and warnings name."""

    counter: Any = None  # as of a `TokenFile`

    def __init__(self, path: str, source: str) -> None:
        self.path, self.source = path, source

    def __fspath__(self) -> str:
        return self.path


def begin_of(path: Any) -> int:
    """The first byte to read of a corpus file."""
    return getattr(path, "begin", 0)


def name_of_file(path: Any) -> str:
    """A corpus file, as errors and warnings name it."""
    return path.source if isinstance(path, SpooledText) else repr(os.fspath(path))


class TextLines:
    """The lines of a text file, without line ends. Can be iterated over any number of times.

    Parameters
    ----------
    path : str or path-like
        A file, compressed if its suffix says so (smart_open), or ``-`` for standard input. Standard input, pipes and
        other files that can be read only once are copied to a temporary file on first use.

    Attributes
    ----------
    position : int
        Number of bytes that the latest iteration has read, after decompression.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file is not UTF-8, with the line number; if it is compressed although its name does not say so, or its
        lines end in carriage returns only.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.position = 0
        self._copy: str | None = None
        self._head: bytes | None = None
        if self.path != "-":
            if os.path.isdir(self.path):
                raise IsADirectoryError(f"{self.path!r} is a directory")
            check_exists(self.path)
        self._is_read_once = self.path == "-" or is_read_once(self.path)

    @property
    def shown(self) -> str:
        """The file, as errors name it."""
        return "standard input" if self.path == "-" else repr(self.path)

    @property
    def is_repeatable(self) -> bool:
        """Whether the file can be read without being copied first."""
        return not self._is_read_once

    @property
    def head(self) -> bytes:
        """The first bytes, after decompression."""
        if self._head is None:
            with self._open() as stream:
                self._head = stream.read(HEAD_BYTES)
        return self._head

    def check(self) -> None:
        """Refuse what is not plain text, judging by the first bytes; raises like `check_head` and `check_line_ends`."""
        check_head(self.head, self.shown)
        check_line_ends(self.head, self.shown)

    def open(self) -> BinaryIO:
        """A stream of the bytes after a byte order mark or the header of kept tokens; raises like `check_head`."""
        check_head(self.head, self.shown)
        stream = self._open()
        _pass_over_start(stream, self.head)
        return stream

    def _open(self) -> BinaryIO:
        if not self._is_read_once:
            try:
                stream: BinaryIO = smart_open.open(self.path, "rb")
                return decompressed(stream, self.shown) if self.path.endswith(COMPRESSED_SUFFIXES) else stream
            except ImportError as error:
                suffix = os.path.splitext(self.path)[1].lstrip(".")
                raise ImportError(
                    f"{self.shown}: decompressing it needs a package that is not installed ({error}); try: "
                    f'pip install "smart_open[{suffix}]"'
                ) from None
        return open(self._copied(), "rb")

    def _copied(self) -> str:
        """The path of a copy, without what `open` passes over. Deleted with this object, or when the process ends."""
        if self._copy is None:
            stack = ExitStack()
            copy = os.path.join(stack.enter_context(scratch_folder()), "lines.txt")
            weakref.finalize(self, stack.close)
            with (
                open(copy, "xb") as file,
                nullcontext(cast(BufferedIOBase, sys.stdin.buffer))
                if self.path == "-"
                else open(self.path, "rb") as stream,
            ):
                start = stream.read(len(KEPT_TOKENS))
                if start == KEPT_TOKENS:
                    stream.readline()
                else:
                    file.write(start.removeprefix(BOM))
                # `read` waits until a block is complete, and hardly notices Ctrl-C meanwhile.
                for block in iter(partial(stream.read1, BLOCK_BYTES), b""):
                    file.write(block)
            self._copy = copy
        return self._copy

    @property
    def plain_path(self) -> str | None:
        """The path of an uncompressed local file with these lines only, or None if there is no such file.

        A file that can be read only once, or that begins with a byte order mark or as kept tokens do, is copied.
        """
        if not self._is_read_once and (self.path.endswith(COMPRESSED_SUFFIXES) or "://" in self.path):
            return None
        if self._is_read_once or self.head.startswith((BOM, KEPT_TOKENS)):
            return self._copied()
        return self.path

    def raw(self) -> Iterator[str]:
        """The lines with their line ends."""
        self.check()
        self.position = 0
        with self.open() as lines:
            for number, line in enumerate(lines, 1):
                self.position += len(line)
                try:
                    yield line.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise ValueError(not_utf8(f"{self.shown}, line {number:,}", error)) from None

    def __iter__(self) -> Iterator[str]:
        return (line.rstrip("\r\n") for line in self.raw())


def not_utf8(where: str, error: UnicodeError) -> str:
    """The message of an error for text in another encoding."""
    reason = getattr(error, "reason", error)
    return (
        f"{where}: not UTF-8 ({reason}); save it as UTF-8 (in Excel: CSV UTF-8), or convert it, for example with: "
        "iconv -f ENCODING -t UTF-8, ENCODING being CP949 for most Korean and CP1252 for other files of Windows"
    )


def is_read_once(path: str | os.PathLike[str]) -> bool:
    """Whether a file exists that is not a regular one: a pipe, a FIFO, a terminal."""
    return os.path.exists(path) and not os.path.isfile(path)


@contextmanager
def spooled(path: Any) -> Iterator[Any]:
    """A corpus file, for the duration of a ``with`` block; None stays None.

    A pipe is copied to a temporary file, and so are a file with a byte order mark and one of kept tokens, without the
    mark or the header, unless the kernel is to begin after it.
    """
    if path is None or begin_of(path) or not (is_read_once(path) or _is_to_be_copied(path)):
        yield path
        return
    lines = TextLines(path)  # which deletes the copy when it goes
    lines.check()
    yield TokenFile(lines.plain_path or path) if isinstance(path, TokenFile) else lines.plain_path


def _is_to_be_copied(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as file:
        return file.read(len(KEPT_TOKENS)).startswith((BOM, KEPT_TOKENS))


def _pass_over_start(stream: BinaryIO, head: bytes) -> None:
    if head.startswith(BOM):
        stream.read(len(BOM))
    elif head.startswith(KEPT_TOKENS):
        stream.readline()


class TokenLines:
    """The lines of a text file as token lists, split at whitespace. Can be iterated over any number of times."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.lines = TextLines(path)

    def __iter__(self) -> Iterator[list[str]]:
        return (line.split() for line in self.lines)


# -----------------------------------------------------------------------------------------------------
# Samples


def first_lines(path: str | os.PathLike[str], size: int) -> list[str]:
    """The first `size` lines of an uncompressed text file; long ones are truncated."""
    with open(path, "rb") as file:
        lines = (file.readline(MAX_SENTENCE) for _ in range(size))
        return [line.decode("utf-8", "ignore") for line in lines]


class SampledLines:
    """At most `size` lines of an uncompressed text file, evenly spread over it, as token lists.

    Long lines are truncated. As in a `Sample`, every other line is left out while there are too many tokens.
    """

    def __init__(self, path: str | os.PathLike[str], size: int) -> None:
        self._path, self._size = path, size

    def __iter__(self) -> Iterator[list[str]]:
        text, begins, ends = self._sample()
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            yield text[begin:end].tobytes().decode("utf-8", "ignore").split()

    def pack(self) -> _kernel.Pack:
        """The lines, for the kernel."""
        return _kernel.Pack.of_lines(*self._sample())

    def _sample(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A text, and where the lines of the sample begin and end in it."""
        text, begins, ends = self._candidates()
        while len(begins) > 1 and (
            len(begins) > self._size or (ends - begins).sum() > MAX_BYTES or _has_too_many_tokens(text, begins, ends)
        ):
            begins, ends = begins[::2].copy(), ends[::2].copy()
        return text, begins, ends

    def _candidates(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `_sample`, but there may be too many lines; of a large file, the text contains only these lines."""
        begin = begin_of(self._path)
        n_bytes = os.path.getsize(self._path) - begin
        if n_bytes > SMALL_FILE:
            lines = self._thinned(self._lines(begin, n_bytes))
            ends = np.cumsum([len(line) for line in lines], dtype=np.int64)
            return np.frombuffer(b"".join(lines), dtype=np.uint8), ends - np.diff(ends, prepend=0), ends
        text = np.fromfile(self._path, dtype=np.uint8, offset=begin)
        n = len(text) if len(text) <= self._size * SHORT_LINE else self._size
        begins, ends = map(np.frombuffer, _kernel.sample_lines(text, max(1, n), MAX_SENTENCE), (np.int64, np.int64))
        return text, begins, ends

    def _thinned(self, lines: Iterable[bytes]) -> list[bytes]:
        """Every k-th line; k doubles whenever they become too many or too long, so that little memory is needed."""
        kept: list[bytes] = []
        step, n_bytes = 1, 0
        for number, line in enumerate(lines):
            if number % step == 0:
                kept.append(line[:MAX_SENTENCE])
                n_bytes += len(kept[-1])
                if len(kept) > self._size or n_bytes > MAX_BYTES:
                    kept, step = kept[::2], step * 2
                    n_bytes = sum(map(len, kept))
        return kept

    def _lines(self, begin: int, n_bytes: int) -> Iterator[bytes]:
        are_near = n_bytes <= self._size * NEAR_LINES
        with open(self._path, "rb", buffering=NEAR_BYTES if are_near else -1) as file:
            file.seek(begin)
            if n_bytes <= self._size * SHORT_LINE:
                yield from file
                return
            end = begin  # of the lines so far; `file.tell` would ask the system each time
            for i in range(self._size):
                start = begin + n_bytes * i // self._size
                if start > end:
                    file.seek(start - 1)
                    end = start - 1 + len(file.readline(MAX_SENTENCE))  # skip the rest of this line
                line = file.readline(MAX_SENTENCE)
                if not line:
                    return
                end += len(line)
                yield line


def _has_too_many_tokens(text: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> bool:
    return (ends - begins).sum() > 2 * MAX_TOKENS and _kernel.count_spaces(text, begins, ends) > MAX_TOKENS


def sample_lines(path: str | os.PathLike[str], size: int) -> SampledLines:
    """At most `size` lines of an uncompressed text file, evenly spread over it, as token lists."""
    return SampledLines(path, size)


def sample_sentences(
    sentences: Iterable[Any], size: int, convert: Callable[[Any], Any] = lambda sentence: sentence
) -> list[Any]:
    """Return at most `size` sentences of an iterable, evenly spread over it, converted; see `Sample`."""
    sample = Sample(size, convert=convert)
    for _ in sample.record(sentences):
        pass
    return sample.sentences


class Sample:
    """A systematic sample of a stream of unknown length: every k-th sentence.

    k doubles, and every other sentence is dropped, whenever the sample becomes too large.

    Parameters
    ----------
    size : int
        Maximum number of sentences. Of a longer stream, at least half as many are kept.
    max_tokens : int
        Maximum total length of the sentences, in tokens (of texts: in characters).
    max_sentence : int
        Longer sentences are truncated.
    convert : callable
        Makes what is kept of a sentence; called only for sentences that are sampled.

    Attributes
    ----------
    sentences : list
        The sample, in order.
    """

    def __init__(
        self,
        size: int,
        max_tokens: int = MAX_TOKENS,
        max_sentence: int = MAX_SENTENCE,
        convert: Callable[[Any], Any] = lambda sentence: sentence,
    ) -> None:
        self.size, self.max_tokens, self.max_sentence, self.convert = size, max_tokens, max_sentence, convert
        self.sentences: list[Any] = []
        self._step, self._n_seen, self._n_tokens = 1, 0, 0

    def record(self, sentences: Iterable[Any]) -> Iterator[Any]:
        """Yield the sentences unchanged, and sample them on the way."""
        for sentence in sentences:
            is_sized = isinstance(sentence, (str, list, bytes, Sized))  # the first three are fast
            if not is_sized and isinstance(sentence, Iterable):
                sentence, is_sized = list(sentence), True
            if self._n_seen % self._step == 0 and is_sized and isinstance(sentence, Iterable):
                self._add(self.convert(sentence))
            self._n_seen += 1
            yield sentence

    def _add(self, sentence: Any) -> None:
        if isinstance(sentence, str):
            self.sentences.append(sentence[: self.max_sentence])
        else:
            self.sentences.append(list(islice(sentence, self.max_sentence)))
        self._n_tokens += len(self.sentences[-1])
        while len(self.sentences) > self.size or (self._n_tokens > self.max_tokens and len(self.sentences) > 1):
            self.sentences = self.sentences[::2]
            self._step *= 2
            self._n_tokens = sum(map(len, self.sentences))
