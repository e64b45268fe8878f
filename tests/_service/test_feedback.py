"""POST /feedback, and the correction for hubs in the service."""

import asyncio
import copy
import sys

import pytest

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    pytest.importorskip(needed, reason=f'needs {needed}: pip install "gensim-sent2vec[serve]" httpx')
import httpx  # noqa: E402

from gensim_sent2vec import SentenceIndex  # noqa: E402
from gensim_sent2vec._service.app import Current, create_app  # noqa: E402
from gensim_sent2vec._service.faq import CSLS, Faq  # noqa: E402
from gensim_sent2vec._service.feedback import Feedback, check_feedback  # noqa: E402
from gensim_sent2vec._text.tables import read_table  # noqa: E402

QUESTIONS = ["how do i get my money back", "the police arrested two men", "heavy rain fell in the south"]
ANSWERS = ["Refunds take three days.", "They did.", "It rained."]


def post(app, route, body):
    async def send():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.post(route, json=body)

    return asyncio.run(send())


@pytest.fixture
def faq(wv):
    return Faq(SentenceIndex.build(wv, QUESTIONS, keys=ANSWERS, lexical=True, csls=True))


def test_feedback_is_stored_as_a_table_that_tune_reads(faq, tmp_path):
    path = tmp_path / "feedback.tsv"
    app = create_app(Current(faq), feedback=Feedback(str(path)))
    assert post(app, "/search", {"query": "a search is not stored"}).status_code == 200
    assert not path.exists()
    for query, key in (("my\tmoney\nback", ANSWERS[0]), ("돈", ANSWERS[0])):
        response = post(app, "/feedback", {"query": query, "key": key})
        assert (response.status_code, response.json()) == (200, {"stored": True})
    rows = [values for _, values in read_table(path, ("answer", "question"))]
    assert rows == [[ANSWERS[0], "my money back"], [ANSWERS[0], "돈"]]
    check_feedback(str(path))


def test_integer_keys(wv, tmp_path):
    path = tmp_path / "feedback.tsv"
    app = create_app(Current(Faq(SentenceIndex.build(wv, QUESTIONS, keys=[7, 8, 9]))), feedback=Feedback(str(path)))
    assert post(app, "/feedback", {"query": "rain", "key": 9}).status_code == 200
    assert post(app, "/feedback", {"query": "rain", "key": "9"}).status_code == 422
    assert post(app, "/feedback", {"query": "rain", "key": 9.5}).status_code == 422
    assert post(app, "/feedback", {"query": "rain", "key": 10**400}).status_code == 422
    assert post(app, "/feedback", {"query": "rain", "key": 8.0}).status_code == 200  # an integer of JSON schemas
    assert [values for _, values in read_table(path, ("answer", "question"))] == [["9", "rain"], ["8", "rain"]]


@pytest.mark.parametrize(
    ("body", "status", "error", "detail"),
    [
        ({"query": "rain", "key": "no such answer"}, 422, "invalid", "key: the index has no such key"),
        ({"query": " ", "key": ANSWERS[0]}, 422, "empty", "query: is empty"),
        ({"query": "x" * 20_000, "key": ANSWERS[0]}, 422, "too_long", "query"),
        ({"query": "rain"}, 422, "invalid", "key"),
        ({"query": "rain", "key": ANSWERS[0], "more": 1}, 422, "invalid", "more"),
        ({"query": "rain", "key": True}, 422, "invalid", "key"),
    ],
)
def test_bad_feedback(faq, tmp_path, body, status, error, detail):
    app = create_app(Current(faq), feedback=Feedback(str(tmp_path / "f")))
    response = post(app, "/feedback", body)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["detail"].startswith(detail)
    assert not (tmp_path / "f").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_feedback_that_cannot_be_written_is_refused_as_a_whole(faq, tmp_path, caplog):
    import resource

    path = tmp_path / "feedback.tsv"
    app = create_app(Current(faq), feedback=Feedback(str(path)))
    body = {"query": "rain", "key": ANSWERS[0]}
    assert post(app, "/feedback", body).status_code == 200
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))  # as if the disk were full after ten bytes
    try:
        response = post(app, "/feedback", body)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (response.status_code, response.json()["error"]) == (507, "not_stored")
    assert "File too large" in response.json()["detail"] and "cannot be written" in caplog.text
    assert path.read_bytes() == before
    assert post(app, "/feedback", body).status_code == 200  # there is room again

    path.unlink()
    path.mkdir()
    assert post(app, "/feedback", body).json()["error"] == "not_stored"


def test_without_a_file_it_is_refused(faq):
    response = post(create_app(Current(faq)), "/feedback", {"query": "rain", "key": ANSWERS[0]})
    assert (response.status_code, response.json()["error"]) == (404, "not_found")
    assert "--feedback" in response.json()["detail"]


def test_the_file_is_bounded(faq, tmp_path):
    path = tmp_path / "f"
    app = create_app(Current(faq), feedback=Feedback(str(path), most=120))
    statuses = [post(app, "/feedback", {"query": "rain", "key": ANSWERS[2]}).status_code for _ in range(5)]
    assert statuses[0] == 200 and statuses[-1] == 507
    assert path.stat().st_size <= 120


def test_another_file_is_not_appended_to(tmp_path):
    (tmp_path / "faq.tsv").write_text("question\tanswer\nq\ta\n")
    with pytest.raises(ValueError, match="not a file of feedback"):
        check_feedback(str(tmp_path / "faq.tsv"))
    check_feedback(str(tmp_path / "new.tsv"))


# -----------------------------------------------------------------------------------------------------
# csls


def test_searches_correct_for_hubs_if_the_index_was_built_for_it(faq, wv):
    app = create_app(Current(faq))
    query = "money for the police"

    def scores(**body):
        return [result["score"] for result in post(app, "/search", {"query": query, **body}).json()["results"]]

    assert faq.csls == CSLS
    assert scores() == pytest.approx([s for _, s in faq.index.search(query, hybrid=0.5, csls=CSLS)], abs=1e-5)
    assert scores(csls=0) == pytest.approx([s for _, s in faq.index.search(query, hybrid=0.5)], abs=1e-5)
    assert scores(csls=1.5, hybrid=0) == pytest.approx([s for _, s in faq.index.search(query, csls=1.5)], abs=1e-5)
    assert post(app, "/search", {"query": query, "csls": -1}).status_code == 422
    plain = Faq(SentenceIndex.build(wv, QUESTIONS))
    assert plain.csls == 0
    response = post(create_app(Current(plain)), "/search", {"query": query, "csls": 0.5})
    assert response.status_code == 422 and "--csls" in response.json()["detail"]


def test_a_query_without_known_words_keeps_its_spelled_results(wv):
    plain = copy.copy(wv)
    plain.weighting = None
    faq = Faq(SentenceIndex.build(plain, QUESTIONS, keys=ANSWERS, lexical=True, csls=True))
    answer = faq.search(["polic moneyz"], csls=5.0)[0]
    assert not answer["known"]
    assert {result["key"] for result in answer["results"]} >= {ANSWERS[0], ANSWERS[1]}
    assert max(result["score"] for result in answer["results"]) < 0
    assert all(result["lexical"] > 0 for result in answer["results"])
