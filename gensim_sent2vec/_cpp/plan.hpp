// Selects the input rows of a line and of each of its targets.
#pragma once

#include "model.hpp"
#include "text.hpp"

namespace s2v {

struct Slot {  // a distinct row, its multiplicity among the base inputs, and the factor of its updates
    float* row = nullptr;
    float m = 0;
    float lockf = 1;

    // Slots and changes are built in place: a copy would load as a whole what was stored in parts, which stalls.
    Slot() = default;
    Slot(float* r, float multiplicity, float factor = 1) : row(r), m(multiplicity), lockf(factor) {}
};

// Hash table from the distinct rows of a line to their slots. Sized per line, so that clearing is linear in the line.
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
    // The slot of `row`; inserts -1 if the row is new.
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
    std::vector<int32_t> ids;         // known words only
    int64_t tokens = 0;               // including unknown ones
    std::vector<Slot> slots;          // the distinct rows of the base inputs, placeholder first
    std::vector<int32_t> word_slot;   // of each position
    std::vector<int32_t> ngram_slot;  // of the n-gram of k words at position i, at index i * (n - 1) + k - 2
    std::vector<float*> ngrams;       // used instead of ngram_slot if n-grams are not base inputs
    bool ngrams_are_base = false;     // see most_survive()
    int64_t n_base_ngrams = 0;
    float sum_m2 = 0;  // the change of S per change of G: the sum of f_r m_r^2

    std::vector<int> targets;       // positions to train on
    int n_dropped = 0;              // positions per target that n-grams may not cover (dropoutK)
    std::vector<int> dropped;       // n_dropped positions per target, sorted
    std::vector<Slot> holes;        // n-grams over the placeholder, added by each target
    std::vector<size_t> hole_ends;  // end of each target's range in `holes`

    std::vector<const float*> wanted;  // rows to prefetch before the line is trained

    int length() const { return static_cast<int>(ids.size()); }
    const int* dropped_of(int i) const {
        return dropped.data() + static_cast<size_t>(i) * static_cast<size_t>(n_dropped);
    }

    // Subsamples the targets, draws their dropped positions, and finds the rows of the line. A line is planned before
    // the previous one is trained. Its rows are prefetched meanwhile, a few per target, because the CPU can only have
    // a few cache misses in flight.
    void plan(const Model& m, Rng& rng) {
        targets.clear();
        for (int t = 0; t < length(); ++t)
            if (!m.keep || static_cast<uint32_t>(rng.next()) <= m.keep[ids[t]]) targets.push_back(t);
        n_dropped = m.n > 1 ? std::max(0, std::min(m.dropout_k, length() - 2)) : 0;
        dropped.clear();
        for (size_t i = 0; i < targets.size() && n_dropped; ++i) drop_positions(rng);
        plan_rows(m);
    }

    // Finds the rows only; `targets` and `dropped` must be set.
    void plan_rows(const Model& m) {
        wanted.clear();
        n_base_ngrams = 0;
        ngrams_are_base = m.n > 1 && (m.skip || most_survive(m));
        table_.reset(ids.size() * static_cast<size_t>(ngrams_are_base ? m.n : 1) + 1);
        slots.clear();
        slots.emplace_back(m.placeholder, 1.0f);
        word_slot.clear();
        for (int32_t id : ids) word_slot.push_back(add(m.word_row(id), m.lock_factor(id)));
        if (m.n > 1) m.skip ? plan_pairs(m) : plan_ngrams(m);
        sum_m2 = 0;
        for (const Slot& s : slots) sum_m2 += s.lockf * s.m * s.m;
        if (m.n > 1 && !m.skip) plan_holes(m);
    }

    // The multiplicity among the base inputs of a row added by a target (nonzero only if hashes collide).
    float base_multiplicity(const float* row) const {
        const int32_t slot = ngrams_are_base ? table_.find(row) : -1;
        return slot < 0 ? 0 : slots[static_cast<size_t>(slot)].m;
    }

  private:
    // Adds n_dropped distinct positions, sorted. They are few, so each is inserted without branches that would depend
    // on the random values.
    void drop_positions(Rng& rng) {
        dropped.resize(dropped.size() + static_cast<size_t>(n_dropped));
        int *begin = dropped.data() + dropped.size() - n_dropped, *end = begin;
        while (end < begin + n_dropped) {
            int position = static_cast<int>(rng.below(ids.size()));
            if (std::find(begin, end, position) != end) continue;
            for (int* at = begin; at < end; ++at) {
                const int smaller = std::min(*at, position);
                position = std::max(*at, position);
                *at = smaller;
            }
            *end++ = position;
        }
    }

    // Dropped positions and the target break the n-grams that cover them. n-grams are base inputs only if most are
    // expected to survive, so that removing the broken ones is cheaper than adding the intact ones.
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

    int32_t add(float* row, float lockf = 1) {
        int32_t& slot = table_[row];
        if (slot < 0) {
            slot = static_cast<int32_t>(slots.size());
            slots.emplace_back(row, 0.0f, lockf);
            wanted.push_back(row);
        }
        slots[static_cast<size_t>(slot)].m += 1;
        return slot;
    }

    void plan_ngrams(const Model& m) {
        const int L = length(), n = m.n;
        const NgramHash hash = m.hash();
        const size_t places = ids.size() * static_cast<size_t>(n - 1);
        ngrams_are_base ? ngram_slot.resize(places) : ngrams.resize(places);
        for (int i = 0; i + 1 < L; ++i) {
            uint64_t h = hash.start(ids[i]);
            for (int k = 2; k <= n && i + k <= L; ++k) {
                h = hash.extend(h, ids[i + k - 1]);
                const size_t at = static_cast<size_t>(i) * (n - 1) + k - 2;
                float* row = m.ngram_row(h);
                if (ngrams_are_base) {
                    ngram_slot[at] = add(row);
                    ++n_base_ngrams;
                } else {
                    wanted.push_back(ngrams[at] = row);
                }
            }
        }
    }

    void plan_pairs(const Model& m) {
        const int L = length(), n = m.n;
        const NgramHash hash = m.hash();
        ngram_slot.resize(ids.size() * static_cast<size_t>(n - 1));
        for (int i = 0; i + 1 < L; ++i)
            for (int d = 1; d < n && i + d < L; ++d, ++n_base_ngrams)
                ngram_slot[static_cast<size_t>(i) * (n - 1) + d - 1] =
                    add(m.ngram_row(hash.extend(hash.start(ids[i]), ids[i + d])));
    }

    // n-grams over a target's placeholder lie between the nearest dropped positions on either side.
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
        const NgramHash hash = m.hash();
        for (int i = std::max(low, t - m.n + 1); i <= t; ++i) {
            uint64_t h = hash.start(i == t ? NgramHash::PLACEHOLDER : ids[i]);
            for (int j = i + 1; j < high && j - i < m.n; ++j) {
                h = hash.extend(h, j == t ? NgramHash::PLACEHOLDER : ids[j]);
                if (j < t) continue;
                float* row = m.ngram_row(h);
                holes.emplace_back(row, base_multiplicity(row));
                wanted.push_back(row);
            }
        }
    }

    RowTable table_;
};

// ---------------------------------------------------------------------------------------------------
// One target: the rows to remove from and add to the line's base inputs

struct Change {
    float* row;
    float sign;    // -1: removed, 1: added
    float update;  // sign * f_r

    Change() = default;
    Change(float* r, float s, float u) : row(r), sign(s), update(u) {}
};

class Target {
  public:
    int position = 0;
    int32_t word = 0;  // at this position
    std::vector<Change> changes;
    float m_change = 0;  // sum of sign * f_r * m_r over `changes`
    float inverse_inputs = 0;
    const int32_t* negatives = nullptr;
    bool distinct_negatives = true;
    bool fresh_negatives = true;  // no earlier target was trained on them

    // Plans the line's i-th target.
    void plan(const Model& m, const Line& line, int i) {
        position = line.targets[i];
        word = line.ids[static_cast<size_t>(position)];
        dropped_ = line.dropped_of(i);
        dropped_end_ = dropped_ + line.n_dropped;
        changes.clear();
        m_change = 0;
        n_inputs_ = line.length() + 1 + line.n_base_ngrams;  // base inputs: words, placeholder, n-grams
        remove(line, line.word_slot[position]);
        if (m.n > 1) m.skip ? plan_pairs(m, line) : plan_ngrams(m, line, i);
        inverse_inputs = 1.0f / static_cast<float>(n_inputs_);
    }

  private:
    void change(const Slot& slot, int sign) {
        const float update = static_cast<float>(sign) * slot.lockf;
        changes.emplace_back(slot.row, static_cast<float>(sign), update);
        m_change += update * slot.m;
        n_inputs_ += sign;
    }
    void remove(const Line& line, int32_t slot) { change(line.slots[static_cast<size_t>(slot)], -1); }
    void add(const Slot& slot) { change(slot, 1); }
    bool is_dropped(int i) const { return std::binary_search(dropped_, dropped_end_, i); }

    // Calls f(b, previous) for each break (dropped positions and the target), in ascending order.
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

    void plan_ngrams(const Model& m, const Line& line, int i) {
        line.ngrams_are_base ? remove_broken(m, line) : add_whole(m, line);
        for (size_t h = i ? line.hole_ends[i - 1] : 0; h < line.hole_ends[i]; ++h) add(line.holes[h]);
    }

    // Removes each n-gram that covers a break, once, at the first break it covers.
    void remove_broken(const Model& m, const Line& line) {
        const int L = line.length(), n = m.n;
        each_break([&](int b, int previous) {
            for (int i = std::max(previous + 1, b - n + 1); i <= b; ++i)
                for (int k = std::max(2, b - i + 1); k <= n && i + k <= L; ++k)
                    remove(line, line.ngram_slot[static_cast<size_t>(i) * (n - 1) + k - 2]);
        });
    }

    // Adds the intact n-grams, between the breaks, if n-grams are not base inputs.
    void add_whole(const Model& m, const Line& line) {
        const int n = m.n;
        const auto add_between = [&](int low, int high) {
            for (int i = low; i + 1 < high; ++i)
                for (int k = 2; k <= n && i + k <= high; ++k)
                    add({line.ngrams[static_cast<size_t>(i) * (n - 1) + k - 2], 0});
        };
        int low = 0;
        each_break([&](int b, int) {
            add_between(low, b);
            low = b + 1;
        });
        add_between(low, line.length());
    }

    // Skip-gram mode: pairs skip over dropped positions, e.g. if D is dropped, (A, E) replaces (A, D).
    void plan_pairs(const Model& m, const Line& line) {
        const int L = line.length(), n = m.n;
        const auto pair = [&](int i, int j) { return line.ngram_slot[static_cast<size_t>(i) * (n - 1) + (j - i) - 1]; };
        each_break([&](int b, int) {
            for (int i = std::max(0, b - n + 1); i < b; ++i)
                if (i != position && !is_dropped(i)) remove(line, pair(i, b));
            for (int j = b + 1; j < L && j - b < n; ++j) remove(line, pair(b, j));
        });
        const NgramHash hash = m.hash();
        const auto add_pair = [&](int64_t a, int64_t b) {
            float* row = m.ngram_row(hash.extend(hash.start(a), b));
            add({row, line.base_multiplicity(row)});
        };
        // Calls f(j) for the n - 1 kept positions after i, or before it.
        const auto each_kept = [&](int i, int direction, auto&& f) {
            int left = n - 1;
            for (int j = i + direction; j >= 0 && j < L && left > 0; j += direction)
                if (!is_dropped(j)) --left, f(j);
        };
        int previous = -1;
        for (const int* d = dropped_; d < dropped_end_; previous = *d++)  // pairs whose first dropped position is *d
            for (int i = std::max(previous + 1, *d - n + 1); i < *d; ++i)
                if (i != position)
                    each_kept(i, 1, [&](int j) {
                        if (j - i >= n && j != position) add_pair(line.ids[i], line.ids[j]);
                    });
        if (is_dropped(position)) return;
        each_kept(position, -1, [&](int i) { add_pair(line.ids[i], NgramHash::PLACEHOLDER); });
        each_kept(position, 1, [&](int j) { add_pair(NgramHash::PLACEHOLDER, line.ids[j]); });
    }

    const int *dropped_ = nullptr, *dropped_end_ = nullptr;
    int64_t n_inputs_ = 0;
};

}  // namespace s2v
