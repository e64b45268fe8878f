"""Tokenizers and phrases: their output, how they are saved with vectors, and the tokenizing of corpora."""

import copy
import json
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
import unicodedata
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gensim.models.phrases import FrozenPhrases, Phrases, npmi_scorer
from gensim.test.utils import common_texts
from gensim.utils import simple_preprocess
from processes import heed_ctrl_c

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, TextTable, TokenFile, tokenize_file
from gensim_sent2vec._text import tokenization as tokenization_module
from gensim_sent2vec._text.corpus import TokenLines
from gensim_sent2vec._text.tokenization import (
    FIRST_TEXTS,
    LEAST_TEXTS,
    MOST_TEXTS,
    Tokenization,
    _Tasks,
    write_tokens,
)
from gensim_sent2vec._training import corpus as training_corpus
from gensim_sent2vec.phrases import (
    count_phrases,
    freeze_phrases,
    join_phrases,
    learn_phrases,
    load_phrases,
    phrases_from_json,
    phrases_to_json,
)
from gensim_sent2vec.tokenizers import (
    Kiwi,
    Mecab,
    UnsavedTokenizer,
    describe,
    name_of,
    resolve,
    simple,
    tokenizer_from_json,
    tokenizer_to_json,
    words,
)

KOREAN = "안전모를 가진 한 남자가 춤을 추고 있다."
OPTIONS = {"vector_size": 10, "min_count": 1, "epochs": 2, "workers": 1}


def letters(text: str) -> list[str]:
    return [letter for letter in text if not letter.isspace()]


@pytest.fixture
def kiwi():
    pytest.importorskip("kiwipiepy")
    return Kiwi()


@pytest.fixture
def mecab():
    pytest.importorskip("mecab")
    return Mecab()


@pytest.fixture
def graph_phrases() -> Phrases:
    return Phrases([["graph", "minors"], ["trees"]] * 10 + [["graph", "of", "trees"]] * 5, min_count=2, threshold=0.01,
                   connector_words={"of"})  # fmt: skip


# ---------------------------------------------------------------------------------------------------
# Names


def test_tokens_of_the_functions():
    text = "I don't know_it: 3rd Straße, ÉTÉ!"
    assert resolve("split")(text) == text.split()
    assert simple(text) == ["i", "don", "t", "know_it", "rd", "straße", "été"]
    assert words(text) == ["i", "don", "'", "t", "know_it", ":", "3rd", "straße", ",", "été", "!"]
    assert words("") == simple(" ") == []


def test_simple_keeps_the_words_that_simple_preprocess_drops():
    text = "a 가 나 internationalization"
    assert simple(text) == text.split() and simple_preprocess(text) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [("kiwwi", r"; did you mean 'kiwi'\?"), ("words:N", "; 'words' takes no tags"), ("xyzzy", ""), ("", "")],
)
def test_unknown_names(name, hint):
    with pytest.raises(
        ValueError,
        match=rf"^tokenizer: expected a callable or one of split, simple, words, kiwi, mecab, got '{name}'{hint}$",
    ):
        resolve(name)


@pytest.mark.parametrize("tokenizer", [None, 5, ["split"]])
def test_invalid_tokenizers(tokenizer, wv):
    with pytest.raises(TypeError, match=r"^tokenizer: expected a name or a callable"):
        wv.tokenizer = tokenizer
    assert wv.tokenizer == "split"


def test_unknown_tags_are_refused_without_loading_anything():
    with pytest.raises(ValueError, match=r"^tags: no part-of-speech tag starts with 'NGG'"):
        resolve("kiwi:N,NGG")
    assert resolve("kiwi:N, VV-I").tags == ("N", "VV-I")


def test_names_of_tokenizers():
    assert [name_of(t) for t in ("kiwi:N", Kiwi("N,V"), Mecab(["NNG"]), words, letters)] == [
        "kiwi:N", "kiwi:N,V", "mecab:NNG", "words", None,
    ]  # fmt: skip
    assert Kiwi(["N", "V"]) == Kiwi("N,V") != Kiwi() and Kiwi() != Mecab() and len({Kiwi(), Kiwi()}) == 1
    assert describe(letters).endswith("test_tokenizers.letters") and describe(Kiwi("N")) == "kiwi:N"


@pytest.mark.parametrize(("name", "package"), [("kiwi", "kiwipiepy"), ("mecab", "python-mecab-ko")])
def test_a_missing_package_names_what_to_install(run_python, name, package):
    module = {"kiwi": "kiwipiepy", "mecab": "mecab"}[name]
    code = f"""
import sys; sys.modules[{module!r}] = None
from gensim.test.utils import common_texts
from gensim_sent2vec import Sent2Vec
model = Sent2Vec(common_texts, min_count=1, vector_size=3, workers=1, tokenizer={name!r})
model.save(sys.argv[1])
wv = Sent2Vec.load(sys.argv[1]).wv
print(wv.encode(common_texts).shape)
try:
    wv.encode(["human computer"])
except ImportError as error:
    print("ERROR", error)
"""
    out, status = run_python(code, os.path.join(os.getcwd(), "m"))
    assert status == 0 and "(9, 3)" in out
    warning, error = (line for line in out.splitlines() if "pip install" in line)
    for line in warning, error.removeprefix("ERROR "):
        assert line.startswith(f'the tokenizer {name!r} needs {package}: pip install "gensim-sent2vec[korean]"')
    assert "ERROR" in error


# ---------------------------------------------------------------------------------------------------
# Morphemes


def test_kiwi_splits_words(kiwi):
    assert kiwi(KOREAN)[:5] == ["안전모", "를", "가지", "ᆫ", "한"]
    assert resolve("kiwi:N,VV")(KOREAN) == ["안전모", "가지", "남자", "춤", "추"]
    assert "걷" in Kiwi("VV")("걸어서 갔다")  # an irregular verb, VV-I


def test_mecab_splits_words(mecab):
    assert mecab(KOREAN)[:4] == ["안전모", "를", "가진", "한"]
    assert "가진" in resolve("mecab:N,V")(KOREAN) and "를" not in resolve("mecab:N,V")(KOREAN)
    assert Mecab("ETM")("가진") == ["가진"]  # VV+ETM


@pytest.mark.parametrize("name", ["kiwi", "mecab"])
def test_morphemes_of_odd_texts(name, request):
    tokenizer = request.getfixturevalue(name)
    assert tokenizer(unicodedata.normalize("NFD", KOREAN)) == tokenizer(KOREAN)
    assert tokenizer("") == tokenizer(" \n") == []
    assert tokenizer("춤을 \ud800 추고")[0] == "춤"
    for text in ("\0가", "😀 ㅋㅋㅋ", "x" * 5000):
        assert "".join(tokenizer(text))


@pytest.mark.parametrize("name", ["kiwi", "mecab"])
def test_korean_tokenizers_are_pickled_and_shared_by_threads(name, request):
    tokenizer = request.getfixturevalue(name)
    texts = [f"{KOREAN} {i}" for i in range(200)]
    expected = [tokenizer(text) for text in texts]
    assert pickle.loads(pickle.dumps(tokenizer)) == tokenizer and copy.deepcopy(tokenizer)(KOREAN) == tokenizer(KOREAN)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(tokenizer, texts)) == expected
        for lists in pool.map(lambda _: list(Tokenization(tokenizer).stream(texts)), range(3)):
            assert lists == expected


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("name", ["kiwi", "mecab"])
def test_korean_tokenizers_in_a_forked_process(name, request):
    tokenization = Tokenization(request.getfixturevalue(name))
    expected = list(tokenization.stream([KOREAN] * 50))
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=lambda: send.send(list(tokenization.stream([KOREAN] * 50))))
    child.start()
    try:
        assert receive.poll(60) and receive.recv() == expected
    finally:
        child.kill()
        child.join()


# ---------------------------------------------------------------------------------------------------
# Phrases


def test_phrases_are_frozen_and_joined(graph_phrases):
    phrases = freeze_phrases(graph_phrases)
    assert isinstance(phrases, FrozenPhrases) and freeze_phrases(phrases) is phrases
    assert freeze_phrases(None) is None and freeze_phrases([]) is None
    sentence = ["graph", "minors", "graph", "of", "trees", "of"]
    assert join_phrases(sentence, phrases) == phrases[sentence] == ["graph_minors", "graph_of_trees", "of"]
    assert join_phrases([], phrases) == [] and join_phrases(sentence, None) == sentence
    with pytest.raises(TypeError, match=r"^phrases: expected gensim's Phrases"):
        freeze_phrases({"a_b": 1.0})


def test_phrases_of_phrases():
    texts = [["new", "york", "times"], ["new", "york"], ["times"]] * 10
    first = Phrases(texts, min_count=1, threshold=0.01)
    second = Phrases(first[texts], min_count=1, threshold=0.01)
    layers = freeze_phrases([first, second])
    assert [count_phrases(phrases) for phrases in (None, *layers, layers)] == [0, 2, 1, 3]
    assert join_phrases(["new", "york", "times"], layers) == ["new_york_times"]
    assert join_phrases(
        ["new", "york", "times"], phrases_from_json(json.loads(json.dumps(phrases_to_json(layers))))
    ) == ["new_york_times"]


@pytest.mark.parametrize("options", [{}, {"scoring": "npmi", "threshold": -0.5}, {"delimiter": "+"}, {"scoring": max}])
def test_phrases_as_json(options, graph_phrases):
    if options.get("scoring") is max:
        phrases = graph_phrases.freeze()
        phrases.scoring = max
    else:
        phrases = Phrases(common_texts * 3, **{"min_count": 1, "threshold": 0.1, **options}).freeze()
    back = phrases_from_json(json.loads(json.dumps(phrases_to_json(phrases))))
    assert isinstance(back, FrozenPhrases) and phrases.phrasegrams
    for name in ("phrasegrams", "threshold", "min_count", "delimiter", "connector_words"):
        assert getattr(back, name) == getattr(phrases, name)
    assert back.scoring is (None if phrases.scoring is max else phrases.scoring)
    assert all(back[sentence] == phrases[sentence] for sentence in common_texts)
    assert options.get("scoring") != "npmi" or back.scoring is npmi_scorer


@pytest.mark.parametrize("value", [{}, {"phrasegrams": []}, "a_b", {"phrasegrams": {"a_b": "x"}, "threshold": 1}])
def test_damaged_phrases(value):
    with pytest.raises(ValueError, match=r"^phrases: damaged description"):
        phrases_from_json(value)


def test_phrases_from_files(graph_phrases, tmp_path, lee_path):
    for i, phrases in enumerate((graph_phrases, graph_phrases.freeze())):
        path = str(tmp_path / f"{i}.phrases")
        phrases.save(path)
        assert load_phrases(path).phrasegrams == graph_phrases.freeze().phrasegrams
    with pytest.raises(ValueError, match="contains no phrases saved by gensim"):
        load_phrases(lee_path)
    with pytest.raises(FileNotFoundError):
        load_phrases(str(tmp_path / "none"))


# ---------------------------------------------------------------------------------------------------
# With vectors


def test_texts_are_tokenized_and_token_lists_are_not(wv, graph_phrases):
    tokens = [words(text) for text in ("The Police, said", "RAIN in the south")]
    expected = wv.encode(tokens)
    wv.tokenizer = "words"
    texts = ["The Police, said", "RAIN in the south"]
    np.testing.assert_array_equal(wv.encode(texts), expected)
    np.testing.assert_array_equal(wv.encode(iter(texts)), expected)
    np.testing.assert_array_equal(wv.get_sentence_vector(texts[0]), expected[0])
    assert wv.similarity_sentences(*texts) == wv.similarity_sentences(*tokens)
    np.testing.assert_array_equal(wv.encode(tokens), expected)
    assert wv.encode([]).shape == (0, wv.vector_size)
    wv.phrases = graph_phrases
    assert wv.tokens("Graph MINORS!") == ["graph_minors", "!"] == next(iter(wv.token_lists(["Graph MINORS!"])))
    np.testing.assert_array_equal(wv.encode(tokens), expected)


def test_many_texts_by_threads(wv, lee):
    texts = [" ".join(tokens) for tokens in lee] * 20
    wv.tokenizer = letters
    expected = wv.encode([letters(text) for text in texts], workers=1)
    np.testing.assert_array_equal(wv.encode((text for text in texts), workers=3), expected)


def test_all_sentences_must_be_texts_if_the_first_is(wv):
    wv.tokenizer = "words"
    with pytest.raises(TypeError, match="all must be texts"):
        wv.encode(["a text", ["a", "list"]])


@pytest.mark.parametrize(("tokenizer", "what"), [(str.lower, "str"), (lambda text: None, "NoneType")])
def test_a_callable_that_does_not_return_a_list(wv, tokenizer, what):
    wv.tokenizer = tokenizer
    with pytest.raises(TypeError, match=f"must return a list of strings, not a {what}"):
        wv.encode(["some text"])


def test_tokens_contain_no_whitespace(wv):
    wv.tokenizer = lambda text: text.split("|")
    assert wv.tokens("new york| |b\tc|d") == ["new_york", "b_c", "d"]
    assert wv.tokens("new york|") == ["new_york"] and wv.tokens("") == []


@pytest.mark.parametrize(
    "tokenizer, stored", [("words", "words"), ("kiwi:N,V", "kiwi:N,V"), (Kiwi("N"), "kiwi:N"), (letters, None)]
)
def test_saved_with_the_vectors(wv, tokenizer, stored, graph_phrases, tmp_path):
    wv.tokenizer, wv.phrases = tokenizer, graph_phrases
    for other in (pickle.loads(pickle.dumps(wv)), copy.deepcopy(wv), wv.astype(np.float32)):
        assert other.tokenizer == tokenizer and other.phrases.phrasegrams == wv.phrases.phrasegrams
    wv.save(tmp_path / "wv")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "wv", mmap="r")
    assert loaded.phrases.phrasegrams == wv.phrases.phrasegrams
    assert isinstance(loaded.tokenizer, UnsavedTokenizer) if stored is None else loaded.tokenizer == stored


def test_a_callable_that_cannot_be_pickled_is_reported_when_saved_and_when_missing(model, tmp_path, caplog):
    model.wv.tokenizer = secret = lambda text: text.split("-")
    copied = copy.copy(model.wv)
    model.save(tmp_path / "m")
    assert "is a callable and is not saved; set wv.tokenizer to it again" in caplog.text
    assert model.wv.tokenizer is secret and copied.tokenizer is secret
    loaded = Sent2Vec.load(tmp_path / "m").wv
    assert isinstance(loaded.tokenizer, UnsavedTokenizer) and loaded.encode([["the"]]).any()
    with pytest.raises(ValueError, match=r"^tokenizer: the vectors were saved with .*<lambda>.*; set wv\.tokenizer"):
        loaded.encode(["the"])
    loaded.tokenizer = secret
    np.testing.assert_array_equal(loaded.encode(["the-rain"]), model.wv.encode(["the-rain"]))


def test_tokenizers_as_json(caplog):
    for tokenizer, value in ("split", "split"), (words, "words"), (Kiwi("N"), "kiwi:N"):
        assert json.loads(json.dumps(tokenizer_to_json(tokenizer))) == value == tokenizer_from_json(value)
    caplog.clear()
    value = json.loads(json.dumps(tokenizer_to_json(letters)))
    assert "letters is a callable and is not saved" in caplog.text
    back = tokenizer_from_json(value)
    with pytest.raises(ValueError, match="letters, a callable that cannot be stored in a file"):
        back("text")
    assert tokenizer_to_json(back) == value
    for damaged in (None, 5, {}, {"callable": 1}, "no such"):
        with pytest.raises(ValueError, match=r"^tokenizer: "):
            tokenizer_from_json(damaged)


# ---------------------------------------------------------------------------------------------------
# Files


@pytest.fixture
def texts(tmp_path) -> Path:
    path = tmp_path / "texts.txt"
    lines = [f"Graph minors, No {i % 7}!" if i % 3 else "" for i in range(3 * LEAST_TEXTS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("tokenizer", ["words", "simple", letters, lambda text: text.split()])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_file_is_tokenized_line_by_line(texts, tokenizer, workers, tmp_path, no_thread_left):
    target = tokenize_file(texts, tmp_path / "tokens.txt", tokenizer, workers=workers)
    expected = [" ".join(resolve(tokenizer)(line)) for line in texts.read_text().splitlines()]
    assert isinstance(target, TokenFile) and Path(target).read_text().split("\n") == [*expected, ""]
    assert {path.name for path in tmp_path.iterdir()} == {"texts.txt", "tokens.txt"}


@pytest.mark.parametrize("name", ["kiwi", "mecab"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_korean_file(name, request, tmp_path):
    tokenizer = request.getfixturevalue(name)
    (tmp_path / "ko.txt").write_text(f"{KOREAN}\n\n" * LEAST_TEXTS, encoding="utf-8")
    target = tokenize_file(tmp_path / "ko.txt", tmp_path / "out.txt.gz", name, workers=2)
    assert list(TokenLines(target)) == [tokenizer(KOREAN), []] * LEAST_TEXTS


def test_a_broken_tokenizer_leaves_the_old_file(texts, tmp_path, no_thread_left):
    (tmp_path / "tokens.txt").write_text("old\n")

    def broken(text: str) -> list[str]:
        raise KeyError(text)

    for workers in 1, 2:
        with pytest.raises(KeyError):
            tokenize_file(texts, tmp_path / "tokens.txt", broken, workers=workers)
    assert (tmp_path / "tokens.txt").read_text() == "old\n" and len(list(tmp_path.iterdir())) == 2
    with pytest.raises(FileNotFoundError, match="no directory"):
        tokenize_file(texts, tmp_path / "none" / "tokens.txt", "words")
    with pytest.raises(ValueError, match=r"^workers: must be at least 1"):
        tokenize_file(texts, tmp_path / "tokens.txt", "words", workers=0)
    (tmp_path / "latin").write_bytes(b"a\ncaf\xe9\n")
    with pytest.raises(ValueError, match="line 2: not UTF-8"):
        tokenize_file(tmp_path / "latin", tmp_path / "tokens.txt", "words")


# ---------------------------------------------------------------------------------------------------
# Training


def same(a: Sent2Vec, b: Sent2Vec) -> bool:
    return list(a.wv.index_to_key) == list(b.wv.index_to_key) and np.array_equal(a.wv.vectors, b.wv.vectors)


@pytest.fixture
def expected(texts, tmp_path) -> Sent2Vec:
    """A model trained on a file that was tokenized, with phrases, in advance."""
    done = tmp_path / "done.txt"
    phrases = freeze_phrases(Phrases([["graph", "minors"]] * 9, min_count=1, threshold=0.1))
    done.write_text(
        "".join(" ".join(join_phrases(words(line), phrases)) + "\n" for line in texts.read_text().splitlines())
    )
    model = Sent2Vec(corpus_file=done, **OPTIONS)
    model.wv.phrases = phrases
    assert "graph_minors" in model.wv
    return model


@pytest.mark.parametrize("source", ["file", "texts", "token lists", "token file"])
def test_training_tokenizes_once(texts, expected, source, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lines, phrases = texts.read_text().splitlines(), expected.wv.phrases
    calls = []

    def counted(text: str) -> list[str]:
        calls.append(text)
        return words(text)

    corpus = {
        "file": {"corpus_file": texts},
        "texts": {"sentences": lines},
        "token lists": {"sentences": [words(line) for line in lines]},
        "token file": {"corpus_file": TokenFile(tmp_path / "done.txt")},
    }[source]
    before = set(tmp_path.iterdir())
    model = Sent2Vec(**corpus, **OPTIONS, tokenizer=counted, phrases=phrases)
    assert same(model, expected) and set(tmp_path.iterdir()) == before
    assert len(calls) == (len(lines) if source in ("file", "texts") else 0)
    np.testing.assert_array_equal(model.wv.encode(["Graph minors!"]), expected.wv.encode([["graph_minors", "!"]]))


def test_build_vocab_and_train_in_steps(texts, expected, tmp_path):
    for one_pass in False, True:
        model = Sent2Vec(**OPTIONS, tokenizer="words", phrases=expected.wv.phrases)
        if one_pass:
            with model.as_tokens(corpus_file=texts) as corpus:
                model.build_vocab(*corpus)
                model.train(*corpus)
        else:
            model.build_vocab(corpus_file=texts)
            model.train(corpus_file=texts, total_words=model.corpus_total_words, epochs=2)
        assert same(model, expected)
    generator = (line for line in texts.read_text().splitlines())
    model = Sent2Vec(**OPTIONS, tokenizer="words", phrases=expected.wv.phrases)
    model.build_vocab(generator)  # a single pass is enough
    assert list(model.wv.index_to_key) == list(expected.wv.index_to_key)


def test_with_split_the_kernel_reads_the_corpus_itself(lee_path, lee_model, lee):
    with lee_model.as_tokens(corpus_file=lee_path) as corpus:
        assert corpus == (None, lee_path)
    with lee_model.as_tokens(lee) as corpus:
        assert corpus[0] is lee
    texts = ["some text", "more text"]
    with lee_model.as_tokens(texts) as corpus:
        assert corpus[0] is texts


def test_errors_of_a_corpus_reach_the_caller(texts, tmp_path):
    with pytest.raises(TypeError, match="the first one is a text, so all must be texts"):
        Sent2Vec(["a text", ["a", "list"]], **OPTIONS, tokenizer="words")
    (tmp_path / "latin").write_bytes(b"a\ncaf\xe9\n")
    with pytest.raises(ValueError, match="line 2: not UTF-8"):
        Sent2Vec(corpus_file=tmp_path / "latin", **OPTIONS, tokenizer="words")
    with pytest.raises(ValueError, match=r"the corpus is empty"):
        Sent2Vec(["", "!"], **OPTIONS, tokenizer="simple")
    with pytest.raises(ValueError, match=r"^tokenizer: expected a callable or one of .*, got 'word'"):
        Sent2Vec(corpus_file=texts, tokenizer="word")
    with pytest.raises(TypeError, match=r"^phrases: "):
        Sent2Vec(corpus_file=texts, phrases="phrases.bin")


def test_words_are_counted_while_texts_are_tokenized(texts, expected, tmp_path, monkeypatch):
    """Tokens are not read for that; those of whitespace are, by all threads."""
    counted = []
    original = training_corpus.count_file

    def count_file(*args, **options):
        counted.append(args)
        return original(*args, **options)

    monkeypatch.setattr(training_corpus, "count_file", count_file)
    options, lines = {"tokenizer": "words", "phrases": expected.wv.phrases}, texts.read_text().splitlines()
    (tmp_path / "t.csv").write_text("text\n" + "".join(f'"{line}"\n' for line in lines))
    for corpus in {"corpus_file": texts}, {"sentences": lines}, {"sentences": TextTable(tmp_path / "t.csv")}:
        model = Sent2Vec(**corpus, **OPTIONS, **options)
        assert same(model, expected) and model.corpus_count == expected.corpus_count
        assert model.corpus_total_words == expected.corpus_total_words
    model = Sent2Vec(**OPTIONS, **options, max_vocab_size=9)
    with model.as_tokens(corpus_file=texts) as corpus:
        model.build_vocab(*corpus)
        assert not counted and 0 < len(model.wv) <= 9
        model.max_vocab_size = None
        model.build_vocab(*corpus)
        assert len(counted) == 1 and list(model.wv.index_to_key) == list(expected.wv.index_to_key)
    Sent2Vec(corpus_file=texts, **OPTIONS)
    assert len(counted) == 2


# ---------------------------------------------------------------------------------------------------
# Processes


def square(text: str) -> list[str]:
    """Slow for some texts."""
    if text.endswith("0"):
        time.sleep(0.002)
    return [text, str(os.getpid())]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_tasks_are_small_if_the_tokenizer_is_slow(no_thread_left):
    texts = [str(i) for i in range(LEAST_TEXTS + 500)]
    lines = [line.split() for line in Tokenization(square).lines(texts, 2)]
    assert [text for text, _ in lines] == texts and len({pid for _, pid in lines}) == 2
    tasks = _Tasks(iter(texts))
    sizes = []
    for seconds, batch in zip((0.1, 1, 0, 10_000, 0.1), tasks):
        sizes.append(len(batch))
        tasks.took(len(batch), seconds)
    assert sizes == [FIRST_TEXTS, FIRST_TEXTS, FIRST_TEXTS // 10, MOST_TEXTS, 1]


def test_one_process_if_there_cannot_be_others(monkeypatch):
    texts, tokenizer = ["a b"] * LEAST_TEXTS, lambda text: text.split()
    monkeypatch.setattr(tokenization_module, "_can_fork", lambda: False)
    with pytest.warns(UserWarning, match=r"^the tokenizer .*<lambda> uses one CPU instead of 2: it cannot be pickled"):
        assert list(Tokenization(tokenizer).lines(texts, 2)) == texts
    for few, workers in (texts[:-1], 2), (texts, 1):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert list(Tokenization(tokenizer).lines(few, workers)) == few

    def no_memory(*args):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(tokenization_module, "_Pool", no_memory)
    with pytest.warns(UserWarning, match="uses one CPU instead of 2: the system does not let processes share memory"):
        assert list(Tokenization("words").lines(texts, 2)) == texts


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_daemon_process_tokenizes_alone():
    texts = ["a b"] * LEAST_TEXTS

    def run(send) -> None:
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            send.send((list(Tokenization("words").lines(texts, 2)), [str(warning.message) for warning in given]))

    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    child = context.Process(target=run, args=(send,), daemon=True)
    child.start()
    lines, given = receive.recv() if receive.poll(60) else ([], [])
    child.join()
    assert lines == texts and "words uses one CPU instead of 2: this process is a daemon" in "".join(given)


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_kiwi_with_many_workers_runs_in_processes(kiwi, monkeypatch, no_thread_left):
    texts = [f"{KOREAN} {i}" for i in range(LEAST_TEXTS)]
    expected = list(Tokenization("kiwi").lines(texts, 2))
    monkeypatch.setattr(tokenization_module, "MOST_THREADS", 2)
    monkeypatch.setattr(Kiwi, "stream", None)  # which would use threads
    assert list(Tokenization("kiwi").lines(texts, 3)) == expected
    assert expected[0] == " ".join(kiwi(texts[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="only fork passes a lambda to other processes")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_killed_process_is_reported(texts, tmp_path, no_thread_left):
    with pytest.raises(ChildProcessError, match="was killed"):
        tokenize_file(texts, tmp_path / "tokens.txt", lambda text: os._exit(9), workers=2)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_while_tokenizing_leaves_no_files(texts, tmp_path):
    code = """
import sys, time
from gensim_sent2vec import Sent2Vec
def slow(text):
    time.sleep(0.01)
    print("running", flush=True)
    return text.split()
Sent2Vec(corpus_file=sys.argv[1], tokenizer=slow, workers=2)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(texts)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c)  # fmt: skip
    process.stdout.readline()
    assert len(list(tmp_path.iterdir())) == 2  # the folder for the tokens
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt") and [path.name for path in tmp_path.iterdir()] == ["texts.txt"]


def test_a_full_disk_is_named(texts, tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    with pytest.raises(OSError, match="not enough disk space for the tokenized corpus in"):
        write_tokens(["a b c"] * 100_000, "/dev/full", Tokenization("words"), workers=1)


def test_learned_phrases(lee):
    phrases = learn_phrases(lee, min_count=3, threshold=5)
    assert phrases.connector_words and join_phrases(["New", "South", "Wales"], phrases)[0] == "New_South"


def test_a_model_reset_from_another_keeps_its_tokenizer(model):
    other = Sent2Vec(vector_size=20, tokenizer="words")
    other.reset_from(model)
    assert other.wv.tokenizer == "words"


def test_no_warnings_if_nothing_is_missing(wv, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    wv.tokenizer = "words"
    wv.save(tmp_path / "wv")
    Sent2VecKeyedVectors.load(tmp_path / "wv")
    assert not caplog.records
