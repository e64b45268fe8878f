"""Reading single arrays of safetensors files of other programs. Nothing in a file is trusted before it is checked."""

from __future__ import annotations

import json
import math
import os
import stat
import struct
from collections.abc import Collection
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from .._util import memory
from .container import DTYPES, MAX_HEADER

BFLOAT16 = "BF16"  # the upper half of a float32; NumPy has no such type
PART_BYTES = 1 << 30  # read at a time
MAX_DIMS = 32


class Place(NamedTuple):
    """An array in a file: bytes [begin, end)."""

    code: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_tensors(path: str, names: Collection[str]) -> dict[str, np.ndarray]:
    """Read some arrays of a safetensors file into memory.

    Parameters
    ----------
    path : str
    names : collection of str
        Those that do not occur in the file are ignored.

    Returns
    -------
    dict of str to numpy.ndarray
        bfloat16 becomes float32.

    Raises
    ------
    ValueError
        If the file is damaged or of another format, with the array; or if none of the names occurs.
    OSError
        If it cannot be read.
    MemoryError
        If the arrays do not fit into memory.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"{path!r} is a directory, a device or a pipe, not a safetensors file")
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        header, start = _read_header(file, path, size)
        found = {name: _checked_place(path, name, header[name], start, size) for name in names if name in header}
        if not found:
            raise ValueError(
                f"{path!r}: no array is called {' or '.join(map(repr, names))}; the arrays of the file are "
                f"{', '.join(map(repr, sorted(header)[:10])) or '(none)'}"
            )
        memory.require(sum(place.end - place.begin for place in found.values()), f"loading {path!r}")
        return {name: _read(file, path, name, place) for name, place in found.items()}


def _read_header(file: BinaryIO, path: str, size: int) -> tuple[dict[str, Any], int]:
    """The entries of the arrays, and the byte at which the arrays start."""
    head = file.read(8)
    (length,) = struct.unpack("<Q", head) if len(head) == 8 else (0,)
    if length < 2 or length > MAX_HEADER or 8 + length > size:
        raise ValueError(
            f"{path!r} is not a safetensors file, or is damaged: the length of the header, bytes 0 to 8, would be "
            f"{length:,}, in a file of {size:,} bytes"
        )
    try:
        header = json.loads(file.read(length).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path!r}: header, bytes 8 to {8 + length:,}: damaged ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(f"{path!r}: header, bytes 8 to {8 + length:,}: expected an object, got {header!r:.40}")
    header.pop("__metadata__", None)
    return header, 8 + length


def _checked_place(path: str, name: str, entry: Any, start: int, size: int) -> Place:
    try:
        code, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise ValueError(
            f"{path!r}: array {name!r}: expected dtype, shape and data_offsets, got {entry!r:.80}"
        ) from None
    if not (isinstance(code, str) and (code in DTYPES or code == BFLOAT16)):
        known = ", ".join([*DTYPES, BFLOAT16])
        raise ValueError(f"{path!r}: array {name!r}: unknown dtype {code!r:.40}; expected one of {known}")
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in (*shape, begin, end)) or len(shape) > MAX_DIMS:
        raise ValueError(f"{path!r}: array {name!r}: impossible shape {shape!r:.80} at bytes {begin!r} to {end!r}")
    itemsize = 2 if code == BFLOAT16 else DTYPES[code].itemsize
    if math.prod(shape) * itemsize != end - begin:
        raise ValueError(f"{path!r}: array {name!r}: {code} of shape {shape} does not take {end - begin:,} bytes")
    if start + end > size:
        raise ValueError(
            f"{path!r}: array {name!r} would end at byte {start + end:,}, but the file ends at {size:,}; it was "
            "truncated: download or write it again"
        )
    return Place(code, shape, start + begin, start + end)


def _read(file: BinaryIO, path: str, name: str, place: Place) -> np.ndarray:
    dtype = np.dtype("<u2") if place.code == BFLOAT16 else DTYPES[place.code]
    array = np.empty(place.shape, dtype=dtype)
    left = array.reshape(-1).view(np.uint8).data
    file.seek(place.begin)
    while left:
        n = file.readinto(left[:PART_BYTES])  # type: ignore[attr-defined]
        if not n:
            raise ValueError(f"{path!r}: array {name!r}: the file was truncated while it was read")
        left = left[n:]
    if place.code == BFLOAT16:
        return (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return array
