"""Lines of a text, sampled and packed by the kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec import _kernel
from gensim_sent2vec._text.vocabulary import Vocabulary


def sampled(text: bytes, n: int, longest: int = 1 << 16) -> list[bytes]:
    begins, ends = map(np.frombuffer, _kernel.sample_lines(np.frombuffer(text, np.uint8), n, longest), [np.int64] * 2)
    return [text[begin:end] for begin, end in zip(begins, ends, strict=True)]


@given(st.text("ab \n", max_size=60).map(str.encode), st.integers(1, 70))
def test_sampled_lines_begin_at_or_after_evenly_spread_positions(text, n):
    starts = np.cumsum([0, *map(len, text.splitlines(keepends=True))])[:-1]
    n_used = min(n, len(text))
    expected, last = [], -1
    for i in range(n_used):
        at = max(last + 1, int(np.searchsorted(starts, len(text) * i // n_used)))
        if at < len(starts):
            expected.append(text.splitlines(keepends=True)[at])
            last = at
    assert sampled(text, n) == expected


def test_long_lines_count_as_several():
    assert sampled(b"abcdefg\nhi\n", 100, longest=3) == [b"abc", b"def", b"g\n", b"hi\n"]
    assert sampled(b"", 5) == []


def test_packed_lines_are_those_of_the_text():
    text = np.frombuffer("나는 학교에\n a b\tc\n".encode(), np.uint8)
    vocabulary = Vocabulary.from_words(["a", "c", "학교에"])
    begins, ends = np.array([17, 0]), np.array([len(text), 17])
    found = _kernel.Pack.of_lines(text, begins, ends).weighted_words(vocabulary.table, np.ones(3, np.float32), 1, 0)
    _, places, _, ends_of_words = map(np.frombuffer, found, (np.int64, np.int32, np.float32, np.int64))
    assert (places.tolist(), ends_of_words.tolist()) == ([0, 1, 2], [2, 3])


def test_spaces_of_lines_are_counted():
    text = np.frombuffer(b"a b c\n d\n", np.uint8)
    for begins, ends, n in (([0, 6], [6, 9], 3), ([6], [9], 1), ([9, 2], [9, 2], 0), ([], [], 0)):
        assert _kernel.count_spaces(text, np.array(begins, np.int64), np.array(ends, np.int64)) == n


@pytest.mark.parametrize(("begins", "ends"), [([0], [4]), ([2], [1]), ([-1], [1]), ([0, 1], [1]), ([0], [2**62])])
def test_lines_outside_of_the_text_are_refused(begins, ends):
    for function in (_kernel.Pack.of_lines, _kernel.count_spaces):
        with pytest.raises(ValueError, match="ends"):
            function(np.zeros(3, np.uint8), np.array(begins), np.array(ends))


@pytest.mark.parametrize(("n", "longest"), [(0, 1), (1, 0)])
def test_no_positions_or_empty_lines_are_refused(n, longest):
    with pytest.raises(ValueError, match="at least 1"):
        _kernel.sample_lines(np.zeros(3, np.uint8), n, longest)
