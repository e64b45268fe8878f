"""Connections that send nothing, or too slowly."""

import asyncio
import logging

import pytest

pytest.importorskip("uvicorn", reason='needs uvicorn: pip install "gensim-sent2vec[serve]"')
import uvicorn

from gensim_sent2vec._service.connections import OnceFilter, protocol_with


async def _app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_idle_connections_are_closed(sent):
    async def received() -> bytes:
        server = uvicorn.Server(
            uvicorn.Config(_app, http=protocol_with(0.2), lifespan="off", port=0, log_level="error", ws="none")
        )
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
        writer.write(sent)
        reply = await asyncio.wait_for(reader.read(), 4)
        writer.close()
        server.should_exit = True
        await task
        return reply

    reply = asyncio.run(received())
    assert reply.startswith(b"HTTP/1.1 200") == sent.endswith(b"\r\n\r\n")


def test_a_lack_of_file_descriptors_is_logged_once():
    record = logging.makeLogRecord({"msg": "socket.accept() out of system resource"})
    once = OnceFilter()
    assert [once.filter(record) for _ in range(3)] == [True, False, False]
    assert once.filter(logging.makeLogRecord({"msg": "other"}))
