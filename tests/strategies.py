"""Hypothesis strategies for words and token lists."""

from hypothesis import strategies as st

any_word = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF))  # including surrogates
odd_word = st.text(st.sampled_from("ab\0 \t\n\x85\xa0é한\u3000\ud800\udc00\U0001f600"), max_size=12)
words = any_word | odd_word
token_lists = st.lists(st.lists(words, max_size=8), max_size=12)
