// The model as the kernel sees it, and the state that training threads share.
#pragma once

#include <atomic>
#include <mutex>
#include <new>

#include "random.hpp"

#if defined(_MSC_VER)
#define S2V_RESTRICT __restrict
#else
#define S2V_RESTRICT __restrict__
#endif

namespace s2v {

// n-gram rows by hashing. `epfml` is the reference program's hash, in which the placeholder is 0, so that
// an n-gram which starts with it collides with the rest of the n-gram; new models count the placeholder
// as 1 and mix the bits.
struct GramHash {
    static constexpr int64_t PLACEHOLDER = -1;
    uint64_t bucket;
    bool epfml;

    uint64_t start(int64_t id) const { return static_cast<uint64_t>(id + (epfml ? 1 : 2)); }
    uint64_t extend(uint64_t h, int64_t id) const {
        return h * (epfml ? 116049371ull : 0xd1342543de82ef95ull) + start(id);
    }
    int64_t row(uint64_t h) const {
        return static_cast<int64_t>(epfml ? h % bucket : multiply_high(mix(h), bucket));
    }
};

struct Model {
    float *words, *placeholder, *grams, *out;  // (n_words, dim), (dim), (bucket, dim), (n_words, dim)
    int64_t n_words, bucket;
    int dim;
    int n;             // word n-grams up to this length; with `skip`, pairs up to distance n - 1
    bool skip, epfml;  // the two n-gram modes, the two hashes
    int dropout_k, negative;
    int run;                // successive targets that share their negative samples; 1: each draws its own
    const uint64_t* alias;  // n_words entries
    const uint32_t* keep;   // target i is trained with probability keep[i] / 2^32; null: always
    int hot;                // number of most frequent words whose rows each thread copies: see HotRows
    float *hot_words, *hot_out;

    GramHash hash() const { return {static_cast<uint64_t>(bucket), epfml}; }
    float* word_row(int64_t id) const { return (id < hot ? hot_words : words) + id * dim; }
    float* out_row(int64_t id) const { return (id < hot ? hot_out : out) + id * dim; }
    float* gram_row(uint64_t h) const { return grams + hash().row(h) * dim; }
};

template <int WRITE, int NEARNESS>
inline void prefetch_lines(const void* row, size_t bytes) {
#if defined(__GNUC__) || defined(__clang__)
    const uintptr_t line = 64, begin = reinterpret_cast<uintptr_t>(row), end = begin + bytes;
    for (uintptr_t at = begin / line * line; at < end; at += line)
        __builtin_prefetch(reinterpret_cast<const void*>(at), WRITE, NEARNESS);
#else
    (void)row, (void)bytes;
#endif
}

// Prefetches the cache line of p.
inline void prefetch_line(const void* p) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(p, 0, 3);
#else
    (void)p;
#endif
}

// Prefetches a row for writing: it moves into this core's cache.
inline void prefetch_row(const void* row, size_t bytes) { prefetch_lines<1, 3>(row, bytes); }

// Prefetches for reading, which does not invalidate other cores' caches. Far rows go to the L2 cache, which can have more
// outstanding loads than L1.
inline void prefetch_near(const void* p, size_t bytes) { prefetch_lines<0, 3>(p, bytes); }
inline void prefetch_far(const void* p, size_t bytes) { prefetch_lines<0, 2>(p, bytes); }

// An allocator aligned to pairs of cache lines, which processors prefetch together: what one thread writes for every target
// must not share a line with what another thread reads (false sharing).
constexpr size_t APART = 128;
template <class T>
struct ApartAllocator {
    using value_type = T;
    ApartAllocator() = default;
    template <class U>
    ApartAllocator(const ApartAllocator<U>&) {}
    T* allocate(size_t n) {
        const size_t bytes = (n * sizeof(T) + APART - 1) / APART * APART;
        return static_cast<T*>(::operator new(bytes, std::align_val_t(APART)));
    }
    void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(APART)); }
    bool operator==(const ApartAllocator&) const { return true; }
    bool operator!=(const ApartAllocator&) const { return false; }
};
template <class T>
using ApartVector = std::vector<T, ApartAllocator<T>>;

// State shared by the threads of a training run. The learning rate decays linearly with the total work of all threads.
struct Schedule {
    float start, end;
    double total;
    bool by_lines;  // the unit of `total` and `done`: lines or tokens
    volatile int64_t stop = 0;      // set from Python; every thread returns within a few hundred targets
    volatile int64_t diverged = 0;  // set by a thread that finds a value that is not finite
    char apart[64];                 // keeps the read-mostly fields out of the cache line that is written
    std::atomic<int64_t> done{0};
    std::mutex hot_rows;

    float rate(int64_t at) const {
        const double left = 1 - static_cast<double>(at) / total;
        return end + (start - end) * static_cast<float>(left > 0 ? left : 0);
    }
};

// Per-thread copies of the rows that almost every line updates: the placeholder and the most frequent words. If threads
// shared these rows, their cache lines would bounce between cores. From time to time, the changes of the copies are added
// to the shared rows, and the copies are refreshed.
class HotRows {
  public:
    explicit HotRows(const Model& m) : m_(m) {
        if (!m.hot) return;
        const size_t n = static_cast<size_t>(m.hot) * static_cast<size_t>(m.dim);
        words_.take(m.words, n);
        out_.take(m.out, n);
        placeholder_.take(m.placeholder, static_cast<size_t>(m.dim));
    }
    HotRows(const HotRows&) = delete;

    // The model, with the copies instead of the shared rows.
    Model view() {
        Model m = m_;
        if (!m.hot) return m;
        m.hot_words = words_.now.data();
        m.hot_out = out_.now.data();
        m.placeholder = placeholder_.now.data();
        return m;
    }

    // The caller holds the lock.
    void exchange() {
        if (!m_.hot) return;
        words_.exchange(m_.words);
        out_.exchange(m_.out);
        placeholder_.exchange(m_.placeholder);
    }

  private:
    struct Copy {
        ApartVector<float> now, then;
        void take(const float* shared, size_t n) {
            now.assign(shared, shared + n);
            then = now;
        }
        void exchange(float* S2V_RESTRICT shared) {
            float *S2V_RESTRICT mine = now.data(), *S2V_RESTRICT before = then.data();
            for (size_t i = 0, n = now.size(); i < n; ++i) {
                const float sum = shared[i] + (mine[i] - before[i]);
                mine[i] = before[i] = shared[i] = sum;
            }
        }
    };
    const Model m_;
    Copy words_, out_, placeholder_;
};

// The state of one training thread. It synchronizes with the others only occasionally: a cache line that all threads write
// for every line of text, even a counter, would cost more than the work itself.
class Share {
  public:
    Share(const Model& m, Schedule& s, int meet_every)
        : schedule(s), hot_(m), meet_every_(meet_every), known_(s.done.load(std::memory_order_relaxed)) {}

    Model view() { return hot_.view(); }
    float rate() const { return schedule.rate(known_ + own_); }
    void advance(int64_t n) { own_ += n; }
    void end_of_line(int64_t tokens) {
        tokens_ += tokens;
        trained_ += tokens;
        // Early in training, rows change quickly and the copies would drift apart.
        if (tokens_ < std::min(meet_every_, trained_ / 16) || !schedule.hot_rows.try_lock()) return;
        exchange();
        schedule.hot_rows.unlock();
    }
    void meet() {
        const std::lock_guard<std::mutex> guard(schedule.hot_rows);
        exchange();
    }

    Schedule& schedule;

  private:
    void exchange() {
        known_ = schedule.done.fetch_add(own_, std::memory_order_relaxed) + own_;
        own_ = tokens_ = 0;
        hot_.exchange();
    }

    HotRows hot_;
    const int64_t meet_every_;  // tokens
    int64_t known_, own_ = 0, tokens_ = 0, trained_ = 0;
};

}  // namespace s2v
