"""Building and updating vocabularies, and initial matrices."""

import copy
import itertools
import math
from collections import Counter

import numpy as np
import pytest
from gensim import utils
from gensim.models import FastText, Word2Vec
from gensim.test.utils import common_texts
from models import SMALL, assert_same_bytes, assert_usable, matrices, state

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._text.vocabulary import Vocabulary


def test_words_are_sorted_by_count_then_by_first_appearance(lee):
    model = Sent2Vec(min_count=5)
    model.build_vocab(lee)
    counts = Counter(itertools.chain.from_iterable(lee))
    expected = [(word, n) for word, n in counts.most_common() if n >= 5]  # a stable sort
    assert [(word, model.wv.get_vecattr(word, "count")) for word in model.wv.index_to_key] == expected
    assert dict(model.wv.key_to_index) == {word: i for i, (word, _) in enumerate(expected)}


def test_build_vocab_and_train_do_what_the_constructor_does():
    model = Sent2Vec(**SMALL)
    model.build_vocab(common_texts)
    model.train(common_texts, total_examples=model.corpus_count, epochs=model.epochs)
    by_words = Sent2Vec(**SMALL)
    by_words.build_vocab(common_texts)
    by_words.train(common_texts)  # the size of the corpus is what build_vocab counted
    assert_same_bytes(by_words, Sent2Vec(common_texts, **SMALL))
    assert list(model.wv.index_to_key) == list(by_words.wv.index_to_key)
    assert_usable(model)


def test_one_pass_can_be_a_stream():
    model = Sent2Vec(**SMALL)
    model.build_vocab(iter(common_texts))
    model.train((text for text in common_texts), epochs=1)
    assert_usable(model)


def test_a_vocabulary_from_counts():
    counts = Counter(itertools.chain.from_iterable(common_texts))
    model = Sent2Vec(**SMALL)
    model.build_vocab_from_freq(counts, corpus_count=len(common_texts))
    built = Sent2Vec(**SMALL)
    built.build_vocab(common_texts)
    assert_same_bytes(model, built)
    assert (model.corpus_count, model.corpus_total_words) == (len(common_texts), counts.total())
    model.train(common_texts)
    assert_usable(model)


def test_counts_can_be_kept(lee):
    model = Sent2Vec(min_count=5)
    model.build_vocab(lee, keep_raw_vocab=True)
    assert model.raw_vocab == Counter(itertools.chain.from_iterable(lee))
    model.build_vocab(lee)
    assert model.raw_vocab is None


def test_an_update_adds_words_and_counts_and_keeps_all_weights(ready):
    before, words = copy.deepcopy(matrices(ready)), list(ready.wv.index_to_key)
    counts = {word: ready.wv.get_vecattr(word, "count") for word in words}
    ready.build_vocab([["graph", "new", "newer"], ["new", "graph"]], update=True)
    n = len(words)
    assert list(ready.wv.index_to_key) == [*words, "new", "newer"]  # old words keep their ids
    assert ready.wv.key_to_index["newer"] == n + 1
    added = {"graph": 2, "new": 2, "newer": 1}
    for word in ready.wv.index_to_key:
        assert ready.wv.get_vecattr(word, "count") == counts.get(word, 0) + added.get(word, 0)
    after = matrices(ready)
    assert np.array_equal(after["vectors"][:n], before["vectors"])
    assert np.array_equal(after["syn1neg"][:n], before["syn1neg"])
    assert np.array_equal(after["vectors_ngrams"], before["vectors_ngrams"])
    assert np.array_equal(after["placeholder"], before["placeholder"])
    assert len(after["vectors"]) == len(after["syn1neg"]) == n + 2
    assert 0 < np.abs(after["vectors"][n:]).max() <= 1 / ready.vector_size
    assert not after["syn1neg"][n:].any()

    ready.train([["graph", "new", "newer"], ["new", "graph"]])
    assert ready.syn1neg[n:].any()
    assert ready.wv.get_sentence_vector("new words newer").any()
    assert_usable(ready)


def test_an_update_counts_rare_occurrences_of_known_words():
    """min_count decides which words are added, not which counts of known words are."""
    model = Sent2Vec([["a", "b"]] * 3, **{**SMALL, "min_count": 2})
    model.build_vocab([["a", "c", "c"]], update=True)
    assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key} == {"a": 4, "b": 3, "c": 2}


def test_an_update_without_new_words(ready):
    before = matrices(copy.deepcopy(ready))
    ready.build_vocab([["graph", "trees"]], update=True)
    assert all(np.array_equal(rows, before[name]) for name, rows in matrices(ready).items())


def test_an_update_from_counts(ready):
    ready.build_vocab_from_freq({"graph": 5, "new": 7}, update=True)
    assert ready.wv.get_vecattr("graph", "count") == 3 + 5
    assert ready.wv.get_vecattr("new", "count") == 7
    ready.train([["graph", "new"]], total_words=2)
    assert_usable(ready)


def test_a_rebuilt_vocabulary_replaces_everything(ready):
    ready.build_vocab([["x", "y"], ["y"]])
    assert list(ready.wv.index_to_key) == ["y", "x"]
    assert ready.wv.vectors.shape == ready.syn1neg.shape == (2, 8)
    assert ready.wv.vectors_ngrams.shape == (50, 8)
    assert not ready.syn1neg.any()


def test_trim_rule(lee):
    def rule(word, count, min_count):
        assert min_count == 10
        if word == "the":
            return utils.RULE_DISCARD
        return utils.RULE_KEEP if word.startswith("z") else utils.RULE_DEFAULT

    counts = Counter(itertools.chain.from_iterable(lee))
    expected = {w: n for w, n in counts.items() if w != "the" and (n >= 10 or w.startswith("z"))}
    built = Sent2Vec(min_count=10)
    built.build_vocab(lee, trim_rule=rule)
    trained = Sent2Vec(lee, trim_rule=rule, **{**SMALL, "min_count": 10, "epochs": 1})
    for model in (built, trained):
        assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key} == expected


@pytest.mark.parametrize("bound", [1, 10, 137, 1000, 10**6])
def test_max_final_vocab(lee, bound):
    model = Sent2Vec(min_count=2, max_final_vocab=bound)
    model.build_vocab(lee)
    counts = Counter(itertools.chain.from_iterable(lee))
    least = next(n for n in itertools.count(2) if sum(count >= n for count in counts.values()) <= bound)
    assert model.effective_min_count == least
    assert set(model.wv.index_to_key) == {word for word, count in counts.items() if count >= least}
    assert model.min_count == 2


def test_max_vocab_size_bounds_the_counting(lee, lee_path):
    for corpus in ({"corpus_iterable": lee}, {"corpus_file": lee_path}):
        model = Sent2Vec(min_count=5, max_vocab_size=1000)
        model.build_vocab(keep_raw_vocab=True, **corpus)
        assert len(model.raw_vocab) <= 1000
        assert set(list(model.wv.index_to_key)[:20]) <= set(itertools.chain.from_iterable(lee))
        assert "the" in model.wv
        assert model.corpus_total_words == sum(map(len, lee))


def test_a_dry_run_reports_and_changes_nothing(ready, lee):
    before = state(ready)
    ready.raw_vocab = Counter(itertools.chain.from_iterable(lee))
    report = ready.prepare_vocab(min_count=5, dry_run=True)
    kept = {word: n for word, n in ready.raw_vocab.items() if n >= 5}
    assert report["num_retained_words"] == len(kept)
    assert report["drop_unique"] == len(ready.raw_vocab) - len(kept)
    assert report["retain_total"] == sum(kept.values())
    ready.raw_vocab = None
    assert state(ready) == before


@pytest.mark.parametrize("options", [{}, {"word_ngrams": 2, "bucket": 300}, {"bucket": 300}, {"vector_size": 7}])
def test_estimate_memory_is_the_size_of_the_arrays(lee, options):
    model = Sent2Vec(min_count=2, **options)
    model.build_vocab(lee)
    report = model.estimate_memory()
    assert report["vectors"] == model.wv.vectors.nbytes
    assert report["vectors_ngrams"] == model.wv.vectors_ngrams.nbytes
    assert report["syn1neg"] == model.syn1neg.nbytes
    assert report["total"] == sum(size for name, size in report.items() if name != "total")
    words = model.wv.key_to_index
    arrays = [words.blob, words.offsets, words.slots, *model.wv.expandos.values()]
    assert report["vocab"] / 2 <= sum(array.nbytes for array in arrays) <= report["vocab"]


def test_estimate_memory_for_a_planned_vocabulary():
    model = Sent2Vec(vector_size=100, word_ngrams=2, bucket=1000)
    report = model.estimate_memory(vocab_size=10**6, report={"phrases": 5})
    assert report["vectors"] == report["syn1neg"] == 400 * 10**6
    assert report["vectors_ngrams"] == 400 * 1000
    assert report["phrases"] == 5
    assert report["total"] == sum(size for name, size in report.items() if name != "total")


def test_a_unigram_model_has_no_bucket_rows(lee):
    model = Sent2Vec(min_count=5)
    model.build_vocab(lee)
    assert model.bucket == 2_000_000
    assert model.wv.vectors_ngrams.shape == (0, 100)
    assert model.wv.bucket == 0


def test_initial_vectors_are_uniform_and_depend_on_the_seed_only(lee):
    starts = []
    for workers, seed in ((1, 1), (3, 1), (1, 2)):
        model = Sent2Vec(min_count=2, workers=workers, seed=seed, word_ngrams=2, bucket=1000)
        model.build_vocab(lee)
        starts.append(matrices(model))
    for name in ("vectors", "vectors_ngrams", "placeholder"):
        rows = starts[0][name]
        assert np.array_equal(rows, starts[1][name])
        assert not np.array_equal(rows, starts[2][name])
        assert np.abs(rows).max() <= 1 / 100
    rows = starts[0]["vectors"].ravel()
    assert abs(rows.mean()) < 4 * 0.01 / math.sqrt(3 * rows.size)
    assert rows.std() == pytest.approx(0.01 / math.sqrt(3), rel=0.01)
    assert not np.isin(starts[0]["vectors_ngrams"][:100, 0], starts[0]["vectors"]).all()
    assert not starts[0]["syn1neg"].any()


def test_reset_from_shares_the_vocabulary(ready):
    other = Sent2Vec(vector_size=6, word_ngrams=2, bucket=9)
    other.reset_from(ready)
    assert other.wv.key_to_index is ready.wv.key_to_index
    assert list(other.wv.index_to_key) == list(ready.wv.index_to_key)
    assert other.wv.vectors.shape == other.syn1neg.shape == (len(ready.wv), 6)
    assert other.wv.vectors_ngrams.shape == (9, 6)
    other.train(common_texts)
    assert_usable(other)


def test_the_vocabulary_of_a_model_consists_of_arrays(ready):
    assert isinstance(ready.wv.key_to_index, Vocabulary)


# -----------------------------------------------------------------------------------------------------
# gensim's own ways to change a vocabulary


@pytest.mark.parametrize("options", [{}, {"sample": 1e-2}, {"word_ngrams": 2, "bucket": 50}])
def test_words_that_were_added_to_the_vectors_can_be_updated_and_trained(options, tmp_path):
    model = Sent2Vec(common_texts, **options, **SMALL)
    rows = np.arange(16, dtype=np.float32).reshape(2, 8) / 100
    model.wv.add_vectors(["added", "rare"], rows)
    with pytest.raises(ValueError, match=r"^train: .*build_vocab\(sentences, update=True\)"):
        model.train(common_texts)
    model.wv.set_vecattr("human", "note", 7)
    model.build_vocab([["added", "new"], ["added", "human"]], update=True)
    assert model.wv.get_vecattr("added", "count") == 2 and model.wv.get_vecattr("rare", "count") == 0
    assert model.wv.get_vecattr("human", "note") == 7 and model.wv.get_vecattr("new", "note") == 0
    np.testing.assert_array_equal(model.wv.vectors[-3:-1], rows)
    assert len(model.syn1neg) == len(model.wv.vectors) == len(model.wv) and not model.syn1neg[-3:].any()
    model.train([["added", "new", "human"], ["added", "rare"]] * 5)
    assert_usable(model)
    assert not np.array_equal(model.wv["added"], rows[0])
    assert (model.syn1neg[model.wv.key_to_index["added"]] != 0).any()
    model.save(str(tmp_path / "model"))
    assert_same_bytes(Sent2Vec.load(str(tmp_path / "model")), model)


def test_vectors_of_another_vocabulary_can_be_updated():
    """Whatever gensim's attributes say: without counts, words start at zero."""
    model = Sent2Vec(common_texts, **SMALL)
    model.wv.add_vector("one", np.ones(8, dtype=np.float32))
    model.wv.expandos = {}
    model.build_vocab([["one", "two"]], update=True)
    assert model.wv.get_vecattr("one", "count") == 1 and model.wv.get_vecattr("human", "count") == 0


@pytest.mark.parametrize("kind", [Word2Vec, FastText])
def test_reset_from_models_of_gensim(kind):
    options = {"bucket": 100} if kind is FastText else {}
    other = kind(common_texts, vector_size=4, min_count=1, workers=1, **options)
    model = Sent2Vec(**SMALL)
    model.reset_from(other)
    assert list(model.wv.index_to_key) == list(other.wv.index_to_key)
    assert model.wv.get_vecattr("human", "count") == 2
    assert (model.corpus_count, model.corpus_total_words) == (other.corpus_count, other.corpus_total_words)
    model.train(common_texts)
    assert_usable(model)


@pytest.mark.parametrize("kind", [Word2Vec, Sent2Vec])
def test_the_other_model_of_reset_from_can_change(kind, lee):
    """gensim extends attributes of words in place, which once wrote beyond the table of negative samples."""
    other = kind(common_texts, vector_size=4, min_count=1, workers=1)
    model = Sent2Vec(**SMALL)
    model.reset_from(other)
    before = {name: values.copy() for name, values in model.wv.expandos.items()}
    other.build_vocab(common_texts, update=True)  # the same words
    other.build_vocab(lee, update=True)
    other.wv.set_vecattr("human", "count", 1000)
    assert model.wv.expandos.keys() == before.keys()
    assert all(np.array_equal(model.wv.expandos[name], before[name]) for name in before)
    model.train(common_texts)
    assert_usable(model)


def test_reset_from_a_model_with_words_that_were_added():
    other = Word2Vec(common_texts, vector_size=4, min_count=1, workers=1)
    other.wv.add_vectors(["added"], np.ones((1, 4)))
    model = Sent2Vec(**SMALL)
    model.reset_from(other)
    assert model.wv.get_vecattr("added", "count") == 0
    model.train(common_texts)
    assert_usable(model)


@pytest.mark.parametrize(
    "error, message, other",
    [
        (TypeError, "expected a gensim Word2Vec or a Sent2Vec, got Sent2VecKeyedVectors", lambda: Sent2Vec().wv),
        (TypeError, "got NoneType", lambda: None),
        (TypeError, "words must be strings, got the int 1", lambda: Word2Vec([[1], [1]], min_count=1)),
        (ValueError, "no vocabulary", Word2Vec),
        (ValueError, "no vocabulary", Sent2Vec),
    ],
)
def test_reset_from_anything_else_is_an_error_that_changes_nothing(ready, error, message, other):
    before = state(ready)
    with pytest.raises(error, match=f"^other_model: .*{message}"):
        ready.reset_from(other())
    assert state(ready) == before


# -----------------------------------------------------------------------------------------------------
# Warnings and errors of `train` about what gensim warns of


def test_another_size_of_the_corpus_than_expected_is_logged(ready, caplog, corpus_file):
    ready.train(common_texts)
    ready.train(corpus_file=corpus_file)
    assert "did not equal" not in caplog.text
    ready.train(common_texts, total_examples=3, epochs=1)
    assert "EPOCH 1: supplied example count (9) did not equal expected count (3)" in caplog.text
    caplog.clear()
    ready.train(corpus_file=corpus_file, total_words=28, epochs=2)
    assert caplog.text.count("supplied raw word count (29) did not equal expected count (28)") == 2
    for corpus in (common_texts[:-1], [*common_texts, ["graph"]]):
        caplog.clear()
        ready.train(corpus, epochs=1)
        assert f"supplied example count ({len(corpus)}) did not equal expected count (9)" in caplog.text


def test_a_learning_rate_that_rises_again_is_logged(caplog):
    model = Sent2Vec(common_texts, alpha=0.2, min_alpha=0.1, **SMALL)
    model.train(common_texts, start_alpha=0.1)
    assert "Effective 'alpha'" not in caplog.text
    model.train(common_texts, start_alpha=0.3)
    assert "Effective 'alpha' higher than previous training cycles: 0.3, after 0.1" in caplog.text


def test_without_output_vectors_nothing_can_be_trained(ready):
    vectors = ready.wv.vectors.copy()
    del ready.syn1neg
    for call in (ready.train, lambda corpus: ready.build_vocab(corpus, update=True)):
        with pytest.raises(ValueError, match=r"^train: the model has no output vectors \(syn1neg was deleted\)"):
            call(common_texts)
    np.testing.assert_array_equal(ready.wv.vectors, vectors)
    ready.build_vocab(common_texts)
    ready.train(common_texts)


def _wide(rows):
    return np.zeros((*rows.shape[:-1], rows.shape[-1] + 1), dtype=np.float32)


@pytest.mark.parametrize("name", ["wv.vectors", "wv.vectors_ngrams", "placeholder", "syn1neg"])
@pytest.mark.parametrize(
    "change, message",
    [
        (lambda rows: rows.astype(np.float16), "must be float32, got float16"),
        (lambda rows: rows.astype(np.float64), "must be float32, got float64"),
        (_wide, "shape"),
        (lambda rows: rows[:-1], "shape"),
        (lambda rows: np.repeat(rows, 2, axis=-1)[..., ::2], "must be C-contiguous"),
    ],
)
def test_matrices_that_were_replaced_are_named(ready, name, change, message):
    owner, attribute = (ready.wv, name[3:]) if name.startswith("wv.") else (ready, name)
    setattr(owner, attribute, change(getattr(owner, attribute)))
    before = state(ready)
    with pytest.raises(ValueError, match=rf"^train: .*{message}"):
        ready.train(common_texts)
    assert state(ready) == before


def test_without_counts_or_placeholder_nothing_can_be_trained(ready):
    placeholder = ready.placeholder
    del ready.placeholder
    with pytest.raises(ValueError, match=r"^train: the model has no placeholder"):
        ready.train(common_texts)
    ready.placeholder = placeholder
    ready.wv.expandos = {}
    with pytest.raises(ValueError, match=r"^train: the words have no counts"):
        ready.train(common_texts)


@pytest.mark.parametrize(
    "counts, message",
    [
        (lambda counts: counts[:-1], "must hold a number per word, shape"),
        (lambda counts: np.append(counts, 1), "must hold a number per word, shape"),
        (lambda counts: np.array([None] * len(counts)), "must hold a number per word, .*got object"),
        (lambda counts: counts * np.nan, "must be finite and not negative"),
        (lambda counts: -counts, "must be finite and not negative"),
    ],
)
def test_counts_that_were_replaced(ready, counts, message):
    ready.wv.expandos["count"] = counts(ready.wv.expandos["count"])
    before = ready.wv.vectors.copy()
    with pytest.raises(ValueError, match=rf"^train: wv.expandos\['count'\] {message}"):
        ready.train(common_texts)
    assert np.array_equal(ready.wv.vectors, before)


def test_vectors_of_another_class(ready):
    ready.wv = Word2Vec(common_texts, vector_size=8, min_count=1).wv
    with pytest.raises(TypeError, match=r"^wv: expected Sent2VecKeyedVectors, got KeyedVectors; see .*from_keyed"):
        ready.train(common_texts)
    ready.wv = ready  # type: ignore[assignment]
    with pytest.raises(TypeError, match=r"^wv: expected Sent2VecKeyedVectors, got Sent2Vec; pass its .wv"):
        ready.train(common_texts)


@pytest.mark.parametrize("values", [None, np.zeros(3, np.uint32), np.zeros(100)])
def test_a_sample_without_probabilities(ready, values):
    del ready.wv.expandos["sample_int"]
    if values is not None:
        ready.wv.expandos["sample_int"] = values
    ready.sample = 1e-3
    with pytest.raises(ValueError, match=r"^train: wv.expandos\['sample_int'\] must hold a uint32 per word"):
        ready.train(common_texts)
    ready.sample = 0
    ready.train(common_texts)


def test_an_update_of_a_model_with_more_vectors_than_words(ready):
    ready.wv.vectors = np.concatenate([ready.wv.vectors, ready.wv.vectors[:1]])
    before = state(ready)
    with pytest.raises(ValueError, match=r"^update: there are 12 words, but 13 vectors; add words with wv.add_vectors"):
        ready.build_vocab([["new"]], update=True)
    assert state(ready) == before


def test_an_update_from_counts_after_words_were_added(ready):
    ready.wv.add_vectors(["added"], np.ones((1, 8), np.float32))
    ready.build_vocab_from_freq({"added": 3, "human": 2, "new": 1}, update=True, corpus_count=6)
    counts = {word: ready.wv.get_vecattr(word, "count") for word in ("added", "human", "new")}
    assert counts == {"added": 3, "human": 4, "new": 1}
    assert (ready.corpus_count, ready.corpus_total_words) == (6, 6)
    assert np.array_equal(ready.wv["added"], np.ones(8))
    ready.train([["added", "new", "human"]] * 2)
    assert_usable(ready)
