"""The pretrained part of sentence vectors."""

import copy
import logging
from itertools import chain

import numpy as np
import pytest
import static_folders
from gensim.models import KeyedVectors
from gensim.models.phrases import Phrases
from static_folders import write_model2vec

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._pooling.pretrained import RIDGE, PretrainedRows, is_punctuation, translate
from gensim_sent2vec._text.vocabulary import Vocabulary
from gensim_sent2vec._util.rows import unit_rows
from gensim_sent2vec.shrink import shrink, shrink_to_file

CORPUS = [
    line.split()
    for line in ("the man is playing the guitar .", "a woman sings", "the president is not a man !", "a man sings .")
    * 20
]
UNSEEN = "obama sees water , the man"  # only "the" and "man" are in the corpus


@pytest.fixture(scope="module")
def trained():
    model = Sent2Vec(CORPUS, vector_size=10, min_count=1, epochs=3, workers=1, weighting=False)
    return model.wv, model.syn1neg


@pytest.fixture
def wv(trained):
    return copy.deepcopy(trained[0])


def word_vectors(words, dim=7, seed=3):
    kv = KeyedVectors(dim)
    kv.add_vectors(words, np.random.default_rng(seed).standard_normal((len(words), dim)).astype(np.float32))
    return kv


@pytest.fixture
def glove():
    """Pretrained vectors of whole words, some of which are not in the corpus."""
    return word_vectors(
        [
            "the",
            "a",
            "man",
            "woman",
            "is",
            "playing",
            "guitar",
            "sings",
            "president",
            "not",
            "Obama",
            "water",
            ".",
            ",",
            "!",
        ]
    )


@pytest.fixture
def subword_vectors(tmp_path):
    pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "gensim-sent2vec[pretrained]"')
    return Sent2VecKeyedVectors.from_model2vec(write_model2vec(tmp_path / "f", static_folders.wordpiece()))


@pytest.fixture(params=["words", "subwords"])
def other(request):
    return request.getfixturevalue("glove" if request.param == "words" else "subword_vectors")


def sum_of_words(other, tokens):
    """What the pretrained part should be: sums of rows as they are, without punctuation."""
    rows = np.zeros(other.vector_size)
    for token in tokens:
        if not is_punctuation(token):
            pieces = other.tokens(token) if hasattr(other, "tokens") else [token if token in other else token.title()]
            rows += sum((other[piece] for piece in pieces if piece in other), start=np.zeros(other.vector_size))
    return rows


def parts_of(vectors, weighting):
    first, last = weighting.meaning_dims, vectors.shape[1] - weighting.pretrained_dims
    return vectors[:, :first], vectors[:, first:last], vectors[:, last:]


@pytest.mark.parametrize("options", [{}, {"lexical_dims": 6}, {"lexical_weight": 0}, {"pretrained_weight": 0.4}])
def test_the_part_is_the_sum_of_the_rows(wv, other, options):
    weighting = SentenceWeighting(**options).fit(wv, CORPUS, pretrained=other)
    sentences = [*CORPUS[:4], UNSEEN.split()]
    vectors = wv.encode(sentences, weighting=weighting)
    semantic, lexical, pretrained = parts_of(vectors, weighting)
    expected = unit_rows(np.stack([sum_of_words(other, tokens) for tokens in sentences]))
    np.testing.assert_allclose(unit_rows(pretrained), expected, atol=0.03)  # the translation of so few words is small
    share, spelling = options.get("pretrained_weight", 0.7), options.get("lexical_weight", 0.6)
    lengths = [share, (1 - share) * (1 - spelling), (1 - share) * spelling]
    for part, length in zip((pretrained, semantic, lexical), lengths):
        np.testing.assert_allclose((part**2).sum(axis=1), length, rtol=1e-4)
    assert weighting.vector_size == vectors.shape[1] == 10 + options.get("lexical_dims", 0) + other.vector_size
    # The other parts are those of a weighting without a pretrained part.
    options = {name: value for name, value in options.items() if name != "pretrained_weight"}
    alone = wv.encode(sentences, weighting=SentenceWeighting(**options).fit(wv, CORPUS))
    np.testing.assert_allclose(unit_rows(vectors[:, : alone.shape[1]]), unit_rows(alone), atol=1e-5)


def test_what_the_corpus_says_is_translated():
    """Ridge regression from our vectors to directions, which are longer for rows that are longer on average."""
    rng = np.random.default_rng(5)
    vectors, true_map = unit_rows(rng.standard_normal((5000, 8))), rng.standard_normal((8, 3))
    rows = vectors @ true_map * rng.uniform(1, 3, (5000, 1))
    vectors[7], rows[8] = np.nan, 0  # left out
    found = translate(vectors.astype(np.float32), rows.astype(np.float32))
    kept = np.delete(np.arange(5000), [7, 8])
    directions, length = unit_rows(rows[kept]), np.linalg.norm(rows[kept], axis=1).mean()
    stacked = np.concatenate([vectors[kept], np.sqrt(RIDGE) * np.eye(8)])
    expected = np.linalg.lstsq(stacked, np.concatenate([directions, np.zeros((8, 3))]))[0] * length
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert not translate(vectors[7:8].astype(np.float32), rows[:1].astype(np.float32)).any()


def test_words_that_the_other_vectors_do_not_know_get_a_translated_row():
    known = [f"k{i}" for i in range(400)]
    corpus = [[*known[i : i + 3], "mystery", "."] if i % 9 == 0 else known[i : i + 5] for i in range(395)] * 2
    wv = Sent2Vec(corpus, vector_size=10, min_count=1, epochs=2, workers=1, weighting=False).wv
    weighting = SentenceWeighting().fit(wv, corpus, pretrained=word_vectors(known))
    part = parts_of(wv.encode([["mystery"], ["."]], weighting=weighting), weighting)[2]
    assert part[0].any() and not part[1].any()


def test_nothing_changes_without_pretrained_vectors(wv, tmp_path):
    plain = SentenceWeighting().fit(wv, CORPUS)
    arrays, facts = plain.to_arrays()
    assert not [name for name in arrays if "pretrained" in name]
    assert "pretrained" not in str(facts)
    assert plain.pretrained_dims == 0 and plain.pretrained_weight is None


@pytest.mark.parametrize("unseen_words", [True, False])
def test_words_that_only_the_other_vectors_know_contribute(wv, other, unseen_words):
    wv.weighting = SentenceWeighting(unseen_words=unseen_words).fit(wv, CORPUS, pretrained=other)
    vector, known = wv.encode([["water"]], return_known=True)
    assert known.all()
    np.testing.assert_allclose(
        unit_rows(parts_of(vector, wv.weighting)[2])[0], unit_rows(sum_of_words(other, ["water"])[None])[0], atol=1e-5
    )
    assert wv.similarity_sentences("water", "the guitar") != wv.similarity_sentences("qqq", "the guitar")


def test_the_spelling_with_the_fewest_pieces_counts(glove):
    rows = PretrainedRows(glove.vectors, Vocabulary.from_words(glove.index_to_key), None)
    np.testing.assert_array_equal(rows.rows_of(["obama"])[0], glove["Obama"])
    np.testing.assert_array_equal(rows.rows_of(["OBAMA"])[0], glove["Obama"])
    np.testing.assert_array_equal(rows.rows_of(["MAN"])[0], glove["man"])
    np.testing.assert_allclose(rows.rows_of(["man-water"])[0], glove["man"] + glove["water"])
    assert not rows.rows_of([".", "...", "qqq", "", "\u20ac"]).any()
    assert rows.rows_of([]).shape == (0, 7)


@pytest.mark.parametrize(
    ("word", "expected"), [(".", True), ("``", True), ("$", True), ("=", True), ("a.", False), ("3", False)]
)
def test_is_punctuation(word, expected):
    assert is_punctuation(word) is expected
    assert not is_punctuation("\U0001f600")


@pytest.mark.parametrize("make", sorted(static_folders.TOKENIZERS))
def test_words_are_split_as_within_a_sentence(make, tmp_path):
    pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "gensim-sent2vec[pretrained]"')
    other = Sent2VecKeyedVectors.from_model2vec(write_model2vec(tmp_path / "f", static_folders.TOKENIZERS[make]()))
    whole, first = other.tokens("a the man"), other.tokens("a")
    assert [*first, *chain.from_iterable(other.tokenizer.of_words(["the", "man"]))] == whole


def test_phrases_are_looked_up_word_by_word(trained, glove):
    wv = copy.deepcopy(trained[0])
    wv.phrases = Phrases([["the", "man"]] * 10, min_count=1, threshold=1e-9, delimiter="_")
    weighting = SentenceWeighting().fit(wv, CORPUS, pretrained=glove)
    vector = wv.encode([["the_man"]], weighting=weighting)
    expected = sum_of_words(glove, ["the", "man"])
    np.testing.assert_allclose(unit_rows(parts_of(vector, weighting)[2])[0], unit_rows(expected[None])[0], atol=1e-5)


# -----------------------------------------------------------------------------------------------------
# Everything that a weighting does


@pytest.fixture
def blend(wv, other):
    wv.weighting = SentenceWeighting(lexical_dims=6).fit(wv, CORPUS, pretrained=other)
    return wv


SENTENCES = ["the man is playing the guitar .", UNSEEN, "qqq", "water", ""]


@pytest.mark.parametrize("mmap", [None, "r"])
def test_saved_and_loaded(blend, mmap, tmp_path):
    blend.save(tmp_path / "wv.s2v")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "wv.s2v", mmap=mmap, verify=True)
    np.testing.assert_array_equal(loaded.encode(SENTENCES), blend.encode(SENTENCES))
    assert loaded.weighting.parameters == blend.weighting.parameters
    blend.weighting.save(str(tmp_path / "weighting"))
    again = SentenceWeighting.load(str(tmp_path / "weighting"))
    np.testing.assert_array_equal(blend.encode(SENTENCES, weighting=again), blend.encode(SENTENCES))
    # It can be fitted again without passing the pretrained vectors again.
    refitted = again.unfitted().fit(loaded, CORPUS)
    np.testing.assert_allclose(loaded.encode(SENTENCES, weighting=refitted), blend.encode(SENTENCES), atol=1e-5)


def test_copies_and_pickles(blend):
    expected = blend.encode(SENTENCES)
    np.testing.assert_array_equal(copy.copy(blend).encode(SENTENCES), expected)
    np.testing.assert_array_equal(copy.deepcopy(blend).encode(SENTENCES), expected)
    half = blend.astype(np.float16)
    assert half.weighting.rows.dtype == np.float16
    np.testing.assert_allclose(half.encode(SENTENCES), expected, atol=5e-3)


def test_baked(blend):
    baked = blend.bake(extra_words=UNSEEN.split())
    np.testing.assert_allclose(
        unit_rows(baked.encode(SENTENCES[:2])), unit_rows(blend.encode(SENTENCES[:2])), atol=1e-5
    )
    fitted = blend.bake(extra_words=UNSEEN.split(), sentences=CORPUS)
    assert fitted.weighting is None and fitted.vector_size == blend.sentence_size
    cosines = (unit_rows(fitted.encode(SENTENCES[:1])) * unit_rows(blend.encode(SENTENCES[:1]))).sum(axis=1)
    assert cosines.min() > 0.95
    linear = SentenceWeighting(linear=True).fit(blend, CORPUS, pretrained=None)
    assert linear.pretrained_dims == 0
    blend.weighting = (
        SentenceWeighting(linear=True, pretrained_weight=0.5)
        .with_pretrained(word_vectors(["the", "a", "man", "is"]))
        .fit(blend, CORPUS)
    )
    again = blend.bake()
    assert again.weighting is None
    np.testing.assert_allclose(
        unit_rows(again.encode(SENTENCES[:1])), unit_rows(blend.encode(SENTENCES[:1])), atol=1e-5
    )


def test_the_parts_of_a_linear_weighting_have_about_their_lengths(wv, other):
    weighting = SentenceWeighting(linear=True, pretrained_weight=0.5).fit(wv, CORPUS, pretrained=other)
    parts = parts_of(wv.encode(CORPUS[:4], weighting=weighting), weighting)
    lengths = [np.median(np.linalg.norm(part, axis=1)) for part in parts]
    np.testing.assert_allclose(np.square(lengths), [0.2, 0.3, 0.5], rtol=0.5)


@pytest.mark.parametrize("how", [{"max_words": 6}, {"dtype": np.float16}, {"min_count": 21}])
def test_shrunk(blend, how, tmp_path):
    small = shrink(blend, **how)
    shrink_to_file(blend, tmp_path / "small.s2v", **how)
    stored = Sent2VecKeyedVectors.load(tmp_path / "small.s2v")
    np.testing.assert_allclose(stored.encode(SENTENCES), small.encode(SENTENCES), atol=1e-6)
    # The pretrained part of words that were dropped is still there.
    part, expected = (parts_of(v.encode(SENTENCES), v.weighting)[2] for v in (small, blend))
    np.testing.assert_allclose(unit_rows(part), unit_rows(expected), atol=5e-3)


def test_index(blend, tmp_path):
    sentences = [" ".join(tokens) for tokens in CORPUS[:4]]
    index = SentenceIndex.build(blend, sentences)
    index.save(tmp_path / "index")
    found = SentenceIndex.load(tmp_path / "index", blend, mmap="r").most_similar(UNSEEN, topn=2)
    assert found == index.most_similar(UNSEEN, topn=2)
    other = copy.copy(blend)
    other.weighting = SentenceWeighting(lexical_dims=6, pretrained_weight=0.1).fit(
        blend, CORPUS, pretrained=word_vectors(["the", "man", "a"], blend.weighting.pretrained_dims)
    )
    with pytest.raises(ValueError, match="was built with other vectors"):
        SentenceIndex.load(tmp_path / "index", other)
    blend.weighting = other.weighting
    with pytest.raises(ValueError, match="changed since the index was built"):
        index.most_similar(UNSEEN)


def test_training_ends_with_a_pretrained_part(other, tmp_path):
    weighting = SentenceWeighting(pretrained_weight=0.6).with_pretrained(other)
    model = Sent2Vec(CORPUS, vector_size=10, min_count=1, workers=1, weighting=weighting)
    assert model.wv.weighting.pretrained_dims == other.vector_size
    expected = model.wv.encode(SENTENCES)
    model.save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.wv.encode(SENTENCES), expected)
    loaded.train(CORPUS, total_examples=len(CORPUS), epochs=1)  # the part survives further training
    assert loaded.wv.weighting.pretrained_dims == other.vector_size
    loaded.fit_weighting(CORPUS)
    assert loaded.wv.weighting.pretrained_dims == other.vector_size
    assert model.weighting.pretrained is None  # the vectors are not stored twice


def test_the_weight_takes_effect_immediately(blend):
    blend.weighting.pretrained_weight = 1.0
    semantic, lexical, pretrained = parts_of(blend.encode(SENTENCES[:1]), blend.weighting)
    assert not semantic.any() and not lexical.any()
    np.testing.assert_allclose(np.linalg.norm(pretrained), 1, rtol=1e-5)


# -----------------------------------------------------------------------------------------------------
# What can be wrong


def test_a_weight_without_vectors_is_an_error(wv):
    with pytest.raises(ValueError, match=r"pretrained: missing, but pretrained_weight is 0\.7"):
        SentenceWeighting(pretrained_weight=0.7).fit(wv, CORPUS)
    with pytest.raises(ValueError, match="pretrained: missing"):  # before training, not after it
        Sent2Vec(weighting=SentenceWeighting(pretrained_weight=0.7))


def test_bad_arguments(wv, other, glove):
    for weight in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="pretrained_weight"):
            SentenceWeighting(pretrained_weight=weight)
    with pytest.raises(TypeError, match=r"pretrained: expected vectors, got str; see .*from_model2vec"):
        SentenceWeighting().fit(wv, CORPUS, pretrained="folder")
    with pytest.raises(TypeError, match=r"pass its \.wv"):
        SentenceWeighting().fit(wv, CORPUS, pretrained=Sent2Vec(CORPUS, vector_size=4, min_count=1))
    foreign = word_vectors(["zzz", "yyy"])
    with pytest.raises(ValueError, match="pretrained: these vectors know no word of the sentences"):
        SentenceWeighting().fit(wv, CORPUS, pretrained=foreign)
    foreign.vectors[0] = np.nan
    with pytest.raises(ValueError, match=r"pretrained: .* NaN"):
        SentenceWeighting().fit(wv, CORPUS, pretrained=foreign)
    weighted = Sent2VecKeyedVectors.from_keyed_vectors(glove)
    weighted.expandos["count"] = np.arange(len(weighted), 0, -1) ** 2
    weighted.weighting = SentenceWeighting().fit(weighted, CORPUS)
    with pytest.raises(ValueError, match=r"pass pretrained\.bake\(\)"):
        SentenceWeighting().fit(wv, CORPUS, pretrained=weighted)


def test_a_failed_fit_keeps_the_previous_one(blend):
    before = blend.encode(SENTENCES)
    with pytest.raises(ValueError, match="know no word"):
        blend.weighting.fit(blend, CORPUS, pretrained=word_vectors(["zzz"]))
    np.testing.assert_array_equal(blend.encode(SENTENCES), before)
    blend.weighting.fit(blend, CORPUS)
    np.testing.assert_allclose(blend.encode(SENTENCES), before, atol=1e-5)


def test_damaged_files(blend):
    arrays, facts = blend.weighting.to_arrays()
    for changed, new_facts in (
        ({"pretrained_vectors": arrays["pretrained_vectors"][:-1]}, {}),
        ({"pretrained_vectors": arrays["pretrained_vectors"][:, :-1].copy()}, {}),
        ({"pretrained_vectors": arrays["pretrained_vectors"].astype(np.float64)}, {}),
        ({}, {"pretrained": 3}),
        ({}, {"pretrained": {**facts["pretrained"], "scale": "x"}}),
        ({}, {"pretrained": {**facts["pretrained"], "delimiter": None}}),
        ({}, {"pretrained_dims": -1}),
        ({}, {"pretrained_dims": 0}),
        ({}, {"pretrained": {}}),
    ):
        with pytest.raises((ValueError, TypeError)):
            SentenceWeighting.from_arrays({**arrays, **changed}, {**facts, **new_facts})
    missing = {name: array for name, array in arrays.items() if name != "pretrained_blob"}
    with pytest.raises(ValueError, match="pretrained_blob"):
        SentenceWeighting.from_arrays(missing, facts)


def test_without_the_package_tokenizers(wv, subword_vectors, tmp_path, monkeypatch, caplog):
    from gensim_sent2vec._util import subwords

    wv.weighting = SentenceWeighting().fit(wv, CORPUS, pretrained=subword_vectors)
    wv.save(tmp_path / "wv.s2v")
    monkeypatch.setattr(subwords.importlib.util, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        loaded = Sent2VecKeyedVectors.load(tmp_path / "wv.s2v")
    assert "gensim-sent2vec[pretrained]" in caplog.text
    np.testing.assert_array_equal(loaded.encode(CORPUS[:1]), wv.encode(CORPUS[:1]))  # known words need no tokenizer
    with pytest.raises(ImportError, match=r"gensim-sent2vec\[pretrained\]"):
        loaded.encode([["water"]])
