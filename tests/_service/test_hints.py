"""Errors of the service that say what would have worked."""

import asyncio
import re
import shlex

import paths
import pytest

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    pytest.importorskip(needed, reason=f'needs {needed}: pip install "gensim-sent2vec[serve]" httpx')
import httpx  # noqa: E402

from gensim_sent2vec import SentenceIndex  # noqa: E402
from gensim_sent2vec._service.app import ROUTES, Current, create_app  # noqa: E402
from gensim_sent2vec._service.faq import Faq  # noqa: E402
from gensim_sent2vec._service.feedback import Feedback  # noqa: E402
from gensim_sent2vec._service.hints import BODIES, ELSEWHERE  # noqa: E402

QUESTIONS = ["how do i get my money back", "the police arrested two men"]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def ask(wv, tmp_path):
    """Sends a request; the answer's status, and its detail if it is an error."""
    index = SentenceIndex.build(wv, QUESTIONS, keys=["the key of the result", "They did."], lexical=True)
    app = create_app(Current(Faq(index)), feedback=Feedback(str(tmp_path / "feedback.tsv")))

    def request(method, route, **options):
        async def send():
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://localhost:8000"
            ) as client:
                return await client.request(method, route, **options)

        response = asyncio.run(send())
        is_error = response.status_code >= 400
        return response.status_code, response.json()["detail"] if is_error else response

    return request


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_answered_with_a_command_that_works(ask, route, method):
    status, detail = ask(method, route)
    assert status == 405 and detail.startswith(
        f"{method}: {route} takes POST only; use curl http://localhost:8000{route} "
    )
    words = shlex.split(detail[detail.index("curl ") :])
    assert words[2:5] == ["-H", "Content-Type: application/json", "-d"]
    assert ask("POST", words[1], content=words[5], headers=JSON)[0] == 200


def test_methods_of_the_other_routes(ask):
    for route in set(ROUTES) - set(BODIES):
        status, detail = ask("POST", route, json={"query": "a"})
        assert status == 405, route
        assert ("to search, POST to /search: curl" if route == "/" else "takes GET") in detail
    assert ask("POST", "/healthz")[1].endswith("takes GET only; use curl http://localhost:8000/healthz")


@pytest.mark.parametrize(
    ("route", "field", "value", "meant"),
    [
        ("/search", "k", 3, "topn"), ("/search", "top_k", 3, "topn"), ("/search", "limit", 3, "topn"),
        ("/search", "n_results", 3, "topn"), ("/search", "text", "a", "query"), ("/search", "q", "a", "query"),
        ("/search", "question", "a", "query"), ("/search", "sentence", "a", "query"),
        ("/search", "text", ["a"], "queries"),
        ("/search", "questions", ["a"], "queries"), ("/search", "querys", ["a"], "queries"),
        ("/search", "alpha", 0.5, "hybrid"), ("/search", "explian", True, "explain"), ("/search", "topN", 3, "topn"),
        ("/encode", "text", "a", "sentence"), ("/encode", "texts", ["a"], "sentences"),
        ("/encode", "input", "a", "sentence"),
        ("/encode", "input", ["a"], "sentences"), ("/encode", "query", "a", "sentence"),
        ("/encode", "normalise", True, "normalize"), ("/encode", "normalize_embeddings", True, "normalize"),
        ("/feedback", "question", "a", "query"), ("/feedback", "q", "a", "query"), ("/feedback", "answer", "b", "key"),
        ("/feedback", "id", 7, "key"), ("/feedback", "label", "b", "key"),
    ],
)  # fmt: skip
def test_unknown_fields_name_the_one_that_was_meant(ask, route, field, value, meant):
    status, detail = ask("POST", route, json={field: value})
    assert (status, detail) == (422, f"{field}: not a field of {route}; did you mean {meant}?")
    assert ask("POST", route, json={**BODIES[route][1], field: value})[1] == detail


def test_all_unknown_fields_are_answered_at_once(ask):
    assert ask("POST", "/search", json={"text": "a", "k": 1}) == (
        422, "text: not a field of /search; did you mean query?; k: not a field of /search; did you mean topn?"
    )  # fmt: skip
    status, detail = ask("POST", "/search", json={f"x{i}": 1 for i in range(1000)})
    assert status == 422 and detail.count("not a field") == 3


def test_fields_that_nothing_resembles(ask):
    assert ask("POST", "/search", json={"query": "a", "xyzzy": 1}) == (
        422, "xyzzy: not a field of /search; the fields are query, queries, topn, hybrid, csls, explain"
    )  # fmt: skip
    status, detail = ask("POST", "/search", json={"query": "a", "ü" * 100_000: 1})
    assert status == 422 and len(detail) <= 500 and detail.isascii()


def test_missing_fields_and_other_bodies_come_with_an_example(ask):
    for route, body, begin in (
        ("/feedback", {}, "query: is missing; for example: curl "),
        ("/feedback", {"query": "a"}, "key: is missing; for example: curl "),
        ("/search", ["a"], "the body: must be a JSON object, for example: curl "),
        ("/search", "a", "the body: must be a JSON object, for example: curl "),
    ):
        status, detail = ask("POST", route, json=body)
        assert status == 422 and detail.startswith(begin) and route in detail
    status, detail = ask("POST", "/search", data={"query": "a"})
    assert status == 422 and re.match("Content-Type: send a JSON object .*, for example: curl ", detail)


def test_fields_in_the_address_are_not_ignored(ask):
    for name in ("topn", "q", "k", "query"):
        status, detail = ask("POST", f"/search?{name}=3", json={"query": "a"})
        assert status == 422 and detail.startswith(f"{name}: is in the address; send JSON: curl ")
    assert ask("POST", "/search?utm_source=x", json={"query": "a"})[0] == 200
    assert ask("GET", "/?q=police")[0] == 200  # the page's own links


@pytest.mark.parametrize(
    ("route", "meant"),
    [
        ("/serach", "/search"), ("/search/", "/search"), ("/v1/search", "/search"), ("/SEARCH", "/search"),
        ("/ask", "/search"), ("/v1/embeddings", "/encode"), ("/health", "/healthz"), ("/swagger", "/docs"),
        ("/metric", "/metrics"), ("/index.html", "/"),
    ],
)  # fmt: skip
def test_wrong_routes_name_the_one_that_was_meant(ask, route, meant):
    assert ask("POST", route, json={}) == (404, f"no such route; did you mean {meant}?")


def test_other_routes(ask):
    status, detail = ask("GET", "/quite/another")
    assert status == 404 and detail == f"no such route; the routes are {', '.join(ROUTES)}"
    assert set(ELSEWHERE.values()) <= set(ROUTES)


@pytest.mark.parametrize("page", ["README.md", "docs/serving.md", "docs/start.md"])
def test_the_requests_in_the_documentation_work(ask, page):
    text = (paths.ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    calls = [shlex.split(line, comments=True) for line in text.splitlines() if line.startswith("curl ")]
    assert calls or page == "docs/start.md"
    for call in calls:
        body = call[call.index("-d") + 1].replace("Refunds take three days.", "the key of the result")
        assert ask("POST", call[1].replace("127.0.0.1", "localhost"), content=body.encode(), headers=JSON)[0] == 200, (
            call
        )
