// Spelt vectors and signatures of words that have no row; spelling.py says what they are.
#pragma once

#include "encode.hpp"

namespace s2v {

struct Spelling {
    const uint64_t* hashes;  // (n_ngrams), ascending
    const float* weights;    // (n_ngrams): c_g
    const char* vectors;     // (n_ngrams, dim), float32 or float16; null where words get no vector
    int64_t n_ngrams;
    float new_weight;  // c_g of an n-gram that is not among them
    int dim, dims;     // numbers of a vector and of a signature
    bool half;
    int min_n, max_n;
    uint64_t seed;
};

inline int64_t place_of(const Spelling& s, uint64_t hash) {
    const uint64_t* at = std::lower_bound(s.hashes, s.hashes + s.n_ngrams, hash);
    return at != s.hashes + s.n_ngrams && *at == hash ? at - s.hashes : -1;
}

// The eight signs that the bits of a byte say, the lowest bit first.
struct Signs {
    float of[256][8];
    Signs() {
        for (int byte = 0; byte < 256; ++byte)
            for (int i = 0; i < 8; ++i) of[byte][i] = byte >> i & 1 ? 1.0f : -1.0f;
    }
};

// Adds the +-weight row of an n-gram to a signature; 64 numbers of it are the bits of one hash.
inline void add_signs(const Spelling& s, uint64_t hash, float weight, float* signature) {
    static const Signs signs;
    uint64_t bits = 0;
    for (int first = 0; first < s.dims; first += 8, bits >>= 8) {
        if (first % 64 == 0)
            bits = mix(hash ^ (s.seed * 0x100000001ull + static_cast<uint64_t>(first / 64 + 1)) * 0x9e3779b97f4a7c15ull);
        const float* row = signs.of[bits & 255];
        if (first + 8 <= s.dims) {
            for (int i = 0; i < 8; ++i) signature[first + i] += weight * row[i];
        } else {
            for (int i = 0; first + i < s.dims; ++i) signature[first + i] += weight * row[i];
        }
    }
}

// codes: the words' code points end to end, "<" and ">" around each; sizes: how many each has. Sums up to a factor:
// vectors (n_words, dim) and signatures (n_words, dims).
inline void spell(const Spelling& s, const uint32_t* codes, const int64_t* sizes, int64_t n_words, int level, float* vectors,
                  float* signatures) {
    const MeanRows mean_rows = s.vectors ? choose_mean_rows(level, s.dim, s.half) : nullptr;
    const int64_t row_bytes = static_cast<int64_t>(s.dim) * (s.half ? 2 : 4);
    Gathered gathered;
    for (int64_t w = 0; w < n_words; codes += sizes[w++]) {
        float* signature = signatures + w * s.dims;
        std::fill(signature, signature + s.dims, 0.0f);
        gathered.rows.clear();
        gathered.factors.clear();
        for (int64_t i = 0; i + s.min_n <= sizes[w]; ++i) {
            uint64_t h = 0;
            for (int n = 1; n <= s.max_n && i + n <= sizes[w]; ++n) {
                h = h * 0xd1342543de82ef95ull + codes[i + n - 1] + 1;
                if (n < s.min_n) continue;
                const uint64_t hash = mix(h);
                const int64_t at = place_of(s, hash);
                const float weight = at < 0 ? s.new_weight : s.weights[at];
                add_signs(s, hash, weight, signature);
                if (at < 0 || !s.vectors) continue;
                gathered.rows.push_back(s.vectors + at * row_bytes);
                gathered.factors.push_back(weight);
                prefetch_near(s.vectors + at * row_bytes, static_cast<size_t>(row_bytes));
            }
        }
        if (mean_rows) mean_rows(gathered, s.dim, vectors + w * s.dim);
    }
}

}  // namespace s2v
