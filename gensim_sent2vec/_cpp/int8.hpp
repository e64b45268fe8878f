// Rounding to int8, and what it changes of a dot product.
//
// Let r' and q' be row r and query q rounded to int8, each with its own scale. Then
//     | q·r - q'·r' |  <=  |q| |r - r'| + |q - q'| |r'|,
// so a row whose int8 product is below a query's threshold by more than this bound cannot be in its top-k. The few
// remaining rows, the candidates, are scored in float32, in the same order of operations as without a first pass, so
// that the results are bit-identical.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "word_table.hpp"

namespace s2v {
namespace int8 {

constexpr int LONGEST = 1 << 15;  // dimensions: longer sums could overflow int32

inline int quads(int dim) { return (dim + 3) / 4; }  // processors multiply bytes four at a time

// Squares must neither overflow nor underflow.
inline bool can_be_rounded(float scale) { return scale > 1e-15f && scale < 1e15f; }

struct Lengths {
    float lost = 0, kept = 0;  // |r - r'| and |r'|
};

// The scale that maps the largest absolute value to `most`.
inline float scale_of(const float* values, int64_t n, int most) {
    int32_t largest = 0;  // the bits of absolute values are in the same order; compilers vectorize the maximum of these
    for (int64_t i = 0; i < n; ++i) largest = std::max(largest, read_as<int32_t>(values + i) & 0x7fffffff);
    return read_as<float>(&largest) / static_cast<float>(most);
}

// Rounds the values of a row, which may be at most 127 times `scale`, and adds `offset` to each.
inline Lengths round_row(const float* row, int dim, float scale, int offset, unsigned char* out) {
    constexpr float HALF_INTEGERS = 12582912;  // 1.5 * 2^23: adding it rounds to whole numbers
    constexpr int LANES = 16;                  // sums that the compiler can compute side by side
    const float inverse = 1 / scale;
    float lost[LANES] = {}, kept[LANES] = {};
    const auto round = [&](int k, int lane) {
        const float whole = (row[k] * inverse + HALF_INTEGERS) - HALF_INTEGERS, rest = row[k] - whole * scale;
        lost[lane] += rest * rest;
        kept[lane] += whole * whole;
        out[k] = static_cast<unsigned char>(static_cast<int>(whole) + offset);
    };
    int k = 0;
    for (; k + LANES <= dim; k += LANES)
        for (int lane = 0; lane < LANES; ++lane) round(k + lane, lane);
    for (; k < dim; ++k) round(k, 0);
    for (int lane = 1; lane < LANES; ++lane) {
        lost[0] += lost[lane];
        kept[0] += kept[lane];
    }
    return {std::sqrt(lost[0]), std::sqrt(kept[0]) * scale};
}

struct Query {
    float scale;  // 0 if it cannot be rounded
    Lengths lengths;
    int32_t offset;  // what the offset of 128, by which bytes of rows are unsigned, adds to each product
};

// The int8 product that a candidate exceeds, for a float32 threshold. `longest`: the greatest lengths among the rows
// with this scale.
inline int32_t threshold_of(const Query& q, float threshold, float scale, const Lengths& longest, int dim) {
    const double slack = 1e-5 + 6e-8 * dim;  // of |q| |r|: the rounding errors of float32 products
    const double length = static_cast<double>(q.lengths.lost) + q.lengths.kept,
                 row_length = static_cast<double>(longest.lost) + longest.kept;
    const double off = length * longest.lost + static_cast<double>(q.lengths.lost) * longest.kept;
    const double unit = static_cast<double>(scale) * q.scale;
    const double product = std::floor((threshold - off - slack * length * row_length) / unit) + q.offset;
    constexpr double most = std::numeric_limits<int32_t>::max(), least = std::numeric_limits<int32_t>::min();
    // NaN or -inf for a query that cannot be rounded, or without hits so far: all rows are candidates.
    return static_cast<int32_t>(product >= least ? std::min(product, most) : least);
}

// Rounds a query to at most `most`; `out` has room for whole quads.
inline Query round_query(const float* query, int dim, int most, unsigned char* out) {
    std::fill_n(out, 4 * quads(dim), static_cast<unsigned char>(0));
    const float scale = scale_of(query, dim, most);
    if (!can_be_rounded(scale)) return {0, {}, 0};
    const Lengths lengths = round_row(query, dim, scale, 0, out);
    int32_t sum = 0;
    for (int k = 0; k < dim; ++k) sum += static_cast<signed char>(out[k]);
    return {scale, lengths, 128 * sum};
}

}  // namespace int8
}  // namespace s2v
