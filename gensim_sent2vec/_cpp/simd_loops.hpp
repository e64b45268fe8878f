// SIMD loops over rows, compiled once per instruction set. dispatch.hpp includes this file several times, with
//   S2V_LEVEL   the namespace
//   S2V_TARGET  the function attribute that enables the instruction set
//   S2V_LANES   floats per vector register
// There is deliberately no include guard.

namespace s2v {
namespace S2V_LEVEL {

// S2V_EACH loops over the N targets of a step. Unrolled early, so that arrays of N rows stay in registers.
#if defined(__GNUC__) && !defined(__clang__)
#define S2V_EACH(n, N) _Pragma("GCC unroll 2") for (int n = 0; n < (N); ++n)
#else
#define S2V_EACH(n, N) for (int n = 0; n < (N); ++n)
#endif

#if defined(__GNUC__) || defined(__clang__)
#define S2V_INLINE S2V_TARGET inline __attribute__((always_inline))
typedef float Wide __attribute__((vector_size(S2V_LANES * 4), aligned(4), may_alias));
typedef float Quad __attribute__((vector_size(16), aligned(4), may_alias));
#else  // plain C++, left to the compiler's auto-vectorizer
#define S2V_INLINE inline
template <int N>
struct Floats {
    float v[N];
    float operator[](int i) const { return v[i]; }
    Floats operator+(const Floats& o) const {
        Floats r;
        for (int i = 0; i < N; ++i) r.v[i] = v[i] + o.v[i];
        return r;
    }
    Floats operator*(const Floats& o) const {
        Floats r;
        for (int i = 0; i < N; ++i) r.v[i] = v[i] * o.v[i];
        return r;
    }
    Floats operator*(float a) const {
        Floats r;
        for (int i = 0; i < N; ++i) r.v[i] = v[i] * a;
        return r;
    }
};
typedef Floats<S2V_LANES> Wide;
typedef Floats<4> Quad;
#endif

template <class V>
S2V_INLINE V load(const float* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
template <class V>
S2V_INLINE void store(float* p, V v) {
    std::memcpy(p, &v, sizeof v);
}

// Loads float16 values as float32; bit-identical on all instruction sets.
template <class V>
S2V_INLINE V load(const uint16_t* p) {
    float v[sizeof(V) / sizeof(float)];
    for (size_t i = 0; i < sizeof(V) / sizeof(float); ++i) v[i] = half_to_float(p[i]);
    return load<V>(v);
}
#if S2V_LANES == 8
template <>
S2V_INLINE Wide load<Wide>(const uint16_t* p) {
    return (Wide)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
#elif S2V_LANES == 16
template <>
S2V_INLINE Wide load<Wide>(const uint16_t* p) {
    return (Wide)_mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
#endif
S2V_INLINE float number(const float* p) { return *p; }
S2V_INLINE float number(const uint16_t* p) { return half_to_float(*p); }

S2V_INLINE Quad fold(Wide wide) {  // the sum of its 4-lane parts
    Quad quads[S2V_LANES / 4];
    std::memcpy(quads, &wide, sizeof wide);
    Quad sum = quads[0];
    for (int i = 1; i < S2V_LANES / 4; ++i) sum = sum + quads[i];
    return sum;
}
S2V_INLINE float sum(Quad q) { return (q[0] + q[2]) + (q[1] + q[3]); }

// An accumulator of the training step. With a compile-time dimension it lives in registers; Row<0> handles any
// dimension and uses the trainer's scratch memory. Matrix rows are not copied but read in place.
template <int DIM>
struct Row {
    static constexpr int WIDES = DIM / S2V_LANES, QUADS = DIM % S2V_LANES / 4, REST = DIM % 4;
    static constexpr int QUAD_AT = WIDES * S2V_LANES, REST_AT = QUAD_AT + QUADS * 4;
    Wide wide[WIDES + 1];
    Quad quad[QUADS + 1];
    float rest[REST + 1];

    S2V_TARGET Row(float*, int) { zero(); }

    S2V_INLINE void zero() {
        for (int i = 0; i < WIDES; ++i) wide[i] = Wide{};
        for (int i = 0; i < QUADS; ++i) quad[i] = Quad{};
        for (int i = 0; i < REST; ++i) rest[i] = 0;
    }
    S2V_INLINE void scale(float a) {
        for (int i = 0; i < WIDES; ++i) wide[i] = wide[i] * a;
        for (int i = 0; i < QUADS; ++i) quad[i] = quad[i] * a;
        for (int i = 0; i < REST; ++i) rest[i] *= a;
    }
    S2V_INLINE void add(const Row& row, float a) {
        for (int i = 0; i < WIDES; ++i) wide[i] = wide[i] + row.wide[i] * a;
        for (int i = 0; i < QUADS; ++i) quad[i] = quad[i] + row.quad[i] * a;
        for (int i = 0; i < REST; ++i) rest[i] += row.rest[i] * a;
    }
    template <class T>
    S2V_INLINE void add(const T* row, float a) {
        for (int i = 0; i < WIDES; ++i) wide[i] = wide[i] + load<Wide>(row + i * S2V_LANES) * a;
        for (int i = 0; i < QUADS; ++i) quad[i] = quad[i] + load<Quad>(row + QUAD_AT + i * 4) * a;
        for (int i = 0; i < REST; ++i) rest[i] += number(row + REST_AT + i) * a;
    }
    S2V_INLINE void add_to(float* row, float a) const {
        for (int i = 0; i < WIDES; ++i) store(row + i * S2V_LANES, load<Wide>(row + i * S2V_LANES) + wide[i] * a);
        for (int i = 0; i < QUADS; ++i) store(row + QUAD_AT + i * 4, load<Quad>(row + QUAD_AT + i * 4) + quad[i] * a);
        for (int i = 0; i < REST; ++i) row[REST_AT + i] += rest[i] * a;
    }
    S2V_INLINE void write(float* row) const {
        for (int i = 0; i < WIDES; ++i) store(row + i * S2V_LANES, wide[i]);
        for (int i = 0; i < QUADS; ++i) store(row + QUAD_AT + i * 4, quad[i]);
        for (int i = 0; i < REST; ++i) row[REST_AT + i] = rest[i];
    }
    S2V_INLINE float dot(const float* row) const {
        Wide even{}, odd{};
        for (int i = 0; i < WIDES; i += 2) even = even + wide[i] * load<Wide>(row + i * S2V_LANES);
        for (int i = 1; i < WIDES; i += 2) odd = odd + wide[i] * load<Wide>(row + i * S2V_LANES);
        Quad quads = fold(even + odd);
        for (int i = 0; i < QUADS; ++i) quads = quads + quad[i] * load<Quad>(row + QUAD_AT + i * 4);
        float total = sum(quads);
        for (int i = 0; i < REST; ++i) total += rest[i] * row[REST_AT + i];
        return total;
    }
    S2V_INLINE float dot(const Row& row) const {
        float values[DIM];
        row.write(values);
        return dot(values);
    }
    // g[n] += a[n] row; row += a[n] x[n]: both halves of the gradient steps of N targets, one after the other, in one
    // pass over the row.
    template <int N>
    static S2V_INLINE void exchange(float* row, const Row* x, Row* g, const float* a) {
        for (int i = 0; i < WIDES; ++i) {
            Wide now = load<Wide>(row + i * S2V_LANES);
            S2V_EACH (n, N) {
                g[n].wide[i] = g[n].wide[i] + now * a[n];
                now = now + x[n].wide[i] * a[n];
            }
            store(row + i * S2V_LANES, now);
        }
        for (int i = 0; i < QUADS; ++i) {
            Quad now = load<Quad>(row + QUAD_AT + i * 4);
            S2V_EACH (n, N) {
                g[n].quad[i] = g[n].quad[i] + now * a[n];
                now = now + x[n].quad[i] * a[n];
            }
            store(row + QUAD_AT + i * 4, now);
        }
        for (int i = 0; i < REST; ++i) {
            S2V_EACH (n, N) {
                g[n].rest[i] += row[REST_AT + i] * a[n];
                row[REST_AT + i] += x[n].rest[i] * a[n];
            }
        }
    }
};

template <>
struct Row<0> {
    float* v;
    int n;

    S2V_TARGET Row(float* memory, int dim) : v(memory), n(dim) { zero(); }

    S2V_INLINE void zero() { std::memset(v, 0, static_cast<size_t>(n) * sizeof(float)); }
    S2V_INLINE Row& operator=(const Row& o) {
        std::memcpy(v, o.v, static_cast<size_t>(n) * sizeof(float));
        return *this;
    }
    template <class T>
    static S2V_INLINE void axpy(float* y, const T* x, float a, int n) {
        int i = 0;
        for (; i + S2V_LANES <= n; i += S2V_LANES) store(y + i, load<Wide>(y + i) + load<Wide>(x + i) * a);
        for (; i + 4 <= n; i += 4) store(y + i, load<Quad>(y + i) + load<Quad>(x + i) * a);
        for (; i < n; ++i) y[i] += number(x + i) * a;
    }
    S2V_INLINE void scale(float a) {
        int i = 0;
        for (; i + 4 <= n; i += 4) store(v + i, load<Quad>(v + i) * a);
        for (; i < n; ++i) v[i] *= a;
    }
    S2V_INLINE void add(const Row& row, float a) { axpy(v, row.v, a, n); }
    template <class T>
    S2V_INLINE void add(const T* row, float a) {
        axpy(v, row, a, n);
    }
    S2V_INLINE void add_to(float* row, float a) const { axpy(row, v, a, n); }
    S2V_INLINE void write(float* row) const { std::memcpy(row, v, static_cast<size_t>(n) * sizeof(float)); }
    S2V_INLINE float dot(const float* row) const {
        Wide even{}, odd{};
        int i = 0;
        for (; i + 2 * S2V_LANES <= n; i += 2 * S2V_LANES) {
            even = even + load<Wide>(v + i) * load<Wide>(row + i);
            odd = odd + load<Wide>(v + i + S2V_LANES) * load<Wide>(row + i + S2V_LANES);
        }
        Quad quads = fold(even + odd);
        for (; i + 4 <= n; i += 4) quads = quads + load<Quad>(v + i) * load<Quad>(row + i);
        float total = sum(quads);
        for (; i < n; ++i) total += v[i] * row[i];
        return total;
    }
    S2V_INLINE float dot(const Row& row) const { return dot(row.v); }
    template <int N>
    static S2V_INLINE void exchange(float* row, const Row* x, Row* g, const float* a) {
        const int size = x[0].n;
        int i = 0;
        for (; i + S2V_LANES <= size; i += S2V_LANES) {
            Wide now = load<Wide>(row + i);
            S2V_EACH (n, N) {
                store(g[n].v + i, load<Wide>(g[n].v + i) + now * a[n]);
                now = now + load<Wide>(x[n].v + i) * a[n];
            }
            store(row + i, now);
        }
        for (; i < size; ++i) {
            S2V_EACH (n, N) {
                g[n].v[i] += row[i] * a[n];
                row[i] += x[n].v[i] * a[n];
            }
        }
    }
};

// Sigmoid, accurate to 2e-7. Branch-free so that loops over it vectorize; saturates for large |x|.
S2V_INLINE float sigmoid(float x) {
    float t = x * -1.44269504f;  // e^-x = 2^t
    t = t > -126.0f ? t : -126.0f;
    t = t < 126.0f ? t : 126.0f;
    const float whole = (t + 12582912.0f) - 12582912.0f;  // adding 1.5 * 2^23 rounds to the nearest integer
    const float f = t - whole;
    float p = 1.5403530e-4f;
    p = p * f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    const int32_t bits = (static_cast<int32_t>(whole) + 127) << 23;
    return 1.0f / (1.0f + p * read_as<float>(&bits));
}

// Accumulates -sum log sigmoid(score); multiplies 16 probabilities before each logarithm, to call log less often.
struct LogLoss {
    double product = 1, total = 0;
    int factors = 0;
    S2V_TARGET void add(float score) {
        const float p = sigmoid(score);
        product *= p > 1e-18f ? p : 1e-18f;
        if (++factors == 16) sum();
    }
    double sum() {
        total -= std::log(product);
        product = 1;
        factors = 0;
        return total;
    }
};

// If consecutive targets share negative samples, these have been trained on after the first target and would bias the
// loss downward. Only the first target's negatives are measured, and weighted by the number of targets that share them.
struct Loss {
    LogLoss targets, negatives;
};

S2V_INLINE void to_probabilities(float* scores, int size) {  // a multiple of 16, so that the inner loop vectorizes
    for (int at = 0; at < size; at += 16)
        for (int k = 0; k < 16; ++k) scores[at + k] = sigmoid(scores[at + k]);
}

// The negative-sampling step of N successive targets, from the line's i-th on, with the same distinct negative samples:
// logistic regressions with label 1 for a target's output row and 0 for the negative samples. Updates the output rows
// and adds the update of x[n], scaled by the rate, to g[n]. All dot products come before all updates, so that latencies
// overlap; the scores of a second target are then corrected for the updates by the first. `loss` may be null.
template <int DIM, int N>
S2V_INLINE void learn(Trainer& trainer, int i, float rate, const Row<DIM>* x, Row<DIM>* g, Loss* loss) {
    const Model& model = trainer.model;
    const Target& first = trainer.target(i);
    const int K = model.negative, stride = trainer.scores_per_target();
    float* own[N];
    float** rows = trainer.out_rows.data();
    float* scores = trainer.scores.data();
    for (int k = 0; k < K; ++k) rows[k] = model.out_row(first.negatives[k]);
    S2V_EACH (n, N) own[n] = model.out_row(trainer.target(i + n).word);

    const float product = N == 2 ? x[0].dot(x[N - 1]) : 0.0f;
    S2V_EACH (n, N) scores[n * stride + K] = -x[n].dot(own[n]);
    for (int k = 0; k < K; ++k)
        S2V_EACH (n, N) scores[n * stride + k] = x[n].dot(rows[k]);
    if (loss) {
        S2V_EACH (n, N) loss->targets.add(-scores[n * stride + K]);
        for (int k = 0; k < K && first.fresh_negatives; ++k)
            if (rows[k] != own[0]) loss->negatives.add(-scores[k]);
    }
    to_probabilities(scores, stride);
    if (N == 2) {
        float* second = scores + stride;
        const float of_own = second[K];  // whose row the first target does not change
        for (int at = 0; at < stride; at += 16)
            for (int k = 0; k < 16; ++k) second[at + k] -= rate * product * scores[at + k];
        second[K] = of_own;
        to_probabilities(second, stride);
    }

    S2V_EACH (n, N) {
        const float step = rate * scores[n * stride + K];
        Row<DIM>::template exchange<1>(own[n], x + n, g + n, &step);
    }
    for (int k = 0; k < K; ++k) {
        float steps[N];
        S2V_EACH (n, N) steps[n] = N == 1 && rows[k] == own[0] ? 0.0f : -rate * scores[n * stride + k];
        Row<DIM>::template exchange<N>(rows[k], x, g, steps);
    }
}

// The same for one target whose negative samples repeat a row, which must see its previous update.
template <int DIM>
S2V_INLINE void learn_in_sequence(const Model& model, const Target& target, float rate, const Row<DIM>& x, Row<DIM>& g,
                                  Loss* loss) {
    for (int k = -1; k < model.negative; ++k) {
        const bool is_target = k < 0;
        if (!is_target && target.negatives[k] == target.word) continue;
        float* row = model.out_row(is_target ? target.word : target.negatives[k]);
        const float label = is_target ? 1.0f : -1.0f, score = label * x.dot(row), step = label * rate * sigmoid(-score);
        if (loss && is_target) loss->targets.add(score);
        if (loss && !is_target && target.fresh_negatives) loss->negatives.add(score);
        Row<DIM>::template exchange<1>(row, &x, &g, &step);
    }
}

// The SGD step of N successive targets, from the line's i-th on: x[n] is the mean of a target's input rows, g[n] the
// update of each of them. The input rows of the second target lack the update by the first.
template <int DIM, int N>
S2V_INLINE void step(Trainer& trainer, const Line& line, int i, float rate, Row<DIM>& S, Row<DIM>& G, Row<DIM>* x,
                     Row<DIM>* g, Loss* loss) {
    S2V_EACH (n, N) {
        // x = (S - sum of the removed v_r + sum of the added v_r) / |input|, where v_r = R_r + f_r m_r G
        const Target& target = trainer.target(i + n);
        x[n] = S;
        for (const Change& change : target.changes) x[n].add(change.row, change.sign);
        x[n].add(G, target.m_change);
        x[n].scale(target.inverse_inputs);
        g[n].zero();
    }
    const Target& first = trainer.target(i);
    if (N > 1 || first.distinct_negatives)
        learn<DIM, N>(trainer, i, rate, x, g, loss);
    else
        learn_in_sequence(trainer.model, first, rate, x[0], g[0], loss);
    S2V_EACH (n, N) {
        const Target& target = trainer.target(i + n);
        g[n].scale(target.inverse_inputs);
        for (const Change& change : target.changes) g[n].add_to(change.row, change.update);
        S.add(g[n], line.sum_m2 + target.m_change);
        G.add(g[n], 1);
    }
}

template <int DIM>
S2V_TARGET void train_line(Trainer& trainer, const Line& line) {
    const Model& model = trainer.model;
    const int dim = DIM ? DIM : model.dim;
    const size_t stride = (static_cast<size_t>(dim) + 15) / 16 * 16;
    if (!DIM) trainer.scratch.resize(6 * stride);
    const auto row = [&](size_t i) S2V_TARGET { return Row<DIM>(trainer.scratch.data() + i * stride, dim); };
    Row<DIM> S = row(0), G = row(1), x[2] = {row(2), row(3)}, g[2] = {row(4), row(5)};
    Loss loss;

    // S accumulates rounding errors, so on very long lines it is recomputed from the rows periodically, at a cost of at
    // most one row per target.
    const int refresh = std::max<int>(Trainer::POLL, static_cast<int>(line.slots.size()));
    const auto take_S = [&]() S2V_TARGET {
        S.zero();
        float m2 = 0;
        for (const Slot& slot : line.slots) {
            S.add(slot.row, slot.m);
            m2 += slot.lockf * slot.m * slot.m;
        }
        S.add(G, m2);
    };

    float rate = trainer.share.rate();
    const int n_targets = static_cast<int>(line.targets.size());
    int done = 0, planned = 0, drawn = 0, refreshed = -refresh;
    while (done < n_targets) {
        if (done - refreshed >= refresh) {
            take_S();
            refreshed = done;
        }
        while (planned < std::min(n_targets, done + Trainer::AHEAD + 1)) trainer.plan(line, planned++);
        while (drawn < std::min(n_targets, done + trainer.drawn_ahead() + 1)) trainer.draw(line, drawn++);
        Loss* const measured = trainer.compute_loss ? &loss : nullptr;
        if (done + 1 < n_targets && trainer.is_pair(done)) {
            step<DIM, 2>(trainer, line, done, rate, S, G, x, g, measured);
            done += 2;
        } else {
            step<DIM, 1>(trainer, line, done, rate, S, G, x, g, measured);
            ++done;
        }
        if (done % Trainer::POLL == 0) {
            if (!trainer.poll()) break;
            rate = trainer.share.rate();
        }
    }

    if (!(G.dot(G) < Trainer::DIVERGED)) {
        trainer.share.schedule.diverged.set();
        trainer.share.schedule.stop.set();
    }
    for (const Slot& slot : line.slots) G.add_to(slot.row, slot.lockf * slot.m);
    trainer.trained_words += done;
    trainer.loss += loss.targets.sum() + model.shared_negatives * loss.negatives.sum();
}

// The mean of a sentence's rows, weighted if there are factors; returns the sum of the weights.
template <int DIM, class T>
S2V_TARGET float mean_rows(const Gathered& gathered, int dim, float* out) {
    if (DIM) dim = DIM;
    const size_t n = gathered.rows.size();
    const float* factors = gathered.factors.empty() ? nullptr : gathered.factors.data();
    Row<DIM> sum(out, dim);
    float total = 0;
    for (size_t i = 0; i < n; ++i) {
        const float factor = factors ? factors[i] : 1.0f;
        sum.add(static_cast<const T*>(gathered.rows[i]), factor);
        total += factor;
    }
    if (gathered.others_weight != 0) {
        sum.add(gathered.others.data(), 1.0f);
        total += gathered.others_weight;
    }
    total = not_too_small(total);
    sum.scale(total > 0 ? 1.0f / total : 0.0f);
    if (DIM) sum.write(out);
    return total;
}

template <class T>
S2V_TARGET void dot_rows(const void* rows, int64_t n, int dim, const float* query, float* out) {
    const T* row = static_cast<const T*>(rows);
    for (int64_t r = 0; r < n; ++r, row += dim) {
        Wide even{}, odd{};
        int i = 0;
        for (; i + 2 * S2V_LANES <= dim; i += 2 * S2V_LANES) {
            even = even + load<Wide>(row + i) * load<Wide>(query + i);
            odd = odd + load<Wide>(row + i + S2V_LANES) * load<Wide>(query + i + S2V_LANES);
        }
        for (; i + S2V_LANES <= dim; i += S2V_LANES) even = even + load<Wide>(row + i) * load<Wide>(query + i);
        Quad quads = fold(even + odd);
        for (; i + 4 <= dim; i += 4) quads = quads + load<Quad>(row + i) * load<Quad>(query + i);
        float total = sum(quads);
        for (; i < dim; ++i) total += number(row + i) * query[i];
        out[r] = total;
    }
}

inline S2V_TARGET void add_scaled(float factor, const float* v, int dim, float* out) {
    Row<0>::axpy(out, v, factor, dim);
}

inline S2V_TARGET void second_moment(const float* rows, int64_t n, int dim, double* out) {
    constexpr int TOGETHER = 8, IN_FLOAT = 1 << 10;
    const size_t size = static_cast<size_t>(dim);
    const std::vector<float> zeros(size);
    std::vector<float> sums(size * size);
    std::fill_n(out, size * size, 0.0);
    for (int64_t first = 0; first < n; first += TOGETHER) {
        const float* x[TOGETHER];
        for (int k = 0; k < TOGETHER; ++k)
            x[k] = first + k < n ? rows + static_cast<size_t>(first + k) * size : zeros.data();
        for (size_t i = 0; i < size; ++i) {
            float* sum = sums.data() + i * size;
            const float a[TOGETHER] = {x[0][i], x[1][i], x[2][i], x[3][i], x[4][i], x[5][i], x[6][i], x[7][i]};
            for (size_t j = i; j < size; ++j)
                sum[j] += (a[0] * x[0][j] + a[1] * x[1][j]) + (a[2] * x[2][j] + a[3] * x[3][j]) +
                          ((a[4] * x[4][j] + a[5] * x[5][j]) + (a[6] * x[6][j] + a[7] * x[7][j]));
        }
        if ((first + TOGETHER) % IN_FLOAT != 0 && first + TOGETHER < n) continue;
        for (size_t i = 0; i < size; ++i)
            for (size_t j = i; j < size; ++j) {
                out[i * size + j] += static_cast<double>(sums[i * size + j]);
                out[j * size + i] = out[i * size + j];
            }
        std::fill(sums.begin(), sums.end(), 0.0f);
    }
}

inline S2V_TARGET void add_signs(const std::vector<uint64_t>& hashes, const std::vector<float>& weights, uint64_t seed,
                                 int dims, float* signature) {
    for (int first = 0; first < dims; first += 64) {
        const uint64_t block = (seed * 0x100000001ull + static_cast<uint64_t>(first / 64 + 1)) * 0x9e3779b97f4a7c15ull;
#if S2V_LANES == 16
        __m512 parts[4] = {};
        for (size_t g = 0; g < hashes.size(); ++g) {
            uint64_t bits = mix(hashes[g] ^ block);
            const __m512 plus = _mm512_set1_ps(weights[g]), minus = _mm512_set1_ps(-weights[g]);
            for (__m512& part : parts) {
                part = _mm512_add_ps(part, _mm512_mask_blend_ps(static_cast<__mmask16>(bits), minus, plus));
                bits >>= 16;
            }
        }
        std::memcpy(signature + first, parts, sizeof parts);
#else
        const Signs& table = signs();
        const int n_bytes = std::min(8, (dims - first + 7) / 8);
        float sums[64] = {};
        for (size_t g = 0; g < hashes.size(); ++g) {
            uint64_t bits = mix(hashes[g] ^ block);
            for (int byte = 0; byte < n_bytes; ++byte, bits >>= 8)
                for (int i = 0; i < 8; ++i) sums[8 * byte + i] += weights[g] * table.of[bits & 255][i];
        }
        std::memcpy(signature + first, sums, sizeof sums);
#endif
    }
}

// N vectors V of columns, for ROWS rows; both are constants so that the sums stay in registers. A single sum is split,
// so that the latencies of additions overlap.
template <class V, int N, int ROWS>
S2V_INLINE void times_columns(const float* rows, int dim, const float* matrix, int columns, float scale, float* out,
                              int64_t step) {
    constexpr int LANES = static_cast<int>(sizeof(V) / sizeof(float)), CHAINS = N * ROWS == 1 ? 4 : 1;
    V sums[CHAINS][ROWS][N] = {};
    int k = 0;
    for (; k + CHAINS <= dim; k += CHAINS)
        for (int c = 0; c < CHAINS; ++c, matrix += columns)
            for (int j = 0; j < N; ++j) {
                const V column = load<V>(matrix + j * LANES);
                for (int r = 0; r < ROWS; ++r) sums[c][r][j] = sums[c][r][j] + column * rows[r * dim + k + c];
            }
    for (; k < dim; ++k, matrix += columns)
        for (int j = 0; j < N; ++j)
            for (int r = 0; r < ROWS; ++r)
                sums[0][r][j] = sums[0][r][j] + load<V>(matrix + j * LANES) * rows[r * dim + k];
    for (int c = 1; c < CHAINS; ++c)
        for (int j = 0; j < N; ++j) sums[0][0][j] = sums[0][0][j] + sums[c][0][j];
    for (int r = 0; r < ROWS; ++r, out += step)
        for (int j = 0; j < N; ++j) store(out + j * LANES, sums[0][r][j] * scale);
}

template <int ROWS>
S2V_TARGET void times_matrix(const float* rows, int dim, const float* matrix, int columns, float scale, float* out,
                             int64_t step) {
    constexpr int MANY = 4;
    int i = 0;
    for (; i + MANY * S2V_LANES <= columns; i += MANY * S2V_LANES)
        times_columns<Wide, MANY, ROWS>(rows, dim, matrix + i, columns, scale, out + i, step);
    for (; i + S2V_LANES <= columns; i += S2V_LANES)
        times_columns<Wide, 1, ROWS>(rows, dim, matrix + i, columns, scale, out + i, step);
    for (; i + 4 <= columns; i += 4) times_columns<Quad, 1, ROWS>(rows, dim, matrix + i, columns, scale, out + i, step);
    for (; i < columns; ++i)
        for (int r = 0; r < ROWS; ++r) {
            float sum = 0;
            for (int k = 0; k < dim; ++k) sum += rows[r * dim + k] * matrix[static_cast<size_t>(k) * columns + i];
            out[r * step + i] = sum * scale;
        }
}

// Register-blocked matrix product: a group of rows, interleaved by dimension, times 2 * S2V_LANES queries of a panel.
constexpr int GROUP = S2V_LANES == 16 ? 12 : 6, COLUMNS = 2 * S2V_LANES;  // as many sums as fit in registers
S2V_INLINE void products(const float* group, const float* queries, int dim, float* out) {
    Wide sums[GROUP][2] = {};
    for (int k = 0; k < dim; ++k, group += GROUP, queries += TopK::PANEL) {
        const Wide left = load<Wide>(queries), right = load<Wide>(queries + S2V_LANES);
        for (int r = 0; r < GROUP; ++r) {
            sums[r][0] = sums[r][0] + left * group[r];
            sums[r][1] = sums[r][1] + right * group[r];
        }
    }
    for (int r = 0; r < GROUP; ++r)
        for (int half = 0; half < 2; ++half) store(out + r * COLUMNS + half * S2V_LANES, sums[r][half]);
}

template <class T>
S2V_INLINE void pack_rows(const T* rows, int64_t n, int dim, float* out) {  // the last group is zero-padded
    for (int64_t begin = 0; begin < n; begin += GROUP, out += GROUP * dim)
        for (int r = 0; r < GROUP; ++r)
            for (int k = 0; k < dim; ++k)
                out[k * GROUP + r] = begin + r < n ? number(rows + (begin + r) * dim + k) : 0.0f;
}

S2V_INLINE bool any_above(const float* scores, const float* thresholds) {
    bool above = false;
    for (int i = 0; i < COLUMNS; ++i) above |= scores[i] > thresholds[i];
    return above;
}

// Scores one packed block of rows against all queries.
S2V_INLINE void top_k_of_block(TopK& top_k, const float* packed, int64_t n, int64_t first, const unsigned char* mask) {
    float scores[GROUP * COLUMNS];
    for (int64_t query = 0; query < top_k.n_queries; query += COLUMNS) {
        const float* queries = top_k.panel(query / TopK::PANEL) + query % TopK::PANEL;
        for (int64_t begin = 0; begin < n; begin += GROUP) {
            products(packed + begin * top_k.dim, queries, top_k.dim, scores);
            for (int64_t row = begin; row < std::min<int64_t>(n, begin + GROUP); ++row) {
                const float* of_row = scores + (row - begin) * COLUMNS;
                if (!any_above(of_row, top_k.thresholds(query)) || (mask && !mask[row])) continue;
                for (int i = 0; i < COLUMNS; ++i)
                    if (of_row[i] > top_k.thresholds(query)[i]) top_k.offer(query + i, first + row, of_row[i]);
            }
        }
    }
}

template <class T>
S2V_TARGET void top_k_rows(TopK& top_k, const void* data, int64_t n, int64_t first, const unsigned char* mask) {
    const T* rows = static_cast<const T*>(data);
    top_k.packed.resize(static_cast<size_t>(TopK::BLOCK) * static_cast<size_t>(std::max(top_k.dim, 1)));
    float* packed = top_k.packed.data();
    for (int64_t begin = 0; begin < n; begin += TopK::BLOCK, rows += TopK::BLOCK * top_k.dim) {
        const int64_t size = std::min<int64_t>(n - begin, TopK::BLOCK);
        const unsigned char* of_block = mask ? mask + begin : nullptr;
        if (top_k.n_queries > TopK::FEW) {
            pack_rows(rows, size, top_k.dim, packed);
            top_k_of_block(top_k, packed, size, first + begin, of_block);
            continue;
        }
        for (int64_t query = 0; query < top_k.n_queries; ++query) {
            dot_rows<T>(rows, size, top_k.dim, top_k.query(query), packed);
            top_k.add_scores(query, packed, size, first + begin, of_block);
        }
    }
}

inline TrainLine train_line_for(int dim) {
    return dim == 100 ? &train_line<100> : dim == 300 ? &train_line<300> : &train_line<0>;
}
template <class T>
inline MeanRows mean_rows_of(int dim) {
    return dim == 100 ? &mean_rows<100, T> : dim == 300 ? &mean_rows<300, T> : &mean_rows<0, T>;
}
inline MeanRows mean_rows_for(int dim, bool half) {
    return half ? mean_rows_of<uint16_t>(dim) : mean_rows_of<float>(dim);
}
inline DotRows dot_rows_for(bool half) { return half ? &dot_rows<uint16_t> : &dot_rows<float>; }
inline TopKRows top_k_rows_for(bool half) { return half ? &top_k_rows<uint16_t> : &top_k_rows<float>; }

#undef S2V_INLINE
#undef S2V_EACH
}  // namespace S2V_LEVEL
}  // namespace s2v
