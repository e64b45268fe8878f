"""Named arrays and JSON facts in one file, which is mapped, checked and read without running anything from it.

The format is that of safetensors (https://github.com/huggingface/safetensors#format), version 1 of the layout:

- bytes 0-7: the length of the header, a little-endian uint64;
- the header, JSON, padded with spaces so that the arrays begin at a multiple of 64 bytes: for each array its
  ``dtype``, ``shape`` and ``data_offsets`` (from the end of the header), and a ``__metadata__`` of strings:
  ``gensim_sent2vec``, a JSON object of ``layout`` (the version) and ``facts``; ``crc32``, a JSON object of the
  zlib.crc32 of each array's bytes; ``header_crc32``, that of the rest of the header (see `_header_crc`);
- the arrays, little-endian and in C order, without gaps, the largest items first, so that each is aligned.

Any safetensors reader opens such a file. A file that is still being written begins with eight zero bytes.

What `Sent2VecKeyedVectors` store: the arrays ``vectors`` and ``vectors_ngrams`` (float32 or float16), ``words.blob``
(uint8), ``words.offsets`` (int64) and ``words.slots`` (uint64) as in `gensim_sent2vec._text.vocabulary.Vocabulary`, and
``expandos.NAME`` for each attribute of the words, such as ``expandos.count`` (int64); the facts ``kind``
("Sent2VecKeyedVectors"), ``vector_size``, ``word_ngrams``, ``skip_bigrams`` and ``ngram_hash``.
"""

from __future__ import annotations

import json
import math
import mmap as maps
import os
import re
import secrets
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from .._util import memory

LAYOUT = 1
KEY = "gensim_sent2vec"
CRC = "crc32"  # eight hexadecimal digits each
HEADER_CRC = "header_crc32"
ALIGNMENT = 64
MAX_HEADER = 100_000_000  # that of the safetensors package
BLOCK = 1 << 22  # bytes that are copied, read or checked at once
RANDOM = 1 << 28  # bytes above which a mapped array is better not read ahead
CODES = {
    "F64": "<f8", "I64": "<i8", "U64": "<u8", "F32": "<f4", "I32": "<i4", "U32": "<u4",
    "F16": "<f2", "I16": "<i2", "U16": "<u2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
DTYPES = {code: np.dtype(text) for code, text in CODES.items()}


@dataclass(frozen=True)
class Stream:
    """An array to write that is never in memory as a whole.

    Attributes
    ----------
    dtype : dtype-like
    shape : tuple of int
    chunks : iterable of numpy.ndarray
        Its rows (items along the first axis), block by block.
    """

    dtype: Any
    shape: tuple[int, ...]
    chunks: Iterable[np.ndarray]


@dataclass(frozen=True)
class Tensor:
    """Where an array lies: bytes [begin, end) of the file."""

    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int
    crc32: int


@dataclass(frozen=True)
class Header:
    """What a file says of itself, checked against its length."""

    path: str
    layout: int
    size: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


# -----------------------------------------------------------------------------------------------------
# Writing


def write(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray | Stream], facts: Mapping[str, Any]) -> None:
    """Write a file, which appears under its name when it is complete and on the disk.

    Killed at any moment, this leaves what was there before; a ``.tmp`` file beside it may be left over, which no
    reader takes for a whole one.

    Parameters
    ----------
    path : str or path-like
        Replaced where it exists; arrays mapped from the old file stay as they are.
    arrays : mapping of str to (numpy.ndarray or Stream)
        Booleans, integers and floats of up to 8 bytes.
    facts : mapping
        Anything that JSON can say. ``kind`` should say what the file is.

    Raises
    ------
    ValueError
        For an array or a fact that the format cannot hold, or a stream whose blocks are not what it announces.
    OSError
        Where the file cannot be written.
    """
    path = os.path.realpath(path)
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a directory; pass the name of a file to write")
    tensors, room = _lay_out(arrays, facts)
    with atomic_write(path) as file:
        file.seek(8 + room)  # until the header is written, zeros stand in its place
        crcs = {name: _copy(file, name, arrays[name], tensors[name]) for name in tensors}
        header = _header(tensors, facts, crcs)
        file.seek(0)
        file.write(struct.pack("<Q", room) + header.ljust(room))


def _lay_out(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The header's entries in the order of the file, and the length of the header."""
    codes = {dtype: code for code, dtype in DTYPES.items()}
    tensors: dict[str, Any] = {}
    begin = 0
    dtypes = {name: np.dtype(array.dtype).newbyteorder("<") for name, array in arrays.items()}
    for name in sorted(arrays, key=lambda name: -dtypes[name].itemsize):
        if name.startswith("__") or not name:
            raise ValueError(f"arrays: {name!r} cannot be the name of an array")
        if dtypes[name] not in codes:
            raise ValueError(f"arrays: {name!r} is of type {arrays[name].dtype}, which the format does not have")
        shape = [int(n) for n in arrays[name].shape]
        end = begin + math.prod(shape) * dtypes[name].itemsize
        tensors[name] = {"dtype": codes[dtypes[name]], "shape": shape, "data_offsets": [begin, end]}
        begin = end
    length = len(_header(tensors, facts, dict.fromkeys(tensors, 0)))
    if length > MAX_HEADER:
        raise ValueError(f"facts: they take {length:,} bytes of JSON, more than {MAX_HEADER:,}; pass arrays")
    return tensors, length + -(8 + length) % ALIGNMENT


def _header(tensors: Mapping[str, Any], facts: Mapping[str, Any], crcs: Mapping[str, int]) -> bytes:
    metadata = {KEY: _json({"layout": LAYOUT, "facts": facts})}
    metadata[CRC] = _json({name: f"{crc:08x}" for name, crc in crcs.items()})
    header = {"__metadata__": metadata, **tensors}
    metadata[HEADER_CRC] = f"{_header_crc(header):08x}"
    return _json(header).encode("ascii")


def _header_crc(header: Mapping[str, Any]) -> int:
    """The checksum of all that a header says but for this checksum, in one spelling."""
    metadata = {name: text for name, text in header["__metadata__"].items() if name != HEADER_CRC}
    return zlib.crc32(json.dumps({**header, "__metadata__": metadata}, sort_keys=True).encode("ascii"))


def _json(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"facts: {error}; only what JSON can say is stored") from None


def _copy(file: BinaryIO, name: str, array: np.ndarray | Stream, tensor: Mapping[str, Any]) -> int:
    """Write an array's bytes; their checksum."""
    dtype, shape = DTYPES[tensor["dtype"]], tuple(tensor["shape"])
    blocks = array.chunks if isinstance(array, Stream) else _row_blocks(array)
    crc = rows = 0
    for block in blocks:
        if np.dtype(block.dtype) != array.dtype or block.shape[1:] != shape[1:] or block.ndim != len(shape):
            raise ValueError(
                f"arrays: {name!r} is announced as {dtype}, shape {shape}, but a block is {block.dtype}, {block.shape}"
            )
        rows += len(block) if block.ndim else 1
        if rows > (shape[0] if shape else 1):
            break
        for part in _parts(np.ascontiguousarray(block, dtype=dtype)):
            crc = zlib.crc32(part, crc)
            file.write(part)
    if rows != (shape[0] if shape else 1):
        raise ValueError(f"arrays: {name!r} is announced as of shape {shape}, but {rows} rows or more came")
    return crc


def _row_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array in blocks of rows, so that no large copy is made of one that is not contiguous."""
    if not array.ndim:
        yield array
        return
    step = max(1, BLOCK // max(1, array[:1].nbytes))
    for i in range(0, len(array), step):
        yield array[i : i + step]


def _parts(array: np.ndarray) -> Iterator[memoryview]:
    """The bytes of a contiguous array, a few at a time."""
    data = array.reshape(-1).view(np.uint8).data
    for i in range(0, len(data), BLOCK):
        yield data[i : i + BLOCK]


@contextmanager
def atomic_write(path: str) -> Iterator[BinaryIO]:
    """A new file beside `path`, which takes its place when all is written and on the disk."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:48]}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and error.filename in (None, temporary):
            raise OSError(error.errno, error.strerror, path) from None
        raise
    fsync_folder(folder)


def fsync_folder(folder: str) -> None:
    """Bring the names in a folder onto the disk, where the system has a way to."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# -----------------------------------------------------------------------------------------------------
# Reading


def read(
    path: str | os.PathLike[str], mmap: str | None = None, verify: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file that `write` wrote.

    Parameters
    ----------
    path : str or path-like
    mmap : {None, 'r'}
        'r': the arrays are views of one read-only map of the file. None: they are read, and can be written.
    verify : bool
        Compare the arrays with their checksums, which reads all of them. That of the header is always compared.

    Returns
    -------
    arrays : dict of str to numpy.ndarray
    facts : dict

    Raises
    ------
    ValueError
        Where the file is another kind of file, or damaged; with its name, the section and the byte.
    OSError
        Where it cannot be read.
    """
    if mmap not in (None, "r"):
        raise ValueError(f"mmap: None or 'r' is expected, got {mmap!r}")
    path = os.fspath(path)
    with _opened(path) as file:
        header = _read_header(file, path)
        arrays = _mapped(file, header) if mmap else _read_in(file, header)
    if verify:
        for name, array in arrays.items():
            _check_crc(header, name, array)
    return arrays, header.facts


def read_header(path: str | os.PathLike[str]) -> Header:
    """What a file says of itself, without its arrays; errors as in `read`."""
    path = os.fspath(path)
    with _opened(path) as file:
        return _read_header(file, path)


def kind_of(path: str | os.PathLike[str]) -> str | None:
    """What a file says it holds; None where it is of another form. Errors as in `read`."""
    with _opened(path) as file:
        head = file.read(9)
    return read_header(path).facts.get("kind") if head[8:] == b"{" and not describe_other_format(head) else None


def _opened(path: str | os.PathLike[str]) -> BinaryIO:
    if os.path.isdir(path):
        raise IsADirectoryError(f"{os.fspath(path)!r} is a directory; pass the file that was saved")
    return open(path, "rb")


def _mapped(file: BinaryIO, header: Header) -> dict[str, np.ndarray]:
    whole = np.memmap(file, dtype=np.uint8, mode="r", shape=(header.size,))
    return {
        name: whole[tensor.begin : tensor.end].view(tensor.dtype).reshape(tensor.shape)
        for name, tensor in header.tensors.items()
    }


def advise_random_access(array: np.ndarray) -> None:
    """Tell the system that rows of a large mapped array will be asked for here and there.

    It would read 128 KB around each row otherwise, and where the file does not fit the page cache, over and over.
    """
    pages: Any = getattr(array, "_mmap", None)
    if array.nbytes < RANDOM or not hasattr(pages, "madvise") or not hasattr(maps, "MADV_RANDOM"):
        return
    begin = array.ctypes.data - np.frombuffer(pages, dtype=np.uint8, count=1).ctypes.data
    begin -= begin % maps.PAGESIZE
    pages.madvise(maps.MADV_RANDOM, begin, array.nbytes)


def _read_in(file: BinaryIO, header: Header) -> dict[str, np.ndarray]:
    arrays = {}
    ways_out = ["load(…, mmap='r'), which needs next to nothing"]
    memory.require(header.size, f"loading {header.path!r}", ways_out)
    for name, tensor in header.tensors.items():
        arrays[name] = array = np.empty(tensor.shape, dtype=tensor.dtype)
        file.seek(tensor.begin)
        for part in _parts(array):
            if file.readinto(part) != len(part):  # type: ignore[attr-defined]
                raise ValueError(f"{header.path!r}: array {name!r}: the file was cut short while it was read")
    return arrays


def _check_crc(header: Header, name: str, array: np.ndarray) -> None:
    tensor, crc = header.tensors[name], 0
    for part in _parts(array):
        crc = zlib.crc32(part, crc)
    if crc != tensor.crc32:
        raise ValueError(
            f"{header.path!r}: array {name!r}, bytes {tensor.begin:,} to {tensor.end:,}: damaged, the checksum is "
            f"{crc:08x} and should be {tensor.crc32:08x}; fetch or write the file again"
        )


# -----------------------------------------------------------------------------------------------------
# The header, of which nothing is believed


def _read_header(file: BinaryIO, path: str) -> Header:
    size = os.fstat(file.fileno()).st_size
    head = file.read(4096)
    if other := describe_other_format(head):
        raise ValueError(f"{path!r} {other}")
    if size < 8:
        raise ValueError(f"{path!r}: length of the header, bytes 0 to 8: the file ends at byte {size}")
    (length,) = struct.unpack("<Q", head[:8])
    if length < 2 or length > MAX_HEADER or 8 + length > size:
        raise ValueError(
            f"{path!r} is not a saved model, or damaged: the length of the header, bytes 0 to 8, would be {length:,}, "
            f"in a file of {size:,} bytes"
        )
    file.seek(8)
    try:
        header = json.loads(file.read(length).decode("ascii"), object_pairs_hook=_no_name_twice)
        return _checked(header, path, size, 8 + length)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path!r}: header, bytes 8 to {8 + length:,}: {_said(error)}") from None


def _checked(header: Any, path: str, size: int, start: int) -> Header:
    """The header as numbers that fit the file."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise ValueError("a safetensors file of another program, without the facts of this one")
    about, crcs = (json.loads(metadata[name], object_pairs_hook=_no_name_twice) for name in (KEY, CRC))
    if about["layout"] != LAYOUT:
        raise ValueError(
            f"layout {about['layout']!r}, and this version of gensim_sent2vec reads {LAYOUT}; install a newer one"
        )
    if metadata[HEADER_CRC] != f"{_header_crc({**header, '__metadata__': metadata}):08x}":
        raise ValueError("damaged, the checksum does not fit; fetch or write the file again")
    if not isinstance(about["facts"], dict):
        raise ValueError("facts are missing")
    tensors: dict[str, Tensor] = {}
    end = start
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        tensors[name] = tensor = _tensor(name, entry, start, int(crcs[name], 16))
        if tensor.begin != end or tensor.end > size:
            raise ValueError(
                f"array {name!r} should lie at bytes {tensor.begin:,} to {tensor.end:,}; those before it end at "
                f"{end:,}, the file at {size:,}" + ("; it was cut short" if tensor.end > size else "")
            )
        end = tensor.end
    if end != size:
        raise ValueError(f"the arrays end at byte {end:,}, the file at {size:,}")
    return Header(path, about["layout"], size, tensors, about["facts"])


def _tensor(name: str, entry: Any, start: int, crc32: int) -> Tensor:
    shape, (begin, end) = entry["shape"], entry["data_offsets"]
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in (*shape, begin, end)) or len(shape) > 32:
        raise ValueError(f"array {name!r}: shape {shape} at {begin} to {end} is impossible")
    dtype = DTYPES.get(entry["dtype"])
    if dtype is None:
        raise ValueError(f"array {name!r}: type {entry['dtype']!r} is none of {', '.join(DTYPES)}")
    if math.prod(shape) * dtype.itemsize != end - begin:
        raise ValueError(f"array {name!r}: {dtype} of shape {tuple(shape)} does not take {end - begin:,} bytes")
    if (start + begin) % dtype.itemsize:
        raise ValueError(f"array {name!r}: {dtype} at byte {start + begin:,} is not aligned")
    return Tensor(dtype, tuple(shape), start + begin, start + end, crc32)


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a name stands twice")
    return result


def _said(error: Exception) -> str:
    """An error of the parser's as one would say it."""
    if type(error) is ValueError:
        return str(error)
    if isinstance(error, KeyError):
        return f"damaged, {error} is missing"
    return f"damaged ({type(error).__name__}: {error})"


# -----------------------------------------------------------------------------------------------------
# Other kinds of files


def describe_other_format(head: bytes) -> str | None:
    """What a file is by its first bytes, and what to do with it, where it is a file that people mistake for ours."""
    if not head:
        return "is empty; fetch or write the file again"
    if not any(head[:8]):
        return "is still being written, or its writer was killed; write it again"
    for start, what in MAGIC.items():
        if head.startswith(start):
            return what
    if WORD2VEC.match(head):
        return "is a word2vec file: load it with Sent2VecKeyedVectors.load_word2vec_format"
    return None


_UNPACK = "is compressed with {}: unpack it first"
MAGIC = {
    struct.pack("<i", 793712314): "is a .bin of the reference program or of fastText: see convert_epfml, "
    "load_epfml_vectors; gensim's load_facebook_vectors for fastText",
    b"\x80": "is a pickle, of a whole gensim model probably: load it with the class that saved it, Sent2Vec.load(…).wv",
    b"\x1f\x8b": _UNPACK.format("gzip"),
    b"BZh": _UNPACK.format("bzip2"),
    b"\xfd7zXZ": _UNPACK.format("xz"),
    b"\x28\xb5\x2f\xfd": _UNPACK.format("zstd"),
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"\x93NUMPY": "is a NumPy array: use numpy.load",
}
WORD2VEC = re.compile(rb"\s*\d+[ \t]+\d+\s*\n")
