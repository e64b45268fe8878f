// Int8 codes of the rows of a matrix, kept for top-k searches of few queries. Such a search is bound by memory
// bandwidth, and reads a quarter of the bytes; with the bound of int8.hpp, it finds the same rows and scores.
#pragma once

#include <memory>

#include "dispatch.hpp"

namespace s2v {

class RowCodes {
  public:
    static constexpr int BLOCK = 64;  // rows that share a scale

    struct Block {
        float scale;  // 0 if the rows cannot be rounded
        int8::Lengths longest;
    };

    const int64_t n;
    const int dim;
    const bool half;
    const void* const rows;  // must outlive this object, and stay as they are

    RowCodes(const void* matrix, int64_t n_rows, int n_dims, bool is_half)
        : n(n_rows),
          dim(n_dims),
          half(is_half),
          rows(matrix),
          codes_(new unsigned char[static_cast<size_t>((n + BLOCK - 1) / BLOCK) * block_bytes()]),
          blocks_(static_cast<size_t>((n + BLOCK - 1) / BLOCK)) {
        for (int64_t i = 0; i < static_cast<int64_t>(blocks_.size()); ++i) round_block(i);
    }

    const char* row(int64_t i) const { return static_cast<const char*>(rows) + i * dim * (half ? 2 : 4); }
    const Block& block(int64_t i) const { return blocks_[static_cast<size_t>(i)]; }

    // The codes of a block, each plus 128: four dimensions of the first row, of the second, and so on; then the next
    // four dimensions.
    const unsigned char* codes(int64_t i) const { return codes_.get() + static_cast<size_t>(i) * block_bytes(); }

  private:
    size_t block_bytes() const { return static_cast<size_t>(int8::quads(dim)) * 4 * BLOCK; }

    void round_block(int64_t i) {
        const int64_t first = i * BLOCK, size = std::min<int64_t>(n - first, BLOCK);
        const int n_quads = int8::quads(dim);
        std::vector<float> converted;
        const float* values = static_cast<const float*>(rows) + first * dim;
        if (half) {
            converted.resize(static_cast<size_t>(size * dim));
            const uint16_t* halves = static_cast<const uint16_t*>(rows) + first * dim;
            std::transform(halves, halves + size * dim, converted.begin(), half_to_float);
            values = converted.data();
        }
        const float scale = int8::scale_of(values, size * dim, 127);
        Block& block = blocks_[static_cast<size_t>(i)] = {int8::can_be_rounded(scale) ? scale : 0.0f, {}};
        if (block.scale == 0) return;
        std::vector<unsigned char> rounded(static_cast<size_t>(n_quads) * 4);
        unsigned char* out = codes_.get() + static_cast<size_t>(i) * block_bytes();
        for (int64_t r = 0; r < size; ++r) {
            const int8::Lengths of_row = int8::round_row(values + r * dim, dim, scale, 128, rounded.data());
            block.longest = {std::max(block.longest.lost, of_row.lost), std::max(block.longest.kept, of_row.kept)};
            for (int k = 0; k < n_quads; ++k) std::memcpy(out + (k * BLOCK + r) * 4, rounded.data() + 4 * k, 4);
        }
    }

    std::unique_ptr<unsigned char[]> codes_;
    std::vector<Block> blocks_;
};

// For a block of rows, a bit mask of those whose product with a query exceeds a threshold. The query is rounded to at
// most 63, so that the sum of two products fits in int16. (Byte dot products of AVX-512 would not be faster: reading
// the codes takes the time.)
using CodesAbove = uint64_t (*)(const unsigned char* codes, const unsigned char* query, int n_quads, int32_t threshold);
constexpr int MOST = 63;

#if S2V_X86
static_assert(RowCodes::BLOCK == 64, "one bit per row");

__attribute__((target("avx2"))) inline uint64_t codes_above_avx2(const unsigned char* codes, const unsigned char* query,
                                                                 int n_quads, int32_t threshold) {
    __m256i sums[8];
    for (auto& sum : sums) sum = _mm256_setzero_si256();
    for (int k = 0; k < n_quads; ++k, codes += 256) {
        const __m256i four = _mm256_set1_epi32(read_as<int32_t>(query + 4 * k));
        for (int j = 0; j < 8; ++j) {
            const __m256i rows = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 32 * j));
            const __m256i pairs = _mm256_maddubs_epi16(rows, four);
            sums[j] = _mm256_add_epi32(sums[j], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        }
    }
    uint64_t above = 0;
    for (int j = 0; j < 8; ++j) {
        const __m256i greater = _mm256_cmpgt_epi32(sums[j], _mm256_set1_epi32(threshold));
        above |= static_cast<uint64_t>(_mm256_movemask_ps(_mm256_castsi256_ps(greater))) << 8 * j;
    }
    return above;
}
#endif

inline CodesAbove choose_codes_above(int level) {  // null if the codes would not make a search faster
#if S2V_X86
    if (level != PLAIN) return &codes_above_avx2;
#endif
    (void)level;
    return nullptr;
}

// A query of a search, with its codes.
struct CodedQuery {
    std::vector<unsigned char> codes;
    int8::Query rounded;
    int pause = 0;  // blocks left to score without codes

    CodedQuery(const float* query, int dim) : codes(static_cast<size_t>(int8::quads(dim)) * 4) {
        rounded = int8::round_query(query, dim, MOST, codes.data());
    }
};

// Updates the top-k with rows `begin` to `end` of the matrix; `begin` is a multiple of BLOCK. Rows with mask 0, whose
// first entry is that of row `begin`, are skipped.
inline void top_k_codes(TopK& top_k, const RowCodes& codes, int64_t begin, int64_t end, const unsigned char* mask,
                        int level) {
    constexpr int BLOCK = RowCodes::BLOCK, MANY = BLOCK / 8, PAUSE = 32;  // blocks without codes after many candidates
    const CodesAbove codes_above = codes.dim <= int8::LONGEST ? choose_codes_above(level) : nullptr;
    const DotRows dot = choose_dot_rows(level, codes.half);
    std::vector<CodedQuery> queries;
    for (int64_t i = 0; i < top_k.n_queries; ++i) queries.emplace_back(top_k.query(i), codes.dim);
    float scores[BLOCK];
    for (int64_t first = begin; first < end; first += BLOCK) {
        const RowCodes::Block& block = codes.block(first / BLOCK);
        const int64_t size = std::min<int64_t>(end - first, BLOCK);
        const unsigned char* of_block = mask ? mask + (first - begin) : nullptr;
        for (int64_t i = 0; i < top_k.n_queries; ++i) {
            CodedQuery& query = queries[static_cast<size_t>(i)];
            if (!codes_above || query.pause > 0 || query.rounded.scale == 0 || block.scale == 0) {
                query.pause -= query.pause > 0;
                dot(codes.row(first), size, codes.dim, top_k.query(i), scores);
                top_k.add_scores(i, scores, size, first, of_block);
                continue;
            }
            const int32_t threshold =
                int8::threshold_of(query.rounded, *top_k.thresholds(i), block.scale, block.longest, codes.dim);
            int n_found = 0;
            for (uint64_t found =
                     codes_above(codes.codes(first / BLOCK), query.codes.data(), int8::quads(codes.dim), threshold);
                 found; found &= found - 1, ++n_found) {
                const int r = lowest_bit(found);
                if (r >= size) break;  // padding of the last block
                dot(codes.row(first + r), 1, codes.dim, top_k.query(i), scores);
                top_k.add_scores(i, scores, 1, first + r, of_block ? of_block + r : nullptr);
            }
            if (n_found > MANY) query.pause = PAUSE;
        }
    }
}

}  // namespace s2v
