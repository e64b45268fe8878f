"""The soak tests in benchmarks/soak stay importable, judge correctly, and run; their full runs are started by hand."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the soak tests need Linux"),
    pytest.mark.skipif(not (BENCHMARKS / "soak").is_dir(), reason="needs the source folder"),
]
ERROR = "gensim-sent2vec train: [Errno 28] No space left on device: 'x'\n"


@pytest.fixture
def soak(monkeypatch):
    """Imports a module of the soak tests."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: importlib.import_module(f"soak.{name}" if name else "soak")


@pytest.mark.parametrize("path", sorted((BENCHMARKS / "soak").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_modules_can_be_imported(soak, path):
    assert soak(path.stem).__doc__


@pytest.mark.parametrize("command", ["train", "demo", "tune", "duplicates", "serve", "index", "shrink"])
def test_commands_are_tested(soak, command, tmp_path):
    commands = [c for c in soak("workplace").COMMANDS if c.arguments.split()[0] == command]
    assert commands
    for c in commands:
        line = c.line(tmp_path, 7, tmp_path / "out")
        assert ("OUT" in c.arguments.split()) == bool(c.out) and "OUT" not in line


@pytest.mark.parametrize(
    ("status", "err", "fine"),
    [
        (0, "", True),
        (2, ERROR, True),
        (2, "a progress line\n" + ERROR, True),
        (1, ERROR, False),
        (2, ERROR + ERROR, False),
        (2, ERROR + "more\n", False),
        (2, "Traceback (most recent call last):\n" + ERROR, False),
        (2, "OpenBLAS blas_thread_init: pthread_create failed\n" + ERROR, False),
        (-9, "", False),
    ],
)
def test_what_is_wrong_with_the_end_of_a_command(soak, status, err, fine):
    assert (soak("faults").verdict(status, err) is None) == fine


def test_an_attempt_ends_a_service_that_answers(soak):
    code = "import sys, time; print('ready at http://127.0.0.1:1', file=sys.stderr, flush=True); time.sleep(600)"
    status, err = soak("faults").attempt([sys.executable, "-c", code])
    assert (status, err) == (-15, "ready at http://127.0.0.1:1\n")
    assert soak("faults").attempt([sys.executable, "-c", "raise SystemExit(3)"]) == (3, "")


def test_limits_of_memory_fall(soak):
    limits = soak("faults").limits(2 << 30)
    assert len(limits) == soak("faults").STEPS and limits == sorted(limits, reverse=True)


def test_matches_of_suppressions(soak):
    text = "ThreadSanitizer: Matched 12 suppressions (pid=1):\n7 race:s2v::*::Row<*>::\n5 race:other\n"
    assert soak("races").matches(text + text) == {"race:s2v::*::Row<*>::": 14, "race:other": 10}
    assert soak("races").matches("") == {}


def test_every_suppression_is_explained(soak):
    lines = soak("races").SUPPRESSIONS.read_text().splitlines()
    rules = [i for i, line in enumerate(lines) if line.startswith("race:")]
    assert rules and all(i > 0 and lines[i - 1].startswith("#") for i in rules)
    assert {line.split(":")[0] for line in lines if line[:1] != "#"} == {"race"}


def test_the_page_shows_every_part_of_the_stored_result(soak):
    stored = sorted((BENCHMARKS / "results").glob("*/soak.json"))[-1]
    result = json.loads(stored.read_text())
    tables = soak("").tables(result)
    assert set(tables) == {f"soak-{part}" for part in soak("__main__").PARTS}
    shown = re.findall(r"{benchmark} (soak-\w+)", (ROOT / "docs" / "promises.md").read_text())
    assert set(shown) == set(tables)
    assert result["kills"]["writers"] and result["requests"]["requests"] >= 5000
    assert result["races"]["reports"] == 0 < result["races"]["without"]
    assert {c.name for c in soak("workplace").COMMANDS} == set(result["faults"]["commands"])
    assert sum(fault["wrong"] for faults in result["faults"]["commands"].values() for fault in faults.values()) == 0


@pytest.mark.slow
def test_a_writer_is_killed(soak):
    seen = soak("kills").run(kills=2, only="SentenceWeighting")["writers"]["SentenceWeighting.save"]
    assert (seen["killed"], seen["wrong"], seen["left"], seen["processes"]) == (2, 0, 0, 0)
    assert seen["old"] + seen["new"] == 2


@pytest.mark.slow
def test_memory_falls(soak):
    result = soak("faults").run(only="info")
    seen = result["commands"]["info"]["memory"]
    assert not result["wrong"] and seen["wrong"] == 0
    assert seen["refused"] and seen["succeeded"] and seen["refused"] + seen["succeeded"] == seen["runs"]


@pytest.mark.slow
def test_a_failed_save_of_this_package_leaves_the_model_intact(soak):
    ours = soak("peers").failed_save()["this package"]
    assert ours == {"the save failed": True, "intact": True, "the next save is complete": True}
