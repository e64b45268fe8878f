"""Converting files from any format to any other."""

import gzip
import logging
import shutil

import numpy as np
import paths
import pytest
import static_folders
from gensim.models import KeyedVectors

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, load_epfml_model, load_epfml_vectors
from gensim_sent2vec._cli.main import main
from gensim_sent2vec.convert import convert, format_from_name, load_any

BIN = paths.EPFML / "ngrams1.bin"
NOT_UTF8 = "bad\udcfebyte"  # one of its words
BIGRAMS = BIN.with_name("ngrams2.bin")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The same vectors in each format."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copy(BIN, folder / "reference.bin")
    model = load_epfml_model(BIN)
    model.wv.save(str(folder / "native.s2v"))
    model.save(str(folder / "whole.model"))
    words = KeyedVectors(model.vector_size)
    kept = [word for word in model.wv.index_to_key if word != NOT_UTF8]
    words.add_vectors(kept, model.wv[kept])
    words.save_word2vec_format(str(folder / "text.vec"))
    words.save_word2vec_format(str(folder / "text.vec.gz"))
    words.save_word2vec_format(str(folder / "binary.w2v.bin"), binary=True)
    for path in list(folder.iterdir()):  # names of input files do not matter
        if path.suffix != ".gz" and path.name.count(".") == 1 and path.stem != "whole":
            shutil.copy(path, folder / f"named-{path.stem}")
    return folder


SOURCES = [
    "native.s2v", "whole.model", "text.vec", "text.vec.gz", "binary.w2v.bin", "reference.bin", "named-native",
    "named-text", "named-reference",
]  # fmt: skip
TARGETS = {
    "a.s2v": "native", "a.bin": "epfml", "a.txt": "word2vec", "a.vec.gz": "word2vec", "a.w2v.bin": "word2vec-binary",
    "a.w2v.bin.gz": "word2vec-binary", "a": "native", "A.BIN": "epfml",
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_words_and_vectors_survive(sources, tmp_path, source, target):
    original = load_epfml_vectors(BIN)
    assert convert(sources / source, tmp_path / target) == TARGETS[target]
    loaded = load_any(tmp_path / target)
    assert isinstance(loaded, Sent2VecKeyedVectors)
    words = set(original.index_to_key)
    if "word2vec" in TARGETS[target] or source.startswith(("text", "binary", "named-text")):
        words.remove(NOT_UTF8)
    assert set(loaded.index_to_key) == words
    assert all(np.array_equal(loaded[word], original[word]) for word in words)
    assert np.allclose(loaded.encode(["the police said"]), original.encode(["the police said"]), rtol=1e-6)


@pytest.mark.parametrize("target", ["a.txt", "a.w2v.bin"])
def test_words_that_word2vec_files_cannot_store(tmp_path, caplog, target):
    words = ["plain", "New York", "", "한국어", "a\nb", "\ud800", "a\u00a0b", "tab\tbed"]
    wv = Sent2VecKeyedVectors(2)
    wv.add_vectors(words, np.arange(16, dtype=np.float32).reshape(8, 2))
    wv.save(str(tmp_path / "native"))
    convert(tmp_path / "native", tmp_path / target)
    assert "5 words, such as 'New York', '', 'a\\nb', cannot be stored in a word2vec file" in caplog.text
    loaded = load_any(tmp_path / target)
    assert loaded.index_to_key == ["plain", "한국어", "a\u00a0b"]
    assert np.array_equal(loaded.vectors, wv.vectors[[0, 3, 6]])


@pytest.mark.parametrize("source", ["reference.bin", "native.s2v", "whole.model"])
def test_counts_are_kept_if_the_format_stores_them(sources, tmp_path, source):
    original = load_epfml_vectors(BIN)
    for target in ("a.bin", "a.s2v"):
        convert(sources / source, tmp_path / target)
        loaded = load_any(tmp_path / target)
        assert np.array_equal(loaded.expandos["count"], original.expandos["count"])


def test_entire_models_keep_what_training_needs_in_the_reference_format(sources, tmp_path):
    convert(sources / "whole.model", tmp_path / "a.bin")
    model, original = load_epfml_model(tmp_path / "a.bin"), load_epfml_model(BIN)
    assert np.array_equal(model.syn1neg, original.syn1neg) and np.array_equal(model.placeholder, original.placeholder)


def test_ngrams_are_kept_or_reported_as_left_out(tmp_path, caplog):
    convert(BIGRAMS, tmp_path / "a.s2v")
    convert(tmp_path / "a.s2v", tmp_path / "a.bin")
    assert np.array_equal(load_any(tmp_path / "a.bin").vectors_ngrams, load_epfml_vectors(BIGRAMS).vectors_ngrams)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        convert(BIGRAMS, tmp_path / "a.txt")
    assert "200 n-gram rows are left out" in caplog.text


def test_the_format_can_be_forced(tmp_path):
    assert convert(BIN, tmp_path / "a.bin.txt", to="native") == "native"
    assert len(Sent2VecKeyedVectors.load(tmp_path / "a.bin.txt")) == len(load_epfml_vectors(BIN))
    with pytest.raises(ValueError, match="to: expected one of native, epfml, word2vec, word2vec-binary, got 'xml'"):
        convert(BIN, tmp_path / "a", to="xml")


@pytest.mark.parametrize("name, expected", [("x.W2V.BIN", "word2vec-binary"), ("x.bin.gz", "epfml"), ("bin", "native")])
def test_formats_from_names(name, expected):
    assert format_from_name(name) == expected


def test_what_cannot_be_converted(tmp_path, lee):
    mixed = Sent2Vec(lee, vector_size=3, min_count=20, epochs=1, workers=1, word_ngrams=2, bucket=50)
    mixed.save(str(tmp_path / "mixed"))
    with pytest.raises(ValueError, match="word_ngrams=2"):
        convert(tmp_path / "mixed", tmp_path / "a.bin")
    (tmp_path / "nonsense").write_bytes(b"\1\2\3 nonsense")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "packed.bin.gz").write_bytes(gzip.compress(BIN.read_bytes()))
    for name in ("nonsense", "empty", "packed.bin.gz"):
        with pytest.raises(ValueError, match=name):
            convert(tmp_path / name, tmp_path / "a")
    with pytest.raises(IsADirectoryError):
        convert(tmp_path, tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "none", tmp_path / "a")
    for to in ("native", "word2vec", "epfml"):
        with pytest.raises(ValueError, match="is the file to convert"):
            convert(tmp_path / "mixed", tmp_path / "mixed", to=to)
    assert not (tmp_path / "a").exists() and not (tmp_path / "a.bin").exists()


# -----------------------------------------------------------------------------------------------------
# The command line


def test_command(tmp_path, capsys):
    main(["convert", str(BIN), str(tmp_path / "a.s2v")])
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'a.s2v'}: native, ")
    main(["convert", str(tmp_path / "a.s2v"), str(tmp_path / "b"), "--to", "epfml"])
    assert load_epfml_vectors(tmp_path / "b").key_to_index == load_epfml_vectors(BIN).key_to_index


@pytest.mark.parametrize("arguments", [["none.bin", "a.s2v"], [str(BIN), "no/such/folder/a.s2v"]])
def test_command_with_bad_files(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["convert", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


# -----------------------------------------------------------------------------------------------------
# Pretrained vectors


def test_text_without_a_first_line(sources, tmp_path):
    """The format of GloVe."""
    text = (sources / "text.vec").read_text(encoding="utf-8")
    (tmp_path / "glove.txt").write_text(text.partition("\n")[2], encoding="utf-8")
    with gzip.open(tmp_path / "glove.txt.gz", "wt", encoding="utf-8") as file:
        file.write(text.partition("\n")[2])
    expected = load_any(sources / "text.vec")
    for name in ("glove.txt", "glove.txt.gz"):
        found = load_any(tmp_path / name)
        assert list(found.index_to_key) == list(expected.index_to_key)
        np.testing.assert_array_equal(found.vectors, expected.vectors)


@pytest.mark.parametrize("text", ["the man is\nplaying 1 2\n", "the\nman\n", "the 1 2\nman 1 x\n", "1 2 3 x\n"])
def test_other_text_is_not_taken_for_vectors(tmp_path, text):
    (tmp_path / "text.txt").write_text(text)
    with pytest.raises(ValueError, match="is not a saved model"):
        load_any(tmp_path / "text.txt")


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "gensim-sent2vec[pretrained]"')
    return static_folders.write_model2vec(tmp_path / "static", static_folders.wordpiece())


def test_a_folder_of_model2vec(folder, tmp_path):
    expected = Sent2VecKeyedVectors.from_model2vec(folder).encode(["the man is playing", "qqq"])
    assert convert(folder, tmp_path / "a.s2v") == "native"
    loaded = Sent2VecKeyedVectors.load(tmp_path / "a.s2v", mmap="r")
    np.testing.assert_array_equal(loaded.encode(["the man is playing", "qqq"]), expected)
    assert convert(folder, tmp_path / "a.vec") == "word2vec"
    assert list(load_any(tmp_path / "a.vec").index_to_key) == list(loaded.index_to_key)
    main(["convert", str(folder), str(tmp_path / "b.s2v")])
    main(["info", str(folder)])


def test_a_file_of_wordllama(tmp_path):
    pytest.importorskip("tokenizers", reason='needs tokenizers: pip install "gensim-sent2vec[pretrained]"')
    tokenizer = static_folders.sentencepiece()
    file = static_folders.write_wordllama(tmp_path, tokenizer, static_folders.table(tokenizer.get_vocab_size(), 8))
    main(["convert", str(file), str(tmp_path / "a.s2v")])
    main(["convert", str(tmp_path / "weights"), str(tmp_path / "b.s2v")])
    native = tmp_path / "tokenizers" / "native.safetensors"  # a native file may have this suffix
    load_any(tmp_path / "a.s2v").save(native)
    assert len(load_any(native)) == tokenizer.get_vocab_size()


def test_a_folder_of_something_else(tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SystemExit):
        main(["convert", str(tmp_path / "folder"), str(tmp_path / "a.s2v")])
    assert "model.safetensors, tokenizer.json, config.json missing" in capsys.readouterr().err


def test_the_service_says_to_convert_a_folder(folder):
    pytest.importorskip("fastapi")
    from gensim_sent2vec._service.source import Source

    with pytest.raises(ValueError, match="gensim-sent2vec convert"):
        Source(str(folder), "faq.tsv").index(str(folder), 1)


def test_train_with_pretrained_vectors(folder, sources, tmp_path, capsys):
    corpus, model = tmp_path / "corpus.txt", tmp_path / "my.model"
    corpus.write_text("the man is playing guitar .\na woman is singing .\n" * 30)
    train = ["train", str(corpus), str(model), "--vector-size", "8", "--min-count", "1", "--workers", "1"]
    for path in (folder, tmp_path / "static.s2v"):
        main([*train, "--pretrained", str(path), "--pretrained-weight", "0.5"])
        wv = Sent2Vec.load(str(model)).wv
        assert wv.weighting.pretrained_dims == 6 and wv.weighting.pretrained_weight == 0.5
        Sent2VecKeyedVectors.from_model2vec(folder).save(tmp_path / "static.s2v")
    capsys.readouterr()
    for wrong, message in (
        (["--pretrained-weight", "0.5"], "--pretrained-weight: needs --pretrained"),
        (["--pretrained", str(folder), "--no-weighting"], "--no-weighting: cannot be combined with --pretrained"),
        (["--pretrained", str(tmp_path / "nowhere")], "--pretrained: there is no file or folder"),
        (["--pretrained", str(corpus)], "--pretrained"),
    ):
        with pytest.raises(SystemExit):
            main([*train, *wrong])
        assert message in capsys.readouterr().err
