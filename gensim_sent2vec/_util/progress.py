"""Progress of long work: a bar on a terminal, a rare log line elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from tqdm.auto import tqdm

LOGGER = "gensim_sent2vec.progress"  # a name that users set the level of, wherever this file lies
logger = logging.getLogger(LOGGER)

LOG_EVERY = 60.0  # seconds between log lines where there is no bar


class Progress:
    """A tqdm bar that appears when work takes longer than a moment, or a log line a minute where there is no terminal.

    Parameters
    ----------
    what : str
        The work, in a word or two.
    total : float or None
        How many units it has, None where that is not known.
    unit : str
        Name of a unit.
    show : bool or None
        True and False force the bar on and off; None shows it on a terminal, after two seconds.
    """

    def __init__(self, what: str, total: float | None, unit: str, show: bool | None = None) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self._bar: tqdm[Any] | None = None
        self._started = self._logged = time.monotonic()
        if show or (show is None and sys.stderr.isatty()):
            self._bar = tqdm(
                desc=what, total=total, unit=f" {unit}", unit_scale=True, delay=0 if show else 2, dynamic_ncols=True
            )

    def update(self, done: int, **facts: str) -> None:
        """Report that `done` units are done in all, with further facts (loss, rate) to show beside them."""
        step, self.done = done - self.done, done
        if self._bar is not None:
            self._bar.set_postfix(facts, refresh=False)
            self._bar.update(step)
            return
        now = time.monotonic()
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            logger.info("%s: %s", self.what, self._line(now, facts))

    def _line(self, now: float, facts: dict[str, str]) -> str:
        rate = self.done / (now - self._started)
        parts = [f"{self.done:,} {self.unit}", f"{rate:,.0f} a second"]
        if self.total:
            left = (self.total - self.done) / rate if rate else float("inf")
            parts[0] = f"{self.done / self.total:.1%}"
            parts.append(f"{left:,.0f} s left")
        return ", ".join(parts + [f"{name} {value}" for name, value in facts.items()])

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.close()
