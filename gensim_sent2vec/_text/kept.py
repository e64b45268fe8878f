"""Files of kept tokens: the tokens of a corpus, and what they are the tokens of.

The first line has a fixed length: a signature, a checksum, and a JSON object that is padded with spaces. The other
lines are as `tokenize_file` writes them. Threads train on such a file from the second line on; other readers pass over
the first.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from .._util.atomic import atomic_path, is_stream, temporary_folder
from .._util.compression import COMPRESSED_SUFFIXES
from .._util.missing import missing_folder
from .fingerprints import explain_difference, new_hash
from .heads import KEPT_TOKENS

ARGUMENT = "keep_tokens"
FORMAT = 1
HEADER_BYTES = 1 << 12
CHECKSUM_BYTES = 40
TEXT_BYTES = HEADER_BYTES - len(KEPT_TOKENS) - CHECKSUM_BYTES - 2  # between a space and a line end
CHUNK_BYTES = 1 << 20
FIELDS = {"format": int, "n_texts": int, "texts": str, "n_bytes": int, "tokens": str, "pristine": bool, "facts": dict}
FACTS = {"tokenizer": str, "versions": dict, "code": (str, type(None)), "phrases": (str, type(None))}
WAY_OUT = "choose another name, or delete the file"

# -----------------------------------------------------------------------------------------------------
# Paths


def checked_path(path: Any) -> str:
    """The absolute path of a file of kept tokens, which may or may not exist.

    Raises
    ------
    TypeError
        If it is no path.
    ValueError
        If its name is that of a compressed file, or the file is another one than a file of kept tokens.
    OSError
        If it is a directory or a device, or its directory does not exist.
    """
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise TypeError(f"{ARGUMENT}: expected the path of a file, got {type(path).__name__}")
    name = os.path.realpath(os.fspath(path))
    if name.endswith(COMPRESSED_SUFFIXES):
        raise ValueError(
            f"{ARGUMENT}: {path!r}: tokens are kept uncompressed, because threads read parts of the file; choose a "
            "name without the suffix of compressed files"
        )
    if os.path.isdir(name):
        raise IsADirectoryError(f"{ARGUMENT}: {path!r} is a directory; pass the name of a file")
    if not os.path.isdir(os.path.dirname(name)):
        raise missing_folder(name)
    if is_stream(name):
        raise OSError(f"{ARGUMENT}: {path!r} is a pipe or a device; pass the name of a file")
    reject_foreign(name)
    return name


def check_is_no_input(path: str, inputs: Iterable[Any]) -> None:
    """Raise a ValueError if a file of kept tokens, which may be replaced, is one that texts are read from."""
    for name in inputs:
        if os.path.exists(path) and os.path.exists(name) and os.path.samefile(path, name):
            raise ValueError(f"{ARGUMENT}: {path!r} is the corpus, which would be overwritten; choose another name")


def check_writable(path: str) -> None:
    """Raise a PermissionError, before hours of work, if no file can be written in the directory of `path`."""
    folder = os.path.dirname(path)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{ARGUMENT}: cannot write {path!r}: the directory {folder!r} is not writable")


def reject_foreign(path: str) -> None:
    """Raise a ValueError if a file exists that is neither empty nor begins as one of kept tokens."""
    try:
        with open(path, "rb") as file:
            head = file.read(len(KEPT_TOKENS))
    except FileNotFoundError:
        return
    if head and head != KEPT_TOKENS:
        raise ValueError(
            f"{ARGUMENT}: {path!r} exists and is not a file of kept tokens, so it is neither read nor replaced; choose "
            "another name (if it holds tokens that tokenize wrote, pass TokenFile(...) as corpus_file, or --tokenized)"
        )


@contextmanager
def pinned(path: str) -> Iterator[str]:
    """Another name of a file, which keeps its content when another process replaces the file.

    A hard link in a temporary folder; the path itself if none can be made, as in a folder of somebody else.
    """
    with ExitStack() as stack:
        name = path
        with suppress(OSError):
            link = os.path.join(stack.enter_context(temporary_folder(path)), "tokens.txt")
            os.link(path, link)
            name = link
        yield name


# -----------------------------------------------------------------------------------------------------
# Headers


def write_header(path: str, fields: Mapping[str, Any]) -> None:
    """Write the first line of a file that begins with `blank_header`."""
    text = json.dumps({"format": FORMAT, **fields}).encode()
    if len(text) > TEXT_BYTES:
        raise ValueError(f"{ARGUMENT}: the description of the tokenizer is too long")
    text = text.ljust(TEXT_BYTES)
    with open(path, "r+b") as file:
        file.write(KEPT_TOKENS + checksum(text) + b" " + text + b"\n")


def checksum(text: bytes) -> bytes:
    """The checksum of the text of a header, which precedes it."""
    hashed = new_hash()
    hashed.update(text)
    return bytes(hashed.hexdigest(), "ascii")


def blank_header() -> bytes:
    """The place of a header that is not known yet."""
    return b" " * (HEADER_BYTES - 1) + b"\n"


def read_header(file: str, path: str) -> dict[str, Any]:
    """The header of a file of kept tokens, after a look at whether its tokens are as they were written.

    Parameters
    ----------
    file : str
        The file to read.
    path : str
        Its name in errors.

    Raises
    ------
    ValueError
        If the file is damaged, or of a later version.
    """
    with open(file, "rb") as stream:
        head = stream.read(HEADER_BYTES)
        fields = _parsed(head)
        if fields is None:
            raise damaged(path, "its first line is not as it was written")
        if fields["format"] != FORMAT:
            raise ValueError(
                f"{ARGUMENT}: {path!r} was written by another version of gensim_sent2vec (format {fields['format']}, "
                f"not {FORMAT}); {WAY_OUT}"
            )
        n_bytes = os.fstat(stream.fileno()).st_size - HEADER_BYTES
        if n_bytes != fields["n_bytes"]:
            raise damaged(path, f"it has {n_bytes:,} bytes of tokens instead of {fields['n_bytes']:,}")
        hashed = new_hash()
        while chunk := stream.read(CHUNK_BYTES):
            hashed.update(chunk)
    if hashed.hexdigest() != fields["tokens"]:
        raise damaged(path, "its tokens have changed since they were written")
    return fields


def damaged(path: str, why: str) -> ValueError:
    """The error for a file that is not as it was written; somebody may have edited it, so it is not replaced."""
    return ValueError(f"{ARGUMENT}: {path!r} is damaged: {why}; {WAY_OUT}, and the corpus is tokenized again")


def _parsed(head: bytes) -> dict[str, Any] | None:
    """The fields of a header; None if it is damaged. Of another format, only the checksum is checked."""
    found, text = head[len(KEPT_TOKENS) :][:CHECKSUM_BYTES], head[-TEXT_BYTES - 1 : -1]
    if len(head) != HEADER_BYTES or head != KEPT_TOKENS + found + b" " + text + b"\n" or found != checksum(text):
        return None
    fields = json.loads(text)
    if fields["format"] == FORMAT and not (_has(fields, FIELDS) and _has(fields["facts"], FACTS)):
        return None
    return dict(fields)


def _has(fields: Any, types: Mapping[str, Any]) -> bool:
    return isinstance(fields, dict) and all(isinstance(fields.get(name, ...), kind) for name, kind in types.items())


# -----------------------------------------------------------------------------------------------------
# Whether kept tokens are those of a corpus


class TextSample:
    """Every k-th text of a stream, by row; k doubles whenever there are too many. Very long texts are left out."""

    def __init__(self, size: int, longest: int = 1 << 16) -> None:
        self.size, self.longest = size, longest
        self.texts: dict[int, str] = {}

    def record(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the texts unchanged."""
        step = 1
        for row, text in enumerate(texts):
            if row % step == 0 and len(text) <= self.longest:
                self.texts[row] = text
                if len(self.texts) > 2 * self.size:
                    step *= 2
                    self.texts = {number: kept for number, kept in self.texts.items() if number % step == 0}
            yield text


def explain_other_tokens(file: str, texts: Mapping[int, str], line_of: Callable[[str], str]) -> str | None:
    """Which of some texts has other tokens than were kept, as a clause for a message; None if they have the same."""
    with open(file, "rb") as lines:
        lines.seek(HEADER_BYTES)
        for row, line in enumerate(lines):
            if row in texts and line != line_of(texts[row]).encode("utf-8", "replace") + b"\n":
                return f"the tokenizer now returns other tokens for text {row + 1:,}"
    return None


def explain_other_facts(fields: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
    """Why kept tokens are not those of a tokenizer, as a clause for a message; None if they are."""
    return explain_difference(fields["facts"], dict(facts))


def publish(tokens: str, path: str) -> None:
    """Give a finished temporary file of kept tokens its name, replacing earlier kept tokens.

    Raises
    ------
    ValueError
        If the name has been given to another file in the meantime.
    OSError
        If the file cannot be written.
    """
    with atomic_path(path) as unfinished:
        reject_foreign(path)
        os.unlink(unfinished)
        try:
            os.link(tokens, unfinished)
        except OSError:
            shutil.copyfile(tokens, unfinished)
