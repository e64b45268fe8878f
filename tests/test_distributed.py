"""The encoder for engines: each kind of batch in, the same kind out."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import subprocess
import sys

import numpy as np
import pytest

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec._distributed.ray_data import NULLS_SINCE, list_type_for
from gensim_sent2vec.distributed import SentenceEncoder

TEXTS = ["a b", None, "c", "", "unknown words only", "d e f a", "c"]
NULL = [False, True, False, False, False, False, False]
DIM = 6


def vectors(seed=1, dim=DIM):
    wv = Sent2VecKeyedVectors(dim)
    wv.add_vectors(list("abcdef"), np.random.default_rng(seed).standard_normal((6, dim)).astype(np.float32))
    return wv


@pytest.fixture
def path(tmp_path):
    vectors().save(tmp_path / "my.vectors")
    return str(tmp_path / "my.vectors")


@pytest.fixture(scope="module")
def expected():
    return vectors().encode([text or "" for text in TEXTS])


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow")


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas")


def assert_rows(rows, expected, null=NULL):
    assert len(rows) == len(null)
    for row, wanted, is_null in zip(rows, expected, null):
        if is_null:
            assert row is None
        else:
            assert np.array_equal(np.asarray(row, dtype=np.float32), wanted)


# -----------------------------------------------------------------------------------------------------
# Kinds of batches


@pytest.mark.parametrize("kind", ["Table", "RecordBatch"])
@pytest.mark.parametrize("list_type", ["fixed", "variable"])
def test_arrow(path, arrow, expected, kind, list_type):
    batch = getattr(arrow, kind).from_pydict({"text": arrow.array(TEXTS), "key": arrow.array(range(len(TEXTS)))})
    batch = batch.replace_schema_metadata({"a": "b"})
    result = SentenceEncoder(path, list_type=list_type)(batch)
    assert type(result) is type(batch) and result.schema.names == ["text", "key", "embedding"]
    result.validate(full=True)
    kinds = {"fixed": arrow.list_(arrow.float32(), DIM), "variable": arrow.list_(arrow.float32())}
    assert result.schema.field("embedding").type == kinds[list_type]
    assert result.schema.metadata == {b"a": b"b"}
    assert result.column("text").equals(batch.column("text")) and result.column("key").equals(batch.column("key"))
    assert_rows(result.column("embedding").to_pylist(), expected)


@pytest.mark.parametrize("kind", ["large_string", "string_view", "dictionary", "slice", "chunks"])
def test_types_of_arrow_columns(path, arrow, expected, kind):
    column = arrow.array(TEXTS)
    if kind == "dictionary":
        column = column.dictionary_encode()
    elif kind == "slice":
        column = arrow.array(["x", *TEXTS, "y"]).slice(1, len(TEXTS))
    elif kind == "chunks":
        column = arrow.chunked_array([TEXTS[:2], [], TEXTS[2:]])
    elif hasattr(arrow, kind):
        column = arrow.array(TEXTS, getattr(arrow, kind)())
    result = SentenceEncoder(path)(arrow.table({"text": column}))
    result.validate(full=True)
    assert_rows(result.column("embedding").to_pylist(), expected)


@pytest.mark.parametrize("list_type", ["fixed", "variable"])
@pytest.mark.parametrize("has_nulls", [False, True])
def test_parquet(path, arrow, expected, tmp_path, list_type, has_nulls):
    parquet = pytest.importorskip("pyarrow.parquet")
    if has_nulls and list_type == "fixed" and int(arrow.__version__.partition(".")[0]) < NULLS_SINCE:
        pytest.skip("this version of pyarrow cannot write nulls among lists of fixed size")
    texts = TEXTS if has_nulls else [text or "" for text in TEXTS]
    encoder = SentenceEncoder(path, list_type=list_type)
    parquet.write_table(encoder(arrow.table({"text": texts})), tmp_path / "out.parquet")
    read = parquet.read_table(tmp_path / "out.parquet").column("embedding")
    assert read.type.value_type == arrow.float32()
    if list_type == "fixed":
        assert read.type.list_size == DIM
    assert_rows(read.to_pylist(), expected, NULL if has_nulls else [False] * len(TEXTS))


def test_the_type_of_lists_in_parquet(arrow, tmp_path):
    """Before version 26, pyarrow cannot write nulls among lists of fixed size."""
    parquet = pytest.importorskip("pyarrow.parquet")
    files = {}
    for name, texts in {"full": ["a"] * 5, "nulls": ["a"] * 4 + [None], "tokens": [["a"]] * 5}.items():
        files[name] = str(tmp_path / f"{name}.parquet")
        parquet.write_table(arrow.table({"id": [None] * 5, "text": texts}), files[name], row_group_size=2)
    parquet.write_table(arrow.table({"text": ["a"]}), tmp_path / "bare", write_statistics=False)
    for chosen, column, before in (
        (["full"], "text", "fixed"), (["full", "nulls"], "text", "variable"), (["full"], "id", "variable"),
        (["tokens"], "text", "variable"),
    ):  # fmt: skip
        paths = [files[name] for name in chosen]
        assert list_type_for(paths, column, "25.0.1") == before
        assert list_type_for(paths, column, "26.0.0") == list_type_for(paths, column, "100.1") == "fixed"
    assert list_type_for([str(tmp_path / "bare")], "text", "14.0") == "variable"  # it is not known


@pytest.mark.parametrize("missing", [None, float("nan"), "NA"])
def test_pandas(path, pandas, expected, missing):
    missing = pandas.NA if missing == "NA" else missing
    frame = pandas.DataFrame({"text": [missing if t is None else t for t in TEXTS], "n": 1.5}, index=list("ABCDEFA"))
    before = frame.copy()
    result = SentenceEncoder(path, output_col="v")(frame)
    assert isinstance(result, pandas.DataFrame) and list(result.columns) == ["text", "n", "v"]
    assert result.index.equals(frame.index)
    pandas.testing.assert_frame_equal(frame, before)  # it is not changed
    assert_rows(result["v"].tolist(), expected)


def test_mappings(path, expected):
    encoder = SentenceEncoder(path)
    texts = [text or "" for text in TEXTS]
    result = encoder({"text": np.array(texts), "n": np.arange(len(texts))})
    assert type(result) is dict and list(result) == ["text", "n", "embedding"]
    assert result["embedding"].dtype == np.float32 and np.array_equal(result["embedding"], expected)
    result = encoder({"text": np.array(TEXTS, dtype=object)})["embedding"]
    assert isinstance(result, np.ndarray) and result.dtype == object
    assert_rows(result, expected)
    result = encoder({"text": TEXTS, "n": list(TEXTS)})
    assert result["n"] == TEXTS and isinstance(result["embedding"], list)
    assert result["text"] == TEXTS  # the nulls are still there
    assert_rows(result["embedding"], expected)
    assert_rows(encoder({"text": tuple(TEXTS)})["embedding"], expected)


def test_token_lists(path, arrow, pandas, expected):
    tokens = [None if text is None else text.split() for text in TEXTS]
    encoder = SentenceEncoder(path)
    assert_rows(encoder({"text": tokens})["embedding"], expected)
    assert_rows(encoder(arrow.table({"text": tokens})).column("embedding").to_pylist(), expected)
    arrays = [None if text is None else np.array(text, dtype=object) for text in tokens]
    assert_rows(encoder(pandas.DataFrame({"text": arrays}))["embedding"].tolist(), expected)


@pytest.mark.parametrize("list_type", ["fixed", "variable"])
def test_empty_and_all_null(path, arrow, pandas, list_type):
    encoder = SentenceEncoder(path, list_type=list_type)
    for column in (arrow.array([], arrow.string()), arrow.array([], arrow.null())):
        for make in (arrow.table, arrow.RecordBatch.from_pydict):
            result = encoder(make({"text": column}))
            assert result.num_rows == 0 and result.schema.names == ["text", "embedding"]
            assert result.schema.field("embedding").type.value_type == arrow.float32()
    for column in (arrow.array([None] * 3, arrow.string()), arrow.nulls(3)):
        result = encoder(arrow.table({"text": column}))
        result.validate(full=True)
        assert result.column("embedding").null_count == 3
        assert result.schema.field("embedding").type.value_type == arrow.float32()
    assert list(encoder(pandas.DataFrame({"text": []})).columns) == ["text", "embedding"]
    assert encoder(pandas.DataFrame({"text": [None, float("nan")]}))["embedding"].tolist() == [None, None]
    assert encoder({"text": []}) == {"text": [], "embedding": []}
    assert encoder({"text": np.array([], dtype=object)})["embedding"].shape == (0, DIM)
    assert encoder({"text": [None, None]})["embedding"] == [None, None]


def test_options(path, arrow):
    batch = arrow.table({"body": ["a b", None, "c"], "embedding": [1, 2, 3]})
    result = SentenceEncoder(path, "body", "unit", normalize=True, workers=2)(batch)
    assert result.schema.names == ["body", "embedding", "unit"] and result.column("embedding").to_pylist() == [1, 2, 3]
    rows = result.column("unit").to_pylist()
    assert rows[1] is None and np.allclose([np.linalg.norm(rows[0]), np.linalg.norm(rows[2])], 1)


def test_streams(path, arrow):
    batches = [
        arrow.RecordBatch.from_pydict({"text": ["a"]}),
        arrow.RecordBatch.from_pydict({"text": arrow.array([], arrow.string())}),
    ]
    stream = SentenceEncoder(path).map_batches(iter(batches))
    assert [batch.num_rows for batch in stream] == [1, 0]
    read = []
    stream = SentenceEncoder(path).map_batches(read.append(i) or batches[0] for i in range(3))
    next(stream)
    assert read == [0]  # batches are read as they are needed


# -----------------------------------------------------------------------------------------------------
# Mistakes


def test_columns_are_checked(path, arrow, pandas):
    encoder = SentenceEncoder(path)
    for make in (dict, arrow.table, arrow.RecordBatch.from_pydict, pandas.DataFrame):
        with pytest.raises(ValueError, match=r"^input_col: the batch has no column 'text'; it has 'id', 'body'"):
            encoder(make({"id": [1], "body": ["a"]}))
        with pytest.raises(ValueError, match=r"^output_col: the batch already has a column 'embedding'"):
            encoder(make({"text": ["a"], "embedding": [1]}))
        with pytest.raises(TypeError, match=r"^column 'text': row 2: the (int|float) 7.* is neither a text"):
            encoder(make({"text": [None, None, 7]}))
    with pytest.raises(ValueError, match=r"2 columns called 'text'"):
        encoder(arrow.Table.from_arrays([arrow.array(["a"])] * 2, names=["text", "text"]))
    with pytest.raises(ValueError, match=r"2 columns called 'text'"):
        encoder(pandas.DataFrame([["a", "b"]], columns=["text", "text"]))
    for wrong in ("a text", {"text": "a text"}, ["a text"], {"text": np.array("a")}, {"text": 3}, None):
        with pytest.raises(TypeError, match=r"^batch: "):
            encoder(wrong)


def test_settings_are_checked(path):
    for options, error in (
        ({"output_col": "text"}, ValueError), ({"list_type": "list"}, ValueError), ({"workers": 0}, ValueError),
        ({"input_col": 1}, TypeError), ({"output_col": ""}, TypeError), ({"workers": "2"}, TypeError),
    ):  # fmt: skip
        with pytest.raises(error, match=f"^{next(iter(options))}: "):
            SentenceEncoder(path, **options)
    with pytest.raises(TypeError, match=r"^path: .*Sent2VecKeyedVectors; save it"):
        SentenceEncoder(vectors())


def test_a_machine_without_the_file(tmp_path):
    path = tmp_path / "nothing.vectors"
    encoder = SentenceEncoder(path)  # the machines that encode may see it
    with pytest.raises(FileNotFoundError) as error:
        encoder({"text": ["a"]})
    assert socket.gethostname() in str(error.value) and repr(str(path)) in str(error.value)
    vectors().save(path)
    assert encoder({"text": ["a"]})["embedding"][0].any()


def test_a_model_that_changes_under_way(path, tmp_path):
    encoder = SentenceEncoder(path)
    sent = pickle.dumps(encoder)
    first = encoder({"text": ["a"]})["embedding"][0]
    os.utime(path, (1, 1))  # the same file, copied again
    assert np.array_equal(encoder({"text": ["a"]})["embedding"][0], first)
    vectors(seed=2).save(path)
    for used in (encoder, pickle.loads(sent)):
        with pytest.raises(ValueError, match=r"^model: .*my\.vectors' on host .*replaced meanwhile"):
            used({"text": ["a"]})
    new = SentenceEncoder(path)({"text": ["a"]})["embedding"][0]
    assert np.array_equal(new, vectors(seed=2).encode("a")) and not np.array_equal(new, first)
    unseen = SentenceEncoder(tmp_path / "later")
    vectors().save(tmp_path / "later")
    unseen({"text": ["a"]})
    vectors(seed=3).save(tmp_path / "later")
    with pytest.raises(ValueError, match="replaced meanwhile"):  # noticed without a checksum of the sender, too
        unseen({"text": ["a"]})


def test_any_byte_of_a_native_file_counts(tmp_path):
    """The header of a native file has checksums of the arrays, so samples suffice."""
    wv = Sent2VecKeyedVectors(50)
    wv.add_vectors([f"w{i}" for i in range(20_000)], np.ones((20_000, 50), dtype=np.float32))
    path = str(tmp_path / "wide.vectors")
    wv.save(path)
    encoder = SentenceEncoder(path)
    encoder({"text": ["w1"]})
    wv.vectors[12_345, 17] = 2
    wv.save(path)
    with pytest.raises(ValueError, match="replaced meanwhile"):
        encoder({"text": ["w1"]})


# -----------------------------------------------------------------------------------------------------
# Pickles and processes


def test_pickles_are_settings(path):
    encoder = SentenceEncoder(path, "body", normalize=True, list_type="variable")
    encoder({"body": ["a"]})
    data = pickle.dumps(encoder)
    assert len(data) < 160 + len(path)
    again = pickle.loads(data)
    assert vars(again) == vars(encoder)
    assert np.array_equal(again({"body": ["a b"]})["embedding"], encoder({"body": ["a b"]})["embedding"])


def test_the_file_is_loaded_once_per_process(path, monkeypatch):
    from gensim_sent2vec._distributed import models

    loaded = []
    load = models.load_vectors
    monkeypatch.setattr(models, "load_vectors", lambda *args: loaded.append(args) or load(*args))
    encoder = SentenceEncoder(path)
    assert not loaded  # lazily
    for used in (encoder, pickle.loads(pickle.dumps(encoder)), SentenceEncoder(path, normalize=True)):
        used({"text": ["a"]})
        used({"text": ["b"]})
    assert len(loaded) == 1


def test_models_of_several_files(tmp_path):
    model = Sent2Vec([list("abcd")] * 20, vector_size=4, min_count=1, workers=1)
    model.save(tmp_path / "my.model", separately=["syn1neg"])
    encoder = SentenceEncoder(tmp_path / "my.model")
    assert np.array_equal(encoder({"text": np.array(["a b"])})["embedding"], model.wv.encode(["a b"]))


@pytest.mark.slow
def test_spawned_processes(path, expected):
    encoder = SentenceEncoder(path)
    batches = [{"text": [text], "key": [key]} for key, text in enumerate(TEXTS)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(encoder, batches)
    assert [result["key"] for result in results] == [[key] for key in range(len(TEXTS))]
    assert_rows([result["embedding"][0] for result in results], expected)


def test_no_engine_is_imported(path):
    code = (
        "import sys; from gensim_sent2vec.distributed import SentenceEncoder; "
        f"SentenceEncoder({path!r})({{'text': ['a']}}); "
        "print(*{'ray', 'pyspark', 'pyarrow', 'pandas', 'dask', 'datasets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
