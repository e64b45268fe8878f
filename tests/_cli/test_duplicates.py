"""The command ``duplicates``."""

import numpy as np
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors
from gensim_sent2vec._cli.main import main

TEXTS = [
    "police arrested two men",
    "it rained in sydney",
    "two men police arrested",
    "it rained in sydney",
    "zzz",
    "zzz",
]


@pytest.fixture
def files(tmp_path):
    corpus = tmp_path / "x.txt"
    corpus.write_text("\n".join(TEXTS) + "\n")
    words = sorted({word for text in TEXTS[:4] for word in text.split()})
    wv = Sent2VecKeyedVectors(len(words))
    wv.add_vectors(words, np.eye(len(words), dtype=np.float32))
    wv.save(tmp_path / "m.s2v")
    return tmp_path


def test_repeats_are_listed_with_the_earlier_row(files, capsys):
    main(["duplicates", "m.s2v", "x.txt"])
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "row\tscore\tof row\tsentence",
        "3\t1.0000\t1\ttwo men police arrested",
        "4\t1.0000\t2\tit rained in sydney",
        "6\t1.0000\t5\tzzz",
    ]
    assert "3 of 6 sentences repeat an earlier one at threshold 0.9\n" in printed.err
    assert "Repeats by threshold: 3 at 0.95, 3 at 0.9," in printed.err


def test_a_file_without_repeats_is_written(files, capsys):
    main(["duplicates", "m.s2v", "x.txt", "-o", "unique.txt", "--method", "exact"])
    assert (files / "unique.txt").read_text().splitlines() == [TEXTS[0], TEXTS[1], "zzz"]
    assert capsys.readouterr().out == ""


def test_an_invalid_threshold_is_named(files, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["duplicates", "no.model", "x.txt", "--threshold", "90"])  # before anything is loaded
    assert exit_.value.code == 2
    assert "--threshold: must be between -1 and 1, got 90" in capsys.readouterr().err


def test_a_column_of_a_table(files, capsys):
    (files / "x.csv").write_text('id,question\n1,"two\nmen"\n2,two men\n3,sydney\n')
    main(["duplicates", "m.s2v", "x.csv", "-o", "unique.txt"])
    assert (files / "unique.txt").read_text().splitlines() == ["two men", "sydney"]
    main(["duplicates", "m.s2v", "x.csv", "--column", "question"])
    assert capsys.readouterr().out.splitlines()[1:] == ["2\t1.0000\t1\ttwo men"]


def test_the_numbers_at_other_thresholds_are_printed(files, capsys):
    (files / "y.txt").write_text("police arrested two men\npolice arrested\npolice two\nsydney\nsydney\n")
    main(["duplicates", "m.s2v", "y.txt"])
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1:] == ["5\t1.0000\t4\tsydney"]
    assert "1 of 5 sentences repeat an earlier one at threshold 0.9\n" in printed.err
    assert (
        "Repeats by threshold: 1 at 0.95, 1 at 0.9, 1 at 0.85, 1 at 0.8, 3 at 0.7, 3 at 0.6, 3 at 0.5." in printed.err
    )
    main(["duplicates", "m.s2v", "y.txt", "--threshold", "0.7"])
    printed = capsys.readouterr()
    assert [line.split("\t")[:2] for line in printed.out.splitlines()[1:]] == [
        ["2", "0.7071"], ["3", "0.7071"], ["5", "1.0000"],
    ]  # fmt: skip
