// Training and reading out sentences: the incremental form of the Sent2Vec step (Pagliardini, Gupta, Jaggi,
// NAACL 2018), whose cost grows with the length of a line and not with its square.
//
// For one line let the base inputs be its words, the placeholder, and its n-grams without a placeholder.
// Row r occurs m_r times among them, and every target adds the same scaled gradient g to nearly all of them.
// So keep
//     G = the sum of the g of the targets done so far,
//     R_r = the stored row, whose true value is v_r = R_r + m_r G,
//     S = the sum of m_r v_r,
// and let a target touch only the rows that it leaves out or adds (class Target). loops.hpp has the step.
#pragma once

#include <atomic>
#include <cmath>
#include <utility>

#include "text.hpp"

namespace s2v {

inline uint64_t multiply_high(uint64_t a, uint64_t b) {
#if defined(_MSC_VER)
    return __umulh(a, b);
#else
    return static_cast<uint64_t>((static_cast<unsigned __int128>(a) * b) >> 64);
#endif
}

inline uint64_t mix(uint64_t z) {  // the finaliser of splitmix64
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

// ---------------------------------------------------------------------------------------------------
// Random draws

struct Rng {  // splitmix64: any seed will do, a draw is a few instructions, and the oracle can repeat it
    uint64_t state;
    uint64_t next() { return mix(state += 0x9e3779b97f4a7c15ull); }
    uint32_t below(uint64_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
};

// A draw from a discrete distribution in constant time (Vose's alias method). Entry i holds the threshold
// in its upper and the alias in its lower 32 bits: 8 bytes a word, so that the table of an ordinary
// vocabulary stays in the L2 cache.
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

// Uniform in +-scale, from a counter: the same numbers however the rows are split between threads.
inline void fill_uniform(float* out, int64_t n, int64_t first, uint64_t seed, float scale) {
    const float unit = scale / 8388608.0f;  // 2^23
    for (int64_t i = 0; i < n; ++i) {
        const uint64_t x = mix(seed + 0x9e3779b97f4a7c15ull * static_cast<uint64_t>(first + i + 1));
        out[i] = (static_cast<float>(x >> 40) - 8388607.5f) * unit;
    }
}

// ---------------------------------------------------------------------------------------------------
// The model as the kernel sees it

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
    int run;                // so many targets in succession share their negative draws; 1: each draws its own
    const uint64_t* alias;  // n_words entries
    const uint32_t* keep;   // target i is trained with probability keep[i] / 2^32; null: always

    GramHash hash() const { return {static_cast<uint64_t>(bucket), epfml}; }
    float* word_row(int64_t id) const { return words + id * dim; }
    float* out_row(int64_t id) const { return out + id * dim; }
    float* gram_row(uint64_t h) const { return grams + hash().row(h) * dim; }
};

// Rows that are only read must not be asked for as if to be written: that would take them from other cores' caches.
template <int WRITE = 1>
inline void prefetch_row(const void* row, size_t bytes) {
#if defined(__GNUC__) || defined(__clang__)
    const uintptr_t line = 64, begin = reinterpret_cast<uintptr_t>(row), end = begin + bytes;
    for (uintptr_t at = begin / line * line; at < end; at += line) __builtin_prefetch(reinterpret_cast<const void*>(at), WRITE, 3);
#else
    (void)row, (void)bytes;
#endif
}

// The learning rate falls linearly with the work done by all threads together.
struct Schedule {
    float start, end;
    double total;
    bool by_lines;  // the unit of `total` and `done`: lines or tokens
    std::atomic<int64_t> done{0};
    volatile int64_t stop = 0;      // set from Python; every thread returns within some hundred targets
    volatile int64_t diverged = 0;  // set by a thread that met a number that is not finite

    float rate() const {
        const double left = 1 - static_cast<double>(done.load(std::memory_order_relaxed)) / total;
        return end + (start - end) * static_cast<float>(left > 0 ? left : 0);
    }
    void advance(int64_t n) { done.fetch_add(n, std::memory_order_relaxed); }
};

// ---------------------------------------------------------------------------------------------------
// One line and its base inputs

struct Slot {  // a distinct row and how often it stands among the base inputs
    float* row;
    float m;
};

// Distinct rows of one line -> their slots. Sized for the line, so that clearing it costs what the line costs.
class RowTable {
  public:
    void reset(size_t rows) {
        size_t capacity = 16;
        shift_ = 60;
        while (capacity < rows * 2) capacity *= 2, --shift_;
        if (entries_.size() < capacity) entries_.resize(capacity);
        std::fill(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(capacity), Entry{});
        mask_ = capacity - 1;
    }
    // The slot of `row`, or a place to write it to (-1 stands there).
    int32_t& operator[](const float* row) {
        size_t at = static_cast<size_t>((reinterpret_cast<uintptr_t>(row) >> 2) * 0x9e3779b97f4a7c15ull >> shift_);
        while (entries_[at].row != nullptr && entries_[at].row != row) at = (at + 1) & mask_;
        entries_[at].row = row;
        return entries_[at].slot;
    }
    int32_t find(const float* row) const {
        size_t at = static_cast<size_t>((reinterpret_cast<uintptr_t>(row) >> 2) * 0x9e3779b97f4a7c15ull >> shift_);
        while (entries_[at].row != nullptr && entries_[at].row != row) at = (at + 1) & mask_;
        return entries_[at].row == row ? entries_[at].slot : -1;
    }

  private:
    struct Entry {
        const float* row = nullptr;
        int32_t slot = -1;
    };
    std::vector<Entry> entries_;
    size_t mask_ = 0;
    int shift_ = 60;
};

class Line {
  public:
    std::vector<int32_t> ids;        // known words only
    int64_t tokens = 0;              // all of them
    std::vector<Slot> slots;         // the distinct base rows, the placeholder first
    std::vector<int32_t> word_slot;  // of each position
    std::vector<int32_t> gram_slot;  // of the n-gram at position i with k words: (i, k) -> i * (n - 1) + k - 2
    std::vector<float*> grams;       // in place of gram_slot where n-grams are not base inputs
    bool lazy_grams = false;         // whether they are; see plan()
    int64_t n_base_grams = 0;
    float sum_m2 = 0;

    std::vector<int> targets;       // the positions that are trained
    int n_dropped = 0;              // positions a target at which no n-gram may stand (dropoutK)
    std::vector<int> dropped;       // those of each target, sorted
    std::vector<Slot> holes;        // the n-grams with the placeholder that each target adds
    std::vector<size_t> hole_ends;  // of each target, in `holes`

    std::vector<const float*> wanted;  // the rows to ask the memory for before the line is trained

    int length() const { return static_cast<int>(ids.size()); }
    const int* dropped_of(int i) const { return dropped.data() + static_cast<size_t>(i) * static_cast<size_t>(n_dropped); }

    // Makes the draws of all targets but their negatives, and finds the rows of the line. A line is planned before the
    // one ahead of it is trained, and its rows asked for meanwhile, a few a target: the memory takes few orders at once.
    void plan(const Model& m, Rng& rng) {
        targets.clear();
        for (int t = 0; t < length(); ++t)
            if (!m.keep || static_cast<uint32_t>(rng.next()) <= m.keep[ids[t]]) targets.push_back(t);
        n_dropped = m.n > 1 ? std::max(0, std::min(m.dropout_k, length() - 2)) : 0;
        dropped.clear();
        for (size_t i = 0; i < targets.size() && n_dropped; ++i) drop_positions(rng);
        plan_rows(m);
    }

    // The rows alone, after targets and dropped have been set.
    void plan_rows(const Model& m) {
        wanted.clear();
        n_base_grams = 0;
        lazy_grams = m.n > 1 && (m.skip || most_survive(m));
        table_.reset(ids.size() * static_cast<size_t>(lazy_grams ? m.n : 1) + 1);
        slots.clear();
        slots.push_back({m.placeholder, 1});
        word_slot.clear();
        for (int32_t id : ids) word_slot.push_back(add(m.word_row(id)));
        if (m.n > 1) m.skip ? plan_pairs(m) : plan_grams(m);
        sum_m2 = 0;
        for (const Slot& s : slots) sum_m2 += s.m * s.m;
        if (m.n > 1 && !m.skip) plan_holes(m);
    }

    // A row that a target adds, with its multiplicity among the base inputs (not 0 only where hashes collide).
    Slot slot_of(float* row) const {
        const int32_t slot = lazy_grams ? table_.find(row) : -1;
        return {row, slot < 0 ? 0 : slots[static_cast<size_t>(slot)].m};
    }

  private:
    void drop_positions(Rng& rng) {
        const auto begin = static_cast<std::ptrdiff_t>(dropped.size());
        while (static_cast<int>(dropped.size() - static_cast<size_t>(begin)) < n_dropped) {
            const int position = static_cast<int>(rng.below(ids.size()));
            const auto at = std::lower_bound(dropped.begin() + begin, dropped.end(), position);
            if (at == dropped.end() || *at != position) dropped.insert(at, position);
        }
    }

    // n-grams are base inputs only where most of them outlive the breaks at dropped positions and the target: then
    // there are fewer to leave out than to add.
    bool most_survive(const Model& m) const {
        const double L = length(), kept = L - n_dropped - 1;
        double total = 0, alive = 0, p = kept / L;
        for (int k = 2; k <= m.n && k <= length(); ++k) {
            p *= std::max(0.0, (kept - k + 1) / (L - k + 1));
            total += L - k + 1;
            alive += (L - k + 1) * p;
        }
        return alive > total - alive + 2 * total / L;
    }

    int32_t add(float* row) {
        int32_t& slot = table_[row];
        if (slot < 0) {
            slot = static_cast<int32_t>(slots.size());
            slots.push_back({row, 0});
            wanted.push_back(row);
        }
        slots[static_cast<size_t>(slot)].m += 1;
        return slot;
    }

    void plan_grams(const Model& m) {
        const int L = length(), n = m.n;
        const GramHash hash = m.hash();
        const size_t places = ids.size() * static_cast<size_t>(n - 1);
        lazy_grams ? gram_slot.resize(places) : grams.resize(places);
        for (int i = 0; i + 1 < L; ++i) {
            uint64_t h = hash.start(ids[i]);
            for (int k = 2; k <= n && i + k <= L; ++k) {
                h = hash.extend(h, ids[i + k - 1]);
                const size_t at = static_cast<size_t>(i) * (n - 1) + k - 2;
                float* row = m.gram_row(h);
                if (lazy_grams) {
                    gram_slot[at] = add(row);
                    ++n_base_grams;
                } else {
                    wanted.push_back(grams[at] = row);
                }
            }
        }
    }

    void plan_pairs(const Model& m) {
        const int L = length(), n = m.n;
        const GramHash hash = m.hash();
        gram_slot.resize(ids.size() * static_cast<size_t>(n - 1));
        for (int i = 0; i + 1 < L; ++i)
            for (int d = 1; d < n && i + d < L; ++d, ++n_base_grams)
                gram_slot[static_cast<size_t>(i) * (n - 1) + d - 1] =
                    add(m.gram_row(hash.extend(hash.start(ids[i]), ids[i + d])));
    }

    // The n-grams over a target's placeholder stand between the dropped positions around it.
    void plan_holes(const Model& m) {
        holes.clear();
        hole_ends.clear();
        for (int i = 0; i < static_cast<int>(targets.size()); ++i) {
            const int t = targets[i];
            const int *begin = dropped_of(i), *end = begin + n_dropped, *next = std::lower_bound(begin, end, t);
            if (next == end || *next != t)
                plan_holes(m, t, next == begin ? 0 : next[-1] + 1, next == end ? length() : *next);
            hole_ends.push_back(holes.size());
        }
    }

    void plan_holes(const Model& m, int t, int low, int high) {
        const GramHash hash = m.hash();
        for (int i = std::max(low, t - m.n + 1); i <= t; ++i) {
            uint64_t h = hash.start(i == t ? GramHash::PLACEHOLDER : ids[i]);
            for (int j = i + 1; j < high && j - i < m.n; ++j) {
                h = hash.extend(h, j == t ? GramHash::PLACEHOLDER : ids[j]);
                if (j < t) continue;
                holes.push_back(slot_of(m.gram_row(h)));
                wanted.push_back(holes.back().row);
            }
        }
    }

    RowTable table_;
};

// ---------------------------------------------------------------------------------------------------
// One target: what its inputs leave out of the line's base inputs and what they add

class Target {
  public:
    int position = 0;
    std::vector<float*> removed, added;
    float m_change = 0;  // the sum of m_r over the added rows less that over the removed ones
    float inverse_inputs = 0;
    const int32_t* negatives = nullptr;
    bool distinct_negatives = true;
    bool fresh_negatives = true;  // no target has been trained on them yet

    // Target number `i` of the line.
    void plan(const Model& m, const Line& line, int i) {
        position = line.targets[i];
        dropped_ = line.dropped_of(i);
        dropped_end_ = dropped_ + line.n_dropped;
        removed.clear();
        added.clear();
        m_change = 0;
        remove(line, line.word_slot[position]);
        if (m.n > 1) m.skip ? plan_pairs(m, line) : plan_grams(m, line, i);
        // The base inputs: words, the placeholder, n-grams.
        const int64_t inputs = line.length() + 1 + line.n_base_grams - static_cast<int64_t>(removed.size()) +
                               static_cast<int64_t>(added.size());
        inverse_inputs = 1.0f / static_cast<float>(inputs);
    }

  private:
    void remove(const Line& line, int32_t slot) {
        removed.push_back(line.slots[static_cast<size_t>(slot)].row);
        m_change -= line.slots[static_cast<size_t>(slot)].m;
    }
    void add(const Slot& slot) {
        added.push_back(slot.row);
        m_change += slot.m;
    }
    bool is_dropped(int i) const { return std::binary_search(dropped_, dropped_end_, i); }

    // Calls f(b, previous) for every position at which base n-grams break, the dropped ones and the target, in order.
    template <class F>
    void each_break(F&& f) const {
        int previous = -1;
        const int* d = dropped_;
        for (; d < dropped_end_ && *d < position; previous = *d++) f(*d, previous);
        f(position, previous);
        previous = position;
        if (d < dropped_end_ && *d == position) ++d;
        for (; d < dropped_end_; previous = *d++) f(*d, previous);
    }

    void plan_grams(const Model& m, const Line& line, int i) {
        line.lazy_grams ? remove_broken(m, line) : add_whole(m, line);
        for (size_t h = i ? line.hole_ends[i - 1] : 0; h < line.hole_ends[i]; ++h) add(line.holes[h]);
    }

    // Each n-gram that runs over a break is removed at the first break it meets.
    void remove_broken(const Model& m, const Line& line) {
        const int L = line.length(), n = m.n;
        each_break([&](int b, int previous) {
            for (int i = std::max(previous + 1, b - n + 1); i <= b; ++i)
                for (int k = std::max(2, b - i + 1); k <= n && i + k <= L; ++k)
                    remove(line, line.gram_slot[static_cast<size_t>(i) * (n - 1) + k - 2]);
        });
    }

    // The n-grams between the breaks, where they are no base inputs.
    void add_whole(const Model& m, const Line& line) {
        const int n = m.n;
        const auto add_between = [&](int low, int high) {
            for (int i = low; i + 1 < high; ++i)
                for (int k = 2; k <= n && i + k <= high; ++k)
                    added.push_back(line.grams[static_cast<size_t>(i) * (n - 1) + k - 2]);
        };
        int low = 0;
        each_break([&](int b, int) {
            add_between(low, b);
            low = b + 1;
        });
        add_between(low, line.length());
    }

    // Skip mode: pairs reach past dropped positions, (A, E) stands in for (A, D) where D is dropped.
    void plan_pairs(const Model& m, const Line& line) {
        const int L = line.length(), n = m.n;
        const auto gram = [&](int i, int j) { return line.gram_slot[static_cast<size_t>(i) * (n - 1) + (j - i) - 1]; };
        each_break([&](int b, int) {
            for (int i = std::max(0, b - n + 1); i < b; ++i)
                if (i != position && !is_dropped(i)) remove(line, gram(i, b));
            for (int j = b + 1; j < L && j - b < n; ++j) remove(line, gram(b, j));
        });
        const GramHash hash = m.hash();
        const auto add_pair = [&](int64_t a, int64_t b) { add(line.slot_of(m.gram_row(hash.extend(hash.start(a), b)))); };
        // Calls f(j) for the n - 1 kept positions after i, or before it.
        const auto each_kept = [&](int i, int direction, auto&& f) {
            int left = n - 1;
            for (int j = i + direction; j >= 0 && j < L && left > 0; j += direction)
                if (!is_dropped(j)) --left, f(j);
        };
        int previous = -1;
        for (const int* d = dropped_; d < dropped_end_; previous = *d++)  // pairs that reach past d and no earlier one
            for (int i = std::max(previous + 1, *d - n + 1); i < *d; ++i)
                if (i != position)
                    each_kept(i, 1, [&](int j) {
                        if (j - i >= n && j != position) add_pair(line.ids[i], line.ids[j]);
                    });
        if (is_dropped(position)) return;
        each_kept(position, -1, [&](int i) { add_pair(line.ids[i], GramHash::PLACEHOLDER); });
        each_kept(position, 1, [&](int j) { add_pair(GramHash::PLACEHOLDER, line.ids[j]); });
    }

    const int *dropped_ = nullptr, *dropped_end_ = nullptr;
};

// ---------------------------------------------------------------------------------------------------
// Where lines come from

// The ids of a line's known words. A look-up meets the memory twice, at its slot and at its word: with the words of a
// line looked up together, their waits overlap.
class Lookup {
  public:
    explicit Lookup(const WordTable& words) : words_(words) {}

    void add(const char* p, size_t n) {
        const uint64_t hash = hash_bytes(p, n);
        prefetch_row<0>(words_.first_slot(hash), sizeof(uint64_t));
        tokens_.push_back({hash, text_.size(), n});
        text_.insert(text_.end(), p, p + n);
    }

    int64_t tokens() const { return static_cast<int64_t>(tokens_.size()); }

    // Calls known(position, id) or unknown(position, p, n) for each token, and starts anew.
    template <class Known, class Unknown>
    void resolve(Known&& known, Unknown&& unknown) {
        for (const Token& t : tokens_) prefetch_row<0>(words_.first_offset(t.hash), sizeof(int64_t));
        for (int64_t i = 0; i < tokens(); ++i) {
            const Token& t = tokens_[static_cast<size_t>(i)];
            const char* p = text_.data() + t.begin;
            const int64_t id = words_.find(p, t.n, t.hash);
            if (id >= 0)
                known(i, static_cast<int32_t>(id));
            else
                unknown(i, p, t.n);
        }
        tokens_.clear();
        text_.clear();
    }

    // Appends the ids of the known ones.
    void resolve(std::vector<int32_t>& ids) {
        resolve([&ids](int64_t, int32_t id) { ids.push_back(id); }, [](int64_t, const char*, size_t) {});
    }

  private:
    struct Token {
        uint64_t hash;
        size_t begin, n;
    };
    const WordTable& words_;
    std::vector<Token> tokens_;
    std::vector<char> text_;
};

struct FileSource {
    Lookup lookup;
    SliceReader reader;
    ReadStatus status = ReadStatus::OK;

    bool next(Line& line) {
        line.ids.clear();
        line.tokens = 0;
        status = reader.next_line([&](const char* p, size_t n) {
            ++line.tokens;
            lookup.add(p, n);
        });
        lookup.resolve(line.ids);
        return status == ReadStatus::OK;
    }
};

// A batch handed over by the interpreter: UTF-8 laid end to end. `token_ends` has the end of every token and
// `sentence_ends` counts tokens; or, for sentences not yet split, `token_ends` is null and `sentence_ends` counts bytes.
struct Pack {
    const char* text;
    const int64_t *token_ends, *sentence_ends;
    int64_t n_sentences;

    template <class Token>
    void each_token(int64_t sentence, Token&& token) const {
        const int64_t begin = sentence ? sentence_ends[sentence - 1] : 0, end = sentence_ends[sentence];
        if (token_ends) {
            for (int64_t i = begin; i < end; ++i) {
                const int64_t from = i ? token_ends[i - 1] : 0;
                token(text + from, static_cast<size_t>(token_ends[i] - from));
            }
            return;
        }
        const char *p = text + begin, *limit = text + end;
        for (;;) {
            p = skip_spaces(p, limit);
            if (p == limit) return;
            if (*p == '\n') {
                ++p;
                continue;
            }
            const char* stop = token_end(p, limit);
            token(p, static_cast<size_t>(stop - p));
            p = stop;
        }
    }
};

struct PackSource {
    Lookup lookup;
    const Pack pack;
    int64_t sentence = 0;

    bool next(Line& line) {
        if (sentence == pack.n_sentences) return false;
        line.ids.clear();
        line.tokens = 0;
        pack.each_token(sentence++, [&](const char* p, size_t n) {
            ++line.tokens;
            lookup.add(p, n);
        });
        lookup.resolve(line.ids);
        return true;
    }
};

// ---------------------------------------------------------------------------------------------------
// A thread's trainer

class Trainer;
using TrainLine = void (*)(Trainer&, const Line&);
TrainLine choose_train_line(int level, int dim, bool loss);  // simd levels, at the end of this file

class Trainer {
  public:
    const Model model;
    Schedule& schedule;
    const bool compute_loss;
    int64_t trained_words = 0, tokens = 0, lines = 0;
    double loss = 0;
    std::vector<float> scratch;  // of the step: S, G, x and g, each dim rounded up
    std::vector<float> scores;   // of the target and its negatives

    Trainer(const Model& m, Schedule& s, uint64_t seed, bool with_loss, int level)
        : model(m),
          schedule(s),
          compute_loss(with_loss),
          line_rng_{mix(seed)},
          negative_rng_{mix(~seed)},
          train_line_(choose_train_line(level, m.dim, with_loss)) {
        for (auto& n : negatives_) n.resize(static_cast<size_t>(m.negative));
        scores.resize((static_cast<size_t>(m.negative) + 16) / 16 * 16);
    }

    // The lines that start in [begin, end) of an open file positioned as SliceReader wants it.
    ReadStatus train_slice(const WordTable& words, int file, int64_t begin, int64_t end) {
        FileSource source{Lookup(words), SliceReader(file, begin, end, &schedule.stop)};
        train(source);
        return source.status;
    }

    void train_pack(const WordTable& words, const Pack& pack) {
        PackSource source{Lookup(words), pack};
        train(source);
    }

    // Target number `i` of the line, with its negatives drawn, its output rows and some of the next line's rows asked for.
    void prepare(const Line& line, int i, Target& target) {
        fetch_next_line(next_->wanted.size() / line.targets.size() + 1);
        target.plan(model, line, i);
        if (line.length() > NEAR) {  // the rows asked for when the line was planned have left the cache since
            for (const float* row : target.removed) prefetch_row(row, row_bytes());
            for (const float* row : target.added) prefetch_row(row, row_bytes());
        }
        const int32_t word = line.ids[static_cast<size_t>(target.position)];
        prefetch_row(model.out_row(word), row_bytes());
        target.fresh_negatives = draw_negatives(word);
        target.negatives = negatives_[buffer_].data();
        target.distinct_negatives = distinct_[buffer_];
    }

  private:
    size_t row_bytes() const { return static_cast<size_t>(model.dim) * sizeof(float); }

    // One line ahead, so that the rows of a line are on their way while the line before it is trained.
    template <class Source>
    void train(Source& source) {
        bool more = next(source, lines_[0]);
        next_ = &lines_[0];
        fetched_ = 0;
        for (int current = 0; more && !schedule.stop; current ^= 1) {
            fetch_next_line(next_->wanted.size());  // what is left
            more = next(source, lines_[current ^ 1]);
            next_ = &lines_[current ^ 1];
            fetched_ = 0;
            train_line(lines_[current]);
        }
    }

    template <class Source>
    bool next(Source& source, Line& line) {
        if (!source.next(line)) return false;
        line.wanted.clear();
        if (line.length() >= 2) line.plan(model, line_rng_);
        return true;
    }

    void fetch_next_line(size_t n) {
        for (; n > 0 && fetched_ < next_->wanted.size(); --n) prefetch_row(next_->wanted[fetched_++], row_bytes());
    }

    void train_line(const Line& line) {
        polled_ = 0;
        if (line.length() >= 2) train_line_(*this, line);
        tokens += line.tokens;
        ++lines;
        schedule.advance(schedule.by_lines ? 1 : line.tokens - polled_);
    }

    static constexpr int NEAR = 200;  // words of a line whose rows the L2 cache holds

    // Two buffers in turn: the target under way may still read the other one. Returns whether it drew.
    bool draw_negatives(int32_t target) {
        if (held_ > 0) {
            --held_;
            return false;
        }
        held_ = model.run - 1;
        buffer_ ^= 1;
        distinct_[buffer_] = true;
        std::vector<int32_t>& negatives = negatives_[buffer_];
        for (size_t k = 0; k < negatives.size(); ++k) {
            negatives[k] = model.run == 1 ? draw_other(target) : draw(model.alias, model.n_words, negative_rng_);
            for (size_t j = 0; j < k; ++j)
                if (negatives[j] == negatives[k]) distinct_[buffer_] = false;
            prefetch_row(model.out_row(negatives[k]), row_bytes());
        }
        return true;
    }

    // A draw equal to the target is drawn again. Where one word has nearly all the weight that could take
    // forever: after 64 tries the other words are equally likely.
    int32_t draw_other(int32_t target) {
        for (int tries = 0; tries < 64; ++tries) {
            const int32_t negative = draw(model.alias, model.n_words, negative_rng_);
            if (negative != target) return negative;
        }
        const int32_t other = static_cast<int32_t>(negative_rng_.below(static_cast<uint64_t>(model.n_words - 1)));
        return other + (other >= target);
    }

  public:
    // Within a long line: moves the rate on, and says whether to go on. Called every POLL targets.
    static constexpr int POLL = 512;
    bool poll() {
        if (!schedule.by_lines) {
            schedule.advance(POLL);
            polled_ += POLL;
        }
        return schedule.stop == 0;
    }
    Target targets[2];

  private:
    Rng line_rng_, negative_rng_;
    TrainLine train_line_;
    Line lines_[2];
    const Line* next_ = &lines_[0];  // the line after the one that is trained
    size_t fetched_ = 0;             // of its wanted rows
    std::vector<int32_t> negatives_[2];
    bool distinct_[2] = {true, true};
    int buffer_ = 0, held_ = 0;
    int64_t polled_ = 0;  // tokens of this line that poll() has reported
};

// ---------------------------------------------------------------------------------------------------
// Reading out

// IEEE 754 binary16 -> binary32.
inline float half_to_float(uint16_t h) {
    const uint32_t magnitude = static_cast<uint32_t>(h & 0x7fff) << 13;
    const uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0;  // infinities and NaN keep their exponent
    const float scaled = read_as<float>(&magnitude) * 5.192296858534828e33f;  // 2^112: the difference of the biases
    const uint32_t bits = read_as<uint32_t>(&scaled) | special | static_cast<uint32_t>(h & 0x8000) << 16;
    return read_as<float>(&bits);
}

struct Reader {  // a trained model, possibly mapped read-only
    const char *words, *grams;  // rows of `dim` numbers, float32 or float16
    int64_t n_words, bucket;
    int dim, n;
    bool skip, epfml, half;

    size_t row_bytes() const { return static_cast<size_t>(dim) * (half ? 2 : 4); }

    // Weighted: out = sum f w row / sum f w over the words, f being `first_half` in the first half of sentences of more
    // than `half_length` tokens, else 1.
    const float* weights;  // (n_words), or null for the plain mean
    float first_half;
    int64_t half_length;

    float factor(int64_t position, int64_t n_tokens) const {
        return n_tokens > half_length && position < n_tokens / 2 ? first_half : 1.0f;
    }
};

// Tokens that are no words, for the caller to find vectors for.
struct Unseen {
    std::vector<int64_t> sentences, ends;  // ends: of each token in `text`
    std::vector<float> factors;
    std::vector<char> text;

    void add(int64_t sentence, float factor, const char* p, size_t n) {
        text.insert(text.end(), p, p + n);
        ends.push_back(static_cast<int64_t>(text.size()));
        sentences.push_back(sentence);
        factors.push_back(factor);
    }
};

// The rows of one sentence: words and n-grams, no placeholder, no dropout. They are asked for as they are found.
struct Gathered {
    std::vector<int32_t> ids;
    std::vector<const void*> rows;
    std::vector<float> factors;  // of each row, where they differ

    void find(const Reader& reader, Lookup& lookup, int64_t sentence, Unseen* unseen) {
        const int64_t n_tokens = lookup.tokens();
        ids.clear();
        rows.clear();
        factors.clear();
        const auto known = [&](int64_t i, int32_t id) {
            ids.push_back(id);
            add(reader, reader.words, id);
            if (reader.weights) factors.push_back(reader.weights[id] * reader.factor(i, n_tokens));
        };
        const auto unknown = [&](int64_t i, const char* p, size_t n) {
            if (unseen) unseen->add(sentence, reader.factor(i, n_tokens), p, n);
        };
        lookup.resolve(known, unknown);
        if (reader.n > 1) add_grams(reader);
    }

  private:
    void add(const Reader& reader, const char* matrix, int64_t row) {
        const char* p = matrix + static_cast<size_t>(row) * reader.row_bytes();
        rows.push_back(p);
        prefetch_row<0>(p, reader.row_bytes());
    }

    void add_grams(const Reader& reader) {
        const int L = static_cast<int>(ids.size());
        const GramHash hash{static_cast<uint64_t>(reader.bucket), reader.epfml};
        for (int i = 0; i + 1 < L; ++i) {
            uint64_t h = hash.start(ids[i]);
            for (int k = 2; k <= reader.n && i + k <= L; ++k) {
                h = reader.skip ? hash.extend(hash.start(ids[i]), ids[i + k - 1]) : hash.extend(h, ids[i + k - 1]);
                add(reader, reader.grams, hash.row(h));
            }
        }
    }
};

using MeanRows = float (*)(const Gathered& gathered, int dim, float* out);
MeanRows choose_mean_rows(int level, int dim, bool half);

// What `encode` writes for each sentence; all but `vectors` may be null.
struct Encoded {
    float* vectors;   // (n_sentences, dim); zeros where no word is known
    int64_t* known;   // known words
    float* totals;    // the sum of the rows' weights, 1 each where there are none
    Unseen* unseen;
};

inline void encode(const Reader& reader, const WordTable& words, const Pack& pack, int level, const Encoded& out) {
    const MeanRows mean_rows = choose_mean_rows(level, reader.dim, reader.half);
    Lookup lookup(words);
    Gathered gathered[2];
    for (int64_t s = 0; s <= pack.n_sentences; ++s) {  // one sentence ahead of the sums, so that its rows are on their way
        if (s < pack.n_sentences) {
            pack.each_token(s, [&](const char* p, size_t n) { lookup.add(p, n); });
            gathered[s & 1].find(reader, lookup, s, out.unseen);
            if (out.known) out.known[s] = static_cast<int64_t>(gathered[s & 1].ids.size());
        }
        if (s > 0) {
            const float total = mean_rows(gathered[(s - 1) & 1], reader.dim, out.vectors + (s - 1) * reader.dim);
            if (out.totals) out.totals[s - 1] = total;
        }
    }
}

}  // namespace s2v

// ---------------------------------------------------------------------------------------------------
// The loops, compiled once for each instruction set; the choice is made at run time

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define S2V_X86 1
#include <cpuid.h>
#include <immintrin.h>
#endif

#define S2V_LEVEL plain
#define S2V_TARGET
#define S2V_LANES 4
#include "loops.hpp"
#undef S2V_LEVEL
#undef S2V_TARGET
#undef S2V_LANES

#if S2V_X86
#define S2V_LEVEL avx2
#define S2V_TARGET __attribute__((target("avx2,fma,f16c")))
#define S2V_LANES 8
#include "loops.hpp"
#undef S2V_LEVEL
#undef S2V_TARGET
#undef S2V_LANES

#define S2V_LEVEL avx512
#define S2V_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma,f16c")))
#define S2V_LANES 16
#include "loops.hpp"
#undef S2V_LEVEL
#undef S2V_TARGET
#undef S2V_LANES
#endif

namespace s2v {

enum Level { PLAIN, AVX2, AVX512, N_LEVELS };

#if S2V_X86
inline bool has_f16c() {  // which not every compiler's __builtin_cpu_supports knows
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

inline bool has_level(int level) {
#if S2V_X86
    if (level == AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    if (level == AVX512)
        return has_level(AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return level == PLAIN;
}

inline TrainLine choose_train_line(int level, int dim, bool loss) {
#if S2V_X86
    if (level == AVX512) return avx512::train_line_for(dim, loss);
    if (level == AVX2) return avx2::train_line_for(dim, loss);
#endif
    (void)level;
    return plain::train_line_for(dim, loss);
}

inline MeanRows choose_mean_rows(int level, int dim, bool half) {
#if S2V_X86
    if (level == AVX512) return avx512::mean_rows_for(dim, half);
    if (level == AVX2) return avx2::mean_rows_for(dim, half);
#endif
    (void)level;
    return plain::mean_rows_for(dim, half);
}

}  // namespace s2v
