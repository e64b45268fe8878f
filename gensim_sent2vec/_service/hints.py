"""What a client probably meant: another method or route, or another name of a field; with a request that works."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from .._util.hints import closest_option
from .limits import RequestError
from .schemas import EncodeRequest, FeedbackRequest, SearchRequest

BODIES: dict[str, tuple[type[BaseModel], dict[str, str]]] = {
    "/search": (SearchRequest, {"query": "how do i get my money back"}),
    "/encode": (EncodeRequest, {"sentence": "a sentence"}),
    "/feedback": (FeedbackRequest, {"query": "how do i get my money back", "key": "the key of the result"}),
}
SINGULAR = {"queries": "query", "sentences": "sentence"}
PLURALS = {one: several for several, one in SINGULAR.items()}
OTHER_ROUTES = {  # what the routes are called elsewhere
    "/search": "query queries ask answer find similar most_similar nearest knn retrieve",
    "/encode": "embed embeddings embedding vector vectors vectorize predict",
    "/feedback": "click clicks choose rate",
    "/healthz": "health ping ready readyz live livez status",
    "/docs": "swagger redoc api help",
    "/openapi.json": "openapi schema swagger.json",
    "/": "index.html ui home",
}
ELSEWHERE = {name: route for route, names in OTHER_ROUTES.items() for name in names.split()}
MAX_NAME = 60  # characters of what the client sent that an error repeats
MAX_HOST = 100


def example(request: Request, route: str) -> str:
    """A command that works for a route."""
    host = request.url.netloc
    address = f"{request.url.scheme}://{host if len(host) <= MAX_HOST else 'localhost:8000'}{route}"
    if route not in BODIES:
        return f"curl {address}"
    body = json.dumps(BODIES[route][1])
    return f"curl {address} -H 'Content-Type: application/json' -d '{body}'"


def wrong_method(request: Request, allowed: str) -> str:
    """The detail of an error 405; `allowed` is its header Allow."""
    route = request.url.path
    if route == "/" and request.method == "POST":
        return f"/ is the search page; to search, POST to /search: {example(request, '/search')}"
    methods = " or ".join(sorted(allowed.split(", ")))
    copy = " (to copy it from JSON, see /docs)" if route in BODIES else ""
    return f"{shown(request.method)}: {route} takes {methods} only; use {example(request, route)}{copy}"


def wrong_route(request: Request, routes: tuple[str, ...]) -> str:
    """The detail of an error 404."""
    wanted = "/" + request.url.path.rstrip("/").rpartition("/")[2].lower()
    meant = wanted if wanted in routes else ELSEWHERE.get(wanted[1:])
    meant = meant or next(iter(get_close_matches(wanted[:MAX_NAME], routes[1:], 1, 0.7)), None)
    hint = f"did you mean {meant}?" if meant else f"the routes are {', '.join(routes)}"
    return f"no such route; {hint}"


def unknown_field(route: str, name: str, value: Any) -> str:
    """The detail of an error for a field that a route does not have."""
    fields = tuple(BODIES[route][0].model_fields)
    meant = closest_option(name[:MAX_NAME], fields)
    if meant is not None and isinstance(value, str):
        meant = SINGULAR.get(meant, meant)
    elif meant is not None and isinstance(value, list):
        meant = PLURALS.get(meant, meant)
    hint = f"did you mean {meant}?" if meant in fields else f"the fields are {', '.join(fields)}"
    return f"{shown(name)}: not a field of {route}; {hint}"


def missing_field(request: Request, name: str) -> str:
    """The detail of an error for a field that must be there."""
    return f"{name}: is missing; for example: {example(request, request.url.path)}"


def refuse_query_string(request: Request) -> None:
    """Raise `RequestError` for fields in the address, which would be ignored."""
    fields = tuple(BODIES[request.url.path][0].model_fields)
    for name in request.query_params:
        if closest_option(name[:MAX_NAME], fields):
            detail = f"{shown(name)}: is in the address; send JSON: {example(request, request.url.path)}"
            raise RequestError(422, "invalid", detail)


def shown(text: str) -> str:
    """What a client sent, as an error repeats it."""
    return text[:MAX_NAME].encode("ascii", "backslashreplace").decode()
