// Top-k search: the rows of a matrix with the largest dot products with each query of a batch.
//
// A single query is bound by memory bandwidth; a batch reuses each row it reads. Queries are stored in panels of PANEL
// interleaved queries and rows are packed in small groups, so that simd_loops.hpp can compute a group's products with
// a panel in registers. Each query has a threshold, its current k-th best score; nearly all products are below it and
// are discarded at once.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "int8.hpp"
#include "pooling.hpp"

namespace s2v {

struct Hit {
    float score;
    int64_t row;
    bool operator<(const Hit& other) const {  // true if this hit ranks higher; ties go to the lower row
        return score > other.score || (score == other.score && row < other.row);
    }
};

// State of the first pass of many queries (top_k_int8.hpp): rounded queries and rows, and the thresholds of a block.
struct Int8Pass {
    std::vector<char> queries, rows;
    std::vector<int8::Query> of;
    std::vector<int32_t> thresholds;
    int pause = 0;  // blocks left to score without the first pass
};

class TopK {
  public:
    static constexpr int PANEL = 32, BLOCK = 192;  // queries per panel; rows packed at a time
    static constexpr int FEW = 12;                 // for at most this many queries, packing the rows does not pay off

    const int64_t n_queries, topn;
    const int dim;

    TopK(const float* queries, int64_t n, int d, int64_t most)
        : n_queries(n),
          topn(most),
          dim(d),
          queries_(queries, queries + n * d),
          panels_(static_cast<size_t>(n_panels() * PANEL * d)),
          thresholds_(static_cast<size_t>(n_panels() * PANEL), std::numeric_limits<float>::infinity()),
          hits_(static_cast<size_t>(n)) {
        std::fill_n(thresholds_.begin(), n, -std::numeric_limits<float>::infinity());
        for (int64_t i = 0; i < n; ++i)
            for (int k = 0; k < d; ++k)
                panels_[static_cast<size_t>((i / PANEL * d + k) * PANEL + i % PANEL)] = queries[i * d + k];
    }

    int64_t n_panels() const { return (n_queries + PANEL - 1) / PANEL; }
    const float* query(int64_t i) const { return queries_.data() + i * dim; }
    const float* panel(int64_t i) const { return panels_.data() + i * PANEL * dim; }
    const float* thresholds(int64_t query) const { return thresholds_.data() + query; }  // from this query on
    const std::vector<Hit>& hits(int64_t query) const { return hits_[static_cast<size_t>(query)]; }

    // Call only with a score above the query's threshold.
    void offer(int64_t query, int64_t row, float score) {
        std::vector<Hit>& hits = hits_[static_cast<size_t>(query)];  // a heap with the worst hit on top
        const Hit hit{score, row};
        if (static_cast<int64_t>(hits.size()) == topn) {
            if (!(hit < hits.front())) return;
            std::pop_heap(hits.begin(), hits.end());
            hits.back() = hit;
        } else {
            hits.push_back(hit);
        }
        std::push_heap(hits.begin(), hits.end());
        if (static_cast<int64_t>(hits.size()) == topn) thresholds_[static_cast<size_t>(query)] = hits.front().score;
    }

    // `scores` of rows first, ..., first + n - 1; rows with mask 0 are skipped.
    void add_scores(int64_t query, const float* scores, int64_t n, int64_t first, const unsigned char* mask) {
        for (int64_t begin = 0; begin < n; begin += 64) {
            const int64_t end = std::min<int64_t>(n, begin + 64);
            const float threshold = *thresholds(query);
            bool above = false;
            for (int64_t i = begin; i < end; ++i) above |= scores[i] > threshold;
            if (!above) continue;
            for (int64_t i = begin; i < end; ++i)
                if (scores[i] > *thresholds(query) && (!mask || mask[i])) offer(query, first + i, scores[i]);
        }
    }

    // The scores of one row for all queries.
    void add_row_scores(const float* scores, int64_t row) {
        for (int64_t begin = 0; begin < n_queries; begin += 64) {
            const int64_t end = std::min<int64_t>(n_queries, begin + 64);
            bool above = false;
            for (int64_t i = begin; i < end; ++i) above |= scores[i] > *thresholds(i);
            if (!above) continue;
            for (int64_t i = begin; i < end; ++i)
                if (scores[i] > *thresholds(i)) offer(i, row, scores[i]);
        }
    }

    // Merges the top-k of a disjoint set of rows.
    void merge(const TopK& other) {
        for (int64_t i = 0; i < n_queries; ++i)
            for (const Hit& hit : other.hits(i)) offer(i, hit.row, hit.score);
    }

    void sort() {
        for (auto& hits : hits_) std::sort(hits.begin(), hits.end());
    }

    std::vector<float> packed;  // scratch memory of simd_loops.hpp
    Int8Pass first_pass;

  private:
    std::vector<float> queries_, panels_, thresholds_;
    std::vector<std::vector<Hit>> hits_;
};

// Scores n float32 or float16 rows, numbered from `first`, and updates the top-k; rows with mask 0 are skipped.
using TopKRows = void (*)(TopK& top_k, const void* rows, int64_t n, int64_t first, const unsigned char* mask);
TopKRows choose_top_k_rows(int level, bool half);

}  // namespace s2v
