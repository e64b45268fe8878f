"""What people type by mistake: one line that says what would have worked."""

from __future__ import annotations

import pytest

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._cli.parser import COMMANDS, OTHER_NAMES

MISTAKES = {
    "trian corpus.txt my.model": "there is no command 'trian'; did you mean train?",
    "embed my.model": "there is no command 'embed'; did you mean encode?",
    "corpus.txt": "there is no command 'corpus.txt'; the commands are demo, train, encode,",
    "": "a command is missing; for example: gensim-sent2vec demo",
    "--loud train a b": "unrecognized arguments: --loud; for example",
    "train corpus.txt": "train: the following arguments are required: MODEL; for example: gensim-sent2vec train",
    "train": "required: CORPUS, MODEL; for example: gensim-sent2vec train corpus.txt my.model",
    "index my.model": "required: CORPUS, OUT; for example: gensim-sent2vec index my.model faq.txt faq.index",
    "convert a b c": "'c': too many arguments; for example: gensim-sent2vec convert model.bin model.s2v",
    "train a b --dim 100": "train: --dim: unknown option; did you mean --vector-size?",
    "train a b --lr=0.1": "train: --lr: unknown option; did you mean --alpha?",
    "train a b --epoches 5": "train: --epoches: unknown option; did you mean --epochs?",
    "encode m --normalise": "encode: --normalise: unknown option; did you mean --normalize?",
    "encode m --xyzzy": "encode: --xyzzy: unknown option; for example:",
    "train a b --epochs five": "train: argument --epochs: invalid int value: 'five'; for example:",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_mistakes(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(words.split())
    captured = capsys.readouterr()
    assert exit_.value.code == 2 and captured.err.count("\n") == 1 and not captured.out
    assert MISTAKES[words] in captured.err
    assert "--help)" in captured.err


def test_other_names_are_those_of_commands():
    names = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    assert set(OTHER_NAMES.values()) <= names and not set(OTHER_NAMES) & names


def test_warnings_are_one_line(tmp_path, capsys, recwarn):
    model, texts = str(tmp_path / "m.s2v"), tmp_path / "t.txt"
    Sent2Vec([["police", "said"]] * 20, vector_size=5, workers=1, min_count=1).wv.save(model)
    texts.write_text("Something else that this model has never seen at all.\n" * 20)
    main(["encode", model, str(texts), "-o", str(tmp_path / "v.npy")])
    error = capsys.readouterr().err
    assert error.startswith("gensim-sent2vec encode: warning: only 0% of ") and error.count("\n") == 1
    assert not len(recwarn)


def test_a_file_in_the_place_of_a_word(tmp_path, capsys):
    model, texts = str(tmp_path / "m.s2v"), tmp_path / "t.txt"
    Sent2Vec([["police", "said"]] * 20, vector_size=5, workers=1, min_count=1).wv.save(model)
    texts.write_text("police\n")
    with pytest.raises(SystemExit):
        main(["similar", model, str(texts), "police"])
    assert f"pass --corpus {texts}" in capsys.readouterr().err


def test_what_was_saved_is_said_in_words(tmp_path, capsys):
    (tmp_path / "t.txt").write_text("police said\n" * 20)
    main(["train", "t.txt", "m", "--min-count", "1", "--vector-size", "4"])
    assert capsys.readouterr().err == "Saved a model of 2 words with 4 dimensions, trained on 20 sentences, to m\n"
    main(["index", "m", "t.txt", "i"])
    assert capsys.readouterr().err == "Saved an index of 20 sentences to i\n"
