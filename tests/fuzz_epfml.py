"""Fuzz the readers of .bin files: each damaged file is either read or rejected with an error that names it.

    python tests/fuzz_epfml.py SEED SECONDS

The address space is limited to 2 GB to detect allocations that the size of the file does not justify. Half a million
files take two and a half minutes.
"""

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from epfml_files import build

from gensim_sent2vec import convert_epfml, load_epfml_model, load_epfml_vectors
from gensim_sent2vec._pooling.finite import NotFiniteError

INTACT = (
    build(),
    build(word_ngrams=3),
    build(words=[b"\xff", b"a\x80", b"", b"x"], labels=["__label__a"]),
    build(model=5, bucket_char=7, word_ngrams=2),
    build(version=12, extra_rows=0),
)
NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**31, 2**62, 2**63 - 1, -(2**63))
HEAD = 230  # length in bytes of the part before the matrices


def damaged(rng: random.Random) -> bytes:
    """A file with one to four changes: bytes flipped, truncated, inserted, deleted or replaced by extreme integers."""
    data = bytearray(rng.choice(INTACT))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at, head = rng.randrange(len(data) or 1), rng.randrange(min(len(data), HEAD) or 1)
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[head] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 12))
        elif kind == 3:
            del data[at : at + rng.randrange(1, 12)]
        elif kind == 4:
            width, number = rng.choice((4, 8)), rng.choice((*NUMBERS, rng.randrange(300)))
            data[head : head + width] = number.to_bytes(8, "little", signed=True)[:width]
        elif data:
            data[at] = rng.choice((0, 255, rng.randrange(256)))
    return bytes(data)


def read(path: Path, which: int) -> str:
    """Read a file with one of the three readers. Returns the outcome: what was read, or the type of the error."""
    try:
        if which == 0:
            convert_epfml(path, path.with_suffix(".s2v"))
        elif which == 1:
            load_epfml_model(path)
        else:
            wv = load_epfml_vectors(path)
            list(wv.index_to_key)
            with suppress(NotFiniteError):  # which names the word, as the rows may have changed since they were read
                wv.encode(["the of police", ""])
    except (ValueError, OSError) as error:
        if repr(str(path)) not in str(error):
            raise
        return type(error).__name__
    return ("converted", "model", "vectors")[min(which, 2)]


if __name__ == "__main__":
    seed, seconds = int(sys.argv[1]), float(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
    rng, end, seen = random.Random(seed), time.monotonic() + seconds, Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged.bin")
        while time.monotonic() < end:
            data = damaged(rng)
            path.write_bytes(data)
            try:
                seen[read(path, rng.randrange(10))] += 1
            except BaseException:
                print(f"file {sum(seen.values())} of seed {seed}: {data!r}", file=sys.stderr)
                raise
    print(f"seed {seed}: {sum(seen.values()):,} files", dict(seen))
