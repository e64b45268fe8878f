"""A fitted weighting in plain NumPy and dictionaries, one word and one n-gram at a time: the oracle of the tests."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter

import numpy as np

MASK = 2**64 - 1


def mix(z: int) -> int:
    """The finalizer of splitmix64."""
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def gram_hash(gram: str) -> int:
    h = 0
    for character in gram:
        h = (h * 0xD1342543DE82EF95 + ord(character) + 1) & MASK
    return mix(h)


def sign_row(gram: str, dims: int, seed: int) -> np.ndarray:
    h, row = gram_hash(gram), []
    for i in range(dims):
        bits = mix(h ^ ((seed * 0x100000001 + i // 64 + 1) * 0x9E3779B97F4A7C15 & MASK))
        row.append(1.0 if bits >> (i % 64) & 1 else -1.0)
    return np.array(row)


def grams(word: str, min_n: int, max_n: int) -> Counter[str]:
    text = f"<{unicodedata.normalize('NFD', word)}>"
    return Counter(text[i : i + n] for n in range(min_n, max_n + 1) for i in range(len(text) - n + 1))


def unit(x: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(x)
    return x / length if length > 0 else x


def whitening(moment: np.ndarray, n: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    e, axes = np.linalg.eigh(moment)
    e = (n * np.maximum(e, 0) + 1) / (n + len(e)) * len(e)
    return axes[:, ::-1], e[::-1] ** power


class Oracle:
    """`SentenceWeighting(**options)` fitted on all of `sentences`."""

    def __init__(self, words, counts, vectors, output, sentences, **options) -> None:
        from gensim_sent2vec import SentenceWeighting

        self.o = o = SentenceWeighting(**options)
        self.counts = dict(zip(words, map(float, counts)))
        self.total = sum(self.counts.values())
        self.vectors = {}
        for i, word in enumerate(words):
            row = vectors[i].astype(np.float64)
            if o.unit_words:
                row = unit(row)
                if output is not None:
                    row = unit(row + unit(output[i].astype(np.float64)))
            self.vectors[word] = row
        self._fit_ngrams()
        self._fit_maps(vectors.shape[1], sentences)

    def weight(self, word: str) -> float:
        o = self.o
        p = self.counts.get(word, 2) / self.total
        if word in o.stop_words:
            return 0.0
        if o.sif is None or p == 0:
            return 1.0
        return o.sif / (o.sif + p) if o.decay == "sif" else min(1.0, math.sqrt(o.sif / p) + o.sif / p)

    def phi(self, word: str) -> dict[str, float]:
        found = grams(word, self.o.min_n, self.o.max_n)
        row = {g: n * 3e-3 / (3e-3 + (1 + self.occurrences[g]) / self.total) for g, n in found.items()}
        length = math.sqrt(sum(c * c for c in row.values()))
        return {g: c / length for g, c in row.items()}

    def _fit_ngrams(self) -> None:
        self.occurrences: Counter[str] = Counter()
        for word, count in self.counts.items():
            for gram, n in grams(word, self.o.min_n, self.o.max_n).items():
                self.occurrences[gram] += n * count
        sums, mass, common = {}, {}, 0
        for word, count in self.counts.items():
            common = common + math.sqrt(count) * self.vectors[word]
            for gram, share in self.phi(word).items():
                sums[gram] = sums.get(gram, 0) + share * math.sqrt(count) * self.vectors[word]
                mass[gram] = mass.get(gram, 3.0) + share * math.sqrt(count)
        common = unit(common)
        self.averages = {g: s / mass[g] - (s / mass[g] @ common) * common for g, s in sums.items()}

    def signature(self, word: str) -> np.ndarray:
        out = np.zeros(self.signature_dims)
        for gram, share in self.phi(word).items():
            out += share * sign_row(gram, self.signature_dims, self.o.seed)
        return unit(out)

    def parts(self, word: str) -> tuple[np.ndarray, np.ndarray] | None:
        """B and the signature of a word; None if the word is left out."""
        if word in self.vectors:
            return self.vectors[word], self.signature(word)
        if not self.o.unseen_words:
            return None
        vectors = [share * self.averages[g] for g, share in self.phi(word).items() if g in self.averages]
        if not vectors and not self.signature_dims:
            return None  # the row would be all zeros
        dim = len(next(iter(self.vectors.values())))
        return 0.5 * self.length * unit(np.sum(vectors, axis=0)) if vectors else np.zeros(dim), self.signature(word)

    def mean(self, tokens, known_only=False) -> tuple[np.ndarray, np.ndarray] | None:
        total, x, y = 0.0, 0, 0
        for i, word in enumerate(tokens):
            parts = None if known_only and word not in self.vectors else self.parts(word)
            if parts is None:
                continue
            first = len(tokens) > self.o.half_length and i < len(tokens) // 2
            weight = self.weight(word) * (self.o.first_half if first else 1)
            total, x, y = total + weight, x + weight * parts[0], y + weight * parts[1]
        return (x / total, y / total) if total else None

    def _fit_maps(self, dim: int, sentences) -> None:
        o = self.o
        total_dims = dim + o.lexical_dims
        semantic_dims = dim
        if o.lexical_weight:
            semantic_dims = min(max(1, total_dims // 5), dim - o.remove_components) if o.lexical_weight < 1 else 0
        self.signature_dims = total_dims - semantic_dims
        self.length = 1.0
        means = [m for m in (self.mean(s, known_only=True) for s in sentences) if m is not None]
        used = {t for s in sentences for t in s if t in self.vectors and self.weight(t)}
        self.length = math.sqrt(np.mean([self.vectors[w] @ self.vectors[w] for w in used]))
        n = len(means)
        power = o.whiten if o.whiten is not None else (0 if o.lexical_weight else -0.25)
        axes, scales = whitening(sum(np.outer(unit(x), unit(x)) for x, _ in means) / n, n, power)
        if o.lexical_weight:
            kept = slice(o.remove_components, o.remove_components + semantic_dims)
            self.q = axes[:, kept] * scales[kept]
            if self.signature_dims:
                moment = sum(np.outer(unit(y), unit(y)) for _, y in means) / n
                axes, scales = whitening(moment, n, -0.5)
            else:
                axes, scales = np.zeros((0, 0)), np.zeros(0)
            self.t = axes * scales
            lengths = [[np.linalg.norm(m[i] @ map_) for m in means] for i, map_ in enumerate((self.q, self.t))]
            self.scale = [np.median([n for n in part if n > 0] or [0]) for part in lengths]
        else:
            scales[: o.remove_components] = 0
            self.q, self.t = axes * scales @ axes.T, np.zeros((0, 0))

    def encode(self, tokens) -> np.ndarray:
        mean = self.mean(tokens)
        if mean is None:
            return np.zeros(self.q.shape[1] + self.t.shape[1])
        x, y = mean[0] @ self.q, (mean[1] @ self.t if self.signature_dims else np.zeros(0))
        if not self.o.lexical_weight:
            return x
        shares = [1 - self.o.lexical_weight, self.o.lexical_weight]
        if self.o.linear:
            x, y = (z * math.sqrt(share) / s if s else z for z, share, s in zip((x, y), shares, self.scale))
            return np.concatenate([x, y])
        return np.concatenate([math.sqrt(share) * unit(z) for z, share in zip((x, y), shares)])
