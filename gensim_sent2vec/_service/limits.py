"""What a service takes: limits of requests, and the refusal of what is beyond them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DRAINED = 1 << 24  # bytes of a body too large that are still read, so that the client gets to read the answer


@dataclass(frozen=True)
class Limits:
    """The most that one request may ask for.

    Attributes
    ----------
    body : int
        Bytes of its body.
    sentences : int
        Queries or sentences of a batch.
    length : int
        Characters of a sentence.
    topn : int
        Results a query.
    seconds : float
        Time in which the body has to arrive.
    """

    body: int = 1 << 20
    sentences: int = 256
    length: int = 10_000
    topn: int = 100
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name}: the limit must be above 0, got {value}")

    def check_sentences(self, name: str, sentences: Sequence[str]) -> None:
        """Raise `Refused` where there are too many, too long ones, or ones that are no text."""
        if len(sentences) > self.sentences:
            raise Refused(422, "too_many", f"{name}: at most {self.sentences:,} are taken, got {len(sentences):,}")
        for i, sentence in enumerate(sentences):
            if len(sentence) > self.length:
                raise Refused(
                    422,
                    "too_long",
                    f"{name}[{i}]: at most {self.length:,} characters are taken, got {len(sentence):,}",
                )
            if any("\ud800" <= character <= "\udfff" for character in sentence):
                raise Refused(422, "invalid", f"{name}[{i}]: a text is expected, got half of a surrogate pair in it")

    def check_topn(self, topn: int) -> None:
        """Raise `Refused` where it is none, or too many."""
        if not 1 <= topn <= self.topn:
            raise Refused(422, "too_many", f"topn: 1 to {self.topn:,} is taken, got {topn}")


class Refused(Exception):
    """A request that is answered with an error.

    Attributes
    ----------
    status : int
        Of HTTP.
    error : str
        A word for programs.
    detail : str
        A line for people.
    """

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.error, self.detail = status, error, detail

    @property
    def body(self) -> dict[str, str]:
        """What the answer holds."""
        return {"error": self.error, "detail": self.detail}


class LimitedBodies:
    """ASGI middleware: takes a body in as a whole, before the application sees the request, or refuses it.

    A body without a length (chunked) is counted as it comes.
    """

    def __init__(self, app: Any, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._body(receive), self.limits.seconds)
        except asyncio.TimeoutError:
            late = f"the body did not arrive within {self.limits.seconds:g} seconds"
            await _refuse(send, Refused(408, "too_slow", late))
            return
        except Refused as refused:
            await _refuse(send, refused)
            return
        if body is None:
            return
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return messages.pop() if messages else await receive()

        await self.app(scope, again, send)

    async def _body(self, receive: Any) -> bytes | None:
        """All of it; None where the client has gone."""
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
            elif size > DRAINED:
                break
        if size > self.limits.body:
            raise Refused(413, "too_large", f"the body: at most {self.limits.body:,} bytes are taken")
        return b"".join(parts)


async def _refuse(send: Any, refused: Refused) -> None:
    body = json.dumps(refused.body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
