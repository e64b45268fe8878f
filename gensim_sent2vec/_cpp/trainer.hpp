// Training: an incremental form of the Sent2Vec SGD step (Pagliardini, Gupta, Jaggi, NAACL 2018) whose cost is linear
// in the length of a line instead of quadratic.
//
// The base inputs of a line are its words, the placeholder, and its n-grams without the placeholder. Row r has
// multiplicity m_r among them, and every target adds the same scaled gradient g to nearly all of these rows, times the
// lock factor f_r of the row (1 except for words that the user has locked). We keep
//     G = the sum of g over the targets trained so far,
//     R_r = the stored row, whose current value is v_r = R_r + f_r m_r G,
//     S = the sum of m_r v_r,
// so that a target only touches the rows it removes from or adds to the base inputs (class Target, plan.hpp).
// Two targets with the same negative samples are trained together, and the output rows are read and written once for
// both. The result is nearly that of one after the other: the scores of the second are corrected for the updates by the
// first, but its input rows lack them. The step itself is in simd_loops.hpp.
#pragma once

#include <cmath>
#include <utility>

#include "encode.hpp"
#include "lines.hpp"
#include "pooling.hpp"
#include "prefetch.hpp"
#include "top_k.hpp"

namespace s2v {

class Trainer;
using TrainLine = void (*)(Trainer&, const Line&);
TrainLine choose_train_line(int level, int dim);  // in dispatch.hpp

class alignas(ALIGNMENT) Trainer {
  public:
    Share share;  // must precede `model`, which points to its copies of rows
    Model model;
    const bool compute_loss;
    Reported<int64_t> trained_words, tokens, lines;  // read by the thread that shows the progress
    Reported<double> loss;
    PaddedVector<float> scratch;    // S, G, and x and g of two targets, each padded to a multiple of 16
    PaddedVector<float> scores;     // of the negative samples and of the target, for two targets
    PaddedVector<float*> out_rows;  // of the negative samples

    Trainer(const Model& m, Schedule& s, uint64_t seed, bool with_loss, int level, int meet_every)
        : share(m, s, meet_every),
          model(share.view()),
          compute_loss(with_loss),
          line_rng_{mix(seed)},
          negative_rng_{mix(~seed)},
          train_line_(choose_train_line(level, m.dim)) {
        for (auto& n : negatives_) n.resize(static_cast<size_t>(m.negative));
        scores.resize(2 * static_cast<size_t>(scores_per_target()));
        out_rows.resize(static_cast<size_t>(m.negative));
    }

    // Trains on the lines that start in [begin, end) of an open file, positioned as SliceReader requires.
    ReadStatus train_slice(const WordTable& words, int file, int64_t begin, int64_t end) {
        FileSource source{Lookup(words, model.epfml), SliceReader(file, begin, end, &share.schedule.stop)};
        train(source);
        return source.status;
    }

    void train_pack(const WordTable& words, const Pack& pack) {
        PackSource source{Lookup(words, model.epfml), pack};
        train(source);
    }

    // Plans the inputs of the line's i-th target. On long lines, rows may have left the cache since the line was
    // planned; they are prefetched again.
    void plan(const Line& line, int i) {
        Target& target = this->target(i);
        target.plan(model, line, i);
        if (line.length() <= NEAR) return;
        for (const Change& change : target.changes) prefetch_row(change.row, row_bytes());
    }

    // Draws the negative samples of the i-th target; prefetches its output rows and a few rows of the next line.
    void draw(const Line& line, int i) {
        fetch_next_line(next_->wanted.size() / line.targets.size() + 1);
        Target& target = this->target(i);
        prefetch_row(model.out_row(target.word), row_bytes());
        target.fresh_negatives = draw_negatives(target.word);
        target.negatives = negatives_[buffer_].data();
        target.distinct_negatives = distinct_[buffer_];
    }

    static constexpr int AHEAD = 3;  // how many targets ahead of the current one inputs are planned
    Target& target(int i) { return targets_[i % (AHEAD + 1)]; }

    // How many targets ahead negative samples are drawn: shared ones are few, so more of them do not fill the cache.
    int drawn_ahead() const { return model.shared_negatives > 1 ? AHEAD : 1; }

    // Whether a line's targets i and i + 1 are trained together: they share negative samples, and no output row occurs
    // twice. A pair does not extend over a call of poll().
    bool is_pair(int i) {
        const Target &first = target(i), &second = target(i + 1);
        if (!first.distinct_negatives || second.fresh_negatives || (i + 1) % POLL == 0) return false;
        if (first.word == second.word) return false;
        for (int k = 0; k < model.negative; ++k)
            if (first.negatives[k] == first.word || first.negatives[k] == second.word) return false;
        return true;
    }

    // Room for the scores of one target: a multiple of 16.
    int scores_per_target() const { return (model.negative + 16) / 16 * 16; }

  private:
    size_t row_bytes() const { return static_cast<size_t>(model.dim) * sizeof(float); }

    // Reads and plans one line ahead, so that its rows are prefetched while the current line is trained.
    template <class Source>
    void train(Source& source) {
        share.meet();
        bool more = next(source, lines_[0]);
        next_ = &lines_[0];
        fetched_ = 0;
        for (int current = 0; more && !share.schedule.stop.is_set(); current ^= 1) {
            fetch_next_line(next_->wanted.size());  // the remaining rows
            more = next(source, lines_[current ^ 1]);
            next_ = &lines_[current ^ 1];
            fetched_ = 0;
            train_line(lines_[current]);
        }
        share.meet();
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
        share.advance(share.schedule.by_lines ? 1 : line.tokens - polled_);
        share.end_of_line(line.tokens);
    }

    static constexpr int NEAR = 200;  // up to this many words, the rows of a line stay in the L2 cache

    // Returns whether new ones were drawn. The previous ones remain, as earlier targets are still to be trained on
    // them.
    bool draw_negatives(int32_t target) {
        if (held_ > 0) {
            --held_;
            return false;
        }
        held_ = model.shared_negatives - 1;
        buffer_ = (buffer_ + 1) % (AHEAD + 1);
        distinct_[buffer_] = true;
        PaddedVector<int32_t>& negatives = negatives_[buffer_];
        for (size_t k = 0; k < negatives.size(); ++k) {
            negatives[k] = model.shared_negatives == 1 ? draw_other(target) : draw_any();
            for (size_t j = 0; j < k; ++j)
                if (negatives[j] == negatives[k]) distinct_[buffer_] = false;
            prefetch_row(model.out_row(negatives[k]), row_bytes());
        }
        return true;
    }

    int32_t draw_any() { return s2v::draw(model.alias, model.n_words, negative_rng_); }

    // Rejects draws equal to the target. If one word has nearly all the probability mass, rejection may not terminate,
    // so after 64 tries the negative sample is uniform over the other words.
    int32_t draw_other(int32_t target) {
        for (int tries = 0; tries < 64; ++tries) {
            const int32_t negative = draw_any();
            if (negative != target) return negative;
        }
        const int32_t other = static_cast<int32_t>(negative_rng_.below(static_cast<uint64_t>(model.n_words - 1)));
        return other + (other >= target);
    }

  public:
    // A squared length of G, the update of a row by one line, that only diverging training reaches: usual lengths are
    // below 100. NaN is no less either.
    static constexpr float DIVERGED = 1e8f;

    // Called every POLL targets of a long line: updates the learning rate and returns whether to continue.
    static constexpr int POLL = 512;
    bool poll() {
        if (!share.schedule.by_lines) {
            share.advance(POLL);
            polled_ += POLL;
        }
        return !share.schedule.stop.is_set();
    }

  private:
    Target targets_[AHEAD + 1];
    Rng line_rng_, negative_rng_;
    TrainLine train_line_;
    Line lines_[2];
    const Line* next_ = &lines_[0];               // the line after the current one
    size_t fetched_ = 0;                          // how many of its rows have been prefetched
    PaddedVector<int32_t> negatives_[AHEAD + 1];  // the last ones that were drawn
    bool distinct_[AHEAD + 1] = {};
    int buffer_ = 0, held_ = 0;
    int64_t polled_ = 0;  // tokens of this line already reported by poll()
};

}  // namespace s2v
