"""Every command names the file that was probably meant instead of one that does not exist."""

from __future__ import annotations

import pytest

from gensim_sent2vec import SentenceIndex
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._cli.parser import COMMANDS

# {} is the missing file, whose name is that of an existing one with a letter too many; m is a model, t a text file.
CALLS = [
    "train {} out", "train t out --phrases {}", "train t out --pretrained {}", "train t {}/out",
    "encode {} t", "encode m {}", "encode m t -o {}/x.npy", "encode {} t --engine ray -o out",
    "similar {} word", "similar m --corpus {} word", "similar m --index {} word",
    "duplicates {} t", "duplicates m {}", "duplicates m t -o {}/x.txt",
    "tokenize {} out --tokenizer words", "tokenize t out --tokenizer words --phrases {}",
    "evaluate {} t", "evaluate m {}", "evaluate m t --log {}/log.tsv",
    "tune {} t out", "tune m {} out", "tune m t out --feedback {}",
    "index {} t out", "index m {} out", "index m t {}/out",
    "serve {} i", "serve m {}", "serve m i --feedback {}/f.tsv",
    "convert {} out", "convert m {}/out",
    "bake {} out", "bake m out --corpus {}",
    "shrink {} out", "shrink m out --corpus {} --max-words 5", "shrink m out --eval {} --max-words 5",
    "info {}", "demo --save {}/x.model",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("minee.txt", "t"):
        (tmp_path / name).write_text("question\tanswer\nthe police\ta\n")
    model.save("m")
    SentenceIndex.build(model.wv, ["the police"]).save("i")
    return tmp_path


@pytest.mark.parametrize("call", CALLS)
def test_missing_files(call, folder, capsys):
    if call.startswith("serve"):
        for needed in ("fastapi", "uvicorn", "prometheus_client"):
            pytest.importorskip(needed, reason=f'needs {needed}: pip install "gensim-sent2vec[serve]"')
    is_folder = "{}/" in call
    wrong, right = ("minne", "mine") if is_folder else ("mineee.txt", "minee.txt")
    before = sorted(folder.iterdir())
    with pytest.raises(SystemExit) as exit_:
        main(call.format(wrong).split())
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1
    assert wrong in error and f"did you mean '{right}'?" in error and "Errno" not in error, error
    assert sorted(folder.iterdir()) == before


def test_every_command_is_tried():
    assert {call.split()[0] for call in CALLS} == {command.__name__.rpartition(".")[2] for command in COMMANDS}
