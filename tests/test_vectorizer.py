"""Sent2VecVectorizer as a scikit-learn transformer."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
from gensim.models import Word2Vec

import gensim_sent2vec
from gensim_sent2vec import Sent2Vec, SentenceWeighting

pytest.importorskip("sklearn", reason='needs scikit-learn: pip install "gensim-sent2vec[sklearn]"')

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from gensim_sent2vec.vectorizer import TRAINING, Sent2VecVectorizer

SMALL = {"vector_size": 12, "min_count": 1, "workers": 1, "epochs": 20}


@pytest.fixture
def texts():
    """Texts on two topics, and their labels."""
    rows = np.random.default_rng(0)
    words = np.array([["rain", "wind", "cloud", "storm", "snow"], ["goal", "match", "team", "ball", "coach"]])
    y = np.arange(80) % 2
    return [" ".join(rows.choice(words[label], 6)) for label in y], y


@parametrize_with_checks([Sent2VecVectorizer()])
def test_estimator_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_tags_are_those_of_text_vectorizers():
    ours, theirs = get_tags(Sent2VecVectorizer()), get_tags(TfidfVectorizer())
    assert ours.input_tags == theirs.input_tags
    assert ours.requires_fit
    assert ours.target_tags == theirs.target_tags


def test_defaults_are_those_of_sent2vec():
    ours = inspect.signature(Sent2VecVectorizer).parameters
    theirs = inspect.signature(Sent2Vec).parameters
    assert {name: ours[name].default for name in TRAINING} == {name: theirs[name].default for name in TRAINING}
    assert set(ours) == {*TRAINING, "wv", "normalize"}


def test_trains_as_sent2vec_does(texts):
    model = Sent2Vec([text.split() for text in texts[0]], **SMALL)
    vectorizer = Sent2VecVectorizer(**SMALL)
    vectors = vectorizer.fit_transform(texts[0])
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, model.wv.encode(texts[0]))
    tokens = Sent2VecVectorizer(**SMALL).fit([text.split() for text in texts[0]])
    np.testing.assert_array_equal(tokens.transform(np.array(texts[0], dtype=object)), vectors)


def test_a_tokenizer(texts):
    shouted = [text.upper() + "!" for text in texts[0]]
    vectorizer = Sent2VecVectorizer(**SMALL, tokenizer="simple").fit(shouted)
    assert set(vectorizer.wv_.index_to_key) == {word for text in texts[0] for word in text.split()}
    assert clone(vectorizer).tokenizer == "simple"
    np.testing.assert_array_equal(vectorizer.transform(shouted), vectorizer.transform(texts[0]))


def test_pretrained_vectors_are_shared(wv):
    vectorizer = Sent2VecVectorizer(wv=wv, normalize=True)
    vectors = vectorizer.transform(["the police", "the rain"])  # no fit is needed
    np.testing.assert_array_equal(vectors, wv.encode(["the police", "the rain"], normalize=True))
    assert vectorizer.fit(["anything"]).wv_ is wv
    assert clone(vectorizer).wv is wv
    assert not get_tags(vectorizer).requires_fit


def test_a_model_or_its_vectors_can_be_the_first_argument(model):
    expected = model.wv.encode(["the police", "the rain"])
    for first in (model, model.wv):
        vectorizer = Sent2VecVectorizer(first)
        np.testing.assert_array_equal(vectorizer.transform(["the police", "the rain"]), expected)
        assert vectorizer.fit(["anything"]).wv_ is model.wv
        assert clone(vectorizer).wv is first
        assert len(vectorizer.get_feature_names_out()) == expected.shape[1]


def test_the_weighting_is_that_of_the_argument(model, texts):
    sentences = ["the police", "the rain"]
    plain = model.wv.encode(sentences, weighting=False)
    for weighting in (False, None):
        np.testing.assert_array_equal(Sent2VecVectorizer(model, weighting=weighting).transform(sentences), plain)
    fitted = SentenceWeighting(lexical_dims=0).fit(model.wv, texts[0] + sentences)
    expected = model.wv.encode(sentences, weighting=fitted)
    np.testing.assert_array_equal(Sent2VecVectorizer(model, weighting=fitted).transform(sentences), expected)
    vectorizer = Sent2VecVectorizer(model, weighting=SentenceWeighting(lexical_dims=0))
    with pytest.raises(ValueError, match=r"^weighting: not fitted"):
        vectorizer.transform(sentences)
    vectorizer.fit(texts[0] + sentences)
    np.testing.assert_allclose(vectorizer.transform(sentences), expected, rtol=1e-5, atol=1e-6)
    assert not vectorizer.weighting.fitted
    trained = Sent2VecVectorizer(**SMALL, weighting=False).fit(texts[0])
    assert trained.wv_.weighting is None
    with pytest.raises(TypeError, match=r"^weighting: expected"):
        Sent2VecVectorizer(model, weighting="sif").fit(texts[0])


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_tables_and_missing_values_are_rejected(model, method):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a b", None], "label": [1, 2]})
    with pytest.raises(TypeError, match=r"^X: .*DataFrame with the columns 'text', 'label'; pass one column"):
        getattr(Sent2VecVectorizer(model), method)(frame)
    with pytest.raises(TypeError, match=r"^X: row 1: a missing value"):
        getattr(Sent2VecVectorizer(model), method)(frame["text"])


def test_imported_from_the_package_on_first_use_only(run_python):
    code = (
        "import sys, gensim_sent2vec; assert 'sklearn' not in sys.modules\n"
        "assert 'Sent2VecVectorizer' in dir(gensim_sent2vec)\n"
        "from gensim_sent2vec import Sent2VecVectorizer as V\n"
        "from gensim_sent2vec.vectorizer import Sent2VecVectorizer; assert V is Sent2VecVectorizer"
    )
    assert run_python(code) == ("", 0)
    with pytest.raises(AttributeError, match="no attribute 'Sent3Vec'"):
        gensim_sent2vec.Sent3Vec  # noqa: B018


def test_pickles(wv, texts):
    for vectorizer in (Sent2VecVectorizer(wv=wv), Sent2VecVectorizer(**SMALL).fit(texts[0])):
        again = pickle.loads(pickle.dumps(vectorizer))
        np.testing.assert_array_equal(again.transform(texts[0]), vectorizer.transform(texts[0]))


def test_clones_are_not_fitted(texts):
    fitted = Sent2VecVectorizer(**SMALL).fit(texts[0])
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(texts[0])


def test_pipeline(texts):
    X, y = texts
    pipeline = make_pipeline(Sent2VecVectorizer(**SMALL), LinearSVC())
    assert pipeline.fit(X[:60], y[:60]).score(X[60:], y[60:]) == 1
    union = FeatureUnion([("meaning", Sent2VecVectorizer(**SMALL)), ("spelling", TfidfVectorizer())])
    assert make_pipeline(union, LinearSVC()).fit(X[:60], y[:60]).score(X[60:], y[60:]) == 1


def test_warnings_name_the_line_of_the_program(model):
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(Sent2VecVectorizer(model), "passthrough")
    with pytest.warns(UserWarning, match="tokens are in the vocabulary") as seen:
        pipeline.fit_transform(["QQQ ZZZ XXX " * 10] * 5)
    assert [warning.filename for warning in seen] == [__file__]


def test_grid_search(texts):
    X, y = texts
    pipeline = make_pipeline(Sent2VecVectorizer(**SMALL), LogisticRegression())
    grid = GridSearchCV(pipeline, {"sent2vecvectorizer__vector_size": [1, 12], "logisticregression__C": [1, 10]}, cv=2)
    assert grid.fit(X, y).best_score_ == 1


def test_feature_names(wv):
    names = Sent2VecVectorizer(wv=wv).fit([]).get_feature_names_out()
    assert names[:2].tolist() == ["sent2vecvectorizer0", "sent2vecvectorizer1"] and len(names) == wv.vector_size


def test_errors(model, texts):
    for method in (Sent2VecVectorizer(**SMALL).fit, Sent2VecVectorizer(wv=model.wv).transform):
        with pytest.raises(ValueError, match=r"^X: expected an iterable of texts, got the str 'one string'"):
            method("one string")
    with pytest.raises(TypeError, match=r"pass its \.wv"):
        Sent2VecVectorizer(Word2Vec(min_count=1)).fit(texts[0])
    with pytest.raises(TypeError, match=r"^wv: expected Sent2VecKeyedVectors"):
        Sent2VecVectorizer("model.s2v").transform(texts[0])
    with pytest.raises(ValueError, match="vector_size"):
        Sent2VecVectorizer(**SMALL | {"vector_size": 0}).fit(texts[0])


def test_without_scikit_learn():
    code = "import sys; sys.modules['sklearn.base'] = None; import gensim_sent2vec.vectorizer"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert 'pip install "gensim-sent2vec[sklearn]"' in done.stderr
