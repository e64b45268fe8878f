// Sentence vectors by pooling: the (weighted) mean of the word and n-gram rows of a trained model.
#pragma once

#include <limits>

#include "lines.hpp"
#include "prefetch.hpp"

namespace s2v {

// IEEE 754 binary16 -> binary32.
inline float half_to_float(uint16_t h) {
    const uint32_t magnitude = static_cast<uint32_t>(h & 0x7fff) << 13;
    const uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0;  // infinity and NaN keep an all-ones exponent
    const float scaled = read_as<float>(&magnitude) * 5.192296858534828e33f;  // 2^112: difference of the biases
    const uint32_t bits = read_as<uint32_t>(&scaled) | special | static_cast<uint32_t>(h & 0x8000) << 16;
    return read_as<float>(&bits);
}

// IEEE 754 binary32 -> binary16, to the nearest, ties to even. Without branches, so that loops are vectorized.
inline uint16_t float_to_half(float value) {
    const uint32_t bits = read_as<uint32_t>(&value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    const float shifted = read_as<float>(&magnitude) + 0.5f;  // rounds a subnormal half to a multiple of 2^-24
    const uint32_t subnormal = read_as<uint32_t>(&shifted) - 0x3f000000;
    const uint32_t normal = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
    const uint32_t special = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;  // NaN or infinity
    const uint32_t finite = magnitude < 0x38800000 ? subnormal : normal;
    return static_cast<uint16_t>(sign | (magnitude < 0x47800000 ? finite : special));
}

struct Reader {                  // a trained model, possibly mapped read-only
    const char *words, *ngrams;  // row-major matrices with `dim` columns, float32 or float16
    int64_t n_words, bucket;
    int dim, n;
    bool skip, epfml, half;

    size_t row_bytes() const { return static_cast<size_t>(dim) * (half ? 2 : 4); }

    // Weighted pooling: out = sum(f w row) / sum(f w) over the words, with position factor f = `first_half` in the
    // first half of sentences longer than `half_length` tokens, and f = 1 elsewhere.
    const float* weights;  // (n_words), or null for the plain mean
    float first_half;
    int64_t half_length;

    float factor(int64_t position, int64_t n_tokens) const {
        return n_tokens > half_length && position < n_tokens / 2 ? first_half : 1.0f;
    }
};

// The rows of one sentence: words and n-grams, without placeholder or dropout. Rows are prefetched as they are found.
struct Gathered {
    std::vector<int32_t> ids;
    std::vector<const void*> rows;
    std::vector<float> factors;  // weight of each row; empty for the plain mean
    // The sum of other rows, each times its weight, and the sum of these weights. If that is 0, there are none.
    std::vector<float> others;
    float others_weight = 0;

    // Calls unknown(factor, word) for each out-of-vocabulary word, with its position factor.
    template <class Unknown>
    void find(const Reader& reader, Lookup& lookup, Unknown&& unknown) {
        const int64_t n_tokens = lookup.tokens();
        const size_t most = static_cast<size_t>(n_tokens);
        ids.resize(most);
        rows.resize(most);
        factors.resize(reader.weights ? most : 0);
        size_t n_known = 0;
        const auto known = [&](int64_t i, int32_t id) {
            if (reader.weights) factors[n_known] = reader.weights[id] * reader.factor(i, n_tokens);
            rows[n_known] = row(reader, reader.words, id);
            ids[n_known++] = id;
        };
        others_weight = 0;
        lookup.resolve(known, [&](int64_t i, const Word& word) { unknown(reader.factor(i, n_tokens), word); });
        ids.resize(n_known);
        rows.resize(n_known);
        if (reader.weights) factors.resize(n_known);
        if (reader.n > 1) add_ngrams(reader);
    }

    void add(const float* row, int dim, float weight) {
        if (others_weight == 0) others.assign(static_cast<size_t>(dim), 0.0f);
        for (int j = 0; j < dim; ++j) others[static_cast<size_t>(j)] += weight * row[j];
        others_weight += weight;
    }

  private:
    // Also prefetches the row.
    const void* row(const Reader& reader, const char* matrix, int64_t i) const {
        const char* p = matrix + static_cast<size_t>(i) * reader.row_bytes();
        prefetch_far(p, reader.row_bytes());
        return p;
    }

    void add_ngrams(const Reader& reader) {
        const int L = static_cast<int>(ids.size());
        const NgramHash hash{static_cast<uint64_t>(reader.bucket), reader.epfml};
        for (int i = 0; i + 1 < L; ++i) {
            uint64_t h = hash.start(ids[i]);
            for (int k = 2; k <= reader.n && i + k <= L; ++k) {
                h = reader.skip ? hash.extend(hash.start(ids[i]), ids[i + k - 1]) : hash.extend(h, ids[i + k - 1]);
                rows.push_back(row(reader, reader.ngrams, hash.row(h)));
            }
        }
    }
};

inline bool all_finite(const float* values, int64_t n) {
    const int32_t ones = 0x7f800000;  // the exponent of NaN and infinity
    int32_t found = 0;
    for (int64_t i = 0; i < n; ++i) found |= (read_as<int32_t>(values + i) & ones) == ones;
    return !found;
}

// A sum of weights to divide by, flushed to 0 if 1 / total could overflow.
inline float not_too_small(float total) { return total >= std::numeric_limits<float>::min() ? total : 0.0f; }

using MeanRows = float (*)(const Gathered& gathered, int dim, float* out);
MeanRows choose_mean_rows(int level, int dim, bool half);

// Dot products of n float32 or float16 rows with one float32 vector.
using DotRows = void (*)(const void* rows, int64_t n, int dim, const float* query, float* out);
DotRows choose_dot_rows(int level, bool half);

// The sum of the outer products of n rows with themselves: (dim, dim), in float over some rows, and double over all.
using SecondMoment = void (*)(const float* rows, int64_t n, int dim, double* out);
SecondMoment choose_second_moment(int level);

// Row numbers of each sentence: word ids, then n_words + r for n-gram row r. Those of sentence s end at ends[s].
inline void number_rows(const Reader& reader, const WordTable& words, const Pack& pack, std::vector<int64_t>& numbers,
                        int64_t* ends) {
    Lookup lookup(words, reader.epfml);
    Gathered gathered;
    const int64_t bytes = static_cast<int64_t>(reader.row_bytes());
    for (int64_t s = 0; s < pack.n_sentences; ++s) {
        pack.each_token(s, [&](const char* p, size_t n) { lookup.add(p, n); }, reader.epfml);
        gathered.find(reader, lookup, [](float, const Word&) {});
        numbers.insert(numbers.end(), gathered.ids.begin(), gathered.ids.end());
        for (size_t i = gathered.ids.size(); i < gathered.rows.size(); ++i)  // n-grams follow the words
            numbers.push_back(reader.n_words + (static_cast<const char*>(gathered.rows[i]) - reader.ngrams) / bytes);
        ends[s] = static_cast<int64_t>(numbers.size());
    }
}

// Those words of sentences whose weight times position factor is positive.
struct WeightedWords {
    std::vector<int64_t> used;    // the distinct ids, in ascending order
    std::vector<int32_t> places;  // positions in `used`, sentence by sentence
    std::vector<float> weights;
    std::vector<int64_t> ends;  // of the sentences that have such words

    // of_words: the weights of the vocabulary.
    WeightedWords(const WordTable& words, const Pack& pack, const float* of_words, float first_half,
                  int64_t half_length) {
        Reader reader{};  // of which only the position factor is used
        reader.first_half = first_half;
        reader.half_length = half_length;
        Lookup lookup(words, false);
        for (int64_t s = 0; s < pack.n_sentences; ++s) {
            pack.each_token(s, [&](const char* p, size_t n) { lookup.add(p, n); });
            const int64_t n_tokens = lookup.tokens();
            const size_t before = places.size();
            const auto known = [&](int64_t i, int32_t id) {
                const float weight = of_words[id] * reader.factor(i, n_tokens);
                if (!(weight > 0)) return;
                places.push_back(id);
                weights.push_back(weight);
            };
            lookup.resolve(known, [](int64_t, const Word&) {});
            if (places.size() > before) ends.push_back(static_cast<int64_t>(places.size()));
        }
        std::vector<int32_t> place(static_cast<size_t>(words.n_words), -1);
        for (const int32_t id : places) place[static_cast<size_t>(id)] = 0;
        for (size_t id = 0; id < place.size(); ++id) {
            if (place[id] < 0) continue;
            place[id] = static_cast<int32_t>(used.size());
            used.push_back(static_cast<int64_t>(id));
        }
        for (int32_t& id : places) id = place[static_cast<size_t>(id)];
    }
};

}  // namespace s2v
