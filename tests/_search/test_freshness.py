"""An index of a model that changed since is refused, whatever changed and whatever is called."""

import copy

import numpy as np
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting

CHANGED = "wv: the vectors or their weighting changed since the index was built.*build the index again"


@pytest.fixture(scope="session")
def texts(lee) -> list[str]:
    return [" ".join(words[:12]) for words in lee]


def train(model, lee):
    model.train(lee, total_examples=len(lee), epochs=3)


def set_item(model, lee):
    model.wv["police"] = -model.wv["police"]


CHANGES = {
    "training": train,
    "a word's vector, replaced": set_item,
    "a word's vector, in place": lambda model, lee: np.negative(
        model.wv.vectors,
        out=model.wv.vectors,
        where=(np.arange(len(model.wv)) == model.wv.key_to_index["the"])[:, None],
    ),
    "all vectors, in place": lambda model, lee: np.copyto(model.wv.vectors, model.wv.vectors[::-1].copy()),
    "all vectors, replaced": lambda model, lee: setattr(model.wv, "vectors", model.wv.vectors[::-1].copy()),
    "n-gram rows": lambda model, lee: np.copyto(model.wv.vectors_ngrams, model.wv.vectors_ngrams[::-1].copy()),
    "longest n-gram": lambda model, lee: setattr(model.wv, "word_ngrams", 3),
    "another weighting": lambda model, lee: setattr(
        model.wv, "weighting", SentenceWeighting(sif=None, lexical_weight=0).fit(model.wv, lee)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_refused_by_every_use(model, lee, texts, change, tmp_path):
    wv = model.wv
    wv.weighting = None
    index = SentenceIndex.build(wv, texts)
    index.search(texts[0])
    CHANGES[change](model, lee)
    for use in (
        lambda: index.search("the police"),
        lambda: index.search(["the police"]),
        lambda: index.most_similar("the police"),
        lambda: index.most_similar(positive=["the police"]),
        lambda: index.most_similar_batch(["the police"]),
        lambda: index.find(["the police"]),
        lambda: index.search_rows(["the police"], vectors=wv.encode(["the police"])),
        lambda: index.score_rows(["the police"], np.arange(3)),
        lambda: index.add(["the police"]),
        lambda: index.save(tmp_path / "index"),
    ):
        with pytest.raises(ValueError, match=CHANGED):
            use()
    assert len(index) == len(texts) and not (tmp_path / "index").exists()
    assert SentenceIndex.build(wv, texts).search(texts[3])[0] == (texts[3], pytest.approx(1, abs=1e-5))


def test_changes_of_a_weighting_are_refused(model, lee, texts):
    wv = model.wv
    weighting = wv.weighting
    assert weighting is not None
    for change in (
        lambda: setattr(weighting, "first_half", 9.0),
        lambda: setattr(weighting, "weights", weighting.weights[::-1].copy()),
        lambda: np.copyto(weighting.rows, weighting.rows[::-1].copy()),
        lambda: setattr(wv, "weighting", None),
        lambda: setattr(wv, "weighting", SentenceWeighting(sif=0.1).fit(wv, lee)),
        lambda: train(model, lee),
    ):
        index = SentenceIndex.build(wv, texts)
        change()
        with pytest.raises(ValueError, match=CHANGED):
            index.search("the police")


@pytest.mark.parametrize("mmap", [None, "r"])
def test_a_loaded_index_is_checked_too(wv, texts, mmap, tmp_path):
    SentenceIndex.build(wv, texts).save(tmp_path / "index")
    index = SentenceIndex.load(tmp_path / "index", wv, mmap=mmap)
    index.search("the police")
    wv.weighting = None
    with pytest.raises(ValueError, match=CHANGED):
        index.search("the police")


def test_an_index_may_be_used_again_when_the_model_is_restored(wv, texts):
    index = SentenceIndex.build(wv, texts)
    expected = index.search("the police")
    weighting, wv.weighting = wv.weighting, None
    with pytest.raises(ValueError, match=CHANGED):
        index.search("the police")
    wv.weighting = weighting
    assert index.search("the police") == expected


def test_changes_that_do_not_matter_are_accepted(wv, texts):
    wv.weighting = None
    for sentences in (texts, [text.split() for text in texts]):
        index = SentenceIndex.build(wv, sentences, dtype=np.float16)
        expected = index.search("the police")
        wv.vectors = wv.vectors.copy()
        assert index.search("the police") == expected
        index.wv = wv.astype(np.float16)
        np.testing.assert_allclose([s for _, s in index.search("the police")], [s for _, s in expected], atol=1e-2)
    other = copy.deepcopy(index)
    assert other.search("the police") == index.search("the police")


def test_sentences_of_tokens_that_a_tokenizer_would_split_differently(wv, texts):
    wv.tokenizer = lambda text: list(text)
    index = SentenceIndex.build(wv, [text.split() for text in texts])
    wv.vectors = wv.vectors.copy()
    index.search(texts[0].split())
    wv.vectors, wv.weighting = -wv.vectors[::-1], None
    with pytest.raises(ValueError, match=CHANGED):
        index.search(texts[0].split())


def test_sentences_are_encoded_again_only_after_a_change(wv, texts, monkeypatch):
    index = SentenceIndex.build(wv, texts)
    encoded = []
    encode = type(wv).encode
    monkeypatch.setattr(type(wv), "encode", lambda self, s, *a, **k: encoded.append(len(s)) or encode(self, s, *a, **k))
    for _ in range(3):
        index.search("the police")
    assert encoded == [1, 1, 1]
    wv.vectors = wv.vectors.copy()
    index.search("the police")
    assert encoded[3] == len(texts)
    index.search("the police")
    assert encoded[-2:] == [1, 1]


def test_an_empty_index(wv):
    index = SentenceIndex.build(wv, [])
    assert index.search("the police") == []
    wv.weighting = None  # as many dimensions as before, and no sentence that was encoded otherwise
    index.add(["the police"])
    assert index.search("the police") == [("the police", pytest.approx(1))]
    empty = SentenceIndex.build(wv, [])
    wv.weighting = SentenceWeighting(lexical_dims=7).fit(wv, [["the", "police"]])
    with pytest.raises(ValueError, match=CHANGED):
        empty.add(["the police"])


def set_in_place(wv, word):
    wv.vectors[wv.key_to_index[word]] *= -3
    wv.fill_norms(force=True)


@pytest.mark.parametrize(
    "change",
    [set_in_place, lambda wv, word: wv.__setitem__(word, -wv[word])],
    ids=["in place, norms forced", "replaced"],
)
def test_a_rare_word_that_a_sample_of_the_sentences_misses(change):
    wv = Sent2VecKeyedVectors(4)
    rng = np.random.default_rng(0)
    wv.add_vectors([f"w{i}" for i in range(9000)], rng.normal(size=(9000, 4)).astype(np.float32))
    texts = [f"w{i} w{i + 1}" for i in range(6000)]
    texts[2501] = "w8001"
    index = SentenceIndex.build(wv, texts)
    wv.most_similar("w1")
    assert index.search("w8001")[0] == ("w8001", pytest.approx(1, abs=1e-5))
    change(wv, "w8500")  # in no sentence
    assert index.search("w8001")[0] == ("w8001", pytest.approx(1, abs=1e-5))
    change(wv, "w8001")
    with pytest.raises(ValueError, match=CHANGED):
        index.search("w8001")
