// The rows of a matrix with the greatest products with each of some queries.
//
// One query waits for the memory; many share what was read. They lie in panels, PANEL queries side by side, and rows
// are packed in small groups, so that simd_loops.hpp computes a group's products with a panel in registers. Nearly all of
// them are below the worst score that a query keeps, its bar, and are dropped there and then.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "pooling.hpp"

namespace s2v {

struct Hit {
    float score;
    int64_t row;
    bool operator<(const Hit& other) const {  // ranks before it
        return score > other.score || (score == other.score && row < other.row);
    }
};

// The queries in eight bits a number, and what goes with it: see top_k_int8.hpp.
struct Int8Pass {
    struct Query {
        float scale, lost, kept;  // lengths of what rounding took away and left
        int32_t offset;
    };
    std::vector<char> queries, rows;
    std::vector<Query> of;
    std::vector<int32_t> thresholds;
    int pause = 0;  // blocks
};

class TopK {
  public:
    static constexpr int PANEL = 32, BLOCK = 192;  // queries side by side; rows that are packed at a time
    static constexpr int FEW = 12;                 // queries: up to so many take the rows one by one

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
    const float* thresholds(int64_t query) const { return thresholds_.data() + query; }  // of it and those after it
    const std::vector<Hit>& hits(int64_t query) const { return hits_[static_cast<size_t>(query)]; }

    // A score above the bar.
    void offer(int64_t query, int64_t row, float score) {
        std::vector<Hit>& hits = hits_[static_cast<size_t>(query)];  // a heap, the worst first
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

    // The scores of the rows from `first` on, but for those whose `mask` is 0.
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

    // What another one kept, of other rows.
    void merge(const TopK& other) {
        for (int64_t i = 0; i < n_queries; ++i)
            for (const Hit& hit : other.hits(i)) offer(i, hit.row, hit.score);
    }

    void sort() {
        for (auto& hits : hits_) std::sort(hits.begin(), hits.end());
    }

    std::vector<float> packed;  // of simd_loops.hpp
    Int8Pass int8;

  private:
    std::vector<float> queries_, panels_, thresholds_;
    std::vector<std::vector<Hit>> hits_;
};

// Takes in rows, float32 or float16, the first of which has the number `first`; those whose mask is 0 are left out.
using TopKRows = void (*)(TopK& top_k, const void* rows, int64_t n, int64_t first, const unsigned char* mask);
TopKRows choose_top_k_rows(int level, bool half);

}  // namespace s2v
