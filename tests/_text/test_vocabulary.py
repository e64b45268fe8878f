"""Vocabularies behave like a dict, and their words like a list."""

import copy
import itertools
import os
import pickle

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import words

from gensim_sent2vec import _kernel
from gensim_sent2vec._text.vocabulary import IndexToKey, Vocabulary

# ---------------------------------------------------------------------------------------------------
# Vocabulary and IndexToKey


@given(st.lists(words, unique=True), words)
@example([], "")
@example([""], "")
@example(["\ud800\udc00", "\U00010000"], "\ud800")  # two lone surrogates are not the character that they encode
def test_vocabulary_is_a_dict(known, other):
    expected = {word: i for i, word in enumerate(known)}
    vocabulary = Vocabulary.from_words(known)
    assert len(vocabulary) == len(expected)
    assert list(vocabulary.items()) == list(expected.items())
    assert vocabulary == expected
    assert expected == vocabulary
    for word in [*known, other, other + "x", "", *(w[:-1] for w in known)]:
        assert vocabulary.get(word) == expected.get(word)
        assert vocabulary.get(word, -1) == expected.get(word, -1)
        assert (word in vocabulary) == (word in expected)


@given(st.lists(words, unique=True), words, st.integers(-12, 12), st.none() | st.integers(-12, 12))
def test_index_to_key_reads_like_a_list(known, other, start, stop):
    sequence = Vocabulary.from_words(known).index_to_key
    assert len(sequence) == len(known)
    assert list(sequence) == known
    assert sequence == known
    assert list(reversed(sequence)) == known[::-1]
    assert sequence[start:stop] == known[start:stop]
    assert sequence[::-2] == known[::-2]
    for i in range(-len(known), len(known)):
        assert sequence[i] == sequence[np.int64(i)] == known[i]
    for i in (len(known), -len(known) - 1):
        with pytest.raises(IndexError):
            sequence[i]
    for word in [*known, other]:
        assert (word in sequence) == (word in known)
        assert sequence.count(word) == known.count(word)
        assert _index(sequence, word, start, stop) == _index(known, word, start, stop)


def _index(sequence, word, start, stop):
    try:
        return sequence.index(word, start) if stop is None else sequence.index(word, start, stop)
    except ValueError:
        return "not found"


@pytest.mark.parametrize("index", [1.0, "0", None, (0,)])
def test_only_integers_and_slices_are_indices(index):
    with pytest.raises(TypeError):
        Vocabulary.from_words("abc").index_to_key[index]


def test_index_to_key_compares_with_lists_and_each_other():
    abc, abd = Vocabulary.from_words("abc").index_to_key, Vocabulary.from_words("abd").index_to_key
    assert abc == Vocabulary.from_words("abc").index_to_key
    assert abc != abd
    assert abc == ["a", "b", "c"]
    assert abc != ["a", "b"]
    assert abc != "abc"
    assert repr(abc) == "<3 words>"


def test_a_missing_key_is_a_key_error():
    vocabulary = Vocabulary.from_words(["a"])
    with pytest.raises(KeyError, match="b"):
        vocabulary["b"]
    with pytest.raises(KeyError):
        vocabulary[0]
    assert vocabulary.get(0) is None
    assert 0 not in vocabulary
    assert None not in vocabulary


def test_a_numpy_string_is_a_key():
    """Iterating over a numpy array of strings yields numpy.str_, a subclass of str."""
    vocabulary = Vocabulary.from_words(np.array(["a", "b"]))
    assert vocabulary[np.str_("b")] == {"a": 0, "b": 1}[np.str_("b")]
    assert np.str_("b") in vocabulary.index_to_key
    assert np.str_("c") not in vocabulary


@pytest.mark.parametrize("known", [["a", "b", "a"], ["", ""], ["한", "국", "한"]])
def test_a_word_that_occurs_twice_is_refused(known):
    with pytest.raises(ValueError, match=f"word {known[-1]!r} occurs twice"):
        Vocabulary.from_words(known)


def test_a_large_vocabulary_finds_all_its_words_and_no_others():
    known = [f"{i:x}" for i in range(100_000)]
    vocabulary = Vocabulary.from_words(known)
    assert [vocabulary[word] for word in known] == list(range(len(known)))
    assert not any(word + "." in vocabulary for word in known)


@given(st.lists(words, unique=True))
def test_vocabularies_survive_pickle_and_copy(known):
    vocabulary = Vocabulary.from_words(known)
    vocabulary.get("a")  # creates the kernel's table, which cannot be pickled and must be left out
    for twin in (pickle.loads(pickle.dumps(vocabulary)), copy.copy(vocabulary), copy.deepcopy(vocabulary)):
        assert twin == vocabulary
        assert [twin[word] for word in known] == list(range(len(known)))
        assert twin.index_to_key == vocabulary.index_to_key == pickle.loads(pickle.dumps(vocabulary.index_to_key))


@pytest.mark.parametrize("mmap", [None, "r"])
def test_vocabularies_survive_saving_and_memory_mapping(tmp_path, mmap):
    known = ["", "a", "한국어", "\ud800", "a b", "\0"]
    path = str(tmp_path / "words")
    Vocabulary.from_words(known).save(path, sep_limit=1)
    loaded = Vocabulary.load(path, mmap=mmap)
    assert list(loaded) == known
    assert [loaded[word] for word in known] == list(range(len(known)))
    assert "b" not in loaded
    for array in (loaded.blob, loaded.offsets, loaded.slots):
        assert isinstance(array, np.memmap) == (mmap is not None)
        assert array.flags.writeable == (mmap is None)


def test_vocabularies_compare_by_their_words():
    assert Vocabulary.from_words("ab") == Vocabulary.from_words("ab")
    assert Vocabulary.from_words("ab") != Vocabulary.from_words("ba")
    assert Vocabulary.from_words("ab") != {"a": 0}
    assert Vocabulary.from_words("ab") != ["a", "b"]
    with pytest.raises(TypeError):
        hash(Vocabulary.from_words("ab"))


@given(st.lists(words, unique=True), st.data())
def test_take_selects_and_renumbers(known, data):
    ids = data.draw(st.lists(st.integers(0, len(known) - 1), unique=True)) if known else []
    taken = Vocabulary.from_words(known).take(np.array(ids, dtype=np.int64))
    assert taken == {known[id]: i for i, id in enumerate(ids)}


def test_index_to_key_is_a_view_of_the_vocabulary():
    vocabulary = Vocabulary.from_words("abc")
    assert isinstance(vocabulary.index_to_key, IndexToKey)
    assert repr(vocabulary.index_to_key) == "<3 words>"
    assert repr(vocabulary) == "<Vocabulary of 3 words>"


# ---------------------------------------------------------------------------------------------------
# The hash and the word table


GOLDEN_HASHES = {
    b"": 0x0,
    b"a": 0x4246A04BED457516,
    b"ab": 0x71EB71A852F8F2F0,
    b"abc": 0x622354D43E712974,
    b"abcd": 0x0DF1F2C885AB82B1,
    b"abcdefgh": 0x0460BFE32427C614,
    b"abcdefghi": 0x32BB272C65FEC5B8,
    b"abcdefghijklmnopq": 0x7C2DF43290CDD038,
    "한국어".encode(): 0x007BED162A426DBD,
    b"a\0b": 0xC88FD48D490ADAD5,
    bytes(range(256)): 0x05E72F3C2C4F94A3,
}


@pytest.mark.parametrize("word", GOLDEN_HASHES)
def test_the_hash_never_changes(word):
    """Hash tables are saved: with another hash, their words would no longer be found."""
    assert _kernel.hash_bytes(word) == GOLDEN_HASHES[word]


def _multiply_fold(a: int, b: int) -> int:
    return (a * b & 2**64 - 1) ^ a * b >> 64


def _hash(word: bytes) -> int:
    k0, k1 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
    h = len(word) * k0 & 2**64 - 1
    while len(word) > 8:
        h = _multiply_fold(h ^ int.from_bytes(word[:8], "little"), k1)
        word = word[8:]
    few = [word[0], word[len(word) // 2], word[-1]] if word else []
    tail = word[:4] + word[-4:] if len(word) >= 4 else bytes(few)
    return _multiply_fold(h ^ int.from_bytes(tail, "little"), k0 ^ k1)


@given(st.binary(max_size=40))
def test_the_hash_is_as_documented(word):
    assert _kernel.hash_bytes(word) == _hash(word)


@given(st.lists(words, unique=True, max_size=30))
def test_slots_hold_every_word_where_its_hash_says(known):
    slots = Vocabulary.from_words(known).slots
    assert np.count_nonzero(slots) == len(known)
    for i, word in enumerate(known):
        h = _hash(word.encode("utf-8", "surrogatepass"))
        probes = (int(slots[(h + probe) % len(slots)]) for probe in range(len(slots)))
        run = list(itertools.takewhile(bool, probes))  # up to the first empty slot
        assert (h >> 32 << 32 | i + 1) in run


@pytest.mark.parametrize(
    "offsets, slots, what",
    [
        ([], np.zeros(16), "offsets"),
        ([0, 1], np.zeros(0), "slots"),
        ([0, 1], np.zeros(1), "slots"),
        ([0, 1], np.zeros(15), "slots"),
        ([0, 1, 1, 1, 1], np.zeros(4), "slots"),
    ],
)
def test_a_table_of_the_wrong_size_is_refused(offsets, slots, what):
    blob = np.frombuffer(b"a", dtype=np.uint8)
    with pytest.raises(ValueError, match=what):
        _kernel.WordTable(blob, np.array(offsets, dtype=np.int64), slots.astype(np.uint64))


# Run in a new interpreter, because the tests look for a crash.
DAMAGE = """
import random, sys
import numpy as np
from gensim_sent2vec import _kernel

def table(blob, offsets, slots):
    return _kernel.WordTable(np.frombuffer(blob, dtype=np.uint8), np.array(offsets, dtype=np.int64),
                             np.array(slots, dtype=np.uint64))

def slot(word, low):
    return _kernel.hash_bytes(word.encode()) >> 32 << 32 | low
"""

RANDOM_DAMAGE = """
numbers = random.Random(1)
words = ["a", "bc", "def", "ghijklmnopqr", ""]
edges = [0, 1, 3, 18, 19, -1, 2**31, 2**32, 2**62, 2**63 - 1, -2**62, -2**63]
lows = [1, 2, 3, 5, 6, 7, 2**31 - 1, 2**31, 2**32 - 1]
for _ in range(20_000):
    offsets = sorted(numbers.choice(edges) for _ in range(6))
    if numbers.random() < 0.3:
        numbers.shuffle(offsets)
    slots = [slot(numbers.choice(words), numbers.choice(lows)) for _ in range(16)]
    damaged = table(b"abcdefghijklmnopqr", offsets, slots)
    for word in words + ["unknown"]:
        assert -1 <= damaged.find(word) < 5
"""

# The offsets start at the start of a page, and the page before it must not be read.
SLOT_OF_NO_WORD = """
import ctypes, mmap
pages = np.frombuffer(mmap.mmap(-1, 2 * mmap.PAGESIZE), dtype=np.int64)
assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(pages.ctypes.data), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
offsets = pages[mmap.PAGESIZE // 8:][:2]
offsets[:] = 0, 3
slots = np.full(16, slot("abc", 0), dtype=np.uint64)
assert _kernel.WordTable(np.frombuffer(b"abc", dtype=np.uint8), offsets, slots).find("abc") == -1
"""

OFFSETS_THAT_OVERFLOW = """
assert table(b"abc", [2**63 - 1, -2**63], [slot("a", 1)] * 16).find("a") == -1
"""


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(RANDOM_DAMAGE, id="random"),
        pytest.param(
            SLOT_OF_NO_WORD, id="slot-of-no-word", marks=pytest.mark.skipif(os.name == "nt", reason="needs mprotect")
        ),
        pytest.param(OFFSETS_THAT_OVERFLOW, id="offsets-that-overflow"),
    ],
)
def test_damaged_tables_never_crash(run_python, case):
    assert run_python(DAMAGE + case) == ("", 0)
