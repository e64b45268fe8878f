// Vectors and signatures of out-of-vocabulary words from character n-grams; defined in _pooling/spelling.py.
#pragma once

#include <cmath>

#include "pooling.hpp"

namespace s2v {

struct Spelling {
    const uint64_t* hashes;  // (n_ngrams), ascending
    const float* weights;    // (n_ngrams): c_g
    const char* vectors;     // (n_ngrams, dim), float32 or float16; null if words get only a signature
    int64_t n_ngrams;
    float new_weight;  // c_g of an n-gram that is not in the table
    int dim, dims;     // dimensions of a vector and of a signature
    bool half;
    int min_n, max_n;
    uint64_t seed;
};

// Interpolation search: hashes are uniform, so the index is close to hash / 2^64 * n. Returns -1 if not found.
// An unsorted table gives misses, never out-of-bounds reads.
inline int64_t place_of(const Spelling& s, uint64_t hash) {
    if (s.n_ngrams == 0) return -1;
    const int64_t n = s.n_ngrams,
                  guess = static_cast<int64_t>(static_cast<double>(hash) * 0x1p-64 * static_cast<double>(n - 1));
    int64_t step = 16, low = guess, high = guess + 1;  // galloping: the step doubles until [low, high) holds the index
    while (low > 0 && s.hashes[low] > hash) low = std::max<int64_t>(0, low - (step *= 2));
    while (high < n && s.hashes[high] <= hash) high = std::min(n, high + (step *= 2));
    const uint64_t* at = std::lower_bound(s.hashes + low, s.hashes + high, hash);
    return at != s.hashes + high && *at == hash ? at - s.hashes : -1;
}

// Lookup table from a byte to eight signs, lowest bit first.
struct Signs {
    float of[256][8];
    Signs() {
        for (int byte = 0; byte < 256; ++byte)
            for (int i = 0; i < 8; ++i) of[byte][i] = byte >> i & 1 ? 1.0f : -1.0f;
    }
};

// Adds weight * R_g to a signature, where R_g is the n-gram's random sign vector; each hash supplies 64 signs.
inline void add_signs(const Spelling& s, uint64_t hash, float weight, float* signature) {
    static const Signs signs;
    uint64_t bits = 0;
    for (int first = 0; first < s.dims; first += 8, bits >>= 8) {
        if (first % 64 == 0)
            bits =
                mix(hash ^ (s.seed * 0x100000001ull + static_cast<uint64_t>(first / 64 + 1)) * 0x9e3779b97f4a7c15ull);
        const float* row = signs.of[bits & 255];
        if (first + 8 <= s.dims) {
            for (int i = 0; i < 8; ++i) signature[first + i] += weight * row[i];
        } else {
            for (int i = 0; first + i < s.dims; ++i) signature[first + i] += weight * row[i];
        }
    }
}

// Computes `vector` (dim) = Σ c_g N_g, up to scale, and `signature` (dims) = Σ c_g R_g, over the character n-grams g of
// the word with code points `code`.
inline void spell(const Spelling& s, const uint32_t* code, int64_t size, MeanRows mean_rows, Gathered& gathered,
                  float* vector, float* signature) {
    const int64_t row_bytes = static_cast<int64_t>(s.dim) * (s.half ? 2 : 4);
    std::fill(signature, signature + s.dims, 0.0f);
    gathered.rows.clear();
    gathered.factors.clear();
    for (int64_t i = 0; i + s.min_n <= size; ++i) {
        uint64_t h = 0;
        for (int n = 1; n <= s.max_n && i + n <= size; ++n) {
            h = h * 0xd1342543de82ef95ull + code[i + n - 1] + 1;
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
    if (s.vectors)
        mean_rows(gathered, s.dim, vector);
    else
        std::fill(vector, vector + s.dim, 0.0f);
}

// N columns of scale * v M; N is a constant so that the sums stay in registers.
template <int N>
inline void times_columns(const std::vector<float>& v, const float* matrix, int columns, float scale, float* out) {
    float sums[N] = {};
    for (size_t i = 0; i < v.size(); ++i, matrix += columns)
        for (int j = 0; j < N; ++j) sums[j] += v[i] * matrix[j];
    for (int j = 0; j < N; ++j) out[j] = sums[j] * scale;
}

// out = (v / |v|) M, where M has shape (v.size(), columns); zeros if v is zero.
inline void unit_product(const std::vector<float>& v, const float* matrix, int columns, DotRows dot, float* out) {
    float square = 0;
    if (!v.empty()) dot(v.data(), 1, static_cast<int>(v.size()), v.data(), &square);
    const float scale = square > 0 ? 1 / std::sqrt(square) : 0.0f;
    int first = 0;
    for (; first + 16 <= columns; first += 16) times_columns<16>(v, matrix + first, columns, scale, out + first);
    for (; first + 4 <= columns; first += 4) times_columns<4>(v, matrix + first, columns, scale, out + first);
    for (; first < columns; ++first) times_columns<1>(v, matrix + first, columns, scale, out + first);
}

// Projections to the two parts of a word's row: the semantic part (dim, meaning_dims), applied to the vector, and the
// lexical part (dims, dims), applied to the signature.
struct Maps {
    const float *meaning, *lexical;
    int meaning_dims;
};

// Rows of OOV words, to be pooled like rows of known words. codes: concatenated code points, each word enclosed in "<"
// and ">"; sizes: code points per word. out: (n_words, meaning_dims + dims).
inline void spell_rows(const Spelling& s, const Maps& maps, const uint32_t* codes, const int64_t* sizes,
                       int64_t n_words, int level, float* out) {
    const MeanRows mean_rows = choose_mean_rows(level, s.dim, s.half);
    const DotRows dot = choose_dot_rows(level, false);
    std::vector<float> vector(static_cast<size_t>(s.dim)), signature(static_cast<size_t>(s.dims));
    Gathered gathered;
    for (int64_t w = 0; w < n_words; codes += sizes[w++], out += maps.meaning_dims + s.dims) {
        spell(s, codes, sizes[w], mean_rows, gathered, vector.data(), signature.data());
        unit_product(vector, maps.meaning, maps.meaning_dims, dot, out);
        unit_product(signature, maps.lexical, s.dims, dot, out + maps.meaning_dims);
    }
}

// Rows to add to weighted means: row at[i], with weight weights[i], goes to sentence sentences[i] (ascending).
struct Additions {
    const int64_t *sentences, *at;
    const float *weights, *rows;
    int64_t n;
};

inline void mix_in(const Additions& more, int dim, float* means, float* totals) {
    for (int64_t i = 0; i < more.n;) {
        const int64_t sentence = more.sentences[i];
        float *mean = means + sentence * dim, total = totals[sentence];
        for (int j = 0; j < dim; ++j) mean[j] *= total;
        for (; i < more.n && more.sentences[i] == sentence; ++i) {
            const float *row = more.rows + more.at[i] * dim, weight = more.weights[i];
            for (int j = 0; j < dim; ++j) mean[j] += weight * row[j];
            total += weight;
        }
        totals[sentence] = total = not_too_small(total);
        const float scale = total > 0 ? 1 / total : 0.0f;
        for (int j = 0; j < dim; ++j) mean[j] *= scale;
    }
}

// Scales the first `split` dimensions of each row to norm `first` and the rest to norm `second`; zeros stay zeros.
inline void scale_parts(float* rows, int64_t n, int dim, int split, float first, float second, int level) {
    const DotRows dot = choose_dot_rows(level, false);
    const auto scale = [dot](float* part, int size, float length) {
        float square = 0;
        dot(part, 1, size, part, &square);
        const float factor = square > 0 ? length / std::sqrt(square) : 0.0f;
        for (int i = 0; i < size; ++i) part[i] *= factor;
    };
    for (int64_t i = 0; i < n; ++i, rows += dim) {
        scale(rows, split, first);
        scale(rows + split, dim - split, second);
    }
}

}  // namespace s2v
