"""Connections that send nothing, or too slowly."""

import asyncio
import json
import logging

import pytest

pytest.importorskip("uvicorn", reason='needs uvicorn: pip install "gensim-sent2vec[serve]"')
import uvicorn

from gensim_sent2vec._service.connections import RareFilter, protocol_with


async def _app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def exchange(*sent: bytes, header_seconds: float = 0.2, app=_app) -> bytes:
    """Send bytes to a server with our protocol, and return all that it sends until it closes the connection."""

    async def received() -> bytes:
        protocol = protocol_with(header_seconds)
        server = uvicorn.Server(
            uvicorn.Config(app, http=protocol, lifespan="off", port=0, log_level="critical", ws="none")
        )
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        for part in sent:
            writer.write(part)
            await asyncio.sleep(0.05)
        reply = await asyncio.wait_for(reader.read(), 4)
        writer.close()
        server.should_exit = True
        await task
        return reply

    return asyncio.run(received())


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_idle_connections_are_closed(sent):
    assert exchange(sent).startswith(b"HTTP/1.1 200") == sent.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
    ],
)
def test_what_is_not_http_gets_a_problem(sent):
    head, _, body = exchange(sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    headers = head.lower()
    assert b"x-content-type-options: nosniff" in headers and b"referrer-policy: no-referrer" in headers
    assert f"content-length: {len(body)}".encode() in headers and b"connection: close" in headers
    assert json.loads(body) == {"error": "invalid", "detail": "the request is not valid HTTP/1.1"}


def test_a_damaged_body_after_the_response_began_closes_the_connection(caplog):
    async def hasty(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await asyncio.sleep(0.2)

    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = exchange(head, b"not a chunk\r\n", app=hasty)
    assert reply.startswith(b"HTTP/1.1 200") and b"400" not in reply
    assert not [record for record in caplog.records if record.exc_info]


def test_a_lack_of_file_descriptors_is_logged_once_a_minute():
    clock = iter([0.0, 1.0, 30.0, 59.0, 60.0, 61.0, 500.0])
    rare = RareFilter(60, lambda: next(clock))

    def logged() -> str | None:
        record = logging.makeLogRecord({"msg": "socket.accept() out of system resource"})
        return record.getMessage() if rare.filter(record) else None

    assert [logged() for _ in range(7)] == [
        "socket.accept() out of system resource",
        *[None] * 3,
        "socket.accept() out of system resource (3 more since the last message)",
        None,
        "socket.accept() out of system resource (1 more since the last message)",
    ]
    assert rare.filter(logging.makeLogRecord({"msg": "other"}))
