# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, embedsignature=True, auto_pickle=False
"""Bindings of the C++ headers in `_cpp`: check the arguments, release the GIL, call C++.

The algorithms are in the headers; trainer.hpp describes the training.
"""

import os
from unicodedata import normalize

import numpy as np

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_DecodeUTF8, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.algorithm cimport count
from libcpp.memory cimport unique_ptr
from libcpp.vector cimport vector


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object)


# -----------------------------------------------------------------------------------------------------
# Instruction sets

LEVELS = ("plain", "avx2", "avx512")


def available_levels():
    """Return the instruction sets that this machine supports, from the slowest to the fastest."""
    return [name for i, name in enumerate(LEVELS) if has_level(i)]


def simd_level():
    """Return the instruction set in use: the environment variable GENSIM_SENT2VEC_SIMD, or the fastest available."""
    available = available_levels()
    wanted = os.environ.get("GENSIM_SENT2VEC_SIMD") or available[len(available) - 1]
    if wanted not in available:
        raise ValueError(f"GENSIM_SENT2VEC_SIMD: expected one of {', '.join(available)}, got {wanted!r}")
    return wanted


cdef int level_number() except -1:
    return LEVELS.index(simd_level())


# -----------------------------------------------------------------------------------------------------
# Text

def hash_bytes(bytes word):
    """Return the 64-bit hash that `WordTable` uses. Saved files depend on it, so it must not change."""
    return CWord(word, len(word)).hash


cdef int PADDING = 8  # bytes after a text: C++ reads tokens eight bytes at a time
cdef int SHORT_TEXT = 1 << 12  # bytes; longer texts are encoded without the GIL
cdef object new_array = np.empty, float32 = np.dtype(np.float32)


cdef int append(vector[char] &out, string) except -1:  # str or a subclass, such as numpy.str_
    append_string(out, PyUnicode_DATA(string), PyUnicode_KIND(string), PyUnicode_GET_LENGTH(string),
                  PyUnicode_IS_ASCII(string))
    return 0


cdef class Pack:
    """Sentences as one block of UTF-8, which threads can read without the GIL.

    Parameters
    ----------
    sentences : sequence of (str or sequence of str)
        Either only strings, which are split at whitespace, or only sequences of tokens.
    """

    cdef vector[char] text
    cdef vector[int64_t] token_ends, sentence_ends
    cdef cbool split
    cdef readonly int64_t n_tokens

    def __init__(self, sentences):
        self.split = len(sentences) > 0 and not isinstance(sentences[0], str)
        for sentence in sentences:
            if self.split:
                self.add_tokens(sentence)
            elif isinstance(sentence, str):
                append(self.text, sentence)
                self.sentence_ends.push_back(self.text.size())
            else:
                raise TypeError("sentences: expected either only strings or only lists of tokens, got a "
                                f"{type(sentence).__name__} after a string")
        self.text.resize(self.text.size() + PADDING)

    @staticmethod
    def of_lines(const unsigned char[::1] text not None, const int64_t[::1] begins not None,
                 const int64_t[::1] ends not None):
        """Some lines of a text as sentences, which are split at whitespace.

        Parameters
        ----------
        text : uint8 array
            UTF-8.
        begins, ends : int64 array, (n,)
            Line i is ``text[begins[i]:ends[i]]``.
        """
        cdef Pack pack = Pack([])
        cdef const char *data = <const char*>&text[0] if len(text) else NULL
        cdef int64_t i
        pack.text.clear()
        pack.text.reserve(check_lines(text, begins, ends) + PADDING)
        for i in range(len(begins)):
            pack.text.insert(pack.text.end(), data + begins[i], data + ends[i])
            pack.sentence_ends.push_back(pack.text.size())
        pack.text.resize(pack.text.size() + PADDING)
        return pack

    cdef int add_tokens(self, sentence) except -1:
        if isinstance(sentence, str):
            raise TypeError(f"sentences: expected a list of tokens per sentence, got the string {sentence[:40]!r}")
        try:
            tokens = iter(sentence)
        except TypeError:
            raise TypeError(f"sentences: expected a list of tokens per sentence, got the {type(sentence).__name__} "
                            f"{sentence!r:.40}") from None
        for token in tokens:
            if not isinstance(token, str):
                raise TypeError(f"sentences: tokens must be strings, got the {type(token).__name__} {token!r:.40}")
            append(self.text, token)
            self.token_ends.push_back(self.text.size())
        self.sentence_ends.push_back(self.token_ends.size())
        self.n_tokens = self.token_ends.size()
        return 0

    def __len__(self):
        return self.sentence_ends.size()

    def weighted_words(self, WordTable table not None, const float[::1] weights not None, float first_half,
                       int64_t half_length):
        """Look up the words that have positive weights.

        Parameters
        ----------
        weights : float32 array, (n_words,)
            Of the words of the table.
        first_half : float
            The factor of the weights of words in the first half of sentences longer than `half_length` tokens.
        half_length : int

        Returns
        -------
        used : bytes
            int64: the distinct ids, in ascending order.
        places, weights : bytes
            int32 and float32: the positions in `used` and the weights of the words, sentence by sentence.
        ends : bytes
            int64: where the words of each sentence end; sentences without any are left out.
        """
        cdef unique_ptr[CWeightedWords] found
        cdef CPack view = self.view()
        cdef const float *first = &weights[0] if len(weights) else NULL
        if len(weights) != table.table.n_words:
            raise ValueError(f"weights: expected one per word, {table.table.n_words}, got {len(weights)}")
        with nogil:
            found.reset(new CWeightedWords(table.table, view, first, first_half, half_length))
        return (
            bytes_of(found.get().used.data(), found.get().used.size() * sizeof(int64_t)),
            bytes_of(found.get().places.data(), found.get().places.size() * sizeof(int32_t)),
            bytes_of(found.get().weights.data(), found.get().weights.size() * sizeof(float)),
            bytes_of(found.get().ends.data(), found.get().ends.size() * sizeof(int64_t)),
        )

    cdef CPack view(self):
        cdef CPack pack
        self.token_ends.reserve(1)
        pack.text = self.text.data()
        pack.token_ends = self.token_ends.data() if self.split else NULL
        pack.sentence_ends = self.sentence_ends.data()
        pack.n_sentences = self.sentence_ends.size()
        return pack


def sample_lines(const unsigned char[::1] text not None, int64_t n, int64_t longest):
    """Lines of a text, one for each of `n` positions that are evenly spread over it, but each once.

    Parameters
    ----------
    text : uint8 array
    n : int
    longest : int
        A line of more bytes counts as several.

    Returns
    -------
    begins, ends : bytes
        int64: where the lines begin and end, including their line ends.
    """
    cdef vector[int64_t] begins, ends
    if n < 1 or longest < 1:
        raise ValueError("n, longest: must be at least 1")
    if len(text) >= 2**31:
        raise ValueError(f"text: must be shorter than {2**31} bytes, got {len(text)}")
    if len(text):
        with nogil:
            c_sample_lines(<const char*>&text[0], len(text), min(n, <int64_t>len(text)), longest, begins, ends)
    return (PyBytes_FromStringAndSize(<char*>begins.data(), begins.size() * sizeof(int64_t)),
            PyBytes_FromStringAndSize(<char*>ends.data(), ends.size() * sizeof(int64_t)))


def count_spaces(const unsigned char[::1] text not None, const int64_t[::1] begins not None,
                 const int64_t[::1] ends not None):
    """How many spaces some lines of a text have; see `Pack.of_lines`."""
    cdef int64_t i, n = 0
    check_lines(text, begins, ends)
    for i in range(len(begins)):
        if begins[i] < ends[i]:
            n += count(&text[begins[i]], &text[begins[i]] + (ends[i] - begins[i]), <unsigned char>b" ")
    return n


cdef int64_t check_lines(const unsigned char[::1] text, const int64_t[::1] begins, const int64_t[::1] ends) except -1:
    """The total length of the lines; a ValueError if one is not within the text."""
    cdef int64_t i, n_bytes = 0
    if len(begins) != len(ends):
        raise ValueError(f"ends: expected {len(begins)} entries, got {len(ends)}")
    for i in range(len(begins)):
        if not 0 <= begins[i] <= ends[i] <= len(text):
            raise ValueError(f"begins, ends: line {i} is not within the text")
        n_bytes += ends[i] - begins[i]
    return n_bytes


cdef class WordTable:
    """A hash table from words to ids, stored in three arrays that may be memory-mapped read-only.

    Parameters
    ----------
    blob : uint8 array
        The UTF-8 of all words, concatenated.
    offsets : int64 array, (n_words + 1,)
        Word i is ``blob[offsets[i]:offsets[i + 1]]``.
    slots : uint64 array, (n_slots,)
        The open-addressing hash table; n_slots is a power of two above n_words. A slot is 0 if it is empty; otherwise
        it has the upper half of the word's hash in its upper 32 bits and id + 1 in its lower 32 bits.
    """

    cdef CWordTable table
    cdef const unsigned char[::1] blob
    cdef const int64_t[::1] offsets
    cdef const uint64_t[::1] slots

    def __init__(self, const unsigned char[::1] blob, const int64_t[::1] offsets, const uint64_t[::1] slots):
        self.blob, self.offsets, self.slots = blob, offsets, slots
        if len(offsets) < 1 or len(offsets) > 2**31 - 2:
            raise ValueError(f"offsets: expected 1 to {2**31 - 2} entries, got {len(offsets)}")
        if len(slots) < len(offsets) or len(slots) & (len(slots) - 1):
            raise ValueError(f"slots: expected a power of two above the {len(offsets) - 1} words, "
                             f"got {len(slots)} entries")
        self.table.blob = &blob[0] if len(blob) else NULL
        self.table.offsets = &offsets[0]
        self.table.slots = &slots[0]
        self.table.blob_size = len(blob)
        self.table.n_words = len(offsets) - 1
        self.table.n_slots = len(slots)

    def find(self, word):
        """Return the id of a word, or -1 if it is unknown."""
        cdef vector[char] utf8
        if not isinstance(word, str):
            raise TypeError(f"word: expected a string, got {type(word).__name__}")
        if PyUnicode_IS_ASCII(word):
            return self.table.find(CWord(<const char*>PyUnicode_DATA(word), PyUnicode_GET_LENGTH(word)))
        append(utf8, word)
        return self.table.find(CWord(utf8.data(), utf8.size()))

    def check(self):
        """Return the id of a word that `find` does not map to this id, or -1 if the table is correct."""
        cdef int64_t bad
        with nogil:
            bad = first_lost(self.table)
        return bad


cdef int check_offsets(const int64_t[::1] offsets, int64_t blob_size) except -1:
    cdef int64_t i, before = 0
    cdef cbool fine = len(offsets) > 0 and offsets[0] == 0
    for i in range(len(offsets)):
        fine = fine and before <= offsets[i] <= blob_size
        before = offsets[i]
    if not fine or before != blob_size:
        raise ValueError(f"offsets: expected values that rise from 0 to the {blob_size} bytes of blob")
    return 0


def build_slots(const unsigned char[::1] blob, const int64_t[::1] offsets, uint64_t[::1] slots):
    """Fill the hash table of a `WordTable`, and return the id of a word that occurs twice, or -1."""
    cdef CWordTable table
    cdef int64_t twice
    check_offsets(offsets, len(blob))
    if len(slots) < len(offsets) or len(slots) & (len(slots) - 1):
        raise ValueError(f"slots: expected a power of two above the {len(offsets) - 1} words, got {len(slots)} entries")
    table.blob = &blob[0] if len(blob) else NULL
    table.offsets = &offsets[0]
    table.slots = &slots[0]
    table.blob_size = len(blob)
    table.n_words = len(offsets) - 1
    table.n_slots = len(slots)
    with nogil:
        twice = fill_slots(table, &slots[0])
    return twice


def take_words(const unsigned char[::1] blob, const int64_t[::1] offsets, const int64_t[::1] ids,
               unsigned char[::1] out):
    """Concatenate the words `ids` into `out`."""
    cdef int64_t i, n, at = 0
    check_offsets(offsets, len(blob))
    for i in range(len(ids)):
        if not 0 <= ids[i] < len(offsets) - 1 or offsets[ids[i] + 1] - offsets[ids[i]] > len(out) - at:
            raise ValueError(f"ids: expected 0 to {len(offsets) - 2} and room for the words in out, got id {ids[i]}")
        n = offsets[ids[i] + 1] - offsets[ids[i]]
        if n:
            memcpy(&out[at], &blob[offsets[ids[i]]], n)
        at += n


cdef bytes bytes_of(const void *data, size_t n):
    return PyBytes_FromStringAndSize(<const char*>data, n)


def parse_entries(const unsigned char[::1] data, int64_t most):
    """Parse the complete entries at the start of `data`, part of the dictionary of a reference .bin file.

    Parameters
    ----------
    data : uint8 array
    most : int
        Parse at most this many entries.

    Returns
    -------
    blob : bytes
        The words, concatenated; each byte that is not valid UTF-8 becomes a surrogate.
    lengths, hashes : bytes
        int64 and uint64, per word.
    counts, types : bytes
        int64 and int8, per word.
    ends : bytes
        int64: the end of each entry in `data`.
    """
    cdef CEntries entries
    if len(data):
        with nogil:
            entries.read(<const char*>&data[0], data.shape[0], most)
    return (
        bytes_of(entries.blob.data(), entries.blob.size()),
        bytes_of(entries.lengths.data(), entries.lengths.size() * sizeof(int64_t)),
        bytes_of(entries.hashes.data(), entries.hashes.size() * sizeof(uint64_t)),
        bytes_of(entries.counts.data(), entries.counts.size() * sizeof(int64_t)),
        bytes_of(entries.types.data(), entries.types.size()),
        bytes_of(entries.ends.data(), entries.ends.size() * sizeof(int64_t)),
    )


def pack_entries(const unsigned char[::1] blob, const int64_t[::1] offsets, const int64_t[::1] counts):
    """Serialize words and their counts as dictionary entries of a reference .bin file.

    Word i is ``blob[offsets[i]:offsets[i + 1]]``.
    """
    cdef vector[char] out
    cdef int64_t i
    cdef cbool fine = len(offsets) == len(counts) + 1 and offsets[0] >= 0
    for i in range(len(counts)):
        fine = fine and offsets[i] <= offsets[i + 1] <= len(blob)
    if not fine:
        raise ValueError("blob, offsets, counts: their sizes do not fit together; "
                         "expected len(counts) + 1 rising offsets into blob")
    if len(counts):
        append_entries(out, &blob[0] if len(blob) else NULL, &offsets[0], &counts[0], len(counts))
    return bytes_of(out.data(), out.size())


def character_buckets(bytes word, int minn, int maxn, uint32_t bucket):
    """Return the buckets (int64) of a word's character n-grams, hashed as in the reference.

    The n-grams have `minn` to `maxn` characters.
    """
    cdef vector[int64_t] out
    if not bucket:
        raise ValueError("bucket: must be at least 1, got 0")
    append_character_buckets(out, <const unsigned char*><const char*>word, len(word), minn, maxn, bucket)
    return bytes_of(out.data(), out.size() * sizeof(int64_t))


def insert_words(const uint64_t[::1] hashes, const int64_t[::1] ids, uint64_t[::1] part, uint64_t begin,
                 uint64_t n_slots, bint carried):
    """Insert words into `part`: the slots [begin, begin + len(part)) of a word table with `n_slots` slots.

    Parameters
    ----------
    hashes, ids : uint64 and int64 arrays, (n,)
    part : uint64 array
        Written.
    begin, n_slots : int
    carried : bool
        True if the words are the overflow of the previous part; False if they hash to slots in this part.

    Returns
    -------
    overflow : bytes
        int64: the positions in `ids` of the words that did not fit before the end of the part.
    alike : bytes
        int64: pairs of ids that may be the same word.
    """
    cdef CTablePart table
    if len(hashes) != len(ids) or n_slots & (n_slots - 1) or not len(part) or begin + len(part) > n_slots:
        raise ValueError("hashes, ids, part: their sizes do not fit together, or n_slots is not a power of two")
    table.slots, table.begin, table.size, table.n_slots = &part[0], begin, len(part), n_slots
    if len(hashes):
        with nogil:
            table.place(&hashes[0], &ids[0], hashes.shape[0], carried)
    return (
        bytes_of(table.over.data(), table.over.size() * sizeof(int64_t)),
        bytes_of(table.alike.data(), table.alike.size() * sizeof(int64_t)),
    )


cdef class StopFlag:
    """Ends threads that count words."""

    cdef CFlag flag

    def set(self):
        self.flag.set()


cdef class CorpusCounter:
    """Counts the words of files and batches; see `gensim_sent2vec._text.counting.count_words`."""

    cdef CCorpusCount count
    cdef int64_t max_words

    def __init__(self, int64_t max_words=0):
        self.max_words = max_words

    @property
    def lines(self):
        return self.count.lines

    @property
    def tokens(self):
        return self.count.tokens

    @property
    def n_words(self):
        return self.count.words.counts.size()

    def add_slice(self, int file, int64_t begin, int64_t end, StopFlag stop not None):
        """Count the words of the lines that start in [begin, end) of an open file; setting `stop` ends it early.

        Returns the offset of a token that is not valid UTF-8, or -1.
        """
        cdef ReadStatus status
        os.lseek(file, max(begin - 1, 0), os.SEEK_SET)
        with nogil:
            status = self.count.add_slice(file, begin, end, self.max_words, &stop.flag)
        if status == ReadStatus.READ_ERROR:
            raise OSError(self.count.error, os.strerror(self.count.error))
        return self.count.bad_offset

    def add_pack(self, Pack pack):
        cdef CPack view = pack.view()
        with nogil:
            self.count.add_pack(view, self.max_words)

    def merge(self, CorpusCounter other):
        with nogil:
            self.count.merge(other.count, self.max_words)

    def export(self):
        """Return the words by first occurrence: concatenated UTF-8, int64 offsets and int64 counts, as bytes."""
        cdef CWordCounter *words = &self.count.words
        return (
            PyBytes_FromStringAndSize(words.blob.data(), words.blob.size()),
            PyBytes_FromStringAndSize(<char*>words.offsets.data(), words.offsets.size() * sizeof(int64_t)),
            PyBytes_FromStringAndSize(<char*>words.counts.data(), words.counts.size() * sizeof(int64_t)),
        )


# -----------------------------------------------------------------------------------------------------
# Training

def fill_alias(const double[::1] weights, uint64_t[::1] alias):
    """Fill Vose's alias table, to sample in proportion to `weights` (finite, >= 0, not all 0)."""
    if not len(weights) or len(alias) != len(weights):
        raise ValueError(f"alias: expected one entry per weight, {len(weights)}, got {len(alias)}")
    with nogil:
        c_fill_alias(&weights[0], len(weights), &alias[0])


def fill_uniform(float[:, ::1] rows, uint64_t seed, float scale, int64_t first=0):
    """Fill `rows` with uniform random values in [-scale, scale].

    Element i of the flattened array is value ``first + i`` of the random stream `seed`.
    """
    if rows.shape[0] and rows.shape[1]:
        with nogil:
            c_fill_uniform(&rows[0, 0], rows.shape[0] * rows.shape[1], first, seed, scale)


cdef class Schedule:
    """The learning rate that all threads of a training run share, and the flag that stops them.

    Parameters
    ----------
    start, end : float
        The learning rate decreases linearly from `start` to `end`.
    total : float
        The number of tokens in the entire run, or of lines if `by_lines`.
    by_lines : bool
    done : int
        The number of tokens or lines trained already.
    """

    cdef CSchedule schedule

    def __init__(self, float start, float end, double total, bint by_lines=False, int64_t done=0):
        self.schedule.start = start
        self.schedule.end = end
        self.schedule.total = max(total, 1.0)
        self.schedule.by_lines = by_lines
        self.schedule.done.store(done)

    @property
    def done(self):
        return self.schedule.done.load()

    @property
    def rate(self):
        return self.schedule.rate(self.schedule.done.load())

    @property
    def diverged(self):
        return self.schedule.diverged.is_set()

    def stop(self):
        self.schedule.stop.set()


cdef class Trainer:
    """The trainer of one thread. All threads update the same arrays without locks ("Hogwild").

    Parameters
    ----------
    words, out : float32 array, (n_words, dim)
        Input and output rows; updated in place.
    placeholder : float32 array, (dim,)
        The input row that replaces the target; updated in place.
    ngrams : float32 array, (bucket, dim)
        The n-gram rows; updated in place. May be empty if `word_ngrams` is 1.
    alias : uint64 array, (n_words,)
        The distribution of the negative samples, from `fill_alias`.
    keep : uint32 array, (n_words,), or None
        A target is trained with probability keep / 2^32.
    schedule : Schedule
    hot_rows, sync_every : int
        The thread updates private copies of the rows of the first `hot_rows` words, and merges the changes into the
        shared arrays every `sync_every` tokens and at the end of each call.
    """

    cdef CTrainer *trainer
    cdef CModel model
    cdef readonly object schedule
    cdef object arrays, lockf

    def __cinit__(self, float[:, ::1] words, float[::1] placeholder, float[:, ::1] ngrams, float[:, ::1] out,
                  const uint64_t[::1] alias, const uint32_t[::1] keep, Schedule schedule not None, *,
                  int word_ngrams, bint skip_bigrams, bint epfml_hash, int dropout_k, int negative,
                  int shared_negatives,
                  uint64_t seed, bint compute_loss=False, int hot_rows=0, int sync_every=1000):
        cdef int64_t n = words.shape[0], dim = words.shape[1]
        if n < 2 or dim < 1 or out.shape[0] != n or out.shape[1] != dim or len(placeholder) != dim or len(alias) != n:
            raise ValueError("words, out, placeholder, alias: their shapes do not fit together, or there are "
                             "fewer than 2 words or 1 dimension")
        if keep is not None and len(keep) != n:
            raise ValueError(f"keep: expected one entry per word, {n}, got {len(keep)}")
        if word_ngrams > 1 and (ngrams.shape[0] < 1 or ngrams.shape[1] != dim):
            raise ValueError(f"ngrams: expected shape (bucket, {dim}) with bucket >= 1 for word_ngrams={word_ngrams}, "
                             f"got ({ngrams.shape[0]}, {ngrams.shape[1]})")
        if word_ngrams < 1 or negative < 1 or shared_negatives < 1 or dropout_k < 0 or hot_rows < 0:
            raise ValueError("word_ngrams, negative, shared_negatives: must be at least 1; "
                             "dropout_k, hot_rows: must be at least 0")
        self.arrays = (words, placeholder, ngrams, out, alias, keep)
        self.schedule = schedule
        self.model.words = &words[0, 0]
        self.model.placeholder = &placeholder[0]
        self.model.ngrams = &ngrams[0, 0] if ngrams.shape[0] else NULL
        self.model.out = &out[0, 0]
        self.model.n_words, self.model.bucket, self.model.dim = n, ngrams.shape[0], dim
        self.model.n, self.model.skip, self.model.epfml = word_ngrams, skip_bigrams, epfml_hash
        self.model.dropout_k, self.model.negative, self.model.shared_negatives = dropout_k, negative, shared_negatives
        self.model.alias = &alias[0]
        self.model.keep = &keep[0] if keep is not None else NULL
        self.model.lockf = NULL
        cdef CModel model = self.model
        model.hot = min(hot_rows, n)
        self.trainer = new CTrainer(model, schedule.schedule, seed, compute_loss, level_number(), sync_every)

    def __dealloc__(self):
        del self.trainer

    @property
    def trained_words(self):
        return self.trainer.trained_words

    @property
    def tokens(self):
        return self.trainer.tokens

    @property
    def lines(self):
        return self.trainer.lines

    @property
    def loss(self):
        return self.trainer.loss

    def set_lock_factors(self, const float[::1] lockf):
        """Set the lock factors of words; not while the trainer is training.

        Parameters
        ----------
        lockf : float32 array, (n_words,), or None
            0 to 1: updates of the input row of a word are multiplied by its factor. None, as at first: all are 1.
        """
        if lockf is not None and len(lockf) != self.model.n_words:
            raise ValueError(f"lockf: expected one entry per word, {self.model.n_words}, got {len(lockf)}")
        self.lockf = lockf
        self.trainer.model.lockf = &lockf[0] if lockf is not None else NULL

    def train_slice(self, WordTable table not None, int file, int64_t begin, int64_t end):
        """Train on the lines that start in [begin, end) of an open file."""
        self.check(table)
        os.lseek(file, max(begin - 1, 0), os.SEEK_SET)
        cdef ReadStatus status
        with nogil:
            status = self.trainer.train_slice(table.table, file, begin, end)
        if status == ReadStatus.READ_ERROR:
            raise OSError("corpus file: a read failed before its end")
        if status == ReadStatus.TOKEN_TOO_LONG:
            raise ValueError("corpus file: contains a token of more than 1 MiB")

    def train_pack(self, WordTable table not None, Pack pack not None):
        """Train on a batch of sentences."""
        self.check(table)
        cdef CPack view = pack.view()
        with nogil:
            self.trainer.train_pack(table.table, view)

    cdef int check(self, WordTable table) except -1:
        if table.table.n_words > self.model.n_words:
            raise ValueError(f"table: expected at most {self.model.n_words} words, one per row, "
                             f"got {table.table.n_words}")
        return 0

    def input_rows(self, ids, int target, dropped=()):
        """Return the input rows of one target, as in training. Exists for tests.

        Parameters
        ----------
        ids : sequence of int
            The known words of a line.
        target : int
            The target's position in `ids`.
        dropped : sequence of int
            Positions whose n-grams are dropped.

        Returns
        -------
        list of int
            In ascending order: word ids, -1 for the placeholder, n_words + r for n-gram row r.
        """
        cdef CLine line
        cdef CTarget plan
        cdef CSlot slot
        if not all(0 <= i < self.model.n_words for i in ids) or not 0 <= target < len(ids):
            raise ValueError(f"ids, target: expected word ids below {self.model.n_words} and a position in ids, "
                             f"got {list(ids)} and {target}")
        line.ids = ids
        line.targets = [target]
        line.dropped = sorted(dropped)
        line.n_dropped = len(dropped)
        line.plan_rows(self.model)
        plan.plan(self.model, line, 0)
        rows = []
        for slot in line.slots:
            rows += [self.row_number(slot.row)] * <int>slot.m
        for change in plan.changes:
            if change.sign < 0:
                rows.remove(self.row_number(change.row))
            else:
                rows.append(self.row_number(change.row))
        return sorted(rows)

    cdef int64_t row_number(self, const float *row):
        cdef int64_t dim = self.model.dim
        if row == self.model.placeholder:
            return -1
        if self.model.words <= row < self.model.words + self.model.n_words * dim:
            return (row - self.model.words) // dim
        return self.model.n_words + (row - self.model.ngrams) // dim


# -----------------------------------------------------------------------------------------------------
# Pooling and top-k

def as_bytes(name, array):
    """Return a C-contiguous float32 or float16 matrix as a matrix of bytes, without a copy."""
    if array.dtype.char not in "ef" or array.ndim != 2 or not array.flags.c_contiguous:
        layout = "" if array.flags.c_contiguous else "not C-contiguous, "
        raise ValueError(f"{name}: expected a C-contiguous float32 or float16 matrix, got {array.dtype}, {layout}"
                         f"shape {array.shape}; convert it with numpy.ascontiguousarray({name}, dtype='float32')")
    return array.view("u1")


def unit_rows(const float[:, ::1] rows, float least, float[:, ::1] out):
    """Divide each row by its length, with the same result at every instruction set; rows of zeros stay.

    Parameters
    ----------
    rows, out : float32 array, (n, dim)
    least : float

    Returns
    -------
    list of int
        The numbers of the rows whose sum of squares is not above `least`, or not finite, so that the length is inexact.
    """
    cdef vector[int64_t] extreme
    if out.shape[0] != rows.shape[0] or out.shape[1] != rows.shape[1]:
        raise ValueError(f"out: expected shape ({rows.shape[0]}, {rows.shape[1]}), "
                         f"got ({out.shape[0]}, {out.shape[1]})")
    if rows.shape[0] and rows.shape[1]:
        with nogil:
            c_unit_rows(&rows[0, 0], rows.shape[0], rows.shape[1], least, &out[0, 0], extreme)
    return extreme


def second_moment(const float[:, ::1] rows, double[:, ::1] out):
    """Compute the sum of the outer products of rows with themselves, in one thread.

    Parameters
    ----------
    rows : float32 array, (n, dim)
    out : float64 array, (dim, dim)
    """
    if out.shape[0] != rows.shape[1] or out.shape[1] != rows.shape[1]:
        raise ValueError(f"out: expected shape ({rows.shape[1]}, {rows.shape[1]}), "
                         f"got ({out.shape[0]}, {out.shape[1]})")
    cdef SecondMoment compute = choose_second_moment(level_number())
    if rows.shape[0] and rows.shape[1]:
        with nogil:
            compute(&rows[0, 0], rows.shape[0], rows.shape[1], &out[0, 0])
    else:
        out[:] = 0


def times(const float[:, :] rows, const float[:, ::1] matrix, float[:, :] out):
    """Write the product of rows and a small matrix to `out`, computed in one thread.

    Parameters
    ----------
    rows : float32 array, (n, dim)
        The values of each row must be contiguous.
    matrix : float32 array, (dim, columns)
    out : float32 array, (n, columns)
        It may be `rows`, but must not overlap with them otherwise.
    """
    cdef int level = level_number()
    cdef int64_t size = sizeof(float)
    if rows.shape[1] != matrix.shape[0]:
        raise ValueError(f"matrix: expected {rows.shape[1]} rows, got {matrix.shape[0]}")
    if out.shape[0] != rows.shape[0] or out.shape[1] != matrix.shape[1]:
        raise ValueError(f"out: expected shape ({rows.shape[0]}, {matrix.shape[1]}), "
                         f"got ({out.shape[0]}, {out.shape[1]})")
    check_contiguous(rows, "rows")
    check_contiguous(out, "out")
    if not rows.shape[1]:
        out[:] = 0
    elif rows.shape[0] and matrix.shape[1]:
        with nogil:
            c_times_rows(&rows[0, 0], rows.shape[0], rows.shape[1], rows.strides[0] // size, &matrix[0, 0],
                         matrix.shape[1], level, &out[0, 0], out.strides[0] // size)


cdef int check_contiguous(const float[:, :] rows, str name) except -1:
    if rows.shape[1] > 1 and rows.strides[1] != sizeof(float):
        raise ValueError(f"{name}: expected rows whose values are contiguous")
    return 0


cdef int check_entries(const int64_t[::1] ends, const int32_t[::1] columns, const float[::1] values,
                       int64_t n_columns) except -1:
    """Raise a ValueError unless the entries are those of a sparse matrix with this number of columns."""
    cdef int64_t i, before = 0
    cdef cbool fine = len(columns) == len(values)
    for i in range(len(ends)):
        fine = fine and before <= ends[i]
        before = ends[i]
    for i in range(len(columns)):
        fine = fine and 0 <= columns[i] < n_columns
    if not fine or before != len(columns):
        raise ValueError(f"ends, columns, values: expected rising ends of {len(columns)} entries in columns below "
                         f"{n_columns}, and a value of each")
    return 0


def weighted_means(const float[:, ::1] rows, const int32_t[::1] places, const float[::1] weights,
                   const int64_t[::1] ends, float[:, ::1] out):
    """Compute weighted means of rows.

    Parameters
    ----------
    rows : float32 array, (n_rows, dim)
    places, weights : int32 and float32 arrays, (n,)
        The numbers of rows, and their weights, which are greater than 0.
    ends : int64 array, (n_means,)
        Those of mean i end at ``ends[i]``.
    out : float32 array, (n_means, dim)
    """
    cdef int level = level_number()
    check_entries(ends, places, weights, rows.shape[0])
    if out.shape[0] != len(ends) or out.shape[1] != rows.shape[1]:
        raise ValueError(f"out: expected shape ({len(ends)}, {rows.shape[1]}), got ({out.shape[0]}, {out.shape[1]})")
    if len(places) and rows.shape[1]:
        with nogil:
            c_weighted_means(&rows[0, 0], rows.shape[1], &places[0], &weights[0], &ends[0], ends.shape[0], level,
                             &out[0, 0])
    else:
        out[:] = 0


def dot_rows(rows, const float[::1] query, float[::1] out):
    """Write the dot product of each row with `query` to `out`.

    Parameters
    ----------
    rows : float32 or float16 array, (n, dim)
        May be memory-mapped read-only.
    query : float32 array, (dim,)
    out : float32 array, (n,)
    """
    cdef cbool half = rows.dtype.char == "e"
    cdef const unsigned char[:, ::1] data = as_bytes("rows", rows)
    cdef int64_t n = data.shape[0]
    cdef int dim = data.shape[1] // (2 if half else 4)
    cdef DotRows dot = choose_dot_rows(level_number(), half)
    if len(query) != dim or len(out) != n:
        raise ValueError(f"query and out: expected lengths {dim} and {n} for rows of shape ({n}, {dim}), "
                         f"got {len(query)} and {len(out)}")
    if n and dim:
        with nogil:
            dot(&data[0, 0], n, dim, &query[0], &out[0])
    elif n:
        out[:] = 0


MAX_CODED_QUERIES = FEW_QUERIES  # more are searched for without `RowCodes`


def has_fast_codes():
    """Whether `RowCodes` make searches of few queries faster with the instruction set in use."""
    return choose_codes_above(level_number()) != NULL


cdef class RowCodes:
    """Rows rounded to int8, by which `TopK.add_coded_rows` excludes most of them; a byte per value.

    Parameters
    ----------
    rows : float32 or float16 array, (n, dim)
        With finite values, which must not change. May be memory-mapped read-only.
    """

    cdef CRowCodes *codes
    cdef readonly object rows

    def __cinit__(self, rows):
        cdef cbool half = rows.dtype.char == "e"
        cdef const unsigned char[:, ::1] data = as_bytes("rows", rows)
        cdef int64_t n = data.shape[0]
        cdef int dim = data.shape[1] // (2 if half else 4)
        cdef const void *begin = &data[0, 0] if n and dim else NULL
        with nogil:
            self.codes = new CRowCodes(begin, n, dim, half)
        self.rows = rows

    def __dealloc__(self):
        del self.codes


cdef class TopK:
    """The top-k rows for each query.

    Parameters
    ----------
    queries : float32 array, (n, dim)
        Copied.
    topn : int
        Keep at most this many rows per query; at least 1.
    """

    cdef CTopK *best
    cdef int level

    def __cinit__(self, const float[:, ::1] queries, int64_t topn):
        self.level = level_number()
        if topn < 1:
            raise ValueError(f"topn: must be at least 1, got {topn}")
        cdef const float *data = &queries[0, 0] if queries.shape[0] and queries.shape[1] else NULL
        self.best = new CTopK(data, queries.shape[0], queries.shape[1], topn)

    def __dealloc__(self):
        del self.best

    def add_rows(self, rows, int64_t first, const unsigned char[::1] mask=None):
        """Score rows by their dot products with the queries, and update the top-k.

        Parameters
        ----------
        rows : float32 or float16 array, (n, dim)
            May be memory-mapped read-only.
        first : int
            The index of the first row.
        mask : uint8 array, (n,), optional
            Rows with mask 0 are skipped.
        """
        cdef cbool half = rows.dtype.char == "e"
        cdef const unsigned char[:, ::1] data = as_bytes("rows", rows)
        cdef int64_t n = data.shape[0]
        cdef const void *begin = &data[0, 0] if n and data.shape[1] else NULL
        if data.shape[1] != self.best.dim * (2 if half else 4):
            raise ValueError(f"rows: expected {self.best.dim} dimensions as in the queries, got shape {rows.shape}")
        cdef const unsigned char *kept = mask_of(mask, n)
        cdef TopKRows top_k_rows = choose_top_k_rows(self.level, half)
        with nogil:
            top_k_rows(self.best[0], begin, n, first, kept)

    def add_coded_rows(self, RowCodes codes not None, int64_t begin, int64_t end, const unsigned char[::1] mask=None):
        """Like `add_rows`, with rows `begin` to `end` of ``codes.rows``; the results are the same to the bit.

        Parameters
        ----------
        codes : RowCodes
        begin, end : int
            `begin` is a multiple of 64.
        mask : uint8 array, (end - begin,), optional
            Rows with mask 0 are skipped.
        """
        if codes.codes.dim != self.best.dim:
            raise ValueError(f"codes: expected {self.best.dim} dimensions as in the queries, got {codes.codes.dim}")
        if begin % ROWS_OF_CODES or not 0 <= begin <= end <= codes.codes.n:
            raise ValueError(f"begin, end: expected a multiple of {ROWS_OF_CODES} up to {codes.codes.n} rows, "
                             f"got {begin} and {end}")
        cdef const unsigned char *kept = mask_of(mask, end - begin)
        with nogil:
            c_top_k_codes(self.best[0], codes.codes[0], begin, end, kept, self.level)

    def add_scores(self, const float[:, ::1] scores, int64_t first, const unsigned char[::1] mask=None):
        """Like `add_rows`, from precomputed scores (n_queries, n). Scores of -inf or NaN are skipped."""
        cdef int64_t query, n = scores.shape[1]
        cdef const unsigned char *kept = mask_of(mask, n)
        if scores.shape[0] != self.best.n_queries:
            raise ValueError(f"scores: expected one row per query, {self.best.n_queries}, got {scores.shape[0]}")
        if n:
            with nogil:
                for query in range(self.best.n_queries):
                    self.best.add_scores(query, &scores[query, 0], n, first, kept)

    def add_columns(self, const float[:, ::1] scores, int64_t first):
        """Like `add_scores`, from the transposed scores (n, n_queries)."""
        cdef int64_t row, n = scores.shape[0]
        if scores.shape[1] != self.best.n_queries:
            raise ValueError(f"scores: expected {self.best.n_queries} columns, one per query, got {scores.shape[1]}")
        if n and self.best.n_queries:
            with nogil:
                for row in range(n):
                    self.best.add_row_scores(&scores[row, 0], first + row)

    def merge(self, TopK other):
        """Merge the top-k of `other`, for the same queries and different rows, into this one."""
        if other.best.n_queries != self.best.n_queries:
            raise ValueError(f"other: expected {self.best.n_queries} queries, got {other.best.n_queries}")
        with nogil:
            self.best.merge(other.best[0])

    def found(self):
        """Return the rows (int64) and scores (float32) per query, in descending order of score, ties by row."""
        cdef int64_t query, i
        cdef int64_t[::1] rows
        cdef float[::1] scores
        self.best.sort()
        found = []
        for query in range(self.best.n_queries):
            n = self.best.hits(query).size()
            found.append((np.empty(n, np.int64), np.empty(n, np.float32)))
            rows, scores = found[query]
            for i in range(<int64_t>n):
                rows[i], scores[i] = self.best.hits(query)[i].row, self.best.hits(query)[i].score
        return found


def add_postings(const int64_t[::1] starts, const int32_t[::1] rows, const float[::1] weights,
                 const int64_t[::1] features, const float[::1] query, float[::1] scores,
                 const uint16_t[::1] lengths=None, const float[::1] factors=None):
    """Add the products of a query and texts, from an inverted index, to `scores`, and cut them at 1.

    Parameters
    ----------
    starts : int64 array, (n_features + 1,)
    rows, weights : int32 and float32 arrays, (n,)
        Feature f occurs in the texts ``rows[starts[f]:starts[f + 1]]``, with the weights at the same positions.
    features, query : int64 and float32 arrays, (n_query,)
        The features of the query, and their weights. Products are summed in this order.
    scores : float32 array, (n_texts,)
        Zeros.
    lengths, factors : uint16 array, (n_texts,), and float32 array, optional
        The score of text i is multiplied by ``factors[lengths[i]]``.
    """
    cdef CPostings postings
    cdef CLengthFactors by_length
    cdef cbool fine = True
    if len(rows) != len(weights) or len(features) != len(query) or not len(starts):
        raise ValueError("starts, rows, weights, features, query: their sizes do not fit together")
    if lengths is not None:
        if len(lengths) != len(scores) or factors is None or not len(factors):
            raise ValueError(f"lengths, factors: expected a length for each of {len(scores)} texts, and factors")
        by_length.factors, by_length.n = &factors[0], len(factors)
        if len(lengths):
            by_length.lengths = &lengths[0]
    postings.starts, postings.n_features, postings.n = &starts[0], len(starts) - 1, len(rows)
    postings.rows = &rows[0] if len(rows) else NULL
    postings.weights = &weights[0] if len(rows) else NULL
    if len(features) and len(scores):
        with nogil:
            fine = c_add_postings(postings, &features[0], &query[0], len(features), &scores[0], len(scores),
                                  by_length)
    if not fine:
        raise ValueError(f"starts, rows, features: expected positions in {len(rows)} postings and rows of "
                         f"{len(scores)} texts" + (f", lengths less than {by_length.n}" if lengths is not None else ""))


cdef const unsigned char *mask_of(const unsigned char[::1] mask, int64_t n) except? NULL:
    if mask is not None and len(mask) != n:
        raise ValueError(f"mask: expected one entry per row, {n}, got {len(mask)}")
    return &mask[0] if mask is not None and n else NULL


class ChangedVectorsError(ValueError):
    """The vector of a word is not the one that its row was computed from."""


class NotFiniteVectorError(ValueError):
    """The vector of a sentence, whose number is the argument, has NaN or infinite values."""


cdef class Encoder:
    """Computes sentence vectors from the arrays of a trained model, which it never modifies.

    Parameters
    ----------
    words : Vocabulary
        Any object whose attribute `table` is a `WordTable`.
    vectors : float32 or float16 array, (n_words, dim)
    ngrams : array of the same dtype, (bucket, dim)
        May be empty if `word_ngrams` is 1.
    word_ngrams : int
    skip_bigrams : bool
    ngram_hash : str
    weights : float32 array, (n_words,), optional
        The weight of each word in the mean, >= 0. Only for `word_ngrams` 1.
    parts : sequence of (int, float)
        The number of dimensions of each part of a sentence vector, and the length that it is scaled to. Without parts,
        vectors are not scaled.
    source : (float32 or float16 array, array), optional
        The vectors that `vectors`, the rows of words, were computed from, and values of them as they were then, by
        which `encode` finds those that changed: ``source.reshape(-1)[::max(1, dim - 1)]``.
    first_half : float
    half_length : int
        In sentences of more than `half_length` tokens, the weights in the first half are multiplied by `first_half`.
    unseen : callable, optional
        Makes a cache of rows of out-of-vocabulary words, `UnseenRows`. By default, these words are left out.
    encode_words : callable, optional
        The rows and weights of a list of out-of-vocabulary words that a cache lacks, for `UnseenRows.add`. By default,
        these words are left out.
    n_caches : int
        Caches to keep; each thread that encodes uses one at a time.
    """

    cdef CReader reader
    cdef CSource source
    cdef CParts parts
    cdef WordTable table
    cdef int level
    cdef unique_ptr[CScratch] scratch  # this and `text` are kept from one short text to the next
    cdef vector[char] text
    cdef list caches
    cdef int64_t n_caches
    cdef object unseen, encode_words
    cdef const float[::1] weights
    cdef readonly object words
    cdef readonly tuple arrays, mode

    def __init__(self, words, vectors, ngrams, *, int word_ngrams, bint skip_bigrams, str ngram_hash, weights=None,
                 parts=(), source=None, float first_half=1, int64_t half_length=0, unseen=None, encode_words=None,
                 int64_t n_caches=1):
        cdef WordTable table = words.table
        cdef bint half = vectors.dtype.char == "e"
        # Typed memoryviews do not support float16, so both dtypes are passed as bytes.
        cdef const unsigned char[:, ::1] w = as_bytes("vectors", vectors)
        cdef const unsigned char[:, ::1] g = as_bytes("vectors_ngrams", ngrams)
        if table.table.n_words > w.shape[0]:
            raise ValueError(f"vectors: expected at least one row per word, {table.table.n_words}, got {w.shape[0]}")
        if word_ngrams > 1 and (g.shape[0] < 1 or g.shape[1] != w.shape[1]):
            raise ValueError("vectors_ngrams: expected shape (bucket, dim) with bucket >= 1, "
                             f"and the dtype and dim of vectors, got {ngrams.dtype}, shape {ngrams.shape}")
        if weights is not None and (word_ngrams > 1 or len(weights) != table.table.n_words):
            raise ValueError(f"weights: expected one per word, {table.table.n_words}, and word_ngrams=1, "
                             f"got {len(weights)} and word_ngrams={word_ngrams}")
        if parts and (min(size for size, _ in parts) < 0 or sum(size for size, _ in parts) != vectors.shape[1]):
            raise ValueError(f"parts: expected {vectors.shape[1]} dimensions in all, got {parts}")
        self.parts.sizes, self.parts.lengths = [size for size, _ in parts], [length for _, length in parts]
        self.words, self.table, self.arrays = words, table, (vectors, ngrams)
        self.level, self.mode = level_number(), (word_ngrams, skip_bigrams, ngram_hash)
        self.reader.words = <const char*>&w[0, 0] if w.shape[0] else NULL
        self.reader.ngrams = <const char*>&g[0, 0] if g.shape[0] else NULL
        self.reader.n_words, self.reader.bucket = w.shape[0], g.shape[0]
        self.reader.dim, self.reader.n, self.reader.half = w.shape[1] // (2 if half else 4), word_ngrams, half
        self.reader.skip, self.reader.epfml = skip_bigrams, ngram_hash == "epfml"
        if source is not None:
            self.set_source(source[0], source[1])
        self.weights = weights
        self.reader.weights = &self.weights[0] if weights is not None and len(weights) else NULL
        self.reader.first_half, self.reader.half_length = first_half, half_length
        self.unseen, self.encode_words, self.caches, self.n_caches = unseen, encode_words, [], n_caches

    cdef int set_source(self, vectors, values) except -1:
        cdef const unsigned char[:, ::1] data = as_bytes("source", vectors)
        cdef const unsigned char[::1] known = values.view("u1")
        self.source.bytes = values.itemsize
        self.source.dim = vectors.shape[1]
        if (vectors.dtype != values.dtype or not self.source.dim or vectors.shape[0] < self.table.table.n_words
                or values.size < self.source.value_of(vectors.shape[0] - 1) + 1):
            raise ValueError(f"source: expected the vectors of {self.table.table.n_words} words and values of each, "
                             f"got {vectors.dtype} of shape {vectors.shape}, and {values.size} values")
        self.source.vectors, self.source.values = <const char*>&data[0, 0], <const char*>&known[0]
        self.arrays += (vectors, values)
        return 0

    def encode(self, Pack pack not None, float[:, ::1] out, int64_t[::1] known=None, *, float[::1] totals=None,
               bint compare=True):
        """Write the sentence vectors, the means of the rows of each sentence with their parts scaled, to `out`.

        Parameters
        ----------
        pack : Pack
        out : float32 array, (n_sentences, dim)
        known : int64 array, (n_sentences,), optional
            Filled with the number of known words per sentence.
        totals : float32 array, (n_sentences,), optional
            Filled with the sum of the weights of the rows per sentence.
        compare : bool
            Compare the source of each word with what it was.

        Raises
        ------
        ChangedVectorsError
            If `compare`, and the source of a word changed.
        NotFiniteVectorError
            If a vector has NaN or infinite values; its argument is the sentence.
        """
        cdef int64_t n = len(pack)
        cdef CEncoded encoded
        if out.shape[0] != n or out.shape[1] != self.reader.dim:
            raise ValueError(f"out: expected shape ({n}, {self.reader.dim}), got ({out.shape[0]}, {out.shape[1]})")
        if (known is not None and len(known) != n) or (totals is not None and len(totals) != n):
            raise ValueError(f"known, totals: expected one entry per sentence, {n}")
        encoded.vectors = &out[0, 0] if n else NULL
        encoded.known = &known[0] if known is not None and n else NULL
        encoded.totals = &totals[0] if totals is not None and n else NULL
        self.run(pack.view(), encoded, compare, False)

    def encode_text(self, text):
        """Compute the vector of one text, to the bit that of `encode`.

        Returns
        -------
        vector : float32 array, (dim,)
        known : bool
            Whether it has a word of positive weight, or for the plain mean a known word.

        Raises
        ------
        ChangedVectorsError, NotFiniteVectorError
            As in `encode`.
        """
        cdef float total
        cdef int64_t end
        cdef vector[char] utf8
        cdef CEncoded encoded
        cdef CPack pack
        cdef Py_buffer buffer
        if not isinstance(text, str):
            raise TypeError(f"text: expected a string, got {type(text).__name__}")
        result = new_array(self.reader.dim, float32)
        utf8.swap(self.text)
        utf8.clear()
        append(utf8, text)
        end = utf8.size()
        utf8.resize(end + PADDING)
        pack.text, pack.sentence_ends, pack.n_sentences = utf8.data(), &end, 1
        pack.token_ends = NULL
        PyObject_GetBuffer(result, &buffer, PyBUF_WRITABLE)
        try:
            encoded.vectors, encoded.totals = <float*>buffer.buf, &total
            encoded.known = NULL
            self.run(pack, encoded, True, end <= SHORT_TEXT)
        finally:
            PyBuffer_Release(&buffer)
        if end <= SHORT_TEXT:
            utf8.swap(self.text)
        return result, total > 0

    cdef int run(self, CPack pack, CEncoded encoded, bint compare, bint is_short) except -1:
        cdef UnseenRows unseen = None
        cdef CTokens missed
        encoded.missed = &missed
        if self.unseen is not None:
            unseen = self.caches.pop() if self.caches else self.new_cache()
            unseen.rows.trim()
        self.run_with(unseen, pack, encoded, compare, is_short)
        if missed.ends.size() and self.encode_words is not None:
            # All again: if the rows were added to the sums, values would depend on what is in the cache.
            words = list(dict.fromkeys(strings_of(missed)))
            unseen.add(words, *self.encode_words(words))
            self.run_with(unseen, pack, encoded, False, is_short)
        if unseen is not None and len(self.caches) < self.n_caches:
            self.caches.append(unseen)
        return 0

    cdef UnseenRows new_cache(self):
        cdef UnseenRows cache = self.unseen()
        if cache.rows.dim() != self.reader.dim:
            raise ValueError(f"unseen: expected rows of {self.reader.dim} dimensions, got {cache.rows.dim()}")
        return cache

    cdef int run_with(self, UnseenRows unseen, CPack pack, CEncoded encoded, bint compare, bint is_short) except -1:
        cdef int64_t changed = -1, not_finite = -1
        cdef CSource source
        cdef CUnseenRows *rows = unseen.rows if unseen is not None else NULL
        cdef unique_ptr[CScratch] scratch
        encoded.changed, encoded.not_finite = &changed, &not_finite
        if compare:
            source = self.source
        if is_short:
            scratch.swap(self.scratch)
        if not scratch:
            scratch.reset(new CScratch(self.table.table, self.reader.epfml))
        if is_short:  # releasing the GIL would take longer, or wait for another thread
            c_encode(self.reader, scratch.get()[0], pack, self.level, rows, self.parts, source, encoded)
            scratch.swap(self.scratch)
        else:
            with nogil:
                c_encode(self.reader, scratch.get()[0], pack, self.level, rows, self.parts, source, encoded)
        if changed >= 0:
            raise ChangedVectorsError(f"the vector of word {changed} changed")
        if not_finite >= 0:
            raise NotFiniteVectorError(not_finite)
        return 0

    def row_ids(self, Pack pack not None):
        """Return the ids of the rows whose mean is the vector of each sentence.

        Returns
        -------
        numbers : bytes
            int64: word ids, and n_words + r for n-gram row r.
        ends : bytes
            int64: the rows of sentence s end at ``ends[s]``.
        """
        cdef vector[int64_t] numbers, ends
        cdef CPack view = pack.view()
        ends.resize(len(pack))
        with nogil:
            c_number_rows(self.reader, self.table.table, view, numbers, ends.data())
        return (PyBytes_FromStringAndSize(<char*>numbers.data(), numbers.size() * sizeof(int64_t)),
                PyBytes_FromStringAndSize(<char*>ends.data(), ends.size() * sizeof(int64_t)))


cdef list strings_of(CTokens &tokens):
    cdef int64_t begin = 0, end
    strings = []
    for end in tokens.ends:
        strings.append(PyUnicode_DecodeUTF8(tokens.text.data() + begin, end - begin, "surrogatepass"))
        begin = end
    return strings


cdef int check_codes(const uint32_t[::1] codes, const int64_t[::1] sizes) except -1:
    cdef int64_t i, total = 0
    for i in range(len(sizes)):
        if sizes[i] < 0 or sizes[i] > len(codes) - total:
            raise ValueError(f"sizes: expected values >= 0 that sum to at most the {len(codes)} code points, "
                             f"got {sizes[i]} for word {i}")
        total += sizes[i]
    return 0


def code_points(const unsigned char[::1] blob, const int64_t[::1] offsets):
    """Decode and decompose words: the code points of ``"<" + NFD(word) + ">"``.

    Parameters
    ----------
    blob, offsets : uint8 and int64 arrays
        The words, as in `PackedStrings`.

    Returns
    -------
    codes, sizes : bytes
        uint32: the code points of all words, end to end; int64: their number by word.
    """
    cdef vector[uint32_t] codes
    cdef vector[int64_t] sizes
    cdef const char *text = <const char*>&blob[0] if len(blob) else NULL
    cdef int64_t i, n
    cdef size_t before
    cdef Py_UCS4 code
    check_offsets(offsets, len(blob))
    for i in range(len(offsets) - 1):
        n, before = offsets[i + 1] - offsets[i], codes.size()
        codes.push_back(ord("<"))
        if not append_nfd(CWord(text + offsets[i], n), codes):
            codes.resize(before + 1)
            for code in normalize("NFD", PyUnicode_DecodeUTF8(text + offsets[i], n, "surrogatepass")):
                codes.push_back(code)
        codes.push_back(ord(">"))
        sizes.push_back(codes.size() - before)
    return (bytes_of(codes.data(), codes.size() * sizeof(uint32_t)),
            bytes_of(sizes.data(), sizes.size() * sizeof(int64_t)))


cdef int check_ngrams(int min_n, int max_n, int64_t n=0) except -1:
    if min_n < 1 or max_n < min_n:
        raise ValueError(f"min_n, max_n: expected 1 <= min_n <= max_n, got {min_n} and {max_n}")
    if n >= 2**32:
        raise ValueError(f"hashes: expected fewer than 2^32 n-grams, got {n}")
    return 0


cdef class NgramCounter:
    """Counts the character n-grams of words.

    Parameters
    ----------
    min_n, max_n : int
        Shortest and longest n-gram.
    """

    cdef CNgramCounts *counts

    def __init__(self, int min_n, int max_n):
        check_ngrams(min_n, max_n)
        del self.counts
        self.counts = NULL
        self.counts = new CNgramCounts(min_n, max_n)

    def __dealloc__(self):
        del self.counts

    def add(self, const uint32_t[::1] codes, const int64_t[::1] sizes, const double[::1] counts):
        """Add words.

        Parameters
        ----------
        codes, sizes : uint32 and int64 arrays
            As for `Speller.write`.
        counts : float64 array, (n_words,)
            How often each word occurs.
        """
        cdef int64_t w, n = len(sizes)
        check_codes(codes, sizes)
        if len(counts) != n:
            raise ValueError(f"counts: expected one per word, {n}, got {len(counts)}")
        for w in range(n):
            if not counts[w] >= 0:
                raise ValueError(f"counts: expected values >= 0, got {counts[w]} for word {w}")
        if n and len(codes):
            with nogil:
                self.counts.add(&codes[0], &sizes[0], &counts[0], n)

    def export(self):
        """Return the n-grams.

        Returns
        -------
        hashes, totals : bytes
            uint64: the distinct n-grams, in ascending order; float64: how often each occurs.
        """
        cdef vector[uint64_t] hashes
        cdef vector[double] totals
        with nogil:
            self.counts.sorted(hashes, totals)
        return (bytes_of(hashes.data(), hashes.size() * sizeof(uint64_t)),
                bytes_of(totals.data(), totals.size() * sizeof(double)))


cdef class NgramSums:
    """Signatures of known words, and sums over the words of each n-gram; see `gensim_sent2vec._pooling.spelling`.

    Parameters
    ----------
    hashes, weights : uint64 and float32 arrays, (n_ngrams,)
        As for `Speller`.
    min_n, max_n, seed : int
    sums, totals : float32 arrays, (n_ngrams, dim) and (n_ngrams,)
        φ_wg · scale_w · vector_w and φ_wg · scale_w of each word w are added to the rows of its n-grams g. Without
        dimensions, only signatures are computed.
    """

    cdef CNgramSums *ngrams
    cdef tuple arrays
    cdef int64_t dim

    def __init__(self, const uint64_t[::1] hashes, const float[::1] weights, int min_n, int max_n, uint64_t seed,
                 float[:, ::1] sums, float[::1] totals):
        cdef int64_t n = len(hashes)
        cdef bint some = n > 0
        check_ngrams(min_n, max_n, n)
        if len(weights) != n or sums.shape[0] != n or len(totals) != n:
            raise ValueError(f"weights, sums, totals: expected one per n-gram, {n}, got {len(weights)}, "
                             f"{sums.shape[0]} and {len(totals)}")
        self.arrays, self.dim = (hashes, weights, sums, totals), sums.shape[1]
        del self.ngrams
        self.ngrams = NULL
        self.ngrams = new CNgramSums(&hashes[0] if some else NULL, &weights[0] if some else NULL, n, min_n, max_n, seed,
                                     self.dim, &sums[0, 0] if some and self.dim else NULL,
                                     &totals[0] if some else NULL, level_number())

    def __dealloc__(self):
        del self.ngrams

    def add(self, const uint32_t[::1] codes, const int64_t[::1] sizes, const float[::1] scales,
            const float[:, ::1] vectors, float[:, :] signatures):
        """Add words, and write their signatures.

        Parameters
        ----------
        codes, sizes : uint32 and int64 arrays
            As for `Speller.write`.
        scales : float32 array, (n_words,)
        vectors : float32 array, (n_words, dim)
        signatures : float32 array, (n_words, dims)
            The values of each row must be contiguous.
        """
        cdef int64_t w, first = 0, n = len(sizes), dims = signatures.shape[1]
        check_codes(codes, sizes)
        if len(scales) != n or vectors.shape[0] != n or vectors.shape[1] != self.dim or signatures.shape[0] != n:
            raise ValueError(f"scales, vectors, signatures: expected {n} words and {self.dim} dimensions of vectors")
        check_contiguous(signatures, "signatures")
        if not n or not len(codes):
            signatures[:] = 0
            return
        with nogil:
            for w in range(n):
                self.ngrams.add(&codes[first], sizes[w], scales[w], &vectors[w, 0] if self.dim else NULL, dims,
                                &signatures[w, 0] if dims else NULL)
                first += sizes[w]

    def averages(self, const float[::1] common, float scale):
        """Return the quotients of `sums` and `totals`, without their components along the unit vector `common`.

        They are multiplied by `scale`; values that are too large for float16 are then the largest one.

        Returns
        -------
        float16 array, (n_ngrams, dim)
        """
        cdef uint16_t[:, ::1] out
        if len(common) != self.dim:
            raise ValueError(f"common: expected {self.dim} dimensions, got {len(common)}")
        result = np.empty((len(self.arrays[0]), self.dim), dtype="u2")
        out = result
        if out.shape[0] and out.shape[1]:
            with nogil:
                self.ngrams.average(&common[0], scale, &out[0, 0])
        return result.view("e")


cdef class Speller:
    """Computes rows of words from their character n-grams; see `gensim_sent2vec._pooling.spelling.CharNgrams`.

    Parameters
    ----------
    hashes, weights : uint64 and float32 arrays, (n_ngrams,)
        The hashes of the known n-grams, in ascending order, and their weights c_g.
    vectors : float32 or float16 array, (n_ngrams, dim)
        The vectors N_g of the known n-grams. Without rows, words get no vectors.
    new_weight : float
        The weight c_g of an unknown n-gram.
    min_n, max_n, seed : int
    meaning_map : float32 array, (dim, meaning_dims)
        Maps the normalized vector of a word to the first dimensions of its row, the semantic part.
    lexical_map : float32 array, (dims, dims)
        Maps the normalized signature of a word to the other dimensions, the lexical part.
    """

    cdef CSpelling spelling
    cdef CHashIndex *index
    cdef CMaps maps
    cdef int level
    cdef tuple arrays

    def __init__(self, const uint64_t[::1] hashes, const float[::1] weights, vectors, float new_weight, int min_n,
                 int max_n, uint64_t seed, const float[:, ::1] meaning_map, const float[:, ::1] lexical_map):
        cdef bint half = vectors.dtype.char == "e"
        cdef const unsigned char[:, ::1] rows = as_bytes("vectors", vectors)
        if len(weights) != len(hashes) or (rows.shape[0] and rows.shape[0] != len(hashes)):
            raise ValueError(f"weights, vectors: expected one per n-gram, {len(hashes)}, "
                             f"got {len(weights)} and {rows.shape[0]}")
        if rows.shape[0] and rows.shape[1] != meaning_map.shape[0] * (2 if half else 4):
            raise ValueError(f"meaning_map: expected one row per dimension of vectors, "
                             f"{rows.shape[1] // (2 if half else 4)}, got {meaning_map.shape[0]}")
        if lexical_map.shape[0] != lexical_map.shape[1]:
            raise ValueError("lexical_map: expected a square matrix, "
                             f"got shape ({lexical_map.shape[0]}, {lexical_map.shape[1]})")
        check_ngrams(min_n, max_n, len(hashes))
        self.arrays = hashes, weights, rows, meaning_map, lexical_map
        self.level = level_number()
        del self.index
        self.index = new CHashIndex(&hashes[0] if len(hashes) else NULL, len(hashes))
        self.spelling.index = self.index
        self.spelling.weights = &weights[0] if len(hashes) else NULL
        self.spelling.vectors = <const char*>&rows[0, 0] if rows.shape[0] and rows.shape[1] else NULL
        self.spelling.new_weight, self.spelling.half = new_weight, half
        self.spelling.dim, self.spelling.dims = meaning_map.shape[0], lexical_map.shape[0]
        self.spelling.min_n, self.spelling.max_n, self.spelling.seed = min_n, max_n, seed
        self.maps.meaning_dims = meaning_map.shape[1]
        self.maps.meaning = &meaning_map[0, 0] if meaning_map.shape[0] and meaning_map.shape[1] else NULL
        self.maps.lexical = &lexical_map[0, 0] if lexical_map.shape[0] else NULL

    def __dealloc__(self):
        del self.index

    def write(self, const uint32_t[::1] codes, const int64_t[::1] sizes, float[:, ::1] out):
        """Write the rows of words.

        Parameters
        ----------
        codes : uint32 array
            The code points of all words, concatenated, each word between "<" and ">".
        sizes : int64 array, (n_words,)
            The number of code points per word, with "<" and ">".
        out : float32 array, (n_words, meaning_dims + dims)
        """
        cdef int64_t n = len(sizes)
        check_codes(codes, sizes)
        if out.shape[0] != n or out.shape[1] != self.maps.meaning_dims + self.spelling.dims:
            raise ValueError(f"out: expected shape ({n}, {self.maps.meaning_dims + self.spelling.dims}), "
                             f"got ({out.shape[0]}, {out.shape[1]})")
        if n == 0 or out.shape[1] == 0:
            return
        cdef const uint32_t *first = &codes[0] if len(codes) else NULL
        with nogil:
            c_spell_rows(self.spelling, self.maps, first, &sizes[0], n, self.level, &out[0, 0])


cdef class UnseenRows:
    """A cache of rows and weights of out-of-vocabulary words, for one call of `Encoder.encode` at a time.

    Parameters
    ----------
    dim : int
    capacity : int
        The number of words from which on `trim` empties the cache.
    speller : Speller, optional
        Computes the rows of words of ASCII, Hangul and Chinese characters when they are needed. Rows of other words
        must be added.
    weight : float
        The weight of the words that `speller` spells, unless their row is all zeros.
    stop_words : collection of str
        Words that `speller` gives the weight 0.
    """

    cdef CUnseenRows *rows
    cdef Speller speller

    def __cinit__(self, int dim, int64_t capacity, Speller speller=None, float weight=0, stop_words=()):
        if dim < 0 or capacity < 1:
            raise ValueError(f"dim, capacity: must be at least 0 and 1, got {dim} and {capacity}")
        self.rows = new CUnseenRows(dim, capacity)
        self.speller = speller
        if speller is None:
            return
        if dim != speller.maps.meaning_dims + speller.spelling.dims:
            raise ValueError(f"speller: expected rows of {dim} dimensions, "
                             f"got {speller.maps.meaning_dims + speller.spelling.dims}")
        self.rows.spell_with(speller.spelling, speller.maps, weight, speller.level)
        for word in stop_words:
            utf8 = word.encode("utf-8", "surrogatepass")
            self.rows.add_stop_word(utf8, len(utf8))

    def __dealloc__(self):
        del self.rows

    def add(self, words, const float[:, ::1] rows, const float[::1] weights):
        """Add words.

        Parameters
        ----------
        words : sequence of str
        rows : float32 array, (n_words, dim)
        weights : float32 array, (n_words,)
        """
        cdef int64_t i, n = len(words)
        if rows.shape[0] != n or rows.shape[1] != self.rows.dim() or len(weights) != n:
            raise ValueError(f"rows, weights: expected {n} rows of {self.rows.dim()} dimensions and a weight for each, "
                             f"got shape ({rows.shape[0]}, {rows.shape[1]}) and {len(weights)} weights")
        for i in range(n):
            utf8 = words[i].encode("utf-8", "surrogatepass")
            if self.rows.find(CWord(utf8, len(utf8))) < 0:
                self.rows.add(CWord(utf8, len(utf8)), &rows[i, 0] if rows.shape[1] else NULL, weights[i])

    def trim(self):
        """Empty the cache if it is full."""
        self.rows.trim()
