"""Sample queries, and texts that JSON cannot carry."""

import asyncio

import pytest

for needed in ("fastapi", "prometheus_client", "httpx"):
    pytest.importorskip(needed, reason=f'needs {needed}: pip install "gensim-sent2vec[serve]" httpx')
import httpx  # noqa: E402

from gensim_sent2vec import SentenceIndex  # noqa: E402
from gensim_sent2vec._service.app import Current, create_app  # noqa: E402
from gensim_sent2vec._service.faq import Faq  # noqa: E402
from gensim_sent2vec._service.samples import LONGEST, sample_queries  # noqa: E402


def test_few_sentences_are_all_samples():
    assert sample_queries(["a b", "c d"], [0, 1]) == ["a b", "c d"]
    assert sample_queries([], []) == []
    assert sample_queries(["", " ", "x"], [0, 1, 2]) == []


def test_samples_are_spread_over_the_index():
    sentences = [f"question {i}" for i in range(60)]
    assert sample_queries(sentences, sentences) == [f"question {i}" for i in range(0, 60, 10)]


def test_one_sample_for_each_answer():
    sentences = [f"question {i}" for i in range(30)]
    assert sample_queries(sentences, [i // 10 for i in range(30)]) == ["question 0", "question 10", "question 20"]


def test_no_sample_twice():
    assert sample_queries(["a b", "a  b", "a\nb", "c d"], [1, 2, 3, 4]) == ["a b", "c d"]


def test_long_sentences_are_left_out_or_cut():
    long = ["word " * 100, "x" * 1000, "가나 " * 500]
    assert sample_queries([*long, "short"], range(4)) == ["short"]
    samples = sample_queries(long, range(3))
    assert samples == [("word " * 14).strip(), "x" * LONGEST, ("가나 " * 23).strip()]


def test_only_some_of_a_large_index_are_read():
    class Large(list):
        read = 0

        def __getitem__(self, row):
            self.read += 1
            return f"question {row}"

        def __len__(self):
            return 10_000_000

    sentences = Large()
    assert len(sample_queries(sentences, range(len(sentences)))) == 6
    assert sentences.read == 200


def test_unpaired_surrogates_are_replaced(wv):
    index = SentenceIndex.build(wv, ["the police \ud800", "heavy rain"], keys=["\udfff", "rain"], lexical=True)
    app = create_app(Current(Faq(index)))

    async def send() -> tuple[httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.post("/search", json={"query": "police"}), await client.get("/samples")

    search, samples = asyncio.run(send())
    best = search.json()["results"][0]
    assert (best["key"], best["sentence"]) == ("\ufffd", "the police \ufffd")
    assert samples.json() == {"sentences": 2, "samples": ["the police \ufffd", "heavy rain"]}
