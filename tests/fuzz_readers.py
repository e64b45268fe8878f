"""Fuzz all readers with damaged and forged input: they must accept it or reject it with a clear error.

    python tests/fuzz_readers.py SEED INPUTS [TARGET …]

INPUTS is the number of inputs per target. The targets are the keys of `TARGETS`, by default all of them. Input i of a
target depends only on the seed and i. A child process reads the inputs with limited memory, and is killed if an input
takes ten seconds. If it dies, or raises an error that a reader must not raise, the number of the input is printed and
the run continues with the next one; `python tests/fuzz_readers.py SEED 1 TARGET NUMBER` repeats it. `fuzz_epfml.py`
does the same for .bin files.
"""

from __future__ import annotations

import io
import json
import logging
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models.phrases import Phrases

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceWeighting, _kernel
from gensim_sent2vec._files import container
from gensim_sent2vec._pooling.finite import NotFiniteError
from gensim_sent2vec._text.vocabulary import Vocabulary

Random = random.Random
WORDS = ("the", "of", "police", "new", "york", "a-much-longer-word", "한국어", "é", "x", "\ud800", "안전모를", "in")
TEXTS = ("the police of new york", "한국어 unheard of é", "", "x " * 40, "\u3000the\u00a0x\nof")
TOKENS = [["the", "\ud800", "", "of"], ["new york", "안전모를", "police"], []]
NUMBERS = (0, 1, -1, 2, 3, 7, 255, 2**31 - 1, 2**31, -(2**31), 2**32, 2**40, 2**62, 2**63 - 1, -(2**63), 2**64 - 1)
VALUES = (*NUMBERS, 0.5, 1e308, -0.0, None, True, False, "", "the", "kiwi:", "\ud800", [], {}, [[]], {"a": 1}, "F32")
TIMEOUT = 10  # seconds per input
MEMORY = 1 << 28  # bytes that the child process may allocate


class Wrong(Exception):
    """A reader behaved in a way that it must not."""


# -----------------------------------------------------------------------------------------------------
# Bytes


def damaged(rng: Random, data: bytes, other: bytes = b"") -> bytes:
    """Data with one to five changes: bytes flipped, truncated, deleted, inserted, repeated or replaced by integers."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at, kind = rng.randrange(len(out) + 1), rng.randrange(8)
        near = rng.randrange(at, min(len(out), at + 16) + 1)
        if kind == 0:
            del out[at:]
        elif kind == 1:
            del out[at:near]
        elif kind == 2:
            out[at:at] = rng.randbytes(rng.randrange(9))
        elif kind == 3:
            out[at:at] = out[at:near]
        elif kind == 4:
            out[at:near] = number_bytes(rng)[: near - at]
        elif kind == 5 and other:
            begin = rng.randrange(len(other))
            out[at:near] = other[begin : begin + rng.randrange(40)]
        elif at < len(out):
            out[at] = rng.choice((0, 10, 32, 0x80, 0xC2, 0xE3, 0xED, 255, out[at] ^ 1 << rng.randrange(8)))
    return bytes(out)


def number_bytes(rng: Random) -> bytes:
    """An extreme or a small integer, as 8 little-endian bytes."""
    number = rng.choice((*NUMBERS, rng.randrange(300)))
    return (number % 2**64).to_bytes(8, "little")


# -----------------------------------------------------------------------------------------------------
# The native format


def intact_files() -> list[bytes]:
    """Small files of all kinds of vectors."""
    rng = np.random.default_rng(0)
    sentences = [
        ["the", "police", "of", "new", "york"],
        ["in", "new", "york", "x"],
        ["한국어", "é", "안전모를", "of"],
    ] * 9
    made = []
    for n, bucket, ngram_hash, skip in ((1, 0, "mixed", False), (2, 7, "mixed", False), (3, 5, "epfml", True)):
        wv = Sent2VecKeyedVectors(4)
        wv.set_words(Vocabulary.from_words(WORDS))
        wv.vectors = rng.normal(size=(len(WORDS), 4)).astype(np.float32)
        wv.vectors_ngrams = rng.normal(size=(bucket, 4)).astype(np.float32)
        wv.word_ngrams, wv.skip_bigrams, wv.ngram_hash = n, skip, ngram_hash
        wv.expandos = {"count": 10 * np.arange(len(WORDS), 0, -1)}
        made.append(wv)
    made[1].tokenizer, made[1].phrases = "words", Phrases(sentences, min_count=2, threshold=0.1)
    made[1].note, made[1].numbers = {"corpus": [1, None]}, np.arange(3)
    made[1].expandos["tags"] = np.array([[str(i)] for i in range(len(WORDS))] + [None], dtype=object)[:-1]
    made.append(made[2].astype(np.float16))
    for options in (
        {"lexical_dims": 6},
        {"lexical_weight": 0, "stop_words": ["of"]},
        {"linear": True, "first_half": 1.5},
    ):
        wv = made[0].astype(np.float16 if "linear" in options else np.float32)
        wv.weighting = SentenceWeighting(**options).fit(wv, sentences, show_progress_bar=False)
        made.append(wv)
    made.append(made[-3].bake())
    made.append(Sent2VecKeyedVectors(2))
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for wv in made:
            wv.save(Path(folder, "wv"))
            files.append(Path(folder, "wv").read_bytes())
    return files


def forged(rng: Random, data: bytes) -> bytes:
    """A file with correct checksums and an arbitrarily changed header or arrays."""
    (length,) = struct.unpack_from("<Q", data)
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    metadata = header.pop("__metadata__")
    arrays = {name: bytearray(body[slice(*entry["data_offsets"])]) for name, entry in header.items()}
    about = json.loads(metadata[container.KEY])
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind, name = rng.randrange(6), rng.choice([*arrays, ""])
        if kind == 0:
            change(rng, about["facts"] if isinstance(about.get("facts"), (dict, list)) else about)
        elif kind == 1:
            change(rng, header if rng.random() < 0.8 else about)
        elif kind == 2 and name in header:
            resize(rng, header[name], arrays[name])
        elif kind == 3 and name in header:
            swap = rng.choice(list(arrays))
            arrays[name], header[name] = bytearray(arrays[swap]), json.loads(json.dumps(header.get(swap, {})))
        elif name:
            forge_array(rng, arrays[name])
    order = sorted((name for name in arrays if name in header), key=lambda name: str(header[name]))
    if rng.random() < 0.9:
        order = lay_out(header, arrays)
    crcs = {name: f"{zlib.crc32(arrays[name]):08x}" for name in order}
    metadata |= {container.KEY: json.dumps(about), container.CRC: json.dumps(crcs)}
    metadata[container.HEADER_CRC] = f"{container._header_crc({'__metadata__': metadata, **header}):08x}"
    text = json.dumps({"__metadata__": metadata, **header}).encode("ascii")
    text = text.ljust(len(text) + -(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + b"".join(arrays[name] for name in order)


def lay_out(header: dict[str, Any], arrays: dict[str, bytearray]) -> list[str]:
    """Lay out the arrays contiguously, largest items first, as the format requires. Returns the names in that order."""
    known = [name for name in arrays if isinstance(header.get(name), dict)]
    sizes = {name: container.DTYPES[header[name]["dtype"]].itemsize if in_format(header[name]) else 0 for name in known}
    order = sorted(known, key=lambda name: -sizes[name])
    begin = 0
    for name in order:
        header[name]["data_offsets"] = [begin, begin + len(arrays[name])]
        begin += len(arrays[name])
    return order


def in_format(entry: Any) -> bool:
    """Whether an array's entry in the header has a valid dtype and a list as shape."""
    return (
        isinstance(entry, dict)
        and entry.get("dtype") in list(container.DTYPES)
        and isinstance(entry.get("shape"), list)
    )


def change(rng: Random, tree: Any) -> None:
    """Replace, delete or copy one random value of a JSON tree."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(tree[key], (dict, list)) and tree[key] and rng.random() < 0.8:
            tree = tree[key]
            continue
        kind = rng.randrange(5)
        if kind == 0:
            del tree[key]
        elif kind == 1 and isinstance(tree, dict):
            tree[rng.choice(("new", "vectors", "count", "load", "_plain", "weighting", "__class__"))] = json.loads(
                json.dumps(tree[key])
            )
        elif kind == 2 and isinstance(tree[key], int):
            tree[key] += rng.choice((1, -1, 2, 100))
        else:
            tree[key] = json.loads(json.dumps(rng.choice(VALUES)))
        return


def resize(rng: Random, entry: dict[str, Any], data: bytearray) -> None:
    """Change the shape or the dtype of an array, and its bytes accordingly."""
    if not in_format(entry) or not all(type(n) is int and 0 <= n < 1000 for n in entry["shape"]):
        return
    if rng.random() < 0.3:
        entry["dtype"] = rng.choice(list(container.DTYPES))
    shape = [max(0, n + rng.choice((0, 0, 1, -1, -3, 20))) for n in entry["shape"]]
    if rng.random() < 0.2:
        shape = rng.choice(([], [0], [*shape, 1], [1, *shape], shape[1:], shape[::-1]))
    n = int(np.prod(shape)) * container.DTYPES[entry["dtype"]].itemsize
    entry["shape"] = shape
    data[:] = (bytes(data) + rng.randbytes(max(0, n - len(data))))[:n]


def forge_array(rng: Random, data: bytearray) -> None:
    """Replace random aligned values by extreme integers."""
    for _ in range(rng.choice((1, 2, 20))):
        width = rng.choice((1, 2, 4, 8))
        at = rng.randrange(len(data) // width or 1) * width
        if at + width <= len(data):
            data[at : at + width] = number_bytes(rng)[:width]


class Native:
    """`Sent2VecKeyedVectors.load`, and every use of the loaded vectors."""

    def __init__(self, folder: str) -> None:
        self.files, self.path = intact_files(), Path(folder, "damaged.s2v")

    def __call__(self, rng: Random) -> str:
        data = rng.choice(self.files)
        self.path.write_bytes(damaged(rng, data, rng.choice(self.files)) if rng.random() < 0.3 else forged(rng, data))
        verify = rng.random() < 0.5
        try:
            wv = Sent2VecKeyedVectors.load(self.path, mmap=rng.choice((None, "r")), verify=verify)
        except (ValueError, OSError, MemoryError, TypeError) as error:
            return named(error, self.path)
        try:
            use(wv)
        except (ValueError, TypeError, ImportError) as error:
            if verify and not foreseen(error):
                raise Wrong(f"verified, but {error!r}") from error
            return f"loaded, then {type(error).__name__}"
        return "loaded"


def use(wv: Sent2VecKeyedVectors) -> None:
    """Use the vectors in all ways that read them. Finite rows must give finite sentence vectors."""
    parts: list[Any] = [wv.vectors, wv.vectors_ngrams]
    if wv.weighting is not None:
        arrays, facts = wv.weighting.to_arrays()
        values = chain(arrays.values(), facts.values(), facts["parameters"].values())
        parts += [value for value in values if isinstance(value, (np.ndarray, float))]
    small = all(np.isfinite(a).all() and (abs(np.asarray(a, dtype=np.float64)) < 1e9).all() for a in parts)
    try:
        results = [wv.encode(TOKENS, weighting=False), wv.encode(TOKENS), wv.get_sentence_vector(["the", "zzz"])]
        if isinstance(wv.tokenizer, str) and not wv.tokenizer.startswith(("kiwi", "mecab")):
            results += [wv.encode(TEXTS, workers=1), wv.encode(TEXTS, weighting=False, normalize=True, workers=1)]
    except NotFiniteError as error:
        if small:
            raise Wrong(f"finite rows gave {error!r}") from error
        raise
    for vectors in results:
        if small and not np.isfinite(vectors).all():
            raise Wrong(f"finite rows gave {vectors}")
    for name in wv.expandos if len(wv) else ():
        wv.get_vecattr(len(wv) - 1, name)
    if len(list(wv.index_to_key)) != len(wv) or wv.key_to_index.get("the", -1) >= len(wv):
        raise Wrong("words and ids do not agree")


def foreseen(error: Exception) -> bool:
    """Whether an error is one of those that vectors with correct checksums may raise when they are used."""
    texts = (
        "weighting: fitted for a different vocabulary",
        "vectors: expected a C-contiguous float32 or float16 matrix",
    )
    return isinstance(error, (ImportError, NotFiniteError)) or str(error).startswith(texts)


def named(error: Exception, path: Path) -> str:
    """The type of an error, whose text must contain the path."""
    if str(path) not in str(error):
        raise Wrong(f"the error does not name the file: {error!r}") from error
    return type(error).__name__


# -----------------------------------------------------------------------------------------------------
# word2vec files


class Word2Vec:
    """`load_word2vec_format` of text and binary files."""

    def __init__(self, folder: str) -> None:
        logging.disable(logging.WARNING)
        self.path = Path(folder, "damaged.w2v")
        wv = Sent2VecKeyedVectors(3)
        wv.add_vectors(list("abcdef"), np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32))
        self.files = {}
        for binary in (False, True):
            wv.save_word2vec_format(str(self.path), binary=binary)
            self.files[binary] = self.path.read_bytes()

    def __call__(self, rng: Random) -> str:
        binary = rng.random() < 0.5
        self.path.write_bytes(damaged(rng, self.files[binary], self.files[rng.random() < 0.5]))
        try:
            wv = Sent2VecKeyedVectors.load_word2vec_format(str(self.path), binary=binary)
        except (ValueError, OSError, MemoryError) as error:
            return named(error, self.path)
        use(wv)
        return "loaded"


# -----------------------------------------------------------------------------------------------------
# The kernel's own readers


class Tables:
    """Word tables over unchecked arrays."""

    def __init__(self, folder: str) -> None:
        words = Vocabulary.from_words(WORDS)
        self.intact = words.blob, words.offsets, words.slots
        self.rows = np.ones((len(WORDS) + 3, 5), dtype=np.float32)
        self.packs = _kernel.Pack(list(TEXTS)), _kernel.Pack(TOKENS)

    def __call__(self, rng: Random) -> str:
        arrays = []
        for array in self.intact:
            data = bytearray(array.tobytes())
            if rng.random() < 0.5:
                forge_array(rng, data)
            n = len(array) + (rng.choice((1, -1, -len(array), 20)) if rng.random() < 0.05 else 0)
            n = rng.choice((16, 64)) if array.dtype == np.uint64 and rng.random() < 0.1 else n
            data = (bytes(data) + rng.randbytes(8 * 80))[: n * array.itemsize]
            arrays.append(np.frombuffer(data, dtype=array.dtype))
        try:
            table = Vocabulary.from_arrays(*arrays)
            encoder = _kernel.Encoder(
                table, self.rows, self.rows, word_ngrams=2, skip_bigrams=False, ngram_hash="mixed",
                unseen=lambda: _kernel.UnseenRows(5, 100),
            )  # fmt: skip
        except ValueError:
            return "ValueError"
        for word in (*WORDS, "zzz", ""):
            if not -1 <= table.table.find(word) < len(table):
                raise Wrong(f"{word!r} has the id {table.table.find(word)}")
        for pack in self.packs:
            out, known = np.empty((len(pack), 5), np.float32), np.empty(len(pack), np.int64)
            encoder.encode(pack, out, known)
            encoder.row_ids(pack)
            if not (np.isclose(out, 1) | (out == 0)).all():
                raise Wrong(f"the mean of ones is {out}")
        try:
            table.check()
        except ValueError:
            return "check: ValueError"
        if [table[word] for word in table] != list(range(len(table))):
            raise Wrong("checked, but words are not found")
        return "fine"


class Text:
    """Corpus files, read in slices for counting and for training."""

    PIECES = (*(word.encode() for word in WORDS if word != "\ud800"), *[b" ", b"\n"] * 4, b"\t", b"\r\n", b"\x1c",
              "\u3000".encode(), "\u00a0".encode(), "\u0085".encode(), "\u2019".encode(), b"word" * 60)  # fmt: skip
    NOT_TEXT = (b"\0", b"\x85", b"\xe3\x80", b"\xc2", b"\xff", b"\xed\xa0\x80")

    def __init__(self, folder: str) -> None:
        self.path = Path(folder, "corpus.txt")
        self.words = Vocabulary.from_words(WORDS).table
        self.alias = np.zeros(len(WORDS), dtype=np.uint64)
        _kernel.fill_alias(np.ones(len(WORDS)), self.alias)

    def __call__(self, rng: Random) -> str:
        pieces = self.PIECES + self.NOT_TEXT if rng.random() < 0.1 else self.PIECES
        data = b"".join(rng.choices(pieces, k=rng.randrange(60)))
        if rng.random() < 0.02:  # longer than the buffer of the reader
            data = (data or b"x\n") * (300_000 // (len(data) + 1) + 1)
        elif rng.random() < 0.001:
            data += b"y" * 1_100_000
        data = damaged(rng, data, rng.randbytes(40)) if rng.random() < 0.2 else data
        self.path.write_bytes(data)
        cuts = sorted({0, len(data), *(rng.randrange(len(data) + 1) for _ in range(rng.randrange(4)))})
        file = os.open(self.path, os.O_RDONLY)
        try:
            return self.counted(file, data, cuts) + self.trained(rng, file, cuts)
        finally:
            os.close(file)

    def counted(self, file: int, data: bytes, cuts: list[int]) -> str:
        counter = _kernel.CorpusCounter()
        for begin, end in pairwise(cuts):
            bad = counter.add_slice(file, begin, end, _kernel.StopFlag())
            if bad >= 0:
                if bad > len(data):
                    raise Wrong(f"invalid text at byte {bad} of {len(data)}")
                return "not text"
        try:
            lines = data.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            raise Wrong("bytes that are not UTF-8 were counted") from None
        lines = lines if lines[-1] else lines[:-1]
        tokens = [token for line in lines for token in line.split()]
        if "\0" in data.decode("utf-8"):
            raise Wrong("NUL was counted")
        if (counter.lines, counter.tokens, counter.n_words) != (len(lines), len(tokens), len(set(tokens))):
            raise Wrong(f"counted {counter.lines, counter.tokens, counter.n_words} in {lines!r:.200}")
        return "counted"

    def trained(self, rng: Random, file: int, cuts: list[int]) -> str:
        rows = [np.full((n, 3), 0.1, dtype=np.float32) for n in (len(WORDS), 4, len(WORDS))]
        trainer = _kernel.Trainer(
            rows[0], np.zeros(3, dtype=np.float32), rows[1], rows[2], self.alias, None,
            _kernel.Schedule(0.05, 0.0, 1000), word_ngrams=rng.randrange(1, 4), skip_bigrams=rng.random() < 0.5,
            epfml_hash=rng.random() < 0.5, dropout_k=rng.randrange(3), negative=2, shared_negatives=rng.choice((1, 4)),
            seed=rng.randrange(99), hot_rows=rng.choice((0, 5)),
        )  # fmt: skip
        try:
            for begin, end in pairwise(cuts):
                trainer.train_slice(self.words, file, begin, end)
        except ValueError as error:
            if "token of more than 1 MiB" not in str(error):
                raise Wrong(str(error)) from error
            return ", too long"
        if not all(np.isfinite(matrix).all() for matrix in rows):
            raise Wrong("training produced values that are not finite")
        return ", trained"


class Sentences:
    """Batches of Python objects: texts, token lists, and objects that are neither."""

    ITEMS = (
        *WORDS,
        *TEXTS,
        "\U0001f600",
        "\udfff",
        "\x00",
        "</s>",
        np.str_("the"),
        3,
        None,
        b"the",
        [],
        ["x"],
        ("of", 1),
    )

    def __init__(self, folder: str) -> None:
        words = Vocabulary.from_words((*WORDS, "</s>"))
        rows = np.ones((len(words), 5), dtype=np.float16)
        self.encoders = [
            _kernel.Encoder(
                words, rows, rows, word_ngrams=n, skip_bigrams=n == 3, ngram_hash=name,
                unseen=lambda: _kernel.UnseenRows(5, 100),
            )
            for n, name in ((1, "mixed"), (2, "epfml"), (3, "mixed"))
        ]  # fmt: skip

    def __call__(self, rng: Random) -> str:
        items: list[Any] = []
        for _ in range(rng.randrange(6)):
            tokens = rng.choices(self.ITEMS[: rng.choice((12, 22, 99))], k=rng.randrange(9))
            text = " ".join(map(str, tokens))
            items.append(text if rng.random() < 0.1 or (items and isinstance(items[0], str)) else tokens)
        try:
            pack = _kernel.Pack(items)
        except TypeError as error:
            if not str(error).startswith("sentences: "):
                raise Wrong(str(error)) from error
            return "TypeError"
        out = np.empty((len(items), 5), dtype=np.float32)
        encoder = rng.choice(self.encoders)
        encoder.encode(pack, out)
        if items and isinstance(items[0], str) and not np.array_equal(encoder.encode_text(items[0])[0], out[0]):
            raise Wrong(f"{items[0]!r} alone has another vector")
        encoder.row_ids(pack)
        if not (np.isclose(out, 1) | (out == 0)).all():
            raise Wrong(f"the mean of ones is {out}")
        return "fine"


# -----------------------------------------------------------------------------------------------------
# Runs

TARGETS: dict[str, Callable[[str], Callable[[Random], str]]] = {
    "native": Native, "word2vec": Word2Vec, "tables": Tables, "text": Text, "sentences": Sentences,
}  # fmt: skip


def read_inputs(target: str, seed: int, first: int, last: int, at: mmap.mmap) -> Counter[str]:
    """Read the inputs from `first` up to, but not including, `last`. `at` shares the number of the current one."""
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        read = TARGETS[target](folder)
        if "libasan" not in os.environ.get("LD_PRELOAD", ""):
            used = 1024 * int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        for i in range(first, last):
            struct.pack_into("<q", at, 0, i)
            signal.setitimer(signal.ITIMER_REAL, TIMEOUT)
            try:
                seen[read(random.Random(f"{seed}-{target}-{i}"))] += 1
            except Exception as error:
                seen[f"WRONG: {type(error).__name__}"] += 1
                print(f"{target}, seed {seed}, input {i}: {traceback.format_exc(limit=-3)}", flush=True)
        signal.setitimer(signal.ITIMER_REAL, 0)
    return seen


def run(target: str, seed: int, first: int, last: int) -> Counter[str]:
    """Call `read_inputs` in a child process, and start another one for the remaining inputs if it dies."""
    seen: Counter[str] = Counter()
    at = mmap.mmap(-1, 8)
    struct.pack_into("<q", at, 0, -1)
    while first < last:
        out, into = os.pipe()
        child = os.fork()
        if not child:
            os.close(out)
            status = 1
            try:
                seen = read_inputs(target, seed, first, last, at)
                os.write(into, json.dumps(seen).encode())
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(into)
        with io.FileIO(out) as pipe:
            report = pipe.readall()
        status = os.waitpid(child, 0)[1]
        if report:
            return seen + Counter(json.loads(report))
        (i,) = struct.unpack_from("<q", at)
        if i < first:
            raise SystemExit(f"{target}: no input was read")
        seen[f"WRONG: died with status {status}"] += 1
        print(f"{target}, seed {seed}, input {i}: the process died with status {status}", flush=True)
        first = i + 1
    return seen


if __name__ == "__main__":
    seed, n, rest = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    first = int(rest.pop()) if rest and rest[-1].isdecimal() else 0
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    failed = False
    for target in rest or TARGETS:
        began = time.monotonic()
        seen = run(target, seed, first, first + n)
        print(
            f"{target}: seed {seed}, {n:,} inputs, {time.monotonic() - began:.0f} s:",
            dict(seen.most_common()),
            flush=True,
        )
        failed |= any(name.startswith("WRONG") for name in seen)
    sys.exit(failed)
