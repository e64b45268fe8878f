"""Words, ids and counts: as a dict, a list and a Counter would have them."""

import copy
import itertools
import os
import pickle
import random
import tempfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gensim_sent2vec import _kernel
from gensim_sent2vec._text import vocabulary
from gensim_sent2vec._text.vocabulary import Vocabulary, WordCounts, Words, batches, count_file, count_words, pack_words

BUFFER = 1 << 18  # what SliceReader reads at a time
LONGEST_TOKEN = 1 << 20
MIB = 1 << 20
WHITESPACE = [chr(c) for c in range(0x110000) if chr(c).isspace()]

any_word = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF))  # surrogates too
odd_word = st.text(st.sampled_from("ab\0 \t\n\x85\xa0é한\u3000\ud800\udc00\U0001f600"), max_size=12)
words = any_word | odd_word
token_lists = st.lists(st.lists(words, max_size=8), max_size=12)

# What a UTF-8 corpus can be made of: every kind of whitespace, and characters of one to four bytes.
text_pieces = st.sampled_from(
    [*WHITESPACE, "\r\n", "a", "b", "ab", "é", "한", "\u2fff", "\u200b", "\U0001f600", "\x1b"]
)
texts = st.lists(text_pieces, max_size=60).map("".join)


# ---------------------------------------------------------------------------------------------------
# Vocabulary and Words


@given(st.lists(words, unique=True), words)
@example([], "")
@example([""], "")
@example(["\ud800\udc00", "\U00010000"], "\ud800")  # two lone surrogates are not the character they would make
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
def test_words_are_a_list(known, other, start, stop):
    sequence = Vocabulary.from_words(known).words
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
        return "not there"


@pytest.mark.parametrize("index", [1.0, "0", None, (0,)])
def test_words_take_only_integers_and_slices(index):
    with pytest.raises(TypeError):
        Vocabulary.from_words("abc").words[index]


def test_words_compare_with_lists_and_each_other():
    abc, abd = Vocabulary.from_words("abc").words, Vocabulary.from_words("abd").words
    assert abc == Vocabulary.from_words("abc").words
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


def test_a_string_of_numpy_is_a_key():
    """Iterating over a numpy array of strings gives numpy.str_, a subclass of str that equals and hashes as one."""
    vocabulary = Vocabulary.from_words(np.array(["a", "b"]))
    assert vocabulary[np.str_("b")] == {"a": 0, "b": 1}[np.str_("b")]
    assert np.str_("b") in vocabulary.words
    assert np.str_("c") not in vocabulary


@pytest.mark.parametrize("known", [["a", "b", "a"], ["", ""], ["한", "국", "한"]])
def test_a_word_that_stands_twice_is_refused(known):
    with pytest.raises(ValueError, match=f"word {known[-1]!r} stands twice"):
        Vocabulary.from_words(known)


def test_a_large_vocabulary_finds_all_its_words_and_no_others():
    known = [f"{i:x}" for i in range(100_000)]
    vocabulary = Vocabulary.from_words(known)
    assert [vocabulary[word] for word in known] == list(range(len(known)))
    assert not any(word + "." in vocabulary for word in known)


@given(st.lists(words, unique=True))
def test_vocabularies_survive_pickle_and_copy(known):
    vocabulary = Vocabulary.from_words(known)
    vocabulary.get("a")  # makes the table, which cannot be pickled and must not be
    for twin in (pickle.loads(pickle.dumps(vocabulary)), copy.copy(vocabulary), copy.deepcopy(vocabulary)):
        assert twin == vocabulary
        assert [twin[word] for word in known] == list(range(len(known)))
        assert twin.words == vocabulary.words == pickle.loads(pickle.dumps(vocabulary.words))


@pytest.mark.parametrize("mmap", [None, "r"])
def test_vocabularies_survive_files_and_maps(tmp_path, mmap):
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


def test_a_vocabulary_is_compared_by_its_words():
    assert Vocabulary.from_words("ab") == Vocabulary.from_words("ab")
    assert Vocabulary.from_words("ab") != Vocabulary.from_words("ba")
    assert Vocabulary.from_words("ab") != {"a": 0}
    assert Vocabulary.from_words("ab") != ["a", "b"]
    with pytest.raises(TypeError):
        hash(Vocabulary.from_words("ab"))


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
    """Tables are saved: another hash would no longer find their words."""
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
def test_the_hash_is_what_it_says(word):
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


# Run in an interpreter of its own: a crash is what the tests look for.
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

# The offsets begin where a page begins, and the page before it must not be read.
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


# ---------------------------------------------------------------------------------------------------
# WordCounts


@given(st.dictionaries(words, st.integers(0, 2**40)))
def test_word_counts_are_a_dict(expected):
    counts = WordCounts.of(expected)
    assert len(counts) == len(expected)
    assert list(counts.items()) == list(expected.items())
    assert counts == expected
    assert counts.get("not there, surely") is None
    for twin in (pickle.loads(pickle.dumps(counts)), copy.deepcopy(counts)):
        assert twin == expected
    assert WordCounts.of(counts) is counts


@given(st.dictionaries(words, st.integers(0, 9), min_size=1), st.data())
def test_take_chooses_and_orders(expected, data):
    counts = WordCounts.of(expected)
    ids = data.draw(st.lists(st.integers(0, len(expected) - 1), unique=True))
    taken = counts.take(np.array(ids, dtype=np.int64))
    assert list(taken.items()) == [list(expected.items())[i] for i in ids]


@pytest.mark.parametrize("counts", [{"a": -1}, {"a": 1.5}, {1: 1}, {"a": "1"}, {"a": None}])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(ValueError, match=r"word_freq: words with counts >= 0 are expected"):
        WordCounts.of(counts)


@given(st.lists(words))
def test_packed_words_can_be_cut_out_again(known):
    blob, offsets = pack_words(known)
    cut = [bytes(blob[a:b]).decode("utf-8", "surrogatepass") for a, b in itertools.pairwise(offsets)]
    assert cut == known


@given(st.lists(st.integers()), st.integers(1, 5))
def test_batches_are_the_whole_in_order(items, size):
    parts = list(batches(iter(items), size))
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])


# ---------------------------------------------------------------------------------------------------
# Counting token lists


@given(token_lists)
def test_count_words_is_a_counter(sentences):
    counts, n_sentences, n_tokens = count_words(sentences)
    expected = Counter(itertools.chain.from_iterable(sentences))  # in order of first appearance, too
    assert list(counts.items()) == list(expected.items())
    assert n_sentences == len(sentences)
    assert n_tokens == expected.total()


def test_count_words_takes_streams_and_any_iterable_of_tokens():
    sentences = [["b", "a"], ["a"]]
    as_streams = ((token for token in sentence) for sentence in sentences)
    assert list(count_words(as_streams)[0].items()) == [("b", 1), ("a", 2)]
    assert count_words([("b", "a"), {"a": 1}])[0] == {"b": 1, "a": 2}
    assert count_words([np.array(["b", "a"]), np.array(["a"])])[0] == {"b": 1, "a": 2}


def test_count_words_over_many_batches(monkeypatch):
    monkeypatch.setattr(vocabulary, "BATCH", 7)
    sentences = [[f"w{i % 13}", f"v{i}"] for i in range(100)]
    counts, n_sentences, n_tokens = count_words(sentences)
    assert list(counts.items()) == list(Counter(itertools.chain.from_iterable(sentences)).items())
    assert (n_sentences, n_tokens) == (100, 200)


@pytest.mark.parametrize(
    "sentences", [["a b"], [["a"], "b"], [["a", 1]], [["a"], [None]], [[b"a"]], [1], [None], [["a"], 2.5], [[["a"]]]]
)
def test_what_is_no_token_list_is_refused_by_name(sentences):
    with pytest.raises(TypeError, match=r"^sentences: "):
        count_words(sentences)


def test_an_error_of_the_stream_reaches_the_caller():
    def stream():
        yield ["a"]
        raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError, match="on fire"):
        count_words(stream())


# ---------------------------------------------------------------------------------------------------
# Counting files


def count_bytes(data: bytes, **options):
    """`count_file` of a file with these bytes."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(data)
    try:
        return count_file(file.name, **options)
    finally:
        os.unlink(file.name)


def expected_counts(text: str):
    """Words with counts in order of first appearance, lines and tokens: what Python makes of a text."""
    lines = text.split("\n")
    if lines[-1] == "":  # what follows the last newline is a line only if there is something
        lines.pop()
    counts = Counter(token for line in lines for token in line.split())
    return list(counts.items()), len(lines), counts.total()


def assert_counts(text: str, **options):
    counts, n_lines, n_tokens = count_bytes(text.encode("utf-8"), **options)
    assert (list(counts.items()), n_lines, n_tokens) == expected_counts(text)


@given(texts | st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_count_file_splits_as_python_does(text):
    assert_counts(text)


@pytest.mark.parametrize("text", ["", "\n", "\n\n", "a", "a\n", "a\r\nb\r\n", " \t\na", "a\n\n\nb", "\ufeffa b"])
def test_count_file_of_small_texts(text):
    assert_counts(text)


def test_every_whitespace_of_python_separates_and_nothing_else_does():
    lookalikes = "\u180e\u200b\u200c\u200d\u2060\ufeff\u00ad\x00"[:-1]
    assert len(WHITESPACE) == 29
    assert_counts("".join(f"a{c}b " for c in WHITESPACE + list(lookalikes)))
    assert_counts("".join(chr(c) for c in range(1, 0x3100) if not 0xD800 <= c < 0xE000))


@given(texts, st.lists(st.integers(0, 400), max_size=64))
def test_slices_cut_anywhere_add_up(text, cuts):
    """A line belongs to the slice that it starts in, whatever the slices."""
    data = text.encode("utf-8")
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    total, go_on = _kernel.CorpusCounter(), np.zeros(1, dtype=np.int64)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        for begin, end in itertools.pairwise(bounds):
            part = _kernel.CorpusCounter()
            assert part.add_slice(file.fileno(), begin, end, go_on) == -1
            total.merge(part)
    items, n_lines, n_tokens = expected_counts(text)
    assert list(vocabulary._exported(total).items()) == items
    assert (total.lines, total.tokens) == (n_lines, n_tokens)


@pytest.mark.parametrize(
    "unit", [" ", "\n", "\r\n", "\x85", "\xa0", "\u2003", "\u3000", "é", "한", "\u2002x", "\U0001f600"]
)
@pytest.mark.parametrize("filler", ["one token", "short tokens", "spaces", "blank lines"])
def test_characters_across_the_edge_of_the_buffer(unit, filler):
    fill = {"one token": "x", "short tokens": "xy ", "spaces": " ", "blank lines": "\n"}[filler]
    for shift in range(-5, 2):
        before = (fill * BUFFER)[: BUFFER + shift]
        assert_counts(before + unit + "y z" + unit)


@pytest.mark.parametrize("length", [BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER, LONGEST_TOKEN - 1, LONGEST_TOKEN])
def test_long_tokens_are_tokens(length):
    for before in ("", "a ", "a\n" * 1000, "b" * 1000 + " "):
        assert_counts(before + "x" * length + " y\nz")
        assert_counts(before + "x" * length)


@pytest.mark.parametrize(
    "length", [LONGEST_TOKEN + 1, LONGEST_TOKEN + 100_000, 2 * LONGEST_TOKEN + 1, 5 * LONGEST_TOKEN]
)
@pytest.mark.parametrize("after", ["", " y\nz\n" * 300_000])
def test_a_token_of_more_than_a_mib_is_refused(length, after):
    for before in ("", "a ", "a\n" * 100_000, "b" * LONGEST_TOKEN + " "):
        with pytest.raises(ValueError, match=f"offset {len(before):,} "):
            count_bytes((before + "x" * length + after).encode())


def test_lines_longer_than_the_buffer():
    line = "한국어 word é " * 100_000
    assert_counts(line + "\n" + line + "end\nshort\n" + line)


@pytest.fixture(scope="module")
def block() -> str:
    """A text of more than 1 MiB, whose lines do not fit the bounds of slices or buffers."""
    numbers = random.Random(1)
    lines = []
    size = 0
    while size < MIB:
        n = numbers.choice([0, 1, 5, 20, 300])
        line = "".join(
            f"{numbers.choice('abé한')}{numbers.randrange(2000)}{numbers.choice(WHITESPACE[1:])}" for _ in range(n)
        )
        lines.append(line.replace("\n", " "))
        size += len(lines[-1].encode()) + 1
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def large_file(block, tmp_path_factory):
    """A file of 64 such blocks: each of 64 threads gets a part of its own."""
    path = tmp_path_factory.mktemp("corpus") / "large.txt"
    with open(path, "wb") as file:
        for _ in range(64):
            file.write(block.encode())
    yield path
    path.unlink()


@pytest.mark.parametrize("workers", [1, 2, 3, 17, 64])
def test_the_number_of_threads_changes_nothing(large_file, block, workers, no_thread_left):
    items, n_lines, n_tokens = expected_counts(block)
    counts, lines, tokens = count_file(large_file, workers=workers)
    assert list(counts.items()) == [(word, 64 * count) for word, count in items]
    assert (lines, tokens) == (64 * n_lines, 64 * n_tokens)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_one_line_for_all_threads(workers):
    assert_counts("word é " * 500_000, workers=workers)
    assert_counts("a\n" + "word é " * 500_000 + "\nb", workers=workers)


@pytest.mark.parametrize("size", [1, 100, 65_537])
def test_the_looks_at_the_progress_change_nothing(monkeypatch, block, size):
    monkeypatch.setattr(vocabulary, "SLICE", size)
    text = block if size > 1000 else block[:20_000]
    assert_counts(text, workers=2)


def test_count_file_of_real_texts(shared_data):
    for path in sorted(shared_data("eval").glob("*.tsv")):
        counts, n_lines, n_tokens = count_file(path)
        expected = expected_counts(path.read_text(encoding="utf-8"))
        assert (list(counts.items()), n_lines, n_tokens) == expected


# ---------------------------------------------------------------------------------------------------
# Pruning


@pytest.fixture(scope="module")
def frequent_and_rare() -> list[list[str]]:
    numbers = random.Random(1)
    tokens = [f"frequent{i}" for i in range(50)] * 1000 + [f"rare{i}" for i in range(20_000)]
    numbers.shuffle(tokens)
    return [tokens[i : i + 10] for i in range(0, len(tokens), 10)]


@pytest.mark.parametrize("source", ["sentences", "file", "file, 3 threads"])
def test_pruning_keeps_the_frequent_words_and_their_counts(frequent_and_rare, source, tmp_path):
    if source == "sentences":
        counts, n_sentences, n_tokens = count_words(frequent_and_rare, max_vocab_size=500)
        times = 1
    else:
        text = "\n".join(" ".join(sentence) for sentence in frequent_and_rare) + "\n"
        times = 4 * MIB // len(text)  # so that threads get parts of their own
        (tmp_path / "corpus").write_text(text * times)
        counts, n_sentences, n_tokens = count_file(tmp_path / "corpus", 500, workers=3 if "3" in source else 1)
    assert len(counts) <= 500
    assert {word: count for word, count in counts.items() if "frequent" in word} == {
        f"frequent{i}": 1000 * times for i in range(50)
    }
    assert (n_sentences, n_tokens) == (7000 * times, 70_000 * times)


@given(token_lists, st.integers(1, 6))
def test_pruning_keeps_within_the_bound_and_never_overcounts(sentences, bound):
    counts, n_sentences, n_tokens = count_words(sentences, max_vocab_size=bound)
    expected = Counter(itertools.chain.from_iterable(sentences))
    assert len(counts) <= bound
    assert all(0 < count <= expected[word] for word, count in counts.items())
    assert (n_sentences, n_tokens) == (len(sentences), expected.total())


# ---------------------------------------------------------------------------------------------------
# Files that are not text

NOT_TEXT = {
    "latin-1": "caf\xe9".encode("latin-1"),
    "lone continuation": b"a\x80",
    "cut short": b"\xed\x95",
    "overlong": b"\xc0\xaf",
    "overlong of three bytes": b"\xe0\x80\xaf",
    "overlong of four bytes": b"\xf0\x80\x80\xaf",
    "surrogate": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "no such byte": b"\xff",
    "NUL": b"a\0b",
    "UTF-16": "ab".encode("utf-16"),
    "compressed": b"\xfd7zXZ\0\0\4",
}


@pytest.mark.parametrize("bad", NOT_TEXT.values(), ids=NOT_TEXT)
@pytest.mark.parametrize("before", ["", "é ", "good text\n" * 100_000])
@pytest.mark.parametrize("after", ["", " good", "\ngood text\n"])
def test_what_is_not_text_is_refused_with_its_offset(bad, before, after):
    offset = len(before.encode())
    with pytest.raises(ValueError, match=rf"corpus_file: .* is not UTF-8 text: see the bytes at offset {offset:,} "):
        count_bytes(before.encode() + bad + after.encode())


@given(st.binary(max_size=40))
@example("한".encode("utf-16"))
def test_any_bytes_are_counted_or_refused(data):
    try:
        text = data.decode("utf-8")
        bad = data.find(b"\0")
    except UnicodeDecodeError as error:
        text, bad = "", min(i for i in (error.start, data.find(b"\0")) if i >= 0)
    if bad < 0:
        return assert_counts(text)
    with pytest.raises(ValueError, match="not UTF-8 text") as refusal:
        count_bytes(data)
    offset = int(str(refusal.value).split("offset ")[1].split(" ")[0])
    before = data[:bad].decode()
    token = before.split()[-1] if before and not before[-1].isspace() else ""  # it begins well
    assert offset == bad - len(token.encode())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_bad_token_is_found_by_any_thread(workers, no_thread_left):
    good = b"good text\n" * 400_000
    for offset in (len(good) // 4, len(good) // 10 * 5, len(good) // 100 * 90):
        data = good[:offset] + b"\xff\n" + good[offset:]
        with pytest.raises(ValueError, match=f"offset {offset:,} "):
            count_bytes(data, workers=workers)


def test_a_file_that_is_missing_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        count_file(tmp_path / "nowhere")


def test_an_error_of_reading_reaches_the_caller(tmp_path, monkeypatch, no_thread_left):
    """A directory can be opened, but not read."""
    (tmp_path / "file").write_bytes(b"a")
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda path, flags: real_open(tmp_path, flags))
    with pytest.raises(OSError, match=r"[Dd]irectory"):
        count_file(tmp_path / "file")


def test_a_stop_ends_the_count():
    counter = _kernel.CorpusCounter()
    with tempfile.TemporaryFile() as file:
        file.write(b"a b\n" * 1000)
        file.flush()
        counter.add_slice(file.fileno(), 0, 4000, np.ones(1, dtype=np.int64))
    assert counter.lines == 0


def test_words_are_a_view_of_the_vocabulary():
    vocabulary = Vocabulary.from_words("abc")
    assert isinstance(vocabulary.words, Words)
    assert repr(vocabulary) == "<Vocabulary of 3 words>"
    assert repr(WordCounts.of({"a": 1})) == "<WordCounts of 1 words>"
