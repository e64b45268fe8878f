"""Prometheus metrics of a service, summed over its processes."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
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
from prometheus_client.mmap_dict import MmapedDict

logger = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # names the folder in which processes share their counters
CLIENT_CLOSED_REQUEST = 499  # the status of a request whose client disconnected before the response
MAX_ATTEMPTS = 5  # to read all files
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds


class Metrics:
    """The counters of one process; `render` sums those of all processes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        here: dict[str, Any] = {"namespace": "gensim_sent2vec", "registry": self.registry}
        self.requests = Counter("requests", "Requests by route and status.", ["route", "status"], **here)
        self.seconds = Histogram("request_seconds", "Duration of a request.", ["route"], buckets=BUCKETS, **here)
        self.sentences = Counter("sentences", "Queries and sentences received, by route.", ["route"], **here)
        self.unknown = Counter(
            "unknown_sentences", "Queries and sentences without a known word, by route.", ["route"], **here
        )
        self.workers = Gauge("workers", "Worker processes.", multiprocess_mode="livesum", **here)
        self.generation = Gauge(
            "generation", "How many times model and index have been loaded, by the worker that is farthest behind.",
            multiprocess_mode="livemin", **here,
        )  # fmt: skip

    def count(self, route: str, known: Collection[bool]) -> None:
        """Count the sentences of a request; `known` states which of them have a known word."""
        self.sentences.labels(route).inc(len(known))
        self.unknown.labels(route).inc(len(known) - sum(known))

    def render(self) -> bytes:
        """Return the metrics in the Prometheus text format."""
        if not os.environ.get(FOLDER):
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        for _ in range(MAX_ATTEMPTS - 1):
            with suppress(FileNotFoundError):  # the supervisor has just merged the file of a process that died
                return generate_latest(registry)
        return generate_latest(registry)


def forget_process(pid: int) -> None:
    """Drop the gauges of a process that has died, and add its counters to those of all that have ended."""
    multiprocess.mark_process_dead(pid)
    for path in Path(os.environ[FOLDER]).glob(f"*_{pid}.db"):
        if not path.stat().st_size:  # the process died while creating it; it would make `render` fail
            path.unlink()
        else:
            try:
                _keep_counts(path)
            except Exception:  # a damaged file or a full disk: the service is worth more than a few counts
                logger.warning("the counts of an ended worker in %s are lost", path, exc_info=True)


def _keep_counts(path: Path) -> None:
    """Add the values in the file of a process to the file ``KIND_ended.db``, and remove it."""
    total = path.with_name(f"{path.name.partition('_')[0]}_ended.db")
    new = path.with_name("ended.tmp")  # `render` reads *.db only
    if total.exists():
        shutil.copyfile(total, new)
    merged = MmapedDict(str(new))
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(path)):
        merged.write_value(key, merged.read_value(key)[0] + value, timestamp)
    merged.close()
    path.unlink()
    os.replace(new, total)


class MetricsMiddleware:
    """ASGI middleware that counts and times requests. Routes that are not in `known` are counted as "other"."""

    def __init__(self, app: Any, metrics: Metrics, known: Collection[str]) -> None:
        self.app, self.metrics, self.known = app, metrics, known

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = CLIENT_CLOSED_REQUEST

        async def send_and_note_status(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note_status)
        except Exception:
            status = 500
            raise
        finally:
            route = scope["path"] if scope["path"] in self.known else "other"
            self.metrics.seconds.labels(route).observe(time.perf_counter() - start)
            self.metrics.requests.labels(route, str(status)).inc()
