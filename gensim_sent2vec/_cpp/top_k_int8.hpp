// Top-k search of many queries with an int8 first pass (int8.hpp), for processors with 4-way byte dot products
// (AVX-512 VNNI). Rows are rounded on the fly, as that costs little compared with many products.
#pragma once

#include "top_k.hpp"

#if S2V_X86
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"  // false positives in GCC 12's intrinsics header, gcc.gnu.org/PR105593
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#define S2V_VNNI __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512vnni,avx2,fma,f16c")))

namespace s2v {
namespace vnni {

using int8::can_be_rounded;
using int8::Lengths;
using int8::quads;

constexpr int GROUP = avx512::GROUP, PANEL = TopK::PANEL;
constexpr int BLOCK = 768;            // rows that share a scale; with 100 dimensions they fit in the L2 cache
constexpr int START = 8, PAUSE = 32;  // blocks without a first pass: at the start, while thresholds
                                      // are low, and after a block with too many candidates

// Loads up to sixteen values; lanes outside `mask` are 0 and not read.
S2V_VNNI inline __m512 sixteen(const float* p, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, p); }
S2V_VNNI inline __m512 sixteen(const uint16_t* p, __mmask16 mask) {
    return _mm512_maskz_cvtph_ps(0xffff, _mm256_maskz_loadu_epi16(mask, p));
}
inline __mmask16 first(int n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1 << n) - 1); }

// The common scale of some rows, which maps their largest absolute value to 127.
template <class T>
S2V_VNNI float scale_of(const T* rows, int64_t n, int dim) {
    __m512 most = _mm512_setzero_ps();
    for (int64_t r = 0; r < n; ++r, rows += dim)
        for (int k = 0; k < dim; k += 16) most = _mm512_max_ps(most, _mm512_abs_ps(sixteen(rows + k, first(dim - k))));
    return _mm512_reduce_max_ps(most) / 127;
}

// Quantizes a row, adds `add` to each value, and stores it as quads of bytes `stride` quads apart.
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

S2V_VNNI inline void round_queries(const TopK& top_k, Int8Pass& pass) {
    const int64_t n = top_k.n_panels() * PANEL, bytes = static_cast<int64_t>(quads(top_k.dim)) * 4;
    pass.queries.resize(static_cast<size_t>(n * bytes));
    pass.rows.resize(static_cast<size_t>(BLOCK * bytes));
    pass.thresholds.assign(static_cast<size_t>(n), std::numeric_limits<int32_t>::max());
    pass.of.resize(static_cast<size_t>(top_k.n_queries));
    pass.pause = START;
    for (int64_t i = 0; i < top_k.n_queries; ++i) {
        char* out = pass.queries.data() + i / PANEL * PANEL * bytes + i % PANEL * 4;
        float scale = scale_of(top_k.query(i), 1, top_k.dim);
        // If the query cannot be quantized, an infinite error makes every row a candidate.
        Lengths lengths{scale > 0 ? std::numeric_limits<float>::infinity() : 0.0f};
        if (can_be_rounded(scale))
            lengths = round_row(top_k.query(i), top_k.dim, scale, 0, out, PANEL);
        else
            scale = 1;
        int32_t sum = 0;
        for (int k = 0; k < bytes; ++k) sum += static_cast<signed char>(out[k / 4 * PANEL * 4 + k % 4]);
        pass.of[static_cast<size_t>(i)] = {scale, lengths, 128 * sum};
    }
}

S2V_VNNI inline void set_thresholds(const TopK& top_k, Int8Pass& pass, float scale, const Lengths& longest) {
    for (int64_t i = 0; i < top_k.n_queries; ++i) {
        const size_t at = static_cast<size_t>(i);
        pass.thresholds[at] = int8::threshold_of(pass.of[at], *top_k.thresholds(i), scale, longest, top_k.dim);
    }
}

// For each row of a group, a bit mask of the panel's queries whose top-k it may enter.
S2V_VNNI inline void find_candidates(const char* group, const char* queries, int n_quads, const int32_t* thresholds,
                                     uint32_t* found) {
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
S2V_VNNI float product(const T* row, const float* query, int dim) {  // bit-identical to products() in simd_loops.hpp
    float sum = 0;
    for (int k = 0; k < dim; ++k) sum = __builtin_fmaf(query[k], avx512::number(row + k), sum);
    return sum;
}

// Returns the number of candidates that were rescored in float32.
template <class T>
S2V_VNNI int64_t top_k_of_block(TopK& top_k, const T* rows, float scale, int64_t n, int64_t first_row,
                                const unsigned char* mask) {
    Int8Pass& pass = top_k.first_pass;
    const int n_quads = quads(top_k.dim);
    Lengths most;
    for (int64_t r = 0; r < n; ++r) {
        char* out = pass.rows.data() + (r / GROUP * n_quads * GROUP + r % GROUP) * 4;
        const Lengths of_row = round_row(rows + r * top_k.dim, top_k.dim, scale, 128, out, GROUP);
        most = {std::max(most.lost, of_row.lost), std::max(most.kept, of_row.kept)};
    }
    set_thresholds(top_k, pass, scale, most);
    int64_t n_rescored = 0;
    for (int64_t query = 0; query < top_k.n_queries; query += PANEL) {
        for (int64_t begin = 0; begin < n; begin += GROUP) {
            uint32_t found[GROUP];
            find_candidates(pass.rows.data() + begin * n_quads * 4, pass.queries.data() + query * n_quads * 4, n_quads,
                            pass.thresholds.data() + query, found);
            for (int64_t r = begin; r < std::min<int64_t>(n, begin + GROUP); ++r) {
                if (mask && !mask[r]) continue;
                for (uint32_t bits = found[r - begin]; bits; bits &= bits - 1, ++n_rescored) {
                    const int64_t i = query + __builtin_ctz(bits);
                    const float score = product(rows + r * top_k.dim, top_k.query(i), top_k.dim);
                    if (score > *top_k.thresholds(i)) top_k.offer(i, first_row + r, score);
                }
            }
        }
    }
    return n_rescored;
}

template <class T>
S2V_VNNI void top_k_rows(TopK& top_k, const void* data, int64_t n, int64_t first_row, const unsigned char* mask) {
    if (top_k.n_queries <= TopK::FEW || top_k.dim > int8::LONGEST)
        return avx512::top_k_rows<T>(top_k, data, n, first_row, mask);
    if (top_k.first_pass.queries.empty()) round_queries(top_k, top_k.first_pass);
    const T* rows = static_cast<const T*>(data);
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        const int64_t size = std::min<int64_t>(n - begin, BLOCK);
        const T* block = rows + begin * top_k.dim;
        const unsigned char* of_block = mask ? mask + begin : nullptr;
        const float scale = top_k.first_pass.pause > 0 ? 0 : scale_of(block, size, top_k.dim);
        if (!can_be_rounded(scale)) {
            top_k.first_pass.pause -= top_k.first_pass.pause > 0;
            avx512::top_k_rows<T>(top_k, block, size, first_row + begin, of_block);
        } else {
            const int64_t rescored = top_k_of_block(top_k, block, scale, size, first_row + begin, of_block);
            if (rescored > size * top_k.n_queries / 32) top_k.first_pass.pause = PAUSE;
        }
    }
}

}  // namespace vnni
}  // namespace s2v

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif
