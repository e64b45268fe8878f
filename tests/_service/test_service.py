"""The service over HTTP, as programs that run."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
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
    """A model; an index with the lexical part and one without."""
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


@pytest.fixture(scope="module", params=[1, 2])
def server(folder, request):
    limits = ["--max-body", 300_000, "--max-sentences", 5, "--max-length", 1000, "--max-topn", 20]
    with Server(folder / "model.s2v", folder / "index", "--workers", request.param, *limits) as server:
        server.url  # noqa: B018 (waits)
        yield server


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def refused(reply: httpx.Response, status: int, error: str, detail: str = "") -> None:
    """An error as all errors are: a word, and one short line."""
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


def test_search_of_several(http):
    queries = ["my money back", "rain"]
    several = http.post("/search", json={"queries": queries, "explain": True}).json()["answers"]
    assert several == [http.post("/search", json={"query": query, "explain": True}).json() for query in queries]
    assert http.post("/search", json={"queries": []}).json() == {"answers": []}


def test_encode(http, index):
    sentences = ["the police said", "", "rain in the south"]
    body = http.post("/encode", json={"sentences": sentences}).json()
    expected, known = index.wv.encode(sentences, return_known=True)
    np.testing.assert_array_equal(np.float32(body["vectors"]), expected)  # to the bit
    assert body["known"] == known.tolist() == [True, False, True]
    one = http.post("/encode", json={"sentence": sentences[0], "normalize": True}).json()
    assert one["known"] and np.linalg.norm(one["vector"]) == pytest.approx(1, abs=1e-6)
    assert http.post("/encode", json={"sentences": []}).json() == {"known": [], "vectors": []}


def test_health(http, index):
    body = http.get("/healthz").json()
    assert (body["status"], body["words"], body["sentences"]) == ("ok", len(index.wv), len(FAQ))
    assert (body["generation"], body["hybrid"], body["vector_size"]) == (1, 0.5, index.wv.sentence_size)


def test_pages_ask_for_nothing_from_elsewhere(http):
    for path in ("/", "/docs"):
        page = http.get(path)
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert not re.search(r"(src|href)=[\"'](https?:)?//", page.text)


def test_openapi_describes_the_routes(http):
    api = http.get("/openapi.json").json()
    assert set(api["paths"]) == {"/search", "/encode", "/healthz", "/metrics"}
    fields = api["components"]["schemas"]["SearchRequest"]["properties"]
    assert set(fields) == {"query", "queries", "topn", "hybrid", "explain"}
    assert "Problem" in json.dumps(api["paths"]["/search"]["post"]["responses"]["422"])


# -----------------------------------------------------------------------------------------------------
# Any text


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
    assert not body["known"] or body["results"]  # spelt, where the weighting spells
    wv = Sent2VecKeyedVectors.load(folder / "model.s2v")
    wv.weighting = None
    wv.save(folder / "plain.s2v")
    SentenceIndex.build(wv, [q for q, _ in FAQ], lexical=True).save(folder / "spelt.index")
    with Server(folder / "plain.s2v", folder / "spelt.index", "--workers", 1) as server:
        body = httpx.post(server.url + "/search", json={"query": "ㅁㄴㅇㄻㄴㅇㄹ"}).json()
        assert body == {"known": False, "results": []}
        metrics = httpx.get(server.url + "/metrics").text
        assert 'gensim_sent2vec_unknown_sentences_total{route="/search"} 1.0' in metrics


# -----------------------------------------------------------------------------------------------------
# What is refused


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
def test_what_search_refuses(http, body, status, error, detail):
    reply = http.post("/search", content=body, headers={"Content-Type": "application/json"})
    refused(reply, status, error, detail)
    assert http.get("/healthz").status_code == 200


def test_what_else_is_refused(http, folder):
    refused(http.get("/nothing"), 404, "not_found")
    refused(http.get("/search"), 405, "invalid")
    refused(http.post("/search", content=b'{"query": "a"}', headers={"Content-Type": "text/plain"}), 422, "invalid")
    refused(http.post("/encode", json={"sentences": ["a"] * 6}), 422, "too_many", "at most 5")
    refused(http.post("/encode", json={"sentences": ["a", "x" * 1001]}), 422, "too_long", r"sentences\[1\]")
    refused(http.post("/encode", json={}), 422, "invalid", "either sentence")
    with Server(folder / "model.s2v", folder / "plain.index", "--workers", 1) as server:
        assert httpx.get(server.url + "/healthz").json()["hybrid"] == 0
        reply = httpx.post(server.url + "/search", json={"query": "rain", "hybrid": 0.5})
        refused(reply, 422, "invalid", "--lexical")
        assert httpx.post(server.url + "/search", json={"query": "rain"}).json()["results"]


@pytest.mark.parametrize("size", [300_001, 5_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies_are_refused(http, size, chunked):
    def parts():
        for start in range(0, size, 50_000):
            yield b" " * min(50_000, size - start)

    refused(http.post("/encode", content=parts() if chunked else b" " * size), 413, "too_large", "300,000 bytes")
    assert http.post("/encode", content=b"x" * 300_000).status_code in (400, 422)  # as large as may be


def test_endless_bodies_end(server):
    """A body that never ends is given up, and the connection with it."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /encode HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with pytest.raises(OSError):
            for _ in range(5000):
                connection.sendall(part)


def test_other_requests_go_on_during_a_large_one(http, server):
    """A slow body holds up nobody."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")
        for _ in range(20):
            assert httpx.get(server.url + "/healthz").status_code == 200


# -----------------------------------------------------------------------------------------------------
# Several processes


def counted(server, name: str, labels: str = "") -> float:
    text = httpx.get(server.url + "/metrics").text
    found = re.search(rf"^gensim_sent2vec_{name}{re.escape(labels)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@ON_LINUX
def test_metrics_are_those_of_all_processes(folder):
    """While one process is held, the other answers: both have counted, and either tells the sum."""
    with Server(folder / "model.s2v", folder / "index", "--workers", 2) as server:
        url = server.url
        first, second = server.workers()
        for held in (first, second):
            os.kill(held, signal.SIGSTOP)
            try:
                for _ in range(5):
                    assert httpx.post(url + "/search", json={"queries": ["rain", "police"]}, timeout=60).is_success
                assert httpx.post(url + "/search", json={}, timeout=60).status_code == 422
                total = 5 if held == first else 10
                labels = '{route="/search",status="200"}'
                assert counted(server, "requests_total", labels) == total
                assert counted(server, "sentences_total", '{route="/search"}') == 2 * total
                assert counted(server, "requests_total", '{route="/search",status="422"}') == total / 5
                assert counted(server, "request_seconds_count", '{route="/search"}') == total + total / 5
                assert counted(server, "workers") == 2
            finally:
                os.kill(held, signal.SIGCONT)


@ON_LINUX
def test_workers_share_the_memory_of_imported_modules(server):
    """The fork server has imported all that they use."""

    def libraries(pid: int) -> set[str]:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        return {line.split()[-1] for line in lines if ".so" in line}

    processes = server.processes()
    for worker in server.workers():
        used = libraries(worker)
        assert any("pydantic_core" in path for path in used) and used <= libraries(processes[worker][0])


@ON_LINUX
def test_a_process_that_dies_is_replaced(folder):
    with Server(folder / "model.s2v", folder / "index", "--workers", 2) as server:
        url = server.url
        assert httpx.post(url + "/search", json={"query": "rain"}).is_success
        until(lambda: counted(server, "requests_total", '{route="/search",status="200"}'))  # after the response
        dead = server.workers()[0]
        os.kill(dead, signal.SIGKILL)
        server.wait_for("starting another")
        until(lambda: len(server.workers()) == 2 and dead not in server.workers())
        until(lambda: counted(server, "workers") == 2)
        assert httpx.post(url + "/search", json={"query": "rain"}).is_success
        assert counted(server, "requests_total", '{route="/search",status="200"}') == 2  # what it had counted stays
        assert server.stop() == 0


@ON_LINUX
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, "group"])
def test_no_process_is_left(folder, how):
    with Server(folder / "model.s2v", folder / "index", "--workers", 2) as server, httpx.Client() as client:
        assert client.post(server.url + "/search", json={"query": "rain"}).is_success  # and the connection stays open
        before = set(server.processes())
        assert len(before) >= 3
        if how == "group":
            os.killpg(server.process.pid, signal.SIGINT)  # as a terminal does
            assert server.end() == 130
        else:
            assert server.stop(how) == {signal.SIGTERM: 0, signal.SIGINT: 130, signal.SIGKILL: -9}[how]
        until(lambda: not server.processes())
        assert len(server.said) == 1, server.said  # where it was served, and no more


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
        assert len(server.said) <= 1, server.said
        assert not any(tmp_path.iterdir())


def test_requests_that_have_begun_are_finished(folder):
    """The body arrives after the signal to end."""
    with Server(folder / "model.s2v", folder / "index", "--workers", 1) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            body = json.dumps({"query": "rain"}).encode()
            head = f"POST /search HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            connection.sendall(head.encode() + b"\r\n\r\n" + body[:5])
            until(lambda: counted(server, "requests_total", '{route="/metrics",status="200"}'))  # so it has been read
            server.send(signal.SIGTERM)
            until(lambda: not _accepts(host, int(port)))
            connection.sendall(body[5:])
            answer = b""
            while part := connection.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 200 OK") and b"It rained." in answer
        assert server.end() == 0


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
@pytest.mark.parametrize("workers", [1, 2])
def test_reload_under_load_drops_nothing(folder, tmp_path, workers, lee_model):
    model, path = tmp_path / "model.s2v", tmp_path / "index"

    def put(generation: int) -> None:
        """A model and an index of another generation in the place of the old ones."""
        wv = lee_model.wv.astype(np.float32)
        wv.vectors[:] *= 1 if generation % 2 else -1
        wv.weighting = None
        wv.save(model)
        SentenceIndex.build(wv, [q for q, _ in FAQ], keys=[generation] * len(FAQ), lexical=True).save(path)

    put(1)
    seen: list[tuple[int, int]] = []
    stop = threading.Event()

    def load(url: str) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not stop.is_set():
                reply = client.post("/search", json={"query": "police rain", "explain": True})
                keys = {result["key"] for result in reply.json()["results"]} if reply.is_success else {0}
                assert len(keys) == 1
                seen.append((reply.status_code, keys.pop()))

    with Server(model, path, "--workers", workers) as server:
        threads = [Failing(load, server.url) for _ in range(4)]
        for generation in (2, 3, 4):
            until(lambda: len(seen) > 20, server)
            put(generation)
            server.send(signal.SIGHUP)
            server.wait_for(rf"reloaded \(generation {generation}\)")
            del seen[:]  # from now on all is new
            until(lambda: len(seen) > 20, server)
            assert set(seen[4:]) == {(200, generation)}  # but for what was on its way
            assert counted(server, "generation") == generation
        stop.set()
        for thread in threads:
            thread.end()
        assert httpx.get(server.url + "/healthz").json()["generation"] == 4
        assert server.stop() == 0


class Failing(threading.Thread):
    """A thread whose failure is a test's."""

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


@needs_hangup
def test_what_cannot_be_loaded_changes_nothing(folder, tmp_path):
    path = tmp_path / "index"
    good = (folder / "index").read_bytes()
    path.write_bytes(good)
    with Server(folder / "model.s2v", path, "--workers", 2) as server:
        url = server.url
        for i, (bad, why) in enumerate([(good[:2000], "index'"), (b"no index", "neither an index"), (None, "no file")]):
            part = tmp_path / "part"
            if bad is None:
                path.unlink()
            else:
                part.write_bytes(bad)
                part.replace(path)
            server.send(signal.SIGHUP)
            until(lambda: len(server.said) == i + 2, server)  # noqa: B023
            assert "reload failed" in server.said[-1] and why in server.said[-1]
            assert {httpx.get(url + "/healthz").json()["generation"] for _ in range(5)} == {1}
            assert httpx.post(url + "/search", json={"query": "rain"}).is_success
        path.write_bytes(good)
        server.send(signal.SIGHUP)
        server.wait_for(r"reloaded \(generation 2\)")


@needs_hangup
def test_a_text_file_is_read_again(folder, tmp_path):
    path = tmp_path / "faq.tsv"
    path.write_bytes((folder / "faq.tsv").read_bytes())
    with Server(folder / "model.s2v", path, "--workers", 2) as server:
        query = {"query": "how much is a ticket", "topn": 1}
        assert httpx.post(server.url + "/search", json=query).json()["results"][0]["lexical"] < 0.9
        with open(path, "a", encoding="utf-8") as file:
            file.write("\nhow much is a ticket\tTen.\n")
        server.send(signal.SIGHUP)
        server.wait_for(r"reloaded \(generation 2\)")
        for _ in range(5):
            assert httpx.post(server.url + "/search", json=query).json()["results"][0]["key"] == "Ten."


# -----------------------------------------------------------------------------------------------------
# What cannot be served


def failed(capsys, *arguments: object) -> str:
    """The one line of a command that exits with status 2."""
    before = dict(os.environ), signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as exit_:
        main(["serve", *map(str, arguments)])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1
    assert (dict(os.environ), signal.getsignal(signal.SIGINT)) == before  # all is as it was
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


def test_connections_send_at_once():
    """Without waiting for the client to confirm what was sent before."""
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as end,
    ):
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_the_processes_cannot_load(folder, tmp_path):
    model, index = folder / "model.s2v", folder / "index"
    (tmp_path / "cut").write_bytes(index.read_bytes()[:2000])
    for arguments, said in (([model, tmp_path / "cut"], "cut"), ([model, folder / "plain.index", "--hybrid", 0.5],
                                                                 "--lexical")):  # fmt: skip
        with Server(*arguments, "--workers", 2) as server:
            assert server.end() == 2
            until(lambda: not server.processes())
        assert len(server.said) == 1 and server.said[0].startswith("gensim-sent2vec serve: ") and said in server.said[0]


def test_a_missing_extra(folder, tmp_path):
    """The error names the package and the way to get it."""
    code = (
        "import importlib.util as u, sys; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'uvicorn' else find(name, *a)\n"
        "from gensim_sent2vec._cli.main import main; main(sys.argv[1:])"
    )
    arguments = ["serve", str(folder / "model.s2v"), str(folder / "index")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    assert (
        done.returncode == 2 and 'uvicorn, which is not installed: pip install "gensim-sent2vec[serve]"' in done.stderr
    )


def test_the_package_needs_none_of_it(run_python):
    """The rest works without the extra."""
    code = (
        "import sys, gensim_sent2vec._cli.main; print({'fastapi', 'uvicorn', 'prometheus_client'} & set(sys.modules))"
    )
    assert run_python(code) == ("set()\n", 0)


def test_help_has_an_example(run_python):
    text, status = run_python("from gensim_sent2vec._cli.main import main; main(['serve', '--help'])")
    assert status == 0 and "gensim-sent2vec serve my.model" in text and "SIGHUP" in text
