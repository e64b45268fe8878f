"""Pretrained static vectors: read as their own packages read them; damaged folders give clear errors."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import static_folders
from static_folders import TOKENIZERS, WORDS, safetensors, table, write_model2vec, write_wordllama

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._util import subwords
from gensim_sent2vec._util.rows import unit_rows

pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "gensim-sent2vec[pretrained]"')

TEXTS = [
    "The man is playing the guitar.",
    "a woman is not singing, is the president!",
    "Obama  obama\tOBAMA",
    "한국어 the\u3000water",
    "",
    " ",
    "qqq zzz \U0001f600 \ud800",
    "the man " * 50,
]


@pytest.fixture(params=sorted(TOKENIZERS))
def tokenizer(request):
    return TOKENIZERS[request.param]()


@pytest.fixture
def folder(tmp_path):
    return write_model2vec(tmp_path / "folder", static_folders.wordpiece())


def mean_rows(tokenizer, rows, text, unknown=None, max_tokens=512):
    """The mean of the rows of a text's tokens, straight from the definition."""
    ids = tokenizer.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids[:max_tokens]
    ids = [i for i in ids if i != unknown]
    return rows[ids].mean(axis=0) if ids else np.zeros(rows.shape[1])


def test_encode_is_the_mean_of_the_rows_of_subwords(tmp_path, tokenizer):
    rows = table(tokenizer.get_vocab_size())
    wv = Sent2VecKeyedVectors.from_model2vec(write_model2vec(tmp_path / "f", tokenizer, embeddings=rows))
    unknown = {"WordPiece": 1, "Unigram": 0}.get(json.loads(tokenizer.to_str())["model"]["type"])
    expected = [mean_rows(tokenizer, rows, text, unknown) for text in TEXTS]
    np.testing.assert_allclose(wv.encode(TEXTS), expected, atol=1e-6)
    for text, vector in zip(TEXTS, expected):
        np.testing.assert_allclose(wv.encode(text), vector, atol=1e-6)
        np.testing.assert_allclose(wv.encode([wv.tokens(text)])[0], vector, atol=1e-6)


@pytest.mark.parametrize("config", [{}, {"normalize": True}, {"max_length": 5}, {"max_length": None}])
@pytest.mark.parametrize("extra", ["plain", "weights", "mapping", "float16", "float64", "int8"])
def test_encode_equals_model2vec(tmp_path, tokenizer, config, extra):
    model2vec = pytest.importorskip("model2vec", reason='needs model2vec: pip install "gensim-sent2vec[static]"')
    n = tokenizer.get_vocab_size()
    rng = np.random.default_rng(0)
    arrays = {"embeddings": table(n)}
    if extra == "weights":
        arrays["weights"] = rng.random(n)
    elif extra == "mapping":
        arrays = {"embeddings": table(7), "mapping": rng.integers(0, 7, n), "weights": rng.random(n)}
    elif extra == "int8":
        arrays["embeddings"] = rng.integers(-127, 127, (n, 6)).astype(np.int8)
    elif extra != "plain":
        arrays["embeddings"] = arrays["embeddings"].astype(extra)
    path = write_model2vec(tmp_path / "f", tokenizer, config, **arrays)
    expected = model2vec.StaticModel.from_pretrained(path).encode([t for t in TEXTS if "\ud800" not in t])
    found = Sent2VecKeyedVectors.from_model2vec(path).encode([t for t in TEXTS if "\ud800" not in t])
    tolerance = 2e-3 if extra == "float16" else 1e-5  # model2vec rounds the means to float16
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=1e-5)


def test_encode_equals_wordllama(tmp_path):
    """The installed package, which has its own folder of weights and tokenizers."""
    wordllama = pytest.importorskip("wordllama", reason="needs wordllama: pip install wordllama")
    package = os.path.dirname(wordllama.__file__)
    theirs = wordllama.WordLlama.load(cache_dir=Path(package), disable_download=True)
    texts = [text for text in TEXTS if "\ud800" not in text]
    for path in ("wordllama", package, os.path.join(package, "weights", "l2_supercat_256.safetensors")):
        wv = Sent2VecKeyedVectors.from_model2vec(path)
        np.testing.assert_allclose(wv.encode(texts), theirs.embed(texts), atol=1e-5)
    short = Sent2VecKeyedVectors.from_model2vec("wordllama", dims=64)
    np.testing.assert_allclose(short.encode(texts), theirs.embed(texts)[:, :64], atol=1e-5)


def test_wordllama_files(tmp_path):
    tokenizer = static_folders.sentencepiece()
    rows = table(tokenizer.get_vocab_size(), 8, np.float16)
    file = write_wordllama(tmp_path, tokenizer, rows)
    write_wordllama(tmp_path, tokenizer, rows[:, :4].copy())
    for path in (file, str(tmp_path)):  # of a folder, the file with the most dimensions
        wv = Sent2VecKeyedVectors.from_model2vec(path)
        assert wv.vectors.dtype == np.float16 and wv.vector_size == 8
        np.testing.assert_allclose(
            wv.encode(["the man"])[0], mean_rows(tokenizer, rows.astype(np.float32), "the man"), atol=1e-6
        )
    assert Sent2VecKeyedVectors.from_model2vec(file, dims=3).vector_size == 3
    with pytest.raises(ValueError, match="dims: must be between 1 and the 8 dimensions"):
        Sent2VecKeyedVectors.from_model2vec(file, dims=9)


def test_the_layouts_of_sentence_transformers(tmp_path):
    tokenizer = static_folders.wordpiece()
    rows = table(tokenizer.get_vocab_size())
    for name, inner in (("flat", ""), ("nested", "0_StaticEmbedding")):
        path = write_model2vec(tmp_path / name / inner, tokenizer, **{"embedding.weight": rows})
        (path / "config.json").unlink()
        (path / "model.safetensors").write_bytes(safetensors({"embedding.weight": rows}))
        (tmp_path / name / "config_sentence_transformers.json").write_text("{}")
        wv = Sent2VecKeyedVectors.from_model2vec(tmp_path / name)
        np.testing.assert_array_equal(wv.vectors, rows)


def test_bfloat16(tmp_path):
    tokenizer = static_folders.wordpiece()
    rows = table(tokenizer.get_vocab_size())
    upper = (rows.view(np.uint32) >> 16).astype(np.uint16)  # as written by torch, up to rounding
    wv = Sent2VecKeyedVectors.from_model2vec(write_model2vec(tmp_path / "f", tokenizer, embeddings=upper))
    np.testing.assert_allclose(wv.vectors, rows, rtol=1 / 128)


@pytest.mark.parametrize("mmap", [None, "r"])
def test_a_saved_file_encodes_without_the_folder(tmp_path, tokenizer, mmap):
    path = write_model2vec(tmp_path / "f", tokenizer, {"normalize": True, "max_length": 9})
    wv = Sent2VecKeyedVectors.from_model2vec(path)
    expected = wv.encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(expected[0]), 1, atol=1e-6)
    wv.save(tmp_path / "saved.s2v")
    for file in path.iterdir():
        file.unlink()
    loaded = Sent2VecKeyedVectors.load(tmp_path / "saved.s2v", mmap=mmap, verify=True)
    np.testing.assert_array_equal(loaded.encode(TEXTS), expected)
    assert loaded.tokenizer == wv.tokenizer and loaded.unit_length
    loaded.save(tmp_path / "saved.s2v")  # onto the file that is mapped
    np.testing.assert_array_equal(Sent2VecKeyedVectors.load(tmp_path / "saved.s2v").encode(TEXTS), expected)


def test_words_have_no_whitespace_and_are_distinct():
    tokens = ["a", " a", "\u2581a", "", " ", "b c", "\u2581", "\n"]
    names = subwords.distinct_names(tokens)
    assert len(set(names)) == len(tokens)
    assert all(name.split() == [name] for name in names)
    assert [names[i] for i in (0, 2, 6)] == ["a", "\u2581a", "\u2581"]


def test_our_own_export_comes_back(tmp_path):
    pytest.importorskip("model2vec", reason='needs model2vec: pip install "gensim-sent2vec[static]"')
    sentences = [f"w{i % 7} w{i % 5} the man" for i in range(60)]
    ours = Sent2Vec(sentences, vector_size=8, min_count=1, workers=1, weighting=False).wv
    ours.to_model2vec().save_pretrained(tmp_path / "f")
    back = Sent2VecKeyedVectors.from_model2vec(tmp_path / "f")
    np.testing.assert_allclose(back.encode([*sentences, "unknown"]), ours.encode([*sentences, "unknown"]), atol=1e-6)


def test_search_weighting_and_copies(folder, tmp_path):
    wv = Sent2VecKeyedVectors.from_model2vec(folder)
    texts = ["the man is playing guitar", "a woman sings", "the president is not a man", "water"] * 3
    index = SentenceIndex.build(wv, texts[:4])
    assert index.most_similar("the man is playing guitar", topn=1)[0][0] == texts[0]
    index.save(tmp_path / "index")
    assert len(SentenceIndex.load(tmp_path / "index", wv)) == 4
    wv.weighting = SentenceWeighting().fit(wv, texts)  # counts of subwords are those of the texts
    assert wv.weighting.weights[wv.key_to_index["the"]] < wv.weighting.weights[wv.key_to_index["water"]]
    wv.save(tmp_path / "weighted.s2v")
    loaded = Sent2VecKeyedVectors.load(tmp_path / "weighted.s2v", mmap="r")
    np.testing.assert_array_equal(loaded.encode(texts), wv.encode(texts))
    half = wv.astype(np.float16)
    np.testing.assert_allclose(unit_rows(half.encode(texts)), unit_rows(wv.encode(texts)), atol=5e-3)
    assert half.tokenizer is wv.tokenizer
    assert "subwords of pretrained vectors" in repr(wv)


def test_a_model_with_this_tokenizer_can_be_pickled(folder, tmp_path):
    other = Sent2VecKeyedVectors.from_model2vec(folder)
    model = Sent2Vec(TEXTS[:2] * 20, vector_size=8, min_count=1, workers=1, tokenizer=other.tokenizer)
    model.save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    assert loaded.wv.tokens(TEXTS[0]) == other.tokens(TEXTS[0])


# -----------------------------------------------------------------------------------------------------
# What can be wrong


def test_missing_files(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^path: there is no file or folder .*nowhere.*nothing is downloaded"):
        Sent2VecKeyedVectors.from_model2vec(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(IsADirectoryError, match=r"not one of model2vec: model\.safetensors, tokenizer\.json"):
        Sent2VecKeyedVectors.from_model2vec(tmp_path / "empty")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json missing"):
        Sent2VecKeyedVectors.from_model2vec(folder)
    with pytest.raises(FileNotFoundError, match="there is no tokenizer for it"):
        Sent2VecKeyedVectors.from_model2vec(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object"),
        ('{"normalize": 1}', "normalize: expected true or false, got 1"),
        ('{"max_length": 0}', "max_length: expected a positive integer"),
        ('{"max_length": "9"}', "max_length: expected a positive integer"),
        ('{"max_length": true}', "max_length: expected a positive integer"),
    ],
)
def test_bad_configs(folder, text, message):
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=rf"config\.json': {message}"):
        Sent2VecKeyedVectors.from_model2vec(folder)


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b"[]", b"null", b'{"model": {"type": "BPE"}}', b'{"version": "1.0"}', b"[" * 10_000]
)
def test_bad_tokenizers(folder, content):
    (folder / "tokenizer.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json': "):
        Sent2VecKeyedVectors.from_model2vec(folder)


def test_a_tokenizer_that_fails_on_unknown_text(folder):
    definition = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    definition["model"]["unk_token"] = "[MISSING]"
    (folder / "tokenizer.json").write_text(json.dumps(definition))
    wv = Sent2VecKeyedVectors.from_model2vec(folder)
    assert wv.encode("the man").any()
    for texts in (["qqq"], ["qqq", "the man"]):
        with pytest.raises(ValueError, match=r"tokenizer\.json: the tokenizer cannot split these texts \(.*Missing"):
            wv.encode(texts)


def bad_tables():
    good = table(len(WORDS))
    yield "another array", {"other": good}, {}, "no array is called 'embeddings'"
    yield "a vector", {"embeddings": good[0]}, {}, "expected a matrix of floats"
    yield "no rows", {"embeddings": good[:0]}, {}, "expected a matrix of floats"
    yield "too few rows", {"embeddings": good[:3]}, {}, "has 3 rows, but the tokenizer has"
    yield "NaN", {"embeddings": good * np.where(np.arange(len(good)) == 2, np.nan, 1)[:, None]}, {}, "is not finite"
    yield "short weights", {"embeddings": good, "weights": good[0]}, {}, "array 'weights': expected floats for the"
    mapping = np.zeros(len(good), dtype=np.int64)
    yield "short mapping", {"embeddings": good, "mapping": mapping[1:-3]}, {}, "array 'mapping': expected integers"
    yield "large mapping", {"embeddings": good[:3], "mapping": mapping + 3}, {}, "must be between 0 and 2, got 3 to 3"
    yield "negative mapping", {"embeddings": good, "mapping": mapping - 1}, {}, "must be between 0 and"
    for name, entry, message in (
        ("dtype", {"dtype": "F8"}, "unknown dtype 'F8'"),
        ("a list as dtype", {"dtype": []}, r"unknown dtype \[\]"),
        ("shape", {"shape": [1, 1]}, "does not take"),
        ("negative shape", {"shape": [-1, -6]}, "impossible shape"),
        ("huge shape", {"shape": [1 << 50, 6]}, "impossible shape"),
        ("offsets", {"data_offsets": [0]}, "expected dtype, shape and data_offsets"),
        ("text", {"data_offsets": ["0", "1"]}, "impossible shape"),
        ("beyond the end", {"data_offsets": [1000, 1000 + good.nbytes]}, "was truncated"),
    ):
        whole = {"dtype": "F32", "shape": list(good.shape), "data_offsets": [0, good.nbytes]}
        yield name, {"embeddings": good}, {"embeddings": {**whole, **entry}}, message
    yield "an entry that is a number", {"embeddings": good}, {"embeddings": 1}, "expected dtype, shape"


@pytest.mark.parametrize(
    ("arrays", "header", "message"), [pytest.param(*rest, id=name) for name, *rest in bad_tables()]
)
def test_bad_tables(tmp_path, arrays, header, message):
    from tokenizers import Tokenizer, models

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="the"))
    folder = write_model2vec(tmp_path / "f", tokenizer)
    (folder / "model.safetensors").write_bytes(safetensors(arrays, **header))
    with pytest.raises(ValueError, match=rf"model\.safetensors': .*{message}"):
        Sent2VecKeyedVectors.from_model2vec(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "length of the header"),
        (b"\xff" * 100, "length of the header"),
        (b"\x02\0\0\0\0\0\0\0[]", "expected an object"),
        (b"\x02\0\0\0\0\0\0\0{x", "damaged"),
        (b"\x02\0\0\0\0\0\0\0{}", "no array is called"),
    ],
)
def test_files_that_are_not_safetensors(folder, content, message):
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Sent2VecKeyedVectors.from_model2vec(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_pipes_are_not_waited_for(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(OSError, match="pipe"):
        Sent2VecKeyedVectors.from_model2vec(folder)


def test_without_the_package_tokenizers(folder, tmp_path, monkeypatch, caplog):
    wv = Sent2VecKeyedVectors.from_model2vec(folder)
    wv.save(tmp_path / "saved.s2v")
    monkeypatch.setattr(subwords.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "gensim-sent2vec\[pretrained\]"'):
        Sent2VecKeyedVectors.from_model2vec(folder)
    loaded = Sent2VecKeyedVectors.load(tmp_path / "saved.s2v")
    assert "gensim-sent2vec[pretrained]" in caplog.text
    np.testing.assert_allclose(loaded.encode([["the", "man"]]), wv.encode([["the", "man"]]))  # tokens need none
    with pytest.raises(ImportError, match=r"gensim-sent2vec\[pretrained\]"):
        loaded.encode(["the man"])


def test_a_damaged_definition_in_a_native_file_is_an_error(folder, tmp_path):
    wv = Sent2VecKeyedVectors.from_model2vec(folder)
    arrays, facts = wv.to_arrays()
    for tokenizer, definition in (
        ({"subwords": {"max_tokens": -1}}, arrays["tokenizer.json"]),
        ({"subwords": {"other": 1}}, arrays["tokenizer.json"]),
        ({"subwords": {}}, arrays["tokenizer.json"].astype(np.float32)),
        ({"subwords": {}}, None),
    ):
        changed = {name: array for name, array in arrays.items() if name != "tokenizer.json"}
        if definition is not None:
            changed["tokenizer.json"] = definition
        with pytest.raises((ValueError, TypeError)):
            Sent2VecKeyedVectors.from_arrays(changed, {**facts, "tokenizer": tokenizer})
