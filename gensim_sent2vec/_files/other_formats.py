"""Recognize files in other formats by their first bytes, and suggest how to open them."""

from __future__ import annotations

import re
import struct

ENOUGH_BYTES = 16
EPFML_MAGIC = 793712314  # int32, also that of fastText
WORD2VEC_HEADER = re.compile(rb"\s*\d+[ \t]+\d+\s*\n")  # words and dimensions

_COMPRESSED = "is compressed with {}: decompress it first"
_MAGIC = {
    struct.pack("<i", EPFML_MAGIC): "is a .bin file of the reference program or of fastText: see load_epfml_model, "
    "convert_epfml, load_epfml_vectors; for fastText, gensim's load_facebook_vectors",
    b"\x80": "is a pickle, probably of an entire gensim model: load it with the class that saved it, as in "
    "Sent2Vec.load(…).wv",
    b"\x1f\x8b": _COMPRESSED.format("gzip"),
    b"BZh": _COMPRESSED.format("bzip2"),
    b"\xfd7zXZ": _COMPRESSED.format("xz"),
    b"\x28\xb5\x2f\xfd": _COMPRESSED.format("zstd"),
    b"PK\x03\x04": "is a zip archive: extract it first",
    b"\x93NUMPY": "is a NumPy array: use numpy.load",
}


def describe_other_format(head: bytes) -> str | None:
    """What a file is, judging by its first bytes, and how to open it, to follow its name in an error message.

    None if the file is in none of the formats that users mistake for ours.
    """
    if not head:
        return "is empty; download or write the file again"
    if not any(head[:8]):
        return "is still being written, or its writer was killed; write it again"
    for magic, description in _MAGIC.items():
        if head.startswith(magic):
            return description
    if WORD2VEC_HEADER.match(head):
        return "is a word2vec file: load it with Sent2VecKeyedVectors.load_word2vec_format"
    return None


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file, unless they are too few to tell, are UTF-8 without control characters."""
    if len(head) < ENOUGH_BYTES:
        return False
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not a character that is cut off
            return False
        text = head[: error.start].decode("utf-8")
    return text.isprintable() or all(map(str.isprintable, text.split()))
