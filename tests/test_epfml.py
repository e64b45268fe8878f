"""The reference program's .bin: loading, training, saving, converting; refused and damaged files."""

import gzip
import json
import logging
import os
import pickle
import struct
import subprocess
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import paths
import pytest
from epfml_files import FIELDS, build, sections
from gensim.models import FastText
from gensim.models.fasttext import save_facebook_model
from gensim.test.utils import common_texts
from hypothesis import example, given
from hypothesis import strategies as st

from gensim_sent2vec import (
    Sent2Vec,
    Sent2VecKeyedVectors,
    _kernel,
    convert_epfml,
    epfml,
    load_epfml_model,
    load_epfml_vectors,
    save_epfml_model,
)
from gensim_sent2vec._files.epfml import conversion, layout
from gensim_sent2vec._files.epfml.vocabulary_on_disk import DiskVocabulary
from gensim_sent2vec._util import memory

DATA = paths.EPFML
NGRAMS = {f"ngrams{n}.bin": n for n in (1, 2, 3, 4, 5)}
MODELS = [*NGRAMS, "characters.bin"]
REFERENCE = os.environ.get("SENT2VEC_REFERENCE")  # the reference program, if there is one

with open(DATA / "sentences.json", encoding="utf-8") as file:
    SENTENCES = json.load(file)
with open(DATA / "vectors.json", encoding="utf-8") as file:
    VECTORS = {name: np.array(rows, dtype=np.float32) for name, rows in json.load(file).items()}


@pytest.fixture
def write(tmp_path):
    """``write(data)``: the path of a file with these bytes."""

    def make(data: bytes, name: str = "model.bin") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return make


def assert_same_sentences(vectors, expected):
    """Equal up to a millionth of the largest value of each vector."""
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(vectors - expected) <= 1e-6 * scale).all()


def converted(path, folder) -> Sent2VecKeyedVectors:
    convert_epfml(path, folder / "converted.s2v")
    return Sent2VecKeyedVectors.load(folder / "converted.s2v", mmap="r", verify=True)


# -----------------------------------------------------------------------------------------------------
# Sentence vectors


@pytest.mark.parametrize("name", MODELS)
def test_sentence_vectors_are_those_of_the_reference(name):
    wv = load_epfml_vectors(DATA / name)
    assert_same_sentences(wv.encode(SENTENCES), VECTORS[name])
    assert_same_sentences(np.stack([wv.get_sentence_vector(s) for s in SENTENCES]), VECTORS[name])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_sentence_vectors_are_those_that_the_reference_prints(n, shared_data):
    wv = load_epfml_vectors(shared_data(f"epfml/model-ngrams{n}.bin"))
    sentences = shared_data("epfml/sentences.txt").read_text(encoding="utf-8").splitlines()
    printed = [
        line.split()[-10:]
        for line in shared_data(f"epfml/vectors-ngrams{n}.txt").read_text(encoding="utf-8").splitlines()
    ]
    for vector, numbers in zip(wv.encode(sentences), printed, strict=True):
        assert np.allclose(vector, np.array(numbers, dtype=float), rtol=6e-5, atol=0)  # it prints five digits


@pytest.mark.parametrize("name", NGRAMS)
def test_lists_of_tokens_and_texts_agree(name):
    wv = load_epfml_vectors(DATA / name)
    for sentence in ("police said the man", "the police </s> said"):
        assert np.array_equal(wv.get_sentence_vector(sentence), wv.get_sentence_vector(sentence.split()))


def test_line_end_ends_a_sentence_and_never_enters_one():
    wv = load_epfml_vectors(DATA / "ngrams2.bin")
    assert "</s>" in wv
    assert np.array_equal(wv.get_sentence_vector("police the </s> man"), wv.get_sentence_vector("police the"))
    assert not wv.get_sentence_vector(["</s>", "police"]).any()


def test_in_new_models_line_end_is_a_word_like_any_other():
    model = Sent2Vec([["</s>", "a", "b"]] * 5, vector_size=4, min_count=1, workers=1)
    assert np.array_equal(model.wv.get_sentence_vector("</s> a", weighting=False), model.wv[["</s>", "a"]].mean(axis=0))


@pytest.mark.parametrize("separator", [" ", "\t", "\n", "\r", "\v", "\f", "\0"])
def test_texts_are_split_like_the_reference_splits_them(separator):
    wv = load_epfml_vectors(DATA / "ngrams2.bin")
    expected = wv.get_sentence_vector(["police", "the", "man"])
    assert np.array_equal(wv.get_sentence_vector(f"{separator}police{separator}the{separator * 2}man"), expected)


@pytest.mark.parametrize("character", ["\x1c", "\x1f", "\x85", "\xa0", "\u2003", "\u3000"])
def test_other_whitespace_belongs_to_words(character):
    wv = load_epfml_vectors(DATA / "ngrams2.bin")
    assert np.array_equal(wv.get_sentence_vector(f"the{character}man police"), wv.get_sentence_vector("police"))
    new = Sent2Vec([["the", "man", "police"]] * 5, vector_size=4, min_count=1, workers=1).wv
    assert np.array_equal(new.get_sentence_vector(f"the{character}man"), new.get_sentence_vector("the man"))


# -----------------------------------------------------------------------------------------------------
# Words, rows, parameters


def test_words_of_a_file():
    wv = load_epfml_vectors(DATA / "ngrams2.bin")
    raw = (DATA / "ngrams2.bin").read_bytes()
    names = [raw[begin : raw.index(0, begin)] for name, begin in sections(raw, 4).items() if name.startswith("entry ")]
    words = [name for name in names[1:] if not name.startswith(b"__label__")]
    assert names[0] == b"<PLACEHOLDER>" and "__label__x" in [name.decode("utf-8", "replace") for name in names]
    assert [word.encode("utf-8", "surrogateescape") for word in wv.index_to_key] == words
    assert all(wv.key_to_index[word] == i for i, word in enumerate(wv.index_to_key))
    assert wv.get_vecattr("</s>", "count") == 320
    assert "a\u00a0b" in wv and "zz\u3000q" in wv and "bad\udcfebyte" in wv and "__label__x" not in wv


def test_rows_of_a_file(write):
    data = build(dim=2, word_ngrams=2)
    numbers = np.frombuffer(data, "<f4", 2 * (5 + 5 + 1), sections(data, 2)["input numbers"]).reshape(-1, 2)
    output = np.frombuffer(data, "<f4", 2 * 5, sections(data, 2)["output numbers"]).reshape(-1, 2)
    model = load_epfml_model(write(data))
    assert np.array_equal(model.placeholder, numbers[0])
    assert np.array_equal(model.wv.vectors, numbers[1:5])
    assert np.array_equal(model.wv.vectors_ngrams, numbers[5:10])
    assert np.array_equal(model.syn1neg, output[1:])


@pytest.mark.parametrize("extra_rows", [0, 1, 7])
def test_rows_of_character_buckets_are_left_out(write, extra_rows):
    wv = load_epfml_vectors(write(build(word_ngrams=2, extra_rows=extra_rows)))
    assert wv.vectors_ngrams.shape == (5, 3)


@pytest.mark.parametrize("bucket", [0, 1, 1000])
def test_unigram_models_hold_no_buckets(write, bucket):
    wv = load_epfml_vectors(write(build(bucket=bucket)))
    assert wv.vectors_ngrams.shape == (0, 3) and wv.word_ngrams == 1 and wv.ngram_hash == "epfml"


@pytest.mark.parametrize("version", [11, 12])
def test_versions(write, version):
    assert len(load_epfml_vectors(write(build(version=version)))) == 4


def test_parameters_of_a_model(write):
    args = {"epoch": 7, "minCount": 3, "neg": 6}
    model = load_epfml_model(write(build(word_ngrams=3, t=1e-4, counts=[40, 300, 20, 10], **args)))
    assert (model.vector_size, model.epochs, model.min_count, model.negative) == (3, 7, 3, 6)
    assert (model.word_ngrams, model.bucket, model.sample, model.ns_exponent) == (3, 5, 1e-4, 0.5)
    assert (model.corpus_count, model.corpus_total_words) == (40, 60)
    f = np.array([0.4, 3, 0.2, 0.1])  # of 100 tokens, those of line ends included
    expected = np.minimum(1, np.sqrt(1e-4 / f) + 1e-4 / f) * (2**32 - 1)
    assert np.allclose(model.wv.expandos["sample_int"], expected, rtol=1e-6)
    assert load_epfml_model(write(build(t=1.0))).sample == 0


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("source", ["lists", "file"])
def test_training_can_be_continued(n, source, lee, lee_path):
    model = load_epfml_model(DATA / f"ngrams{n}.bin")
    before = model.wv.vectors.copy(), model.syn1neg.copy(), model.placeholder.copy()
    line_end = model.wv["</s>"].copy(), model.syn1neg[model.wv.key_to_index["</s>"]].copy()
    model.workers = 1
    words, tokens = model.train(
        **({"corpus_iterable": lee} if source == "lists" else {"corpus_file": lee_path}), epochs=1
    )
    assert 0 < words < tokens and np.isfinite(model.wv.vectors).all()
    assert not any(np.array_equal(a, b) for a, b in zip(before, (model.wv.vectors, model.syn1neg, model.placeholder)))
    assert np.array_equal(model.wv["</s>"], line_end[0])  # it is in no sentence
    assert not np.array_equal(
        model.syn1neg[model.wv.key_to_index["</s>"]], line_end[1]
    )  # but it is drawn as a negative sample


def test_training_lowers_the_loss(lee):
    model = load_epfml_model(DATA / "ngrams2.bin")
    model.workers, losses = 1, []
    for _ in range(2):
        model.train(lee, epochs=2, compute_loss=True, start_alpha=0.1)
        losses.append(model.get_latest_training_loss())
    assert losses[1] < losses[0]


def test_a_line_end_among_tokens_ends_the_line_in_training():
    model = load_epfml_model(DATA / "ngrams1.bin")
    model.workers, model.sample = 1, 0
    assert model.train([["</s>", "the", "police", "said"]] * 3, epochs=1, total_examples=3)[0] == 0
    assert model.train([["the", "police", "</s>", "said"]] * 3, epochs=1, total_examples=3)[0] == 6


def test_models_saved_and_updated_keep_the_hash(tmp_path, lee):
    model = load_epfml_model(DATA / "ngrams3.bin")
    model.build_vocab([["something", "entirely", "new"]] * 20, update=True)
    model.save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    assert loaded.wv.ngram_hash == "epfml" and "entirely" in loaded.wv
    assert_same_sentences(loaded.wv.encode(SENTENCES), VECTORS["ngrams3.bin"])


# -----------------------------------------------------------------------------------------------------
# Converting


@pytest.mark.parametrize("name", MODELS)
def test_converted_vectors_equal_loaded_ones(name, tmp_path):
    loaded, native = load_epfml_vectors(DATA / name), converted(DATA / name, tmp_path)
    for attribute in ("vectors", "vectors_ngrams"):
        assert np.array_equal(getattr(native, attribute), getattr(loaded, attribute))
    assert np.array_equal(native.expandos["count"], loaded.expandos["count"])
    assert native.key_to_index == loaded.key_to_index
    assert np.array_equal(native.key_to_index.slots, loaded.key_to_index.slots)
    assert (native.word_ngrams, native.ngram_hash) == (loaded.word_ngrams, "epfml")
    assert np.array_equal(native.encode(SENTENCES), loaded.encode(SENTENCES))
    assert os.listdir(tmp_path) == ["converted.s2v"]


@pytest.mark.parametrize("slots", [1, 2, 16, 512])
def test_word_tables_in_parts(slots, tmp_path):
    found = layout.read_layout(DATA / "ngrams1.bin")
    conversion.convert(found, tmp_path / "converted.s2v", block_bytes=56, slots_in_memory=slots)
    wv = Sent2VecKeyedVectors.load(tmp_path / "converted.s2v", verify=True)  # each word is found under its id
    assert list(wv.index_to_key) == list(load_epfml_vectors(DATA / "ngrams1.bin").index_to_key)
    assert "qwertyuiop" not in wv


@given(n=st.integers(1, 60), slots=st.sampled_from([1, 2, 4, 8, 32]), crowded=st.booleans(), seed=st.integers(0, 99))
def test_words_overflow_a_part_and_the_table(n, slots, crowded, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabulary")
    words = [f"{seed} {i}".encode() for i in range(n)]
    hashes = np.array([_kernel.hash_bytes(word) for word in words], dtype=np.uint64)
    if crowded:  # all want the last slot of the table
        hashes |= np.uint64(0xFFFFFFFF)
    vocabulary = DiskVocabulary(folder, slots_in_memory=slots)
    lengths = np.array([len(word) for word in words])
    vocabulary.add(np.frombuffer(b"".join(words), np.uint8), lengths, hashes, np.arange(n))
    stored_words, _ = vocabulary.finish()
    table = np.concatenate(list(stored_words["slots"].chunks))
    assert np.count_nonzero(table) == n
    for i, h in enumerate(hashes.tolist()):  # each is found before an empty slot
        at = h % len(table)
        while table[at] != (h >> 32 << 32 | i + 1):
            assert table[at] != 0
            at = (at + 1) % len(table)


def test_converting_reads_block_by_block(tmp_path, write):
    data = build(words=[f"word{i}" for i in range(500)], word_ngrams=2, bucket=300)
    path = write(data)
    conversion.convert(layout.read_layout(path, block_bytes=64), tmp_path / "converted.s2v", block_bytes=64)
    native = Sent2VecKeyedVectors.load(tmp_path / "converted.s2v", verify=True)
    loaded = load_epfml_vectors(path)
    assert np.array_equal(native.vectors, loaded.vectors) and np.array_equal(
        native.vectors_ngrams, loaded.vectors_ngrams
    )
    assert list(native.index_to_key) == [f"word{i}" for i in range(500)]
    raw = np.frombuffer(data, "<f4", 3 * 801, sections(data)["input numbers"]).reshape(-1, 3)
    assert np.array_equal(native.vectors, raw[1:501]) and np.array_equal(native.vectors_ngrams, raw[501:801])


def test_converting_a_file_onto_itself_is_refused(write):
    path = write(build())
    with pytest.raises(ValueError, match="pass another name"):
        convert_epfml(path, path)
    assert path.read_bytes() == build()


# -----------------------------------------------------------------------------------------------------
# Saving


@pytest.mark.parametrize("name", NGRAMS)
def test_saved_models_round_trip(name, tmp_path):
    model = load_epfml_model(DATA / name)
    save_epfml_model(model, tmp_path / "saved.bin")
    again = load_epfml_model(tmp_path / "saved.bin")
    for attribute in ("vectors", "vectors_ngrams"):
        assert np.array_equal(getattr(again.wv, attribute), getattr(model.wv, attribute))
    assert np.array_equal(again.syn1neg, model.syn1neg) and np.array_equal(again.placeholder, model.placeholder)
    assert again.wv.key_to_index == model.wv.key_to_index
    assert np.array_equal(again.wv.expandos["count"], model.wv.expandos["count"])
    for attribute in ("epochs", "min_count", "negative", "word_ngrams", "sample", "corpus_count", "corpus_total_words"):
        assert getattr(again, attribute) == getattr(model, attribute)
    assert_same_sentences(again.wv.encode(SENTENCES), VECTORS[name])


def test_a_saved_file_starts_with_the_placeholder_and_has_the_line_end(tmp_path, lee):
    model = Sent2Vec(lee, vector_size=3, min_count=20, workers=1, epochs=1, sample=0.01)
    save_epfml_model(model, tmp_path / "saved.bin")
    data = (tmp_path / "saved.bin").read_bytes()
    at, n = sections(data), len(model.wv)
    assert data[92:115] == b"<PLACEHOLDER>\0" + bytes(9)
    assert data[at[f"entry {n + 1}"] : at["input"]] == b"</s>\0" + struct.pack("<qb", 300, 0)
    assert struct.unpack_from("<12id", data, 8) == (3, 5, 1, 20, 10, 1, 2, 4, 0, 0, 0, 100, 0.01)
    assert struct.unpack_from("<3i2q", data, 64) == (n + 2, n + 2, 0, model.corpus_total_words + 300, -1)
    rows = np.frombuffer(data, "<f4", 3 * (n + 3), at["input numbers"]).reshape(-1, 3)
    assert np.array_equal(rows[0], model.placeholder) and np.array_equal(rows[1 : n + 1], model.wv.vectors)
    assert not rows[n + 1 :].any()
    output = np.frombuffer(data, "<f4", 3 * (n + 2), at["output numbers"]).reshape(-1, 3)
    assert np.array_equal(output[1 : n + 1], model.syn1neg) and not output[[0, n + 1]].any()
    wv = load_epfml_vectors(tmp_path / "saved.bin")
    assert np.array_equal(wv.encode([" ".join(line) for line in lee]), model.wv.encode(lee, weighting=False))


def test_vectors_alone_can_be_saved_mapped_and_in_float16(tmp_path):
    wv = converted(DATA / "ngrams2.bin", tmp_path).astype(np.float16)
    save_epfml_model(wv, tmp_path / "saved.bin")
    again = load_epfml_model(tmp_path / "saved.bin")
    assert np.array_equal(again.wv.vectors, wv.vectors.astype(np.float32))
    assert not again.syn1neg.any() and not again.placeholder.any()
    assert np.array_equal(again.wv.encode(SENTENCES), wv.encode(SENTENCES))


@pytest.mark.skipif(not REFERENCE, reason="SENT2VEC_REFERENCE does not name the reference program")
@pytest.mark.parametrize("name", NGRAMS)
def test_the_reference_reads_what_is_saved(name, tmp_path, lee):
    sentences = [" ".join(line) for line in lee[:50]]
    native = Sent2Vec(lee, vector_size=4, min_count=5, workers=1, epochs=1)
    for model in (load_epfml_model(DATA / name), native):
        save_epfml_model(model, tmp_path / "saved.bin")
        printed = subprocess.run(
            [REFERENCE, "print-sentence-vectors", tmp_path / "saved.bin"],
            input="\n".join(sentences) + "\n", capture_output=True, check=True, encoding="utf-8",
        ).stdout.splitlines()  # fmt: skip
        vectors = model.wv.encode(sentences)
        numbers = np.array([line.split()[-4:] for line in printed], dtype=float)
        assert np.allclose(numbers, vectors, rtol=6e-5, atol=1e-6)


def test_words_that_are_not_text_are_saved_as_the_same_bytes(tmp_path, write):
    words = [b"\xff", b"a\x80b", b"\xed\xb3\xbf", "한국어".encode(), b"\xf4\x90\x80\x80", b""]
    model = load_epfml_model(write(build(words=words)))
    assert [word.encode("utf-8", "surrogateescape") for word in model.wv.index_to_key] == words
    save_epfml_model(model, tmp_path / "saved.bin")
    saved = (tmp_path / "saved.bin").read_bytes()
    assert saved[92 : 92 + 23 + sum(len(w) + 10 for w in words)].split(b"\0" * 10)[0] == b"<PLACEHOLDER>"
    for word in words:
        assert b"\0" + word + b"\0" in saved


@given(st.lists(st.binary(max_size=12).map(lambda word: word.replace(b"\0", b"")), max_size=30))
@example([b"\xed\xb2\x80", b"\x80", b"\xed", b"\xed\xb2", b"\xf0\x9f\x98\x80", b"\xc3"])
def test_entries_round_trip(words):
    data = b"".join(word + b"\0" + struct.pack("<qb", i - 5, 0) for i, word in enumerate(words))
    blob, lengths, hashes, counts, types, ends = _kernel.parse_entries(data + b"rest", len(words))
    sizes, counts = np.frombuffer(lengths, np.int64), np.frombuffer(counts, np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    texts = [blob[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(offsets)]
    assert texts == [word.decode("utf-8", "surrogateescape") for word in words]
    assert counts.tolist() == list(range(-5, len(words) - 5)) and not any(types)
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    assert np.frombuffer(hashes, np.uint64).tolist() == [_kernel.hash_bytes(word) for word in encoded]
    assert np.frombuffer(ends, np.int64).tolist() == np.cumsum([len(word) + 10 for word in words]).tolist()
    assert _kernel.pack_entries(np.frombuffer(blob, np.uint8), offsets, counts) == data


def test_entries_that_do_not_fit_are_refused():
    blob, counts = np.zeros(4, dtype=np.uint8), np.zeros(2, dtype=np.int64)
    for offsets in ([0, 5, 4], [0, 3, 2], [-1, 2, 4], [0, 4], [0, 2, 1 << 62]):
        with pytest.raises(ValueError, match="do not fit"):
            _kernel.pack_entries(blob, np.array(offsets, dtype=np.int64), counts)


def test_models_that_the_reference_cannot_load_are_refused(tmp_path, lee):
    path = tmp_path / "saved.bin"
    path.write_bytes(b"old")
    options = {"vector_size": 3, "min_count": 20, "workers": 1, "epochs": 1, "bucket": 50}
    with pytest.raises(
        ValueError, match=r"word_ngrams=2, hashed with 'mixed'.*save_word2vec_format, or train with word_ngrams=1"
    ):
        save_epfml_model(Sent2Vec(lee, word_ngrams=2, **options), path)
    with pytest.raises(ValueError, match="skip_bigrams"):
        save_epfml_model(Sent2Vec(lee, word_ngrams=2, skip_bigrams=True, **options), path)
    with pytest.raises(ValueError, match=r"the word 'a\\x00b' contains a zero byte"):
        save_epfml_model(Sent2Vec([["a\0b", "c"]] * 30, **options), path)
    with pytest.raises(ValueError, match="no words"):
        save_epfml_model(Sent2Vec(**options), path)
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["saved.bin"]


# -----------------------------------------------------------------------------------------------------
# Refused files


def assert_refused(path, match, exception=ValueError):
    """All three readers refuse the file and name it."""
    for read in (load_epfml_vectors, load_epfml_model, lambda path: convert_epfml(path, path.parent / "out")):
        with pytest.raises(exception, match=match) as caught:
            read(path)
        assert repr(str(path)) in str(caught.value)
    assert not (path.parent / "out").exists()


@pytest.mark.parametrize(
    "options, match",
    [
        ({"quantized": (1, 0)}, "input matrix at byte 170: quantized; quantized models are not supported"),
        ({"quantized": (1, 1), "pruned": 3}, "quantized models are not supported"),
        ({"pruned": 3}, "3 pruned n-grams; pruned models are not supported"),
        ({"words": ()}, "dictionary at byte 64: the model has no words"),
        ({"version": 13}, "version at byte 4: 13, but only 11 and 12 are known"),
    ],
)
def test_unsupported_models(write, options, match):
    assert_refused(write(build(**options)), match)


@pytest.mark.parametrize("sg, kind", [(0, "cbow"), (1, "skipgram")])
def test_fasttext_models(tmp_path, sg, kind):
    model = FastText(common_texts, vector_size=4, min_count=1, epochs=1, bucket=20, sg=sg)
    save_facebook_model(model, str(tmp_path / "fasttext.bin"))
    match = rf"is a fastText model \({kind}\): use gensim.models.fasttext.load_facebook_vectors"
    assert_refused(tmp_path / "fasttext.bin", match)


def test_supervised_models(write):
    data = build(model=3).replace(b"<PLACEHOLDER>", b"<placeholder>")
    assert_refused(write(data), "is a supervised fastText model, a classifier")


def test_a_damaged_model_is_not_called_a_fasttext_model(write):
    assert_refused(
        write(build(model=2)),
        "arguments at byte 8: model is 2, one of fastText's, but the dictionary starts with .*damaged",
    )


def test_models_whose_training_cannot_be_continued(write):
    for options in ({"loss": 1}, {"loss": 3}):
        path = write(build(**options))
        assert len(load_epfml_vectors(path)) == 4
        with pytest.raises(ValueError, match=r"without negative sampling.* use load_epfml_vectors"):
            load_epfml_model(path)
    with pytest.raises(ValueError, match=r"with character n-grams.* use load_epfml_vectors"):
        load_epfml_model(DATA / "characters.bin")


def test_files_in_other_formats(write, tmp_path, lee_model):
    assert_refused(write(gzip.compress(build()), "a.gz"), "compressed with gzip: decompress it first")
    assert_refused(write(b"", "empty"), "is empty")
    assert_refused(write(b"\1\2\3\4 something", "other"), "magic at byte 0: 01 02 03 04 is not that")
    assert_refused(write(b"2 3\na 1 2 3\nb 1 2 3\n", "words"), "is a word2vec file")
    assert_refused(write(pickle.dumps([1]), "pickle"), "is a pickle")
    assert_refused(write(build()[:3], "three"), "magic at byte 0|damaged")
    (tmp_path / "folder").mkdir()
    assert_refused(tmp_path / "folder", "is a directory", IsADirectoryError)
    lee_model.wv.save(str(tmp_path / "native"))
    assert_refused(tmp_path / "native", "is in the native format: use Sent2VecKeyedVectors.load")
    with pytest.raises(FileNotFoundError):
        load_epfml_vectors(tmp_path / "nothing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_refused_without_blocking(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert_refused(tmp_path / "pipe", "is a device or a pipe", OSError)


# -----------------------------------------------------------------------------------------------------
# Damaged files

WHOLE = build(word_ngrams=2)
PLACES = sections(WHOLE)


def patched(code, at, *values):
    data = bytearray(WHOLE)
    struct.pack_into(code, data, at, *values)
    return bytes(data)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("more", [0, 1])
def test_truncated_at_a_boundary(write, place, more):
    assert_refused(write(WHOLE[: PLACES[place] + more]), "at byte|is empty")


@given(st.integers(0, len(WHOLE) - 1))
def test_truncated_anywhere(tmp_path_factory, length):
    path = tmp_path_factory.getbasetemp() / "cut.bin"
    path.write_bytes(WHOLE[:length])
    for read in (load_epfml_vectors, load_epfml_model):
        with pytest.raises(ValueError, match=r"cut\.bin"):
            read(path)


def test_a_file_that_is_too_long(write):
    assert_refused(write(WHOLE + b"x"), f"end at byte {len(WHOLE)}: 1 additional bytes follow")


@given(st.integers(0, 8 * PLACES["input numbers"] - 1), st.binary(max_size=3), st.integers(0, len(WHOLE)))
def test_flipped_and_inserted_bits(tmp_path_factory, bit, inserted, at):
    data = bytearray(WHOLE)
    data[bit // 8] ^= 1 << bit % 8
    data[at:at] = inserted
    path = tmp_path_factory.getbasetemp() / "flipped.bin"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        wv = load_epfml_vectors(path)
        list(wv.index_to_key), wv.encode(["the of police", ""])
        load_epfml_model(path)
    except ValueError as error:
        assert "flipped.bin" in str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 20


HUGE = [-1, -(2**31), 2**31 - 1]


@pytest.mark.parametrize("value", HUGE)
@pytest.mark.parametrize("name", [name for name in FIELDS if name not in ("ws", "lrUpdateRate", "minn")])
def test_arguments_out_of_range(write, name, value):
    if value > 0 and name in ("epoch", "minCount", "neg", "wordNgrams"):
        assert len(load_epfml_vectors(write(patched("<i", 8 + 4 * FIELDS.index(name), value)))) == 4
    else:
        assert_refused(write(patched("<i", 8 + 4 * FIELDS.index(name), value)), r"at byte \d+")


@pytest.mark.parametrize("t", [-1.0, float("nan"), float("inf")])
def test_t_out_of_range(write, t):
    path = write(patched("<d", 56, t))
    if t == float("inf"):
        assert load_epfml_model(path).sample == 0
    else:
        assert_refused(path, "arguments at byte 8: t is")


@pytest.mark.parametrize(
    "counts", [(2**31 - 1, 2**31 - 1, 0), (-1, -1, 0), (5, 2**31 - 1, -(2**31)), (6, 5, 0), (5, 4, 1)]
)
def test_counts_of_entries(write, counts):
    assert_refused(write(patched("<3i", 64, *counts)), "dictionary at byte")


@pytest.mark.parametrize("value", [-2, -(2**63), 2**63 - 1, 2**31, 10**6])
def test_numbers_of_pruned_ngrams(write, value):
    assert_refused(write(patched("<q", 84, value)), "pruned n-grams")


def test_tokens(write):
    assert_refused(write(patched("<q", 76, -5)), "-5 tokens")


@pytest.mark.parametrize("matrix", ["input", "output"])
@pytest.mark.parametrize(
    "shape", [(2**63 - 1, 3), (-1, 3), (2**62, 3), (11, 2**62), (11, -3), (0, 3), (11, 0), (2**31, 3)]
)
def test_sizes_of_matrices(write, matrix, shape):
    assert_refused(write(patched("<2q", PLACES[f"{matrix} rows"], *shape)), f"{matrix} matrix at byte")


@pytest.mark.parametrize("matrix", ["input", "output"])
def test_flags_of_matrices(write, matrix):
    assert_refused(write(patched("<B", PLACES[matrix], 7)), f"{matrix} matrix at byte {PLACES[matrix]}: .* is 7")


def test_counts_and_types_of_words(write):
    at = PLACES["entry 2"]
    assert_refused(write(patched("<q", PLACES["count 2"], -1)), f"at byte {at}: entry 2 of 5 has count -1")
    assert_refused(write(patched("<b", PLACES["type 2"], 1)), f"at byte {at}: entry 2 of 5 has count 30, type 1")
    assert_refused(write(patched("<b", PLACES["type 2"], -7)), f"at byte {at}: entry 2 of 5")


def test_the_first_word_must_be_the_placeholder(write):
    assert_refused(write(WHOLE.replace(b"<PLACEHOLDER>", b"<placeholder>")), "first word is b'<placeholder>'")


def test_words_without_end(write):
    head = WHOLE[: PLACES["entry 1"]]
    path = write(head + b"a" * 5000)
    with pytest.raises(ValueError, match=r"model\.bin': dictionary at byte 115: entry 1 of 5: no end within \d+ bytes"):
        layout.read_layout(path, block_bytes=1 << 10)
    assert_refused(write(head + b"a" * 500), "dictionary at byte 115: entry 1 of 5: the file ends at byte 615")


@pytest.mark.parametrize("words", [["a", "b", "a"], ["same"] * 2000])
def test_words_that_occur_twice(write, words):
    assert_refused(write(build(words=words)), f"dictionary at byte 92: the word '{words[0]}' [a-z]+ twice")


def test_a_second_placeholder_is_an_ordinary_word(write):
    wv = load_epfml_vectors(write(build(words=["the", "<PLACEHOLDER>"])))
    assert np.array_equal(wv.get_sentence_vector("<PLACEHOLDER>"), wv.vectors[1])


@pytest.mark.parametrize("place", ["entry 2", "input numbers", "output numbers"])
def test_truncated_while_it_is_read(write, place, monkeypatch, tmp_path):
    path = write(WHOLE)

    def read_and_truncate(path):
        found = layout.read_layout(path)
        os.truncate(path, PLACES[place] + 2)
        return found

    monkeypatch.setattr(epfml, "read_layout", read_and_truncate)
    with pytest.raises((OSError, ValueError), match=r"model\.bin.* at byte \d+"):
        load_epfml_model(path)
    write(WHOLE)
    if place != "output numbers":  # a conversion does not read these
        with pytest.raises((OSError, ValueError), match=r"model\.bin.* at byte \d+"):
            convert_epfml(path, tmp_path / "out")
        assert os.listdir(tmp_path) == ["model.bin"]


def test_changed_while_it_is_read(write, monkeypatch, tmp_path):
    path = write(WHOLE)
    found = layout.read_layout(path)
    monkeypatch.setattr(epfml, "read_layout", lambda path: found)
    for words in (["longer words", "</s>", "than before", "of it"], ["a", "b", "c", "d"]):
        write(build(words=words, word_ngrams=2))
        for read in (load_epfml_vectors, lambda path: convert_epfml(path, tmp_path / "out")):
            with pytest.raises((OSError, ValueError), match=r"model\.bin.*(changed|no end|file ends)"):
                read(path)


# -----------------------------------------------------------------------------------------------------
# Memory


def test_too_little_memory_is_reported_before_anything_is_allocated(write, monkeypatch, tmp_path):
    path = write(build(words=[f"w{i}" for i in range(100)], word_ngrams=2, bucket=10_000, dim=50))
    monkeypatch.setattr(memory, "available", lambda: memory.Limit("a limit", 1_000_000))
    tracemalloc.start()
    with pytest.raises(MemoryError, match=r"needs 2,0\d\d,\d{3} bytes .*1,000,000 bytes .*a limit; try convert_epfml"):
        load_epfml_vectors(path)
    assert tracemalloc.get_traced_memory()[1] < 5e6  # the blocks that were checked
    tracemalloc.stop()
    with pytest.raises(MemoryError, match="try load_epfml_vectors, which leaves out the output matrix, or"):
        load_epfml_model(path)
    assert converted(path, tmp_path).vectors_ngrams.shape == (10_000, 50)


def test_loading_logs_no_warning(caplog):
    with caplog.at_level(logging.WARNING):
        load_epfml_model(DATA / "ngrams1.bin")
    assert not caplog.records
