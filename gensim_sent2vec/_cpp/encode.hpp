// Sentence vectors with rows for out-of-vocabulary words, and with parts scaled to their lengths.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "spelling.hpp"

namespace s2v {

// Appends the code points of NFD(word). Returns false for a word with other characters than ASCII, Hangul syllables and
// the main block of Chinese characters, none of which needs Unicode's tables.
inline bool append_nfd(const Word& word, std::vector<uint32_t>& out) {
    for (const char *p = word.p, *end = p + word.n; p < end;) {
        const auto bits = [&p](int i, int mask) { return static_cast<uint32_t>(p[i] & mask); };
        const int length = utf8_length(p, end);
        const uint32_t code = length == 1   ? bits(0, 0x7f)
                              : length == 3 ? bits(0, 0x0f) << 12 | bits(1, 0x3f) << 6 | bits(2, 0x3f)
                                            : 0xffff;
        if (code < 0x80 || (code >= 0x4e00 && code <= 0x9fff)) {
            out.push_back(code);
        } else if (code >= 0xac00 && code <= 0xd7a3) {  // the arithmetic of the Unicode standard, section 3.12
            const uint32_t at = code - 0xac00;
            out.push_back(0x1100 + at / 588);
            out.push_back(0x1161 + at % 588 / 28);
            if (at % 28) out.push_back(0x11a7 + at % 28);
        } else {
            return false;
        }
        p += length;
    }
    return true;
}

// A cache of rows and weights of out-of-vocabulary words, for one thread at a time.
class UnseenRows {
  public:
    UnseenRows(int dim, size_t capacity) : dim_(dim), capacity_(capacity) {}

    // Lets find() compute rows. Words get this weight, stop words and rows of zeros 0.
    void spell_with(const Spelling& spelling, const Maps& maps, float weight, int level) {
        speller_ = std::make_unique<Speller>(spelling, maps, level);
        weight_ = weight;
        spelled_.resize(static_cast<size_t>(dim_));
    }
    void add_stop_word(const char* p, size_t n) { stop_words_.emplace(p, n); }

    // The position of a word, or -1 if it is not in the cache and its row must be computed elsewhere.
    int64_t find(const Word& word) {
        const int64_t at = words_.find(word);
        if (at >= 0 || !speller_) return at;
        codes_.assign(1, '<');
        if (!append_nfd(word, codes_)) return -1;
        codes_.push_back('>');
        speller_->write(codes_.data(), static_cast<int64_t>(codes_.size()), spelled_.data());
        const bool counts = std::any_of(spelled_.begin(), spelled_.end(), [](float x) { return x != 0; }) &&
                            !stop_words_.count(std::string(word.p, word.n));
        return add(word, spelled_.data(), counts ? weight_ : 0.0f);
    }

    // Adds a word that find() did not find. Returns its position.
    int64_t add(const Word& word, const float* row, float weight) {
        words_.add(word);
        weights_.push_back(weight);
        const int64_t at = static_cast<int64_t>(weights_.size()) - 1;
        if (at % BLOCK == 0) blocks_.emplace_back(new float[static_cast<size_t>(BLOCK * dim_)]);
        std::copy_n(row, dim_, blocks_.back().get() + at % BLOCK * dim_);
        return at;
    }

    // Empties a full cache. Nothing else removes words, so that those of a batch stay while it is encoded.
    void trim() {
        if (weights_.size() < capacity_ && words_.blob.size() < capacity_ * LONG_WORD) return;
        words_.clear();
        weights_.clear();
        blocks_.clear();
    }

    const float* row(int64_t at) const { return blocks_[static_cast<size_t>(at / BLOCK)].get() + at % BLOCK * dim_; }
    float weight(int64_t at) const { return weights_[static_cast<size_t>(at)]; }
    int dim() const { return dim_; }

  private:
    static constexpr size_t LONG_WORD = 64;  // bytes per word, to bound the memory
    static constexpr int64_t BLOCK = 256;    // rows

    int dim_;
    size_t capacity_;
    WordCounter words_;
    std::vector<std::unique_ptr<float[]>> blocks_;  // of rows: a larger vector would be copied as it grows
    std::vector<float> weights_, spelled_;
    std::unique_ptr<Speller> speller_;
    float weight_ = 0;
    std::unordered_set<std::string> stop_words_;
    std::vector<uint32_t> codes_;
};

// Tokens, one after the other.
struct Tokens {
    std::vector<char> text;
    std::vector<int64_t> ends;

    void add(const Word& word) {
        text.insert(text.end(), word.p, word.p + word.n);
        ends.push_back(static_cast<int64_t>(text.size()));
    }
};

// Consecutive parts of a sentence vector, each scaled to its length; zeros stay zeros.
struct Parts {
    std::vector<int> sizes;
    std::vector<float> lengths;

    void scale(float* row, DotRows dot) const {
        for (size_t i = 0; i < sizes.size(); row += sizes[i++]) {
            float square = 0;
            dot(row, 1, sizes[i], row, &square);
            const float factor = square > 0 ? lengths[i] / std::sqrt(square) : 0.0f;
            for (int j = 0; j < sizes[i]; ++j) row[j] *= factor;
        }
    }
};

// Divides rows by the roots of their sums of squares, except by 0. The numbers of rows whose sum is not above `least`,
// or not finite, are appended to `extreme`.
inline void unit_rows(const float* rows, int64_t n, int dim, float least, float* out, std::vector<int64_t>& extreme) {
    const DotRows dot = choose_dot_rows(0, false);
    for (int64_t r = 0; r < n; ++r, rows += dim, out += dim) {
        float square = 0;
        dot(rows, 1, dim, rows, &square);
        const float length = square > 0 ? std::sqrt(square) : 1.0f;
        if (!(square > least && square <= std::numeric_limits<float>::max())) extreme.push_back(r);
        for (int j = 0; j < dim; ++j) out[j] = rows[j] / length;
    }
}

// The vectors that the rows of words were computed from, and one value of each as it was then. Value j was taken from
// position j * step of the matrix, with the longest step that omits no row: `row_values` in _util/rows.py.
struct Source {
    const char *vectors = nullptr, *values = nullptr;
    uint32_t dim = 0;
    size_t bytes = 4;  // per value

    size_t step() const { return std::max<size_t>(1, dim - 1); }
    size_t value_of(int64_t row) const { return (static_cast<size_t>(row) * dim + step() - 1) / step(); }
    const char* place_of(int64_t row) const { return vectors + value_of(row) * step() * bytes; }
    bool has_changed(int64_t row) const {
        return std::memcmp(place_of(row), values + value_of(row) * bytes, bytes) != 0;
    }
};

// Outputs of encode(), one entry per sentence. `known`, `totals` and `missed` may be null, and without a source
// `changed`.
struct Encoded {
    float* vectors;       // (n_sentences, dim); zeros for a sentence with no known words
    int64_t* known;       // number of known words
    float* totals;        // sum of the rows' weights; the number of rows for the plain mean
    Tokens* missed;       // out-of-vocabulary tokens without a row, which are left out of the vectors
    int64_t* changed;     // set to a word of the sentences whose source changed, if there is one
    int64_t* not_finite;  // set to the first sentence whose vector is not finite, if there is one
};

// What encode() needs besides; successive calls can use the same, which saves allocations.
struct Scratch {
    Lookup lookup;
    Gathered gathered[2];

    Scratch(const WordTable& words, bool epfml) : lookup(words, epfml) {}
};

inline void encode(const Reader& reader, Scratch& scratch, const Pack& pack, int level, UnseenRows* unseen,
                   const Parts& parts, const Source& source, const Encoded& out) {
    const MeanRows mean_rows = choose_mean_rows(level, reader.dim, reader.half);
    const DotRows dot = choose_dot_rows(level, false);
    Lookup& lookup = scratch.lookup;
    Gathered(&gathered)[2] = scratch.gathered;
    for (int64_t s = 0; s <= pack.n_sentences; ++s) {  // one sentence ahead: prefetch its rows while pooling the last
        if (s < pack.n_sentences) {
            Gathered& next = gathered[s & 1];
            pack.each_token(s, [&](const char* p, size_t n) { lookup.add(p, n); }, reader.epfml);
            next.find(reader, lookup, [&](float factor, const Word& word) {
                if (!unseen) return;
                const int64_t at = unseen->find(word);
                if (at >= 0)
                    next.add(unseen->row(at), reader.dim, factor * unseen->weight(at));
                else if (out.missed)
                    out.missed->add(word);
            });
            if (source.vectors)
                for (const int32_t id : next.ids) prefetch_line(source.place_of(id));
            if (out.known) out.known[s] = static_cast<int64_t>(next.ids.size());
        }
        if (s > 0) {
            float* vector = out.vectors + (s - 1) * reader.dim;
            const Gathered& last = gathered[(s - 1) & 1];
            const float total = mean_rows(last, reader.dim, vector);
            if (source.vectors)
                for (const int32_t id : last.ids)
                    if (source.has_changed(id)) *out.changed = id;
            if (out.totals) out.totals[s - 1] = total;
            parts.scale(vector, dot);
            if (*out.not_finite < 0 && !all_finite(vector, reader.dim)) *out.not_finite = s - 1;
        }
    }
}

// out[s] = the mean of the rows `places` of sentence s, with their weights. Those of sentence s end at ends[s].
inline void weighted_means(const float* rows, int dim, const int32_t* places, const float* weights, const int64_t* ends,
                           int64_t n_sentences, int level, float* out) {
    const MeanRows mean_rows = choose_mean_rows(level, dim, false);
    Gathered gathered;
    for (int64_t s = 0, i = 0; s < n_sentences; ++s, out += dim) {
        gathered.rows.clear();
        gathered.factors.assign(weights + i, weights + ends[s]);
        for (; i < ends[s]; ++i) {
            gathered.rows.push_back(rows + static_cast<size_t>(places[i]) * static_cast<size_t>(dim));
            prefetch_near(gathered.rows.back(), static_cast<size_t>(dim) * sizeof(float));
        }
        mean_rows(gathered, dim, out);
    }
}

// out = rows M, where M has shape (dim, columns). `step` and `out_step`: from one row to the next. With as many columns
// as dimensions, `out` may be `rows`. Equal rows have equal products, wherever they are: the last ones are filled up
// with zeros to a group.
inline void times_rows(const float* rows, int64_t n, int dim, int64_t step, const float* matrix, int columns, int level,
                       float* out, int64_t out_step) {
    constexpr int GROUP = 4;
    const TimesMatrix times_matrix = choose_times_matrix<GROUP>(level);
    const size_t size = static_cast<size_t>(dim);
    std::vector<float> group(GROUP * size), products(GROUP * static_cast<size_t>(columns));
    for (; n > 0; n -= GROUP, rows += GROUP * step, out += GROUP * out_step) {
        const int64_t n_rows = std::min<int64_t>(n, GROUP);
        for (int64_t r = 0; r < n_rows; ++r) std::copy_n(rows + r * step, size, group.begin() + r * dim);
        std::fill(group.begin() + n_rows * dim, group.end(), 0.0f);
        times_matrix(group.data(), dim, matrix, columns, 1.0f, products.data(), columns);
        for (int64_t r = 0; r < n_rows; ++r) std::copy_n(products.begin() + r * columns, columns, out + r * out_step);
    }
}

}  // namespace s2v
