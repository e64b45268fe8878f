"""Build files in the reference program's .bin format, independently of the package."""

import struct

import numpy as np

FIELDS = (
    "dim", "ws", "epoch", "minCount", "neg", "wordNgrams", "loss", "model", "bucket", "minn", "maxn", "lrUpdateRate",
)  # fmt: skip


def build(
    words=("</s>", "the", "of", "police"),
    dim=3,
    word_ngrams=1,
    bucket=5,
    extra_rows=1,
    labels=(),
    version=11,
    pruned=-1,
    quantized=(0, 0),
    bucket_char=None,
    counts=None,
    t=1.0,
    seed=0,
    **args,
) -> bytes:
    """A complete file. `words` are bytes or str, without the placeholder; `args` override arguments by name."""
    values = dict(zip(FIELDS, (dim, 5, 5, 1, 10, word_ngrams, 2, 4, bucket, 3, 6, 100))) | args
    rows = 1 + len(words) + bucket + (extra_rows if bucket_char is None else bucket_char)
    out = struct.pack("<2i", 793712314, version)
    for name in FIELDS:
        out += struct.pack("<i", values[name])
        if name == "bucket" and bucket_char is not None:
            out += struct.pack("<i", bucket_char)
    out += struct.pack("<d", t)
    n = 1 + len(words)
    out += struct.pack("<3i2q", n + len(labels), n, len(labels), 100, pruned)
    counts = [0, *(counts or range(10 * len(words), 0, -10)), *([1] * len(labels))]
    for i, word in enumerate(("<PLACEHOLDER>", *words, *labels)):
        raw = word.encode() if isinstance(word, str) else word
        out += raw + b"\0" + struct.pack("<qb", counts[i], i >= n)
    out += b"\1\0\0\0\2\0\0\0" * max(0, pruned)
    rng = np.random.default_rng(seed)
    for flag, n_rows in zip(quantized, (rows, n)):
        out += struct.pack("<b2q", flag, n_rows, dim) + rng.normal(size=(n_rows, dim)).astype("<f4").tobytes()
    return out


def sections(data: bytes, dim=3) -> dict[str, int]:
    """The offsets of the sections of a file without character buckets and labels."""
    at = {
        "magic": 0,
        "version": 4,
        "arguments": 8,
        "t": 56,
        "dictionary": 64,
        "tokens": 76,
        "pruned": 84,
        "entries": 92,
    }
    n_entries = struct.unpack_from("<i", data, 64)[0]
    end = 92
    for i in range(n_entries):
        at[f"entry {i}"] = end
        zero = data.index(0, end)
        at[f"count {i}"] = zero + 1
        at[f"type {i}"] = zero + 9
        end = zero + 10
    for name in ("input", "output"):
        at[name] = end
        at[f"{name} rows"] = end + 1
        at[f"{name} columns"] = end + 9
        at[f"{name} values"] = end + 17
        end += 17 + 4 * dim * struct.unpack_from("<q", data, end + 1)[0]
    assert end == len(data)
    return at
