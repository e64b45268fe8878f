"""The file format: round trips, atomic saves, and damaged files, which are reported by name and never trusted."""

import contextlib
import gzip
import itertools
import json
import os
import pickle
import random
import struct
import tempfile
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, _kernel
from gensim_sent2vec._files import container
from gensim_sent2vec._files.container import Stream
from gensim_sent2vec._text.packed import PackedStrings
from gensim_sent2vec._text.vocabulary import Vocabulary

ARRAYS = hnp.arrays(
    st.sampled_from([*container.CODES.values(), ">f4", ">i8"]), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)
)
NAMES = st.text(max_size=8).filter(lambda name: name and not name.startswith("__"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def vectors() -> Sent2VecKeyedVectors:
    """A few words, n-grams, counts and attributes."""
    rng = np.random.default_rng(0)
    wv = Sent2VecKeyedVectors(6)
    words = ["the", "of", "Straße", "서울", "", "a b", "lone \ud800", "nul \0 in it", *(f"w{i}" for i in range(40))]
    wv.set_words(Vocabulary.from_words(words))
    wv.vectors = rng.normal(size=(len(words), 6)).astype(np.float32)
    wv.vectors_ngrams = rng.normal(size=(50, 6)).astype(np.float32)
    wv.word_ngrams, wv.ngram_hash = 2, "epfml"
    wv.expandos = {"count": np.arange(len(words))[::-1].copy()}
    return wv


@pytest.fixture
def path(vectors, tmp_path) -> Path:
    """The vectors' file."""
    vectors.save(tmp_path / "vectors.s2v")
    return tmp_path / "vectors.s2v"


def same(a: Sent2VecKeyedVectors, b: Sent2VecKeyedVectors) -> bool:
    sentences = ["the of w1 w1", "Straße 서울", "w39 unknown"]
    return (
        a.index_to_key == b.index_to_key
        and a.vectors.tobytes() == b.vectors.tobytes()
        and a.vectors_ngrams.tobytes() == b.vectors_ngrams.tobytes()
        and a.encode(sentences).tobytes() == b.encode(sentences).tobytes()
    )


# ---------------------------------------------------------------------------------------------------
# Arrays and facts


@given(st.dictionaries(NAMES, ARRAYS, max_size=5), st.dictionaries(st.text(), JSON, max_size=4))
def test_round_trip_of_arrays_and_facts(arrays, facts):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        container.write(path, arrays, facts)
        for mmap in (None, "r"):
            read, read_facts = container.read(path, mmap, verify=True)
            assert read_facts == facts
            assert read.keys() == arrays.keys()
            for name, array in read.items():
                assert array.dtype == arrays[name].dtype.newbyteorder("<")
                assert array.shape == arrays[name].shape
                assert array.astype(arrays[name].dtype).tobytes() == arrays[name].tobytes()
                assert array.flags.writeable == (mmap is None)
                assert array.flags.aligned
        assert os.listdir(folder) == ["file"]


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize("rows", [0, 1, 3, 70_001])
def test_large_and_strided_arrays(tmp_path, order, rows):
    array = np.arange(rows * 30, dtype=np.float32).reshape(rows, 30)
    array = array[::-1, ::2] if order == "strided" else np.asarray(array, order=order)
    container.write(tmp_path / "file", {"rows": array}, {})
    read, _ = container.read(tmp_path / "file", verify=True)
    np.testing.assert_array_equal(read["rows"], array)


@given(hnp.arrays("f4", (9, 2)), st.lists(st.integers(0, 9), max_size=4))
def test_a_stream_is_written_like_its_array(array, cuts):
    with tempfile.TemporaryDirectory() as folder:
        bounds = [0, *sorted(cuts), 9]
        chunks = (array[i:j] for i, j in itertools.pairwise(bounds))
        container.write(f"{folder}/stream", {"a": Stream(np.float32, (9, 2), chunks)}, {})
        container.write(f"{folder}/array", {"a": array}, {})
        assert Path(folder, "stream").read_bytes() == Path(folder, "array").read_bytes()


@pytest.mark.parametrize(
    "blocks",
    [[], [((4, 2), "f4")], [((6, 2), "f4")], [((3, 2), "f4")] * 2, [((5, 3), "f4")], [((5, 2), "f8")], [((5,), "f4")]],
    ids=["none", "fewer", "more", "more in two", "wider", "another dtype", "flat"],
)
def test_a_stream_that_does_not_match_its_declaration(tmp_path, blocks):
    (tmp_path / "file").write_text("old")
    chunks = (np.zeros(shape, dtype) for shape, dtype in blocks)
    with pytest.raises(ValueError, match=r"^arrays: 'a' was declared (as float32 of|with) shape \(5, 2\), but"):
        container.write(tmp_path / "file", {"a": Stream("f4", (5, 2), chunks)}, {})
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_stream_that_fails_leaves_nothing(tmp_path):
    def chunks():
        yield np.zeros((2, 2), "f4")
        raise RuntimeError("the source ended")

    with pytest.raises(RuntimeError, match="the source ended"):
        container.write(tmp_path / "file", {"a": Stream("f4", (5, 2), chunks())}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arrays", "facts", "error"),
    [
        ({"a": np.zeros(2, complex)}, {}, "arrays: 'a' has dtype complex128, which the format cannot store"),
        ({"a": np.zeros(2, object)}, {}, "arrays: 'a' has dtype object, which the format cannot store"),
        ({"__metadata__": np.zeros(2)}, {}, "arrays: '__metadata__' is not a valid name"),
        ({}, {"x": {1, 2}}, "facts: .*set"),
        ({}, {"x": float("nan")}, "facts: .*JSON"),
    ],
)
def test_what_the_format_cannot_store(tmp_path, arrays, facts, error):
    with pytest.raises(ValueError, match=error):
        container.write(tmp_path / "file", arrays, facts)
    assert not list(tmp_path.iterdir())


def test_the_safetensors_package_can_read_it(vectors, path):
    safetensors = pytest.importorskip("safetensors", reason="the safetensors package is not installed")
    from safetensors.numpy import load_file

    for name, array in load_file(path).items():
        np.testing.assert_array_equal(array, container.read(path)[0][name])
    with safetensors.safe_open(path, "np") as file:
        assert json.loads(file.metadata()["gensim_sent2vec"])["facts"]["word_ngrams"] == 2
        crc32 = json.loads(file.metadata()["crc32"])["vectors"]
        assert int(crc32, 16) == zlib.crc32(file.get_tensor("vectors").tobytes())


def test_a_safetensors_file_of_another_program_is_refused(tmp_path):
    numpy_of = pytest.importorskip("safetensors.numpy", reason="the safetensors package is not installed")
    numpy_of.save_file({"a": np.zeros(3)}, tmp_path / "file")
    with pytest.raises(ValueError, match=r"header, bytes 8 to \d+: a safetensors file of another program"):
        container.read(tmp_path / "file")


def test_the_arrays_start_at_a_multiple_of_64(path):
    assert min(array.begin for array in container.read_header(path).tensors.values()) % 64 == 0


# ---------------------------------------------------------------------------------------------------
# Vectors


@pytest.mark.parametrize("mmap", [None, "r"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_vectors_survive(vectors, tmp_path, mmap, dtype):
    vectors = vectors.astype(dtype)
    vectors.save(tmp_path / "vectors")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "vectors", mmap=mmap, verify=True)
    assert same(loaded, vectors)
    assert loaded.vectors.dtype == dtype
    for name in ("vector_size", "word_ngrams", "skip_bigrams", "ngram_hash", "next_index"):
        assert getattr(loaded, name) == getattr(vectors, name)
    assert loaded.get_vecattr("of", "count") == vectors.get_vecattr("of", "count")
    assert loaded.most_similar("the") == vectors.most_similar("the")


def test_vectors_without_words(tmp_path):
    Sent2VecKeyedVectors(3).save(tmp_path / "empty")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "empty", mmap="r", verify=True)
    assert len(loaded) == 0 and loaded.vectors.shape == (0, 3)
    assert loaded.encode(["a b"]).tolist() == [[0, 0, 0]]


def test_loading_does_no_work_per_word(vectors, path, monkeypatch):
    def fail(*args):
        raise AssertionError("a word was accessed")

    monkeypatch.setattr(PackedStrings, "__getitem__", fail)
    monkeypatch.setattr(Vocabulary, "__init__", fail)
    loaded = Sent2VecKeyedVectors.load(path, mmap="r")
    words = loaded.key_to_index
    for array in (
        loaded.vectors,
        loaded.vectors_ngrams,
        words.blob,
        words.offsets,
        words.slots,
        loaded.expandos["count"],
    ):
        assert isinstance(array, np.memmap)


def test_attributes_that_users_set(vectors, tmp_path):
    vectors.language, vectors.steps, vectors.nothing = "ko", {"a": [1, 2.5]}, None
    vectors.centre = np.arange(6.0)
    vectors.set_vecattr("the", "colour", "red")
    vectors.save(tmp_path / "vectors", ignore=["steps"])
    loaded = Sent2VecKeyedVectors.load(tmp_path / "vectors", mmap="r")
    assert loaded.language == "ko"
    assert loaded.centre.tolist() == list(range(6))
    assert not hasattr(loaded, "steps") and not hasattr(loaded, "nothing")
    assert loaded.get_vecattr("the", "colour") == "red"
    assert loaded.expandos["colour"].dtype == object


def test_an_attribute_that_cannot_be_stored_is_reported(vectors, tmp_path):
    vectors.tool = threading.Lock()
    with pytest.warns(UserWarning, match="the attribute 'tool', of type lock, is not stored") as warned:
        vectors.save(tmp_path / "vectors")
    assert warned[0].filename == __file__
    assert same(Sent2VecKeyedVectors.load(tmp_path / "vectors"), vectors)
    vectors.expandos["odd"] = np.array([{1, 2}] * len(vectors))
    with pytest.raises(
        ValueError, match=r"^save: the word attribute 'odd' is neither numeric nor JSON; .*ignore=\['odd'\]"
    ):
        vectors.save(tmp_path / "vectors")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors.save(tmp_path / "vectors", ignore=["odd", "tool"])


def test_arrays_and_facts_round_trip_without_a_file(vectors, lee):
    vectors.language, vectors.tokenizer = "ko", "simple"
    arrays, facts = vectors.to_arrays(ignore=["count"])
    assert np.shares_memory(arrays["vectors"], vectors.vectors)
    again = Sent2VecKeyedVectors.from_arrays(arrays, facts, verify=True)
    assert same(again, vectors)
    assert np.shares_memory(again.vectors, vectors.vectors)
    assert (again.language, again.tokenizer, again.expandos) == ("ko", "simple", {})


def test_a_part_of_a_newer_version_is_refused(path):
    rewritten(path, lambda arrays, facts: facts["parts"].update(scale={"version": 3}))
    with pytest.raises(ValueError, match=r"vectors\.s2v.*does not know 'scale'; install a newer one"):
        Sent2VecKeyedVectors.load(path)


def test_arguments_of_gensim_and_open_files(vectors, tmp_path):
    vectors.save(tmp_path / "vectors", separately=["vectors"], sep_limit=1, pickle_protocol=4)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors"]
    with (
        open(tmp_path / "other", "wb") as file,
        pytest.raises(TypeError, match=r"^fname: expected a path, got BufferedWriter"),
    ):
        vectors.save(file)
    with pytest.raises(ValueError, match=r"^mmap: expected None or 'r', got 'w\+'"):
        Sent2VecKeyedVectors.load(tmp_path / "vectors", mmap="w+")
    vectors.vectors = vectors.vectors[:-1]
    with pytest.raises(ValueError, match=r"^save: there are 48 words, but 47 vectors"):
        vectors.save(tmp_path / "vectors")


# ---------------------------------------------------------------------------------------------------
# Saving is atomic


def test_a_file_is_replaced_through_a_symbolic_link(vectors, path, tmp_path):
    os.chmod(path, 0o640)
    (tmp_path / "link").symlink_to(path)
    vectors.vectors[:] = 1
    vectors.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert (Sent2VecKeyedVectors.load(path).vectors == 1).all()


def test_errors_of_the_operating_system_name_the_file(vectors, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere/file'"):
        vectors.save(tmp_path / "nowhere" / "file")
    with pytest.raises(IsADirectoryError, match="pass the name of a file"):
        vectors.save(tmp_path)
    with pytest.raises(IsADirectoryError, match="pass the file"):
        Sent2VecKeyedVectors.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        Sent2VecKeyedVectors.load(tmp_path / "file")


def test_a_full_disk(vectors, path, tmp_path, monkeypatch):
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"No space left on device: '.*vectors.s2v'"):
        vectors.save(path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]


def test_a_file_can_be_replaced_while_it_is_mapped(vectors, path):
    mapped = Sent2VecKeyedVectors.load(path, mmap="r")
    mapped.save(path)
    assert same(mapped, vectors)
    assert same(Sent2VecKeyedVectors.load(path, verify=True), vectors)
    path.unlink()
    assert same(mapped, vectors)


KILLED = """
import os, random, signal, sys, time
import numpy as np
from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec._text.packed import PackedStrings
from gensim_sent2vec._text.vocabulary import Vocabulary

kind, path = sys.argv[1:]
model = Sent2Vec([["a", "b", "c"]] * 3, vector_size=4000, min_count=1, epochs=1, workers=1)
model.wv.weighting = None  # the rows will change after it was fitted

def fill(number):
    model.wv.vectors[:] = model.syn1neg[:] = number

def save():
    model.save(path, sep_limit=1) if kind == "model" else model.wv.save(path)

def number():
    if kind == "model":
        loaded = Sent2Vec.load(path)
        rows = np.concatenate([loaded.wv.vectors, loaded.syn1neg])
    else:
        rows = Sent2VecKeyedVectors.load(path, verify=True).vectors
    assert (rows == rows[0, 0]).all()
    return int(rows[0, 0])

fill(0)
save()
begin = time.monotonic()
save()
takes = time.monotonic() - begin
seen, last = set(), 0
for round in range(1, 41):
    child = os.fork()
    if not child:
        fill(round)
        save()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(random.random() * takes * 1.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    new = number() == round
    seen.add(new)
    assert new or number() == last, (number(), last)
    last = number()
    assert len([name for name in os.listdir(os.path.dirname(path)) if name[0] == "."]) <= 2  # of the last one only
save()
assert not [name for name in os.listdir(os.path.dirname(path)) if name[0] == "."]
print(len(seen))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("kind", ["vectors", "model"])
def test_if_killed_at_any_moment_the_old_or_the_new_file_is_valid(tmp_path, run_python, kind):
    printed, status = run_python(KILLED, kind, str(tmp_path / "file"))
    assert status == 0, printed
    assert printed in ("1\n", "2\n")


def test_an_interrupted_save_of_a_model_is_completed(lee_model, tmp_path, monkeypatch):
    path = tmp_path / "model"
    lee_model.save(str(path), sep_limit=1)
    other = Sent2Vec([["a", "b"]] * 3, vector_size=5, min_count=1, epochs=1)
    replace, left = os.replace, [2]

    def stop_soon(source, target):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop_soon)
    with pytest.raises(KeyboardInterrupt):
        other.save(str(path), sep_limit=1)
    monkeypatch.undo()
    assert (tmp_path / ".model.saved").is_dir()
    loaded = Sent2Vec.load(str(path), mmap="r")
    assert loaded.wv.index_to_key == other.wv.index_to_key
    assert loaded.wv.vectors.tobytes() == other.wv.vectors.tobytes()
    assert (tmp_path / ".model.saved").is_dir()  # reading never writes
    lee_model.save(str(path), sep_limit=1)
    assert Sent2Vec.load(str(path)).wv.index_to_key == lee_model.wv.index_to_key
    assert not list(tmp_path.glob(".*"))


def test_loading_while_another_thread_saves(vectors, path):
    stop, failures = threading.Event(), []

    def save():
        while not stop.is_set():
            vectors.save(path)

    thread = threading.Thread(target=save)
    thread.start()
    try:
        for i in range(100):
            if not same(Sent2VecKeyedVectors.load(path, mmap=("r", None)[i % 2], verify=True), vectors):
                failures.append(i)
    finally:
        stop.set()
        thread.join()
    assert not failures


PROCESSES = """
import multiprocessing, sys
from gensim_sent2vec import Sent2VecKeyedVectors

def encode(path):
    return Sent2VecKeyedVectors.load(path, mmap="r").encode(["the of", "w1 w2"]).tobytes()

def with_inherited(sentences):
    return wv.encode(sentences).tobytes()

if __name__ == "__main__":
    wv = Sent2VecKeyedVectors.load(sys.argv[2], mmap="r")
    expected = wv.encode(["the of", "w1 w2"]).tobytes()
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(encode, [sys.argv[2]] * 4) == [expected] * 4
        if sys.argv[1] == "fork":
            assert pool.map(with_inherited, [["the of", "w1 w2"]] * 4) == [expected] * 4
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_share_a_file(path, tmp_path, run_python, method):
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("the system has no fork")
    (tmp_path / "script.py").write_text(PROCESSES)
    run = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    if method == "spawn":  # which imports the script by its name
        run = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"
    assert run_python(run, str(tmp_path / "script.py"), method, str(path)) == ("", 0)


# ---------------------------------------------------------------------------------------------------
# Damage


def refused(path, verify=True) -> str:
    """The error message for a damaged file, which is the same with and without mmap."""
    messages = set()
    for mmap in (None, "r"):
        with pytest.raises(ValueError) as caught:
            Sent2VecKeyedVectors.load(path, mmap=mmap, verify=verify)
        messages.add(str(caught.value))
    (message,) = messages
    assert repr(str(path)) in message
    return message


def boundaries(path) -> list[int]:
    tensors = container.read_header(path).tensors.values()
    return sorted({8, *(array.begin for array in tensors), *(array.end for array in tensors)})


def test_truncated_at_each_boundary_and_anywhere(path):
    whole = path.read_bytes()
    edges = boundaries(path)
    sizes = {edge + d for edge in edges for d in (-1, 0, 1)} | set(random.Random(0).sample(range(len(whole)), 200))
    for size in sorted(size for size in sizes if size < len(whole)):
        path.write_bytes(whole[:size])
        message = refused(path, verify=False)
        if size == 0:
            assert "is empty" in message
        elif size < edges[1]:
            assert "length of the header, bytes 0 to 8" in message
        else:
            assert f"the file at {size:,}" in message
    path.write_bytes(whole + b"x")
    assert f"the file at {len(whole) + 1:,}" in refused(path, verify=False)


def test_a_flipped_bit_is_found(path):
    whole = path.read_bytes()
    header = container.read_header(path)
    start = min(array.begin for array in header.tensors.values())
    for bit in [*range(0, start * 8, 7), *random.Random(1).sample(range(start * 8, len(whole) * 8), 300)]:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        message = refused(path, verify=bit >= start * 8)  # the header is always compared
        if bit >= start * 8:
            name = next(name for name, array in header.tensors.items() if array.begin <= bit // 8 < array.end)
            assert f"array {name!r}, bytes {header.tensors[name].begin:,} to" in message


def forged(path, change) -> None:
    """Change the header of a file, and its checksum accordingly."""
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    change(header)
    header["__metadata__"]["header_crc32"] = f"{container._header_crc(header):08x}"
    text = json.dumps(header).encode()
    text = text.ljust(len(text) + -(8 + len(text)) % 64)
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [
        ([2**62, 2**62], None),
        ([2**31, 2**33], None),  # a product of 2^64 wraps to 0
        ([-48, -6], None),
        ([48, 6.0], None),
        ([48, True], None),
        ("48", None),
        (None, None),
        ([1] * 100, None),
        (None, [0, 2**63]),
        (None, [-1152, 0]),
        (None, [0, 1152]),  # over another array
        (None, [1152, 0]),
        (None, [0]),
        (None, [10**30, 10**30 + 1152]),
        (None, "ab"),
    ],
)
def test_impossible_shapes_and_offsets(path, shape, offsets):
    def change(header):
        entry = header["vectors"]
        entry["shape"] = shape if shape is not None or offsets is None else entry["shape"]
        entry["data_offsets"] = offsets or entry["data_offsets"]

    forged(path, change)
    assert "header, bytes 8 to" in refused(path, verify=False)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(vectors=None),
        lambda header: header["vectors"].update(dtype="F8_E4M3"),
        lambda header: header["vectors"].pop("shape"),
        lambda header: header.update({"words.blob": header.pop("words.slots")}),
        lambda header: header["__metadata__"].update(gensim_sent2vec="[]"),
        lambda header: header["__metadata__"].update(gensim_sent2vec="[" * 100_000),
        lambda header: header["__metadata__"].update(gensim_sent2vec='{"layout":1,"facts":3}'),
        lambda header: header["__metadata__"].update(gensim_sent2vec='{"layout":1,"layout":1,"facts":{}}'),
        lambda header: header["__metadata__"].update(gensim_sent2vec=f'{{"layout":1,"facts":{"9" * 5000}}}'),
        lambda header: header["__metadata__"].update(gensim_sent2vec=3),
        lambda header: header.pop("vectors_ngrams"),
    ],
)
def test_malformed_headers(path, change):
    forged(path, change)
    refused(path, verify=False)


def test_a_newer_layout(path):
    forged(path, lambda header: header["__metadata__"].update(gensim_sent2vec='{"layout":2,"facts":{}}'))
    assert "layout 2, but this version of gensim_sent2vec reads 1; install a newer one" in refused(path, verify=False)


def rewritten(path, change) -> None:
    """Rewrite a file with changed arrays and facts; all checksums are right."""
    arrays, facts = container.read(path)
    change(arrays, facts)
    container.write(path, arrays, facts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays, facts: facts.update(kind="SentenceIndex"), "holds a 'SentenceIndex'"),
        (lambda arrays, facts: facts.update(word_ngrams=2**31), "word_ngrams is 2147483648"),
        (lambda arrays, facts: facts.update(word_ngrams=-1), "word_ngrams is -1"),
        (lambda arrays, facts: facts.update(vector_size=True), "vector_size is True"),
        (lambda arrays, facts: facts.update(vector_size=7), r"vectors: float32 of shape \(48, 6\)"),
        (lambda arrays, facts: facts.update(ngram_hash="md5"), "ngram_hash is 'md5'"),
        (
            lambda arrays, facts: facts.update(attributes={"encode": 3}),
            "'encode' is not the name of an attribute that a user can set",
        ),
        (
            lambda arrays, facts: facts.update(attributes={"__class__": 3}),
            "'__class__' is not the name of an attribute that a user can set",
        ),
        (lambda arrays, facts: facts.update(attributes=[1]), "Error"),
        (lambda arrays, facts: facts.pop("skip_bigrams"), "skip_bigrams"),
        (lambda arrays, facts: arrays.pop("words.slots"), "words.slots"),
        (lambda arrays, facts: arrays.update(vectors=arrays["vectors"][:-1]), r"vectors: float32 of shape \(47, 6\)"),
        (lambda arrays, facts: arrays.update(vectors=arrays["vectors"].astype("i4")), "vectors: int32"),
        (
            lambda arrays, facts: arrays.update(vectors_ngrams=arrays["vectors_ngrams"][:0]),
            r"vectors_ngrams: float32 of shape \(0, 6\)",
        ),
        (
            lambda arrays, facts: arrays.update(vectors_ngrams=arrays["vectors_ngrams"].astype("f2")),
            "vectors_ngrams: float16 .* does not match vectors of float32",
        ),
        (
            lambda arrays, facts: (
                facts.update(word_ngrams=1) or arrays.update(vectors_ngrams=arrays["vectors_ngrams"].astype("f8"))
            ),
            "vectors_ngrams: float64",
        ),
        (
            lambda arrays, facts: arrays.update({"expandos.count": arrays["expandos.count"][1:]}),
            r"attribute 'count': has shape \(47,\), but there are 48 words",
        ),
        (
            lambda arrays, facts: arrays.update({"expandos.count": arrays["expandos.count"][0]}),
            r"attribute 'count': has shape \(\), but there are 48 words",
        ),
        (
            lambda arrays, facts: arrays.update({"words.slots": arrays["words.slots"][:-1]}),
            "slots: expected a power of two .*, got 127 entries",
        ),
        (
            lambda arrays, facts: arrays.update({"words.slots": arrays["words.slots"][:0]}),
            "slots: expected a power of two .*, got 0 entries",
        ),
        (
            lambda arrays, facts: arrays.update({"words.offsets": arrays["words.offsets"][:0]}),
            "offsets: expected 1 to .* entries, got 0",
        ),
        (lambda arrays, facts: arrays.update({"words.offsets": arrays["words.offsets"][1:]}), "words.offsets: from 3"),
        (lambda arrays, facts: arrays.update({"words.blob": arrays["words.blob"][:-1]}), "words.offsets: from 0 to"),
        (lambda arrays, facts: arrays.update({"words.blob": arrays["words.blob"].astype("i2")}), "mismatch"),
    ],
)
def test_arrays_and_facts_that_do_not_match(path, change, message):
    rewritten(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        Sent2VecKeyedVectors.load(path, mmap="r")
    assert repr(str(path)) in str(caught.value)


def overwrite(name, index, value):
    def change(arrays, facts):
        arrays[name][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (overwrite("words.slots", slice(None), 2**64 - 1), "words.slots: word 0 "),
        (overwrite("words.slots", slice(None), 0), "words.slots: word 0 "),
        (overwrite("words.offsets", slice(1, -1), 2**62), "words.slots: word 0 "),
        (overwrite("words.offsets", slice(1, -1), -(2**62)), "words.slots: word 0 "),
        (overwrite("words.offsets", 5, 2**31), "words.slots: word 4 "),
        (overwrite("words.blob", slice(8, 9), 0xFF), "word 2 "),
        (overwrite("words.blob", slice(None), 0), "words.slots: word 0 "),
    ],
)
def test_damaged_words_never_crash_and_are_found(path, change, message):
    rewritten(path, change)
    for mmap in (None, "r"):
        wv = Sent2VecKeyedVectors.load(path, mmap=mmap)  # does not read the words
        assert np.isfinite(wv.encode(["the of", "w1 w2", "서울", ""])).all()
        assert isinstance("the" in wv, bool)
        for i in range(len(wv)):
            with contextlib.suppress(ValueError):  # not UTF-8
                assert isinstance(wv.index_to_key[i], str)
        with contextlib.suppress(ValueError):
            assert all(isinstance(word, str) for word in wv.index_to_key)
        with pytest.raises(ValueError, match=message):
            Sent2VecKeyedVectors.load(path, mmap=mmap, verify=True)


@pytest.mark.parametrize("offsets", [[0, 9], [0, 3, 2], [1, 2], [0, -1, 2], [0, 2**62, 2], [-1, 2], []])
def test_the_kernel_checks_offsets(offsets):
    blob, offsets = np.frombuffer(b"ab", np.uint8), np.array(offsets, dtype=np.int64)
    with pytest.raises(ValueError, match=r"^offsets: expected values that rise from 0"):
        _kernel.build_slots(blob, offsets, np.zeros(16, np.uint64))
    with pytest.raises(ValueError, match=r"^offsets: expected values that rise from 0"):
        _kernel.take_words(blob, offsets, np.zeros(1, np.int64), np.zeros(9, np.uint8))


@pytest.mark.parametrize("ids", [[2], [-1], [2**40], [0, 1]])
def test_the_kernel_checks_ids(ids):
    blob, offsets = np.frombuffer(b"abc", np.uint8), np.array([0, 1, 3])
    with pytest.raises(ValueError, match=r"^ids: expected 0 to .* and room for the words in out, got id"):
        _kernel.take_words(blob, offsets, np.array(ids), np.zeros(2, np.uint8))


def table_of(words: list[bytes]) -> dict[str, np.ndarray]:
    """The arrays of words that need not be valid or distinct, as another program could write them."""
    offsets = np.cumsum([0, *map(len, words)])
    slots = np.zeros(16, dtype=np.uint64)
    for i, word in enumerate(words):
        at = _kernel.hash_bytes(word) % 16
        while slots[at]:
            at = (at + 1) % 16
        slots[at] = _kernel.hash_bytes(word) >> 32 << 32 | i + 1
    return {"words.blob": np.frombuffer(b"".join(words), np.uint8), "words.offsets": offsets, "words.slots": slots}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([b"a", b"b", b"a"], "word 2 is not found under its id; it occurs twice"),
        ([b"a", b"\xff", b"c"], "words.blob: not UTF-8 at byte 1"),
        ([b"a", b"\xe3\x80", b"\x82"], "words.offsets: a word starts within a character, at byte 3"),
    ],
)
def test_words_written_by_another_program(tmp_path, words, said):
    wv = Sent2VecKeyedVectors(2)
    wv.set_words(Vocabulary.from_words("xyz"))
    wv.vectors = np.ones((3, 2), dtype=np.float32)
    wv.save(tmp_path / "file")
    rewritten(tmp_path / "file", lambda arrays, facts: arrays.update(table_of(words)))
    loaded = Sent2VecKeyedVectors.load(tmp_path / "file", mmap="r")
    assert loaded.get_sentence_vector("a").tolist() == [1, 1]
    with pytest.raises(ValueError, match=said):
        Sent2VecKeyedVectors.load(tmp_path / "file", mmap="r", verify=True)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.data())
def test_arbitrary_bytes_and_splices(data):
    """Whatever the file, loading succeeds or raises a ValueError that names it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        wv = Sent2VecKeyedVectors(2)
        wv.set_words(Vocabulary.from_words("ab"))
        wv.vectors = np.ones((2, 2), dtype=np.float32)
        wv.save(path)
        whole = path.read_bytes()
        i, j = sorted((data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, len(whole)))))
        path.write_bytes(whole[:i] + data.draw(st.binary(max_size=40)) + whole[j:])
        try:
            loaded = Sent2VecKeyedVectors.load(path, mmap=data.draw(st.sampled_from([None, "r"])))
            loaded.encode(["a b a", "c"])
        except ValueError as error:
            assert repr(str(path)) in str(error)


# ---------------------------------------------------------------------------------------------------
# Files in other formats


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (bytes(100), "is still being written, or its writer was killed"),
        (b"\0", "is still being written"),
        (gzip.compress(b"anything"), "compressed with gzip: decompress it first"),
        (struct.pack("<ii", 793712314, 12) + bytes(50), "is a .bin file of the reference program or of fastText"),
        (b"3 4\na 1 2 3 4\n", "is a word2vec file: load it with Sent2VecKeyedVectors.load_word2vec_format"),
        (b"\x93NUMPY\1\0", "is a NumPy array"),
        (b"PK\3\4", "is a zip archive"),
        (b"a sentence and another one\n", "is not a saved model, but text; train a model on it first"),
        (b"\x07" * 20, "is not a saved model, or is damaged: the length of the header"),
        (struct.pack("<Q", 2**63) + bytes(100), "the length of the header"),
        (struct.pack("<Q", 4) + b"null", "header, bytes 8 to 12: damaged"),
        (struct.pack("<Q", 4) + b"{{{{", "header, bytes 8 to 12: damaged"),
        (struct.pack("<Q", 4) + b"\xff\xff\xff\xff", "header, bytes 8 to 12: damaged"),
        (struct.pack("<Q", 10_000) + b"[" * 10_000, "header, bytes 8 to 10,008: damaged"),
    ],
)
def test_files_in_other_formats_are_recognized(tmp_path, data, message):
    (tmp_path / "file").write_bytes(data)
    assert message in refused(tmp_path / "file")


def test_pickles_are_recognized_and_not_executed(tmp_path, capsys):
    class Trap:
        def __reduce__(self):
            return print, ("it was executed",)

    path = tmp_path / "file"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(TypeError, match=r"holds a builtins\.print, not Sent2VecKeyedVectors$"):
        Sent2VecKeyedVectors.load(path)
    path.write_bytes(pickle.dumps([1, 2]))
    assert "is a pickle" in refused(path)
    path.write_bytes(b"\x80\x04\x95")
    assert "is a pickle" in refused(path)
    plain = KeyedVectors(2)
    plain.add_vectors(["a"], np.ones((1, 2)))
    for protocol in (2, 4, 5):
        plain.save(str(path), pickle_protocol=protocol)
        with pytest.raises(
            TypeError, match=r"holds a gensim\..*\.KeyedVectors, .*from_keyed_vectors\(KeyedVectors\.load"
        ):
            Sent2VecKeyedVectors.load(path)
    assert capsys.readouterr().out == ""
