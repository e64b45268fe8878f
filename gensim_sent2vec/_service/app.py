"""The service as an ASGI application: its routes, pages and errors.

`gensim_sent2vec._service.supervisor` runs it in several processes. Any ASGI server can run it:
``create_app(Current(Faq.load("my.s2v", "faq.index")))``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from .._util.appending import TableFullError
from ..version import __version__
from .access import HEADERS, Access, AccessMiddleware
from .faq import Faq
from .feedback import Feedback
from .hints import (
    PLURALS,
    example,
    missing_field,
    refuse_query_string,
    shown,
    unknown_field,
    wrong_method,
    wrong_route,
)
from .limits import BodyLimitMiddleware, Limits, RequestError
from .metrics import CONTENT_TYPE, Metrics, MetricsMiddleware
from .samples import sample_queries
from .schemas import (
    Answer,
    Answers,
    EncodeRequest,
    FeedbackRequest,
    Health,
    Problem,
    SearchRequest,
    Stored,
    Vector,
    Vectors,
    add_limits,
)

logger = logging.getLogger(__name__)

ROUTES = ("/", "/search", "/encode", "/feedback", "/samples", "/healthz", "/metrics", "/docs", "/openapi.json")
PROBLEMS = (400, 408, 413, 415, 421, 422, 500, 503)  # statuses of errors
DEFAULT_TOPN = 10
# A request that is no more work than scanning this many rows of an index, a few milliseconds, is computed on the event
# loop: threads that wait for each other would cost more.
MAX_INLINE_ROWS = 20_000
ROWS_PER_CHARACTER = 10  # the work of encoding one character, in rows
MAX_FIELDS = 3  # unknown ones that an error names
MAX_MESSAGE = 150  # characters of an error of pydantic that are repeated; it may contain input


class Current:
    """What is being served. A reload replaces `faq`; a request that has begun keeps the object that it began with."""

    def __init__(self, faq: Faq, generation: int = 1) -> None:
        self.faq, self.generation = faq, generation


def create_app(
    current: Current,
    limits: Limits | None = None,
    metrics: Metrics | None = None,
    access: Access | None = None,
    feedback: Feedback | None = None,
) -> FastAPI:
    """Create the application.

    Parameters
    ----------
    current : Current
        Its `faq` may be replaced while the application runs.
    limits : Limits, optional
    metrics : Metrics, optional
    access : Access, optional
        By default, requests may name any host.
    feedback : Feedback, optional
        Where feedback is stored; by default it is refused.

    Returns
    -------
    fastapi.FastAPI
    """
    limits, metrics, access = limits or Limits(), metrics or Metrics(), access or Access()
    app = FastAPI(
        title="gensim-sent2vec",
        version=__version__,
        description="Finds the sentences most similar to a query, and encodes sentences as vectors.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would lead to any host that the client names
        responses={status: {"model": Problem} for status in PROBLEMS},
    )
    # One thread computes what is large. The event loop answers other requests meanwhile, and memory stays bounded.
    handlers = Handlers(ThreadPoolExecutor(1, "gensim_sent2vec"), current, limits, metrics, feedback)
    post, get, read = ["POST"], ["GET"], ["GET", "HEAD"]
    body_only = [Depends(refuse_query_string)]
    app.add_api_route(
        "/search", handlers.search, methods=post, response_model=Answer | Answers, summary="Search",
        dependencies=body_only,
    )  # fmt: skip
    app.add_api_route(
        "/encode", handlers.encode, methods=post, response_model=Vector | Vectors, summary="Encode",
        dependencies=body_only,
    )  # fmt: skip
    app.add_api_route("/samples", handlers.samples, methods=get, include_in_schema=False)  # for the page only
    app.add_api_route(
        "/feedback", handlers.feedback, methods=post, response_model=Stored, summary="Store the result that was chosen",
        dependencies=body_only,
        responses={status: {"model": Problem} for status in (404, 507)},  # not accepted; not stored
    )  # fmt: skip
    app.add_api_route("/healthz", handlers.health, methods=get, response_model=Health, summary="Health check")
    app.add_api_route("/healthz", handlers.health, methods=["HEAD"], include_in_schema=False)
    app.add_api_route(
        "/metrics", lambda: Response(metrics.render(), media_type=CONTENT_TYPE), methods=get,
        response_class=Response, summary="Prometheus metrics",
    )  # fmt: skip
    for route, name in (("/", "page.html"), ("/docs", "docs.html")):
        app.add_api_route(route, _page(name), methods=read, include_in_schema=False)
    add_limits(app.openapi(), limits)
    _add_error_handlers(app, access)
    app.add_middleware(BodyLimitMiddleware, limits=limits)
    app.add_middleware(AccessMiddleware, access=access)
    app.add_middleware(MetricsMiddleware, metrics=metrics, known=ROUTES)
    return app


# -----------------------------------------------------------------------------------------------------
# Routes


class Handlers:
    """The functions that answer the routes."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        current: Current,
        limits: Limits,
        metrics: Metrics,
        store: Feedback | None = None,
    ) -> None:
        self.pool, self.current, self.limits, self.metrics, self.store = pool, current, limits, metrics, store

    async def search(self, request: SearchRequest) -> Any:
        """Find the sentences most similar to a query, or to each of several queries."""
        queries, faq = _one_or_several("query", request.query, "queries", request.queries), self.current.faq
        self.limits.check_sentences("queries", queries)
        topn = min(DEFAULT_TOPN, self.limits.topn) if request.topn is None else request.topn
        self.limits.check_topn(topn)
        for i, query in enumerate(queries):
            if not query.strip():
                raise RequestError(422, "empty", f"queries[{i}]: is empty; enter a question")
        try:
            faq.check(
                faq.hybrid if request.hybrid is None else request.hybrid,
                faq.csls if request.csls is None else request.csls,
            )
        except ValueError as error:
            raise RequestError(422, "invalid", str(error)) from error
        answers = await self._compute(
            queries, len(faq.index), faq.search, queries, topn, request.hybrid, request.explain, request.csls
        )
        self.metrics.count("/search", [answer["known"] for answer in answers])
        return answers[0] if request.query is not None else {"answers": answers}

    async def encode(self, request: EncodeRequest) -> Any:
        """Return the vector of a sentence, or of each of several sentences."""
        sentences = _one_or_several("sentence", request.sentence, "sentences", request.sentences)
        self.limits.check_sentences("sentences", sentences)
        vectors, known = await self._compute(sentences, 0, _encode, self.current.faq.wv, sentences, request.normalize)
        self.metrics.count("/encode", known)
        if request.sentence is not None:
            return {"known": known[0], "vector": vectors[0]}
        return {"known": known, "vectors": vectors}

    async def samples(self) -> Any:
        """Return the number of sentences and a few of them, for the page to start with."""
        index = self.current.faq.index
        return {"sentences": len(index), "samples": sample_queries(index.sentences, index.keys)}

    async def feedback(self, request: FeedbackRequest) -> Any:
        """Store which result was chosen for a query, for the command tune. Searches are never stored."""
        if self.store is None:
            raise RequestError(404, "not_found", "feedback: not accepted; the service was started without --feedback")
        self.limits.check_sentences("query", [request.query])
        if not request.query.strip():
            raise RequestError(422, "empty", "query: is empty; send the query that the result was chosen for")
        if request.key not in self.current.faq.index:
            raise RequestError(422, "invalid", "key: the index has no such key; send the key of a result")
        write = asyncio.get_running_loop().run_in_executor(self.pool, self.store.add, request.query, request.key)
        try:
            await write
        except TableFullError as error:
            detail = f"feedback: the file has reached its limit of {self.store.most:,} bytes"
            raise RequestError(507, "too_large", detail) from error
        except OSError as error:
            logger.error("feedback: %r cannot be written: %s", self.store.path, error)
            detail = (
                f"feedback: not stored, since its file cannot be written ({error.strerror or error}); try again later"
            )
            raise RequestError(507, "not_stored", detail) from error
        self.metrics.count("/feedback", [True])
        return {"stored": True}

    async def health(self) -> Any:
        """Report what is being served. Responds as soon as the model is loaded."""
        faq = self.current.faq
        return {
            "status": "ok",
            "version": __version__,
            "generation": self.current.generation,
            "words": len(faq.wv),
            "sentences": len(faq.index),
            "vector_size": faq.wv.sentence_size,
            "hybrid": faq.hybrid,
            "csls": faq.csls,
        }

    async def _compute(self, texts: list[str], n_rows: int, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``, which encodes `texts` and scans `n_rows` rows for each of them."""
        if ROWS_PER_CHARACTER * sum(map(len, texts)) + n_rows * len(texts) <= MAX_INLINE_ROWS:
            return function(*args)
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *args)


def _one_or_several(name: str, one: str | None, plural: str, several: list[str] | None) -> list[str]:
    """Return the texts of a request, which has exactly one of two fields."""
    if one is not None and several is None:
        return [one]
    if several is not None and one is None:
        return several
    raise RequestError(422, "invalid", f"pass either {name}, a string, or {plural}, a list of strings")


def _encode(wv: Any, sentences: Sequence[str], normalize: bool) -> tuple[list[list[float]], list[bool]]:
    vectors, known = wv.encode(sentences, normalize=normalize, return_known=True, show_progress_bar=False)
    return vectors.tolist(), known.tolist()


# -----------------------------------------------------------------------------------------------------
# Pages


def _page(name: str) -> Callable[[], Any]:
    """Return a handler for an HTML file of this package.

    The policy allows the scripts and styles in the file itself and requests to this server, and nothing else.
    """
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    allowed = {
        kind: " ".join(f"'{_digest(part)}'" for part in re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL))
        for kind in ("script", "style")
    }
    policy = (
        f"default-src 'none'; script-src {allowed['script']}; style-src {allowed['style']}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {**HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}

    async def page() -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    return page


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# -----------------------------------------------------------------------------------------------------
# Errors


def _add_error_handlers(app: FastAPI, access: Access) -> None:
    """Answer every error with a `Problem`, whose length does not depend on what the client sent."""

    async def request_error(request: Request, error: Any) -> JSONResponse:
        return JSONResponse(error.body, error.status, HEADERS)

    async def validation_error(request: Request, error: Any) -> JSONResponse:
        if "json" not in request.headers.get("content-type", ""):
            status, needed = 422, "Content-Type: send a JSON object with the header Content-Type: application/json"
            detail = f"{needed}, for example: {example(request, request.url.path)}"
        else:
            status, detail = _describe(request, error.errors())
        return JSONResponse(RequestError(status, "invalid", detail).body, status, HEADERS)

    async def http_error(request: Request, error: Any) -> JSONResponse:
        if error.status_code == 404:
            error.detail = wrong_route(request, ROUTES)
        if error.status_code == 405:
            error.detail = wrong_method(request, (error.headers or {}).get("Allow", "other methods"))
        kind = "not_found" if error.status_code == 404 else "invalid"
        body = RequestError(error.status_code, kind, str(error.detail)).body
        return JSONResponse(body, error.status_code, {**HEADERS, **(error.headers or {})})

    async def internal_error(request: Request, error: Any) -> JSONResponse:
        # Starlette sends this response from outside all middleware.
        body = RequestError(500, "internal", "internal server error; see the log of the server").body
        return JSONResponse(body, 500, access.headers(request.headers.get("origin", "")))

    app.add_exception_handler(RequestError, request_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, internal_error)


def _describe(request: Request, errors: Sequence[Any]) -> tuple[int, str]:
    """Return the HTTP status and the detail for what pydantic has found; an unknown field tells most."""
    unknown = [error for error in errors if error["type"] == "extra_forbidden"]
    if unknown:
        hints = [unknown_field(request.url.path, str(error["loc"][-1]), error.get("input")) for error in unknown]
        return 422, "; ".join(hints[:MAX_FIELDS])
    error = errors[0]
    if error["type"] == "json_invalid":
        return 400, f"the body is not JSON: {str(error.get('ctx', {}).get('error', error['msg']))[:MAX_MESSAGE]}"
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"][1:]]
    location = shown("".join(parts).removeprefix("."))
    if error["type"] == "missing" and location:
        return 422, missing_field(request, location)
    if error["type"] == "string_type" and location in PLURALS and isinstance(error.get("input"), list):
        return 422, f"{location}: must be a string; to send a list, use {PLURALS[location]}"
    if not location and error["type"] in ("model_attributes_type", "missing"):
        return 422, f"the body: must be a JSON object, for example: {example(request, request.url.path)}"
    return 422, f"{location or 'the body'}: {error['msg'][:MAX_MESSAGE]}"
