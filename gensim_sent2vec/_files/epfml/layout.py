"""The layout of a .bin of the reference program: where everything is. Nothing in the file is trusted before checking.

The file, little-endian:

- int32 magic and version;
- 12 int32 arguments (13 for the model with character n-grams, which has ``bucketChar`` after ``bucket``), a double;
- the dictionary: int32 numbers of entries, words and labels, int64 numbers of tokens and pruned n-grams; for each entry
  its bytes, a zero byte, an int64 count and an int8 type, words before labels;
- the input and the output matrix: for each a byte (1 if quantized), int64 numbers of rows and columns, float32 values.

The input matrix has a row for each word, each bucket and, in current builds, one unused bucket of character n-grams.
"""

from __future__ import annotations

import math
import os
import struct
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ... import _kernel
from ..other_formats import EPFML_MAGIC, describe_other_format, is_text
from .binary_reader import BinaryReader, open_regular_file
from .entries import BLOCK_BYTES, MIN_ENTRY_BYTES, entry_blocks

VERSIONS = (11, 12)  # of the same layout; the reference program reads only its own, which is 11 in current builds
CBOW, SKIPGRAM, SUPERVISED, SENT2VEC, CHAR_NGRAMS = 1, 2, 3, 4, 5  # kinds of models
HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, SOFTMAX = 1, 2, 3  # losses
PLACEHOLDER, LINE_END = b"<PLACEHOLDER>", b"</s>"


class Arguments(NamedTuple):
    """The arguments of the training, under the names that the reference program uses."""

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
    """A float32 matrix in the file, starting at byte `begin`."""

    name: str
    rows: int
    columns: int
    begin: int

    @property
    def end(self) -> int:
        return self.begin + 4 * self.rows * self.columns


@dataclass(frozen=True)
class Layout:
    """The layout of a file that is complete, as far as can be checked without reading the matrices.

    Attributes
    ----------
    n_entries, n_labels : int
        Words and labels in the dictionary; the first word is the placeholder.
    n_tokens, n_lines : int
        Size of the corpus.
    entries : int
        The byte at which the entries of the dictionary start.
    blob_bytes : int
        Bytes of all words, without the placeholder, as `reading.read_entries` returns them.
    """

    path: str
    size: int
    args: Arguments
    n_entries: int
    n_labels: int
    n_tokens: int
    n_lines: int
    entries: int
    blob_bytes: int
    input: Matrix
    output: Matrix

    @property
    def n_words(self) -> int:
        """Number of words without the placeholder."""
        return self.n_entries - 1

    @property
    def has_char_ngrams(self) -> bool:
        return self.args.model == CHAR_NGRAMS

    @property
    def n_ngram_rows(self) -> int:
        """Number of rows of word n-grams, after those of the words in the input matrix."""
        return 0 if self.has_char_ngrams or self.args.wordNgrams == 1 else self.args.bucket

    @property
    def word_ngrams(self) -> int:
        """Maximum length of the word n-grams that have rows."""
        return self.args.wordNgrams if self.n_ngram_rows else 1


def read_layout(path: str | os.PathLike[str], block_bytes: int = BLOCK_BYTES) -> Layout:
    """Read and check a file from the first byte to the last, except for the values of the matrices.

    Raises
    ------
    ValueError
        If the file is in another format, of a kind that is not supported, or damaged; with its name, the section and
        the byte.
    OSError
        If it cannot be read.
    """
    path = os.fspath(path)
    with open_regular_file(path) as file:
        reader = BinaryReader(path, file)
        _check_magic(reader)
        args = _read_arguments(reader)
        dictionary = reader.position
        n_entries, n_labels, n_tokens, n_pruned = _read_counts(reader)
        entries = reader.position
        blob_bytes, n_lines = _check_entries(reader, n_entries, n_labels, block_bytes)
        reader.skip(8 * max(0, n_pruned), "pairs of pruned n-grams")
        buckets = args.bucket if args.wordNgrams > 1 or args.model == CHAR_NGRAMS else 0
        input = _read_matrix(reader, "input matrix", args.dim, n_entries + buckets + args.bucketChar, None)
        if n_pruned > 0:
            raise ValueError(
                f"{path!r}: dictionary at byte {dictionary}: {n_pruned} pruned n-grams; pruned models are not "
                "supported: use the model as it was before pruning"
            )
        output = _read_matrix(reader, "output matrix", args.dim, n_entries, n_entries)
        if reader.position != reader.size:
            raise reader.error("end", f"{reader.size - reader.position} additional bytes follow")
        return Layout(
            path, reader.size, args, n_entries, n_labels, n_tokens, n_lines, entries, blob_bytes, input, output
        )  # fmt: skip


def _check_magic(reader: BinaryReader) -> None:
    reader.file.seek(0)
    head = reader.file.read(256)
    if len(head) >= 4 and struct.unpack_from("<i", head) == (EPFML_MAGIC,):
        reader.position = 4
        (version,) = reader.unpack("<i", "version")
        if version not in VERSIONS:
            raise reader.error("version", f"{version}, but only {VERSIONS[0]} and {VERSIONS[1]} are known", at=4)
        return
    if head[8:10] == b'{"':
        raise ValueError(f"{reader.path!r} is in the native format: use Sent2VecKeyedVectors.load")
    if other := describe_other_format(head):
        raise ValueError(f"{reader.path!r} {other}")
    if is_text(head):
        raise ValueError(f"{reader.path!r} is not a .bin of the reference program, but text; train a model on it first")
    raise ValueError(
        f"{reader.path!r}: magic at byte 0: {head[:4].hex(' ') or 'nothing'} is not that of a .bin of the reference "
        "program; the file is in another format"
    )


def _read_arguments(reader: BinaryReader) -> Arguments:
    begin, section = reader.position, "arguments"
    values = list(reader.unpack("<9i", section))
    model = values[7]
    bucket_char = reader.unpack("<i", section)[0] if model == CHAR_NGRAMS else 0
    values += [*reader.unpack("<3i d", section), bucket_char]
    args = Arguments(*values)
    if model in (CBOW, SKIPGRAM, SUPERVISED):
        _refuse_fasttext(reader, model)
    for name, least in {
        "dim": 1, "epoch": 0, "minCount": 0, "neg": 0, "wordNgrams": 1, "loss": HIERARCHICAL_SOFTMAX,
        "model": SENT2VEC, "bucket": args.wordNgrams > 1, "minn": 0, "maxn": 0, "t": 0,
        "bucketChar": model == CHAR_NGRAMS,
    }.items():  # fmt: skip
        if not getattr(args, name) >= least:
            raise reader.error(section, f"{name} is {getattr(args, name)}", at=begin)
    for name, most in {"loss": SOFTMAX, "model": CHAR_NGRAMS, "maxn": 64, "t": math.inf}.items():
        if getattr(args, name) > most:
            raise reader.error(section, f"{name} is {getattr(args, name)}", at=begin)
    return args


def _refuse_fasttext(reader: BinaryReader, model: int) -> None:
    """Refuse a model of fastText, which has the same magic but no placeholder at the start of its dictionary."""
    reader.file.seek(reader.position + 28)
    if reader.file.read(len(PLACEHOLDER) + 1) == PLACEHOLDER + b"\0":
        problem = f"model is {model}, one of fastText's, but the dictionary starts with {PLACEHOLDER.decode()}"
        raise reader.error("arguments", problem, at=8)
    if model == SUPERVISED:
        raise ValueError(
            f"{reader.path!r} is a supervised fastText model, a classifier, whose vectors this package cannot use; use "
            "fastText itself"
        )
    raise ValueError(
        f"{reader.path!r} is a fastText model ({'cbow' if model == CBOW else 'skipgram'}): use "
        "gensim.models.fasttext.load_facebook_vectors, and Sent2VecKeyedVectors.from_keyed_vectors of the result"
    )


def _read_counts(reader: BinaryReader) -> tuple[int, int, int, int]:
    """Numbers of words, labels, tokens and pruned n-grams (-1 if the model was not pruned)."""
    begin, section = reader.position, "dictionary"
    n_entries, n_words, n_labels, n_tokens, n_pruned = reader.unpack("<3i2q", section)
    if min(n_words, n_labels, n_tokens, n_pruned + 1) < 0 or n_entries != n_words + n_labels:
        problem = (
            f"{n_entries} entries of {n_words} words and {n_labels} labels, {n_tokens} tokens, {n_pruned} pruned "
            "n-grams"
        )
        raise reader.error(section, problem, at=begin)
    if n_entries * MIN_ENTRY_BYTES > reader.size - reader.position:
        problem = f"{n_entries} entries do not fit into the {reader.size - reader.position} bytes that follow"
        raise reader.error(section, problem, at=begin)
    if n_words < 2:
        raise ValueError(f"{reader.path!r}: dictionary at byte {begin}: the model has no words")
    return n_words, n_labels, n_tokens, n_pruned


def _check_entries(reader: BinaryReader, n_words: int, n_labels: int, block_bytes: int) -> tuple[int, int]:
    """Check the entries and skip them; return the bytes of the words and the number of lines of the corpus."""
    begin = reader.position
    blob_bytes = n_lines = done = 0
    line_end = np.uint64(_kernel.hash_bytes(LINE_END))
    for position, entries, ends in entry_blocks(
        reader.file, reader.path, begin, reader.size, n_words + n_labels, block_bytes
    ):
        if not done and bytes(entries.blob[: entries.lengths[0]]) != PLACEHOLDER:
            first = bytes(entries.blob[: entries.lengths[0]][:80])
            raise reader.error("dictionary", f"the first word is {first!r}, not {PLACEHOLDER.decode()}", at=begin)
        ids = np.arange(done, done + len(entries.types))
        bad = np.flatnonzero((entries.types != (ids >= n_words)) | (entries.counts < 0))
        if len(bad):
            i = int(bad[0])
            problem = f"entry {done + i} of {n_words + n_labels} has count {entries.counts[i]}, type {entries.types[i]}"
            raise reader.error("dictionary", problem, at=position + int(ends[i - 1] if i else 0))
        words = entries.take(0, max(0, n_words - done))
        blob_bytes += len(words.blob)
        n_lines += int(words.counts[words.hashes == line_end].sum())
        done += len(ids)
        reader.position = position + int(ends[-1])
    return blob_bytes - len(PLACEHOLDER), n_lines


def _read_matrix(reader: BinaryReader, name: str, columns: int, least: int, most: int | None) -> Matrix:
    """Read the header of a matrix, of `least` to `most` rows, and skip its values."""
    begin = reader.position
    (quantized,) = reader.unpack("<B", name)
    if quantized == 1 and name == "input matrix":
        raise ValueError(
            f"{reader.path!r}: {name} at byte {begin}: quantized; quantized models are not supported: use the .bin "
            "from which this one was made"
        )
    if quantized > 1:
        raise reader.error(name, f"the byte that states whether it is quantized is {quantized}", at=begin)
    rows, found = reader.unpack("<2q", name)
    if found != columns or rows < least or (most is not None and rows > most):
        expected = f"{'' if most else 'at least '}{least} rows of {columns}"
        raise reader.error(name, f"{rows} rows of {found} values; expected {expected}", at=begin + 1)
    matrix = Matrix(name, rows, columns, reader.position)
    reader.skip(matrix.end - matrix.begin, name)
    return matrix
