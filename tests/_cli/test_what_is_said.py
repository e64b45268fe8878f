"""What commands do on their own is said in one line on standard error: chosen columns, replaced files; and plurals."""

from __future__ import annotations

import pytest

from gensim_sent2vec import SentenceIndex
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._util.counted import counted
from gensim_sent2vec.mining import Community

ROWS = [("how do I pay", "card"), ("pay how", "card"), ("where is my parcel", "post"), ("my parcel is late", "post")]
COLUMNS = "the columns are 'id', 'question', 'answer'"
TEXTS = f"texts from 'question'; {COLUMNS}"
KEYS = f"texts from 'question', keys from 'answer'; {COLUMNS}"
LABELED = f"questions from 'question', answers from 'answer'; {COLUMNS}"
# t.csv is a table; m and s are a model and its vectors.
COMMANDS = {
    "train t.csv out --min-count 1 --vector-size 4 --workers 1": TEXTS,
    "train t.csv out --tokenized --min-count 1 --vector-size 4 --workers 1": TEXTS,
    "tokenize t.csv out --tokenizer words": TEXTS,
    "encode m t.csv -o out": TEXTS,
    "encode m t.csv": TEXTS,
    "index m t.csv out": KEYS,
    "similar m --corpus t.csv pay": KEYS,
    "duplicates m t.csv -o out": TEXTS,
    "bake m out --corpus t.csv": TEXTS,
    "shrink m out --corpus t.csv --bucket 10": TEXTS,
    "evaluate m t.csv": LABELED,
    "tune m t.csv out --folds 2": LABELED,
}


@pytest.fixture
def folder(tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    table = "id,question,answer\n" + "".join(f"{i},{q},{a}\n" for i, (q, a) in enumerate(ROWS))
    (tmp_path / "t.csv").write_text(table)
    model.save("m")
    return tmp_path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_columns_that_were_chosen(command, folder, caplog):
    main(command.split())
    said = [record.getMessage() for record in caplog.records if record.name == "gensim_sent2vec.columns"]
    assert said[0] == f"'t.csv': {COMMANDS[command]}"
    assert len([line for line in said if "the columns are" in line]) == 1


@pytest.mark.filterwarnings("ignore")
def test_what_was_asked_for_is_not_said(folder, caplog, monkeypatch):
    (folder / "one.csv").write_text("question\nhow do I pay\n")
    (folder / "faq.csv").write_text("question,answer\nhow do I pay,card\n")
    (folder / "two.tsv").write_text("answer\tquestion\n" + "".join(f"{a}\t{q}\n" for q, a in ROWS))
    for command in (
        "encode m t.csv --column question", "index m t.csv out --column question --key id", "encode m one.csv",
        "index m faq.csv faq.index",
        "evaluate m t.csv --column question --key id", "tune m two.tsv o --folds 2",
    ):  # fmt: skip
        try:
            main(command.split())
        except SystemExit:  # every id has one question
            assert "--key id" in command
        assert not [record for record in caplog.records if "texts from" in record.getMessage()], command


def test_roles_are_said(folder, caplog, wv):
    (folder / "roles.tsv").write_text("role\tanswer\tquestion\nindex\ta\thow do I pay\nquery\ta\tpay\n")
    main(["index", "m", "roles.tsv", "out"])
    assert "keys from 'answer', only rows with the role 'index'; the columns are" in caplog.text
    assert len(SentenceIndex.load("out", wv)) == 1
    caplog.clear()
    (folder / "pairs.tsv").write_text("answer\tquestion\n" + "".join(f"{a}\t{q}\n" for q, a in ROWS))
    main(["evaluate", "m", "pairs.tsv"])
    assert "'pairs.tsv' has no column 'role': each question is searched for among the others" in caplog.text


def test_the_program_shows_these_lines(folder, run_python):
    said, status = run_python("from gensim_sent2vec._cli.main import main; main(['index', 'm', 't.csv', 'out'])")
    assert status == 0 and KEYS in said and "Saved an index of 4 sentences to out" in said


REPLACING = [command for command in COMMANDS if " out" in command] + ["convert m out"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", REPLACING)
def test_replaced_files_are_announced(command, folder, capsys):
    main(command.split())
    assert "Replaced" not in capsys.readouterr().err
    main(command.split())
    assert capsys.readouterr().err.count("Replaced the previous 'out'\n") == 1


def test_an_empty_file_is_not_announced(folder, capsys):
    (folder / "out").write_bytes(b"")
    main(["index", "m", "t.csv", "out"])
    assert "Replaced" not in capsys.readouterr().err


def test_one_is_not_several(folder, wv, capsys):
    (folder / "one.txt").write_text("how do I pay\n")
    main(["index", "m", "one.txt", "out"])
    assert "Saved an index of 1 sentence to out" in capsys.readouterr().err
    index = SentenceIndex.load("out", wv)
    assert repr(index).startswith("<SentenceIndex of 1 sentence:")
    with pytest.raises(IndexError, match=r"for an index of 1 sentence$"):
        index[3]
    with pytest.raises(ValueError, match=r"got 1 key for 2 sentences$"):
        SentenceIndex.build(wv, ["a", "b"], keys=["x"])
    assert repr(Community([3], ["pay"])).startswith("<Community of 1 sentence around row 3")
    assert (counted(0, "word"), counted(1, "word"), counted(1234, "word")) == ("0 words", "1 word", "1,234 words")
    assert counted(2, "query", "queries") == "2 queries"
