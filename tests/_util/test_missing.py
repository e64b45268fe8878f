"""Errors for missing files name the argument, the directory, and the file that was probably meant."""

import errno
import os
import pickle

import pytest

from gensim_sent2vec import (
    Sent2Vec,
    Sent2VecKeyedVectors,
    SentenceIndex,
    SentenceWeighting,
    TextTable,
    TokenFile,
    convert_epfml,
    load_epfml_model,
    load_epfml_vectors,
    tokenize_file,
)
from gensim_sent2vec._text.counting import WordCounts
from gensim_sent2vec._util.missing import MissingFileError, missing_file, nearest_names
from gensim_sent2vec.convert import convert, is_epfml, load_any, load_model, load_vectors
from gensim_sent2vec.distributed import SentenceEncoder, train_distributed
from gensim_sent2vec.evaluation import append_to_log, evaluate_file, evaluate_retrieval, evaluate_sts, file_kind
from gensim_sent2vec.hnsw import HnswIndexer
from gensim_sent2vec.phrases import load_phrases
from gensim_sent2vec.shrink import shrink_to_file

# What reads a file called "my.modle", and the argument that names it.
READERS = {
    "fname": [
        lambda wv: Sent2Vec.load("my.modle"),
        lambda wv: Sent2Vec.load("my.modle", mmap="r"),
        lambda wv: Sent2VecKeyedVectors.load("my.modle"),
        lambda wv: Sent2VecKeyedVectors.load("my.modle", mmap="r"),
        lambda wv: Sent2VecKeyedVectors.load_word2vec_format("my.modle"),
        lambda wv: wv.intersect_word2vec_format("my.modle"),
        lambda wv: SentenceWeighting.load("my.modle"),
    ],
    "fvocab": [lambda wv: Sent2VecKeyedVectors.load_word2vec_format("my.model", fvocab="my.modle")],
    "path": [
        lambda wv: SentenceIndex.load("my.modle", wv),
        lambda wv: SentenceIndex.load("my.modle", wv, mmap="r"),
        lambda wv: load_epfml_vectors("my.modle"),
        lambda wv: load_epfml_model("my.modle"),
        lambda wv: load_any("my.modle"),
        lambda wv: Sent2VecKeyedVectors.from_model2vec("my.modle"),
        lambda wv: HnswIndexer.load("my.modle"),
        lambda wv: load_phrases("my.modle"),
        lambda wv: TextTable("my.modle"),
        lambda wv: TextTable(["my.model", "my.modle"]),
        lambda wv: WordCounts.of_file("my.modle"),
        lambda wv: evaluate_sts(wv, "my.modle"),
        lambda wv: evaluate_retrieval(wv, "my.modle"),
        lambda wv: evaluate_file(wv, "my.modle"),
        lambda wv: file_kind("my.modle"),
    ],
    "src": [lambda wv: convert("my.modle", "out.s2v"), lambda wv: convert_epfml("my.modle", "out.s2v")],
    "source": [lambda wv: tokenize_file("my.modle", "out.txt")],
    "corpus_file": [
        lambda wv: Sent2Vec(corpus_file="my.modle"),
        lambda wv: Sent2Vec(corpus_file=TokenFile("my.modle")),
    ],
    "shards": [lambda wv: train_distributed(Sent2Vec(), ["my.modle"], engine="local")],
    "model": [lambda wv: SentenceEncoder("my.modle")({"text": ["a"]})],
    "": [lambda wv: load_model("my.modle"), lambda wv: load_vectors("my.modle"), lambda wv: is_epfml("my.modle")],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with files of similar names."""
    monkeypatch.chdir(tmp_path)
    for name in ("my.model", "other.txt", "my.model.syn1neg.npy", ".my.modle"):
        (tmp_path / name).write_text("a b\n")
    return tmp_path


@pytest.mark.parametrize("argument, read", [(name, read) for name, reads in READERS.items() for read in reads])
def test_readers_name_the_file_that_was_meant(wv, folder, argument, read):
    with pytest.raises(FileNotFoundError) as caught:
        read(wv)
    error = caught.value
    assert error.errno == errno.ENOENT and os.path.basename(error.filename) == "my.modle"
    text = str(error)
    assert text.startswith(f"{argument}: " if argument else "there is no ")
    assert "'my.modle'" in text or f"'{folder}/my.modle'" in text
    assert text.endswith(("did you mean 'my.model'?", f"did you mean '{folder}/my.model'?")) and "Errno" not in text


WRITERS = [
    lambda wv, model: model.save("nodir/x"), lambda wv, model: wv.save("nodir/x"),
    lambda wv, model: wv.save_word2vec_format("nodir/x"),
    lambda wv, model: SentenceIndex.build(wv, ["a"]).save("nodir/x"),
    lambda wv, model: tokenize_file("my.model", "nodir/x"),
    lambda wv, model: append_to_log("nodir/x", "m", [], {}),
    lambda wv, model: shrink_to_file(wv, "nodir/x", max_words=10),
    lambda wv, model: wv.weighting.save("nodir/x"),
]  # fmt: skip


@pytest.mark.parametrize("write", WRITERS)
def test_writers_name_the_directory(wv, model, folder, write):
    with pytest.raises(
        FileNotFoundError, match=r"^cannot write '.*nodir/x': there is no .*nodir'; create it"
    ) as caught:
        write(wv, model)
    assert caught.value.errno == errno.ENOENT and caught.value.filename.endswith("nodir/x")
    (folder / "nodirs").mkdir()
    with pytest.raises(FileNotFoundError, match=r"did you mean '.*nodirs'\?$"):
        write(wv, model)


def test_a_missing_part_of_a_model_is_named(model, folder):
    model.save("large.model", sep_limit=0)
    part = next(folder.glob("large.model.*.npy"))
    part.unlink()
    with pytest.raises(
        FileNotFoundError, match=rf"^'large\.model': its file .*{part.name}' is missing; .*large\.model\*"
    ):
        Sent2Vec.load("large.model")


def test_without_a_similar_name_the_error_says_what_is_expected(wv, folder):
    with pytest.raises(
        FileNotFoundError, match=rf"^fname: there is no file 'x' in {folder}; expected what Sent2Vec.save"
    ):
        Sent2Vec.load("x")
    with pytest.raises(FileNotFoundError, match=r"^path: there is no directory 'models' in .*; expected an index"):
        SentenceIndex.load("models/faq.index", wv)
    with pytest.raises(FileNotFoundError, match=rf"^fname: there is no file '{folder}/x'; expected"):
        Sent2Vec.load(folder / "x")


def test_names_are_compared_without_case_and_suffix(folder):
    assert nearest_names("MY.MODEL") == nearest_names("my") == nearest_names("my.modell") == ["my.model"]
    assert nearest_names("other.csv") == ["other.txt"]
    assert nearest_names(f"{folder}/othr.txt") == [f"{folder}/other.txt"]
    assert nearest_names("quite different") == nearest_names("nodir/my.model") == []
    (folder / "model.bin").touch()
    assert nearest_names("model") == ["model.bin"]
    (folder / "model.s2v").touch()
    assert str(missing_file("model")).endswith("; did you mean 'model.bin' or 'model.s2v'?")
    (folder / "models").mkdir()
    assert str(missing_file("modells/x", "path")) == (
        f"path: there is no directory 'modells' in {folder}; did you mean 'models'?"
    )


def test_a_broken_link_is_called_one(folder):
    (folder / "link.model").symlink_to("gone.model")
    with pytest.raises(
        FileNotFoundError, match=r"^fname: 'link\.model' is a link to 'gone\.model', which does not exist"
    ):
        Sent2Vec.load("link.model")


def test_the_error_is_pickled_as_it_is(folder):
    error = pickle.loads(pickle.dumps(missing_file("my.modle", "path")))
    assert type(error) is MissingFileError and isinstance(error, FileNotFoundError)
    assert str(error).startswith("path: ") and error.errno == errno.ENOENT and error.filename == "my.modle"
