"""What commands overwrite: never their input, and no file of another kind without --force."""

import os
import shutil
import stat

import numpy as np
import pytest

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._cli.main import main
from gensim_sent2vec.evaluation import append_to_log


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus, a model, its vectors, and judged pairs."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "x.txt").write_text("police arrested two men\nit rained in sydney\n" * 5)
    (folder / "pairs.tsv").write_text("5\tpolice arrested two men\tpolice arrested\n0\tit rained\ttwo men\n")
    model = Sent2Vec(corpus_file=str(folder / "x.txt"), vector_size=4, min_count=1, workers=1, epochs=1)
    model.save(str(folder / "m"), sep_limit=1)
    model.wv.save(folder / "m.s2v")
    return folder


@pytest.fixture
def files(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def refused(capsys, *argv):
    with pytest.raises(SystemExit) as exit_:
        main(list(argv))
    assert exit_.value.code == 2
    return capsys.readouterr().err


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


COMMANDS = [
    "train x.txt OUT", "index m x.txt OUT", "encode m x.txt -o OUT", "tokenize x.txt OUT --tokenizer words",
    "duplicates m x.txt -o OUT", "bake m OUT --corpus x.txt", "shrink m OUT --float16 --corpus x.txt",
]  # fmt: skip
OVER_MODEL = [
    "index OUT x.txt OUT",
    "encode OUT x.txt -o OUT",
    "duplicates OUT x.txt -o OUT",
    "bake OUT OUT",
    "convert OUT OUT",
    "shrink OUT OUT",
]


@pytest.mark.parametrize("link", [None, os.symlink, os.link], ids=["same", "symlink", "hardlink"])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_corpus_is_never_overwritten(files, capsys, command, link):
    name = "x.txt"
    if link:
        link("x.txt", name := "link.txt")
    before = contents(files)
    assert "is an input" in refused(capsys, *command.replace("OUT", name).split(), *["--force"])
    assert contents(files) == before


@pytest.mark.parametrize("command", OVER_MODEL)
@pytest.mark.parametrize("name", ["m", "m.s2v"])
def test_the_model_is_never_overwritten(files, capsys, command, name):
    before = contents(files)
    assert "is an input" in refused(capsys, *command.replace("OUT", name).split(), "--force")
    assert contents(files) == before


def test_the_arrays_of_the_model_are_inputs_too(files, capsys):
    assert "is an input" in refused(capsys, "encode", "m", "x.txt", "-o", "m.wv.vectors.npy")


def test_the_log_is_no_input(files, capsys):
    assert "is an input" in refused(capsys, "evaluate", "m", "pairs.tsv", "--log", "pairs.tsv")


@pytest.mark.parametrize("command", [*COMMANDS, "convert m OUT"])
def test_a_file_of_another_kind_is_replaced_with_force_only(files, capsys, command):
    (files / "other").write_bytes(b"\x00\xff precious")
    argv = command.replace("OUT", "other").split()
    assert "pass --force" in refused(capsys, *argv)
    assert (files / "other").read_bytes() == b"\x00\xff precious"
    main([*argv, "--force"])
    main(argv)  # of the same kind now
    assert not [name for name in os.listdir(files) if name.startswith(".")]


def test_encode_replaces_its_output_atomically_and_keeps_its_permissions(files, monkeypatch):
    main(["encode", "m", "x.txt", "-o", "v.npy"])
    os.chmod("v.npy", 0o600)
    before = np.load("v.npy")

    def fail(file, array):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", fail)
        with pytest.raises(SystemExit):
            main(["encode", "m", "x.txt", "-o", "v.npy"])
    np.testing.assert_array_equal(np.load("v.npy"), before)
    main(["encode", "m", "x.txt", "-o", "v.npy"])
    assert stat.S_IMODE(os.stat("v.npy").st_mode) == 0o600
    assert not [name for name in os.listdir(files) if name.startswith(".")]


@pytest.mark.parametrize("command", ["index m x.txt P", "encode m x.txt -o P", "tokenize x.txt P --tokenizer words",
                                     "convert m P --to word2vec", "convert m P"])  # fmt: skip
def test_a_pipe_is_written_to(files, command):
    os.mkfifo("P")
    reader = os.open("P", os.O_RDONLY | os.O_NONBLOCK)
    try:
        main(command.split())
        assert os.read(reader, 1 << 16)
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(os.stat("P").st_mode)


@pytest.mark.parametrize("command", ["train x.txt P", "shrink m P"])
def test_a_pipe_is_refused_if_one_file_does_not_suffice(files, capsys, command):
    os.mkfifo("P")
    assert "pipe or a device" in refused(capsys, *command.split())


def test_a_torn_row_of_the_log_is_not_joined(tmp_path):
    result = [{"file": "pairs.tsv", "n": 1, "coverage": 1.0, "pearson": 0.5}]
    append_to_log("log.tsv", "m", result, {})
    with open("log.tsv", "ab") as file:
        file.write(b"2026\ttorn")
    append_to_log("log.tsv", "m", result, {})
    lines = (tmp_path / "log.tsv").read_text().splitlines()
    assert len(lines) == 4 and lines[2] == "2026\ttorn" and lines[3].split("\t")[1:] == lines[1].split("\t")[1:]


def test_commands_need_trust_for_classes_of_others(files, capsys):
    model = Sent2Vec.load("m")
    model.comment = os.getcwd
    model.save("own")
    for command in (["info", "own"], ["encode", "own", "x.txt"], ["convert", "own", "own.s2v"]):
        assert "--trusted" in refused(capsys, *command)
        main([*command, "--trusted"])
