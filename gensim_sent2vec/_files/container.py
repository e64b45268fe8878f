"""One file of named arrays and JSON facts: memory-mapped, checksummed, and read without executing anything in it.

The format is safetensors (https://github.com/huggingface/safetensors#format), used as follows (layout version 1):

- bytes 0-7: the length of the header, a little-endian uint64;
- the header: JSON, padded with spaces so that the arrays start at a multiple of 64 bytes. It holds the ``dtype``,
  ``shape`` and ``data_offsets`` (from the end of the header) of each array, and ``__metadata__``, which maps strings to
  strings: ``gensim_sent2vec``, a JSON object of ``layout`` (the version) and ``facts``; ``crc32``, a JSON object of the
  zlib.crc32 of each array's bytes; ``header_crc32``, that of the rest of the header (see `_header_crc`);
- the arrays: little-endian, in C order, without gaps, largest item size first, so that each array is aligned.

Any safetensors reader can open such a file. A file that is still being written starts with eight zero bytes.
`gensim_sent2vec._files.schema` lists the arrays and facts of word vectors.
"""

from __future__ import annotations

import json
import math
import mmap as maps
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from .._util import memory
from .._util.atomic import atomic_write
from .._util.compression import COMPRESSED_SUFFIXES
from .._util.missing import check_exists
from .other_formats import describe_other_format, is_text

LAYOUT = 1
KEY = "gensim_sent2vec"
CRC = "crc32"  # eight hexadecimal digits per array
HEADER_CRC = "header_crc32"
ALIGNMENT = 64
MAX_HEADER = 100_000_000  # the limit of the safetensors package
BLOCK_BYTES = 1 << 22  # copied, read or checked at a time
RANDOM_ACCESS_BYTES = 1 << 28  # mapped arrays of at least this size should not be read ahead
CODES = {
    "F64": "<f8", "I64": "<i8", "U64": "<u8", "F32": "<f4", "I32": "<i4", "U32": "<u4",
    "F16": "<f2", "I16": "<i2", "U16": "<u2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
DTYPES = {code: np.dtype(text) for code, text in CODES.items()}


@dataclass(frozen=True)
class Stream:
    """An array to write that is never entirely in memory.

    Attributes
    ----------
    dtype : dtype-like
    shape : tuple of int
    chunks : iterable of numpy.ndarray
        Successive blocks of rows (items along the first axis).
    """

    dtype: Any
    shape: tuple[int, ...]
    chunks: Iterable[np.ndarray]


@dataclass(frozen=True)
class Tensor:
    """An array in a file: bytes [begin, end)."""

    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int
    end: int
    crc32: int


@dataclass(frozen=True)
class Header:
    """The header of a file, checked against the file's size."""

    path: str
    layout: int
    size: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


# -----------------------------------------------------------------------------------------------------
# Writing


def write(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray | Stream], facts: Mapping[str, Any]) -> None:
    """Write a file atomically: it appears under its name once it is complete and on disk.

    If the process is killed, the previous file stays; the next write deletes what the killed one has left.

    Parameters
    ----------
    path : str or path-like
        An existing file is replaced; arrays that are mapped from it stay valid. A pipe or device is written to.
    arrays : mapping of str to (numpy.ndarray or Stream)
        Booleans, integers and floats of up to 8 bytes.
    facts : mapping
        Any JSON values. ``kind`` should state what the file holds.

    Raises
    ------
    ValueError
        If the format cannot store an array or a fact, or the blocks of a stream do not match its declaration.
    OSError
        If the file cannot be written.
    """
    tensors, header_bytes = _lay_out(arrays, facts)
    with atomic_write(path) as file:
        file.seek(8 + header_bytes)  # the header is written last; until then the file starts with zeros
        crcs = {name: _copy(file, name, arrays[name], tensors[name]) for name in tensors}
        header = _header(tensors, facts, crcs)
        file.seek(0)
        file.write(struct.pack("<Q", header_bytes) + header.ljust(header_bytes))


def _lay_out(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The header's entries, in the order of the file, and the length of the header."""
    codes = {dtype: code for code, dtype in DTYPES.items()}
    tensors: dict[str, Any] = {}
    begin = 0
    dtypes = {name: np.dtype(array.dtype).newbyteorder("<") for name, array in arrays.items()}
    for name in sorted(arrays, key=lambda name: -dtypes[name].itemsize):
        if name.startswith("__") or not name:
            raise ValueError(f"arrays: {name!r} is not a valid name for an array")
        if dtypes[name] not in codes:
            raise ValueError(f"arrays: {name!r} has dtype {arrays[name].dtype}, which the format cannot store")
        shape = [int(n) for n in arrays[name].shape]
        end = begin + math.prod(shape) * dtypes[name].itemsize
        tensors[name] = {"dtype": codes[dtypes[name]], "shape": shape, "data_offsets": [begin, end]}
        begin = end
    length = len(_header(tensors, facts, dict.fromkeys(tensors, 0)))
    if length > MAX_HEADER:
        raise ValueError(f"facts: {length:,} bytes of JSON, but at most {MAX_HEADER:,} fit; store them as arrays")
    return tensors, length + -(8 + length) % ALIGNMENT


def _header(tensors: Mapping[str, Any], facts: Mapping[str, Any], crcs: Mapping[str, int]) -> bytes:
    metadata = {KEY: _json({"layout": LAYOUT, "facts": facts})}
    metadata[CRC] = _json({name: f"{crc:08x}" for name, crc in crcs.items()})
    header = {"__metadata__": metadata, **tensors}
    metadata[HEADER_CRC] = f"{_header_crc(header):08x}"
    return _json(header).encode("ascii")


def _header_crc(header: Mapping[str, Any]) -> int:
    """The checksum of the header without this checksum, as JSON with sorted keys."""
    metadata = {name: text for name, text in header["__metadata__"].items() if name != HEADER_CRC}
    return zlib.crc32(json.dumps({**header, "__metadata__": metadata}, sort_keys=True).encode("ascii"))


def _json(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"facts: {error}; only JSON values can be stored") from None


def _copy(file: BinaryIO, name: str, array: np.ndarray | Stream, tensor: Mapping[str, Any]) -> int:
    """Write the bytes of an array; return their checksum."""
    dtype, shape = DTYPES[tensor["dtype"]], tuple(tensor["shape"])
    blocks = array.chunks if isinstance(array, Stream) else _row_blocks(array)
    n_rows = shape[0] if shape else 1
    crc = rows = 0
    for block in blocks:
        if np.dtype(block.dtype) != array.dtype or block.shape[1:] != shape[1:] or block.ndim != len(shape):
            raise ValueError(
                f"arrays: {name!r} was declared as {dtype} of shape {shape}, but a block is {block.dtype} of shape "
                f"{block.shape}"
            )
        rows += len(block) if block.ndim else 1
        if rows > n_rows:
            break
        for part in _byte_parts(np.ascontiguousarray(block, dtype=dtype)):
            crc = zlib.crc32(part, crc)
            file.write(part)
    if rows != n_rows:
        found = f"at least {rows}" if rows > n_rows else str(rows)
        raise ValueError(f"arrays: {name!r} was declared with shape {shape}, but its blocks have {found} rows")
    return crc


def _row_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array in blocks of rows, so that a non-contiguous one is copied block by block."""
    if not array.ndim:
        yield array
        return
    step = max(1, BLOCK_BYTES // max(1, array[:1].nbytes))
    for i in range(0, len(array), step):
        yield array[i : i + step]


def _byte_parts(array: np.ndarray) -> Iterator[memoryview]:
    """The bytes of a contiguous array, in parts of `BLOCK_BYTES`."""
    data = array.reshape(-1).view(np.uint8).data
    for i in range(0, len(data), BLOCK_BYTES):
        yield data[i : i + BLOCK_BYTES]


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
        'r': the arrays are views of one read-only memory map of the file. None: they are read into memory, and can be
        modified.
    verify : bool
        Compare the arrays with their checksums, which reads all of them. The header's checksum is always compared.

    Returns
    -------
    arrays : dict of str to numpy.ndarray
    facts : dict

    Raises
    ------
    ValueError
        If the file is in another format or damaged; with its name, the section and the byte.
    OSError
        If it cannot be read.
    """
    if mmap not in (None, "r"):
        raise ValueError(f"mmap: expected None or 'r', got {mmap!r}")
    path = os.fspath(path)
    with _open(path) as file:
        header = _read_header(file, path)
        arrays = _map_arrays(file, header) if mmap else _read_arrays(file, header)
    if verify:
        for name, array in arrays.items():
            _check_crc(header, name, array)
    return arrays, header.facts


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of a file, without its arrays. Raises as `read` does."""
    path = os.fspath(path)
    with _open(path) as file:
        return _read_header(file, path)


def stored_kind(path: str | os.PathLike[str]) -> str | None:
    """The ``kind`` that a file states; None if the file is in another format. Raises as `read` does."""
    with _open(path) as file:
        head = file.read(9)
    return read_header(path).facts.get("kind") if head[8:] == b"{" and not describe_other_format(head) else None


def _open(path: str | os.PathLike[str]) -> BinaryIO:
    if os.path.isdir(path):
        raise IsADirectoryError(f"{os.fspath(path)!r} is a directory; pass the file that was saved")
    check_exists(path)
    return open(path, "rb")


def _map_arrays(file: BinaryIO, header: Header) -> dict[str, np.ndarray]:
    mapped = np.memmap(file, dtype=np.uint8, mode="r", shape=(header.size,))
    return {
        name: mapped[tensor.begin : tensor.end].view(tensor.dtype).reshape(tensor.shape)
        for name, tensor in header.tensors.items()
    }


def advise_random_access(array: np.ndarray) -> None:
    """Tell the operating system that rows of a large mapped array will be read in random order.

    Otherwise it reads 128 KB around each row, again and again if the file does not fit into the page cache.
    """
    pages: Any = getattr(array, "_mmap", None)
    if array.nbytes < RANDOM_ACCESS_BYTES or not hasattr(pages, "madvise") or not hasattr(maps, "MADV_RANDOM"):
        return
    begin = array.ctypes.data - np.frombuffer(pages, dtype=np.uint8, count=1).ctypes.data
    begin -= begin % maps.PAGESIZE
    pages.madvise(maps.MADV_RANDOM, begin, array.nbytes)


def _read_arrays(file: BinaryIO, header: Header) -> dict[str, np.ndarray]:
    arrays = {}
    memory.require(header.size, f"loading {header.path!r}", ["load(…, mmap='r'), which needs next to no memory"])
    for name, tensor in header.tensors.items():
        arrays[name] = array = np.empty(tensor.shape, dtype=tensor.dtype)
        file.seek(tensor.begin)
        for part in _byte_parts(array):
            if file.readinto(part) != len(part):  # type: ignore[attr-defined]
                raise ValueError(f"{header.path!r}: array {name!r}: the file was truncated while it was read")
    return arrays


def _check_crc(header: Header, name: str, array: np.ndarray) -> None:
    tensor, crc = header.tensors[name], 0
    for part in _byte_parts(array):
        crc = zlib.crc32(part, crc)
    if crc != tensor.crc32:
        raise ValueError(
            f"{header.path!r}: array {name!r}, bytes {tensor.begin:,} to {tensor.end:,}: damaged, its checksum is "
            f"{crc:08x}, expected {tensor.crc32:08x}; download or write the file again"
        )


# -----------------------------------------------------------------------------------------------------
# The header: nothing in it is trusted before it is checked


def _read_header(file: BinaryIO, path: str) -> Header:
    size = os.fstat(file.fileno()).st_size
    head = file.read(4096)
    if other := describe_other_format(head):
        raise ValueError(f"{path!r} {other}")
    if size < 8:
        raise ValueError(f"{path!r}: length of the header, bytes 0 to 8: the file ends at byte {size}")
    (length,) = struct.unpack("<Q", head[:8])
    if length < 2 or length > MAX_HEADER or 8 + length > size:
        if is_text(head):
            raise ValueError(f"{path!r} is not a saved model, but text; train a model on it first")
        raise ValueError(
            f"{path!r} is not a saved model, or is damaged: the length of the header, bytes 0 to 8, would be "
            f"{length:,}, in a file of {size:,} bytes"
        )
    file.seek(8)
    try:
        header = json.loads(file.read(length).decode("ascii"), object_pairs_hook=_reject_duplicate_names)
        return _checked_header(header, path, size, 8 + length)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path!r}: header, bytes 8 to {8 + length:,}: {_explain(error)}") from None


def _checked_header(header: Any, path: str, size: int, start: int) -> Header:
    """Parse the header, and check that the arrays fill the file from byte `start` to its end."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise ValueError("a safetensors file of another program, without the metadata of gensim_sent2vec")
    content, crcs = (json.loads(metadata[name], object_pairs_hook=_reject_duplicate_names) for name in (KEY, CRC))
    if content["layout"] != LAYOUT:
        raise ValueError(
            f"layout {content['layout']!r}, but this version of gensim_sent2vec reads {LAYOUT}; install a newer one"
        )
    if metadata[HEADER_CRC] != f"{_header_crc({**header, '__metadata__': metadata}):08x}":
        raise ValueError("damaged, the checksum does not match; download or write the file again")
    if not isinstance(content["facts"], dict):
        raise ValueError("facts are missing")
    tensors: dict[str, Tensor] = {}
    end = start
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        tensors[name] = tensor = _checked_tensor(name, entry, start, int(crcs[name], 16))
        if tensor.begin != end or tensor.end > size:
            raise ValueError(
                f"array {name!r} should be at bytes {tensor.begin:,} to {tensor.end:,}; the arrays before it end at "
                f"{end:,}, the file at {size:,}" + ("; it was truncated" if tensor.end > size else "")
            )
        end = tensor.end
    if end != size:
        raise ValueError(f"the arrays end at byte {end:,}, the file at {size:,}")
    return Header(path, content["layout"], size, tensors, content["facts"])


def _checked_tensor(name: str, entry: Any, start: int, crc32: int) -> Tensor:
    shape, (begin, end) = entry["shape"], entry["data_offsets"]
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in (*shape, begin, end)) or len(shape) > 32:
        raise ValueError(f"array {name!r}: impossible shape {shape} at bytes {begin} to {end}")
    dtype = DTYPES.get(entry["dtype"])
    if dtype is None:
        raise ValueError(f"array {name!r}: unknown dtype {entry['dtype']!r}; expected one of {', '.join(DTYPES)}")
    if math.prod(shape) * dtype.itemsize != end - begin:
        raise ValueError(f"array {name!r}: {dtype} of shape {tuple(shape)} does not take {end - begin:,} bytes")
    if (start + begin) % dtype.itemsize:
        raise ValueError(f"array {name!r}: {dtype} at byte {start + begin:,} is not aligned")
    return Tensor(dtype, tuple(shape), start + begin, start + end, crc32)


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a name occurs twice")
    return result


def _explain(error: Exception) -> str:
    """The message for an error raised while parsing."""
    if type(error) is ValueError:
        return str(error)
    if isinstance(error, KeyError):
        return f"damaged, {error} is missing"
    return f"damaged ({type(error).__name__}: {error})"


def check_path_to_save(path: Any) -> str:
    """The path under which vectors can be saved; a TypeError or ValueError if they cannot."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"fname: expected a path, got {type(path).__name__}; an open file cannot be replaced atomically"
        )
    if os.fspath(path).endswith(COMPRESSED_SUFFIXES):
        raise ValueError(
            f"fname: {os.fspath(path)!r} would not be compressed, because it must be possible to map the file; use the "
            "suffix .s2v"
        )
    return os.fspath(path)
