"""Every public function answers an unknown keyword argument with the one that was probably meant."""

import importlib
import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import gensim_sent2vec
from gensim_sent2vec import SentenceIndex, SentenceWeighting, TextTable
from gensim_sent2vec._util.hints import closest_option, with_hints
from gensim_sent2vec._util.warning import warn

PACKAGE = Path(gensim_sent2vec.__file__).parent
PUBLIC = sorted(path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_"))
OPTIONAL = {"vectorizer": "sklearn"}
# What users do not call by keyword: results, exceptions, names and descriptions of tokenizers, pieces of other modules.
EXEMPT = re.compile(
    r"STSResult|RetrievalResult|Community|IndexedSentence|UnsavedTokenizer|.*_json|freeze_phrases|join_phrases|"
    r"count_phrases|.*tokenizers\.\w+$|vocabulary_of|pretrained_rows|phrase_delimiter|sentences_and_counts|word_counts|check_\w+|"
    r"static_parts|options_in|usearch_index|default_expansion"
)


def public_callables():
    """All public functions, and the constructors and methods of public classes, that do not take ``**options``."""
    for short in PUBLIC:
        if short in OPTIONAL and importlib.util.find_spec(OPTIONAL[short]) is None:
            continue
        module = importlib.import_module(f"gensim_sent2vec.{short}")
        values = {**vars(module), **{name: getattr(gensim_sent2vec, name) for name in gensim_sent2vec.__all__}}
        for name, value in values.items():
            if name.startswith("_") or not str(getattr(value, "__module__", "")).startswith("gensim_sent2vec."):
                continue
            if re.fullmatch(EXEMPT, name) or re.fullmatch(EXEMPT, f"{value.__module__}.{name}"):
                continue
            if value.__module__.split(".")[1].startswith("_") and name not in (*gensim_sent2vec.__all__, "WordCounts"):
                continue  # what a public module only imports
            if inspect.isclass(value):
                yield from methods_of(value)
            elif inspect.isfunction(value) and not takes_options(value):
                yield value.__qualname__, value, ()


def methods_of(cls):
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        function = getattr(member, "__func__", member)
        if not inspect.isfunction(function) or not function.__module__.startswith("gensim_sent2vec"):
            continue
        if (name.startswith("_") and name not in ("__init__", "__call__")) or takes_options(function):
            continue
        bound = getattr(cls, name)
        yield f"{cls.__name__}.{name}", bound, () if inspect.ismethod(bound) else (object.__new__(object),)


def takes_options(function):
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in inspect.signature(function).parameters.values())


CALLABLES = {name: (function, args) for name, function, args in public_callables()}


def test_what_is_public_is_found():
    assert {"paraphrase_mining", "SentenceIndex.search", "TextTable.__init__", "evaluate_sts"} <= set(CALLABLES)
    assert len(CALLABLES) > 80


@pytest.mark.parametrize("name", CALLABLES)
def test_an_unknown_argument_is_answered_with_the_arguments(name):
    function, args = CALLABLES[name]
    with pytest.raises(TypeError, match=r"^xyzzy: not an argument of .*(; the arguments are |, which takes none)"):
        function(*args, xyzzy=1)


MEANT = [
    ("paraphrase_mining", "top_n", "topn"), ("paraphrase_mining", "top_k", "topn"),
    ("paraphrase_mining", "texts", "sentences"),
    ("near_duplicates", "min_score", "threshold"), ("community_detection", "min_size", "min_community_size"),
    ("evaluate_sts", "file", "path"), ("evaluate_retrieval", "question", "text"), ("evaluate_sts", "model", "wv"),
    ("SentenceWeighting.__init__", "a", "sif"), ("SentenceWeighting.tune", "answers", "labels"),
    ("SentenceWeighting.tune", "questions", "texts"), ("SentenceWeighting.tune", "n_splits", "folds"),
    ("SentenceWeighting.fit", "texts", "sentences"),
    ("SentenceIndex.search", "limit", "topn"), ("SentenceIndex.search", "q", "queries"),
    ("SentenceIndex.load", "model", "wv"), ("SentenceIndex.load", "filename", "path"),
    ("TextTable.__init__", "column", "text"), ("TextTable.__init__", "dropna", "missing"),
    ("SentenceEncoder.__init__", "column", "input_col"), ("SentenceEncoder.__init__", "n_jobs", "workers"),
    ("train_distributed", "rounds", "rounds_per_epoch"), ("Sent2VecKeyedVectors.encode", "normalise", "normalize"),
    ("Sent2VecKeyedVectors.encode", "texts", "sentences"), ("Sent2VecKeyedVectors.load", "path", "fname"),
    ("Sent2Vec.load", "filename", "fname"), ("load_epfml_vectors", "filename", "path"), ("convert", "output", "dst"),
    ("shrink", "max_vocab", "max_words"), ("to_embedding_bag", "model", "wv"), ("tokenize_file", "path", "source"),
    ("Graph.build", "ef_construction", "expansion_add"), ("HnswIndexer.most_similar", "k", "num_neighbors"),
    ("LexicalScores.fit", "docs", "texts"), ("plot_similarity", "texts", "sentences"),
]  # fmt: skip


@pytest.mark.parametrize("function, wrong, right", MEANT)
def test_the_argument_that_was_meant_is_named(function, wrong, right):
    called, args = CALLABLES[function]
    with pytest.raises(TypeError, match=rf"^{wrong}: not an argument of \w+; did you mean {right}\?$"):
        called(*args, **{wrong: 1})


def test_functions_with_options_check_them_too(wv):
    from gensim_sent2vec.hnsw import HnswIndexer
    from gensim_sent2vec.phrases import learn_phrases
    from gensim_sent2vec.shrink import shrink_to_file

    for call, wrong, right in (
        (lambda **options: SentenceIndex.build(wv, ["a"], **options), "answers", "keys"),
        (lambda **options: SentenceIndex.build(wv, ["a"], **options), "ef_construction", "expansion_add"),
        (lambda **options: HnswIndexer(wv, **options), "M", "connectivity"),
        (lambda **options: learn_phrases([["a"]], **options), "min_counts", "min_count"),
        (lambda **options: shrink_to_file(wv, "nowhere", **options), "max_vocab", "max_words"),
    ):
        with pytest.raises(TypeError, match=rf"^{wrong}: not an argument of \w+; did you mean {right}\?$"):
            call(**{wrong: 1})


def test_the_vectorizer_has_hints_and_keeps_its_parameters():
    pytest.importorskip("sklearn", reason='needs scikit-learn: pip install "gensim-sent2vec[sklearn]"')
    from gensim_sent2vec import vectorizer

    with pytest.raises(TypeError, match=r"^size: not an argument of Sent2VecVectorizer; did you mean vector_size\?$"):
        vectorizer.Sent2VecVectorizer(size=10)
    assert vectorizer.Sent2VecVectorizer(epochs=3).get_params()["epochs"] == 3


def test_signatures_and_docstrings_stay():
    assert list(inspect.signature(TextTable).parameters) == ["path", "text", "key", "format", "missing"]
    assert "Parameters" in (SentenceWeighting.fit.__doc__ or "")

    @with_hints
    def function(a, *, b=1):
        """A docstring."""
        return a, b

    assert function(2, b=3) == (2, 3) and function.__doc__ == "A docstring."
    assert with_hints(function) is function


def test_the_first_of_several_counterparts_counts():
    assert closest_option("alpha", ["hybrid", "topn"]) == "hybrid"
    assert closest_option("alpha", ["alpha", "hybrid"]) == "alpha"
    assert closest_option("texts", ["queries"]) == "queries"
    assert closest_option("TopK", ["topn"]) == "topn"
    assert closest_option("nothing_like_it", ["topn"]) is None


def test_warnings_name_the_line_of_the_user(wv):
    wv.weighting = None  # which would estimate a vector of the unknown word
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        SentenceIndex.build(wv, [next(iter(wv.key_to_index))]).search("xyzzy")
        SentenceIndex.build(wv, [next(iter(wv.key_to_index))]).most_similar_batch(np.array(["xyzzy"]))
        warn("from here")
    assert [warning.filename for warning in seen] == [__file__] * 3
