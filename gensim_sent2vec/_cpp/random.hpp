// Random number generation. Kept simple so that the Python oracle in the tests can reproduce every value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace s2v {

inline uint64_t multiply_high(uint64_t a, uint64_t b) {
#if defined(_MSC_VER)
    return __umulh(a, b);
#else
    return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> 64);
#endif
}

inline uint64_t mix(uint64_t z) {  // the splitmix64 finalizer
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

struct Rng {  // splitmix64: accepts any seed, costs a few instructions per value, and is easy to reproduce
    uint64_t state;
    uint64_t next() { return mix(state += 0x9e3779b97f4a7c15ull); }
    uint32_t below(uint64_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
};

// Samples from a discrete distribution in constant time (Vose's alias method). Entry i holds the threshold in its upper
// 32 bits and the alias in its lower 32 bits. At 8 bytes per word, a typical vocabulary's table fits in the L2 cache.
inline int32_t draw(const uint64_t* alias, int64_t n, Rng& rng) {
    const uint64_t x = rng.next();
    const uint64_t i = (x >> 32) * static_cast<uint64_t>(n) >> 32;
    const uint64_t entry = alias[i];
    return static_cast<int32_t>(static_cast<uint32_t>(x) < entry >> 32 ? i : entry & 0xffffffffu);
}

inline void fill_alias(const double* weights, int64_t n, uint64_t* alias) {
    double total = 0;
    for (int64_t i = 0; i < n; ++i) total += weights[i];
    std::vector<double> share(static_cast<size_t>(n));
    std::vector<int64_t> small, large;
    for (int64_t i = 0; i < n; ++i) {
        share[i] = weights[i] * static_cast<double>(n) / total;
        (share[i] < 1 ? small : large).push_back(i);
        alias[i] = 0xffffffffull << 32 | static_cast<uint64_t>(i);
    }
    while (!small.empty() && !large.empty()) {
        const int64_t s = small.back(), l = large.back();
        small.pop_back();
        const double threshold = std::min(share[s] * 4294967296.0, 4294967295.0);
        alias[s] = static_cast<uint64_t>(threshold) << 32 | static_cast<uint64_t>(l);
        share[l] -= 1 - share[s];
        if (share[l] < 1) {
            large.pop_back();
            small.push_back(l);
        }
    }
}

// Fills `out` with values uniform in +-scale. Counter-based, so the values do not depend on how rows are split among
// threads.
inline void fill_uniform(float* out, int64_t n, int64_t first, uint64_t seed, float scale) {
    const float unit = scale / 8388608.0f;  // 2^23
    for (int64_t i = 0; i < n; ++i) {
        const uint64_t x = mix(seed + 0x9e3779b97f4a7c15ull * static_cast<uint64_t>(first + i + 1));
        out[i] = (static_cast<float>(x >> 40) - 8388607.5f) * unit;
    }
}

}  // namespace s2v
