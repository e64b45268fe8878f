"""Counting words gives the same result as a Counter."""

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
from strategies import token_lists, words

from gensim_sent2vec import _kernel
from gensim_sent2vec._text.corpus import TokenFile
from gensim_sent2vec._text.counting import FileCounter, WordCounts, count_file, count_words, take_counts

BUFFER = 1 << 18  # bytes that the kernel's reader reads at a time
LONGEST_TOKEN = 1 << 20
MIB = 1 << 20
WHITESPACE = [chr(c) for c in range(0x110000) if chr(c).isspace()]

# Pieces of a UTF-8 corpus: every kind of whitespace, and characters of one to four bytes.
text_pieces = st.sampled_from(
    [*WHITESPACE, "\r\n", "a", "b", "ab", "é", "한", "\u2fff", "\u200b", "\U0001f600", "\x1b"]
)
texts = st.lists(text_pieces, max_size=60).map("".join)


# ---------------------------------------------------------------------------------------------------
# WordCounts


@given(st.dictionaries(words, st.integers(0, 2**40)))
def test_word_counts_are_a_dict(expected):
    counts = WordCounts.from_mapping(expected)
    assert len(counts) == len(expected)
    assert list(counts.items()) == list(expected.items())
    assert counts == expected
    assert counts.get("surely unknown") is None
    for twin in (pickle.loads(pickle.dumps(counts)), copy.deepcopy(counts)):
        assert twin == expected
    assert WordCounts.from_mapping(counts) is counts
    assert repr(counts) == f"<WordCounts of {len(expected)} word{'' if len(expected) == 1 else 's'}>"


@given(st.dictionaries(words, st.integers(0, 9), min_size=1), st.data())
def test_take_selects_and_orders(expected, data):
    counts = WordCounts.from_mapping(expected)
    ids = data.draw(st.lists(st.integers(0, len(expected) - 1), unique=True))
    taken = counts.take(np.array(ids, dtype=np.int64))
    assert list(taken.items()) == [list(expected.items())[i] for i in ids]


@pytest.mark.parametrize("counts", [{"a": -1}, {"a": 1.5}, {1: 1}, {"a": "1"}, {"a": None}])
def test_invalid_counts_are_refused(counts):
    with pytest.raises(ValueError, match=r"word_freq: expected words with counts >= 0"):
        WordCounts.from_mapping(counts)


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
    assert count_words([("b", "a"), {"a": 1}.keys()])[0] == {"b": 1, "a": 2}
    assert count_words([np.array(["b", "a"]), np.array(["a"])])[0] == {"b": 1, "a": 2}


def test_count_words_over_many_batches():
    sentences = [[f"w{i % 13}", f"v{i}"] for i in range(100)]
    counts, n_sentences, n_tokens = count_words(sentences, batch_size=7)
    assert list(counts.items()) == list(Counter(itertools.chain.from_iterable(sentences)).items())
    assert (n_sentences, n_tokens) == (100, 200)


@pytest.mark.parametrize(
    "sentences",
    [[["a"], "b"], [["a", 1]], [["a"], [None]], [[b"a"]], [1], [None], [["a"], 2.5], [[["a"]]], [iter([["a"]])]],
)
def test_invalid_sentences_are_refused(sentences):
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
    """`count_file` on a file with these bytes."""
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(data)
    try:
        return count_file(file.name, **options)
    finally:
        os.unlink(file.name)


def expected_counts(text: str):
    """Words with counts in order of first appearance, lines and tokens: as plain Python computes them."""
    lines = text.split("\n")
    if lines[-1] == "":  # text after the last newline is a line only if it is not empty
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


def test_tokens_are_separated_by_whitespace_as_python_defines_it_and_nothing_else():
    lookalikes = "\u180e\u200b\u200c\u200d\u2060\ufeff\u00ad\x00"[:-1]
    assert len(WHITESPACE) == 29
    assert_counts("".join(f"a{c}b " for c in WHITESPACE + list(lookalikes)))
    assert_counts("".join(chr(c) for c in range(1, 0x3100) if not 0xD800 <= c < 0xE000))


@given(texts, st.lists(st.integers(0, 400), max_size=64))
def test_slices_cut_anywhere_add_up(text, cuts):
    """A line belongs to the slice in which it starts, wherever the slices end."""
    data = text.encode("utf-8")
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    total, stop = _kernel.CorpusCounter(), _kernel.StopFlag()
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        for begin, end in itertools.pairwise(bounds):
            part = _kernel.CorpusCounter()
            assert part.add_slice(file.fileno(), begin, end, stop) == -1
            total.merge(part)
    items, n_lines, n_tokens = expected_counts(text)
    assert list(WordCounts.from_counter(total).items()) == items
    assert (total.lines, total.tokens) == (n_lines, n_tokens)


def test_a_flag_ends_counting():
    counter, stop = _kernel.CorpusCounter(), _kernel.StopFlag()
    stop.set()
    with tempfile.TemporaryFile() as file:
        file.write(b"one line\n" * 1000)
        file.flush()
        assert counter.add_slice(file.fileno(), 0, 9000, stop) == -1
    assert counter.lines == 0


@pytest.mark.parametrize(
    "unit", [" ", "\n", "\r\n", "\x85", "\xa0", "\u2003", "\u3000", "é", "한", "\u2002x", "\U0001f600"]
)
@pytest.mark.parametrize("filler", ["one token", "short tokens", "spaces", "blank lines"])
def test_characters_across_the_end_of_the_buffer(unit, filler):
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
    """A text of more than 1 MiB, whose lines do not end at the bounds of slices or buffers."""
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
    """A file of 64 such blocks: one part for each of 64 threads."""
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
def test_the_size_of_slices_changes_nothing(block, size):
    text = block if size > 1000 else block[:20_000]
    assert_counts(text, workers=2, slice_bytes=size)


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
        times = 4 * MIB // len(text)  # large enough for several threads
        (tmp_path / "corpus").write_text(text * times)
        counts, n_sentences, n_tokens = count_file(tmp_path / "corpus", 500, workers=3 if "3" in source else 1)
    assert len(counts) <= 500
    assert {word: count for word, count in counts.items() if "frequent" in word} == {
        f"frequent{i}": 1000 * times for i in range(50)
    }
    assert (n_sentences, n_tokens) == (7000 * times, 70_000 * times)


@given(token_lists, st.integers(1, 6))
def test_pruning_respects_the_limit_and_never_overcounts(sentences, bound):
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
def test_bytes_that_are_not_text_are_refused_with_their_offset(bad, before, after):
    offset = len(before.encode())
    with pytest.raises(ValueError, match=rf"corpus_file: .* is not UTF-8 text, see the bytes at offset {offset:,} "):
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
    token = before.split()[-1] if before and not before[-1].isspace() else ""  # the token starts with valid bytes
    assert offset == bad - len(token.encode())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_invalid_token_is_found_by_any_thread(workers, no_thread_left):
    good = b"good text\n" * 400_000
    for offset in (len(good) // 4, len(good) // 10 * 5, len(good) // 100 * 90):
        data = good[:offset] + b"\xff\n" + good[offset:]
        with pytest.raises(ValueError, match=f"offset {offset:,} "):
            count_bytes(data, workers=workers)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        count_file(tmp_path / "nowhere")


def test_a_read_error_reaches_the_caller(tmp_path, monkeypatch, no_thread_left):
    """A directory can be opened, but not read."""
    (tmp_path / "file").write_bytes(b"a")
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda path, flags: real_open(tmp_path, flags))
    with pytest.raises(OSError, match=r"[Dd]irectory"):
        count_file(tmp_path / "file")


def test_stopping_ends_the_count():
    counter = _kernel.CorpusCounter()
    with tempfile.TemporaryFile() as file:
        file.write(b"a b\n" * 1000)
        file.flush()
        stop = _kernel.StopFlag()
        stop.set()
        counter.add_slice(file.fileno(), 0, 4000, stop)
    assert counter.lines == 0


# ---------------------------------------------------------------------------------------------------
# Counting while a file is written


def written(path, lines, header=b"", **options) -> FileCounter:
    counter = FileCounter(os.fspath(path), "the corpus", begin=len(header), **options)
    with open(path, "wb") as file:
        file.write(header)
        for line in lines:
            file.write(line)
            counter.on_write(file, line)
    counter.count()
    return counter


@pytest.mark.parametrize("slice_bytes", [1, 100, 1 << 18])
@pytest.mark.parametrize("header", [b"", b"a header\n"])
@given(st.lists(st.lists(st.sampled_from(["a", "b", "한국어", "c" * 300]), max_size=9), max_size=30))
def test_a_file_is_counted_while_it_is_written(tmp_path_factory, slice_bytes, header, sentences):
    path = tmp_path_factory.mktemp("written") / "tokens"
    counter = written(path, [f"{' '.join(s)}\n".encode() for s in sentences], header, slice_bytes=slice_bytes)
    counts, *sizes = counter.result()
    expected, *expected_sizes = count_file(path, begin=len(header))
    assert list(counts.items()) == list(expected.items()) and sizes == expected_sizes and counts.is_complete


def test_counts_are_taken_once_and_only_if_they_are_those_asked_for(tmp_path):
    lines = [f"common rare{i}\n".encode() for i in range(50)]

    def file(limit) -> TokenFile:
        tokens = TokenFile(tmp_path / "tokens")
        tokens.counter = written(tmp_path / "tokens", lines, max_vocab_size=limit)
        return tokens

    for limit, asked, useful in [
        (None, None, True), (None, 51, True), (None, 50, False), (51, None, True), (51, 60, True), (10, 10, True),
        (10, 20, False), (10, None, False),
    ]:  # fmt: skip
        tokens = file(limit)
        found = take_counts(tokens, asked)
        assert (found is not None) == useful and take_counts(tokens, asked) is None
        if useful and asked != 10:
            assert found[0] == count_file(tmp_path / "tokens")[0]
    assert take_counts(tmp_path / "tokens", None) is None


def test_a_token_that_is_too_long_names_the_corpus(tmp_path):
    with pytest.raises(ValueError, match=r"^the corpus: a token .* is longer than 1 MiB, see the text with 'xxx"):
        written(tmp_path / "tokens", [b"a b\n", b"x" * (LONGEST_TOKEN + 1) + b"\n"])
