"""The command ``encode --engine``."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from models import assert_same_bytes

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._distributed.ray_data import raised_by_encoder
from gensim_sent2vec.distributed import train_distributed


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

    command = [sys.executable, "-m", "gensim_sent2vec", "encode", "my.vectors", "--engine", "ray"]
    environment = os.environ | {"HOME": str(folder), "RAY_TMPDIR": "/tmp"}
    done = subprocess.run(
        [*command, *FILES, "-o", "out", "--normalize"], env=environment, capture_output=True, text=True
    )
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
    error = "gensim-sent2vec encode: column 'Text': row 0: the int 1 is neither a text nor a list of tokens"
    assert done.returncode == 2 and done.stderr.splitlines()[-1] == error, done.stderr[-3000:]
    assert not os.path.exists("out2")


TRACEBACK = """\x1b[36mray::MapBatches(SentenceEncoder)->Write()\x1b[39m (pid=27678, ip=127.0.0.1)
  File "distributed.py", line 127, in __call__
    texts, is_null = _texts(rows.values(self.input_col), self.input_col)
{}

The above exception was the direct cause of the following exception:

ray.exceptions.UserCodeException: UDF failed to process a data block."""


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("TypeError: column 'text': row 0: the int 1", TypeError),
        ("ValueError: model: it changed", ValueError),
        ("FileNotFoundError: model: host 'a' does not see the file 'b'", FileNotFoundError),
        ("gensim_sent2vec._pooling.finite.NotFiniteError: sentences: row 3", ValueError),
    ],
)
def test_the_error_of_the_encoder_is_found(line, kind):
    error = raised_by_encoder(RuntimeError(TRACEBACK.format(line)))
    assert type(error) is kind and str(error) == line.partition(": ")[2]
    error = raised_by_encoder(RuntimeError(TRACEBACK.format("FileNotFoundError: /in/0.parquet")))
    assert str(error) == "a node does not see the file '/in/0.parquet'; put the files on storage that all nodes share"
    error = raised_by_encoder(
        RuntimeError("ray.exceptions.RaySystemError: System error: No module named 'gensim_x'\n..")
    )
    assert isinstance(error, ImportError) and "No module named 'gensim_x'; install gensim_sent2vec" in str(error)
    assert str(raised_by_encoder(RuntimeError("no reason"))) == "Ray Data failed: no reason"


# -----------------------------------------------------------------------------------------------------
# train --ray


def test_mistakes_of_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "1.txt").write_text("a b c\n" * 9, encoding="utf-8")
    (tmp_path / "t.csv").write_text("text,n\na b c,1\n", encoding="utf-8")
    (tmp_path / "bom.txt").write_text("\ufeffa b c\n" * 9, encoding="utf-8")
    with gzip.open("2.txt.gz", "wt") as file:
        file.write("a b c\n" * 9)
    for arguments, message in (
        (["1.txt", "--rounds", "2"], "--rounds, --checkpoint: need --ray"),
        (["1.txt", "--checkpoint", "c"], "--rounds, --checkpoint: need --ray"),
        (["1.txt", "t.csv", "--ray", "local"], "--ray: reads plain text files only, not 't.csv'"),
        (["1.txt", "2.txt.gz", "--ray", "local"], "--ray: reads plain text files only, not '2.txt.gz'"),
        (["1.txt", "bom.txt", "--ray", "local"], "--ray: reads plain text files only, not 'bom.txt'"),
        (["1.txt", "--ray", "local", "--rounds", "0"], "rounds_per_epoch: must be at least 1"),
        (["1.txt", "1.txt", "--ray", "local"], "is listed twice"),
        (["1.txt", "--ray", "local", "--learn-phrases"], "--learn-phrases: cannot be combined with --ray"),
    ):
        with pytest.raises(SystemExit) as exit:
            main(["train", *arguments[:1], *arguments[1:], "my.model"] if arguments[1][:2] == "--"
                 else ["train", *arguments[:2], "my.model", *arguments[2:]])  # fmt: skip
        assert exit.value.code == 2 and message in capsys.readouterr().err
        assert not (tmp_path / "my.model").exists()


@pytest.mark.slow
def test_train_with_ray(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.chdir(tmp_path)
    for i in range(2):
        lines = [" ".join(f"w{(i + j * k) % 30}" for k in range(8)) + "\n" for j in range(100)]
        (tmp_path / f"{i}.txt").write_text("".join(lines), encoding="utf-8")
    options = ["--vector-size", "8", "--min-count", "1", "--epochs", "2"]
    command = [sys.executable, "-m", "gensim_sent2vec", "train", "0.txt", "1.txt", "my.model", *options]
    environment = os.environ | {"HOME": str(tmp_path), "RAY_TMPDIR": "/tmp"}
    command += ["--ray", "local", "--rounds", "3", "--checkpoint", "rounds"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "trained on 200 sentences, to my.model" in done.stderr
    expected = train_distributed(Sent2Vec(vector_size=8, min_count=1, epochs=2), ["0.txt", "1.txt"], 3, engine="local")
    assert_same_bytes(Sent2Vec.load("my.model"), expected)
    assert (tmp_path / "rounds").is_file()
