// A first pass over rows rounded to 8-bit integers, for processors with AVX-512 VNNI.
//
// For a row r and a query q, rounded to r' and q', each an integer multiple of a scale,
//     | q·r - q'·r' |  <=  |q| |r - r'| + |q - q'| |r'|,
// so a row whose approximate product is below the threshold by more than this bound cannot be in the top k. The products
// of the few remaining rows are computed in float32 as in simd_loops.hpp, so that results are bit-identical.
#pragma once

#include <cmath>

#include "top_k.hpp"

#if S2V_X86
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12's own header, gcc.gnu.org/PR105593
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#define S2V_VNNI __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,avx2,fma,f16c")))

namespace s2v {
namespace vnni {

constexpr int GROUP = avx512::GROUP, PANEL = TopK::PANEL;
constexpr int BLOCK = 768;        // rows that share one scale; with 100 dimensions they fill part of the L2 cache
constexpr int LONGEST = 1 << 15;  // dimensions; longer sums could overflow 32 bits
constexpr double SLACK = 1e-5;    // relative to |q| |r|: float32 products are not exact either
constexpr int START = 8, PAUSE = 32;  // blocks without a first pass: at the start, and when it discards too few rows

inline int quads(int dim) { return (dim + 3) / 4; }  // VNNI multiplies four values at a time

// Loads sixteen values under a mask.
S2V_VNNI inline __m512 sixteen(const float* p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
S2V_VNNI inline __m512 sixteen(const uint16_t* p, __mmask16 mask) {
    return _mm512_maskz_cvtph_ps(0xffff, _mm256_maskz_loadu_epi16(mask, p));
}
inline __mmask16 first(int n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1 << n) - 1); }

// The scale of a block of rows: the largest absolute value becomes 127.
template <class T>
S2V_VNNI float scale_of(const T* rows, int64_t n, int dim) {
    __m512 most = _mm512_setzero_ps();
    for (int64_t r = 0; r < n; ++r, rows += dim)
        for (int k = 0; k < dim; k += 16) most = _mm512_max_ps(most, _mm512_abs_ps(sixteen(rows + k, first(dim - k))));
    return _mm512_reduce_max_ps(most) / 127;
}
inline bool can_be_rounded(float scale) { return scale > 1e-15f && scale < 1e15f; }  // squares stay finite

struct Lengths {
    float lost = 0, kept = 0;  // |r - r'| and |r'|
};

// Rounds a row to quads of bytes, `stride` quads apart, and adds `add`.
template <class T>
S2V_VNNI Lengths round_row(const T* row, int dim, float scale, int add, char* out, int stride) {
    __m512 lost = _mm512_setzero_ps(), kept = _mm512_setzero_ps();
    for (int k = 0; k < dim; k += 16) {
        const __m512 exact = sixteen(row + k, first(dim - k));
        const __m512i whole = _mm512_cvtps_epi32(_mm512_div_ps(exact, _mm512_set1_ps(scale)));
        const __m512 rounded = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), _mm512_set1_ps(scale));
        const __m512 rest = _mm512_sub_ps(exact, rounded);
        lost = _mm512_fmadd_ps(rest, rest, lost);
        kept = _mm512_fmadd_ps(rounded, rounded, kept);
        char bytes[16];
        _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes),
                         _mm512_cvtepi32_epi8(_mm512_add_epi32(whole, _mm512_set1_epi32(add))));
        for (int i = 0; i < std::min(4, quads(dim - k)); ++i)
            std::memcpy(out + static_cast<int64_t>(k / 4 + i) * stride * 4, bytes + 4 * i, 4);
    }
    return {std::sqrt(_mm512_reduce_add_ps(lost)), std::sqrt(_mm512_reduce_add_ps(kept))};
}

S2V_VNNI inline void round_queries(const TopK& best, Coarse& coarse) {
    const int64_t n = best.n_panels() * PANEL, bytes = static_cast<int64_t>(quads(best.dim)) * 4;
    coarse.queries.resize(static_cast<size_t>(n * bytes));
    coarse.rows.resize(static_cast<size_t>(BLOCK * bytes));
    coarse.thresholds.assign(static_cast<size_t>(n), std::numeric_limits<int32_t>::max());
    coarse.of.resize(static_cast<size_t>(best.n_queries));
    coarse.pause = START;
    for (int64_t i = 0; i < best.n_queries; ++i) {
        char* out = coarse.queries.data() + i / PANEL * PANEL * bytes + i % PANEL * 4;
        float scale = scale_of(best.query(i), 1, best.dim);
        Lengths lengths{scale > 0 ? std::numeric_limits<float>::infinity() : 0.0f};  // no row can be discarded
        if (can_be_rounded(scale))
            lengths = round_row(best.query(i), best.dim, scale, 0, out, PANEL);
        else
            scale = 1;
        int32_t sum = 0;
        for (int k = 0; k < bytes; ++k) sum += static_cast<signed char>(out[k / 4 * PANEL * 4 + k % 4]);
        coarse.of[static_cast<size_t>(i)] = {scale, lengths.lost, lengths.kept, 128 * sum};
    }
}

// The threshold for a sum of bytes. Rows are stored unsigned, offset by 128.
S2V_VNNI inline void set_bars(const TopK& best, Coarse& coarse, float scale, const Lengths& most) {
    for (int64_t i = 0; i < best.n_queries; ++i) {
        const Coarse::Query& q = coarse.of[static_cast<size_t>(i)];
        const double length = static_cast<double>(q.lost) + q.kept, longest = static_cast<double>(most.lost) + most.kept;
        const double off = length * most.lost + static_cast<double>(q.lost) * most.kept + SLACK * length * longest;
        const double bar = std::floor((*best.thresholds(i) - off) / (static_cast<double>(scale) * q.scale)) + q.offset;
        constexpr double most32 = std::numeric_limits<int32_t>::max(), least32 = std::numeric_limits<int32_t>::min();
        // A NaN threshold, of a query that cannot be rounded, discards no row.
        coarse.thresholds[static_cast<size_t>(i)] = static_cast<int32_t>(bar >= least32 ? std::min(bar, most32) : least32);
    }
}

// For each row of a group, a bit mask of the queries of a panel for which it may be in the top k.
S2V_VNNI inline void look(const char* group, const char* queries, int n_quads, const int32_t* thresholds, uint32_t* found) {
    __m512i sums[GROUP][2];
    for (int r = 0; r < GROUP; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_si512();
    for (int k = 0; k < n_quads; ++k, group += 4 * GROUP, queries += 4 * PANEL) {
        const __m512i left = _mm512_loadu_si512(queries), right = _mm512_loadu_si512(queries + 64);
        for (int r = 0; r < GROUP; ++r) {
            const __m512i row = _mm512_set1_epi32(read_as<int32_t>(group + 4 * r));
            sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], row, left);
            sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], row, right);
        }
    }
    const __m512i left = _mm512_loadu_si512(thresholds), right = _mm512_loadu_si512(thresholds + 16);
    for (int r = 0; r < GROUP; ++r)
        found[r] = static_cast<uint32_t>(_mm512_cmpgt_epi32_mask(sums[r][0], left)) |
                   static_cast<uint32_t>(_mm512_cmpgt_epi32_mask(sums[r][1], right)) << 16;
}

template <class T>
S2V_VNNI float product(const T* row, const float* query, int dim) {  // rounded as `products` of simd_loops.hpp rounds
    float sum = 0;
    for (int k = 0; k < dim; ++k) sum = __builtin_fmaf(query[k], avx512::number(row + k), sum);
    return sum;
}

// Returns how many products were computed in float32.
template <class T>
S2V_VNNI int64_t top_k_of_block(TopK& best, const T* rows, float scale, int64_t n, int64_t first_row,
                               const unsigned char* mask) {
    Coarse& coarse = best.coarse;
    const int n_quads = quads(best.dim);
    Lengths most;
    for (int64_t r = 0; r < n; ++r) {
        char* out = coarse.rows.data() + (r / GROUP * n_quads * GROUP + r % GROUP) * 4;
        const Lengths of_row = round_row(rows + r * best.dim, best.dim, scale, 128, out, GROUP);
        most = {std::max(most.lost, of_row.lost), std::max(most.kept, of_row.kept)};
    }
    set_bars(best, coarse, scale, most);
    int64_t looked_at = 0;
    for (int64_t query = 0; query < best.n_queries; query += PANEL) {
        for (int64_t begin = 0; begin < n; begin += GROUP) {
            uint32_t found[GROUP];
            look(coarse.rows.data() + begin * n_quads * 4, coarse.queries.data() + query * n_quads * 4, n_quads,
                 coarse.thresholds.data() + query, found);
            for (int64_t r = begin; r < std::min<int64_t>(n, begin + GROUP); ++r) {
                if (mask && !mask[r]) continue;
                for (uint32_t bits = found[r - begin]; bits; bits &= bits - 1, ++looked_at) {
                    const int64_t i = query + __builtin_ctz(bits);
                    const float score = product(rows + r * best.dim, best.query(i), best.dim);
                    if (score > *best.thresholds(i)) best.offer(i, first_row + r, score);
                }
            }
        }
    }
    return looked_at;
}

template <class T>
S2V_VNNI void top_k_rows(TopK& best, const void* data, int64_t n, int64_t first_row, const unsigned char* mask) {
    if (best.n_queries <= TopK::FEW || best.dim > LONGEST) return avx512::top_k_rows<T>(best, data, n, first_row, mask);
    if (best.coarse.queries.empty()) round_queries(best, best.coarse);
    const T* rows = static_cast<const T*>(data);
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        const int64_t size = std::min<int64_t>(n - begin, BLOCK);
        const T* block = rows + begin * best.dim;
        const unsigned char* of_block = mask ? mask + begin : nullptr;
        const float scale = best.coarse.pause > 0 ? 0 : scale_of(block, size, best.dim);
        if (!can_be_rounded(scale)) {
            best.coarse.pause -= best.coarse.pause > 0;
            avx512::top_k_rows<T>(best, block, size, first_row + begin, of_block);
        } else if (top_k_of_block(best, block, scale, size, first_row + begin, of_block) > size * best.n_queries / 32) {
            best.coarse.pause = PAUSE;
        }
    }
}

}  // namespace vnni
}  // namespace s2v

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif
