"""What the first bytes of a file show: compression, an encoding or a file format that its name does not tell."""

from __future__ import annotations

import re

from .._util.compression import COMPRESSED_SUFFIXES

HEAD_BYTES = 1 << 16
BOM = b"\xef\xbb\xbf"  # UTF-8 with a byte order mark, as Windows programs write it
KEPT_TOKENS = b"#gensim_sent2vec tokens "  # begins the first line of a file of kept tokens, which is no text

COMPRESSION = {  # signature: suffix
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\0": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"\x04\x22\x4d\x18": ".lz4",
}
BINARY_FORMATS = {  # signature: what it is and what to do
    b"PK\x03\x04": "a zip archive or an Excel workbook; extract it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel or Word file; save it as CSV or text",
    b"%PDF-": "a PDF; extract its text first",
    b"ARROW1": "an Arrow file; write it as Parquet",
    b"\x93NUMPY": "a NumPy array; pass it to the functions of the Python package",
}
PARQUET = b"PAR1"
UTF16, UTF32 = (b"\xff\xfe", b"\xfe\xff"), (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
ENOUGH_BYTES = 8  # of text that has zeros in every other byte

_SAVED = re.compile(rb"\x80[\x02-\x05]|.{4}\0{4}\{", re.DOTALL)  # a pickle, or the length of a safetensors header
_CARRIAGE_RETURN_WITHIN = re.compile(rb"\r[^\r\n]")


def check_head(head: bytes, where: str) -> None:
    """Refuse what is not UTF-8 text with line ends, judging by its first bytes.

    Parameters
    ----------
    head : bytes
        At most `HEAD_BYTES`, decompressed if the name of the file says that it is compressed.
    where : str
        The file, as errors name it.

    Raises
    ------
    ValueError
        That says what the file is and what to do.
    """
    for signature, suffix in COMPRESSION.items():
        if head.startswith(signature) and not _is_text(head):
            if suffix not in COMPRESSED_SUFFIXES:
                raise ValueError(
                    f"{where} is compressed ({suffix[1:]}), which the installed smart_open cannot read: decompress the "
                    "file, or install a newer smart_open"
                )
            raise ValueError(f"{where} is not UTF-8, but compressed: rename it so that its name ends in {suffix}")
    for signature, found in BINARY_FORMATS.items():
        if head.startswith(signature) and not (signature.isalnum() and _is_text(head)):
            raise ValueError(f"{where} is {found}")
    if _SAVED.match(head):
        raise ValueError(f"{where} is a saved model, vectors or an index, not texts; gensim-sent2vec info describes it")
    if head.startswith(PARQUET) and not _is_text(head):
        raise ValueError(
            f'{where} is a Parquet file, but its name does not say so: pass format="parquet" (--format parquet)'
        )
    encoding = _wide_encoding(head)
    if encoding:
        raise ValueError(
            f"{where}, line 1: not UTF-8, but {encoding}; convert it, for example with: iconv -f {encoding} -t UTF-8"
        )


def check_line_ends(head: bytes, where: str) -> None:
    """Refuse lines that end in carriage returns only: they would all be one line.

    Raises
    ------
    ValueError
    """
    if b"\n" not in head and _CARRIAGE_RETURN_WITHIN.search(head):
        raise ValueError(
            f"{where}: its lines end in carriage returns only, as those of old Mac files; convert it, for example "
            "with: tr '\\r' '\\n'"
        )


def _wide_encoding(head: bytes) -> str | None:
    if head.startswith(UTF32):
        return "UTF-32"
    if head.startswith(UTF16):
        return "UTF-16"
    for first, name in ((1, "UTF-16LE"), (0, "UTF-16BE")):
        zeros = head[first::2]
        if len(head) >= ENOUGH_BYTES and zeros.count(0) > 0.9 * len(zeros) and head[1 - first :: 2].count(0) == 0:
            return name
    return None


def _is_text(head: bytes) -> bool:
    """Whether a head is UTF-8 without control characters: text may begin with the letters of a signature."""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head):
            return False
        text = head[: error.start].decode("utf-8")  # the last character is cut off
    return not re.search(r"[\0-\x08\x0e-\x1f]", text)
