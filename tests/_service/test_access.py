"""Which requests the application accepts, by host name and origin."""

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    pytest.importorskip(needed, reason=f'needs {needed}: pip install "gensim-sent2vec[serve]" httpx')
import httpx  # noqa: E402

from gensim_sent2vec._search.scoring import MAX_CSLS  # noqa: E402
from gensim_sent2vec._service.access import Access  # noqa: E402
from gensim_sent2vec._service.app import Current, create_app  # noqa: E402
from gensim_sent2vec._service.limits import Limits  # noqa: E402
from gensim_sent2vec._service.schemas import NOT_BLANK, SearchRequest  # noqa: E402


class Words(list):
    sentence_size = 2


FAQ = SimpleNamespace(wv=Words("ab"), index=[], hybrid=0.0, csls=0.0)
APP = create_app(Current(FAQ), access=Access(("faq.example",), ("https://page.example",)))


def request(method: str, path: str, host: str = "localhost", **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers={"Host": host, **named})

    return asyncio.run(send())


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:8000", "[::1]:80", "10.0.0.7", "FAQ.example"])
def test_allowed_hosts(host):
    assert request("GET", "/", host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "", "faq.example.evil"])
def test_other_hosts_are_refused(host):
    for path in ("/", "/search", "/metrics", "/nothing"):
        reply = request("GET", path, host)
        assert reply.status_code == 421 and "--allow-host" in reply.json()["detail"]


def test_nothing_redirects():
    reply = request("POST", "/search/")
    assert reply.status_code == 404 and "/search" in reply.json()["detail"] and "location" not in reply.headers


def test_head_and_headers_of_all_responses():
    for path in ("/", "/docs", "/healthz"):
        got, head = request("GET", path), request("HEAD", path)
        assert head.status_code == got.status_code == 200
        assert head.headers == got.headers
    for path in ("/", "/metrics", "/openapi.json", "/nothing"):
        assert request("GET", path).headers["x-content-type-options"] == "nosniff"
    assert request("GET", "/", "evil.example").headers["x-content-type-options"] == "nosniff"


def ask(app: Any, body: bytes, **headers: str) -> httpx.Response:
    """POST JSON to /search."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/search", content=body, headers={"Content-Type": "application/json", **headers})

    return asyncio.run(send())


def test_the_pattern_of_queries_is_what_the_service_accepts():
    ecma = NOT_BLANK.replace(r"\s", r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff")
    for pattern in (NOT_BLANK, ecma):
        assert all(bool(re.search(pattern, chr(c))) == bool(chr(c).strip()) for c in range(0x11000))


@pytest.mark.parametrize("origin", ["", "https://page.example"])
def test_internal_errors_have_the_headers_too(origin):
    reply = ask(APP, b'{"query": "a"}', **({"Origin": origin} if origin else {}))  # FAQ cannot search
    assert reply.status_code == 500 and reply.json()["error"] == "internal"
    assert reply.headers["x-content-type-options"] == "nosniff" and reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers.get("access-control-allow-origin", "") == origin


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "a", "topn": 1' + b"0" * 4000 + b"}",
        b'{"query": "a", "topn": -1' + b"0" * 4000 + b"}",
        b'{"query": "a", "hybrid": "' + b"x" * 5000 + b'"}',
        b'{"queries": ["a", {"' + b"x" * 5000 + b'": 1}]}',
        b'{"query": "a", "' + "\N{SLIGHTLY SMILING FACE}".encode() * 5000 + b'": 1}',
        b'{"query": "' + b"x" * 20_000 + b'"}',
        b'"' + b"x" * 5000 + b'"',
        b'{"query": "a' + b"x" * 5000,
    ],
)
def test_errors_repeat_little_of_the_input(body):
    reply = ask(APP, body)
    assert 400 <= reply.status_code < 500 and 0 < len(reply.json()["detail"]) <= 650


def test_too_many_requests_in_progress():
    app = create_app(Current(FAQ), Limits(requests=1, seconds=5), access=Access(None, ("https://page.example",)))
    headers = {"Origin": "https://page.example", "Content-Type": "application/json"}

    async def send() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def slow_body():
            arrived.set()
            await go_on.wait()
            yield b'{"query": ""}'

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            first = asyncio.create_task(client.post("/search", content=slow_body(), headers=headers))
            await arrived.wait()
            refused = await client.post("/search", content=b'{"query": ""}', headers=headers)
            go_on.set()
            return refused, await first, await client.get("/healthz")

    refused, first, later = asyncio.run(send())
    assert refused.status_code == 503
    assert refused.json() == {"error": "busy", "detail": "too many requests in progress; try again later"}
    assert refused.headers["x-content-type-options"] == "nosniff" and refused.headers["connection"] == "close"
    assert refused.headers["access-control-allow-origin"] == "https://page.example"
    assert first.status_code == 422 and later.status_code == 200


def test_cors_is_for_exact_origins():
    asked = {"Access_Control_Request_Method": "POST"}
    reply = request("OPTIONS", "/search", Origin="https://page.example", **asked)
    assert reply.status_code == 204 and reply.headers["access-control-allow-headers"] == "Content-Type"
    assert reply.headers["access-control-allow-origin"] == "https://page.example"
    for origin in ("https://page.example.evil", "http://page.example", "null"):
        assert "access-control-allow-origin" not in request("GET", "/", Origin=origin).headers


@pytest.mark.parametrize(
    "headers, body, status, detail",
    [
        ({}, b'{"query": "a"}', 422, "Content-Type: application/json"),
        ({"Content-Type": "application/json"}, b'{"query": ["a"]}', 422, "use queries"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"\x1f\x8b\x08", 415, "send plain JSON"),
        ({"Content-Type": "application/json"}, b'{"' + b"x" * 5000 + b'": 1}', 422, "xxx"),
    ],
)
def test_errors_say_what_to_send(headers, body, status, detail):
    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://localhost") as client:
            return await client.post("/search", content=body, headers=headers)

    reply = asyncio.run(send())
    assert reply.status_code == status and detail in reply.json()["detail"] and len(reply.json()["detail"]) < 300


def test_the_schema_has_either_field_and_all_errors():
    api = request("GET", "/openapi.json").json()
    assert {"400", "408", "413", "415", "421", "422", "500", "503"} <= set(api["paths"]["/search"]["post"]["responses"])
    assert api["components"]["schemas"]["SearchRequest"]["oneOf"] == [
        {"required": ["query"], "properties": {"query": {"type": "string"}}},  # null is not a query
        {"required": ["queries"], "properties": {"queries": {"type": "array"}}},
    ]


def test_the_schema_has_the_limits_of_the_service():
    limits = Limits(sentences=3, length=20, topn=7)
    schemas = create_app(Current(FAQ), limits).openapi()["components"]["schemas"]
    search, encode = schemas["SearchRequest"]["properties"], schemas["EncodeRequest"]["properties"]
    filled = {"type": "string", "maxLength": 20, "pattern": NOT_BLANK}
    assert search["query"]["anyOf"][0] == filled
    assert search["queries"]["anyOf"][0] == {"type": "array", "items": filled, "maxItems": 3}
    assert search["topn"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 7}
    assert search["hybrid"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 1}
    assert search["csls"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": MAX_CSLS}
    feedback = schemas["FeedbackRequest"]["properties"]["query"]
    assert {name: feedback[name] for name in filled} == filled
    text = {"type": "string", "maxLength": 20}
    assert encode["sentence"]["anyOf"][0] == text
    assert encode["sentences"]["anyOf"][0] == {"type": "array", "items": text, "maxItems": 3}


@pytest.mark.parametrize("origin", ["*", "example.org", "https://example.org/", "https://*.example.org", "null"])
def test_origins_are_checked(origin):
    with pytest.raises(ValueError, match="cors: must be an origin"):
        Access(None, (origin,))


@pytest.mark.parametrize("topn", [3, 3.0])
def test_integers_are_those_of_json_schemas(topn):
    assert SearchRequest(query="a", topn=topn).topn == 3


@pytest.mark.parametrize("topn", [3.5, "3", True, float("inf")])
def test_other_values_are_no_integers(topn):
    with pytest.raises(ValueError, match="integer"):
        SearchRequest(query="a", topn=topn)
