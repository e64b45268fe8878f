"""Sent2Vec training in plain numpy, one target at a time: the results that the kernel must reproduce.

Slow and naive on purpose: for each target, the rows of the entire sentence are gathered again, in float64. The random
numbers are passed in (`Draws`), so that the kernel and the oracle can use the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PLACEHOLDER = -1  # also the last row of the stacked input matrix
WORD = 2**64 - 1
POLL = 512  # targets of a line after which the learning rate is updated


def mix(z: int) -> int:
    """The output function of splitmix64, which also serves as a hash."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & WORD
    return z ^ (z >> 31)


@dataclass(frozen=True)
class Config:
    """The training parameters, named as in `Sent2Vec`. `total` is in tokens, or in lines if `by_lines`."""

    n_words: int
    bucket: int
    word_ngrams: int = 1
    skip_bigrams: bool = False
    epfml_hash: bool = False
    dropout_k: int = 0
    negative: int = 1
    shared_negatives: int = 1
    alpha: float = 0.2
    min_alpha: float = 0.0
    total: float = 1.0
    by_lines: bool = False


class SplitMix:
    """The splitmix64 generator."""

    def __init__(self, state: int) -> None:
        self.state = state

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & WORD
        return mix(self.state)

    def below(self, n: int) -> int:
        """A random integer in [0, n)."""
        return (self.next() >> 32) * n >> 32


class Draws:
    """The random numbers of the kernel: one stream of splitmix64 for negative samples, one for everything else.

    Negative samples are drawn with the alias method; an entry of its table is a threshold and an alias of 32 bits each.
    """

    def __init__(self, seed: int, alias: np.ndarray, keep: np.ndarray | None, config: Config) -> None:
        self.alias, self.keep, self.config = [int(a) for a in alias], keep, config
        self.line, self.negative = SplitMix(mix(seed)), SplitMix(mix(~seed & WORD))
        self.held: list[int] = []
        self.left = 0
        self.fresh = True  # whether the last negative samples were new, or shared with an earlier target

    def word(self) -> int:
        """A negative sample."""
        x = self.negative.next()
        i = (x >> 32) * len(self.alias) >> 32
        return i if x & 0xFFFFFFFF < self.alias[i] >> 32 else self.alias[i] & 0xFFFFFFFF

    def other_word(self, target: int) -> int:
        """A negative sample that is not the target."""
        for _ in range(64):
            if (word := self.word()) != target:
                return word
        word = self.negative.below(len(self.alias) - 1)
        return word + (word >= target)

    def skips(self, target: int) -> bool:
        """Whether subsampling skips this target."""
        return self.keep is not None and self.line.next() & 0xFFFFFFFF > int(self.keep[target])

    def dropped(self, length: int) -> list[int]:
        """Up to `dropout_k` distinct positions where no n-grams are formed. At least two other positions remain."""
        positions: list[int] = []
        while len(positions) < self.config.dropout_k and length - len(positions) > 2:
            if (position := self.line.below(length)) not in positions:
                positions.append(position)
        return sorted(positions)

    def negatives(self, target: int) -> list[int]:
        """The negative samples of a target, which up to `shared_negatives` successive targets share."""
        self.fresh = self.left == 0
        if self.fresh:
            self.left = self.config.shared_negatives
            own = self.config.shared_negatives == 1
            self.held = [self.other_word(target) if own else self.word() for _ in range(self.config.negative)]
        self.left -= 1
        return self.held


@lru_cache(maxsize=1 << 16)
def gram_row(ids: tuple[int, ...], config: Config) -> int:
    """The row of an n-gram. The hash uses 1 for the placeholder and i + 2 for word i; the reference's, 0 and i + 1."""
    if config.epfml_hash:
        h = 0
        for i in ids:
            h = (h * 116049371 + i + 1) & WORD
        return config.n_words + h % config.bucket
    h = 0
    for i in ids:
        h = (h * 0xD1342543DE82EF95 + i + 2) & WORD
    return config.n_words + (mix(h) * config.bucket >> 64)


def input_rows(ids: Sequence[int], target: int | None, dropped: Sequence[int], config: Config) -> list[int]:
    """The input rows of one target, or of a sentence in pooling if `target` is None."""
    line = [PLACEHOLDER if i == target else word for i, word in enumerate(ids)]
    rows = list(line)
    if config.skip_bigrams:
        kept = [word for i, word in enumerate(line) if i not in dropped]
        for a in range(len(kept)):
            for b in range(a + 1, min(a + config.word_ngrams, len(kept))):
                rows.append(gram_row((kept[a], kept[b]), config))
        return rows
    for i in range(len(line)):
        if i in dropped:
            continue
        for j in range(i + 1, min(i + config.word_ngrams, len(line))):
            if j in dropped:
                break
            rows.append(gram_row(tuple(line[i : j + 1]), config))
    return rows


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(x, -700, 700))))


@dataclass
class Weights:
    """Input rows (words, then n-grams, then the placeholder) and output rows (words), float64.

    `lockf` holds the factor of the updates of each input row.
    """

    inputs: np.ndarray
    out: np.ndarray
    lockf: np.ndarray


def train(lines: Sequence[tuple[Sequence[int], int]], weights: Weights, draws: Draws, config: Config) -> float:
    """Train on lines, given as pairs of the ids of known words and the number of tokens. Returns the loss."""
    done, loss = 0, 0.0

    def rate() -> float:
        return config.min_alpha + (config.alpha - config.min_alpha) * max(0.0, 1 - done / config.total)

    for ids, n_tokens in lines:
        polled = trained = 0
        lr = rate()
        positions = [t for t in range(len(ids)) if not draws.skips(ids[t])] if len(ids) >= 2 else []
        targets = [target_of(ids, t, draws, config) for t in positions]
        while trained < len(targets):
            size = 1
            if trained + 1 < len(targets) and (trained + 1) % POLL != 0:
                size += may_pair(*targets[trained : trained + 2])
            loss += step(targets[trained : trained + size], weights, lr)
            trained += size
            if trained % POLL == 0 and not config.by_lines:
                done, polled = done + POLL, polled + POLL
                lr = rate()
        done += 1 if config.by_lines else n_tokens - polled
    return loss


@dataclass
class Target:
    """A target with its input rows and negative samples.

    The loss of the negative samples is multiplied by `share`: 0 if an earlier target was trained on the same ones. Its
    loss then counts for all.
    """

    rows: list[int]
    word: int
    negatives: list[int]
    share: int


def target_of(ids: Sequence[int], t: int, draws: Draws, config: Config) -> Target:
    dropped = draws.dropped(len(ids)) if config.word_ngrams > 1 else []
    negatives = draws.negatives(ids[t])
    share = config.shared_negatives if draws.fresh else 0
    return Target(input_rows(ids, t, dropped, config), ids[t], negatives, share)


def may_pair(first: Target, second: Target) -> bool:
    """Whether two successive targets are trained together: they share negative samples, and no output row repeats."""
    output = [first.word, second.word, *first.negatives]
    return not second.share and len(set(output)) == len(output)


def step(targets: Sequence[Target], weights: Weights, lr: float) -> float:
    """Train one target, or two, of which the second lacks the first one's updates of input rows. Returns the loss."""
    means = [weights.inputs[target.rows].mean(axis=0) for target in targets]
    updates, loss = [], 0.0
    for target, x in zip(targets, means):
        g = np.zeros_like(x)
        for word, label in [(target.word, 1), *((word, 0) for word in target.negatives if word != target.word)]:
            score = x @ weights.out[word]
            a = lr * (label - sigmoid(score))
            loss -= np.log(max(sigmoid(score if label else -score), 1e-18)) * (1 if label else target.share)
            g += a * weights.out[word]
            weights.out[word] += a * x
        updates.append(g)
    for target, g in zip(targets, updates):
        # A row that occurs twice is updated twice.
        rows = target.rows
        np.add.at(weights.inputs, rows, weights.lockf[rows, None] * g / len(rows))
    return loss
