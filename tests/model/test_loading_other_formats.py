"""Sent2Vec.load recognizes files of other programs, and says how to open them."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from gensim.test.utils import common_texts
from models import SMALL, assert_same_bytes

from gensim_sent2vec import Sent2Vec, save_epfml_model


def _zipped(model, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model", b"x")


WRITERS = {
    "epfml": (
        lambda model, path: save_epfml_model(Sent2Vec(common_texts, **SMALL), path),
        "is a .bin file of the reference program or of fastText: see load_epfml_model",
    ),
    "text": (lambda model, path: model.wv.save_word2vec_format(path), "is a word2vec file: .*load_word2vec_format"),
    "binary": (lambda model, path: model.wv.save_word2vec_format(path, binary=True), "is a word2vec file"),
    "numpy": (lambda model, path: np.save(path, model.wv.vectors), "is a NumPy array"),
    "zip": (_zipped, "is a zip archive"),
    "gzip": (lambda model, path: Path(path).write_bytes(gzip.compress(b"x")), "is compressed with gzip"),
    "empty": (lambda model, path: Path(path).touch(), "is empty"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_files_of_other_programs_are_named(ready, tmp_path, kind):
    write, message = WRITERS[kind]
    path = str(tmp_path / "model.npy")
    write(ready, path)
    with pytest.raises(ValueError, match=rf"model\.npy' is not a saved Sent2Vec: it {message}"):
        Sent2Vec.load(path)


def test_native_vectors_are_named(ready, tmp_path):
    ready.wv.save(tmp_path / "x.s2v")
    with pytest.raises(TypeError, match=r"holds Sent2VecKeyedVectors, not a Sent2Vec; use Sent2VecKeyedVectors\.load"):
        Sent2Vec.load(tmp_path / "x.s2v")


def test_compressed_models_still_load(ready, tmp_path):
    ready.save(str(tmp_path / "model.gz"))
    assert_same_bytes(Sent2Vec.load(str(tmp_path / "model.gz")), ready)
