"""One thread and one seed give the same bytes, in every process and after saving."""

import copy

import numpy as np
import pytest
from gensim.test.utils import common_texts
from models import SMALL, assert_same_bytes

from gensim_sent2vec import Sent2Vec

HASH_OF_A_MODEL = """
import hashlib, sys
from gensim_sent2vec import Sent2Vec
digest = hashlib.sha256()
for corpus in ({"corpus_file": sys.argv[1]}, {"sentences": [l.split() for l in open(sys.argv[1], encoding="utf-8")]}):
    model = Sent2Vec(**corpus, vector_size=12, epochs=1, workers=1, word_ngrams=2, bucket=500, sample=1e-2, seed=7)
    for part in (model.wv.vectors, model.wv.vectors_ngrams, model.placeholder, model.syn1neg):
        digest.update(part.tobytes())
    digest.update("\\n".join(model.wv.index_to_key).encode())
print(digest.hexdigest())
"""


def test_one_thread_gives_the_same_bytes_in_every_process(lee_path, run_python):
    first, status = run_python(HASH_OF_A_MODEL, lee_path, PYTHONHASHSEED="0")
    assert status == 0, first
    assert run_python(HASH_OF_A_MODEL, lee_path, PYTHONHASHSEED="123") == (first, 0)


def test_one_thread_gives_the_same_bytes_again():
    options = {"word_ngrams": 2, "bucket": 50, "sample": 0.1, **SMALL}
    assert_same_bytes(Sent2Vec(common_texts, **options), Sent2Vec(common_texts, **options))


def test_another_seed_gives_other_vectors():
    one, two = (Sent2Vec(common_texts, seed=seed, **SMALL) for seed in (1, 2))
    assert list(one.wv.index_to_key) == list(two.wv.index_to_key)
    assert not np.array_equal(one.wv.vectors, two.wv.vectors)


def test_a_second_training_draws_other_samples():
    """A model that is trained twice must not get the same negative samples again."""
    start = Sent2Vec(**SMALL)
    start.build_vocab(common_texts)
    later = copy.deepcopy(start)
    later.train_count = 1
    for model in (start, later):
        model.train(common_texts)
    assert not np.array_equal(start.syn1neg, later.syn1neg)


def test_a_loaded_model_continues_training_like_the_one_in_memory(ready, tmp_path):
    ready.save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    assert_same_bytes(loaded, ready)
    for model in (ready, loaded):
        model.train(common_texts)
    assert_same_bytes(loaded, ready)


@pytest.mark.parametrize("mmap", [None, "r"])
def test_save_and_load_keep_every_bit(lee_model, lee, tmp_path, mmap):
    lee_model.save(str(tmp_path / "model"), sep_limit=1)
    loaded = Sent2Vec.load(str(tmp_path / "model"), mmap=mmap)
    assert_same_bytes(loaded, lee_model)
    assert loaded.wv.encode(lee).tobytes() == lee_model.wv.encode(lee).tobytes()
    for name in (
        "word_ngrams",
        "bucket",
        "dropout_k",
        "skip_bigrams",
        "negative",
        "ns_exponent",
        "seed",
        "train_count",
    ):
        assert getattr(loaded, name) == getattr(lee_model, name)


def test_paths_can_be_path_objects(ready, tmp_path):
    ready.save(tmp_path / "model")
    assert_same_bytes(Sent2Vec.load(tmp_path / "model"), ready)
