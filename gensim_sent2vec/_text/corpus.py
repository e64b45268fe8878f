"""Where sentences come from: checks of what the user hands over, and streams that can be restarted."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sized
from itertools import islice
from typing import Any, BinaryIO

import smart_open

from .._util.compression import COMPRESSED_SUFFIXES

SAMPLE_LINE = 1 << 16  # bytes of a line that a sample takes
SHORT_LINE = 64  # a file with fewer bytes than so many a line of the sample is read as a whole
SAMPLE_TOKENS = 1 << 21  # tokens that a sample holds


def check_sentences(sentences: Any, passes: int) -> None:
    """Refuse what cannot be a corpus of token lists, before any work is done.

    Raises
    ------
    TypeError
        For a string, something that is not iterable, or an iterator where several passes are needed.
    """
    if isinstance(sentences, (str, bytes)):
        raise TypeError(
            f"sentences: an iterable of token lists is expected, got the {type(sentences).__name__} "
            f"{sentences[:40]!r}; to train from a file pass corpus_file=…"
        )
    if not isinstance(sentences, Iterable):
        raise TypeError(f"sentences: an iterable of token lists is expected, got a {type(sentences).__name__}")
    if passes > 1 and isinstance(sentences, Iterator):
        raise TypeError(
            f"sentences: {passes} passes are needed, but a {type(sentences).__name__} can be read only once; pass a "
            "list, or an object whose __iter__ starts anew each time (gensim's LineSentence does)"
        )


def check_corpus_file(path: Any) -> None:
    """Refuse a path that cannot be read as a plain text file.

    Raises
    ------
    TypeError
        Where `path` is not a path.
    OSError
        Where the file is missing or a directory.
    ValueError
        Where it is compressed: the threads read it in parts.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"corpus_file: a path is expected, got a {type(path).__name__}; pass token lists as sentences=…"
        )
    name = os.fspath(path)
    if os.path.isdir(name):
        raise IsADirectoryError(
            f"corpus_file: {name!r} is a directory; pass one file, or gensim's PathLineSentences({name!r}) as sentences"
        )
    if not os.path.exists(name):
        raise FileNotFoundError(f"corpus_file: there is no file {name!r}")
    if name.endswith(COMPRESSED_SUFFIXES):
        raise ValueError(
            f"corpus_file: {name!r} is compressed and cannot be read in parts; decompress it, "
            f"or pass gensim's LineSentence({name!r}) as sentences"
        )


class TokenFile:
    """A text file whose lines are tokens already, phrases joined: training takes it as it is, whatever the tokenizer.

    Parameters
    ----------
    path : str or path-like
        One sentence a line, tokens separated by blanks, as `tokenize_file` writes it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"TokenFile({self.path!r})"


class TextLines:
    """The lines of a text file, one after the other, as often as wanted.

    Parameters
    ----------
    path : str or path-like
        A file, plain or compressed as its name says (smart_open), or ``-`` for standard input, which is copied
        to a temporary file when it is first read, so that it can be read again.

    Raises
    ------
    OSError
        Where the file cannot be opened.
    ValueError
        Where a line is not UTF-8, with its number.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.position = 0  # bytes that the last pass has read, decompressed
        self._copy: Any = None  # of standard input
        if self.path != "-":
            if os.path.isdir(self.path):
                raise IsADirectoryError(f"{self.path!r} is a directory")
            if not os.path.exists(self.path) and "://" not in self.path:
                raise FileNotFoundError(f"there is no file {self.path!r}")

    def _open(self) -> BinaryIO:
        if self.path != "-":
            return smart_open.open(self.path, "rb")
        if self._copy is None:
            self._copy = tempfile.NamedTemporaryFile(prefix="gensim-sent2vec-")  # noqa: SIM115
            shutil.copyfileobj(sys.stdin.buffer, self._copy)
            self._copy.flush()
        return open(self._copy.name, "rb")

    @property
    def plain_path(self) -> str | None:
        """The path of an uncompressed file with these lines, or None."""
        if self.path == "-":
            self._open().close()
            return self._copy.name if self._copy else None
        return None if self.path.endswith(COMPRESSED_SUFFIXES) or "://" in self.path else self.path

    def __iter__(self) -> Iterator[str]:
        self.position = 0
        with self._open() as lines:
            for number, line in enumerate(lines, 1):
                self.position += len(line)
                try:
                    yield line.decode("utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise ValueError(f"{self.path!r}, line {number:,}: not UTF-8 ({error.reason})") from None


class TokenLines:
    """The lines of a text file as token lists, split at whitespace; can be restarted."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.lines = TextLines(path)

    def __iter__(self) -> Iterator[list[str]]:
        return (line.split() for line in self.lines)


def sample_lines(path: str | os.PathLike[str], size: int) -> Iterator[list[str]]:
    """At most `size` lines of a plain text file as token lists, spread evenly over it; one is held at a time."""
    n_bytes = os.path.getsize(path)
    with open(path, "rb") as file:
        if n_bytes <= size * SHORT_LINE:
            yield from Sample.of((line.decode("utf-8", "ignore").split() for line in file), size)
            return
        for i in range(size):
            begin = n_bytes * i // size
            if begin > file.tell():
                file.seek(begin - 1)
                file.readline(SAMPLE_LINE)  # the rest of the line there
            line = file.readline(SAMPLE_LINE)
            if not line:
                return
            yield line.decode("utf-8", "ignore").split()


class Sample:
    """Sentences spread evenly over a stream that passes by: every k-th, k doubling as more come than are to be held.

    Parameters
    ----------
    size : int
        At most so many; of longer streams at least half as many.

    Attributes
    ----------
    sentences : list
        Those held so far, in order.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.sentences: list[Any] = []
        self._step, self._seen, self._tokens = 1, 0, 0

    def watch(self, sentences: Iterable[Any]) -> Iterator[Any]:
        """The sentences as they come."""
        for sentence in sentences:
            if not isinstance(sentence, Sized) and isinstance(sentence, Iterable):
                sentence = list(sentence)
            if self._seen % self._step == 0 and isinstance(sentence, Sized) and isinstance(sentence, Iterable):
                self._hold(sentence)
            self._seen += 1
            yield sentence

    def _hold(self, sentence: Any) -> None:
        if isinstance(sentence, str):
            self.sentences.append(sentence[:SAMPLE_LINE])
        else:
            self.sentences.append(list(islice(sentence, SAMPLE_LINE)))
        self._tokens += len(self.sentences[-1])
        while len(self.sentences) > self.size or (self._tokens > SAMPLE_TOKENS and len(self.sentences) > 1):
            self.sentences = self.sentences[::2]
            self._step *= 2
            self._tokens = sum(map(len, self.sentences))

    @classmethod
    def of(cls, sentences: Iterable[Any], size: int) -> list[Any]:
        """The sample of sentences that are at hand."""
        sample = cls(size)
        for _ in sample.watch(sentences):
            pass
        return sample.sentences
