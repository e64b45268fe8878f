"""`keep_tokens`: tokens of a corpus that further runs use, as long as they are those of its texts and tokenizer."""

import functools
import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from gensim.models.phrases import Phrases
from processes import heed_ctrl_c

from gensim_sent2vec import Sent2Vec, TextTable, TokenFile
from gensim_sent2vec._text import kept, tokenized
from gensim_sent2vec._text.corpus import TextLines, TokenLines, sample_lines
from gensim_sent2vec._text.fingerprints import TextsFingerprint, tokenization_facts
from gensim_sent2vec.tokenizers import Kiwi, describe, simple, words

OPTIONS = {"vector_size": 8, "min_count": 1, "epochs": 2, "workers": 1}
TEXTS = [
    f"The {animal}, no. {i}, likes {food}!" for i in range(60) for animal in ("Cat", "dog") for food in ("fish", "Ham")
]


class Calls:
    """A tokenizer that counts its calls."""

    def __init__(self, tokenize=words):
        self.tokenize, self.n = tokenize, 0

    def __call__(self, text):
        self.n += 1
        return self.tokenize(text)

    def __getstate__(self):
        return {"tokenize": self.tokenize}


@pytest.fixture
def texts(tmp_path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    return path


@pytest.fixture
def said(caplog):
    """What has been said since the last call."""
    caplog.set_level(logging.INFO, "gensim_sent2vec.tokens")

    def lines() -> list[str]:
        messages = [record.getMessage() for record in caplog.records if record.name == "gensim_sent2vec.tokens"]
        caplog.clear()
        return messages

    return lines


def same(a: Sent2Vec, b: Sent2Vec) -> bool:
    return list(a.wv.index_to_key) == list(b.wv.index_to_key) and np.array_equal(a.wv.vectors, b.wv.vectors)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def train(source=None, tokenizer=words, **options) -> Sent2Vec:
    source = {"corpus_file": source} if isinstance(source, Path) else {"sentences": source}
    return Sent2Vec(**source, **{**OPTIONS, "tokenizer": tokenizer, **options})


# ---------------------------------------------------------------------------------------------------
# Kept and used again


def test_the_second_run_uses_the_tokens_of_the_first(texts, tmp_path, said):
    tokens, plain = tmp_path / "corpus.tokens", train(texts)
    tokenizer = Calls()
    first = train(texts, tokenizer, keep_tokens=tokens)
    assert tokenizer.n == len(TEXTS) and said() == [f"keep_tokens: kept the tokens in {str(tokens)!r}"]
    assert names(tmp_path) == {"texts.txt", "corpus.tokens"}
    tokenizer = Calls()
    before = tokens.read_bytes(), tokens.stat().st_mtime_ns
    second = train(texts, tokenizer, keep_tokens=str(tokens))
    assert tokenizer.n <= 2 * tokenized.SAMPLE_SIZE and (tokens.read_bytes(), tokens.stat().st_mtime_ns) == before
    assert f"using the tokens of 240 texts by {describe(tokenizer)} in" in said()[0]
    assert same(first, plain) and same(second, plain) and names(tmp_path) == {"texts.txt", "corpus.tokens"}
    assert second.corpus_count == len(TEXTS) and second.corpus_total_words == plain.corpus_total_words
    np.testing.assert_array_equal(second.wv.encode(TEXTS[:3]), plain.wv.encode(TEXTS[:3]))


def test_few_texts_are_tokenized_again_of_many(tmp_path):
    many = [f"{text} {i}" for i in range(20) for text in TEXTS]
    train(many, Calls(), keep_tokens=tmp_path / "t")
    tokenizer = Calls()
    train(many, tokenizer, keep_tokens=tmp_path / "t")
    assert tokenized.SAMPLE_SIZE <= tokenizer.n <= 2 * tokenized.SAMPLE_SIZE < len(many)


def test_every_kind_of_corpus_shares_the_file(texts, tmp_path, said):
    """The fingerprint is that of the texts, wherever they are from."""
    pandas = pytest.importorskip("pandas")
    plain, tokens = train(texts), tmp_path / "t"
    with gzip.open(tmp_path / "texts.txt.gz", "wt") as file:
        file.write(texts.read_text())
    quoted = [text.replace('"', '""') for text in TEXTS]
    (tmp_path / "t.csv").write_text("id,text\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(quoted)))
    column = pandas.DataFrame({"text": TEXTS}, index=range(7, 7 + len(TEXTS)))["text"]
    tables = [TextTable(path) for path in (texts, tmp_path / "texts.txt.gz", tmp_path / "t.csv")]
    corpora = [texts, TEXTS, tuple(TEXTS), *tables, column, np.array(TEXTS)]
    for i, corpus in enumerate(corpora):
        assert same(train(corpus, keep_tokens=tokens), plain)
        assert ("kept" if i == 0 else "using") in said()[0]


def test_steps_share_the_file(texts, tmp_path, said):
    model, plain = Sent2Vec(**OPTIONS, tokenizer="words"), train(texts, "words")
    options = {"corpus_file": texts, "keep_tokens": tmp_path / "t"}
    model.build_vocab(**options)
    model.train(**options)
    model.fit_weighting(**options)
    with model.as_tokens(**options) as (sentences, file):
        assert sentences is None and list(TokenLines(file)) == list(map(words, TEXTS))
    assert same(model, plain) and [line.split()[1] for line in said()] == ["kept", "using", "using", "using"]


def test_tokens_with_phrases_are_kept(texts, tmp_path, said):
    phrases = [Phrases([["the", animal]] * 9, min_count=1, threshold=0.1).freeze() for animal in ("cat", "dog")]
    plain = train(texts, phrases=phrases[0])
    assert "the_cat" in plain.wv
    for expected in "kept", "using":
        assert same(train(texts, phrases=phrases[0], keep_tokens=tmp_path / "t"), plain) and expected in said()[0]
    assert "the_dog" in train(texts, phrases=phrases[1], keep_tokens=tmp_path / "t").wv
    assert "is out of date: the phrases have changed; the corpus is tokenized again" in said()[0]


@pytest.mark.parametrize("name", ["kiwi", "mecab"])
def test_morphemes_are_kept(name, tmp_path, said):
    pytest.importorskip({"kiwi": "kiwipiepy", "mecab": "mecab"}[name])
    korean = ["안전모를 가진 한 남자가 춤을 추고 있다.", "걸어서 갔다"] * 10
    models = [train(korean, name, keep_tokens=tmp_path / "t") for _ in range(2)]
    assert same(*models) and ["kept" in said()[0]] and "가" in models[0].wv
    train(korean, f"{name}:N", keep_tokens=tmp_path / "t")
    assert f"the tokenizer was {name}, and is {name}:N" in "".join(said())


# ---------------------------------------------------------------------------------------------------
# Out of date


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda texts: [*texts[:-1], "Another text"], "the texts have changed;"),
        (lambda texts: [*texts, ""], "the texts have changed: there were 240 texts, there are 241 texts;"),
        (lambda texts: texts[::-1], "the texts have changed;"),
        (lambda texts: [texts[0] + texts[1], "", *texts[2:]], "the texts have changed;"),
    ],
)
def test_changed_texts_are_tokenized_again(change, reason, tmp_path, said):
    train(TEXTS, keep_tokens=tmp_path / "t")
    changed = change(TEXTS)
    for expected in reason, "using":
        said()
        assert same(train(changed, keep_tokens=tmp_path / "t"), train(changed))
        assert expected in said()[-2 if expected == reason else -1]


def test_a_file_with_the_same_size_and_time_is_not_taken_for_the_old_one(texts, tmp_path, said):
    train(texts, keep_tokens=tmp_path / "t")
    before = texts.stat()
    texts.write_text(texts.read_text().replace("Cat", "Cow"))
    os.utime(texts, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert texts.stat().st_size == before.st_size
    assert "cow" in train(texts, keep_tokens=tmp_path / "t").wv and "the texts have changed" in said()[1]


def test_a_changed_version_is_said(texts, tmp_path, said, monkeypatch):
    train(texts, simple, keep_tokens=tmp_path / "t")
    monkeypatch.setattr("gensim_sent2vec._text.fingerprints.package_version", lambda name: "9.9")
    train(texts, simple, keep_tokens=tmp_path / "t")
    assert "the version of gensim was " in said()[1]
    monkeypatch.setattr("gensim_sent2vec._text.fingerprints.RULES", 2)
    said()
    train(texts, simple, keep_tokens=tmp_path / "t")
    assert "the version of the tokenizing of this package was 1, and is 2" in said()[0]


def test_a_tokenizer_that_behaves_differently_is_found_out(texts, tmp_path, said):
    """Whatever the reason: here, a state that its fingerprint does not cover."""

    class Hidden:
        __slots__ = ("function",)

        def __reduce__(self):
            return Hidden, ()

        def __call__(self, text):
            return self.function(text)

    tokenizer = Hidden()
    for function, expected in (words, "kept"), (words, "using"), (str.split, "now returns other tokens for text 1;"):
        tokenizer.function = function
        train(texts, tokenizer, keep_tokens=tmp_path / "t")
        assert expected in said()[0]


@pytest.mark.slow  # it loads Kiwi six times
@pytest.mark.parametrize(("before", "after"), [(False, False), (True, False), (False, True)])
def test_words_that_were_added_to_a_dictionary_are_found_out(before, after, run_python, tmp_path):
    """In the run that kept the tokens, or in a later one. If the analyzer is not even loaded, nobody has added any."""
    pytest.importorskip("kiwipiepy")
    code = """
import sys
from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.tokenizers import Kiwi
if sys.argv[2] == "True":
    Kiwi().load().add_user_word("우영우김밥", "NNP")
Sent2Vec(["우영우김밥 하나 주세요", "김밥 둘"] * 3, tokenizer="kiwi", keep_tokens=sys.argv[1], min_count=1, epochs=1,
         vector_size=4, workers=1, weighting=False)
print(Kiwi().is_loaded)
"""
    (first, _), (second, status) = (run_python(code, str(tmp_path / "t"), str(added)) for added in (before, after))
    assert status == 0 and first.split()[-1] == "True"
    assert ("now returns other tokens for text 1" in second) == (before != after)
    assert second.split()[-1] == str(before or after)


# ---------------------------------------------------------------------------------------------------
# Fingerprints


def code_of(tokenizer) -> str:
    return tokenization_facts(tokenizer, None)["code"]


def module(source: str) -> types.ModuleType:
    """A module of the user's own."""
    result = types.ModuleType("own")
    exec(source, result.__dict__)
    return result


OWN = """
import re, threading, functools
STOP = {"the", "of"}
def clean(text): return text.lower()
def tokenize(text): return [word for word in clean(text).split() if word not in STOP]
class Tokenizer:
    pattern = re.compile("[a-z]+")
    def __init__(self): self.lock, self.myself, self.least = threading.Lock(), self, 1
    def __call__(self, text): return [word for word in self.pattern.findall(text) if len(word) > self.least]
    def method(self, text): return self(text)
cached = functools.lru_cache(tokenize)
partial = functools.partial(tokenize)
def factory(least): return lambda text: [word for word in text.split() if len(word) > least]
"""
MADE = {
    "function": lambda own: own.tokenize,
    "object": lambda own: own.Tokenizer(),
    "method": lambda own: own.Tokenizer().method,
    "cached": lambda own: own.cached,
    "partial": lambda own: own.partial,
    "closure": lambda own: own.factory(2),
}
CHANGES = {
    ("function", "cached", "partial"): [("lower()", "upper()"), ('"of"', '"off"'), ("word not in", "word in")],
    ("object", "method"): [("[a-z]+", "[a-y]+"), ("self, 1", "self, 2"), ("> self", ">= self")],
    ("closure",): [("> least", ">= least")],
}


@pytest.mark.parametrize(("kinds", "change"), [(kinds, change) for kinds in CHANGES for change in CHANGES[kinds]])
def test_changes_of_code_change_fingerprints(kinds, change):
    for make in (MADE[kind] for kind in kinds):
        assert code_of(make(module(OWN))) == code_of(make(module("\n\n" + OWN)))  # the line numbers do not matter
        changed = OWN.replace(*change)
        assert changed != OWN and code_of(make(module(OWN))) != code_of(make(module(changed)))


def test_closures_and_installed_functions():
    assert code_of(module(OWN).factory(2)) != code_of(module(OWN).factory(3))
    assert code_of(str.split) == code_of(str.split) != code_of(str.splitlines)
    assert code_of(functools.partial(str.split, sep=",")) != code_of(functools.partial(str.split, sep=";"))

    class Own(Kiwi):
        pass

    assert tokenization_facts("kiwi", None)["code"] is None and code_of(Own())


def test_fingerprints_do_not_depend_on_the_process(run_python):
    code = f"""
import types
from gensim_sent2vec._text.fingerprints import tokenization_facts
own = types.ModuleType("own")
exec({OWN!r}, own.__dict__)
print(*(tokenization_facts(t, None)["code"] for t in (own.tokenize, own.Tokenizer(), own.cached, own.factory(1))))
"""
    first, second = (run_python(code, PYTHONHASHSEED=seed) for seed in "12")
    assert first == second and first[1] == 0 and len(set(first[0].split())) == 4


def test_fingerprints_of_texts():
    def of(texts):
        fingerprint = TextsFingerprint()
        assert list(fingerprint.record(texts)) == texts
        return fingerprint.n_texts, fingerprint.hexdigest()

    assert of(["a", "b"] * 2000) == of(["a", "b"] * 2000) and of([]) == of([])
    different = [[], [""], ["", ""], ["ab"], ["a", "b"], ["b", "a"], ["ab", ""], ["a\n", "b"], ["a", "\nb"], ["\ud800"]]
    assert len({of(texts) for texts in different}) == len(different)


# ---------------------------------------------------------------------------------------------------
# Other files


@pytest.mark.parametrize("content", [b"my own words\n", b"\x80\x04", b"#gensim_sent2vec", b"\n"])
def test_a_file_of_something_else_stays_as_it_is(content, texts, tmp_path):
    (tmp_path / "t").write_bytes(content)
    tokenizer = Calls()
    with pytest.raises(
        ValueError, match=r"^keep_tokens: '.*t' exists and is not a file of kept tokens.*choose another"
    ):
        train(texts, tokenizer, keep_tokens=tmp_path / "t")
    for corpus in texts, TextTable([texts]):
        with pytest.raises(ValueError, match=r"^keep_tokens: '.*texts.txt' exists and is not"):
            train(corpus, tokenizer, keep_tokens=texts)
    assert (tmp_path / "t").read_bytes() == content and not tokenizer.n and names(tmp_path) == {"texts.txt", "t"}


def test_the_corpus_is_not_overwritten(texts, tmp_path):
    """Even if it is a file of kept tokens, or empty."""
    path = tmp_path / "t"
    train(texts, keep_tokens=path)
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path)
    for corpus in path, TextTable(path), TextTable([texts, path]):
        for name in path, tmp_path / "link":
            with pytest.raises(ValueError, match=r"^keep_tokens: '.*t' is the corpus, which would be overwritten"):
                train(corpus, keep_tokens=name)
    assert path.read_bytes() == before


def test_a_directory_that_is_not_writable(texts, tmp_path, said, monkeypatch):
    """Kept tokens in it can be used, but not written."""
    path, tokenizer = tmp_path / "t", Calls()
    train(texts, keep_tokens=path)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert same(train(texts, keep_tokens=path), train(texts)) and "using" in said()[1]
    with pytest.raises(PermissionError, match=r"^keep_tokens: cannot write '.*t': the directory .* is not writable"):
        train(TEXTS[1:], tokenizer, keep_tokens=path)
    assert not tokenizer.n


def test_an_empty_file_is_written(texts, tmp_path):
    (tmp_path / "t").touch()
    train(texts, keep_tokens=tmp_path / "t")
    assert (tmp_path / "t").read_bytes().startswith(kept.KEPT_TOKENS)


def edited(data: bytes, **fields) -> bytes:
    """With other fields in the header, whose checksum is right."""
    text = data[: kept.HEADER_BYTES][-kept.TEXT_BYTES - 1 : -1]
    text = json.dumps({**json.loads(text), **fields}).encode().ljust(kept.TEXT_BYTES)
    return kept.KEPT_TOKENS + kept.checksum(text) + b" " + text + b"\n" + data[kept.HEADER_BYTES :]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: data[:-1], "bytes of tokens instead of"),
        (lambda data: data + b"more\n", "bytes of tokens instead of"),
        (lambda data: data[:100], "its first line is not as it was written"),
        (lambda data: data[: kept.HEADER_BYTES], "it has 0 bytes of tokens"),
        (lambda data: flipped(data, 40), "its first line is not"),
        (lambda data: flipped(data, 100), "its first line is not"),
        (lambda data: data.replace(b'"words"', b'"wards"'), "its first line is not"),
        (lambda data: data.replace(b"   ", b"\n  ", 1), "its first line is not"),
        (lambda data: edited(data, n_texts="a"), "its first line is not"),
        (lambda data: edited(data, facts={}), "its first line is not"),
        (lambda data: edited(data, pristine=None), "its first line is not"),
        (lambda data: flipped(data, len(data) - 5), "its tokens have changed since"),
        (lambda data: flipped(data, kept.HEADER_BYTES), "its tokens have changed since"),
        (lambda data: edited(data, format=2, n_texts="a"), r"another version of gensim_sent2vec \(format 2"),
    ],
)
@pytest.mark.parametrize("changed", [False, True])
def test_a_damaged_file_is_named_and_stays_as_it_is(damage, why, changed, texts, tmp_path):
    """Even if it is out of date: somebody may have edited it."""
    path = tmp_path / "t"
    train(texts, keep_tokens=path)
    path.write_bytes(damage(path.read_bytes()))
    before, corpus = path.read_bytes(), [*TEXTS, "more"] if changed else texts
    with pytest.raises(ValueError, match=rf"^keep_tokens: '.*t' .*{why}.*choose another name, or delete the file"):
        train(corpus, keep_tokens=path)
    assert path.read_bytes() == before and names(tmp_path) == {"texts.txt", "t"}


def test_every_damaged_byte_of_the_header_is_noticed(texts, tmp_path):
    path = tmp_path / "t"
    train(texts, keep_tokens=path)
    data = path.read_bytes()
    for at in [*range(500), *range(500, kept.HEADER_BYTES, 97), kept.HEADER_BYTES - 1]:
        path.write_bytes(flipped(data, at))
        with pytest.raises(ValueError, match=r"^keep_tokens: "):
            train(texts, keep_tokens=path)


@pytest.mark.parametrize(
    ("path", "error", "match"),
    [
        ("t.gz", ValueError, "uncompressed"),
        (".", IsADirectoryError, "is a directory"),
        ("none/t", FileNotFoundError, "there is no directory"),
        (5, TypeError, "expected the path of a file, got int"),
        (b"t", TypeError, "expected the path of a file, got bytes"),
        ("/dev/null", OSError, "a pipe or a device"),
    ],
)
def test_paths_that_cannot_be_written(path, error, match, texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if path == "/dev/null" and os.name == "nt":
        pytest.skip("no such device")
    tokenizer = Calls()
    with pytest.raises(error, match=match):
        train(texts, tokenizer, keep_tokens=path)
    assert not tokenizer.n and names(tmp_path) == {"texts.txt"}


@pytest.mark.parametrize(
    ("corpus", "options", "why"),
    [
        ({"sentences": [["a", "b"]]}, {"tokenizer": "words"}, "it consists of token lists"),
        ({"sentences": ["a b"]}, {}, "texts are only split at whitespace"),
        ({"sentences": []}, {"tokenizer": "words"}, "it is empty"),
        ({"corpus_file": TokenFile("texts.txt")}, {"tokenizer": "words"}, "it has been tokenized already"),
    ],
)
def test_nothing_to_keep(corpus, options, why, texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"^keep_tokens: nothing is tokenized, because {why}; leave the option out"):
        Sent2Vec(**corpus, **OPTIONS, **options, keep_tokens="t")
    assert names(tmp_path) == {"texts.txt"}


def test_texts_that_can_be_read_once_only(tmp_path):
    model = Sent2Vec(**OPTIONS, tokenizer="words")
    with pytest.raises(TypeError, match=r"^corpus_iterable: keep_tokens reads the texts twice.* generator can be read"):
        model.build_vocab((text for text in TEXTS), keep_tokens=tmp_path / "t")


def test_without_a_corpus_it_is_ignored(caplog, tmp_path):
    Sent2Vec(**OPTIONS, tokenizer="words", keep_tokens=tmp_path / "t")
    assert "keep_tokens are ignored without a corpus" in caplog.text and not names(tmp_path)


def test_texts_that_are_no_texts(tmp_path):
    train(TEXTS, keep_tokens=tmp_path / "t")
    for bad in [*TEXTS, 5], [*TEXTS, None], [*TEXTS, ["a"]]:
        with pytest.raises(TypeError, match="row 240"):
            train(bad, keep_tokens=tmp_path / "t")
    assert "using" not in names(tmp_path) and names(tmp_path) == {"t"}


# ---------------------------------------------------------------------------------------------------
# Readers of the file


def test_a_file_of_kept_tokens_is_read_as_text_without_its_first_line(texts, tmp_path):
    path, plain = tmp_path / "t", train(texts)
    train(texts, keep_tokens=path)
    lines = [" ".join(words(text)) for text in TEXTS]
    assert list(TextLines(path)) == list(TextTable(path)) == lines
    assert list(sample_lines(TextLines(path).plain_path, 1000)) == [line.split() for line in lines]
    for corpus in {"corpus_file": path}, {"corpus_file": TokenFile(path)}, {"sentences": TextTable(path)}:
        assert same(Sent2Vec(**corpus, **OPTIONS), plain)
    assert names(tmp_path) == {"texts.txt", "t"}


def test_the_fit_samples_tokens_only(texts, tmp_path):
    """Not the header, whichever lines are sampled."""
    train(texts, keep_tokens=tmp_path / "t")
    with Sent2Vec(**OPTIONS, tokenizer=words).as_tokens(corpus_file=texts, keep_tokens=tmp_path / "t") as (_, file):
        for size in 1, 3, 10, 1000:
            assert all(line[0] == "the" for line in sample_lines(file, size))
        assert next(iter(sample_lines(file, 3))) == words(TEXTS[0])


# ---------------------------------------------------------------------------------------------------
# Several at once, and failures


def test_a_replaced_file_does_not_change_a_running_training(texts, tmp_path):
    path = tmp_path / "t"
    model, plain = Sent2Vec(**OPTIONS, tokenizer=words), train(texts)
    train(texts, keep_tokens=path)
    with model.as_tokens(corpus_file=texts, keep_tokens=path) as corpus:
        model.build_vocab(*corpus)
        train(["something else"] * 5, keep_tokens=path)
        path.unlink()
        model.train(*corpus)
    assert same(model, plain) and names(tmp_path) == {"texts.txt"}


def test_several_runs_share_a_file(texts, tmp_path):
    """Some with other texts: each trains on its own tokens, whatever the others write meanwhile."""
    corpora = [TEXTS, TEXTS[::-1]]
    plain = [train(corpus) for corpus in corpora]
    found, errors = [], []

    def run(i: int) -> None:
        try:
            for _ in range(4):
                found.append(same(train(corpora[i % 2], keep_tokens=tmp_path / "t"), plain[i % 2]))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and found == [True] * 24 and names(tmp_path) == {"texts.txt", "t"}


@pytest.mark.parametrize("failing", ["link", "folder"])
def test_without_hard_links(failing, texts, tmp_path, said, monkeypatch):
    def refuse(*args):
        raise PermissionError(1, "not permitted")

    plain = train(texts)
    if failing == "link":
        monkeypatch.setattr("os.link", refuse)
    assert same(train(texts, keep_tokens=tmp_path / "t"), plain)
    if failing == "folder":
        monkeypatch.setattr(kept, "temporary_folder", refuse)  # that of another user
    assert same(train(texts, keep_tokens=tmp_path / "t"), plain) and "using" in said()[1]
    assert names(tmp_path) == {"texts.txt", "t"}


def test_training_goes_on_if_the_tokens_cannot_be_kept(texts, tmp_path, monkeypatch):
    path = tmp_path / "t"
    plain = train(texts)

    def tokenize_while_somebody_writes(text):
        path.write_text("mine")
        return words(text)

    with pytest.warns(UserWarning, match=r"^the tokens are not kept for other runs, .*t' exists and is not a file of"):
        assert same(train(texts, tokenize_while_somebody_writes, keep_tokens=path), plain)
    assert path.read_text() == "mine" and names(tmp_path) == {"texts.txt", "t"}
    path.unlink()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", full)
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.warns(UserWarning, match="are not kept for other runs, but this one goes on with them:.*No space left"):
        assert same(train(texts, keep_tokens=path), plain)
    assert names(tmp_path) == {"texts.txt"}


def test_an_error_of_the_tokenizer_leaves_the_old_tokens(texts, tmp_path):
    train(texts, keep_tokens=tmp_path / "t")
    before = (tmp_path / "t").read_bytes()

    def broken(text):
        raise KeyError(text)

    with pytest.raises(KeyError):
        train(texts, broken, keep_tokens=tmp_path / "t")
    assert (tmp_path / "t").read_bytes() == before and names(tmp_path) == {"texts.txt", "t"}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_keeps_nothing(number, texts, tmp_path):
    texts.write_text(texts.read_text() * 10)  # enough for several processes
    code = """
import sys, time
from gensim_sent2vec import Sent2Vec
def slow(text):
    time.sleep(0.01)
    print("running", flush=True)
    return text.split()
Sent2Vec(corpus_file=sys.argv[1], tokenizer=slow, workers=2, keep_tokens=sys.argv[2])
"""
    command = [sys.executable, "-W", "ignore", "-c", code, str(texts), str(tmp_path / "t")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipes, preexec_fn=heed_ctrl_c)
    process.stdout.readline()
    process.send_signal(number)
    process.communicate(timeout=60)  # until all processes have closed their output
    if number == signal.SIGINT:
        assert names(tmp_path) == {"texts.txt"}
    assert not (tmp_path / "t").exists()
    train(texts, keep_tokens=tmp_path / "t")  # which removes what a killed run has left
    assert names(tmp_path) == {"texts.txt", "t"}


def test_the_header_says_what_the_tokens_are_from(texts, tmp_path):
    train(texts, keep_tokens=tmp_path / "t")
    head = (tmp_path / "t").read_bytes()[: kept.HEADER_BYTES]
    fields = json.loads(head[-kept.TEXT_BYTES - 1 :])
    assert fields["n_texts"] == len(TEXTS) and fields["facts"]["tokenizer"] == "words" and head.endswith(b" \n")
    assert str(tmp_path) not in head.decode()  # no names of files, as it may be passed on
