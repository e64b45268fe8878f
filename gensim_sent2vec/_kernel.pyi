from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS: tuple[str, ...]

def available_levels() -> list[str]: ...
def simd_level() -> str: ...
def hash_bytes(word: bytes) -> int: ...
def build_slots(blob: NDArray[np.uint8], offsets: NDArray[np.int64], slots: NDArray[np.uint64]) -> int: ...
def take_words(
    blob: NDArray[np.uint8], offsets: NDArray[np.int64], ids: NDArray[np.int64], out: NDArray[np.uint8]
) -> None: ...
def parse_entries(data: Any, most: int) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes]: ...
def pack_entries(blob: NDArray[np.uint8], offsets: NDArray[np.int64], counts: NDArray[np.int64]) -> bytes: ...
def character_buckets(word: bytes, minn: int, maxn: int, bucket: int) -> bytes: ...
def insert_words(
    hashes: NDArray[np.uint64],
    ids: NDArray[np.int64],
    part: NDArray[np.uint64],
    begin: int,
    n_slots: int,
    carried: bool,
) -> tuple[bytes, bytes]: ...
def fill_alias(weights: NDArray[np.float64], alias: NDArray[np.uint64]) -> None: ...
def fill_uniform(rows: NDArray[np.float32], seed: int, scale: float, first: int = 0) -> None: ...

class Pack:
    n_tokens: int
    def __init__(self, sentences: Sequence[str] | Sequence[Sequence[str]]) -> None: ...
    @staticmethod
    def of_lines(text: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> Pack: ...
    def __len__(self) -> int: ...
    def weighted_words(
        self, table: WordTable, weights: NDArray[np.float32], first_half: float, half_length: int
    ) -> tuple[bytes, bytes, bytes, bytes]: ...

def sample_lines(text: NDArray[np.uint8], n: int, longest: int) -> tuple[bytes, bytes]: ...
def count_spaces(text: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> int: ...

class WordTable:
    def __init__(self, blob: NDArray[np.uint8], offsets: NDArray[np.int64], slots: NDArray[np.uint64]) -> None: ...
    def find(self, word: str) -> int: ...
    def check(self) -> int: ...

class StopFlag:
    def set(self) -> None: ...

class CorpusCounter:
    lines: int
    tokens: int
    n_words: int
    def __init__(self, max_words: int = 0) -> None: ...
    def add_slice(self, file: int, begin: int, end: int, stop: StopFlag) -> int: ...
    def add_pack(self, pack: Pack) -> None: ...
    def merge(self, other: CorpusCounter) -> None: ...
    def export(self) -> tuple[bytes, bytes, bytes]: ...

class Schedule:
    done: int
    rate: float
    diverged: bool
    def __init__(self, start: float, end: float, total: float, by_lines: bool = False, done: int = 0) -> None: ...
    def stop(self) -> None: ...

class Trainer:
    trained_words: int
    tokens: int
    lines: int
    loss: float
    schedule: Schedule
    def __init__(
        self,
        words: NDArray[np.float32],
        placeholder: NDArray[np.float32],
        ngrams: NDArray[np.float32],
        out: NDArray[np.float32],
        alias: NDArray[np.uint64],
        keep: NDArray[np.uint32] | None,
        schedule: Schedule,
        *,
        word_ngrams: int,
        skip_bigrams: bool,
        epfml_hash: bool,
        dropout_k: int,
        negative: int,
        shared_negatives: int,
        seed: int,
        compute_loss: bool = False,
        hot_rows: int = 0,
        sync_every: int = 1000,
    ) -> None: ...
    def set_lock_factors(self, lockf: NDArray[np.float32] | None) -> None: ...
    def train_slice(self, table: WordTable, file: int, begin: int, end: int) -> None: ...
    def train_pack(self, table: WordTable, pack: Pack) -> None: ...
    def input_rows(self, ids: Sequence[int], target: int, dropped: Sequence[int] = ()) -> list[int]: ...

def unit_rows(rows: NDArray[np.float32], least: float, out: NDArray[np.float32]) -> list[int]: ...
def second_moment(rows: NDArray[np.float32], out: NDArray[np.float64]) -> None: ...
def times(rows: NDArray[np.float32], matrix: NDArray[np.float32], out: NDArray[np.float32]) -> None: ...
def weighted_means(
    rows: NDArray[np.float32],
    places: NDArray[np.int32],
    weights: NDArray[np.float32],
    ends: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None: ...
def dot_rows(
    rows: NDArray[np.float32] | NDArray[np.float16], query: NDArray[np.float32], out: NDArray[np.float32]
) -> None: ...

MAX_CODED_QUERIES: int

def has_fast_codes() -> bool: ...

class RowCodes:
    rows: NDArray[Any]
    def __init__(self, rows: NDArray[Any]) -> None: ...

class TopK:
    def __init__(self, queries: NDArray[np.float32], topn: int) -> None: ...
    def add_rows(self, rows: NDArray[Any], first: int, mask: NDArray[np.uint8] | None = None) -> None: ...
    def add_coded_rows(self, codes: RowCodes, begin: int, end: int, mask: NDArray[np.uint8] | None = None) -> None: ...
    def add_scores(self, scores: NDArray[np.float32], first: int, mask: NDArray[np.uint8] | None = None) -> None: ...
    def add_columns(self, scores: NDArray[np.float32], first: int) -> None: ...
    def merge(self, other: TopK) -> None: ...
    def found(self) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]: ...

def add_postings(
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    weights: NDArray[np.float32],
    features: NDArray[np.int64],
    query: NDArray[np.float32],
    scores: NDArray[np.float32],
    lengths: NDArray[np.uint16] | None = None,
    factors: NDArray[np.float32] | None = None,
) -> None: ...

class ChangedVectorsError(ValueError): ...
class NotFiniteVectorError(ValueError): ...

class Encoder:
    words: Any
    arrays: tuple[NDArray[Any], ...]
    mode: tuple[int, bool, str]
    def __init__(
        self,
        words: Any,
        vectors: NDArray[np.float32],
        ngrams: NDArray[np.float32],
        *,
        word_ngrams: int,
        skip_bigrams: bool,
        ngram_hash: str,
        weights: NDArray[np.float32] | None = None,
        parts: Sequence[tuple[int, float]] = (),
        source: tuple[NDArray[Any], NDArray[Any]] | None = None,
        first_half: float = 1,
        half_length: int = 0,
        unseen: Callable[[], UnseenRows] | None = None,
        encode_words: Callable[[list[str]], tuple[NDArray[np.float32], NDArray[np.float32]]] | None = None,
        n_caches: int = 1,
    ) -> None: ...
    def encode(
        self,
        pack: Pack,
        out: NDArray[np.float32],
        known: NDArray[np.int64] | None = None,
        *,
        totals: NDArray[np.float32] | None = None,
        compare: bool = True,
    ) -> None: ...
    def encode_text(self, text: str) -> tuple[NDArray[np.float32], bool]: ...
    def row_ids(self, pack: Pack) -> tuple[bytes, bytes]: ...

def code_points(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> tuple[bytes, bytes]: ...

class NgramCounter:
    def __init__(self, min_n: int, max_n: int) -> None: ...
    def add(self, codes: NDArray[np.uint32], sizes: NDArray[np.int64], counts: NDArray[np.float64]) -> None: ...
    def export(self) -> tuple[bytes, bytes]: ...

class NgramSums:
    def __init__(
        self,
        hashes: NDArray[np.uint64],
        weights: NDArray[np.float32],
        min_n: int,
        max_n: int,
        seed: int,
        sums: NDArray[np.float32],
        totals: NDArray[np.float32],
    ) -> None: ...
    def add(
        self,
        codes: NDArray[np.uint32],
        sizes: NDArray[np.int64],
        scales: NDArray[np.float32],
        vectors: NDArray[np.float32],
        signatures: NDArray[np.float32],
    ) -> None: ...
    def averages(self, common: NDArray[np.float32], scale: float) -> NDArray[np.float16]: ...

class Speller:
    def __init__(
        self,
        hashes: NDArray[np.uint64],
        weights: NDArray[np.float32],
        vectors: NDArray[Any],
        new_weight: float,
        min_n: int,
        max_n: int,
        seed: int,
        meaning_map: NDArray[np.float32],
        lexical_map: NDArray[np.float32],
    ) -> None: ...
    def write(self, codes: NDArray[np.uint32], sizes: NDArray[np.int64], out: NDArray[np.float32]) -> None: ...

class UnseenRows:
    def __init__(
        self,
        dim: int,
        capacity: int,
        speller: Speller | None = None,
        weight: float = 0,
        stop_words: Collection[str] = (),
    ) -> None: ...
    def add(self, words: Sequence[str], rows: NDArray[np.float32], weights: NDArray[np.float32]) -> None: ...
    def trim(self) -> None: ...
