"""The service as an ASGI application: routes, what they take and give, errors, the page.

`gensim_sent2vec._service.supervisor` runs it in several processes. Any ASGI server can run it:
``create_app(Current(Faq.load("my.s2v", "faq.index")))``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from starlette.exceptions import HTTPException

from ..version import __version__
from .faq import Faq
from .limits import LimitedBodies, Limits, Refused
from .metrics import CONTENT_TYPE, Measured, Metrics

ROUTES = ("/", "/search", "/encode", "/healthz", "/metrics", "/docs", "/openapi.json")
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
TOPN = 10  # results a query
# Up to so many rows to go through, some milliseconds, threads that wait for each other cost more than the work.
SMALL, CHARACTER = 20_000, 10  # a character is as much work as so many rows
EXCERPT = 60  # characters of what a client sent that an error repeats


class Current:
    """What is served now. It is replaced as a whole: a request goes on with what it began with."""

    def __init__(self, faq: Faq, generation: int = 1) -> None:
        self.faq, self.generation = faq, generation


# -----------------------------------------------------------------------------------------------------
# What is taken and given


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SearchRequest(_Body):
    query: str | None = Field(None, description="One question; or `queries`.", examples=["how do i get my money back"])
    queries: list[str] | None = Field(None, description="Several questions.")
    topn: int | None = Field(None, description="At most so many results a query; 10 by default.")
    hybrid: FiniteFloat | None = Field(
        None,
        description="Share of the spelling in the score, 0 (meaning only) to 1; by default 0.5 where the index has its "
        "lexical part.",
    )
    explain: bool = Field(False, description="Say what each word of the query adds to each score.")


class EncodeRequest(_Body):
    sentence: str | None = Field(None, description="One sentence; or `sentences`.", examples=["a sentence"])
    sentences: list[str] | None = Field(None, description="Several sentences.")
    normalize: bool = Field(False, description="Scale vectors to length 1.")


class Word(BaseModel):
    word: str
    contribution: float = Field(description="What the score loses without this word of the query.")


class Result(BaseModel):
    key: str | int = Field(description="The sentence's key, such as its answer; the sentence itself without keys.")
    sentence: str
    score: float = Field(description="(1 - hybrid) · cosine + hybrid · lexical")
    cosine: float = Field(description="How alike the meanings are.")
    lexical: float | None = Field(description="How much of the spelling is shared; null without hybrid.")
    words: list[Word] | None = Field(description="With explain; null for queries of more than 40 words.")


class Answer(BaseModel):
    known: bool = Field(description="Whether any word of the query has a vector.")
    results: list[Result]


class Answers(BaseModel):
    answers: list[Answer]


class Vector(BaseModel):
    known: bool = Field(description="Whether any word has a vector; else the vector is all zeros.")
    vector: list[float]


class Vectors(BaseModel):
    known: list[bool]
    vectors: list[list[float]]


class Health(BaseModel):
    status: str
    version: str
    generation: int = Field(description="How often model and index have been loaded.")
    words: int
    sentences: int
    vector_size: int
    hybrid: float


class Problem(BaseModel):
    error: str = Field(description="invalid, empty, too_long, too_many, too_large, too_slow, not_found or internal.")
    detail: str


def _either(name: str, one: str | None, several: list[str] | None) -> list[str]:
    """The sentences of a request that has one or several."""
    many = name[:-1] + "ies" if name.endswith("y") else name + "s"
    if (one is None) == (several is None):
        raise Refused(422, "invalid", f"pass either {name}, a text, or {many}, a list of texts")
    return [one] if one is not None else several or []


# -----------------------------------------------------------------------------------------------------
# Routes


def create_app(current: Current, limits: Limits | None = None, metrics: Metrics | None = None) -> FastAPI:
    """The application.

    Parameters
    ----------
    current : Current
        Its `faq` may be replaced while the application runs.
    limits : Limits, optional
    metrics : Metrics, optional

    Returns
    -------
    fastapi.FastAPI
    """
    limits, metrics = limits or Limits(), metrics or Metrics()
    app = FastAPI(
        title="gensim-sent2vec",
        version=__version__,
        description="Nearest sentences, and vectors of sentences.",
        docs_url=None,
        redoc_url=None,
        responses={422: {"model": Problem}, 413: {"model": Problem}},
    )
    # What is large is computed by one thread: others go on meanwhile, but not two of them, so memory stays bounded.
    work = Work(ThreadPoolExecutor(1, "gensim_sent2vec"), current, limits, metrics)
    app.add_api_route("/search", work.search, methods=["POST"], response_model=Answer | Answers, summary="Search")
    app.add_api_route("/encode", work.encode, methods=["POST"], response_model=Vector | Vectors, summary="Encode")
    app.add_api_route("/healthz", work.health, methods=["GET"], response_model=Health, summary="Is it well?")
    app.add_api_route(
        "/metrics", lambda: Response(metrics.render(), media_type=CONTENT_TYPE), methods=["GET"],
        response_class=Response, summary="Figures for Prometheus",
    )  # fmt: skip
    for route, name in (("/", "page.html"), ("/docs", "docs.html")):
        app.add_api_route(route, _page(name), methods=["GET"], include_in_schema=False)
    _answer_errors(app)
    app.add_middleware(LimitedBodies, limits=limits)
    app.add_middleware(Measured, metrics=metrics, known=ROUTES)
    return app


class Work:
    """What the routes do."""

    def __init__(self, pool: ThreadPoolExecutor, current: Current, limits: Limits, metrics: Metrics) -> None:
        self.pool, self.current, self.limits, self.metrics = pool, current, limits, metrics

    async def _compute(self, texts: list[str], rows: int, function: Callable[..., Any], *args: Any) -> Any:
        """The function's result; it goes through so many texts, and so many rows for each."""
        if CHARACTER * sum(map(len, texts)) + rows * len(texts) <= SMALL:
            return function(*args)
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *args)

    async def search(self, asked: SearchRequest) -> Any:
        """The sentences nearest to a query, or to each of several."""
        queries, faq = _either("query", asked.query, asked.queries), self.current.faq
        self.limits.check_sentences("queries", queries)
        topn = min(TOPN, self.limits.topn) if asked.topn is None else asked.topn
        self.limits.check_topn(topn)
        for i, query in enumerate(queries):
            if not query.strip():
                raise Refused(422, "empty", f"queries[{i}]: it is empty")
        try:
            faq.check(faq.hybrid if asked.hybrid is None else asked.hybrid)
        except ValueError as error:
            raise Refused(422, "invalid", str(error)) from error
        answers = await self._compute(queries, len(faq.index), faq.search, queries, topn, asked.hybrid, asked.explain)
        self.metrics.count("/search", [answer["known"] for answer in answers])
        return answers[0] if asked.query is not None else {"answers": answers}

    async def encode(self, asked: EncodeRequest) -> Any:
        """The vector of a sentence, or of each of several."""
        sentences, wv = _either("sentence", asked.sentence, asked.sentences), self.current.faq.wv
        self.limits.check_sentences("sentences", sentences)
        vectors, known = await self._compute(sentences, 0, _encoded, wv, sentences, asked.normalize)
        self.metrics.count("/encode", known)
        if asked.sentence is not None:
            return {"known": known[0], "vector": vectors[0]}
        return {"known": known, "vectors": vectors}

    async def health(self) -> Any:
        faq = self.current.faq
        return {
            "status": "ok",
            "version": __version__,
            "generation": self.current.generation,
            "words": len(faq.wv),
            "sentences": len(faq.index),
            "vector_size": faq.wv.sentence_size,
            "hybrid": faq.hybrid,
        }


def _encoded(wv: Any, sentences: Sequence[str], normalize: bool) -> tuple[list[list[float]], list[bool]]:
    vectors, known = wv.encode(sentences, normalize=normalize, return_known=True, show_progress_bar=False)
    return vectors.tolist(), known.tolist()


# -----------------------------------------------------------------------------------------------------
# Pages


def _page(name: str) -> Callable[[], Any]:
    """A page of the package, which may run and look as its own text says, fetch from this server, and nothing else."""
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


def _answer_errors(app: FastAPI) -> None:
    """All errors are answered as `Problem` says, and none repeats at length what the client sent."""

    async def refused(request: Request, error: Any) -> JSONResponse:
        return JSONResponse(error.body, error.status, HEADERS)

    async def invalid(request: Request, error: Any) -> JSONResponse:
        status, detail = _first(error.errors()[0])
        return JSONResponse(Refused(status, "invalid", detail).body, status, HEADERS)

    async def http(request: Request, error: Any) -> JSONResponse:
        kind = "not_found" if error.status_code == 404 else "invalid"
        body = Refused(error.status_code, kind, str(error.detail)).body
        return JSONResponse(body, error.status_code, {**HEADERS, **(error.headers or {})})

    async def internal(request: Request, error: Any) -> JSONResponse:
        return JSONResponse(Refused(500, "internal", "an error of the server; its log has more").body, 500, HEADERS)

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, internal)


def _first(error: Any) -> tuple[int, str]:
    """Status and detail for what pydantic found."""
    if error["type"] == "json_invalid":
        return 400, f"the body is not JSON: {error.get('ctx', {}).get('error', error['msg'])}"
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"][1:]]
    where = "".join(parts).removeprefix(".")[:EXCERPT].encode("ascii", "backslashreplace").decode()
    return 422, f"{where or 'the body'}: {error['msg']}"
