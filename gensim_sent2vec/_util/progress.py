"""Progress of long operations: a bar on a terminal, occasional log lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from typing import Any

from tqdm import TqdmWarning

with warnings.catch_warnings():
    warnings.simplefilter("ignore", TqdmWarning)  # in notebooks without ipywidgets, the plain bar does as well
    from tqdm.auto import tqdm

LOGGER = "gensim_sent2vec.progress"  # users set its level by this name, which does not depend on the module
logger = logging.getLogger(LOGGER)

LOG_FIRST = 5.0  # seconds of work before the first line, if there is no bar: enough for a first estimate
SETTLED = 2.0  # seconds after the first result, which may have been waiting for a language model to load
LOG_EVERY = 60.0  # seconds between log lines after it


class Progress:
    """A tqdm progress bar on a terminal; elsewhere a log line after five seconds and one per minute. A context manager.

    Parameters
    ----------
    name : str
        The operation, in one or two words.
    total : float or None
        The total number of units, or None if it is not known.
    unit : str
        What the operation counts, such as "sentences".
    show : bool or None
        True and False switch the bar on and off; None shows it on a terminal, after two seconds.
    """

    clock = staticmethod(time.monotonic)  # in seconds

    def __init__(self, name: str, total: float | None, unit: str, show: bool | None = None) -> None:
        self.name, self.total, self.unit = name, total, unit
        self.done = 0
        self._is_estimate = False
        self._bar: tqdm[Any] | None = None
        self._next_line = self.clock() + min(LOG_FIRST, LOG_EVERY)
        self._from: tuple[float, int] | None = None  # time and units of the first update: what is before is start-up
        if show or (show is None and sys.stderr.isatty()):
            self._bar = tqdm(
                desc=name, total=total, unit=f" {unit}", unit_scale=True, delay=0 if show else 2, dynamic_ncols=True
            )

    def update(self, done: int, estimate: float | None = None, /, **metrics: str) -> None:
        """Report that `done` units have been completed in all.

        Parameters
        ----------
        done : int
        estimate : float, optional
            A new estimate of the total, for operations that learn it on the way.
        **metrics : str
            What else to show: loss, learning rate.
        """
        step, self.done = done - self.done, done
        if estimate is not None and estimate != self.total:
            self.total, self._is_estimate = max(estimate, done), True
        if self._bar is not None:
            self._bar.total = self.total
            self._bar.set_postfix(metrics, refresh=False)
            self._bar.update(step)
            return
        now = self.clock()
        if self._from is None:
            self._from = now, done
            self._next_line = max(self._next_line, now + min(SETTLED, LOG_EVERY))
        elif now >= self._next_line:
            self._next_line = now + LOG_EVERY
            logger.info("%s: %s", self.name, self._line(now - self._from[0], done - self._from[1], metrics))

    def _line(self, seconds: float, done: int, metrics: dict[str, str]) -> str:
        rate = done / max(seconds, 1e-9)
        parts = [f"{self.done:,} {self.unit}", f"{_count(rate)} {self.unit} per second"]
        if self.total:
            of = f"{'about ' if self._is_estimate else ''}{_rounded(self.total, self._is_estimate):,}"
            parts[0] = f"{min(1, self.done / self.total):.1%} of {of} {self.unit}"
            if rate and self.done < self.total:
                parts.append(f"about {duration((self.total - self.done) / rate)} left")
        return ", ".join(parts + [f"{name} {value}" for name, value in metrics.items()])

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.close()


def duration(seconds: float) -> str:
    """Seconds as people say them: 40 s, 7 min, 2 h 5 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


def _count(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _rounded(total: float, is_estimate: bool) -> int:
    """The total; two digits of it if it is an estimate."""
    return int(float(f"{total:.1e}")) if is_estimate else int(total)
