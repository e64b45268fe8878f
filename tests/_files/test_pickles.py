"""Entire models: saving leaves the model in memory alone, loading writes nothing, and neither runs code of a file."""

import os
import pickle
import stat
import threading
import time
from collections import Counter

import gensim.utils
import numpy as np
import pytest
from gensim.models import Word2Vec

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceWeighting
from gensim_sent2vec.phrases import learn_phrases, load_phrases

SENTENCES = [["a", "b", "c", "d"], ["b", "c", "d", "e"]] * 5


@pytest.fixture(scope="module")
def trained():
    return Sent2Vec(
        SENTENCES, vector_size=8, min_count=1, workers=1, epochs=1, phrases=learn_phrases(SENTENCES, min_count=1)
    )


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "m")


def assert_intact(model, encoded, path):
    np.testing.assert_array_equal(model.wv.encode(SENTENCES), encoded)
    model.save(path, sep_limit=1)
    np.testing.assert_array_equal(Sent2Vec.load(path).wv.encode(SENTENCES), encoded)
    assert not [name for name in os.listdir(os.path.dirname(path)) if name.startswith(".")]


# -----------------------------------------------------------------------------------------------------
# The model in memory


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("where", ["np.save", "gensim.utils.pickle", "os.fsync", "os.replace", "os.rename"])
def test_a_failed_save_leaves_the_model_and_the_files_intact(trained, path, monkeypatch, error, where):
    encoded = trained.wv.encode(SENTENCES)
    trained.save(path, sep_limit=1)
    owner, name = {"np": np, "os": os, "gensim.utils": gensim.utils}[where.rpartition(".")[0]], where.split(".")[-1]
    original = getattr(owner, name)
    for calls in range(12):
        left = [calls]

        def fail(*args, left=left, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                raise error
            return original(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            try:
                trained.save(path, sep_limit=1)
                break  # the function is called less often
            except (OSError, KeyboardInterrupt):
                pass
        np.testing.assert_array_equal(trained.wv.encode(SENTENCES), encoded)
        np.testing.assert_array_equal(Sent2Vec.load(path).wv.encode(SENTENCES), encoded)
    assert calls
    assert_intact(trained, encoded, path)


def test_a_name_that_is_too_long(trained, tmp_path, path):
    encoded = trained.wv.encode(SENTENCES)
    with pytest.raises(OSError, match=r"too long: '.*nnn'"):
        trained.save(str(tmp_path / ("n" * 240)), sep_limit=1)
    assert os.listdir(tmp_path) == []
    assert_intact(trained, encoded, path)


FULL = """
import resource, signal, sys
from gensim_sent2vec import Sent2Vec
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = Sent2Vec([["a", "b"]] * 9, vector_size=500, min_count=1, workers=1, epochs=1)
before = model.wv.encode([["a"]])
for limit in range(0, 5000, 250):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        model.save(sys.argv[1], sep_limit=1)
    except OSError as error:
        assert error.errno and error.filename == sys.argv[1], error
    else:
        break
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert (model.wv.encode([["a"]]) == before).all()
model.save(sys.argv[1], sep_limit=1)
assert (Sent2Vec.load(sys.argv[1]).wv.encode([["a"]]) == before).all()
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of processes")
def test_a_limit_on_file_sizes(run_python, path):
    printed, status = run_python(FULL, path)
    assert status == 0, printed


def test_other_threads_encode_meanwhile(trained, path):
    encoded, failures, stop = trained.wv.encode(SENTENCES), [], threading.Event()

    def encode():
        while not stop.is_set():
            try:
                np.testing.assert_array_equal(trained.wv.encode(SENTENCES, show_progress_bar=False), encoded)
            except Exception as error:
                failures.append(error)
            time.sleep(0.001)  # or saving gets a turn every few milliseconds only

    thread = threading.Thread(target=encode)
    thread.start()
    for _ in range(20):
        trained.save(path, sep_limit=1)
    stop.set()
    thread.join()
    assert not failures


def test_a_tokenizer_that_cannot_be_pickled_is_kept_in_memory(trained, path, caplog):
    model = pickle.loads(pickle.dumps(trained))
    model.wv.tokenizer = tokenize = lambda text: text.split()
    model.save(path)
    assert model.wv.tokenizer is tokenize and "not saved" in caplog.text


def test_a_weighting_alone(trained, path):
    weighting = trained.wv.weighting
    weighting.save(path, sep_limit=1)
    assert weighting.fitted
    np.testing.assert_array_equal(SentenceWeighting.load(path, mmap="r").weights, weighting.weights)


# -----------------------------------------------------------------------------------------------------
# Files


@pytest.fixture
def interrupted(trained, path):
    """A model whose save was killed halfway through the renames; a newer one lies in the folder of the save."""
    trained.save(path, sep_limit=1)
    folder = path.replace("/m", "/.m.saved")
    os.mkdir(folder)
    newer = Sent2Vec(SENTENCES, vector_size=4, min_count=1, workers=1, epochs=1)
    newer.save(folder + "/m", sep_limit=1)
    os.replace(folder + "/m.wv.vectors.npy", path + ".wv.vectors.npy")
    return folder


def listing(folder):
    return sorted((os.path.join(top, name)) for top, _, names in os.walk(folder) for name in names)


@pytest.mark.parametrize("mmap", [None, "r"])
def test_an_interrupted_save_is_read_where_it_lies(interrupted, path, tmp_path, mmap):
    before = listing(tmp_path)
    loaded = Sent2Vec.load(path, mmap=mmap)
    assert loaded.wv.vector_size == 4 and loaded.wv.encode(SENTENCES).shape[1]
    assert listing(tmp_path) == before


def test_the_next_save_completes_and_replaces_it(interrupted, trained, path, tmp_path):
    trained.save(path, sep_limit=1)
    assert Sent2Vec.load(path).wv.vector_size == 8
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


def test_vectors_that_are_saved_later_count(interrupted, trained, path):
    trained.wv.save(path)
    assert not os.path.exists(interrupted)
    assert len(Sent2VecKeyedVectors.load(path)) == len(trained.wv)


@pytest.mark.parametrize("fault", ["link", "name", "folder", "linked folder"])
def test_a_folder_that_no_save_has_left_is_ignored(trained, path, tmp_path, fault):
    trained.save(path, sep_limit=1)
    folder = tmp_path / ".m.saved"
    if fault == "linked folder":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
    if fault == "link":
        (folder / "m").symlink_to("/etc/passwd")
    elif fault == "name":
        (folder / "other").write_bytes(b"other")
    elif fault == "folder":
        (folder / "m").mkdir()
    with pytest.warns(UserWarning, match="is ignored"):
        assert Sent2Vec.load(path).wv.vector_size == 8
    with pytest.raises(OSError, match=r"\.m\.saved' is in the way"):
        trained.save(path, sep_limit=1)
    assert not (tmp_path / "other").exists()


def test_a_directory_or_a_pipe_as_target_is_refused_at_once(trained, path, tmp_path):
    os.mkdir(path)
    with pytest.raises(IsADirectoryError):
        trained.save(path, sep_limit=1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="several files"):
        trained.save(str(tmp_path / "pipe"))
    assert sorted(os.listdir(tmp_path)) == ["m", "pipe"] and not os.listdir(path)


def test_permissions_are_kept_and_temporary_files_private(trained, path, tmp_path, monkeypatch):
    trained.save(path, sep_limit=1)
    for part in tmp_path.iterdir():
        part.chmod(0o600)
    trained.save(path, sep_limit=1)
    assert {stat.S_IMODE(part.stat().st_mode) for part in tmp_path.iterdir()} == {0o600}
    seen = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append(stat.S_IMODE(os.fstat(handle).st_mode)))
    trained.wv.save(tmp_path / "new")
    assert seen[0] == 0o600 and stat.S_IMODE((tmp_path / "new").stat().st_mode) != 0o600


# -----------------------------------------------------------------------------------------------------
# Pickles


class Harmful:
    """Calls anything when it is unpickled."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("call", [
    (os.system, "touch ran"), (eval, "open('ran', 'w')"), (open, "ran", "w"), (getattr, "text", "upper"),
    (gensim.utils.unpickle, "x"), (gensim.utils.pickle, 1, "ran"), (np.load, "x"), (np.save, "ran", 1),
    (exec, "open('ran', 'w')"),
], ids=lambda call: call[0].__name__)  # fmt: skip
def test_what_could_run_code_is_refused_by_name(trained, path, tmp_path, call):
    model = pickle.loads(pickle.dumps(trained))
    model.wv.attribute = Harmful(*call)
    model.save(path)
    for load in (Sent2Vec.load, SentenceWeighting.load, load_phrases):
        with pytest.raises(ValueError, match=f"contains a .*{call[0].__name__}.*trusted=True"):
            load(path)
    assert not (tmp_path / "ran").exists()


def test_constructors_are_not_called(trained, path, tmp_path):
    """That of gensim's KeyedVectors creates or truncates the file `mapfile_path`, numpy.memmap any file."""
    (tmp_path / "precious").write_bytes(b"precious")
    model = pickle.loads(pickle.dumps(trained))
    model.attribute = Harmful(Sent2VecKeyedVectors, 2, 3, np.float32, str(tmp_path / "precious"))
    model.save(path)
    Sent2Vec.load(path)
    model.attribute = Harmful(np.memmap, str(tmp_path / "precious"), "uint8", "w+", 0, (3,))
    model.save(path)
    with pytest.raises(ValueError, match="not a saved model"):
        Sent2Vec.load(path)
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_second_pickle_of_a_sparse_matrix_is_refused(trained, path):
    model = pickle.loads(pickle.dumps(trained))
    vars(model)["__scipys"] = ["x"]
    with open(path, "wb") as file:
        pickle.dump(model, file)
    with open(path + ".x.npy", "wb") as file:
        pickle.dump(Harmful(os.system, "touch ran"), file)
    with pytest.raises(ValueError, match="sparse matrix"):
        Sent2Vec.load(path)
    assert not os.path.exists("ran")


class Subclass(Sent2Vec):
    """A user's own class."""


def test_own_classes_need_trust(path):
    Subclass(SENTENCES, vector_size=4, min_count=1, workers=1, epochs=1).save(path)
    with pytest.raises(ValueError, match=r"Subclass.*trusted=True"):
        Subclass.load(path)
    assert type(Subclass.load(path, trusted=True)) is Subclass


@pytest.mark.parametrize("protocol", range(6))
def test_harmless_attributes_need_no_trust(trained, path, protocol):
    model = pickle.loads(pickle.dumps(trained))
    model.comment = Counter("abc"), {1, 2}, 1j, np.float64(1), np.arange(3), b"bytes", np.random.default_rng(1)
    model.save(path, pickle_protocol=protocol)
    assert Sent2Vec.load(path).comment[0] == Counter("abc")


def test_models_of_gensim_are_still_recognized(path):
    Word2Vec(SENTENCES, vector_size=4, min_count=1).save(path)
    with pytest.raises(TypeError, match=r"load it with gensim's Word2Vec.load"):
        Sent2Vec.load(path)
