"""Commands under a limit of memory end with one line of error, whatever fails: a library, a thread, an allocation."""

import subprocess
import sys

import pytest

from gensim_sent2vec._cli.main import main
from gensim_sent2vec._util import memory
from gensim_sent2vec._util.memory import Limit

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is defined differently elsewhere")


def limited(megabytes, *argv, which="RLIMIT_AS"):
    """Run a command under a limit. Returns the exit status and standard error."""

    def limit():
        resource.setrlimit(getattr(resource, which), (megabytes * 1_000_000,) * 2)

    command = [sys.executable, "-m", "gensim_sent2vec", *map(str, argv)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, timeout=120)
    return done.returncode, done.stderr


@pytest.mark.parametrize("which, command", [("RLIMIT_AS", "ulimit -v"), ("RLIMIT_DATA", "ulimit -d")])
@pytest.mark.parametrize("argv", [["info", "nothing"], ["--help"], ["--version"]])
@pytest.mark.parametrize("megabytes", [50, 150])
def test_too_little_for_the_libraries(megabytes, argv, which, command):
    status, err = limited(megabytes, *argv, which=which)
    assert status == 2
    assert err.startswith("gensim-sent2vec: starting (numpy, scipy and gensim) needs ") and err.count("\n") == 1
    assert f"under {which} ({command})" in err


def test_enough_for_the_libraries():
    status, err = limited(450, "info", "nothing")
    assert status == 2 and err.startswith("gensim-sent2vec info: there is no model 'nothing' in ")


@pytest.mark.parametrize(
    "error, text",
    [
        (MemoryError(), "out of memory; 5,000 bytes are available under a limit; use fewer workers"),
        (MemoryError("std::bad_alloc"), "out of memory; 5,000 bytes are available under a limit; use fewer workers"),
        (MemoryError("Unable to allocate 3. GiB"), "out of memory: Unable to allocate 3. GiB; 5,000 bytes"),
        (OSError(12, "Cannot allocate memory"), "out of memory: [Errno 12] Cannot allocate memory; 5,000 bytes"),
        (RuntimeError("can't start new thread"), "workers: cannot start a thread: the process is out of memory"),
        (MemoryError("x needs 9 bytes, but only 5 are available under y"), "x needs 9 bytes, but only 5"),
    ],
)
def test_errors_say_what_to_do(monkeypatch, capsys, error, text):
    def fail(path):
        raise error

    monkeypatch.setattr(memory, "available", lambda: Limit("a limit", 5000))
    monkeypatch.setattr("gensim_sent2vec._cli.commands.info.stored_kind", fail)
    monkeypatch.setattr("os.path.isfile", lambda path: True)
    with pytest.raises(SystemExit) as exit_:
        main(["info", "x.s2v"])
    err = capsys.readouterr().err
    assert exit_.value.code == 2 and err.startswith(f"gensim-sent2vec info: {text}") and err.count("\n") == 1
