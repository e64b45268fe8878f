// Prefetching of cache lines.
#pragma once

#include <cstddef>

namespace s2v {

enum class Fetch { L1, L2, OWNED };

// Prefetches the cache line that contains p. OWNED is for writing: no other core keeps a copy, so the write need not
// ask for the line again. Compilers for x86 turn __builtin_prefetch for writing into one for reading unless they are
// told that the CPU has PREFETCHW; CPUs without it (Intel before 2014) ignore the instruction.
template <Fetch TO = Fetch::L1>
inline void prefetch_line(const void* p) {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    if constexpr (TO == Fetch::OWNED) {
        __asm__("prefetchw %0" : : "m"(*static_cast<const char*>(p)));
    } else {
        __builtin_prefetch(p, 0, TO == Fetch::L2 ? 2 : 3);
    }
#elif defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(p, TO == Fetch::OWNED, TO == Fetch::L2 ? 2 : 3);
#else
    (void)p;
#endif
}

// Prefetches the cache lines of a row. Their number depends on where the row begins; the loop's does not, so that the
// processor predicts where it ends.
template <Fetch TO>
inline void prefetch_lines(const void* row, size_t bytes) {
    const char* begin = static_cast<const char*>(row);
    for (size_t at = 0; at < bytes; at += 64) prefetch_line<TO>(begin + at);
    prefetch_line<TO>(begin + bytes - 1);
}

inline void prefetch_row(const void* row, size_t bytes) { prefetch_lines<Fetch::OWNED>(row, bytes); }

// Prefetches a row for reading, so that other cores keep their copies. prefetch_far targets the L2 cache, which allows
// more outstanding misses than L1.
inline void prefetch_near(const void* p, size_t bytes) { prefetch_lines<Fetch::L1>(p, bytes); }
inline void prefetch_far(const void* p, size_t bytes) { prefetch_lines<Fetch::L2>(p, bytes); }

}  // namespace s2v
