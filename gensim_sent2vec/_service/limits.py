"""Limits on requests, and the errors for requests that exceed them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_DRAINED = 1 << 24  # bytes read of a body that is too large, so that the client gets to read the error
MAX_DETAIL = 500  # characters of the detail of an error, which may repeat what the client sent
SURROGATE = re.compile("[\ud800-\udfff]")  # half of a pair: neither UTF-8 nor JSON can carry it


@dataclass(frozen=True)
class Limits:
    """The maximum that one request may ask for.

    Attributes
    ----------
    body : int
        Bytes of the body.
    sentences : int
        Queries or sentences per request.
    length : int
        Characters per query or sentence.
    topn : int
        Results per query.
    seconds : float
        Time for the body to arrive.
    header_seconds : float
        Time for the request line and the headers to arrive; idle connections are closed after it.
    requests : int
        Requests in progress per worker; more are answered with 503. Idle connections do not count.
    """

    body: int = 1 << 20
    sentences: int = 256
    length: int = 10_000
    topn: int = 100
    seconds: float = 30.0
    header_seconds: float = 10.0
    requests: int = 1000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name}: the limit must be above 0, got {value}")

    def check_sentences(self, name: str, sentences: Sequence[str]) -> None:
        """Raise `RequestError` if there are too many sentences, or one is too long or not valid Unicode."""
        if len(sentences) > self.sentences:
            raise RequestError(422, "too_many", f"{name}: at most {self.sentences:,} allowed, got {len(sentences):,}")
        for i, sentence in enumerate(sentences):
            if len(sentence) > self.length:
                detail = f"{name}[{i}]: at most {self.length:,} characters allowed, got {len(sentence):,}"
                raise RequestError(422, "too_long", detail)
            if SURROGATE.search(sentence):
                raise RequestError(422, "invalid", f"{name}[{i}]: contains an unpaired surrogate; send valid Unicode")

    def check_topn(self, topn: int) -> None:
        """Raise `RequestError` if `topn` is out of range."""
        if not 1 <= topn <= self.topn:
            raise RequestError(422, "too_many", f"topn: must be from 1 to {self.topn:,}, got {topn}")


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes
    ----------
    status : int
        The HTTP status.
    error : str
        A word for programs.
    detail : str
        One line for people.
    """

    def __init__(self, status: int, error: str, detail: str) -> None:
        detail = detail if len(detail) <= MAX_DETAIL else detail[: MAX_DETAIL - 1] + "…"
        super().__init__(detail)
        self.status, self.error, self.detail = status, error, detail

    @property
    def body(self) -> dict[str, str]:
        """The JSON body of the response."""
        return {"error": self.error, "detail": self.detail}


def sendable(text: str) -> str:
    """A text as JSON can carry it: unpaired surrogates, which an index may have, become replacement characters."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


class BodyLimitMiddleware:
    """ASGI middleware that reads the entire body before the application sees the request, and enforces its limits.

    A chunked body, whose size is not known in advance, is counted while it arrives.
    """

    def __init__(self, app: Any, limits: Limits) -> None:
        self.app, self.limits, self.n_requests = app, limits, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.n_requests >= self.limits.requests:
            await send_error(send, RequestError(503, "busy", "too many requests in progress; try again later"))
            return
        self.n_requests += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self.n_requests -= 1

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            _check_encoding(scope["headers"])
            body = await asyncio.wait_for(self._read_body(receive), self.limits.seconds)
        except asyncio.TimeoutError:
            detail = f"the body did not arrive within {self.limits.seconds:g} seconds"
            await send_error(send, RequestError(408, "too_slow", detail))
            return
        except RequestError as error:
            await send_error(send, error)
            return
        if body is None:
            return
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_body() -> Any:
            return messages.pop() if messages else await receive()

        await self.app(scope, receive_body, send)

    async def _read_body(self, receive: Any) -> bytes | None:
        """Return the entire body, or None if the client has disconnected."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size <= self.limits.body:
                parts.append(part)
            elif size > MAX_DRAINED:
                break
        if size > self.limits.body:
            raise RequestError(413, "too_large", f"the body: at most {self.limits.body:,} bytes allowed")
        return b"".join(parts)


def _check_encoding(headers: Sequence[tuple[bytes, bytes]]) -> None:
    if any(name == b"content-encoding" and value.lower() != b"identity" for name, value in headers):
        detail = "Content-Encoding: compressed bodies are not supported; send plain JSON"
        raise RequestError(415, "invalid", detail)


async def send_error(send: Any, error: RequestError) -> None:
    """Send an error from ASGI middleware, and close the connection."""
    body = json.dumps(error.body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
