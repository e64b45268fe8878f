"""SentenceWeighting.tune: what it learns, what it refuses, and that the result is a weighting like any other."""

import copy
import json
import warnings

import numpy as np
import pytest
from gensim.models import KeyedVectors
from scipy import sparse

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._pooling.fitted import NgramFactors
from gensim_sent2vec._pooling.tuning import (
    Factors,
    LabeledTexts,
    draw_batches,
    learn_factors,
    loss_gradient,
    products_at,
    ranks_of_same_label,
)
from gensim_sent2vec._search.tuning import (
    Prepared,
    choose_half,
    default_pull,
    folds_over_labels,
    hubness,
    ranks_of_halves,
    scored_texts,
    tune,
)
from gensim_sent2vec.lexical import LexicalScores

TOPICS = [f"{a}{b}o" for a in "bdfgklmnprst" for b in ("al", "em", "ir", "us")]
NOISE = [f"zz{c}xy" for c in "abcdefghijklmnop"]


def questions(n_labels=30, per_label=4, seed=1):
    """Texts of one topic word, which is the label, and of several words that say nothing."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for label in range(n_labels):
        for _ in range(per_label):
            words = [*rng.choice(NOISE, 4, replace=False), TOPICS[label], TOPICS[(label * 7 + 3) % n_labels]]
            texts.append(" ".join(rng.permutation(words)))
            labels.append(f"answer {label}")
    return texts, labels


TEXTS, LABELS = questions()
QUICK = {"folds": 2, "pulls": (1e-3,)}
HELD = {"folds": 2, "pulls": (1e3,)}  # factors stay near 1


def make_vectors(**options):
    """Words that all are equally frequent, so that the weighting alone cannot tell topics from noise."""
    kv = KeyedVectors(16)
    words = TOPICS + NOISE
    kv.add_vectors(words, np.random.default_rng(3).standard_normal((len(words), 16)).astype(np.float32))
    kv.expandos["count"] = np.full(len(words), 100)
    wv = Sent2VecKeyedVectors.from_keyed_vectors(kv)
    wv.weighting = SentenceWeighting(lexical_dims=20, **options).fit(wv, TEXTS)
    return wv


@pytest.fixture(scope="module")
def tuned():
    wv = make_vectors()
    before = wv.weighting
    wv.weighting = before.tune(wv, TEXTS, LABELS, **QUICK)
    return wv, before


def test_words_that_tell_labels_apart_gain_weight(tuned):
    wv, before = tuned
    factors = dict(zip(wv.index_to_key, wv.weighting.weights / before.weights))
    of_topics, of_noise = ([factors[word] for word in words] for words in (TOPICS[:30], NOISE))
    assert np.quantile(of_topics, 0.1) > np.median(of_noise)
    assert np.median(of_topics) > 1.5 * np.median(of_noise)
    assert all(factors[word] == 1 for word in TOPICS[30:])  # in no text
    report = wv.weighting.tuning
    assert report["after"]["P@1"] > report["before"]["P@1"]
    assert len(report["folds"]) == 2 and report["texts"] == len(TEXTS) and report["labels"] == 30
    json.dumps(report)


def test_the_report_is_what_a_search_finds_in_texts_of_other_labels():
    """One fold, done by hand with the public search."""
    wv = make_vectors()
    codes = np.unique(LABELS, return_inverse=True)[1]
    folds, _ = folds_over_labels(codes, 5, 1)
    train, test = np.flatnonzero(folds != 0), np.flatnonzero(folds == 0)
    wv.weighting = wv.weighting.tune(wv, [TEXTS[i] for i in train], [LABELS[i] for i in train], **QUICK)
    index = SentenceIndex.build(wv, TEXTS, keys=[str(code) for code in codes])
    found = index.find([TEXTS[i] for i in test], topn=2, hybrid=0.5)
    right = np.mean([codes[next(r for r in rows if r != i)] == codes[i] for i, (rows, _) in zip(test, found)])
    plain = make_vectors()
    index = SentenceIndex.build(plain, TEXTS)
    found = index.find([TEXTS[i] for i in test], topn=2, hybrid=0.5)
    before = np.mean([codes[next(r for r in rows if r != i)] == codes[i] for i, (rows, _) in zip(test, found)])
    assert right > before


@pytest.mark.parametrize(("hybrid", "csls"), [(0.0, 0.5), (0.5, 0.5), (0.5, 2.0), (1.0, 1.0)])
def test_scores_are_those_of_searches_with_csls(tuned, hybrid, csls):
    wv, _ = tuned
    index = SentenceIndex.build(wv, TEXTS, keys=range(len(TEXTS)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not help
        report = tune(
            wv.weighting._parameters,
            wv.weighting._fitted,
            wv,
            TEXTS,
            LABELS,
            hybrid=hybrid,
            csls=csls,
            steps=2,
            **QUICK,
        ).report
    assert report["csls"] == csls and report["hybrid"] == hybrid
    right = [
        LABELS[next(key for key, _ in found if key != i)] == LABELS[i]
        for i, found in enumerate(index.search(TEXTS, topn=2, hybrid=hybrid, csls=csls))
    ]
    assert report["before"]["P@1"] == pytest.approx(np.mean(right), abs=1e-6)


@pytest.mark.parametrize("hybrid", [0.0, 0.5, 1.0])
def test_hubness_is_that_of_an_index(tuned, hybrid):
    wv, _ = tuned
    fitted = wv.weighting._fitted
    texts = Prepared.of(wv.weighting._parameters, fitted, wv, TEXTS, np.zeros(len(TEXTS), np.int64), hybrid).texts
    expected = SentenceIndex.build(wv, TEXTS)._hubness(hybrid)
    np.testing.assert_allclose(hubness(texts.vectors(Factors.ones(texts))), expected, atol=1e-5)


def test_pulls_are_compared_at_the_scores_of_the_correction():
    wv = make_vectors()
    plain = wv.weighting.tune(wv, TEXTS, LABELS, **QUICK).tuning
    corrected = wv.weighting.tune(wv, TEXTS, LABELS, csls=0.5, **QUICK).tuning
    assert plain["csls"] == 0 and corrected["csls"] == 0.5
    assert corrected["pulls"] != plain["pulls"]


def test_it_is_deterministic(tuned):
    wv, before = tuned
    again = before.tune(wv, TEXTS, LABELS, **QUICK)
    np.testing.assert_array_equal(again.weights, wv.weighting.weights)
    np.testing.assert_array_equal(again.ngram_factors.values, wv.weighting.ngram_factors.values)
    assert again.tuning == wv.weighting.tuning


def placed_questions(first, n_labels=40, per_label=4, seed=2):
    """Two topic words, which are the label, on one side, and two others, as frequent, on the other."""
    rng = np.random.default_rng(seed)
    texts = []
    for label in [label for label in range(n_labels) for _ in range(per_label)]:
        own = [TOPICS[label], TOPICS[(label + 7) % n_labels]]
        others = rng.choice(TOPICS[:n_labels], 2, replace=False).tolist()
        texts.append(" ".join(own + others if first else others + own))
    return texts, np.repeat(np.arange(n_labels), per_label)


@pytest.mark.parametrize(("first", "expected"), [(True, (1.2, 1.4)), (False, (0.8,))])
def test_it_learns_in_which_half_topics_stand(first, expected, tmp_path):
    wv = make_vectors()
    texts, labels = placed_questions(first)
    before = wv.weighting
    tuned = before.tune(wv, texts, labels, **HELD)
    assert tuned.first_half in expected and before.first_half == 1
    assert tuned.tuning["first_half"] == tuned.first_half
    assert tuned.tuning["after"]["P@1"] > tuned.tuning["before"]["P@1"]
    wv.weighting = tuned
    wv.save(tmp_path / "tuned.s2v")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "tuned.s2v")
    assert loaded.weighting.first_half == tuned.first_half
    np.testing.assert_array_equal(loaded.encode(texts), wv.encode(texts))
    ratios = loaded.weighting.weights / before.weights
    np.testing.assert_allclose(ratios, 1, atol=0.02)  # so that nothing else has changed


@pytest.mark.parametrize("options", [{"linear": True, "lexical_dims": 20}, {"lexical_weight": 0}])
def test_means_of_rows_stay_means_of_rows(options):
    wv = make_vectors()
    texts, labels = placed_questions(True)
    for given, expected in ((wv.weighting.parameters, [1, 0.8, 1.2, 1.4]), (options, [1])):
        weighting = SentenceWeighting(**given).fit(wv, TEXTS)
        prepared = Prepared.of(weighting._parameters, weighting._fitted, wv, texts, labels, 0.5)
        _, of_halves = ranks_of_halves(prepared, np.arange(len(texts)), csls=0.0)
        assert list(of_halves) == expected


def test_first_half_stays_unless_another_is_clearly_better():
    rng = np.random.default_rng(0)
    ranks = rng.integers(1, 10, 500)
    better = np.where(rng.random(500) < 0.2, 1, ranks)
    slightly = ranks.copy()
    slightly[0] = 1
    slightly[1:3] += 1
    assert choose_half({1.0: ranks, 0.8: ranks + 1, 1.2: ranks, 1.4: better}) == 1.4
    assert choose_half({1.0: ranks, 1.2: slightly}) == 1.0
    assert choose_half({1.0: ranks + 3, 1.2: ranks, 1.4: ranks}) == 1.2
    assert choose_half({1.0: better, 1.2: ranks}, np.arange(500) > 250) == 1.0


def test_where_it_does_not_help_the_same_object_comes_back():
    wv = make_vectors()
    labels = np.random.default_rng(5).permutation(LABELS)
    with pytest.warns(UserWarning, match=r"does not help .* P@1 of 120 texts .* 2-fold .*->"):
        assert wv.weighting.tune(wv, TEXTS, labels, **QUICK) is wv.weighting


def test_files(tuned, tmp_path):
    wv, _ = tuned
    wv.save(tmp_path / "tuned.s2v")
    for mmap in (None, "r"):
        loaded = Sent2VecKeyedVectors.load(tmp_path / "tuned.s2v", mmap=mmap)
        np.testing.assert_array_equal(loaded.encode(TEXTS), wv.encode(TEXTS))
        assert loaded.weighting.tuning == wv.weighting.tuning
        np.testing.assert_array_equal(loaded.weighting.ngram_factors.values, wv.weighting.ngram_factors.values)
    wv.weighting.save(str(tmp_path / "weighting"))
    alone = SentenceWeighting.load(str(tmp_path / "weighting"))
    assert alone.tuning == wv.weighting.tuning
    np.testing.assert_array_equal(alone.ngram_factors.hashes, wv.weighting.ngram_factors.hashes)


def test_baked_vectors_contain_the_factors(tuned):
    wv, _ = tuned
    linear = SentenceWeighting(linear=True).fit(wv, TEXTS)
    linear = linear.tune(wv, TEXTS, LABELS, **QUICK)
    assert linear.tuning is not None
    kept, wv.weighting = wv.weighting, linear
    try:
        baked = wv.bake()
        expected = wv.encode(TEXTS, normalize=True)
        np.testing.assert_allclose(baked.encode(TEXTS, normalize=True), expected, atol=1e-5)
    finally:
        wv.weighting = kept


def test_baked_vectors_keep_the_factors_of_lexical_scores(tuned):
    wv, _ = tuned
    found, expected = (SentenceIndex.build(vectors, TEXTS).search(TEXTS[3], hybrid=1.0) for vectors in (wv.bake(), wv))
    assert found == expected


def test_an_index_stores_the_factors_of_its_lexical_scores(tuned, tmp_path):
    wv, _ = tuned
    index = SentenceIndex.build(wv, TEXTS, lexical=True)
    index.save(tmp_path / "index")
    loaded = SentenceIndex.load(tmp_path / "index", wv, mmap="r")
    assert loaded.search(TEXTS[:5], hybrid=1.0) == index.search(TEXTS[:5], hybrid=1.0)
    plain = LexicalScores.fit(TEXTS)
    assert np.abs(plain.scores(TEXTS[0]) - index.lexical.scores(TEXTS[0])).max() > 0.01
    rows = np.arange(0, len(TEXTS), 3)
    np.testing.assert_allclose(
        index.lexical.scores_of([TEXTS[0]], rows)[0], index.lexical.scores(TEXTS[0])[rows], atol=1e-6
    )


def test_token_lists_and_other_gensim_vectors(tuned):
    wv, before = tuned
    lists = [text.split() for text in TEXTS]
    np.testing.assert_array_equal(before.tune(wv, lists, LABELS, **QUICK).weights, wv.weighting.weights)
    kv = KeyedVectors(16)
    kv.add_vectors(wv.index_to_key, wv.vectors)
    kv.expandos["count"] = np.full(len(wv), 100)
    other = SentenceWeighting(lexical_dims=20).fit(kv, TEXTS)
    np.testing.assert_array_equal(other.tune(kv, TEXTS, LABELS, **QUICK).weights, wv.weighting.weights)


def test_tuning_twice_multiplies(tuned):
    first, second = (
        NgramFactors(np.array(h, np.uint64), np.array(v, np.float32)) for h, v in (([1, 5], [2, 3]), ([5, 9], [4, 0.5]))
    )
    product = first.times(second)
    assert product.of(np.array([0, 1, 5, 9], np.uint64)).tolist() == [1, 2, 12, 0.5]


@pytest.fixture(scope="module")
def with_pretrained():
    """Sentence vectors of three parts, the last from pretrained vectors that know some words only."""
    wv = make_vectors()
    other = KeyedVectors(9)
    words = TOPICS[:20] + NOISE[3:]
    other.add_vectors(words, np.random.default_rng(8).standard_normal((len(words), 9)).astype(np.float32))
    wv.weighting = SentenceWeighting(lexical_dims=20, pretrained_weight=0.4).fit(wv, TEXTS, pretrained=other)
    return wv


def test_vectors_with_a_pretrained_part_are_those_of_encode(with_pretrained):
    wv = with_pretrained
    texts = [*TEXTS[:30], "zzaxy nowhere bal", "unknown words alone", TOPICS[25]]
    fitted = wv.weighting._fitted
    prepared = Prepared.of(wv.weighting._parameters, fitted, wv, texts, np.zeros(len(texts), np.int64), 0.0)
    assert fitted.pretrained_dims == 9 and len(prepared.texts.parts) == 3
    dense = prepared.texts.vectors(Factors.ones(prepared.texts)).dense
    np.testing.assert_allclose(dense, wv.encode(texts, normalize=True), atol=1e-5)


@pytest.mark.parametrize("refit", [False, True])
def test_tuned_with_a_pretrained_part(with_pretrained, refit, tmp_path):
    """Tuning, refitting, files and searches of sentence vectors with three parts."""
    wv = copy.copy(with_pretrained)
    before = wv.weighting
    wv.weighting = before.tune(wv, TEXTS, LABELS, csls=0.5, **QUICK)
    assert wv.weighting is not before and wv.weighting.tuning["after"]["P@1"] > wv.weighting.tuning["before"]["P@1"]
    factors = dict(zip(wv.index_to_key, wv.weighting.weights / before.weights))
    assert np.median([factors[word] for word in TOPICS[:30]]) > np.median([factors[word] for word in NOISE])
    index = SentenceIndex.build(wv, TEXTS, refit=refit, lexical=True, csls=True)
    np.testing.assert_array_equal(index.wv.weighting.weights, wv.weighting.weights)  # refitting keeps the factors
    assert index.wv.weighting.vector_size == before.vector_size
    index.wv.save(tmp_path / "wv.s2v")
    index.save(tmp_path / "index")
    for mmap in (None, "r"):
        loaded = Sent2VecKeyedVectors.load(tmp_path / "wv.s2v", mmap=mmap)
        assert loaded.weighting.tuning == wv.weighting.tuning
        np.testing.assert_array_equal(loaded.encode(TEXTS), index.wv.encode(TEXTS))
        searched = SentenceIndex.load(tmp_path / "index", loaded, mmap=mmap)
        queries = [*TEXTS[:10], "unknown bal"]
        assert searched.search(queries, hybrid=0.5, csls=0.5) == index.search(queries, hybrid=0.5, csls=0.5)


# -----------------------------------------------------------------------------------------------------
# Invalid and unusual texts


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS[:5], LABELS[:4], r"labels: expected one per text, got 4 labels for 5 texts"),
        (TEXTS[:8], range(8), r"labels: every label has only one text \(8 labels, 8 different texts\)"),
        (TEXTS[:8], ["x"] * 8, r"labels: all 8 texts have the label 'x'"),
        (TEXTS[:4], ["x", "x", "y", "z"], r"labels: every label but 'x' has only one text"),
        ([], [], r"texts: there is no text"),
        ([TEXTS[0]] * 4, ["a", "b", "a", "b"], r"texts: there is no text with exactly one label"),
    ],
)
@pytest.mark.filterwarnings("ignore:texts")
def test_useless_labels_are_refused(texts, labels, message):
    wv = make_vectors()
    with pytest.raises(ValueError, match=message):
        wv.weighting.tune(wv, texts, labels)


@pytest.mark.parametrize("label", [None, float("nan"), 1.5, True, ["a"]])
def test_labels_are_strings_or_integers(label):
    wv = make_vectors()
    with pytest.raises(TypeError, match=r"labels: row 3: expected a string or an integer"):
        wv.weighting.tune(wv, TEXTS[:8], [*LABELS[:3], label, *LABELS[4:8]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hybrid": 1.5}, "hybrid"),
        ({"folds": 1}, "folds"),
        ({"pulls": ()}, "pulls"),
        ({"pulls": (-1.0,)}, "pulls"),
        ({"csls": -0.5}, "csls"),
    ],
)
def test_arguments_are_checked(arguments, message):
    wv = make_vectors()
    with pytest.raises(ValueError, match=f"^{message}: "):
        wv.weighting.tune(wv, TEXTS, LABELS, **arguments)


def test_a_weighting_must_be_fitted_for_these_vectors():
    wv = make_vectors()
    with pytest.raises(ValueError, match="not fitted"):
        SentenceWeighting().tune(wv, TEXTS, LABELS)


def test_contradictions_are_left_out_with_a_warning(tuned):
    wv, before = tuned
    texts, labels = [*TEXTS, TEXTS[0], f" {TEXTS[5]} ", TEXTS[9]], [*LABELS, "other", LABELS[5], LABELS[9]]
    with pytest.warns(UserWarning, match=r"1 text has more than one label .* 'answer 0', 'other'"):
        found = before.tune(wv, texts, labels, **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(found.weights, before.tune(wv, TEXTS[1:], LABELS[1:], **QUICK).weights)


def test_texts_without_known_words(tuned):
    wv, before = tuned
    found = before.tune(wv, [*TEXTS, "", "qq", "qqq"], [*LABELS, "x", "y", "y"], **QUICK)
    assert found.tuning["texts"] == len(TEXTS) + 2
    assert np.isfinite(found.weights).all()


# -----------------------------------------------------------------------------------------------------
# The parts


def labeled(hybrid=0.4, n=30, seed=0, length_power=0.5):
    rng = np.random.default_rng(seed)
    tokens = sparse.random(n, 20, 0.3, "csr", np.float32, random_state=seed)
    ngrams = sparse.random(n, 50, 0.2, "csr", np.float32, random_state=seed + 1)
    rows = rng.standard_normal((20, 10)).astype(np.float32)
    parts = [(slice(0, 4), 0.6), (slice(4, 10), 0.8)]
    labels, lengths = rng.integers(0, 8, n), rng.integers(0, 40, n)
    return LabeledTexts(tokens, rows, parts, ngrams, hybrid, labels, lengths if length_power else None, length_power)


def plain_loss(texts, theta, temperature=0.03):
    """The loss as the module states it, text by text, in float64."""
    words, ngrams = np.exp(theta[:20]), np.exp(theta[20:])
    pooled = texts.tokens.toarray().astype(float) @ (texts.rows * words[:, None])
    unit = lambda x: x / max(np.linalg.norm(x), 1e-30)  # noqa: E731
    vectors = [unit(np.concatenate([length * unit(row[part]) for part, length in texts.parts])) for row in pooled]
    spelled = [unit(row * ngrams) for row in texts.ngrams.toarray().astype(float)]
    lengths = np.ones(len(texts)) if texts.lengths is None else np.maximum(texts.lengths, 1)

    def lexical(i, j):
        a, b = lengths[i], lengths[j]
        return spelled[i] @ spelled[j] * (2 * a * b / (a * a + b * b)) ** texts.length_power

    losses = []
    for i, label in enumerate(texts.labels):
        others = [j for j in range(len(texts)) if j != i]
        scores = [(1 - texts.hybrid) * vectors[i] @ vectors[j] + texts.hybrid * lexical(i, j) for j in others]
        shares = np.exp(np.array(scores) / temperature)
        same = texts.labels[others] == label
        if same.any():
            losses.append(-np.log(shares[same].sum() / shares.sum()))
    return np.mean(losses)


@pytest.mark.parametrize(("hybrid", "length_power"), [(0.0, 0.5), (0.4, 0.5), (0.4, 0.0), (1.0, 2.0)])
def test_the_gradient_is_that_of_the_loss(hybrid, length_power):
    texts = labeled(hybrid, length_power=length_power)
    theta = np.random.default_rng(4).standard_normal(70) / 4
    found = loss_gradient(texts, Factors(*np.split(np.exp(theta).astype(np.float32), [20])))
    for i in range(0, 70, 3):
        step = np.zeros(70)
        step[i] = 1e-4
        expected = (plain_loss(texts, theta + step) - plain_loss(texts, theta - step)) / 2e-4
        assert found[i] == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("frequent", [1, 3, 6, 1000])
def test_products_where_values_are_stored(frequent):
    matrix = sparse.random(30, 50, 0.15, "csr", np.float32, random_state=1)
    other = np.random.default_rng(2).standard_normal((30, 30)).astype(np.float32)
    rows = np.repeat(np.arange(30), np.diff(matrix.indptr))
    expected = (other @ matrix.toarray())[rows, matrix.indices]
    np.testing.assert_allclose(products_at(matrix, other, frequent), expected, atol=1e-5)


def test_the_pull_holds_factors_at_one():
    texts = labeled()
    sizes = [np.abs(np.log(learn_factors(texts, pull, steps=30).words)).mean() for pull in (0.0, 0.01, 10.0)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_lexical_scores_are_those_of_an_index(tuned):
    wv, _ = tuned
    texts = [*TEXTS[:20], "one", " ".join(TEXTS[:9])]
    index = SentenceIndex.build(wv, texts)
    prepared = Prepared.of(
        wv.weighting._parameters, wv.weighting._fitted, wv, texts, np.zeros(len(texts), np.int64), 1.0
    )
    scores = prepared.texts.vectors(Factors.ones(prepared.texts)).scores()
    np.testing.assert_allclose(scores, [index.lexical.scores(text) for text in texts], atol=1e-5)
    some = np.array([3, 20, 21])
    taken = prepared.texts.take(some)
    np.testing.assert_allclose(taken.vectors(Factors.ones(taken)).scores(), scores[some][:, some], atol=1e-5)


def test_the_fewer_texts_the_stronger_the_pull():
    assert default_pull(np.array([0, 0, 1, 1, 2])) == 8 / 4  # the last has no partner
    wv = make_vectors()
    quick = {"folds": 2}
    few, many = (wv.weighting.tune(wv, TEXTS[:n], LABELS[:n], **quick).tuning for n in (60, 120))
    assert few["pull"] == pytest.approx(8 / 60) and many["pull"] == pytest.approx(8 / 120)
    assert list(many["pulls"]) == [f"{8 / 120:g}"]


def test_ranks():
    texts = labeled()
    ones = Factors.ones(texts)
    vectors = texts.vectors(ones)
    scores = vectors.scores()
    np.fill_diagonal(scores, -np.inf)
    queries = scored_texts(texts.labels)
    for query, rank in zip(queries, ranks_of_same_label(vectors, texts.labels, queries)):
        order = np.argsort(-scores[query])
        same = texts.labels[order] == texts.labels[query]
        same[order == query] = False
        assert rank == 1 + np.flatnonzero(same)[0]


def test_batches_hold_whole_labels():
    labels = np.random.default_rng(0).integers(0, 200, 1000)
    batches = draw_batches(labels, 100, np.random.default_rng(1))
    seen = np.concatenate([next(batches) for _ in range(9)])
    assert len(np.unique(seen)) == len(seen)
    batch = next(batches)
    assert 100 <= len(batch) < 130
    assert all((labels[batch] == label).sum() == (labels == label).sum() for label in np.unique(labels[batch]))


def test_one_frequent_label_does_not_fill_a_batch():
    labels = np.concatenate([np.zeros(5000, int), np.arange(1, 50).repeat(3)])
    batches = draw_batches(labels, 64, np.random.default_rng(1))
    assert max(len(next(batches)) for _ in range(50)) < 64 + 8


def test_folds_are_over_labels():
    labels = np.random.default_rng(0).integers(0, 60, 300)
    labels = np.unique(labels, return_inverse=True)[1]
    folds, n = folds_over_labels(labels, 5, 1)
    assert n == 5
    for label in range(labels.max() + 1):
        assert len(np.unique(folds[labels == label])) == 1
    assert folds_over_labels(np.array([0, 0, 1, 1, 2]), 5, 1)[1] == 2


def test_vectors_are_those_of_encode():
    for options in ({}, {"first_half": 1.5}, {"linear": True}, {"lexical_weight": 0.3}):
        wv = make_vectors(**options)
        texts = [*TEXTS[:30], "zzaxy nowhere bal", "unknown words alone"]
        prepared = Prepared.of(
            wv.weighting._parameters, wv.weighting._fitted, wv, texts, np.zeros(len(texts), np.int64), 0.0
        )
        expected = wv.encode(texts, normalize=True)
        np.testing.assert_allclose(prepared.texts.vectors(Factors.ones(prepared.texts)).dense, expected, atol=1e-5)
