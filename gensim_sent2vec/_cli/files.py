"""Checks of the files that commands write, before hours of work: nothing is overwritten by mistake."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from glob import escape, glob

from .._files.container import stored_kind
from .._files.pickles import class_of_pickle
from .._files.word2vec import is_binary
from .._util.atomic import is_stream
from .._util.compression import COMPRESSED_SUFFIXES, open_decompressed
from .._util.missing import missing_folder
from ..convert import BINARY, EPFML, FOLDERS, NATIVE, TEXT, is_epfml

# Kinds of files besides the formats of `convert`.
MODEL, INDEX, NUMPY, ROWS, TOKENS, LOG = "a model", "an index", "a NumPy array", "rows of numbers", "text", "a log"
NATIVE_KINDS = {"Sent2VecKeyedVectors": NATIVE, "SentenceIndex": INDEX}
OF_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".npz", ".npy")
OF_FOLDERS = ("modules.json", "config.json", "tokenizer.json")  # at least one of them is in an exported folder
HEAD = 1 << 16  # bytes that show whether a file is text
DESCRIPTIONS = {
    NATIVE: "a native file of vectors",
    EPFML: "a .bin of the reference program",
    TEXT: "a word2vec text file",
    BINARY: "a word2vec binary file",
}


def check_output(
    path: str, kind: str, inputs: Iterable[str | None], force: bool = False, read_back: bool = False
) -> bool:
    """Check that an output can be written, and that it does not replace an input or a file of another kind.

    Parameters
    ----------
    path : str
    kind : str
        What the command writes: a format of `convert`, or a constant of this module.
    inputs : iterable of str or None
        Files that the command reads; ``-`` is standard input. The arrays of a model count too.
    force : bool
        Whether a file of another kind may be replaced, but never an input.
    read_back : bool
        Whether the command reads the output, so that it must be a regular file.

    Returns
    -------
    bool
        Whether a previous output is replaced; see `say_replaced`.

    Raises
    ------
    ValueError
        If `path` is an input, or holds something else than `kind`, or its suffix is that of another kind.
    OSError
        If `path` is a file instead of a folder or vice versa, or the directory that it goes into is missing or not
        writable.
    """
    _check_writable(path, kind in FOLDERS)
    if is_stream(path):
        if kind == MODEL or read_back:
            raise OSError(f"cannot write to {path!r}: it is a pipe or a device; pass the name of a file")
        return False
    exists = os.path.exists(path)
    for source in inputs:
        if exists and source is not None and _is_same(source, path):
            raise ValueError(f"{path!r} is an input, {source!r}, and would be overwritten; choose another name")
    if kind == LOG:  # checked by `check_log`
        return False
    if not force:
        _check_suffix(path, kind)
    if exists and not force and not _holds(path, kind):
        raise ValueError(
            f"{path!r} exists and is not {DESCRIPTIONS.get(kind, kind)}; choose another name, or pass --force to "
            "replace it"
        )
    return exists and bool(os.listdir(path) if os.path.isdir(path) else os.path.getsize(path))


def say_replaced(path: str, replaced: bool) -> None:
    """Say so if an output that is now complete replaced a previous one."""
    if replaced:
        print(f"Replaced the previous {path!r}", file=sys.stderr)


def _check_writable(path: str, folder: bool) -> None:
    directory = os.path.dirname(path) or "."
    if folder and os.path.exists(path) and not os.path.isdir(path):
        raise NotADirectoryError(f"{path!r} is a file, but the output is a folder; choose another name")
    if not folder and os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a directory, but the output is a file; choose another name")
    if not os.path.isdir(directory):
        raise missing_folder(path)
    if not is_stream(path) and not os.access(os.path.dirname(os.path.realpath(path)), os.W_OK):
        raise PermissionError(f"cannot write {path!r}: the directory {directory!r} is not writable")


def _check_suffix(path: str, kind: str) -> None:
    """Refuse names by which other programs, and this one, would take the file for something else."""
    suffix = os.path.splitext(path)[1].lower()
    if (kind in (MODEL, INDEX) and suffix == ".txt") or (suffix in OF_TABLES and (kind, suffix) != (NUMPY, ".npy")):
        raise ValueError(
            f"{path!r}: the output is {DESCRIPTIONS.get(kind, kind)}, which a name that ends in {suffix} hides; choose "
            "another name, or pass --force"
        )


def _is_same(source: str, path: str) -> bool:
    """Whether an input, or a file of arrays that belongs to it, is the file `path`, by whatever name or link."""
    target = os.stat(path)
    if source == "-":
        try:
            return os.path.samestat(os.fstat(sys.stdin.fileno()), target)
        except (OSError, ValueError):  # not a file, as in a notebook
            return False
    parts = [source, *glob(escape(source) + ".*.npy")]
    return any(os.path.samestat(os.stat(part), target) for part in parts if os.path.exists(part))


def _holds(path: str, kind: str) -> bool:
    """Whether what exists is empty or of a kind, judging by its first bytes."""
    if kind in FOLDERS:
        names = os.listdir(path)
        return not names or any(name in OF_FOLDERS for name in names)
    if not os.path.getsize(path):
        return True
    try:
        if kind == MODEL:
            return (class_of_pickle(path) or "").startswith("gensim_sent2vec.")
        if kind in NATIVE_KINDS.values():
            return NATIVE_KINDS.get(stored_kind(path) or "") == kind
        if kind == EPFML:
            return is_epfml(path)
        if kind in (TEXT, BINARY):
            return is_binary(path) is (kind == BINARY)
        if kind == NUMPY:
            return _head(path).startswith(b"\x93NUMPY")
        return _is_text(path, numbers=kind == ROWS)
    except (OSError, EOFError, ValueError):  # damaged, or not compressed in spite of its suffix
        return False


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(HEAD)


def _is_text(path: str, numbers: bool) -> bool:
    """Whether a file, which may be compressed, starts with UTF-8, or with a line of numbers."""
    if path.endswith(COMPRESSED_SUFFIXES):
        with open_decompressed(path) as file:
            head: bytes = file.read(HEAD)
    else:
        head = _head(path)
    text = head[: head.rfind(b"\n") + 1] or head  # the last character may be cut off
    if b"\0" in text:
        return False
    decoded = text.decode("utf-8")
    if numbers:
        list(map(float, decoded.partition("\n")[0].split()))
    return True


def on_one_line(text: str) -> str:
    """A text for the terminal; those of tables may hold line breaks and tabs."""
    return " ".join(text.split()) if any(map(text.__contains__, "\t\r\n")) else text
