"""Batches of an iterable."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec._util.batches import batched


@given(st.lists(st.integers()), st.integers(1, 5))
def test_batches_contain_all_items_in_order(items, size):
    parts = list(batched(iter(items), size))
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(parts)


def test_batches_of_an_endless_stream():
    numbers = batched(count(), 3)
    assert (next(numbers), next(numbers)) == ([0, 1, 2], [3, 4, 5])
