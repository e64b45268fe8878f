"""What killed writers leave behind: no processes, no locks, and nothing that the next writer does not remove."""

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from gensim_sent2vec import TokenFile, tokenize_file
from gensim_sent2vec._text.corpus import TextLines
from gensim_sent2vec._util.atomic import atomic_write, scratch_folder, temporary_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="there is no fork")


def hidden(folder):
    return [name for name in os.listdir(folder) if name.startswith(".")]


def test_a_process_that_a_killed_writer_has_forked_does_not_keep_the_lock(tmp_path):
    target = tmp_path / "x"
    out, into = os.pipe()
    writer = os.fork()
    if not writer:
        with temporary_folder(str(target)):
            helper = os.fork()
            if not helper:
                os.write(into, f"{os.getpid()}\n".encode())
                signal.pause()
            signal.pause()
    helper = int(os.read(out, 100))
    try:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
        assert len(hidden(tmp_path)) == 1
        with atomic_write(target) as file:
            file.write(b"new")
        assert os.listdir(tmp_path) == ["x"]
    finally:
        os.kill(helper, signal.SIGKILL)


SLOW = """
import sys, time
from gensim_sent2vec import tokenize_file

def slow(text):
    time.sleep(0.01)
    return text.split()

tokenize_file(sys.argv[1], sys.argv[2], slow, workers=2)
"""


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_processes_of_a_tokenizer_end_when_it_is_killed(tmp_path):
    (tmp_path / "corpus.txt").write_text("a b\n" * 20_000)
    target = tmp_path / "tokens"
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path / "corpus.txt"), str(target)])
    end = time.monotonic() + 60
    while len(workers := children_of(process.pid)) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.wait()
    while any(os.path.exists(f"/proc/{worker}") for worker in workers) and time.monotonic() < end:
        time.sleep(0.01)
    assert len(workers) == 2 and not any(os.path.exists(f"/proc/{worker}") for worker in workers)
    tokenize_file(tmp_path / "corpus.txt", target, "words", workers=1)
    assert TokenFile(target) and not hidden(tmp_path)


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_copies_of_pipes_by_killed_processes_are_removed(tmp_path, scratch):
    code = "import sys, os; from gensim_sent2vec._text.corpus import TextLines; "
    code += "lines = TextLines('-'); next(iter(lines)); os.kill(os.getpid(), 9)"
    environment = {**os.environ, "TMPDIR": str(scratch)}
    subprocess.run([sys.executable, "-c", code], input="a b\n", text=True, env=environment)
    assert len(hidden(scratch)) == 1
    with scratch_folder():
        pass
    assert not os.listdir(scratch)


def test_the_copy_of_a_pipe_goes_with_its_owner(tmp_path, scratch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen([sys.executable, "-c", f"open({str(pipe)!r}, 'w').write('a b\\nc\\n')"])
    lines = TextLines(pipe)
    assert list(lines) == list(lines) == ["a b", "c"] and len(os.listdir(scratch)) == 1
    writer.wait()
    child = os.fork()
    if not child:
        del lines  # in a forked process, which does not own the copy
        os._exit(0)
    os.waitpid(child, 0)
    assert list(lines) == ["a b", "c"]
    del lines
    assert not os.listdir(scratch)


def test_a_folder_that_another_writer_takes_for_abandoned_is_replaced(tmp_path, monkeypatch):
    """The other writer looks at it between its creation and our lock."""
    fcntl = pytest.importorskip("fcntl")
    mkdir, taken = os.mkdir, []

    def created_and_locked(path, *args):
        mkdir(path, *args)
        if not taken:
            taken.append(os.open(path, os.O_RDONLY))
            fcntl.flock(taken[0], fcntl.LOCK_EX)

    monkeypatch.setattr(os, "mkdir", created_and_locked)
    with atomic_write(tmp_path / "file") as file:
        file.write(b"text")
    os.close(taken[0])
    assert (tmp_path / "file").read_bytes() == b"text"
    with atomic_write(tmp_path / "file") as file:  # deletes the folder, unless the other writer has done so
        file.write(b"other text")
    assert os.listdir(tmp_path) == ["file"]
