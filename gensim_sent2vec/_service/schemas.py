"""The JSON bodies of requests and responses."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

from .._search.scoring import MAX_CSLS
from .limits import Limits


def _either(one: str, several: str) -> dict[str, Any]:
    """The part of a JSON schema that demands exactly one of two fields; null is as good as absent."""
    kinds = ((one, "string"), (several, "array"))
    return {"oneOf": [{"required": [name], "properties": {name: {"type": kind}}} for name, kind in kinds]}


def _as_integer(value: Any) -> Any:
    """In JSON schemas, 3.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# A query of which str.strip leaves something. JSON schemas use ECMAScript's whitespace, which differs in these ones.
NOT_BLANK = r"[^\s\x1c-\x1f\x85]|\ufeff"


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SearchRequest(_Request):
    model_config = ConfigDict(json_schema_extra=_either("query", "queries"))

    query: str | None = Field(
        None, description="One question. Pass either this or `queries`.", examples=["how do i get my money back"]
    )
    queries: list[str] | None = Field(None, description="Several questions.")
    topn: Annotated[int | None, BeforeValidator(_as_integer)] = Field(
        None, description="The maximum number of results per query; 10 by default."
    )
    hybrid: FiniteFloat | None = Field(
        None,
        description="The share of the lexical score, from 0 (meaning only) to 1 (spelling only); by default 0.5 if the "
        "index has lexical scores, else 0.",
    )
    csls: FiniteFloat | None = Field(
        None,
        description="Strength of the correction for hubs, sentences that are near to everything, from 0 to 100; "
        "by default 0.5 if the index was built for it, else 0.",
    )
    explain: bool = Field(False, description="Return what each word of the query contributes to each score.")


class FeedbackRequest(_Request):
    query: str = Field(description="The query.", examples=["how do i get my money back"])
    key: Annotated[str | int, BeforeValidator(_as_integer)] = Field(
        description="The key of the result that was chosen."
    )


class EncodeRequest(_Request):
    model_config = ConfigDict(json_schema_extra=_either("sentence", "sentences"))

    sentence: str | None = Field(
        None, description="One sentence. Pass either this or `sentences`.", examples=["a sentence"]
    )
    sentences: list[str] | None = Field(None, description="Several sentences.")
    normalize: bool = Field(False, description="Scale the vectors to unit length.")


class Word(BaseModel):
    word: str
    contribution: float = Field(description="How much lower the score is without this word of the query.")


class Result(BaseModel):
    key: str | int = Field(description="The key of the sentence, such as its answer; the sentence itself without keys.")
    sentence: str
    score: float = Field(
        description="(1 - hybrid) · cosine + hybrid · lexical, less csls times the mean score of the sentence with its "
        "nearest neighbors"
    )
    cosine: float = Field(description="Cosine similarity of the sentence vectors.")
    lexical: float | None = Field(description="Similarity of the spelling; null if hybrid is 0.")
    words: list[Word] | None = Field(
        description="The contributions of the query's words; null without explain, or if the query has more than 40 "
        "different words."
    )


class Answer(BaseModel):
    known: bool = Field(description="Whether any word of the query has a vector.")
    results: list[Result]


class Answers(BaseModel):
    answers: list[Answer]


class Stored(BaseModel):
    stored: bool


class Vector(BaseModel):
    known: bool = Field(description="Whether any word of the sentence has a vector; if not, the vector is all zeros.")
    vector: list[float]


class Vectors(BaseModel):
    known: list[bool]
    vectors: list[list[float]]


class Health(BaseModel):
    status: str
    version: str
    generation: int = Field(description="How many times the model and the index have been loaded.")
    words: int
    sentences: int
    vector_size: int
    hybrid: float
    csls: float


class Problem(BaseModel):
    error: str = Field(
        description="One of invalid, empty, too_long, too_many, too_large, too_slow, not_stored, busy, not_found and "
        "internal."
    )
    detail: str


def add_limits(api: dict[str, Any], limits: Limits) -> None:
    """Add the limits of requests, which are options of the service, to the OpenAPI description."""
    schemas = api["components"]["schemas"]
    text = {"maxLength": limits.length}
    filled = {**text, "pattern": NOT_BLANK}
    for schema, one, several, allowed in (
        ("SearchRequest", "query", "queries", filled),
        ("EncodeRequest", "sentence", "sentences", text),
    ):
        properties = schemas[schema]["properties"]
        properties[one]["anyOf"][0].update(allowed)
        properties[several]["anyOf"][0]["maxItems"] = limits.sentences
        properties[several]["anyOf"][0]["items"].update(allowed)
    properties = schemas["SearchRequest"]["properties"]
    properties["topn"]["anyOf"][0].update(minimum=1, maximum=limits.topn)
    properties["hybrid"]["anyOf"][0].update(minimum=0, maximum=1)
    properties["csls"]["anyOf"][0].update(minimum=0, maximum=MAX_CSLS)
    schemas["FeedbackRequest"]["properties"]["query"].update(filled)
