// The kernel's view of the model, and the state that training threads share.
#pragma once

#include <atomic>
#include <mutex>
#include <new>

#include "flag.hpp"
#include "random.hpp"

#if defined(_MSC_VER)
#define S2V_RESTRICT __restrict
#else
#define S2V_RESTRICT __restrict__
#endif

namespace s2v {

// Hashes word n-grams to bucket rows. `epfml` selects the reference program's hash, which maps the placeholder to 0: an
// n-gram that starts with the placeholder therefore collides with the n-gram without it. New models map the placeholder
// to 1 and mix the bits.
struct NgramHash {
    static constexpr int64_t PLACEHOLDER = -1;
    uint64_t bucket;
    bool epfml;

    uint64_t start(int64_t id) const { return static_cast<uint64_t>(id + (epfml ? 1 : 2)); }
    uint64_t extend(uint64_t h, int64_t id) const {
        return h * (epfml ? 116049371ull : 0xd1342543de82ef95ull) + start(id);
    }
    int64_t row(uint64_t h) const { return static_cast<int64_t>(epfml ? h % bucket : multiply_high(mix(h), bucket)); }
};

// One of two pointers, without a branch: every other word is hot, so that the processor would often predict it wrongly.
inline float* pick(bool first, float* a, float* b) {
    const uintptr_t mask = 0 - static_cast<uintptr_t>(first);
    return reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(a) & mask) | (reinterpret_cast<uintptr_t>(b) & ~mask));
}

struct Model {
    float *words, *placeholder, *ngrams, *out;  // (n_words, dim), (dim), (bucket, dim), (n_words, dim)
    int64_t n_words, bucket;
    int dim;
    int n;             // maximum length of word n-grams; with `skip`, word pairs at a distance of at most n - 1
    bool skip, epfml;  // n-gram mode (skip-grams or contiguous); which hash: see NgramHash
    int dropout_k, negative;
    int shared_negatives;   // number of consecutive targets that share their negative samples; 1: no sharing
    const uint64_t* alias;  // alias table of the negative sampling distribution, n_words entries
    const uint32_t* keep;   // target i is trained with probability keep[i] / 2^32; null: no subsampling
    const float* lockf;     // factor of the updates of each word's input row, 0 to 1; null: 1 for all words
    int hot;                // number of most frequent words whose rows each thread copies: see HotRows
    float *hot_words, *hot_out;

    NgramHash hash() const { return {static_cast<uint64_t>(bucket), epfml}; }
    float* word_row(int64_t id) const { return pick(id < hot, hot_words, words) + id * dim; }
    float lock_factor(int64_t id) const { return lockf ? lockf[id] : 1.0f; }
    float* out_row(int64_t id) const { return pick(id < hot, hot_out, out) + id * dim; }
    float* ngram_row(uint64_t h) const { return ngrams + hash().row(h) * dim; }
};

// Cache-line aligned and padded memory, to avoid false sharing: data that one thread writes for every target must not
// share a cache line with data that another thread reads. 128 bytes, because processors prefetch lines in pairs.
constexpr size_t ALIGNMENT = 128;
template <class T>
struct PaddedAllocator {
    using value_type = T;
    PaddedAllocator() = default;
    template <class U>
    PaddedAllocator(const PaddedAllocator<U>&) {}
    T* allocate(size_t n) {
        const size_t bytes = (n * sizeof(T) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return static_cast<T*>(::operator new(bytes, std::align_val_t(ALIGNMENT)));
    }
    void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(ALIGNMENT)); }
    bool operator==(const PaddedAllocator&) const { return true; }
    bool operator!=(const PaddedAllocator&) const { return false; }
};
template <class T>
using PaddedVector = std::vector<T, PaddedAllocator<T>>;

// A value that one thread changes while others read it. Costs no more than a plain one.
template <class T>
class Reported {
  public:
    operator T() const { return value_.load(std::memory_order_relaxed); }
    void operator+=(T change) { value_.store(*this + change, std::memory_order_relaxed); }
    void operator++() { *this += 1; }

  private:
    std::atomic<T> value_{0};
};

// State shared by all training threads. The learning rate decays linearly with the total work done by all threads.
struct Schedule {
    float start, end;
    double total;
    bool by_lines;     // whether `total` and `done` are in lines (true) or tokens (false)
    Flag stop;         // set from Python; each thread returns within a few hundred targets
    Flag diverged;     // set by a thread whose updates grow without bound
    char padding[64];  // keeps the read-mostly fields above off the cache line of `done`, which is written
    std::atomic<int64_t> done{0};
    std::mutex hot_rows;

    float rate(int64_t at) const {
        const double left = 1 - static_cast<double>(at) / total;
        return end + (start - end) * static_cast<float>(left > 0 ? left : 0);
    }
};

// Thread-local copies of the rows that almost every line updates: the placeholder and the most frequent words. If all
// threads updated the shared rows, their cache lines would bounce between cores. Periodically, each thread adds
// the change in its copies to the shared rows and reads back the result.
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

    // The model, with the hot rows redirected to this thread's copies.
    Model view() {
        Model m = m_;
        if (!m.hot) return m;
        m.hot_words = words_.current.data();
        m.hot_out = out_.current.data();
        m.placeholder = placeholder_.current.data();
        return m;
    }

    // The caller must hold Schedule::hot_rows.
    void exchange() {
        if (!m_.hot) return;
        words_.exchange(m_.words);
        out_.exchange(m_.out);
        placeholder_.exchange(m_.placeholder);
    }

  private:
    struct Copy {
        PaddedVector<float> current, base;  // base: as of the last exchange
        void take(const float* shared, size_t n) {
            current.assign(shared, shared + n);
            base = current;
        }
        void exchange(float* S2V_RESTRICT shared) {
            float *S2V_RESTRICT mine = current.data(), *S2V_RESTRICT before = base.data();
            for (size_t i = 0, n = current.size(); i < n; ++i) {
                const float sum = shared[i] + (mine[i] - before[i]);
                mine[i] = before[i] = shared[i] = sum;
            }
        }
    };
    const Model m_;
    Copy words_, out_, placeholder_;
};

// One thread's share of a training run. It synchronizes with the other threads only from time to time: if every thread
// wrote to the same cache line for every line of text, even just a counter, the contention would dominate.
class Share {
  public:
    Share(const Model& m, Schedule& s, int sync_interval)
        : schedule(s), hot_(m), sync_interval_(sync_interval), global_done_(s.done.load(std::memory_order_relaxed)) {}

    Model view() { return hot_.view(); }
    float rate() const { return schedule.rate(global_done_ + local_done_); }
    void advance(int64_t n) { local_done_ += n; }
    void end_of_line(int64_t tokens) {
        tokens_ += tokens;
        trained_ += tokens;
        // Synchronize more often early in training: rows still change quickly, so the copies soon diverge.
        if (tokens_ < std::min(sync_interval_, trained_ / 16) || !schedule.hot_rows.try_lock()) return;
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
        global_done_ = schedule.done.fetch_add(local_done_, std::memory_order_relaxed) + local_done_;
        local_done_ = tokens_ = 0;
        hot_.exchange();
    }

    HotRows hot_;
    const int64_t sync_interval_;  // tokens
    // Work done by all threads as of the last exchange, and by this thread since then (in the unit of Schedule::done);
    // tokens seen by this thread since the last exchange, and in total.
    int64_t global_done_, local_done_ = 0, tokens_ = 0, trained_ = 0;
};

}  // namespace s2v
