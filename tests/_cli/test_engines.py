"""The command ``encode --engine``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors
from gensim_sent2vec._cli.main import main


@pytest.fixture
def wv():
    result = Sent2VecKeyedVectors(4)
    result.add_vectors(list("abc"), np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32))
    return result


@pytest.fixture
def folder(wv, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason='needs pyarrow: pip install "gensim-sent2vec[parquet]"')
    import pyarrow
    from pyarrow import parquet

    monkeypatch.chdir(tmp_path)
    wv.save("my.vectors")
    for part in range(3):
        table = pyarrow.table({"key": [2 * part, 2 * part + 1], "Text": ["a b" * part, None if part == 1 else "c"]})
        parquet.write_table(table, f"{part}.parquet")
    (tmp_path / "lines.txt").write_text("a b\n", encoding="utf-8")
    return tmp_path


FILES = ["0.parquet", "1.parquet", "2.parquet"]


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as exit:
        main(["encode", "my.vectors", *arguments])
    assert exit.value.code == 2
    return capsys.readouterr().err


def test_mistakes(folder, capsys):
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()
    for arguments, message in (
        (
            ["--engine", "spark", *FILES, "-o", "out"],
            "--engine: must be ray, ray://auto or ray://HOST:PORT, got 'spark'",
        ),
        (["--engine", "ray://", *FILES, "-o", "out"], "--engine: must be ray"),
        (["--engine", "ray", *FILES], "--engine: pass Parquet files and -o OUT"),
        (["--engine", "ray", "-o", "out"], "--engine: pass Parquet files and -o OUT"),
        (["--engine", "ray", "lines.txt", "-o", "out"], "--engine: reads Parquet files only, not 'lines.txt'"),
        (["--engine", "ray", *FILES, "-o", "full"], "'full' exists; --engine writes a new folder"),
        (["--engine", "ray", *FILES, "-o", "lines.txt"], "'lines.txt' exists"),
        (["--engine", "ray", *FILES, "-o", "out", "--plain"], "--plain: cannot be combined with --engine"),
        (
            ["--engine", "ray", *FILES, "-o", "out", "--column", "body"],
            "text (--column): '0.parquet' has no column 'body'",
        ),
    ):
        assert message in refused(capsys, *arguments)
        assert not (folder / "out").exists()


def test_an_unreachable_cluster(folder, capsys):
    pytest.importorskip("ray")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = refused(capsys, "--engine", f"ray://127.0.0.1:{port}", *FILES, "-o", "out")
    assert f"no Ray cluster answers at '127.0.0.1:{port}'" in error and not (folder / "out").exists()
    assert "expected HOST:PORT" in refused(capsys, "--engine", "ray://here", *FILES, "-o", "out")


@pytest.mark.slow
def test_encode_with_ray(folder, wv):
    pytest.importorskip("ray.data")
    from pyarrow import parquet

    command = [sys.executable, "-m", "gensim_sent2vec", "encode", "my.vectors", "--engine", "ray", *FILES]
    environment = os.environ | {"HOME": str(folder), "RAY_TMPDIR": "/tmp"}
    done = subprocess.run([*command, "-o", "out", "--normalize"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Wrote 6 rows with the column 'embedding' to out" in done.stderr
    rows = {row["key"]: row for row in parquet.read_table("out").to_pylist()}
    expected = wv.encode(["", "c", "a b", "", "a ba b", "c"], normalize=True)
    assert sorted(rows) == list(range(6)) and rows[3]["embedding"] is None
    for key in (0, 1, 2, 4, 5):
        assert np.array_equal(np.array(rows[key]["embedding"], dtype=np.float32), expected[key])
    assert not [name for name in os.listdir() if name.startswith(".out")]  # nothing unfinished is left
    parquet.write_table(parquet.read_table("0.parquet").set_column(1, "Text", [[1, 2]]), "numbers.parquet")
    done = subprocess.run([*command, "numbers.parquet", "-o", "out2"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "column 'Text': row" in done.stderr.splitlines()[-1], done.stderr[-3000:]
    assert not os.path.exists("out2")
