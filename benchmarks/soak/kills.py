"""Are files complete after a writer was killed? SIGKILL at random moments, over all writers of the package.

A process is forked that has imported everything, replaces a file, and is killed. The file must then be the old one or
the new one, complete. What the killed process has left behind is counted; the next write must remove it.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gensim_sent2vec import (
    Sent2Vec,
    Sent2VecKeyedVectors,
    SentenceIndex,
    SentenceWeighting,
    convert_epfml,
    load_epfml_vectors,
    save_epfml_model,
    tokenize_file,
)
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._util.atomic import atomic_folder

from .workplace import TRAIN, prepare

BUCKET = 20_000
POLL = 2e-4  # seconds
ANYWHERE = 0.2  # share of the kills at any moment; the others come after the first file has appeared
PATIENCE = 120  # seconds
Source = dict[str, Any]


@dataclass(frozen=True)
class Writer:
    """Something that writes a file.

    Attributes
    ----------
    name : str
        Its row in the table.
    target : str
        The name of the file.
    write : callable
        ``write(source, path)`` replaces the file at `path`.
    read : callable
        ``read(path)`` is a digest of the whole content; it raises an error if the file is damaged.
    """

    name: str
    target: str
    write: Callable[[Source, str], Any]
    read: Callable[[str], str]


# -----------------------------------------------------------------------------------------------------
# Reading


def digest(*parts: Any) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return total.hexdigest()


def of_vectors(wv: Any) -> str:
    weighting = [] if wv.weighting is None else sorted(wv.weighting.to_arrays()[0].items())
    arrays = [array for _, array in weighting if isinstance(array, np.ndarray)]
    return digest(list(wv.index_to_key), wv.vectors, wv.vectors_ngrams, *arrays)


def of_model(path: str) -> str:
    model = Sent2Vec.load(path)
    return digest(of_vectors(model.wv), model.syn1neg, model.placeholder)


def of_index(path: str, wv: Any) -> str:
    index = SentenceIndex.load(path, wv, verify=True)
    return digest(list(index.sentences), [index.most_similar(query, topn=5) for query in ("police", "the government")])


def of_bytes(path: str) -> str:
    return digest(Path(path).read_bytes())


def of_log(path: str) -> str:
    """The number of complete rows; an incomplete last row does not count, as the next writer ends it."""
    rows = Path(path).read_text().split("\n")
    if any(row.count("\t") != rows[0].count("\t") for row in rows[:-1]):
        raise ValueError("a torn row")
    return str(len(rows))


def of_gzip(path: str) -> str:
    import gzip

    with gzip.open(path) as file:
        return digest(file.read())


def of_folder(path: str) -> str:
    """Each file of a folder is old or new: whether it is, is all that is promised."""
    parts = {name: Path(path, name).read_bytes() for name in os.listdir(path)}
    if set(parts) != {"rows", "words"} or any(len(set(part)) != 1 or len(part) != 1 << 20 for part in parts.values()):
        raise ValueError(f"incomplete: {sorted(parts)}")
    return "complete"


# -----------------------------------------------------------------------------------------------------
# The writers


def fill_folder(source: Source, path: str) -> None:
    with atomic_folder(path) as folder:
        for name in ("rows", "words"):
            Path(folder, name).write_bytes(source["a name"].encode() * (1 << 20))


def command(words: str) -> Callable[[Source, str], None]:
    """Run a command in this process; ``MODEL``, ``S2V``, ``CORPUS``, … are files of the source."""

    def write(source: Source, path: str) -> None:
        main([path if word == "OUT" else source.get(word, word) for word in words.split()])

    return write


def writers(sources: dict[str, Source]) -> Iterator[Writer]:
    wv = {name: source["a wv"] for name, source in sources.items()}

    def index_of_either(path: str) -> str:
        try:
            return of_index(path, wv["a"])
        except ValueError:  # it belongs to the other model
            return of_index(path, wv["b"])

    native = lambda path: of_vectors(Sent2VecKeyedVectors.load(path, verify=True))  # noqa: E731
    yield Writer("Sent2Vec.save", "x.model", lambda s, path: s["a model"].save(path), of_model)
    yield Writer("Sent2VecKeyedVectors.save", "x.s2v", lambda s, path: s["a wv"].save(path), native)
    yield Writer(
        "SentenceWeighting.save", "x.weighting", lambda s, path: s["a wv"].weighting.save(path),
        lambda path: digest(*[a for _, a in sorted(SentenceWeighting.load(path).to_arrays()[0].items())]),
    )  # fmt: skip
    yield Writer("SentenceIndex.save", "x.index", lambda s, path: s["a index"].save(path), index_of_either)
    for suffix, binary, read in ((".vec", False, of_bytes), (".vec.gz", False, of_gzip), (".w2v.bin", True, of_bytes)):
        write = lambda s, path, binary=binary: s["a wv"].save_word2vec_format(path, binary=binary)  # noqa: E731
        yield Writer(f"save_word2vec_format, {suffix}", f"x{suffix}", write, read)
    yield Writer("save_epfml_model", "x.bin", lambda s, path: save_epfml_model(s["a words"], path),
                 lambda path: of_vectors(load_epfml_vectors(path)))  # fmt: skip
    yield Writer("convert_epfml", "x.s2v", lambda s, path: convert_epfml(s["BIN"], path), native)
    yield Writer("tokenize_file", "x.tokens", lambda s, path: tokenize_file(s["CORPUS"], path, "words", workers=2),
                 of_bytes)  # fmt: skip
    yield Writer("atomic_folder (model2vec, …)", "x.folder", fill_folder, of_folder)
    yield Writer("train", "x.model", command(f"train CORPUS OUT --seed SEED --bucket 1000 {' '.join(TRAIN)}"),
                 lambda path: digest(list(Sent2Vec.load(path).wv.index_to_key), Sent2Vec.load(path).seed))  # fmt: skip
    yield Writer("encode -o x.npy", "x.npy", command("encode S2V CORPUS -o OUT"), of_bytes)
    yield Writer("encode -o x.txt", "x.txt", command("encode S2V CORPUS -o OUT"), of_bytes)
    yield Writer("encode -o x.vec.gz", "x.vec.gz", command("encode S2V CORPUS -o OUT"), of_gzip)
    yield Writer("index", "x.index", command("index S2V FAQ OUT --lexical"), index_of_either)
    yield Writer("bake", "x.s2v", command("bake S2V OUT"), native)
    yield Writer("shrink", "x.s2v", command("shrink S2V OUT --float16 --bucket 1000"), native)
    yield Writer("convert", "x.s2v", command("convert MODEL OUT"), native)
    yield Writer("tokenize", "x.tokens", command("tokenize CORPUS OUT --tokenizer words --workers 2"), of_bytes)
    yield Writer("evaluate --log", "x.tsv", command("evaluate S2V PAIRS --log OUT"), of_log)


def load_sources(folder: Path) -> dict[str, Source]:
    """Two versions of everything that is written."""
    sources: dict[str, Source] = {}
    for name in ("a", "b"):
        model = Sent2Vec.load(str(folder / f"{name}.model"))
        wv = Sent2VecKeyedVectors.load(str(folder / f"{name}.s2v"))
        corpus = folder / f"corpus-{name}.txt"
        text = (folder / "corpus.txt").read_text()
        corpus.write_text(text if name == "a" else text.replace("the", "this"))
        words = Sent2Vec(corpus_file=str(corpus), vector_size=40, min_count=2, epochs=1, seed=ord(name))
        save_epfml_model(words, folder / f"{name}.bin")
        sources[name] = {
            "a name": name, "a model": model, "a wv": wv, "a words": words,
            "a index": SentenceIndex.load(str(folder / f"{name}.index"), wv),
            "CORPUS": str(corpus), "FAQ": str(folder / "faq.tsv"), "PAIRS": str(folder / "pairs.tsv"),
            "MODEL": str(folder / f"{name}.model"), "S2V": str(folder / f"{name}.s2v"),
            "BIN": str(folder / f"{name}.bin"), "SEED": str(ord(name)),
        }  # fmt: skip
    return sources


# -----------------------------------------------------------------------------------------------------
# One kill


def start(write: Callable[[], Any]) -> int:
    """Fork a process that writes; its output is discarded. Returns its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for handle in (0, 1, 2):
            os.dup2(null, handle)
        write()
        status = 0
    finally:
        os._exit(status)


def ended(child: int) -> bool:
    return os.waitpid(child, os.WNOHANG)[0] == child


def first_file(child: int, folder: Path, known: set[str]) -> bool:
    """Wait until there is a new file in the folder; False if the process ended without one."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if set(os.listdir(folder)) - known:
            return True
        if ended(child):
            return False
        time.sleep(POLL)
    raise SystemExit("a writer does not end")


def durations(writer: Writer, source: Source, folder: Path) -> tuple[float, float]:
    """Seconds of a complete run, and of the part after the first file has appeared; medians of three."""
    whole, writing = [], []
    for _ in range(3):
        known = set(os.listdir(folder))
        began = time.monotonic()
        child = start(lambda: writer.write(source, str(folder / writer.target)))
        appeared = time.monotonic() if first_file(child, folder, known) else None
        if appeared:
            os.waitpid(child, 0)
        whole.append(time.monotonic() - began)
        writing.append(time.monotonic() - appeared if appeared else whole[-1])
    return statistics.median(whole), statistics.median(writing)


def kill_once(
    writer: Writer, source: Source, folder: Path, times: tuple[float, float], rng: random.Random
) -> dict[str, Any]:
    """Kill a writer. Returns whether it was still running, and what it has left behind."""
    known = set(os.listdir(folder))
    child = start(lambda: writer.write(source, str(folder / writer.target)))
    running = True
    if rng.random() < ANYWHERE:
        time.sleep(rng.uniform(0, times[0]))
    else:
        running = first_file(child, folder, known)
        if running:
            time.sleep(rng.uniform(0, 1.1 * times[1]))
    if running and not ended(child):
        os.kill(child, signal.SIGKILL)
        running = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    else:
        running = False
    return {"killed": running, **litter(folder, known)}


def litter(folder: Path, known: set[str]) -> dict[str, int]:
    left = [folder / name for name in set(os.listdir(folder)) - known]
    files = [file for path in left for file in (path, *path.rglob("*")) if file.is_file()]
    return {"litter": len(left), "bytes": sum(file.stat().st_size for file in files)}


def processes_of(folder: Path) -> int:
    """Processes that still use a folder, or that a killed writer has left."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            handles = [os.readlink(handle) for handle in (process / "fd").iterdir()]
        except OSError:
            continue
        found += int(process.name) != os.getpid() and any(str(folder) in handle for handle in handles)
    return found


# -----------------------------------------------------------------------------------------------------
# All


def try_writer(
    writer: Writer, sources: dict[str, Source], folder: Path, kills: int, rng: random.Random
) -> dict[str, Any]:
    """Kill a writer until it has been killed `kills` times while it was running."""
    path = str(folder / writer.target)
    contents = {}
    for name in ("b", "a"):
        writer.write(sources[name], path)
        contents[name] = writer.read(path)
    clean = set(os.listdir(folder))
    times = durations(writer, sources["a"], folder)
    seen: dict[str, Any] = dict.fromkeys(("killed", "old", "new", "litter", "bytes", "left", "wrong"), 0)
    seen["examples"] = []
    while seen["killed"] < kills:
        if writer.target == "x.tsv":
            contents = {"a": writer.read(path), "b": str(int(writer.read(path)) + 1)}
        found = kill_once(writer, sources["b"], folder, times, rng)
        seen["killed"] += found["killed"]
        seen["litter"] += bool(found["litter"])
        seen["bytes"] += found["bytes"]
        try:
            content = writer.read(path)
            wrong = "" if content in contents.values() else "neither the old file nor the new one"
            seen["old"] += found["killed"] and content == contents["a"]
            seen["new"] += found["killed"] and not wrong and content != contents["a"]
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        writer.write(sources["a"], path)
        if extra := set(os.listdir(folder)) - clean:
            seen["left"] += 1
            seen["examples"].append(f"left after the next write: {sorted(extra)}")
            for name in extra:
                shutil.rmtree(folder / name, ignore_errors=True)
        if wrong:
            seen["wrong"] += 1
            seen["examples"].append(wrong)
    time.sleep(0.5)
    seen["processes"] = processes_of(folder)
    return seen


def run(kills: int = 500, seed: int = 1, only: str = "") -> dict[str, Any]:
    """Kill all writers in turn, `kills` times in total."""
    place, rng = Path(tempfile.mkdtemp(prefix="soak-")), random.Random(seed)
    result: dict[str, Any] = {"seed": seed, "writers": {}}
    before, tempfile.tempdir = tempfile.tempdir, str(place / "tmp")  # what lies there is litter too
    (place / "tmp").mkdir()
    try:
        (place / "sources").mkdir()
        prepare(place / "sources", BUCKET)
        sources = load_sources(place / "sources")
        chosen = [writer for writer in writers(sources) if only in writer.name]
        for number, writer in enumerate(chosen):
            share = kills // len(chosen) + (number < kills % len(chosen))
            folder = place / f"writer-{number}"
            folder.mkdir()
            result["writers"][writer.name] = seen = try_writer(writer, sources, folder, share, rng)
            print(writer.name, seen, file=sys.stderr, flush=True)
        result["temporary"] = len(list((place / "tmp").iterdir()))
    finally:
        tempfile.tempdir = before
        shutil.rmtree(place)
    return result
