"""The learning rate of one call of `Sent2Vec.train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .. import _kernel
from .._util.parameters import check_float, check_int

MAX_TOTAL = 2**63 - 1


@dataclass(frozen=True)
class LinearDecay:
    """A learning rate that falls linearly from `start` to `end` over `epochs` passes over the corpus.

    Attributes
    ----------
    epoch_size : int
        Tokens or sentences per epoch, as `unit` states.
    done : int
        Tokens or sentences that count as trained already.
    """

    start: float
    end: float
    epochs: int
    epoch_size: int
    unit: Literal["tokens", "sentences"]
    done: int = 0

    @classmethod
    def checked(
        cls, epochs: Any, start: Any, end: Any, total_words: Any, total_examples: Any, done: Any
    ) -> LinearDecay:
        """The learning rate over a corpus of known size, from the arguments of `Sent2Vec.train`.

        Tokens measure the work better than sentences, which are used if only `total_examples` is known.

        Raises
        ------
        TypeError, ValueError
            If an argument is out of range, the size is not known, or the rate would rise.
        """
        epochs = check_int("epochs", epochs, 1)
        start, end = check_float("start_alpha", start, above=0), check_float("end_alpha", end, least=0)
        if end > start:
            raise ValueError(f"end_alpha: must be at most start_alpha={start}, got {end}; the learning rate falls")
        total_words, total_examples = (
            total and check_int(name, total, -MAX_TOTAL)
            for name, total in (("total_words", total_words), ("total_examples", total_examples))
        )
        size = total_words or total_examples
        if not size or size < 0:
            raise ValueError(
                "total_words, total_examples: the learning rate depends on the size of the corpus; pass one of the two"
            )
        unit: Literal["tokens", "sentences"] = "tokens" if total_words else "sentences"
        done = check_int("word_count", done, 0)
        if done >= size * epochs:
            raise ValueError(
                f"word_count: must be below the {size * epochs:,} {unit} of all epochs, got {done:,}; nothing would be "
                "left to train"
            )
        return cls(start, end, epochs, size, unit, done)

    @property
    def total(self) -> int:
        """Tokens or sentences of all epochs."""
        return self.epoch_size * self.epochs

    def schedule(self) -> _kernel.Schedule:
        """The state that the threads share: progress, current rate, and the flag that stops them."""
        return _kernel.Schedule(self.start, self.end, float(self.total), self.unit == "sentences", self.done)
