"""The service over HTTP, most of it as a program that runs."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import signal
import socket
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from servers import Server, until

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._service.listener import listen

for needed in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
    pytest.importorskip(needed, reason=f'needs {needed}: pip install "gensim-sent2vec[serve]" httpx')
import httpx  # noqa: E402

from gensim_sent2vec._service.app import Current, create_app  # noqa: E402
from gensim_sent2vec._service.faq import Faq  # noqa: E402

FAQ = [
    ("how do i get my money back", "Refunds take three days."),
    ("the police arrested two men", "They did."),
    ("비밀번호를 잊어버렸어요", "새로 만드세요."),
    ("heavy rain fell in the south", "It rained."),
    ("<script>alert(1)</script>", "<b>bold</b>"),
]
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


@pytest.fixture(scope="module")
def folder(lee_model, tmp_path_factory) -> Path:
    """A model, an index with lexical scores and one without, and a text file of the same questions."""
    folder = tmp_path_factory.mktemp("service")
    lee_model.wv.save(folder / "model.s2v")
    wv = Sent2VecKeyedVectors.load(folder / "model.s2v", mmap="r")
    for name, lexical in (("index", True), ("plain.index", False)):
        SentenceIndex.build(wv, [q for q, _ in FAQ], keys=[a for _, a in FAQ], lexical=lexical).save(folder / name)
    lines = ["question\tanswer", *("\t".join(row) for row in FAQ)]
    (folder / "faq.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def index(folder) -> SentenceIndex:
    wv = Sent2VecKeyedVectors.load(folder / "model.s2v", mmap="r")
    return SentenceIndex.load(folder / "index", wv, mmap="r")


@pytest.fixture(scope="module")
def server(folder):
    """A service with two workers that all tests share; to be left as it was."""
    limits = ["--max-body", 300_000, "--max-sentences", 5, "--max-length", 1000, "--max-topn", 20]
    with Server(folder / "model.s2v", folder / "index", "--workers", 2, *limits) as server:
        server.url  # noqa: B018 (waits)
        yield server
        assert server.stop() == 0


@pytest.fixture(scope="module")
def http(server):
    with client_of(server) as client:
        yield client


def client_of(server: Server) -> httpx.Client:
    """A client that opens a connection per request, so that any worker may answer."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(base_url=server.url, timeout=60, limits=limits, verify=False)  # to verify takes time


class InProcess:
    """A client of an application in this process."""

    def __init__(self, app) -> None:
        self.app = app

    def request(self, method: str, path: str, **options) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **options) -> httpx.Response:
        return self.request("POST", path, **options)


def counted(http: httpx.Client | InProcess, name: str, labels: str = "") -> float:
    """A metric of the service."""
    found = re.search(rf"^gensim_sent2vec_{name}{re.escape(labels)} (\S+)$", http.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def refused(reply: httpx.Response, status: int, error: str, detail: str = "") -> None:
    """Check the form of an error: a word for programs and one short line."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {"error", "detail"} and body["error"] == error
    assert re.search(detail, body["detail"]) and len(body["detail"]) < 300 and "\n" not in body["detail"]


# -----------------------------------------------------------------------------------------------------
# Routes


def test_search(http, index):
    body = http.post("/search", json={"query": "my money back please"}).json()
    assert body["known"] and len(body["results"]) == len(FAQ)
    expected = index.most_similar("my money back please", hybrid=0.5)  # hybrid is the default
    assert [result["key"] for result in body["results"]] == [key for key, _ in expected]
    np.testing.assert_allclose([result["score"] for result in body["results"]], [s for _, s in expected], atol=1e-6)
    best = body["results"][0]
    assert (best["key"], best["sentence"]) == FAQ[0][::-1]
    assert best["score"] == pytest.approx((best["cosine"] + best["lexical"]) / 2, abs=1e-6)
    assert best["words"] is None


def test_search_options(http, index):
    asked = {"query": "police rain", "topn": 2, "hybrid": 0, "explain": True}
    results = http.post("/search", json=asked).json()["results"]
    expected = index.most_similar("police rain", topn=2)
    assert [(result["key"], pytest.approx(result["score"], abs=1e-6)) for result in results] == expected
    assert results[0]["lexical"] is None
    words = {word["word"]: word["contribution"] for word in results[0]["words"]}
    without = dict(index.most_similar("rain"))[results[0]["key"]]
    assert list(words) == ["police", "rain"]
    assert words["police"] == pytest.approx(results[0]["score"] - without, abs=1e-5)


def test_search_for_several_queries(http):
    queries = ["my money back", "rain"]
    several = http.post("/search", json={"queries": queries, "explain": True}).json()["answers"]
    assert several == [http.post("/search", json={"query": query, "explain": True}).json() for query in queries]
    assert http.post("/search", json={"queries": []}).json() == {"answers": []}


def test_encode(http, index):
    sentences = ["the police said", "", "rain in the south"]
    body = http.post("/encode", json={"sentences": sentences}).json()
    expected, known = index.wv.encode(sentences, return_known=True)
    np.testing.assert_array_equal(np.float32(body["vectors"]), expected)  # exactly
    assert body["known"] == known.tolist() == [True, False, True]
    one = http.post("/encode", json={"sentence": sentences[0], "normalize": True}).json()
    assert one["known"] and np.linalg.norm(one["vector"]) == pytest.approx(1, abs=1e-6)
    assert http.post("/encode", json={"sentences": []}).json() == {"known": [], "vectors": []}


def test_health(http, index):
    body = http.get("/healthz").json()
    assert (body["status"], body["words"], body["sentences"]) == ("ok", len(index.wv), len(FAQ))
    assert (body["generation"], body["hybrid"], body["vector_size"]) == (1, 0.5, index.wv.sentence_size)


def test_pages_load_nothing_from_other_servers(http):
    for path in ("/", "/docs"):
        page = http.get(path)
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert not re.search(r"(src|href)=[\"'](https?:)?//", page.text)


def test_openapi_describes_the_routes(http):
    api = http.get("/openapi.json").json()
    assert set(api["paths"]) == {"/search", "/encode", "/feedback", "/healthz", "/metrics"}
    fields = api["components"]["schemas"]["SearchRequest"]["properties"]
    assert set(fields) == {"query", "queries", "topn", "hybrid", "explain", "csls"}
    assert "Problem" in json.dumps(api["paths"]["/search"]["post"]["responses"]["422"])


# -----------------------------------------------------------------------------------------------------
# Any text is a query


@pytest.mark.parametrize(
    "text", ["환불 받고 싶어요", "🙂 money 👩‍👩‍👧", "e\u0301 \u202e\x00\x07", "<script>alert(1)</script>", "a\nb\tc"]
)
def test_any_text_is_a_query(http, index, text):
    reply = http.post("/search", json={"query": text, "explain": True})
    assert reply.status_code == 200
    results = reply.json()["results"]
    assert [word["word"] for word in results[0]["words"]] == list(dict.fromkeys(text.split()))
    vector = http.post("/encode", json={"sentence": text}).json()["vector"]
    np.testing.assert_array_equal(np.float32(vector), index.wv.get_sentence_vector(text))


def test_unknown_words(http, folder):
    body = http.post("/search", json={"query": "ㅁㄴㅇㄻㄴㅇㄹ", "explain": True}).json()
    assert not body["known"] or body["results"]  # known if the weighting has vectors for character n-grams


def test_queries_without_a_known_word_are_counted(folder):
    """In a single process, which needs no folder for its counters."""
    wv = Sent2VecKeyedVectors.load(folder / "model.s2v")
    wv.weighting = None
    http = InProcess(create_app(Current(Faq(SentenceIndex.build(wv, [q for q, _ in FAQ], lexical=True)))))
    assert http.post("/search", json={"query": "ㅁㄴㅇㄻㄴㅇㄹ"}).json() == {"known": False, "results": []}
    assert counted(http, "unknown_sentences_total", '{route="/search"}') == 1


def test_an_index_without_lexical_scores(folder):
    http = InProcess(create_app(Current(Faq.load(str(folder / "model.s2v"), str(folder / "plain.index")))))
    assert http.get("/healthz").json()["hybrid"] == 0
    refused(http.post("/search", json={"query": "rain", "hybrid": 0.5}), 422, "invalid", "--lexical")
    assert http.post("/search", json={"query": "rain"}).json()["results"]


# -----------------------------------------------------------------------------------------------------
# Invalid requests


@pytest.mark.parametrize(
    "body, status, error, detail",
    [
        (b"money", 400, "invalid", "not JSON"),
        (b"", 422, "invalid", "body"),
        (b"[" * 100_000, 400, "invalid", ""),
        (b'{"query": "\xff"}', 400, "invalid", ""),
        (b'{"query": "a"', 400, "invalid", "not JSON"),
        (b'["a"]', 422, "invalid", "body"),
        (b"{}", 422, "invalid", "either query"),
        (b'{"query": "a", "queries": ["a"]}', 422, "invalid", "either query"),
        (b'{"query": 1}', 422, "invalid", "query: .*string"),
        (b'{"query": null}', 422, "invalid", "either query"),
        (b'{"queries": "a"}', 422, "invalid", "queries: .*list"),
        (b'{"queries": ["a", 2]}', 422, "invalid", r"queries\[1\]: .*string"),
        (b'{"query": "a", "topn": "3"}', 422, "invalid", "topn: .*integer"),
        (b'{"query": "a", "topn": 2.5}', 422, "invalid", "topn"),
        (b'{"query": "a", "topn": true}', 422, "invalid", "topn"),
        (b'{"query": "a", "topn": 0}', 422, "too_many", "topn: must be from 1 to 20"),
        (b'{"query": "a", "topn": 21}', 422, "too_many", "topn: must be from 1 to 20"),
        (b'{"query": "a", "topn": 1' + b"0" * 5000 + b"}", 400, "invalid", ""),
        (b'{"query": "a", "hybrid": NaN}', 422, "invalid", "hybrid: .*finite"),
        (b'{"query": "a", "hybrid": 1e999}', 422, "invalid", "hybrid: .*finite"),
        (b'{"query": "a", "hybrid": 1.5}', 422, "invalid", "hybrid"),
        (b'{"query": "a", "top": 3}', 422, "invalid", "top: "),
        (b'{"query": "a", "' + b"x" * 5000 + b'": 3}', 422, "invalid", "xxx"),
        (b'{"query": "\\ud800"}', 422, "invalid", "surrogate"),
        (b'{"query": "a", "\\ud800": 1}', 422, "invalid", "unicode"),
        (b'{"query": ""}', 422, "empty", ""),
        (b'{"query": " \\n\\u3000"}', 422, "empty", ""),
        (b'{"queries": ["a", ""]}', 422, "empty", r"queries\[1\]"),
        (b'{"queries": ["a", "a", "a", "a", "a", "a"]}', 422, "too_many", "at most 5 .*got 6"),
        (b'{"query": "' + b"money " * 17_000 + b'"}', 422, "too_long", "at most 1,000 characters.*got 102,000"),
    ],
)  # fmt: skip
def test_invalid_searches_are_refused(http, body, status, error, detail):
    reply = http.post("/search", content=body, headers={"Content-Type": "application/json"})
    refused(reply, status, error, detail)
    assert http.get("/healthz").status_code == 200


def test_other_invalid_requests_are_refused(http):
    refused(http.get("/nothing"), 404, "not_found")
    refused(http.get("/search"), 405, "invalid")
    refused(http.post("/search", content=b'{"query": "a"}', headers={"Content-Type": "text/plain"}), 422, "invalid")
    refused(http.post("/encode", json={"sentences": ["a"] * 6}), 422, "too_many", "at most 5")
    refused(http.post("/encode", json={"sentences": ["a", "x" * 1001]}), 422, "too_long", r"sentences\[1\]")
    refused(http.post("/encode", json={}), 422, "invalid", "either sentence")


@pytest.mark.parametrize("size", [300_001, 5_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies_are_refused(http, size, chunked):
    def parts():
        for start in range(0, size, 50_000):
            yield b" " * min(50_000, size - start)

    refused(http.post("/encode", content=parts() if chunked else b" " * size), 413, "too_large", "300,000 bytes")
    assert http.post("/encode", content=b"x" * 300_000).status_code in (400, 422)  # as large as allowed


def test_endless_bodies_are_cut_off(server):
    """The service closes the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /encode HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with pytest.raises(OSError):
            for _ in range(5000):
                connection.sendall(part)


def test_a_slow_body_does_not_delay_other_requests(http, server):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /encode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        for _ in range(20):
            assert http.get("/healthz").status_code == 200


# -----------------------------------------------------------------------------------------------------
# Several processes

SEARCHES, INVALID_SEARCHES = '{route="/search",status="200"}', '{route="/search",status="422"}'


@ON_LINUX
def test_metrics_are_those_of_all_processes(server, http):
    """While one worker is stopped, the other answers. Both have counted, and each reports the sum."""
    names = [
        ("requests_total", SEARCHES),
        ("requests_total", INVALID_SEARCHES),
        ("sentences_total", '{route="/search"}'),
        ("request_seconds_count", '{route="/search"}'),
    ]
    before = [counted(http, *name) for name in names]
    workers = server.workers()
    assert len(workers) == 2
    for n, stopped in enumerate(workers, 1):
        os.kill(stopped, signal.SIGSTOP)
        try:
            until(lambda: set(_thread_states(stopped)) == {"T"})  # noqa: B023
            for _ in range(5):
                assert http.post("/search", json={"queries": ["rain", "police"]}).is_success
            assert http.post("/search", json={}).status_code == 422
            assert [counted(http, *name) - start for name, start in zip(names, before)] == [5 * n, n, 10 * n, 6 * n]
            assert counted(http, "workers") == 2
        finally:
            os.kill(stopped, signal.SIGCONT)


def _thread_states(pid: int) -> list[str]:
    """The states of a process's threads: T is stopped. Linux only."""
    return [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]


@ON_LINUX
def test_workers_share_the_memory_of_imported_modules(server):
    """The fork server has imported everything that they use."""

    def libraries(pid: int) -> set[str]:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        return {line.split()[-1] for line in lines if ".so" in line}

    processes = server.processes()
    for worker in server.workers():
        used = libraries(worker)
        assert any("pydantic_core" in path for path in used) and used <= libraries(processes[worker][0])


@ON_LINUX
def test_a_process_that_dies_is_replaced(server, http):
    before = counted(http, "requests_total", SEARCHES)
    assert http.post("/search", json={"query": "rain"}).is_success
    until(lambda: counted(http, "requests_total", SEARCHES) == before + 1)  # it is counted after the response
    dead = server.workers()[0]
    os.kill(dead, signal.SIGKILL)
    server.wait_for(f"worker {dead} ended .* starting another")
    until(lambda: len(server.workers()) == 2 and dead not in server.workers())
    until(lambda: counted(http, "workers") == 2)
    assert http.post("/search", json={"query": "rain"}).is_success
    until(lambda: counted(http, "requests_total", SEARCHES) == before + 2)  # what it had counted is kept


@ON_LINUX
@pytest.mark.parametrize(
    "how",
    [
        signal.SIGKILL,
        "group",
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_no_process_is_left(folder, how):
    with Server(folder / "model.s2v", folder / "index", "--workers", 2) as server, httpx.Client(verify=False) as client:
        assert client.post(server.url + "/search", json={"query": "rain"}).is_success  # the connection stays open
        assert len(server.processes()) >= 3
        if how == "group":
            os.killpg(server.process.pid, signal.SIGINT)  # as a terminal does
            assert server.end() == 130
        else:
            assert server.stop(how) == {signal.SIGTERM: 0, signal.SIGINT: 130, signal.SIGKILL: -9}[how]
        until(lambda: not server.processes())
        assert len(server.said) == 1, server.said  # the address, and nothing else


@ON_LINUX
@pytest.mark.parametrize(
    "number, moment",
    [
        (signal.SIGTERM, "it indexes a text file"),
        (signal.SIGTERM, "it has a child process"),
        (signal.SIGINT, "its workers load"),
        pytest.param(signal.SIGINT, "it indexes a text file", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, "it has a child process", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "its workers load", marks=pytest.mark.slow),
    ],
)
def test_an_end_while_it_starts_is_quiet(folder, tmp_path, number, moment):
    with Server(folder / "model.s2v", folder / "faq.tsv", "--workers", 2, TMPDIR=str(tmp_path)) as server:
        reached = {
            "it indexes a text file": lambda: any(tmp_path.iterdir()),
            "it has a child process": lambda: len(server.processes()) > 1,
            "its workers load": server.workers,
        }[moment]
        until(reached, server)
        os.killpg(server.process.pid, number)
        assert server.end() == {signal.SIGTERM: 0, signal.SIGINT: 130}[number]
        until(lambda: not server.processes())
        assert len([line for line in server.said if "texts from" not in line]) <= 1, server.said
        assert not any(tmp_path.iterdir())


def test_requests_that_have_begun_are_finished(folder):
    """The body arrives after the signal to end."""
    with Server(folder / "model.s2v", folder / "index", "--workers", 1) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            body = json.dumps({"query": "rain"}).encode()
            head = "POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(body)}"
            connection.sendall(head.encode() + b"\r\n\r\n" + body[:5])
            with client_of(server) as http:  # so that the head has been read
                until(lambda: counted(http, "requests_total", '{route="/metrics",status="200"}'))
            server.send(signal.SIGTERM)
            until(lambda: not _accepts(host, int(port)))
            connection.sendall(body[5:])
            answer = b""
            while part := connection.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 200 OK") and b"It rained." in answer
        assert server.end() == 0
        assert len(server.said) == 1, server.said
        if sys.platform == "linux":
            until(lambda: not server.processes())


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


# -----------------------------------------------------------------------------------------------------
# Reloading

needs_hangup = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")


@needs_hangup
@pytest.mark.parametrize("workers", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_reload_under_load_drops_nothing(folder, tmp_path, workers, lee_model):
    model, path = tmp_path / "model.s2v", tmp_path / "index"

    def put(generation: int) -> None:
        """Replace the model and the index by those of another generation, which are its keys."""
        wv = lee_model.wv.astype(np.float32)
        wv.vectors[:] *= 1 if generation % 2 else -1
        wv.weighting = None
        wv.save(model)
        SentenceIndex.build(wv, [q for q, _ in FAQ], keys=[generation] * len(FAQ), lexical=True).save(path)

    put(1)
    seen: list[tuple[int, int]] = []
    stop = threading.Event()

    def load(url: str) -> None:
        with httpx.Client(base_url=url, timeout=60, verify=False) as client:
            while not stop.is_set():
                reply = client.post("/search", json={"query": "police rain", "explain": True})
                keys = {result["key"] for result in reply.json()["results"]} if reply.is_success else {0}
                assert len(keys) == 1
                seen.append((reply.status_code, keys.pop()))

    with Server(model, path, "--workers", workers) as server:
        http = client_of(server)
        threads = [Failing(load, server.url) for _ in range(3)]
        for generation in (2, 3):
            until(lambda: len(seen) > 20, server)
            put(generation)
            server.send(signal.SIGHUP)
            server.wait_for(rf"reloaded \(generation {generation}\)")
            del seen[:]  # from now on, responses are new
            until(lambda: len(seen) > 20, server)
            assert set(seen[4:]) == {(200, generation)}  # except for what was under way
            assert counted(http, "generation") == generation
        stop.set()
        for thread in threads:
            thread.end()
        assert http.get("/healthz").json()["generation"] == 3
        http.close()
        assert server.stop() == 0


class Failing(threading.Thread):
    """A thread whose exception `end` raises."""

    def __init__(self, work, *args) -> None:
        super().__init__(daemon=True)
        self.work, self.args, self.error = work, args, None
        self.start()

    def run(self) -> None:
        try:
            self.work(*self.args)
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self.join()
        if self.error:
            raise self.error


@pytest.fixture(scope="module")
def changing(folder, tmp_path_factory):
    """A service whose file of questions is replaced, a client of it, and a function that does so and reloads.

    The function takes the bytes of the file, or None to delete it, and returns what the service then reports.
    """
    path = tmp_path_factory.mktemp("changing") / "faq"
    path.write_bytes((folder / "faq.tsv").read_bytes())
    with Server(folder / "model.s2v", path, "--workers", 2) as server, client_of(server) as http:

        def replace(content: bytes | None) -> str:
            if content is None:
                path.unlink()
            else:
                path.with_suffix(".new").write_bytes(content)
                path.with_suffix(".new").replace(path)
            n = len(server.said)
            server.send(signal.SIGHUP)
            until(lambda: any("reload" in line for line in server.said[n:]), server)
            return next(line for line in server.said[n:] if "reload" in line)

        yield http, replace


@needs_hangup
def test_a_reload_that_fails_changes_nothing(folder, changing):
    http, replace = changing
    good = (folder / "index").read_bytes()
    assert "reloaded" in replace(good)
    generation = http.get("/healthz").json()["generation"]
    for bad, reason in [(good[:2000], "faq'"), (b"no index", "neither an index"), (None, "no file")]:
        line = replace(bad)
        assert "reload failed" in line and reason in line
        assert {http.get("/healthz").json()["generation"] for _ in range(5)} == {generation}
        assert http.post("/search", json={"query": "rain"}).is_success
    assert f"reloaded (generation {generation + 1})" in replace(good)


@needs_hangup
def test_a_text_file_is_read_again(folder, changing):
    http, replace = changing
    text, query = (folder / "faq.tsv").read_bytes(), {"query": "how much is a ticket", "topn": 1}
    assert "reloaded" in replace(text)
    assert http.post("/search", json=query).json()["results"][0]["lexical"] < 0.9
    assert "reloaded" in replace(text + b"\nhow much is a ticket\tTen.\n")
    for _ in range(5):
        assert http.post("/search", json=query).json()["results"][0]["key"] == "Ten."


# -----------------------------------------------------------------------------------------------------
# Errors at the start


def failed(capsys, *arguments: object) -> str:
    """The one line that the command prints before it exits with status 2."""
    before = dict(os.environ), signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as exit_:
        main(["serve", *map(str, arguments)])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1
    assert (dict(os.environ), signal.getsignal(signal.SIGINT)) == before  # restored
    return error


def test_clear_errors_at_the_start(folder, tmp_path, capsys):
    model, index, port = folder / "model.s2v", folder / "index", ["--port", "0"]
    assert "no model" in failed(capsys, tmp_path / "missing", index, *port)
    assert "no file" in failed(capsys, model, tmp_path / "missing", *port)
    assert "neither an index" in failed(capsys, model, model, *port)
    assert "workers" in failed(capsys, model, index, "--workers", "0", *port)
    assert "limit" in failed(capsys, model, index, "--max-body", "0", *port)
    assert "--port" in failed(capsys, model, index, "--port", "99999")
    assert "--host" in failed(capsys, model, index, "--host", "256.0.0.1", *port)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        assert f"port {number}: Address already in use" in failed(capsys, model, index, "--port", number)


def test_connections_send_without_delay():
    """That is, without waiting for the client to acknowledge what was sent before."""
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as end,
    ):
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    "index, options, reason",
    [("cut", [], "cut"), pytest.param("plain.index", ["--hybrid", 0.5], "--lexical", marks=pytest.mark.slow)],
)
def test_what_workers_cannot_load_ends_the_service(folder, index, options, reason):
    (folder / "cut").write_bytes((folder / "index").read_bytes()[:2000])
    with Server(folder / "model.s2v", folder / index, *options, "--workers", 2) as server:
        assert server.end() == 2
        if sys.platform == "linux":
            until(lambda: not server.processes())
    assert len(server.said) == 1 and server.said[0].startswith("gensim-sent2vec serve: ") and reason in server.said[0]


def test_a_missing_extra(folder, capsys, monkeypatch):
    """The error names the package and how to install it."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    error = failed(capsys, folder / "model.s2v", folder / "index")
    assert 'uvicorn, which is not installed: pip install "gensim-sent2vec[serve]"' in error


def test_other_commands_do_not_import_the_extra(run_python):
    code = (
        "import sys, gensim_sent2vec._cli.main; print({'fastapi', 'uvicorn', 'prometheus_client'} & set(sys.modules))"
    )
    assert run_python(code) == ("set()\n", 0)


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["serve", "--help"])
    text = capsys.readouterr().out
    assert exit_.value.code == 0 and "gensim-sent2vec serve my.model" in text and "SIGHUP" in text
