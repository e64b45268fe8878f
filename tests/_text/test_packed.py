"""Packed strings behave like a list."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import words

from gensim_sent2vec._text.packed import DECODED_TOGETHER, PackedStrings

lists = st.lists(words)
indices = st.none() | st.integers(-12, 12)


@given(lists)
def test_strings_are_stored_end_to_end_in_utf8(known):
    strings = PackedStrings.from_strings(known)
    assert (strings.blob.dtype, strings.offsets.dtype) == (np.uint8, np.int64)
    assert len(strings.offsets) == len(known) + 1
    cut = [bytes(strings.blob[i:j]).decode("utf-8", "surrogatepass") for i, j in itertools.pairwise(strings.offsets)]
    assert cut == known


@given(lists, indices, indices, st.sampled_from([None, 1, 2, -1, -2]))
def test_packed_strings_read_like_a_list(known, start, stop, step):
    strings = PackedStrings.from_strings(known)
    assert len(strings) == len(known)
    assert list(strings) == known
    assert list(reversed(strings)) == known[::-1]
    assert strings[start:stop:step] == known[start:stop:step]
    for i in range(-len(known), len(known)):
        assert strings[i] == strings[np.int64(i)] == known[i]
    for i in (len(known), -len(known) - 1):
        with pytest.raises(IndexError):
            strings[i]


@given(lists, indices, indices)
def test_a_part_has_the_adjacent_strings(known, start, stop):
    part = PackedStrings.from_strings(known).part(slice(start, stop))
    assert part == PackedStrings.from_strings(known[start:stop])


@pytest.mark.parametrize("index", [1.0, "0", None, (0,)])
def test_only_integers_and_slices_are_indices(index):
    with pytest.raises(TypeError):
        PackedStrings.from_strings("abc")[index]


@pytest.mark.parametrize("n", [DECODED_TOGETHER - 1, DECODED_TOGETHER, DECODED_TOGETHER + 1, 3 * DECODED_TOGETHER])
def test_iteration_over_many_blocks(n):
    known = [f"{i:x}" * (i % 5) for i in range(n)]
    assert list(PackedStrings.from_strings(known)) == known


def test_packed_strings_compare_with_lists_and_each_other():
    abc = PackedStrings.from_strings("abc")
    assert abc == PackedStrings.from_strings("abc")
    assert abc != PackedStrings.from_strings("abd")
    assert abc != PackedStrings.from_strings(["ab", "c"])
    assert abc == ["a", "b", "c"]
    assert abc != ["a", "b"]
    assert abc != "abc"
    assert repr(abc) == "<3 strings>"
    with pytest.raises(TypeError):
        hash(abc)


@given(lists, st.data())
def test_take_selects_and_orders(known, data):
    rows = data.draw(st.lists(st.integers(0, len(known) - 1))) if known else []
    assert PackedStrings.from_strings(known).take(np.array(rows, dtype=np.int64)) == [known[i] for i in rows]


@given(st.lists(lists, max_size=4))
def test_concatenate_joins_lists_in_order(parts):
    joined = PackedStrings.concatenate([PackedStrings.from_strings(part) for part in parts])
    assert joined == PackedStrings.from_strings(itertools.chain(*parts))
    assert (joined.blob.dtype, joined.offsets.dtype) == (np.uint8, np.int64)


@given(lists, words)
def test_rows_are_all_positions_of_a_string(known, other):
    strings = PackedStrings.from_strings(known)
    for string in [*known, other]:
        rows = strings.rows(string)
        assert rows.dtype == np.int64
        assert rows.tolist() == [i for i, item in enumerate(known) if item == string]


@given(lists)
def test_packed_strings_survive_pickle(known):
    assert pickle.loads(pickle.dumps(PackedStrings.from_strings(known))) == known
