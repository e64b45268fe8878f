"""The encoder in real engines; each test is skipped if its engine is not installed."""

from __future__ import annotations

import os
import shutil
import signal
import time

import numpy as np
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors
from gensim_sent2vec._distributed.ray_data import encode_parquet, list_type_for
from gensim_sent2vec.distributed import SentenceEncoder

pytestmark = pytest.mark.slow

DIM, N = 6, 400
TEXTS = [None if i % 50 == 7 else " ".join("abcdef"[: 1 + i % 6]) + f" x{i}" for i in range(N)]


@pytest.fixture(scope="module")
def wv():
    result = Sent2VecKeyedVectors(DIM)
    result.add_vectors(list("abcdef"), np.random.default_rng(1).standard_normal((6, DIM)).astype(np.float32))
    return result


@pytest.fixture(scope="module")
def path(wv, tmp_path_factory):
    file = tmp_path_factory.mktemp("vectors") / "my.vectors"
    wv.save(file)
    return str(file)


def check(wv, rows):
    """Each key once, and its vector."""
    assert sorted(row["key"] for row in rows) == list(range(N))
    expected = wv.encode([text or "" for text in TEXTS])
    for row in rows:
        if TEXTS[row["key"]] is None:
            assert row["embedding"] is None
        else:
            assert np.array_equal(np.asarray(row["embedding"], dtype=np.float32), expected[row["key"]])


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    for part in range(4):
        keys = range(part * N // 4, (part + 1) * N // 4)
        table = pyarrow.table({"key": list(keys), "text": [TEXTS[key] for key in keys]})
        parquet.write_table(table, tmp_path / f"in-{part}.parquet")
    return tmp_path


# -----------------------------------------------------------------------------------------------------
# Ray


@pytest.fixture
def ray_data(ray):
    return pytest.importorskip("ray.data")


def test_ray_data(ray_data, wv, path, parquet):
    rows = ray_data.read_parquet([str(file) for file in parquet.glob("in-*.parquet")])
    check(wv, rows.map_batches(SentenceEncoder(path), batch_format="pyarrow", batch_size=30).take_all())


@pytest.mark.parametrize("batch_format", ["pandas", "numpy"])
def test_other_formats_of_ray_data(ray_data, wv, path, batch_format):
    """In these, Ray itself cannot mix batches with and without nulls in a column of vectors."""
    rows = ray_data.from_items([{"key": key, "text": text or ""} for key, text in enumerate(TEXTS)])
    encoded = rows.map_batches(SentenceEncoder(path), batch_format=batch_format, batch_size=30).take_all()
    expected = wv.encode([text or "" for text in TEXTS])
    assert sorted(row["key"] for row in encoded) == list(range(N))
    assert all(np.array_equal(row["embedding"], expected[row["key"]]) for row in encoded)


def test_ray_data_writes_lists(ray_data, wv, path, parquet):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    inputs = [str(file) for file in parquet.glob("in-*.parquet")]
    list_type = list_type_for(inputs, "text")
    # As a class, in one process: two would take both CPUs, and none would be left to read.
    encode = ray_data.read_parquet(inputs).map_batches(
        SentenceEncoder, fn_constructor_args=(path,), fn_constructor_kwargs={"list_type": list_type},
        batch_format="pyarrow", concurrency=1,
    )  # fmt: skip
    encode.write_parquet(str(parquet / "out"))
    table = files.read_table(parquet / "out")
    assert table.schema.field("embedding").type == pyarrow.list_(pyarrow.float32(), *[DIM] * (list_type == "fixed"))
    check(wv, table.to_pylist())


def test_a_killed_worker_loses_and_doubles_nothing(ray_data, wv, path, parquet):
    marker, encoder = parquet / "killed", SentenceEncoder(path)

    def encode_or_die(batch):
        time.sleep(0.05)
        if 250 in batch.column("key").to_pylist() and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return encoder(batch)

    rows = ray_data.read_parquet([str(file) for file in parquet.glob("in-*.parquet")])
    done = rows.map_batches(encode_or_die, batch_format="pyarrow", batch_size=20).take_all()
    assert marker.exists()
    check(wv, done)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_is_killed_while_files_are_written(ray_data, wv, path, parquet, when):
    """Of its first batches, some may be written already."""
    from pyarrow import parquet as files

    inputs, marker = [str(file) for file in parquet.glob("in-*.parquet")], parquet / "killed"
    encoder = SentenceEncoder(path, list_type=list_type_for(inputs, "text"))

    def encode_or_die(batch):
        result = encoder(batch) if when == "after" else None
        if 350 in batch.column("key").to_pylist() and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return result or encoder(batch)

    assert encode_parquet(inputs, str(parquet / "out"), encode_or_die) == N
    assert marker.exists() and not list(parquet.glob(".out*"))
    check(wv, files.read_table(parquet / "out").to_pylist())


# -----------------------------------------------------------------------------------------------------
# Spark


@pytest.fixture(scope="module")
def spark(home):
    pytest.importorskip("pyspark")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    session = session.config("spark.sql.warehouse.dir", str(home)).getOrCreate()
    yield session
    session.stop()


@pytest.mark.parametrize("method", ["mapInArrow", "mapInPandas"])
def test_spark(spark, wv, path, parquet, method):
    rows = spark.read.parquet(*[str(file) for file in parquet.glob("in-*.parquet")])
    encoder = SentenceEncoder(path, list_type="variable")
    encoded = getattr(rows, method)(encoder.map_batches, "key long, text string, embedding array<float>")
    check(wv, [row.asDict() for row in encoded.collect()])


# -----------------------------------------------------------------------------------------------------
# Dask, datasets


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask(home, wv, path, parquet, scheduler):
    pytest.importorskip("dask.dataframe")
    import dask.dataframe

    rows = dask.dataframe.read_parquet([str(file) for file in sorted(parquet.glob("in-*.parquet"))])
    meta = {**rows.dtypes.to_dict(), "embedding": object}
    encoded = rows.map_partitions(SentenceEncoder(path), meta=meta).compute(scheduler=scheduler)
    check(wv, encoded.to_dict("records"))


@pytest.mark.parametrize("form", [None, "numpy", "pandas", "arrow"])
def test_datasets(home, wv, path, tmp_path, form):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    rows = datasets.Dataset.from_dict({"key": list(range(N)), "text": TEXTS}, split="train").with_format(form)
    encoded = rows.map(SentenceEncoder(path), batched=True, batch_size=30, keep_in_memory=True)
    assert encoded.features["embedding"].feature.dtype == "float32"
    check(wv, encoded.with_format(None).to_list())


def test_datasets_with_processes_and_another_model(home, wv, path, tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    data = datasets.Dataset.from_dict({"key": list(range(N)), "text": TEXTS})
    data.save_to_disk(tmp_path / "data")
    rows = datasets.load_from_disk(tmp_path / "data")
    check(wv, rows.map(SentenceEncoder(path), batched=True, num_proc=2).to_list())
    moved = str(tmp_path / "moved.vectors")
    for factor in (1, 2):  # the cache of datasets must not return the vectors of the first model
        other = Sent2VecKeyedVectors(DIM)
        other.add_vectors(list("abcdef"), wv.vectors * np.float32(factor))
        other.save(moved)
        check(other, rows.map(SentenceEncoder(moved), batched=True).to_list())
