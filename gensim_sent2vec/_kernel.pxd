# cython: language_level=3
"""The C++ declarations that _kernel.pyx uses; what they do is described in the headers of _cpp."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector


cdef extern from "flag.hpp" namespace "s2v" nogil:
    cdef cppclass CFlag "s2v::Flag":
        void set()
        cbool is_set()


cdef extern from "text.hpp" namespace "s2v" nogil:
    cdef enum class ReadStatus:
        OK
        END
        READ_ERROR
        TOKEN_TOO_LONG

    cdef cppclass CWord "s2v::Word":
        CWord(const char *p, size_t n)
        uint64_t hash

    cdef cppclass CWordTable "s2v::WordTable":
        const unsigned char *blob
        const int64_t *offsets
        const uint64_t *slots
        int64_t blob_size, n_words, n_slots
        int64_t find(const CWord &word)

    int64_t fill_slots(const CWordTable &table, uint64_t *slots)
    int64_t first_lost(const CWordTable &table)
    void append_string(vector[char] &out, const void *data, int kind, size_t n, cbool ascii) except +

    cdef cppclass CWordCounter "s2v::WordCounter":
        vector[char] blob
        vector[int64_t] offsets, counts

    cdef cppclass CCorpusCount "s2v::CorpusCount":
        CWordCounter words
        int64_t lines, tokens, bad_offset
        int error
        ReadStatus add_slice(int file, int64_t begin, int64_t end, int64_t max_words, const CFlag *stop) except +
        void add_pack(const CPack &pack, int64_t max_words) except +
        void merge(const CCorpusCount &other, int64_t max_words) except +


cdef extern from "epfml.hpp" namespace "s2v" nogil:
    cdef cppclass CEntries "s2v::Entries":
        vector[char] blob, types
        vector[int64_t] lengths, counts, ends
        vector[uint64_t] hashes
        void read(const char *data, size_t n, int64_t most) except +

    void append_entries(vector[char] &out, const unsigned char *blob, const int64_t *offsets, const int64_t *counts,
                        int64_t n) except +

    void append_character_buckets(vector[int64_t] &out, const unsigned char *word, size_t n, int minn, int maxn,
                                  uint32_t bucket) except +

    cdef cppclass CTablePart "s2v::TablePart":
        uint64_t *slots
        uint64_t begin, size, n_slots
        vector[int64_t] over, alike
        void place(const uint64_t *hashes, const int64_t *ids, int64_t n, cbool carried) except +


cdef extern from "postings.hpp" namespace "s2v" nogil:
    cdef cppclass CPostings "s2v::Postings":
        const int64_t *starts
        const int32_t *rows
        const float *weights
        int64_t n_features, n

    cdef cppclass CLengthFactors "s2v::LengthFactors":
        const uint16_t *lengths
        const float *factors
        int64_t n

    cbool c_add_postings "s2v::add_postings"(const CPostings &postings, const int64_t *features, const float *weights,
                                             int64_t n_query, float *scores, int64_t n_texts,
                                             const CLengthFactors &by_length)


cdef extern from "dispatch.hpp" namespace "s2v" nogil:
    cdef cppclass CModel "s2v::Model":
        float *words
        float *placeholder
        float *ngrams
        float *out
        int64_t n_words, bucket
        int dim, n
        cbool skip, epfml
        int dropout_k, negative, shared_negatives
        const uint64_t *alias
        const uint32_t *keep
        const float *lockf
        int hot

    cdef cppclass AtomicInt64 "std::atomic<int64_t>":
        int64_t load()
        void store(int64_t)

    cdef cppclass CSchedule "s2v::Schedule":
        float start, end
        double total
        cbool by_lines
        AtomicInt64 done
        CFlag stop, diverged
        float rate(int64_t at)

    cdef cppclass CSlot "s2v::Slot":
        float *row
        float m

    cdef cppclass CLine "s2v::Line":
        vector[int32_t] ids
        vector[CSlot] slots
        vector[int] targets, dropped
        int n_dropped
        void plan_rows(const CModel &m) except +

    cdef cppclass CChange "s2v::Change":
        float *row
        float sign

    cdef cppclass CTarget "s2v::Target":
        vector[CChange] changes
        void plan(const CModel &m, const CLine &line, int i) except +

    cdef cppclass CTrainer "s2v::Trainer":
        CModel model
        int64_t trained_words, tokens, lines
        double loss
        CTrainer(const CModel &m, CSchedule &s, uint64_t seed, cbool with_loss, int level,
                 int meet_every) except +
        ReadStatus train_slice(const CWordTable &words, int file, int64_t begin, int64_t end) except +
        void train_pack(const CWordTable &words, const CPack &pack) except +

    cdef cppclass CPack "s2v::Pack":
        const char *text
        const int64_t *token_ends
        const int64_t *sentence_ends
        int64_t n_sentences

    cdef cppclass CReader "s2v::Reader":
        const char *words
        const char *ngrams
        int64_t n_words, bucket
        int dim, n
        cbool skip, epfml, half
        const float *weights
        float first_half
        int64_t half_length

    cdef cppclass CWeightedWords "s2v::WeightedWords":
        vector[int64_t] used
        vector[int32_t] places
        vector[float] weights
        vector[int64_t] ends
        CWeightedWords(const CWordTable &words, const CPack &pack, const float *weights, float first_half,
                       int64_t half_length) except +

    cdef cppclass CUnseenRows "s2v::UnseenRows":
        CUnseenRows(int dim, size_t capacity) except +
        void spell_with(const CSpelling &spelling, const CMaps &maps, float weight, int level) except +
        void add_stop_word(const char *p, size_t n) except +
        int64_t find(const CWord &word) except +
        int64_t add(const CWord &word, const float *row, float weight) except +
        void trim()
        int dim()

    cbool append_nfd(const CWord &word, vector[uint32_t] &out) except +

    cdef cppclass CTokens "s2v::Tokens":
        vector[char] text
        vector[int64_t] ends

    cdef cppclass CParts "s2v::Parts":
        vector[int] sizes
        vector[float] lengths

    cdef cppclass CEncoded "s2v::Encoded":
        float *vectors
        int64_t *known
        float *totals
        CTokens *missed
        int64_t *changed
        int64_t *not_finite

    cdef cppclass CScratch "s2v::Scratch":
        CScratch(const CWordTable &words, cbool epfml) except +

    void c_unit_rows "s2v::unit_rows"(const float *rows, int64_t n, int dim, float least, float *out,
                                      vector[int64_t] &extreme) except +

    void c_weighted_means "s2v::weighted_means"(const float *rows, int dim, const int32_t *places, const float *weights,
                                                const int64_t *ends, int64_t n_sentences, int level,
                                                float *out) except +
    ctypedef void (*SecondMoment)(const float *rows, int64_t n, int dim, double *out) except +
    SecondMoment choose_second_moment(int level)
    void c_times_rows "s2v::times_rows"(const float *rows, int64_t n, int dim, int64_t step, const float *matrix,
                                        int columns, int level, float *out, int64_t out_step) except +

    cdef cppclass CSource "s2v::Source":
        const char *vectors
        const char *values
        uint32_t dim
        size_t bytes
        size_t value_of(int64_t row)

    void c_encode "s2v::encode"(const CReader &reader, CScratch &scratch, const CPack &pack, int level,
                                CUnseenRows *unseen, const CParts &parts, const CSource &source,
                                const CEncoded &out) except +
    void c_number_rows "s2v::number_rows"(const CReader &reader, const CWordTable &words, const CPack &pack,
                                          vector[int64_t] &numbers, int64_t *ends) except +
    void c_sample_lines "s2v::sample_lines"(const char *text, int64_t size, int64_t n, int64_t longest,
                                            vector[int64_t] &begins, vector[int64_t] &ends) except +
    cdef cppclass CHit "s2v::Hit":
        float score
        int64_t row

    cdef cppclass CTopK "s2v::TopK":
        int64_t n_queries, topn
        int dim
        CTopK(const float *queries, int64_t n, int dim, int64_t topn) except +
        void add_scores(int64_t query, const float *scores, int64_t n, int64_t first,
                        const unsigned char *mask) except +
        void add_row_scores(const float *scores, int64_t row) except +
        void merge(const CTopK &other) except +
        void sort()
        const vector[CHit] &hits(int64_t query)

    ctypedef void (*TopKRows)(CTopK &best, const void *rows, int64_t n, int64_t first,
                              const unsigned char *mask) except +
    const int FEW_QUERIES "s2v::TopK::FEW"
    TopKRows choose_top_k_rows(int level, cbool half)
    ctypedef void (*DotRows)(const void *rows, int64_t n, int dim, const float *query, float *out)
    DotRows choose_dot_rows(int level, cbool half)
    cdef cppclass CHashIndex "s2v::HashIndex":
        CHashIndex(const uint64_t *hashes, int64_t n) except +

    cdef cppclass CNgramCounts "s2v::NgramCounts":
        CNgramCounts(int min_n, int max_n) except +
        void add(const uint32_t *codes, const int64_t *sizes, const double *counts, int64_t n_words) except +
        void sorted(vector[uint64_t] &hashes, vector[double] &totals) except +

    cdef cppclass CNgramSums "s2v::NgramSums":
        CNgramSums(const uint64_t *hashes, const float *weights, int64_t n, int min_n, int max_n, uint64_t seed,
                   int dim, float *sums, float *totals, int level) except +
        void add(const uint32_t *codes, int64_t size, float scale, const float *vector, int dims,
                 float *signature) except +
        void average(const float *common, float scale, uint16_t *out) except +

    cdef cppclass CSpelling "s2v::Spelling":
        const CHashIndex *index
        const float *weights
        const char *vectors
        float new_weight
        int dim, dims
        cbool half
        int min_n, max_n
        uint64_t seed

    cdef cppclass CMaps "s2v::Maps":
        const float *meaning
        const float *lexical
        int meaning_dims

    void c_spell_rows "s2v::spell_rows"(const CSpelling &spelling, const CMaps &maps, const uint32_t *codes,
                                        const int64_t *sizes, int64_t n_words, int level, float *out) except +
    void c_fill_alias "s2v::fill_alias"(const double *weights, int64_t n, uint64_t *alias) except +
    void c_fill_uniform "s2v::fill_uniform"(float *out, int64_t n, int64_t first, uint64_t seed, float scale)
    cbool has_level(int level)


cdef extern from "row_codes.hpp" namespace "s2v" nogil:
    cdef cppclass CRowCodes "s2v::RowCodes":
        int64_t n
        int dim
        CRowCodes(const void *rows, int64_t n, int dim, cbool half) except +

    ctypedef uint64_t (*CodesAbove)(const unsigned char *codes, const unsigned char *query, int n_quads,
                                    int32_t threshold)
    CodesAbove choose_codes_above(int level)
    const int ROWS_OF_CODES "s2v::RowCodes::BLOCK"
    void c_top_k_codes "s2v::top_k_codes"(CTopK &best, const CRowCodes &codes, int64_t begin, int64_t end,
                                          const unsigned char *mask, int level) except +


cdef extern from *:
    """
    #if defined(__GNUC__) && !defined(__clang__)
    #pragma GCC optimize ("O1")
    #endif
    """
