"""What this package relies on inside gensim: if a release changes any of it, a test here fails and shows what changed.

Private hooks are used in model.py (Word2Vec), keyedvectors.py and _wordvectors.py (KeyedVectors), weighting.py and
_files (SaveLoad) only. The last section covers gensim's public features that users combine with these models.
"""

import ast
import copy
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
import smart_open
from gensim import utils
from gensim.corpora import Dictionary
from gensim.models import FastText, KeyedVectors, Phrases, Word2Vec
from gensim.models.callbacks import CallbackAny2Vec
from gensim.similarities import SparseTermSimilarityMatrix, WmdSimilarity, WordEmbeddingSimilarityIndex
from gensim.test.utils import common_texts

import gensim_sent2vec
from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec._text.vocabulary import Vocabulary
from gensim_sent2vec._util.parameters import UNSUPPORTED

SMALL = {"vector_size": 8, "min_count": 1, "epochs": 2, "workers": 1}


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


class Recorder(Word2Vec):
    """A Word2Vec that records which of its hooks are called, in which order and with which arguments."""

    def __init__(self, *args, **options):
        self.calls = []
        super().__init__(*args, **options)

    def names(self):
        """The hooks that were called, without log events and tables that are made in passing."""
        return [name for name, _, _ in self.calls if name not in ("add_lifecycle_event", "make_cum_table")]


def _recorded(name):
    original = getattr(Word2Vec, name)

    def method(self, *args, **options):
        self.calls.append((name, args, options))
        return original(self, *args, **options)

    return method


HOOKS = [
    "_check_corpus_sanity", "scan_vocab", "prepare_vocab", "estimate_memory", "prepare_weights", "init_weights",
    "update_weights", "_clear_post_train", "add_lifecycle_event", "build_vocab", "train", "make_cum_table",
]  # fmt: skip
for _name in HOOKS:
    setattr(Recorder, _name, _recorded(_name))


# ---------------------------------------------------------------------------------------------------
# Signatures

SIGNATURES = {
    Word2Vec.build_vocab: "self corpus_iterable corpus_file update progress_per keep_raw_vocab trim_rule kwargs",
    Word2Vec.build_vocab_from_freq: "self word_freq keep_raw_vocab corpus_count trim_rule update",
    Word2Vec.scan_vocab: "self corpus_iterable corpus_file progress_per workers trim_rule",
    Word2Vec.prepare_vocab: "self update keep_raw_vocab trim_rule min_count sample dry_run",
    Word2Vec.estimate_memory: "self vocab_size report",
    Word2Vec.prepare_weights: "self update",
    Word2Vec.init_weights: "self",
    Word2Vec.update_weights: "self",
    Word2Vec.make_cum_table: "self domain",
    Word2Vec.reset_from: "self other_model",
    Word2Vec._check_corpus_sanity: "self corpus_iterable corpus_file passes",
    Word2Vec._clear_post_train: "self",
    utils.SaveLoad.load: "fname mmap",
    utils.SaveLoad.save: "self fname_or_handle separately sep_limit ignore pickle_protocol",
    utils.SaveLoad.add_lifecycle_event: "self event_name log_level event",
    utils.keep_vocab_item: "word count min_count trim_rule",
    KeyedVectors.__init__: "self vector_size count dtype mapfile_path",
    KeyedVectors.add_vector: "self key vector",
    KeyedVectors.add_vectors: "self keys weights extras replace",
    KeyedVectors.sort_by_descending_frequency: "self",
    KeyedVectors.load_word2vec_format: "fname fvocab binary encoding unicode_errors limit datatype no_header",
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_signatures_of_hooks(function):
    assert parameters(function) == SIGNATURES[function].split()


OVERRIDDEN = [
    "_check_corpus_sanity", "build_vocab", "scan_vocab", "prepare_vocab", "build_vocab_from_freq", "estimate_memory",
    "make_cum_table", "init_weights", "update_weights", "reset_from", "_clear_post_train",
]  # fmt: skip


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_overrides_take_what_gensim_passes(name):
    assert parameters(getattr(Sent2Vec, name)) == parameters(getattr(Word2Vec, name))


def test_train_takes_what_that_of_gensim_takes():
    assert set(parameters(Word2Vec.train)) - {"kwargs"} <= set(parameters(Sent2Vec.train))


def test_every_option_of_word2vec_is_an_option_or_refused_with_a_reason():
    """A new option of gensim must be one or the other, never lost."""
    known = set(parameters(Sent2Vec.__init__)) | set(UNSUPPORTED)
    assert set(parameters(Word2Vec.__init__)) <= known
    assert not set(parameters(Sent2Vec.__init__)) & set(UNSUPPORTED)


@pytest.mark.parametrize("name", ["add_vectors", "add_vector", "sort_by_descending_frequency", "__init__"])
def test_overrides_of_keyed_vectors_take_what_gensim_passes(name):
    assert parameters(getattr(Sent2VecKeyedVectors, name)) == parameters(getattr(KeyedVectors, name))


# ---------------------------------------------------------------------------------------------------
# Who uses the hooks

HOOK_FILES = {
    "model.py",
    "keyedvectors.py",
    "_wordvectors.py",
    "weighting.py",
    "_util/unpickling.py",
}  # and those in _files
HOOK_NAMES = {*OVERRIDDEN, "prepare_weights", "_save_specials", "_load_specials", "__func__"} - {
    "build_vocab", "build_vocab_from_freq", "estimate_memory",
}  # fmt: skip


def _names_in(path):
    """Names that a module defines as functions or uses as attributes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute):
            yield node.attr


def test_private_hooks_are_used_in_few_files_only():
    package = Path(gensim_sent2vec.__file__).parent
    users = {
        path.relative_to(package).as_posix() for path in package.rglob("*.py") if HOOK_NAMES & set(_names_in(path))
    }
    assert "model.py" in users
    assert {path for path in users - HOOK_FILES if not path.startswith("_files/")} == set()


# ---------------------------------------------------------------------------------------------------
# Word2Vec: what the constructor does and what it leaves unchanged


def test_the_constructor_keeps_vectors_that_are_there():
    class Early(Word2Vec):
        def __init__(self):
            self.wv = vectors
            super().__init__(vector_size=3)

    vectors = Sent2VecKeyedVectors(3)
    assert Early().wv is vectors


def test_the_constructor_without_a_corpus_builds_and_trains_nothing():
    model = Recorder(vector_size=3)
    assert [(name, args) for name, args, _ in model.calls] == [("add_lifecycle_event", ("created",))]


def test_the_constructor_sets_the_attributes_that_are_used():
    model = Word2Vec(
        vector_size=3, alpha=0.2, min_alpha=0.1, epochs=4, min_count=2, max_vocab_size=10, max_final_vocab=9,
        negative=7, ns_exponent=0.3, sample=0.5, workers=6, seed=8, compute_loss=True, batch_words=11, comment="c",
        sg=0, hs=0,
    )  # fmt: skip
    expected = {
        "vector_size": 3, "alpha": 0.2, "min_alpha": 0.1, "epochs": 4, "min_count": 2, "max_vocab_size": 10,
        "max_final_vocab": 9, "negative": 7, "ns_exponent": 0.3, "sample": 0.5, "workers": 6, "seed": 8,
        "compute_loss": True, "batch_words": 11, "comment": "c", "hs": 0, "raw_vocab": None, "corpus_count": 0,
        "corpus_total_words": 0, "train_count": 0, "running_training_loss": 0, "min_alpha_yet_reached": 0.2,
    }  # fmt: skip
    assert {name: getattr(model, name) for name in expected} == expected
    assert not hasattr(model, "syn1neg")


def test_the_loss_is_the_running_loss():
    model = Word2Vec(vector_size=3)
    model.running_training_loss = 12.5
    assert model.get_latest_training_loss() == 12.5


# ---------------------------------------------------------------------------------------------------
# Word2Vec: the steps of building a vocabulary


def test_build_vocab_calls_the_hooks_in_order():
    model = Recorder(vector_size=3, min_count=1)
    model.calls.clear()
    model.build_vocab(common_texts, min_count=2, progress_per=5)
    assert model.names() == [
        "build_vocab", "_check_corpus_sanity", "scan_vocab", "prepare_vocab", "estimate_memory", "prepare_weights",
        "init_weights",
    ]  # fmt: skip
    options = {name: options for name, _, options in model.calls}
    assert options["_check_corpus_sanity"] == {"corpus_iterable": common_texts, "corpus_file": None, "passes": 1}
    assert set(options["scan_vocab"]) == {"corpus_iterable", "corpus_file", "progress_per", "trim_rule"}
    assert options["prepare_vocab"] == {
        "update": False, "keep_raw_vocab": False, "trim_rule": None, "min_count": 2,
    }  # fmt: skip
    assert set(options["estimate_memory"]) == {"vocab_size"}
    assert options["prepare_weights"] == {"update": False}
    assert model.corpus_count == len(common_texts)
    assert model.corpus_total_words == sum(map(len, common_texts))


def test_build_vocab_takes_what_the_hooks_return():
    """scan_vocab: tokens and sentences; prepare_vocab: a report with the number of words kept."""

    class Stub(Word2Vec):
        def _check_corpus_sanity(self, **options):
            pass

        def scan_vocab(self, **options):
            return 123, 45

        def prepare_vocab(self, **options):
            return {"num_retained_words": 67}

        def estimate_memory(self, vocab_size):
            self.estimated = vocab_size

        def prepare_weights(self, update):
            pass

    model = Stub(vector_size=3)
    model.build_vocab("anything")
    assert (model.corpus_total_words, model.corpus_count, model.estimated) == (123, 45, 67)


def test_an_update_calls_update_weights():
    model = Recorder(common_texts, vector_size=3, min_count=1)
    model.calls.clear()
    model.build_vocab(common_texts, update=True)
    assert "update_weights" in model.names()
    assert "init_weights" not in model.names()
    assert {name: options for name, _, options in model.calls}["prepare_vocab"]["update"] is True


def test_build_vocab_from_freq_calls_the_hooks_in_order():
    model = Recorder(vector_size=3, min_count=1)
    model.calls.clear()
    model.build_vocab_from_freq({"a": 5, "b": 3}, corpus_count=7)
    assert model.names() == ["prepare_vocab", "estimate_memory", "prepare_weights", "init_weights"]
    options = {name: options for name, _, options in model.calls}
    assert options["prepare_vocab"] == {"keep_raw_vocab": False, "trim_rule": None, "update": False}
    assert model.corpus_count == 7


def test_build_vocab_from_freq_takes_any_mapping():
    """The counts must not be copied into a dict before prepare_vocab sees them."""

    class Stub(Word2Vec):
        def prepare_vocab(self, **options):
            self.seen = self.raw_vocab
            return {"num_retained_words": 0}

        def prepare_weights(self, update):
            pass

    counts = Vocabulary.from_words("abc")
    model = Stub(vector_size=3)
    model.build_vocab_from_freq(counts)
    assert model.seen is counts


def test_clear_post_train_forgets_the_norms():
    model = Word2Vec(common_texts, vector_size=3, min_count=1)
    model.wv.fill_norms()
    model._clear_post_train()
    assert model.wv.norms is None


def test_our_hooks_are_the_ones_called(monkeypatch):
    """The same from the other side: building and training a Sent2Vec calls each override."""
    called = []
    for name in ("_check_corpus_sanity", "scan_vocab", "prepare_vocab", "estimate_memory", "init_weights", "train"):
        original = getattr(Sent2Vec, name)
        monkeypatch.setattr(
            Sent2Vec, name, lambda self, *a, _n=name, _f=original, **k: (called.append(_n), _f(self, *a, **k))[1]
        )
    Sent2Vec(common_texts, **SMALL)
    steps = ["_check_corpus_sanity", "scan_vocab", "prepare_vocab", "estimate_memory", "init_weights", "train"]
    assert called == steps


def test_vocabulary_rules():
    assert utils.keep_vocab_item("a", 5, 5) is True
    assert utils.keep_vocab_item("a", 4, 5) is False
    assert utils.keep_vocab_item("a", 1, 5, lambda *_: utils.RULE_KEEP) is True
    assert utils.keep_vocab_item("a", 9, 5, lambda *_: utils.RULE_DISCARD) is False
    assert utils.keep_vocab_item("a", 9, 5, lambda *_: utils.RULE_DEFAULT) is True


def test_callbacks_have_these_methods():
    for hook in ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"):
        assert parameters(getattr(CallbackAny2Vec, hook)) == ["self", "model"]


# ---------------------------------------------------------------------------------------------------
# SaveLoad


class Part(utils.SaveLoad):
    def __init__(self):
        self.rows = np.arange(12.0)


class Whole(utils.SaveLoad):
    def __init__(self):
        self.part, self.rows, self.few = Part(), np.ones(10), np.ones(2)


def test_save_stores_large_arrays_apart_and_recurses(tmp_path):
    whole = Whole()
    whole.save(str(tmp_path / "whole"), sep_limit=5)
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "whole.rows.npy", "whole.part.rows.npy"}
    assert whole.rows.tolist() == [1] * 10
    assert whole.part.rows.tolist() == list(range(12))
    loaded = Whole.load(str(tmp_path / "whole"), mmap="r")
    assert isinstance(loaded.rows, np.memmap)
    assert isinstance(loaded.part.rows, np.memmap)
    assert not isinstance(loaded.few, np.memmap)


def test_load_of_a_class_gives_whatever_the_file_holds(tmp_path):
    """Hence our `load` methods check the class of what they loaded."""
    Whole().save(str(tmp_path / "whole"))
    for kind in (Word2Vec, KeyedVectors):
        assert isinstance(utils.SaveLoad.load.__func__(kind, str(tmp_path / "whole")), Whole)


def test_lifecycle_events_are_dicts_with_a_name():
    part = Part()
    part.add_lifecycle_event("something", detail=5)
    assert part.lifecycle_events[-1]["event"] == "something"
    assert part.lifecycle_events[-1]["detail"] == 5


def test_load_calls_make_cum_table_only(tmp_path):
    """Loading must not need more than the arrays that were saved."""
    Sent2Vec(common_texts, **SMALL).save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    assert loaded.cum_table is None
    assert isinstance(loaded.wv.key_to_index, Vocabulary)
    assert loaded.wv.index_to_key._vocabulary is loaded.wv.key_to_index


def test_compression_suffixes_are_known():
    assert {".gz", ".bz2", ".xz"} <= set(smart_open.compression.get_supported_extensions())


# ---------------------------------------------------------------------------------------------------
# KeyedVectors


def test_keyed_vectors_have_these_attributes_and_no_others():
    kv = KeyedVectors(3, count=2)
    assert set(kv.__dict__) == {
        "vector_size", "index_to_key", "next_index", "key_to_index", "vectors", "norms", "expandos", "mapfile_path",
    }  # fmt: skip
    assert kv.index_to_key == [None, None]
    assert kv.key_to_index == {}
    assert kv.next_index == 0
    assert kv.vectors.shape == (2, 3)
    assert kv.vectors.dtype == np.float32
    assert kv.norms is None
    assert kv.expandos == {}


def test_keys_are_looked_up_by_get_with_a_default():
    """`Vocabulary` supports the look-up that gensim does in key_to_index."""

    class Asked(dict):
        def get(self, key, default=None):
            asked.append((key, default))
            return super().get(key, default)

    asked = []
    kv = KeyedVectors(2)
    kv.add_vectors(["a"], np.ones((1, 2)))
    kv.key_to_index = Asked(kv.key_to_index)
    assert kv.get_index("a") == 0
    assert asked == [("a", -1)]


def test_every_way_to_add_vectors_goes_through_add_vectors_or_add_vector(monkeypatch):
    """Our overrides of these two make the vocabulary mutable first."""
    called = []
    for name in ("add_vectors", "add_vector"):
        original = getattr(KeyedVectors, name)
        monkeypatch.setattr(
            KeyedVectors, name, lambda self, *a, _n=name, _f=original, **k: (called.append(_n), _f(self, *a, **k))[1]
        )
    kv = KeyedVectors(2)
    kv["a"] = np.ones(2)
    kv[["b", "c"]] = np.ones((2, 2))
    assert called == ["add_vectors", "add_vectors"]


def test_load_word2vec_format_makes_an_object_of_the_class(tmp_path):
    made = []

    class Own(KeyedVectors):
        def __init__(self, *args, **options):
            made.append((args, options))
            super().__init__(*args, **options)

    (tmp_path / "vectors").write_text("2 3\na 1 2 3\nb 4 5 6\n")
    assert isinstance(Own.load_word2vec_format(str(tmp_path / "vectors")), Own)
    assert made == [((3, 2), {"dtype": np.float32})]


def test_sorting_makes_a_list_and_a_dict():
    kv = KeyedVectors(1)
    kv.add_vectors(["a", "b"], np.ones((2, 1)))
    kv.expandos["count"] = np.array([1, 2])
    kv.sort_by_descending_frequency()
    assert kv.index_to_key == ["b", "a"]
    assert kv.key_to_index == {"b": 0, "a": 1}


# ---------------------------------------------------------------------------------------------------
# Together with the rest of gensim


def test_classes_are_those_of_gensim():
    assert issubclass(Sent2Vec, Word2Vec)
    assert issubclass(Sent2VecKeyedVectors, KeyedVectors)
    model = Sent2Vec(common_texts, **SMALL)
    assert isinstance(model, Word2Vec)
    assert isinstance(model.wv, KeyedVectors)
    assert str(model) == "Sent2Vec<vocab=12, vector_size=8, alpha=0.4>"
    assert str(model.wv) == "Sent2VecKeyedVectors<vector_size=8, 12 keys>"


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))])
def test_models_can_be_copied_and_pickled(duplicate):
    model = Sent2Vec(common_texts, word_ngrams=2, bucket=50, **SMALL)
    expected = model.wv.encode(common_texts)
    twin = duplicate(model)
    assert np.array_equal(twin.wv.encode(common_texts), expected)
    assert np.array_equal(twin.syn1neg, model.syn1neg)
    twin.train(common_texts)
    assert not np.array_equal(twin.wv.encode(common_texts), expected)


def test_a_deep_copy_shares_nothing():
    model = Sent2Vec(common_texts, word_ngrams=2, bucket=50, **SMALL)
    expected = model.wv.encode(common_texts)
    twin = copy.deepcopy(model)
    twin.train(common_texts)
    twin.build_vocab([["new"]], update=True)
    assert np.array_equal(model.wv.encode(common_texts), expected)
    assert "new" not in model.wv


def test_predict_output_word():
    model = Sent2Vec(common_texts, **SMALL)
    predicted = model.predict_output_word(["graph", "trees"], topn=3)
    assert len(predicted) == 3
    assert all(word in model.wv for word, _ in predicted)


def test_phrases_before_training(lee):
    phrases = Phrases(lee, min_count=5, threshold=5).freeze()
    model = Sent2Vec(phrases[lee], vector_size=8, min_count=5, epochs=2, weighting=False)
    joined = [word for word in model.wv.index_to_key if "_" in word]
    assert joined
    left, right = joined[0].split("_")[:2]
    assert model.wv.get_sentence_vector(phrases[[left, right]]).any()
    assert np.array_equal(model.wv.get_sentence_vector(phrases[[left, right]]), model.wv[joined[0]])


def test_soft_cosine_similarity(model):
    documents = [["the", "police", "said"], ["Australian", "cricket"]]
    dictionary = Dictionary(documents)
    index = WordEmbeddingSimilarityIndex(model.wv)
    matrix = SparseTermSimilarityMatrix(index, dictionary)
    bags = [dictionary.doc2bow(document) for document in documents]
    assert matrix.inner_product(bags[0], bags[0], normalized=(True, True)) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(matrix.inner_product(bags[0], bags[1], normalized=(True, True)))


def test_word_movers_similarity(model, twin_of):
    pytest.importorskip("ot", reason="gensim needs POT for the word mover's distance")
    documents = [["the", "police", "said"], ["Australian", "cricket"]]
    query = ["police", "in", "Australia"]
    ours, theirs = (WmdSimilarity(documents, wv)[query] for wv in (model.wv, twin_of(model.wv)))
    assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("kind", [Word2Vec, FastText])
def test_a_file_of_another_model_is_rejected_with_advice(tmp_path, kind):
    path = str(tmp_path / "model")
    options = {"bucket": 50} if kind is FastText else {}
    kind(common_texts, vector_size=4, min_count=1, **options).save(path)
    name = kind.__name__
    with pytest.raises(
        TypeError, match=rf"contains a gensim\..*\.{name}, not a Sent2Vec; .*{name}\.load.*from_keyed_vectors"
    ):
        Sent2Vec.load(path)


def test_a_file_of_vectors_is_not_a_model(tmp_path):
    path = str(tmp_path / "vectors")
    Sent2Vec(common_texts, **SMALL).wv.save(path)
    with pytest.raises(TypeError, match=r"holds Sent2VecKeyedVectors, not a Sent2Vec; use Sent2VecKeyedVectors\.load"):
        Sent2Vec.load(path)


def test_a_file_of_a_model_does_not_load_as_vectors(tmp_path):
    path = str(tmp_path / "model")
    Sent2Vec(common_texts, **SMALL).save(path)
    with pytest.raises(TypeError, match=r"holds a gensim_sent2vec\.model\.Sent2Vec, not .*Sent2Vec\.load\(…\)\.wv"):
        Sent2VecKeyedVectors.load(path)


def test_load_is_a_method_of_the_class(tmp_path):
    with pytest.raises(AttributeError, match="class"):
        Sent2Vec(vector_size=3).load(str(tmp_path / "model"))


def test_scoring_is_not_supported():
    """gensim's `score` needs hierarchical softmax, and the error states it."""
    with pytest.raises(RuntimeError, match="hs=1"):
        Sent2Vec(common_texts, **SMALL).score(common_texts)


def test_lock_factors():
    """gensim's models start with one factor for all words; `intersect_word2vec_format` is replaced entirely."""
    for cls in (Word2Vec, Sent2Vec):
        factors = cls(vector_size=3).wv.vectors_lockf
        assert factors.tolist() == [1] and factors.dtype == np.float32
    name = "intersect_word2vec_format"
    assert parameters(getattr(KeyedVectors, name)) == parameters(getattr(Sent2VecKeyedVectors, name))
