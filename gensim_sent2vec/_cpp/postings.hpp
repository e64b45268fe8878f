// Scores from an inverted index: for each feature, the texts that contain it.
#pragma once

#include <cstdint>

namespace s2v {

struct Postings {  // possibly mapped read-only from an unvalidated file
    const int64_t* starts;  // (n_features + 1): feature f has the postings starts[f] to starts[f + 1]
    const int32_t* rows;    // (n): the texts
    const float* weights;   // (n): the weights of the feature in them
    int64_t n_features, n;
};

struct LengthFactors {  // of texts, by their lengths, which are possibly mapped from an unvalidated file
    const uint16_t* lengths = nullptr;  // (n_texts), or null: all factors are 1
    const float* factors = nullptr;     // (n): the factor of each length
    int64_t n = 0;
};

// scores[row] = Σ weights[i] · (weight of features[i] in the text), at most 1, summed in the order of `features`, times
// the factor of the text's length. The scores must be 0 at first. Returns false if a posting or a length is out of
// bounds.
inline bool add_postings(const Postings& postings, const int64_t* features, const float* weights, int64_t n_query,
                         float* scores, int64_t n_texts, const LengthFactors& by_length) {
    for (int64_t i = 0; i < n_query; ++i) {
        if (features[i] < 0 || features[i] >= postings.n_features) return false;
        const int64_t begin = postings.starts[features[i]], end = postings.starts[features[i] + 1];
        if (begin < 0 || end < begin || end > postings.n) return false;
        const float weight = weights[i];
        for (int64_t k = begin; k < end; ++k) {
            const int64_t row = postings.rows[k];
            if (row < 0 || row >= n_texts) return false;
            scores[row] += postings.weights[k] * weight;
        }
    }
    for (int64_t row = 0; row < n_texts; ++row) scores[row] = scores[row] > 1 ? 1.0f : scores[row];
    if (!by_length.lengths) return true;
    constexpr int64_t block = 4096;  // lengths are checked just before they are used, as they may be in a file
    for (int64_t first = 0; first < n_texts; first += block) {
        const int64_t last = first + block < n_texts ? first + block : n_texts;
        uint16_t lengths[block], longest = 0;
        for (int64_t row = first; row < last; ++row) {
            const uint16_t length = by_length.lengths[row];
            lengths[row - first] = length;
            longest = length > longest ? length : longest;
        }
        if (longest >= by_length.n) return false;
        for (int64_t row = first; row < last; ++row) scores[row] *= by_length.factors[lengths[row - first]];
    }
    return true;
}

}  // namespace s2v
