// Vectors and signatures of out-of-vocabulary words from character n-grams; defined in _pooling/spelling.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "pooling.hpp"
#include "prefetch.hpp"

namespace s2v {

class HashIndex;

// Calls add(hash) for each character n-gram of a word.
template <class Add>
void each_ngram(const uint32_t* code, int64_t size, int min_n, int max_n, Add&& add) {
    for (int64_t i = 0; i + min_n <= size; ++i) {
        uint64_t h = 0;
        for (int n = 1; n <= max_n && i + n <= size; ++n) {
            h = h * 0xd1342543de82ef95ull + code[i + n - 1] + 1;
            if (n >= min_n) add(mix(h));
        }
    }
}

// The distinct character n-grams of words, and how often they occur. The hash table is indexed by the highest bits of a
// hash, so that its entries are nearly in ascending order.
class NgramCounts {
  public:
    NgramCounts(int min_n, int max_n) : min_n_(min_n), max_n_(max_n), slots_(size_t{1} << bits_) {}

    // codes: concatenated code points; sizes: code points per word; counts: how often each word occurs.
    void add(const uint32_t* codes, const int64_t* sizes, const double* counts, int64_t n_words) {
        for (int64_t w = 0; w < n_words; codes += sizes[w++])
            each_ngram(codes, sizes[w], min_n_, max_n_, [&](uint64_t hash) { add(hash, counts[w]); });
    }

    // The hashes in ascending order, and how often each occurs.
    void sorted(std::vector<uint64_t>& hashes, std::vector<double>& totals) const {
        std::vector<Slot> found;
        found.reserve(n_);
        for (const Slot& slot : slots_) {
            if (!slot.is_used()) continue;
            found.push_back(slot);
            for (size_t i = found.size() - 1; i > 0 && found[i].hash < found[i - 1].hash; --i)
                std::swap(found[i], found[i - 1]);
        }
        for (const Slot& slot : found) {
            hashes.push_back(slot.hash);
            totals.push_back(slot.total);
        }
    }

  private:
    struct Slot {
        uint64_t hash = 0;
        double total = -1;
        bool is_used() const { return total >= 0; }
    };

    void add(uint64_t hash, double count) {
        Slot& slot = find(hash);
        if (slot.is_used()) {
            slot.total += count;
            return;
        }
        slot = {hash, count};
        if (2 * ++n_ > slots_.size()) grow();
    }

    Slot& find(uint64_t hash) {
        size_t at = hash >> (64 - bits_);
        while (slots_[at].is_used() && slots_[at].hash != hash) at = (at + 1) & (slots_.size() - 1);
        return slots_[at];
    }

    void grow() {
        ++bits_;
        std::vector<Slot> former(size_t{1} << bits_);
        former.swap(slots_);
        for (const Slot& slot : former)
            if (slot.is_used()) find(slot.hash) = slot;
    }

    int min_n_, max_n_, bits_ = 10;
    size_t n_ = 0;
    std::vector<Slot> slots_;
};

struct Spelling {
    const HashIndex* index;  // of the hashes
    const float* weights;    // (n_ngrams): c_g
    const char* vectors;     // (n_ngrams, dim), float32 or float16; null if words get only a signature
    float new_weight;        // c_g of an n-gram that is not in the table
    int dim, dims;           // dimensions of a vector and of a signature
    bool half;
    int min_n, max_n;
    uint64_t seed;
};

// Finds hashes in a sorted table by their highest bits. An unsorted table gives misses, never out-of-bounds reads.
class HashIndex {
  public:
    HashIndex(const uint64_t* hashes, int64_t n) : hashes_(hashes) {
        int bits = 1;
        while (bits < 40 && int64_t{1} << bits < n) ++bits;
        shift_ = 64 - bits;
        starts_.resize((size_t{1} << bits) + 1);
        for (int64_t i = 0; i < n; ++i) ++starts_[(hashes[i] >> shift_) + 1];
        for (size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
    }

    // The position of a hash, or -1.
    int64_t find(uint64_t hash) const {
        const uint32_t* start = &starts_[hash >> shift_];
        for (uint32_t i = start[0]; i < start[1]; ++i)
            if (hashes_[i] == hash) return i;
        return -1;
    }

  private:
    const uint64_t* hashes_;
    int shift_;
    std::vector<uint32_t> starts_;  // of the hashes with these bits; then the end
};

// Lookup table from a byte to eight signs, lowest bit first.
struct Signs {
    float of[256][8];
    Signs() {
        for (int byte = 0; byte < 256; ++byte)
            for (int i = 0; i < 8; ++i) of[byte][i] = byte >> i & 1 ? 1.0f : -1.0f;
    }
};
inline const Signs& signs() {
    static const Signs table;
    return table;
}

// Σ c_g R_g over n-grams g, where R_g is a random sign vector; each hash supplies 64 signs at a time. Writes `dims`
// values, rounded up to a multiple of 64.
using AddSigns = void (*)(const std::vector<uint64_t>& hashes, const std::vector<float>& weights, uint64_t seed,
                          int dims, float* signature);
AddSigns choose_add_signs(int level);

// out += factor * v.
using AddScaled = void (*)(float factor, const float* v, int dim, float* out);
AddScaled choose_add_scaled(int level);

// out = scale * rows M for ROWS rows, one after the other. M has shape (dim, columns), and `out` a row every `step`.
using TimesMatrix = void (*)(const float* rows, int dim, const float* matrix, int columns, float scale, float* out,
                             int64_t step);
template <int ROWS>
TimesMatrix choose_times_matrix(int level);

// Signatures of known words, and the sums over the words that contain each n-gram: see KnownWords in
// _pooling/spelling.py. N-grams that are not in the table are left out.
class NgramSums {
  public:
    // hashes, weights: of all n-grams, (n). sums, totals: (n, dim) and (n), to be added to; without dimensions, only
    // signatures are computed.
    NgramSums(const uint64_t* hashes, const float* weights, int64_t n, int min_n, int max_n, uint64_t seed, int dim,
              float* sums, float* totals, int level)
        : ngram_weights_(weights),
          index_(hashes, n),
          min_n_(min_n),
          max_n_(max_n),
          seed_(seed),
          dim_(static_cast<size_t>(dim)),
          sums_(sums),
          totals_(totals),
          features_(static_cast<size_t>(n)),
          dot_(choose_dot_rows(level, false)),
          add_scaled_(choose_add_scaled(level)),
          add_signs_(choose_add_signs(level)) {}

    // codes: the code points of a word, enclosed in "<" and ">". vector: (dim). signature: (dims).
    void add(const uint32_t* codes, int64_t size, float scale, const float* vector, int dims, float* signature) {
        find_ngrams(codes, size);
        if (dim_) add_features(scale, vector);
        signature_.resize(static_cast<size_t>((dims + 63) / 64 * 64));
        add_signs_(hashes_, weights_, seed_, dims, signature_.data());
        const float factor = 1 / length_of(signature_.data(), dims);
        for (int i = 0; i < dims; ++i) signature[i] = factor * signature_[static_cast<size_t>(i)];
    }

    // `scale` times the averages of all n-grams, without their components along the unit vector `common`.
    // out: (n, dim), float16.
    void average(const float* common, float scale, uint16_t* out) const {
        constexpr float LARGEST = 65504;
        std::vector<float> row(dim_);
        const int dim = static_cast<int>(dim_);
        for (size_t g = 0; g < features_.size(); ++g, out += dim_) {
            const float* sum = sums_ + g * dim_;
            const float factor = scale / totals_[g];
            float along = 0;
            dot_(sum, 1, dim, common, &along);
            for (size_t j = 0; j < dim_; ++j) row[j] = factor * (sum[j] - along * common[j]);
            for (size_t j = 0; j < dim_; ++j) out[j] = float_to_half(std::min(std::max(row[j], -LARGEST), LARGEST));
        }
    }

  private:
    void find_ngrams(const uint32_t* code, int64_t size) {
        hashes_.clear();
        weights_.clear();
        places_.clear();
        each_ngram(code, size, min_n_, max_n_, [this](uint64_t hash) {
            const int64_t at = index_.find(hash);
            if (at < 0) return;
            hashes_.push_back(hash);
            weights_.push_back(ngram_weights_[at]);
            places_.push_back(static_cast<size_t>(at));
            if (dim_) prefetch_row(sums_ + static_cast<size_t>(at) * dim_, dim_ * sizeof(float));
        });
    }

    // Adds the features of the word, which have the length 1; an n-gram that occurs twice has one feature.
    void add_features(float scale, const float* vector) {
        for (size_t i = 0; i < places_.size(); ++i) features_[places_[i]] += weights_[i];
        values_.clear();
        for (const size_t at : places_) values_.push_back(std::exchange(features_[at], 0.0f));
        scale /= length_of(values_.data(), static_cast<int>(values_.size()));
        for (size_t i = 0; i < places_.size(); ++i) {
            const float value = scale * values_[i];
            if (value == 0) continue;
            totals_[places_[i]] += value;
            add_scaled_(value, vector, static_cast<int>(dim_), sums_ + places_[i] * dim_);
        }
    }

    // 1 for zeros.
    float length_of(const float* v, int size) const {
        float square = 0;
        if (size) dot_(v, 1, size, v, &square);
        return square > 0 ? std::sqrt(square) : 1.0f;
    }

    const float* ngram_weights_;
    HashIndex index_;
    int min_n_, max_n_;
    uint64_t seed_;
    size_t dim_;
    float *sums_, *totals_;
    std::vector<float> features_;  // by n-gram; zeros between words
    DotRows dot_;
    AddScaled add_scaled_;
    AddSigns add_signs_;
    std::vector<uint64_t> hashes_;  // of the word's n-grams
    std::vector<float> weights_, values_, signature_;
    std::vector<size_t> places_;
};

// Projections to the two parts of a word's row: the semantic part (dim, meaning_dims), applied to the vector, and the
// lexical part (dims, dims), applied to the signature.
struct Maps {
    const float *meaning, *lexical;
    int meaning_dims;
};

// Computes rows of out-of-vocabulary words, to be pooled like rows of known words.
class Speller {
  public:
    Speller(const Spelling& spelling, const Maps& maps, int level)
        : s_(spelling),
          maps_(maps),
          mean_rows_(choose_mean_rows(level, spelling.dim, spelling.half)),
          dot_(choose_dot_rows(level, false)),
          add_signs_(choose_add_signs(level)),
          times_matrix_(choose_times_matrix<1>(level)),
          vector_(static_cast<size_t>(spelling.dim)) {}

    int dim() const { return maps_.meaning_dims + s_.dims; }

    // codes: the code points of a word, enclosed in "<" and ">". out: (dim()).
    void write(const uint32_t* codes, int64_t size, float* out) {
        find_ngrams(codes, size);
        std::fill(vector_.begin(), vector_.end(), 0.0f);
        if (s_.vectors) mean_rows_(known_, s_.dim, vector_.data());
        write_unit(vector_, maps_.meaning, maps_.meaning_dims, out);
        signature_.resize(static_cast<size_t>((s_.dims + 63) / 64 * 64));
        add_signs_(hashes_, weights_, s_.seed, s_.dims, signature_.data());
        signature_.resize(static_cast<size_t>(s_.dims));
        write_unit(signature_, maps_.lexical, s_.dims, out + maps_.meaning_dims);
    }

  private:
    // The character n-grams of a word, and the vectors of those in the table.
    void find_ngrams(const uint32_t* code, int64_t size) {
        const int64_t row_bytes = static_cast<int64_t>(s_.dim) * (s_.half ? 2 : 4);
        hashes_.clear();
        weights_.clear();
        known_.rows.clear();
        known_.factors.clear();
        each_ngram(code, size, s_.min_n, s_.max_n, [this](uint64_t hash) { hashes_.push_back(hash); });
        for (const uint64_t hash : hashes_) {
            const int64_t at = s_.index->find(hash);
            weights_.push_back(at < 0 ? s_.new_weight : s_.weights[at]);
            if (at < 0 || !s_.vectors) continue;
            known_.rows.push_back(s_.vectors + at * row_bytes);
            known_.factors.push_back(weights_.back());
            prefetch_near(s_.vectors + at * row_bytes, static_cast<size_t>(row_bytes));
        }
    }

    // out = (v / |v|) M; zeros if v is zero.
    void write_unit(const std::vector<float>& v, const float* matrix, int columns, float* out) const {
        float square = 0;
        if (!v.empty()) dot_(v.data(), 1, static_cast<int>(v.size()), v.data(), &square);
        const float factor = square > 0 ? 1 / std::sqrt(square) : 0.0f;
        times_matrix_(v.data(), static_cast<int>(v.size()), matrix, columns, factor, out, 0);
    }

    Spelling s_;
    Maps maps_;
    MeanRows mean_rows_;
    DotRows dot_;
    AddSigns add_signs_;
    TimesMatrix times_matrix_;
    std::vector<uint64_t> hashes_;
    std::vector<float> weights_, vector_, signature_;
    Gathered known_;  // n-grams
};

// codes: concatenated code points; sizes: code points per word. out: (n_words, dim()).
inline void spell_rows(const Spelling& spelling, const Maps& maps, const uint32_t* codes, const int64_t* sizes,
                       int64_t n_words, int level, float* out) {
    Speller speller(spelling, maps, level);
    for (int64_t w = 0; w < n_words; codes += sizes[w++], out += speller.dim()) speller.write(codes, sizes[w], out);
}

}  // namespace s2v
