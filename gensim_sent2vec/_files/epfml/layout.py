"""What a .bin of the reference program says of itself, none of it believed before it is checked.

The file, little-endian: int32 magic and version; 12 int32 arguments (13 for its model with character n-grams, which
has ``bucketChar`` after ``bucket``) and a double; the dictionary: int32 entries, words and labels, int64 tokens and
pruned n-grams, then for each entry its bytes, a 0 byte, an int64 count and an int8 type, words before labels; two
matrices, of the input and of the output, each a byte (1: quantised), int64 rows and columns, float32 numbers. The input
has a row for each word, for each bucket and, in current builds, for a character bucket that is not used.
"""

from __future__ import annotations

import math
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ... import _kernel
from ..container import describe_other_format

MAGIC = 793712314
VERSIONS = (11, 12)  # of one layout; the reference program reads only its own, which is 11 in its current builds
CBOW, SKIPGRAM, SUPERVISED, SENT2VEC, CHARACTERS = 1, 2, 3, 4, 5
HIERARCHICAL, NEGATIVES, SOFTMAX = 1, 2, 3  # losses
PLACEHOLDER, LINE_END = b"<PLACEHOLDER>", b"</s>"

BLOCK = 1 << 22  # bytes that are read at once; also the longest word that is believed
ENTRY = 1 + 8 + 1  # the least bytes of an entry


class Arguments(NamedTuple):
    """The arguments of the training, under the reference's names."""

    dim: int
    ws: int
    epoch: int
    minCount: int
    neg: int
    wordNgrams: int
    loss: int
    model: int
    bucket: int
    minn: int
    maxn: int
    lrUpdateRate: int
    t: float
    bucketChar: int = 0


@dataclass(frozen=True)
class Matrix:
    """Where a matrix of float32 lies: `rows` times `columns` numbers from byte `begin` on."""

    name: str
    rows: int
    columns: int
    begin: int

    @property
    def end(self) -> int:
        return self.begin + 4 * self.rows * self.columns


@dataclass(frozen=True)
class Layout:
    """A file that is whole, as far as can be told without reading its numbers.

    Attributes
    ----------
    n_words, n_labels : int
        Entries of the dictionary; the placeholder is the first of the words.
    n_tokens, n_lines : int
        Of the corpus.
    entries : int
        The byte at which the dictionary's entries begin.
    blob_bytes : int
        The words' bytes as `read_entries` gives them, without the placeholder's.
    """

    path: str
    size: int
    args: Arguments
    n_words: int
    n_labels: int
    n_tokens: int
    n_lines: int
    entries: int
    blob_bytes: int
    input: Matrix
    output: Matrix


class Entries(NamedTuple):
    """Successive entries of the dictionary. Bytes of words that are not UTF-8 are surrogates (`surrogateescape`)."""

    blob: np.ndarray
    lengths: np.ndarray
    hashes: np.ndarray
    counts: np.ndarray
    types: np.ndarray

    def take(self, begin: int, end: int) -> Entries:
        first, last = self.lengths[:begin].sum(), self.lengths[:end].sum()
        return Entries(self.blob[first:last], *(column[begin:end] for column in self[1:]))


class Cursor:
    """A file read section by section, and never beyond its end."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path, self.file, self.size, self.at = path, file, os.fstat(file.fileno()).st_size, 0

    def error(self, section: str, problem: str, at: int | None = None) -> ValueError:
        return damaged_file(self.path, section, self.at if at is None else at, problem)

    def skip(self, n: int, section: str) -> None:
        """Go on by `n` bytes, which must be there."""
        if n > self.size - self.at:
            raise self.error(section, f"{n} bytes should follow, and the file ends after {self.size - self.at}")
        self.at += n

    def numbers(self, code: str, section: str) -> tuple[Any, ...]:
        begin, n = self.at, struct.calcsize(code)
        self.skip(n, section)
        self.file.seek(begin)
        data = self.file.read(n)
        if len(data) < n:
            raise cut_short(self.path, section, begin)
        return struct.unpack(code, data)


def damaged_file(path: str, section: str, at: int, problem: str) -> ValueError:
    """What to raise for a file that cannot be right."""
    return ValueError(f"{path!r}: {section} at byte {at}: {problem}; the file is damaged or was cut short")


def cut_short(path: str, section: str, at: int) -> OSError:
    """What to raise where a file has become shorter since it was looked at."""
    return OSError(f"{path!r}: {section} at byte {at}: the file was cut short while it was read")


@contextmanager
def open_regular_file(path: str) -> Iterator[BinaryIO]:
    """A regular file, open for reading."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path!r} is a directory, not a .bin of the reference program")
    if not stat.S_ISREG(mode):
        raise OSError(f"{path!r} is a device or a pipe, not a .bin of the reference program; copy it to a file first")
    with open(path, "rb", buffering=0) as file:
        yield file


# -----------------------------------------------------------------------------------------------------
# The layout


def read_layout(path: str | os.PathLike[str]) -> Layout:
    """Check a file from its first byte to its last, but for the matrices' numbers.

    Raises
    ------
    ValueError
        Where it is another kind of file, one of a kind that is not supported, or damaged: with its name, the section
        and the byte.
    OSError
        Where it cannot be read.
    """
    path = os.fspath(path)
    with open_regular_file(path) as file:
        cursor = Cursor(path, file)
        _check_magic(cursor)
        args = _read_arguments(cursor)
        begin = cursor.at
        n_words, n_labels, n_tokens, pruned = _read_counts(cursor)
        entries = cursor.at
        blob_bytes, n_lines = _scan_entries(cursor, n_words, n_labels)
        cursor.skip(8 * max(0, pruned), "pairs of pruned n-grams")
        grams = args.bucket if args.wordNgrams > 1 or args.model == CHARACTERS else 0
        least = n_words + grams + args.bucketChar
        input = _read_matrix(cursor, "input matrix", args.dim, least, None)
        if pruned > 0:
            raise ValueError(
                f"{path!r}: dictionary at byte {begin}: {pruned} pruned n-grams; pruned models are not supported: "
                "use the model as it was before it was pruned"
            )
        output = _read_matrix(cursor, "output matrix", args.dim, n_words, n_words)
        if cursor.at != cursor.size:
            raise cursor.error("end", f"{cursor.size - cursor.at} bytes more follow")
        return Layout(
            path, cursor.size, args, n_words, n_labels, n_tokens, n_lines, entries, blob_bytes, input, output
        )  # fmt: skip


def _check_magic(cursor: Cursor) -> None:
    cursor.file.seek(0)
    head = cursor.file.read(256)
    if len(head) >= 4 and struct.unpack_from("<i", head) == (MAGIC,):
        cursor.at = 4
        (version,) = cursor.numbers("<i", "version")
        if version not in VERSIONS:
            raise cursor.error("version", f"{version}, and {VERSIONS[0]} and {VERSIONS[1]} are known", at=4)
        return
    if head[8:10] == b'{"':
        raise ValueError(f"{cursor.path!r} is in the native layout: use Sent2VecKeyedVectors.load")
    if other := describe_other_format(head):
        raise ValueError(f"{cursor.path!r} {other}")
    raise ValueError(
        f"{cursor.path!r}: magic at byte 0: {head[:4].hex(' ') or 'nothing'} is not that of a .bin of the reference "
        "program; the file is of another kind"
    )


def _read_arguments(cursor: Cursor) -> Arguments:
    begin, section = cursor.at, "arguments"
    numbers = list(cursor.numbers("<9i", section))
    model = numbers[7]
    bucket_char = cursor.numbers("<i", section)[0] if model == CHARACTERS else 0
    numbers += [*cursor.numbers("<3i d", section), bucket_char]
    args = Arguments(*numbers)
    if model in (CBOW, SKIPGRAM, SUPERVISED):
        _refuse_fasttext(cursor, model)
    for name, least in {
        "dim": 1, "epoch": 0, "minCount": 0, "neg": 0, "wordNgrams": 1, "loss": HIERARCHICAL, "model": SENT2VEC,
        "bucket": args.wordNgrams > 1, "minn": 0, "maxn": 0, "t": 0, "bucketChar": model == CHARACTERS,
    }.items():  # fmt: skip
        if not getattr(args, name) >= least:
            raise cursor.error(section, f"{name} is {getattr(args, name)}", at=begin)
    for name, most in {"loss": SOFTMAX, "model": CHARACTERS, "maxn": 64, "t": math.inf}.items():
        if getattr(args, name) > most:
            raise cursor.error(section, f"{name} is {getattr(args, name)}", at=begin)
    return args


def _refuse_fasttext(cursor: Cursor, model: int) -> None:
    """Models of fastText have the same magic; the reference program's dictionary begins with the placeholder."""
    cursor.file.seek(cursor.at + 28)
    if cursor.file.read(len(PLACEHOLDER) + 1) == PLACEHOLDER + b"\0":
        problem = f"model is {model}, one of fastText's, but the dictionary begins with {PLACEHOLDER.decode()}"
        raise cursor.error("arguments", problem, at=8)
    if model == SUPERVISED:
        raise ValueError(
            f"{cursor.path!r} is a supervised fastText model, a classifier: it has no vectors of the kind that this "
            "package reads, use fastText's own program"
        )
    raise ValueError(
        f"{cursor.path!r} is a fastText model ({'cbow' if model == CBOW else 'skipgram'}): use "
        "gensim.models.fasttext.load_facebook_vectors, and Sent2VecKeyedVectors.from_keyed_vectors of the result"
    )


def _read_counts(cursor: Cursor) -> tuple[int, int, int, int]:
    begin, section = cursor.at, "dictionary"
    n_entries, n_words, n_labels, n_tokens, pruned = cursor.numbers("<3i2q", section)
    if min(n_words, n_labels, n_tokens, pruned + 1) < 0 or n_entries != n_words + n_labels:
        problem = (
            f"{n_entries} entries of {n_words} words and {n_labels} labels, {n_tokens} tokens, {pruned} pruned n-grams"
        )
        raise cursor.error(section, problem, at=begin)
    if n_entries * ENTRY > cursor.size - cursor.at:
        problem = f"{n_entries} entries do not fit into the {cursor.size - cursor.at} bytes that follow"
        raise cursor.error(section, problem, at=begin)
    if n_words < 2:
        raise ValueError(f"{cursor.path!r}: dictionary at byte {begin}: there are no words in this model")
    return n_words, n_labels, n_tokens, pruned


def _scan_entries(cursor: Cursor, n_words: int, n_labels: int) -> tuple[int, int]:
    """Check the entries, and leave the cursor behind them; the bytes of the words and the number of lines."""
    begin = cursor.at
    blob_bytes = n_lines = seen = 0
    line_end = np.uint64(_kernel.hash_bytes(LINE_END))
    for at, entries, ends in _blocks(cursor.file, cursor.path, begin, cursor.size, n_words + n_labels):
        if not seen and bytes(entries.blob[: entries.lengths[0]]) != PLACEHOLDER:
            first = bytes(entries.blob[: entries.lengths[0]][:80])
            raise cursor.error("dictionary", f"the first word is {first!r} and not {PLACEHOLDER.decode()}", at=begin)
        numbers = np.arange(seen, seen + len(entries.types))
        bad = np.flatnonzero((entries.types != (numbers >= n_words)) | (entries.counts < 0))
        if len(bad):
            i = int(bad[0])
            problem = f"entry {seen + i} of {n_words + n_labels} has count {entries.counts[i]}, type {entries.types[i]}"
            raise cursor.error("dictionary", problem, at=at + int(ends[i - 1] if i else 0))
        words = entries.take(0, max(0, n_words - seen))
        blob_bytes += len(words.blob)
        n_lines += int(words.counts[words.hashes == line_end].sum())
        seen += len(numbers)
        cursor.at = at + int(ends[-1])
    return blob_bytes - len(PLACEHOLDER), n_lines


def _blocks(file: BinaryIO, path: str, begin: int, size: int, n: int) -> Iterator[tuple[int, Entries, np.ndarray]]:
    """All entries, block by block: where a block begins, its entries, and their ends from there."""
    file.seek(begin)
    at, done, rest = begin, 0, b""
    while done < n:
        data = rest + file.read(min(BLOCK, size - at - len(rest)))
        blob, lengths, hashes, counts, types, ends = _kernel.parse_entries(data, n - done)
        entries = Entries(
            np.frombuffer(blob, np.uint8),
            np.frombuffer(lengths, np.int64),
            np.frombuffer(hashes, np.uint64),
            np.frombuffer(counts, np.int64),
            np.frombuffer(types, np.int8),
        )
        if not len(lengths):
            problem = f"the file ends at byte {size}" if at + len(data) >= size else f"no end within {len(data)} bytes"
            raise damaged_file(path, "dictionary", at, f"entry {done} of {n}: {problem}")
        offsets = np.frombuffer(ends, np.int64)
        yield at, entries, offsets
        done += len(entries.lengths)
        at += int(offsets[-1])
        rest = data[int(offsets[-1]) :]


def _read_matrix(cursor: Cursor, name: str, columns: int, least: int, most: int | None) -> Matrix:
    begin = cursor.at
    (quantised,) = cursor.numbers("<B", name)
    if quantised == 1 and name == "input matrix":
        raise ValueError(
            f"{cursor.path!r}: {name} at byte {begin}: quantised; quantised models are not supported: use the .bin "
            "from which this one was made"
        )
    if quantised > 1:
        raise cursor.error(name, f"the byte that says whether it is quantised is {quantised}", at=begin)
    rows, found = cursor.numbers("<2q", name)
    if found != columns or rows < least or (most is not None and rows > most):
        problem = f"{rows} rows of {found} numbers; {least}{'' if most else ' or more'} of {columns} are expected"
        raise cursor.error(name, problem, at=begin + 1)
    matrix = Matrix(name, rows, columns, cursor.at)
    cursor.skip(matrix.end - matrix.begin, name)
    return matrix


# -----------------------------------------------------------------------------------------------------
# What it holds


def read_entries(layout: Layout) -> Iterator[Entries]:
    """The words, without the placeholder and the labels, block by block."""
    done = 0
    with open_regular_file(layout.path) as file:
        for _, entries, _ in _blocks(file, layout.path, layout.entries, layout.size, layout.n_words):
            yield entries.take(0 if done else 1, len(entries.lengths))
            done += len(entries.lengths)


def rows_of(layout: Layout, matrix: Matrix, begin: int, end: int) -> Iterator[np.ndarray]:
    """Rows [begin, end) of a matrix, block by block; each block is good until the next one is asked for."""
    step = max(1, BLOCK // (4 * matrix.columns))
    buffer = np.empty((min(step, end - begin), matrix.columns), dtype="<f4")
    with open_regular_file(layout.path) as file:
        file.seek(matrix.begin + 4 * matrix.columns * begin)
        for first in range(begin, end, step):
            block = buffer[: end - first]
            read_exactly(file, block, layout.path, matrix.name)
            yield block


def read_exactly(file: Any, array: np.ndarray, path: str, section: str) -> None:
    """Fill an array with what comes next in a file."""
    view = array.reshape(-1).view(np.uint8).data
    while view:
        n = file.readinto(view[: 1 << 30])
        if not n:
            raise cut_short(path, section, file.tell())
        view = view[n:]
