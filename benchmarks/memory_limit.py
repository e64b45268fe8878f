"""Does a model of 5.5 GB work under a memory limit of 4 GB?

A .bin file in the format of the reference program is filled with random values. Three contestants run one after the
other, each in a new memory cgroup (version 1 or 2; creating one requires root): loading the file, converting it, and
encoding from the converted file, memory-mapped. The kernel kills a process that exceeds the limit, so a contestant that
exits normally has stayed within it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run

DIM, NGRAMS = 100, 2
SENTENCES, LENGTH = 5_000, 20
MB = 1_000_000


# -----------------------------------------------------------------------------------------------------
# The file


def make(path: str, words: int, bucket: int) -> int:
    """Write a .bin file with words ``w0``, ``w1``, … and random rows. Returns its size in bytes."""
    import numpy as np

    block = np.random.default_rng(0).normal(scale=1 / DIM, size=(1 << 16, DIM)).astype("<f4")
    n = words + 2
    with open(path, "wb") as out:
        out.write(struct.pack("<2i12id", 793712314, 11, DIM, 5, 5, 5, 10, NGRAMS, 2, 4, bucket, 3, 6, 100, 1e-4))
        out.write(struct.pack("<3i2q", n, n, 0, 20 * words, -1))
        out.write(b"<PLACEHOLDER>\0" + bytes(9) + b"</s>\0" + struct.pack("<qb", words, 0))
        for i in range(words):
            out.write(b"w%d\0" % i + struct.pack("<qb", 1 + words // (i + 1), 0))
        for rows in (n + bucket + 1, n):
            out.write(struct.pack("<b2q", 0, rows, DIM))
            for begin in range(0, rows, len(block)):
                out.write(block[: rows - begin].data)
        return out.tell()


# -----------------------------------------------------------------------------------------------------
# The cgroup


@contextmanager
def cgroup(limit: int) -> Iterator[Path]:
    """Create a memory cgroup with a limit in bytes, and remove it at the end of the ``with`` block.

    Raises
    ------
    SystemExit
        If it cannot be created.
    """
    mounted = [
        (Path(fields[4]), fields[fields.index("-") + 1], fields[-1].split(","))
        for fields in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())
    ]
    v1 = [mount for mount, kind, options in mounted if kind == "cgroup" and "memory" in options]
    v2 = [mount for mount, kind, _ in mounted if kind == "cgroup2" and "memory" in controllers(mount)]
    if not v1 and not v2:
        raise SystemExit("skipped: no memory cgroup is mounted")
    folder = (v1 + v2)[0] / f"gensim-sent2vec-{os.getpid()}"
    try:
        if v1:
            folder.mkdir()
            write(folder / "memory.limit_in_bytes", limit, needed=True)
            write(folder / "memory.memsw.limit_in_bytes", limit)  # no swap
        else:
            write(v2[0] / "cgroup.subtree_control", "+memory")
            folder.mkdir()
            write(folder / "memory.max", limit, needed=True)
            write(folder / "memory.swap.max", 0)
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        raise SystemExit(f"skipped: cannot create a memory cgroup ({error}); this requires root") from None
    try:
        yield folder
    finally:
        folder.rmdir()


def controllers(mount: Path) -> list[str]:
    path = mount / "cgroup.controllers"
    return path.read_text().split() if path.exists() else []


def write(path: Path, value: object, needed: bool = False) -> None:
    try:
        path.write_text(str(value))
    except OSError:
        if needed:
            raise


def join(group: str) -> None:
    """Move this process into the cgroup, before the imports: memory allocated earlier is not charged to the cgroup."""
    Path(group, "cgroup.procs").write_text(str(os.getpid()))


def memory_use(group: str) -> Run:
    """Peak memory of the cgroup including the page cache, how often it reached its limit, and private memory."""
    figures = {}
    for name, files in {
        "group_max": ("memory.max_usage_in_bytes", "memory.peak"),
        "limit_met": ("memory.failcnt",),
    }.items():
        for path in (Path(group, file) for file in files):
            if path.exists():
                figures[name] = int(path.read_text())
    return figures | {"private": private_bytes()}


def drop_from_page_cache(path: Path) -> None:
    """Drop the pages of a file from the page cache; cached pages stay charged to the cgroup that read them first."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def private_bytes() -> int:
    """Memory of this process that is not file-backed."""
    return int(re.search(r"^RssAnon:\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)[1]) * 1024


# -----------------------------------------------------------------------------------------------------
# Contestants


def load(group: str, path: str) -> Run:
    """Try to load the file into memory, which must fail with a MemoryError."""
    join(group)
    from gensim_sent2vec import load_epfml_vectors

    began = time.perf_counter()
    try:
        load_epfml_vectors(path)
    except MemoryError as error:
        message = str(error).replace(path, "model.bin").replace(group, "(the cgroup)")
        return memory_use(group) | {"seconds": time.perf_counter() - began, "error": message}
    return memory_use(group) | {"seconds": time.perf_counter() - began}


def convert(group: str, path: str, native: str) -> Run:
    """Convert the file to the native format."""
    join(group)
    from gensim_sent2vec import convert_epfml

    began = time.perf_counter()
    convert_epfml(path, native)
    return memory_use(group) | {"seconds": time.perf_counter() - began, "bytes": os.path.getsize(native)}


def serve(group: str, native: str, words: int) -> Run:
    """Map the converted file, encode sentences, and read every row once, which exceeds the limit."""
    join(group)
    import numpy as np

    from gensim_sent2vec import Sent2VecKeyedVectors

    # Words are drawn in proportion to 1 / rank, as in text.
    ids = (words ** np.random.default_rng(1).random((SENTENCES, LENGTH))).astype(int) - 1
    sentences = [" ".join(f"w{i}" for i in row) for row in ids.tolist()]
    began = time.perf_counter()
    wv = Sent2VecKeyedVectors.load(native, mmap="r")
    loaded = time.perf_counter()
    wv.encode(sentences[:1], workers=1)
    first = time.perf_counter()
    vectors = wv.encode(sentences[1:], workers=1)
    encoded = time.perf_counter()
    assert np.isfinite(vectors).all() and vectors.any(axis=1).all()
    step = 1 << 16
    total = sum(float(wv.vectors_ngrams[i : i + step].sum()) for i in range(0, wv.bucket, step))
    assert np.isfinite(total)
    return memory_use(group) | {
        "load_seconds": loaded - began,
        "first_seconds": first - loaded,
        "sentences_per_second": len(vectors) / (encoded - first),
        "bytes_read_through": wv.vectors_ngrams.nbytes,
    }


# -----------------------------------------------------------------------------------------------------
# Report


def run(args: argparse.Namespace) -> dict[str, Any]:
    limit = int(args.limit * 1000 * MB)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path, native = f"{folder}/model.bin", f"{folder}/model.s2v"
        room, need = shutil.disk_usage(folder).free, 2 * 4 * DIM * (2 * args.words + args.bucket)
        if room < need:
            raise SystemExit(
                f"skipped: {need // MB:,} MB of disk space are needed in {args.folder}, {room // MB:,} MB are free"
            )
        with cgroup(limit):
            pass  # fail here if it cannot be created, rather than after minutes of writing
        size = make(path, args.words, args.bucket)
        options: dict[str, dict[str, Any]] = {
            "load": {"path": path},
            "convert": {"path": path, "native": native},
            "serve": {"native": native, "words": args.words},
        }
        runs = {}
        for name, given in options.items():
            for file in Path(folder).iterdir():
                drop_from_page_cache(file)
            with cgroup(limit) as group:  # a new one for each, so that the peak is that of one contestant
                runs[name] = common.measure(Contestant.python(name, __file__, name, group=str(group), **given))
            print(f"{name}  {common.summary(runs[name])}  {runs[name].get('error', '')}", flush=True)
    return {"limit": limit, "size": size, "words": args.words, "bucket": args.bucket, "dim": DIM, "runs": runs}


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    runs = result["runs"]
    load, convert, serve = (runs[name] for name in ("load", "convert", "serve"))
    outcome = "MemoryError, nothing allocated" if "error" in load else "loaded"
    rows = [
        ["`load_epfml_vectors`", outcome, f"{load['seconds']:.1f} s", *memory_of(load)],
        ["`convert_epfml`", "converted", f"{convert['seconds']:.0f} s", *memory_of(convert)],
        [
            "`load(mmap='r')`, `encode`",
            f"{common.rate(serve['sentences_per_second'])} sentences/s",
            f"{1000 * serve['load_seconds']:.0f} ms",
            *memory_of(serve),
        ],
    ]
    head = f"{result['size'] / 1e9:.1f} GB .bin, limit of {result['limit'] / 1e9:.3g} GB"
    return {
        "memory-limit": common.table([head, "result", "time", "peak MB, including mapped pages", "private MB"], rows)
    }


def memory_of(run: Run) -> list[str]:
    return [f"{run[figure] / MB:,.0f}" for figure in ("max_rss", "private")]


if __name__ == "__main__":
    common.run_if_contestant([load, convert, serve])
    parser = common.arguments(__doc__.splitlines()[0], rounds=1)
    parser.add_argument("--words", type=int, default=1_200_000, help="number of words of the model")
    parser.add_argument("--bucket", type=int, default=11_300_000, help="number of n-gram buckets of the model")
    parser.add_argument("--limit", type=float, default=4.0, metavar="GB", help="limit of the cgroup")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="folder for 11 GB of temporary files")
    common.main("memory_limit", parser.parse_args(), run, tables, corpus=False)
