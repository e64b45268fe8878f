"""The kernel against the oracle, on every instruction set of the machine."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gensim_sent2vec import _kernel
from gensim_sent2vec._text.vocabulary import Vocabulary

LEVELS = _kernel.available_levels()


class Case:
    """A model with random weights, and kernel and oracle trained on the same lines of it."""

    def __init__(
        self, lines, n_words, dim, seed=1, keep=None, lockf=None, trained=True, hot=0, meet_every=1000, **options
    ):
        self.lines = lines
        tokens = sum(len(line) for line in lines)
        self.config = config = oracle.Config(
            n_words, **{"bucket": 1, "total": len(lines) if options.get("by_lines") else max(1, tokens), **options}
        )
        rng = np.random.default_rng(seed)
        self.seed, self.dim = seed, dim
        self.words = rng.uniform(-1, 1, (n_words, dim)).astype(np.float32)
        self.grams = rng.uniform(-1, 1, (config.bucket, dim)).astype(np.float32)
        self.placeholder = rng.uniform(-1, 1, dim).astype(np.float32)
        self.out = rng.uniform(-1, 1, (n_words, dim)).astype(np.float32) * trained
        self.alias = np.empty(n_words, dtype=np.uint64)
        _kernel.fill_alias(rng.uniform(0.1, 1, n_words), self.alias)
        self.keep, self.lockf, self.hot, self.meet_every = keep, lockf, hot, meet_every

    def oracle(self):
        inputs = np.vstack([self.words, self.grams, self.placeholder[None]]).astype(np.float64)
        lockf = np.ones(len(inputs))
        if self.lockf is not None:
            lockf[: len(self.lockf)] = self.lockf
        weights = oracle.Weights(inputs, self.out.astype(np.float64), lockf)
        draws = oracle.Draws(self.seed, self.alias, self.keep, self.config)
        known = [([i for i in line if i < self.config.n_words], len(line)) for line in self.lines]
        loss = oracle.train(known, weights, draws, self.config)
        return weights, loss

    def trainer(self, compute_loss=True):
        c = self.config
        schedule = _kernel.Schedule(c.alpha, c.min_alpha, c.total, c.by_lines)
        trainer = _kernel.Trainer(
            self.words, self.placeholder, self.grams, self.out, self.alias, self.keep, schedule,
            word_ngrams=c.word_ngrams, skip_bigrams=c.skip_bigrams, epfml_hash=c.epfml_hash, dropout_k=c.dropout_k,
            negative=c.negative, shared_negatives=c.shared_negatives, seed=self.seed, compute_loss=compute_loss,
            hot_rows=self.hot, sync_every=self.meet_every,
        )  # fmt: skip
        trainer.set_lock_factors(self.lockf)
        return trainer

    def vocabulary(self):
        return Vocabulary.from_words(f"w{i}" for i in range(self.config.n_words))

    def kernel(self):
        trainer = self.trainer()
        trainer.train_pack(self.vocabulary().table, _kernel.Pack([[f"w{i}" for i in line] for line in self.lines]))
        return np.vstack([self.words, self.grams, self.placeholder[None]]), self.out, trainer

    def check(self):
        """Equal to 1e-4, relative to the size of the numbers."""
        weights, loss = self.oracle()
        inputs, out, trainer = self.kernel()
        for ours, exact in ((inputs, weights.inputs), (out, weights.out)):
            np.testing.assert_allclose(ours, exact, rtol=1e-4, atol=1e-4 * max(1.0, np.abs(exact).max()))
        assert trainer.loss == pytest.approx(loss, rel=1e-4, abs=1e-6)
        assert trainer.tokens == sum(len(line) for line in self.lines)
        assert trainer.lines == len(self.lines)
        return trainer


@st.composite
def cases(draw):
    n_words = draw(st.integers(2, 30))
    unknown = draw(st.booleans())
    line = st.lists(st.integers(0, n_words - 1 + 3 * unknown), min_size=0, max_size=draw(st.sampled_from([3, 8, 40])))
    n = draw(st.integers(1, 5))
    options = {
        "word_ngrams": n,
        "skip_bigrams": n > 1 and draw(st.booleans()),
        "epfml_hash": draw(st.booleans()),
        "bucket": draw(st.sampled_from([1, 2, 7, 50, 5000])),  # the small ones force collisions
        "dropout_k": draw(st.integers(0, 4)),
        "negative": draw(st.integers(1, 6)),
        "shared_negatives": draw(st.sampled_from([1, 2, 5, 16])),
        "alpha": draw(st.sampled_from([0.05, 0.2, 0.5])),
        "min_alpha": draw(st.sampled_from([0.0, 0.01])),
        "by_lines": draw(st.booleans()),
        "hot": draw(st.sampled_from([0, 3, 64])),  # copies of rows make no difference to a thread alone
        "meet_every": draw(st.sampled_from([1, 20, 1000])),
    }
    keep = None
    if draw(st.booleans()):
        keep = np.array(draw(st.lists(st.integers(0, 2**32 - 1), min_size=n_words, max_size=n_words)), dtype=np.uint32)
    lockf = None
    if draw(st.booleans()):
        factor = st.sampled_from([0.0, 1.0]) | st.floats(0, 1, width=32)
        lockf = np.array(draw(st.lists(factor, min_size=n_words, max_size=n_words)), dtype=np.float32)
    dim = draw(st.sampled_from([1, 2, 3, 4, 7, 16, 33, 50, 100, 300]))
    return Case(
        draw(st.lists(line, min_size=1, max_size=5)), n_words, dim, draw(st.integers(0, 2**63)), keep, lockf, **options
    )


@pytest.fixture(params=LEVELS)
def level(request, monkeypatch):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", request.param)
    return request.param


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases())
def test_kernel_follows_the_oracle(level, case):
    case.check()


MODES = [
    {"word_ngrams": 1},
    {"word_ngrams": 1, "shared_negatives": 16},
    {"word_ngrams": 2, "dropout_k": 4, "bucket": 1000},
    {"word_ngrams": 3, "dropout_k": 2, "bucket": 20},
    {"word_ngrams": 3, "dropout_k": 3, "bucket": 1000, "skip_bigrams": True},
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("length", [2, 100, 300])
def test_long_lines(level, mode, length):
    long_line(mode, length)


# The oracle takes time that grows with the square of the length, and with n-grams a multiple of it.
@pytest.mark.parametrize("mode", [*MODES[:1], *(pytest.param(mode, marks=pytest.mark.slow) for mode in MODES[1:])])
def test_a_line_of_two_thousand_words(mode):
    long_line(mode, 2000)  # once: the oracle takes long


def long_line(mode, length):
    rng = np.random.default_rng(length)
    lines = [rng.integers(0, 300, length).tolist()]
    case = Case(lines, 300, 20, negative=3, **mode)
    case.words *= 0.1  # as trained vectors are: long lines of random ±1 vectors are not a corpus
    case.out *= 0.1
    assert case.check().trained_words == length


LOCKF = np.linspace(0, 1, 300, dtype=np.float32)[np.random.default_rng(3).permutation(300)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dim", [20, 100])
def test_lock_factors_on_long_lines(level, mode, dim):
    rng = np.random.default_rng(5)
    case = Case([rng.integers(0, 300, 120).tolist()], 300, dim, negative=3, lockf=LOCKF, hot=64, **mode)
    case.words *= 0.1
    case.out *= 0.1
    case.check()


def test_locked_rows_are_left_alone(level):
    """In the hot rows and outside, with words that occur twice in a line."""
    rng = np.random.default_rng(7)
    lines = [rng.integers(0, 40, 25).tolist() for _ in range(60)]
    is_locked = np.arange(40) % 3 == 0
    case = Case(lines, 40, 100, lockf=np.where(is_locked, 0, 1).astype(np.float32), hot=10, meet_every=20, negative=3)
    before, before_out = case.words.copy(), case.out.copy()
    case.kernel()
    assert np.array_equal(case.words[is_locked], before[is_locked])
    assert (case.words[~is_locked] != before[~is_locked]).any(axis=1).all()
    assert (case.out != before_out).any(axis=1).all()


def test_factors_of_one_change_no_bit(level):
    options = {"word_ngrams": 2, "bucket": 500, "dropout_k": 2, "negative": 3, "shared_negatives": 16}
    rng = np.random.default_rng(0)
    lines = [rng.integers(0, 40, 20).tolist() for _ in range(50)]
    cases = [Case(lines, 40, 100, lockf=lockf, **options) for lockf in (None, np.ones(40, np.float32))]
    for name in ("words", "grams", "placeholder", "out"):
        results = [(case.kernel(), getattr(case, name))[1] for case in cases]
        np.testing.assert_array_equal(*results)


def test_lock_factors_of_another_number_of_words():
    with pytest.raises(ValueError, match="lockf: expected one entry per word, 12, got 11"):
        Case([[0, 1]], 12, 3, lockf=np.ones(11, np.float32)).trainer()


def test_one_word_repeated(level):
    Case([[3] * 700, [3, 4] * 50], 5, 8, word_ngrams=2, bucket=10, dropout_k=1, negative=2).check()


def test_dropout_of_nearly_all_positions(level):
    Case([list(range(20))] * 3, 20, 8, word_ngrams=3, bucket=100, dropout_k=19, negative=2).check()


def test_one_word_with_nearly_all_the_weight(level):
    """Draws that would never meet another word than the target end, and the oracle agrees on how."""
    case = Case([[0, 1, 0, 2, 0]] * 3, 3, 5, negative=4)
    _kernel.fill_alias(np.array([1.0, 1e-30, 1e-30]), case.alias)
    case.check()


def test_training_from_a_file_is_training_from_lists(level, tmp_path):
    rng = np.random.default_rng(0)
    lines = [rng.integers(0, 40, rng.integers(0, 30)).tolist() for _ in range(200)]
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(f"w{i}" for i in line) + "\n" for line in lines))
    options = {"word_ngrams": 2, "bucket": 500, "dropout_k": 2, "negative": 3}
    lists, file = Case(lines, 30, 12, **options), Case(lines, 30, 12, **options)
    lists.kernel()
    trainer, size = file.trainer(), path.stat().st_size
    with open(path, "rb") as corpus:
        for begin in range(0, size, 1000):
            trainer.train_slice(file.vocabulary().table, corpus.fileno(), begin, min(begin + 1000, size))
    assert trainer.lines == 200
    np.testing.assert_array_equal(lists.words, file.words)
    np.testing.assert_array_equal(lists.grams, file.grams)
    np.testing.assert_array_equal(lists.out, file.out)


def test_loss_is_not_needed(level):
    with_loss, without = (Case([list(range(10))] * 4, 12, 100, negative=3) for _ in range(2))
    with_loss.kernel()
    trainer = without.trainer(compute_loss=False)
    trainer.train_pack(without.vocabulary().table, _kernel.Pack([[f"w{i}" for i in range(10)]] * 4))
    assert trainer.loss == 0
    np.testing.assert_array_equal(with_loss.words, without.words)


# The worked example of the notes: line 14 17 26 1538 2 6, target 1538, with the reference's hash, whose words
# count from 1: our ids are one less.
NOTES_LINE = [14, 17, 26, 1538, 2, 6]
NOTES_GRAMS = {
    (14, 17): 692956,
    (14, 17, 26): 1780052,
    (17, 26): 841078,
    (17, 26, 0): 711288,
    (26, 0): 1285391,
    (26, 0, 2): 888413,
    (0, 2): 1747,
    (0, 2, 6): 100493,
    (2, 6): 100493,  # the collision: an n-gram that starts with the placeholder, and the rest of it
}


def notes_case(epfml_hash):
    # In the reference's rows the placeholder is word 0 of 1745, so that 1744 words are left.
    return Case([[0, 1]], 1744, 1, word_ngrams=3, bucket=2_000_000, epfml_hash=epfml_hash)


def reference_row(row):
    return 0 if row == -1 else row + 1


def test_worked_example_row_by_row():
    rows = notes_case(True).trainer().input_rows([i - 1 for i in NOTES_LINE], 3)
    assert len(rows) == 15
    assert sorted(map(reference_row, rows)) == sorted([14, 17, 26, 0, 2, 6, *NOTES_GRAMS.values()])


def test_worked_example_without_the_collision():
    rows = notes_case(False).trainer().input_rows([i - 1 for i in NOTES_LINE], 3)
    assert len(rows) == len(set(rows)) == 15


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_inputs_of_a_target(n, skip, data):
    ids = data.draw(st.lists(st.integers(0, 9), min_size=2, max_size=25))
    target = data.draw(st.integers(0, len(ids) - 1))
    dropped = sorted(data.draw(st.sets(st.integers(0, len(ids) - 1), max_size=len(ids) - 2)))
    case = Case([[0, 1]], 10, 1, word_ngrams=n, skip_bigrams=skip, bucket=data.draw(st.sampled_from([3, 100_000])))
    assert case.trainer().input_rows(ids, target, dropped) == sorted(
        oracle.input_rows(ids, target, dropped, case.config)
    )


@settings(max_examples=100, deadline=None)
@given(weights=st.lists(st.floats(0, 1e9), min_size=1, max_size=50).filter(lambda w: sum(w) > 0))
def test_alias_table_gives_the_weights(weights):
    alias = np.empty(len(weights), dtype=np.uint64)
    _kernel.fill_alias(np.array(weights), alias)
    share = np.zeros(len(weights))
    for i, entry in enumerate(map(int, alias)):
        threshold = (entry >> 32) / 2**32
        share[i] += threshold
        share[entry & 0xFFFFFFFF] += 1 - threshold
    np.testing.assert_allclose(share / len(weights), np.array(weights) / sum(weights), atol=1e-8)


@pytest.mark.parametrize("n", [0, 2, 4])
def test_an_alias_table_of_another_length(n):
    with pytest.raises(ValueError, match=f"alias: expected one entry per weight, 3, got {n}"):
        _kernel.fill_alias(np.ones(3), np.empty(n, dtype=np.uint64))


def test_start_does_not_depend_on_how_rows_are_split():
    whole, parts = np.empty((50, 7), np.float32), np.empty((50, 7), np.float32)
    _kernel.fill_uniform(whole, 5, 0.5)
    for i in range(0, 50, 10):
        _kernel.fill_uniform(parts[i : i + 10], 5, 0.5, first=i * 7)
    np.testing.assert_array_equal(whole, parts)
    assert np.abs(whole).max() <= 0.5 and abs(whole.mean()) < 0.05 and 0.2 < whole.std() < 0.35


def test_unknown_level_is_refused(monkeypatch):
    monkeypatch.setenv("GENSIM_SENT2VEC_SIMD", "sse9")
    with pytest.raises(ValueError, match=r"GENSIM_SENT2VEC_SIMD: expected .*, got 'sse9'"):
        _kernel.simd_level()


def test_diverged_training_says_so(level):
    case = Case([list(range(10))] * 50, 12, 8, alpha=1e30, negative=2)
    trainer = case.trainer()
    trainer.train_pack(case.vocabulary().table, _kernel.Pack([[f"w{i}" for i in range(10)]] * 50))
    assert trainer.schedule.diverged
