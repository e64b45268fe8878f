"""Progress of long operations: a bar on a terminal, occasional log lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from tqdm.auto import tqdm

LOGGER = "gensim_sent2vec.progress"  # users set its level by this name, which does not depend on the module
logger = logging.getLogger(LOGGER)

LOG_EVERY = 60.0  # seconds between log lines if there is no bar


class Progress:
    """A tqdm progress bar on a terminal, or a log line per minute elsewhere. A context manager.

    Parameters
    ----------
    name : str
        The operation, in one or two words.
    total : float or None
        The total number of units, or None if it is not known.
    unit : str
        What the operation counts, such as "sentences", or "B" for bytes.
    show : bool or None
        True and False switch the bar on and off; None shows it on a terminal, after two seconds.
    """

    def __init__(self, name: str, total: float | None, unit: str, show: bool | None = None) -> None:
        self.name, self.total, self.unit = name, total, unit
        self.done = 0
        self._bar: tqdm[Any] | None = None
        self._started = self._logged = time.monotonic()
        if show or (show is None and sys.stderr.isatty()):
            self._bar = tqdm(
                desc=name, total=total, unit=f" {unit}", unit_scale=True, delay=0 if show else 2, dynamic_ncols=True
            )

    def update(self, done: int, **metrics: str) -> None:
        """Report that `done` units have been completed in total, and metrics to show (loss, learning rate)."""
        step, self.done = done - self.done, done
        if self._bar is not None:
            self._bar.set_postfix(metrics, refresh=False)
            self._bar.update(step)
            return
        now = time.monotonic()
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            logger.info("%s: %s", self.name, self._line(now, metrics))

    def _line(self, now: float, metrics: dict[str, str]) -> str:
        rate = self.done / (now - self._started)
        parts = [f"{self.done:,} {self.unit}", f"{rate:,.0f} per second"]
        if self.total:
            left = (self.total - self.done) / rate if rate else float("inf")
            parts[0] = f"{self.done / self.total:.1%}"
            parts.append(f"{left:,.0f} s left")
        return ", ".join(parts + [f"{name} {value}" for name, value in metrics.items()])

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.close()
