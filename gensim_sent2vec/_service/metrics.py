"""Counts and times of a service, for Prometheus, summed over its processes."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the processes keep what they have counted, if there are several
GONE = 499  # the status of a request whose client did not wait for the answer
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What one process has counted; `render` tells what all have."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        here: dict[str, Any] = {"namespace": "gensim_sent2vec", "registry": self.registry}
        self.requests = Counter("requests", "Requests by route and status.", ["route", "status"], **here)
        self.seconds = Histogram("request_seconds", "Time of a request.", ["route"], buckets=BUCKETS, **here)
        self.sentences = Counter("sentences", "Queries and sentences taken, by route.", ["route"], **here)
        self.unknown = Counter("unknown_sentences", "Those of them without a known word.", ["route"], **here)
        self.workers = Gauge("workers", "Processes that answer.", multiprocess_mode="livesum", **here)
        self.generation = Gauge(
            "generation", "How often model and index have been loaded, by the process that is farthest behind.",
            multiprocess_mode="livemin", **here,
        )  # fmt: skip

    def count(self, route: str, known: Collection[bool]) -> None:
        """Sentences of a request, and which of them had known words."""
        self.sentences.labels(route).inc(len(known))
        self.unknown.labels(route).inc(len(known) - sum(known))

    def render(self) -> bytes:
        """In Prometheus' text format."""
        if not os.environ.get(FOLDER):
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)


def forget_process(pid: int) -> None:
    """After a process has died: keep its counters, drop its gauges."""
    multiprocess.mark_process_dead(pid)
    for path in Path(os.environ[FOLDER]).glob(f"*_{pid}.db"):
        if not path.stat().st_size:  # the process died while creating it; it would make `render` fail
            path.unlink()


class Measured:
    """ASGI middleware that counts requests and takes their times; routes that are not `known` count as "other"."""

    def __init__(self, app: Any, metrics: Metrics, known: Collection[str]) -> None:
        self.app, self.metrics, self.known = app, metrics, known

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = GONE

        async def noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            status = 500
            raise
        finally:
            route = scope["path"] if scope["path"] in self.known else "other"
            self.metrics.seconds.labels(route).observe(time.perf_counter() - began)
            self.metrics.requests.labels(route, str(status)).inc()
