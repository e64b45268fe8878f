"""Which host names and origins may use a service, and headers that all of its responses have."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from .limits import RequestError, send_error

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Access:
    """Who may use the service.

    Attributes
    ----------
    hosts : tuple of str, optional
        Host names that requests may name besides IP addresses and localhost; None: any name.
    origins : tuple of str
        Origins whose pages may read the responses (CORS), such as ``https://example.org``.
    """

    hosts: tuple[str, ...] | None = None
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for origin in self.origins:
            if not re.fullmatch(r"https?://[^/*\s]+", origin):
                raise ValueError(f"cors: must be an origin such as https://example.org, without a path, got {origin!r}")

    def allows(self, host: str) -> bool:
        """Whether a Host header is allowed. DNS rebinding needs a name, so all IP addresses are."""
        if self.hosts is None:
            return True
        name = _without_port(host).lower().rstrip(".")
        if name in LOCAL or name in [allowed.lower().strip("[]").rstrip(".") for allowed in self.hosts]:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def headers(self, origin: str) -> dict[str, str]:
        """The headers of a response to a request with this Origin header ("" without one)."""
        found = dict(HEADERS)
        if self.origins:
            found["Vary"] = "Origin"
        if origin in self.origins:
            found["Access-Control-Allow-Origin"] = origin
        return found


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI and h11 take them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


class AccessMiddleware:
    """ASGI middleware that refuses other host names, answers CORS preflights, and adds headers to all responses."""

    def __init__(self, app: Any, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin", "")
        extra = encoded(self.access.headers(origin))

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message.get("headers", [])}
                added = [(name, value) for name, value in extra if name not in present]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        if not self.access.allows(headers.get(b"host", "")):
            detail = "Host: this name is not served here; start the service with --allow-host NAME to allow it"
            await send_error(send_with_headers, RequestError(421, "invalid", detail))
        elif (
            origin in self.access.origins
            and scope["method"] == "OPTIONS"
            and b"access-control-request-method" in headers
        ):
            extra += [
                (b"access-control-allow-methods", b"GET, HEAD, POST"),
                (b"access-control-allow-headers", b"Content-Type"),
                (b"access-control-max-age", b"600"),
            ]
            await send_with_headers({"type": "http.response.start", "status": 204, "headers": []})
            await send_with_headers({"type": "http.response.body", "body": b""})
        else:
            await self.app(scope, receive, send_with_headers)
