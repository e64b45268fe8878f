// Eigenvalues and eigenvectors of small symmetric matrices, in one thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace s2v {

// Reduces a symmetric matrix to a tridiagonal one by Householder reflections, then diagonalizes that by the QL
// algorithm with implicit shifts (Golub, Van Loan: Matrix Computations, sections 8.3.1 and 8.3.3). All inner loops run
// along rows.
class SymmetricEigen {
  public:
    // a: (n, n), of values whose squares neither overflow nor underflow; overwritten by the eigenvectors, as rows.
    // values: (n), in no particular order.
    SymmetricEigen(double* a, double* values, size_t n) : a_(a), d_(values), n_(n), e_(n), u_(n), p_(n) {}

    // Returns false if it does not converge, for instance because of a NaN.
    bool compute() {
        reduce();
        accumulate();
        return diagonalize();
    }

  private:
    double* row(size_t i) const { return a_ + i * n_; }

    static double dot(const double* x, const double* y, size_t n) {
        double sums[4] = {};
        size_t i = 0;
        for (; i + 4 <= n; i += 4)
            for (size_t k = 0; k < 4; ++k) sums[k] += x[i + k] * y[i + k];
        for (; i < n; ++i) sums[0] += x[i] * y[i];
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }

    static void add(double factor, const double* x, double* y, size_t n) {
        for (size_t i = 0; i < n; ++i) y[i] += factor * x[i];
    }

    // Step k reflects the part of row k right of the diagonal onto one element, e[k]. Rows k keep the vectors u of the
    // reflections I - u u^T / h, and p_[k] keeps h, 0 for none.
    void reduce() {
        std::vector<double> w(n_);
        for (size_t k = 0; k + 1 < n_; ++k) {
            const size_t m = n_ - k - 1;
            double* u = row(k) + k + 1;
            const double norm = std::sqrt(dot(u, u, m));
            d_[k] = row(k)[k];
            e_[k] = u[0] >= 0 ? -norm : norm;
            p_[k] = norm * (norm + std::abs(u[0]));
            if (p_[k] == 0) continue;
            u[0] -= e_[k];
            // A := A - u w^T - w u^T, with w = A u / h - u (u^T A u) / (2 h^2)
            for (size_t i = 0; i < m; ++i) w[i] = dot(row(k + 1 + i) + k + 1, u, m) / p_[k];
            add(-dot(u, w.data(), m) / (2 * p_[k]), u, w.data(), m);
            for (size_t i = 0; i < m; ++i) {
                double* target = row(k + 1 + i) + k + 1;
                for (size_t j = 0; j < m; ++j) target[j] -= u[i] * w[j] + w[i] * u[j];
            }
        }
        d_[n_ - 1] = row(n_ - 1)[n_ - 1];
    }

    // Replaces the matrix by the product of the reflections, transposed: A = Q T Q^T, and row i is column i of Q.
    void accumulate() {
        std::fill(row(n_ - 1), row(n_ - 1) + n_, 0.0);
        row(n_ - 1)[n_ - 1] = 1;
        for (size_t k = n_ - 1; k-- > 0;) {
            const size_t m = n_ - k - 1;
            std::copy_n(row(k) + k + 1, m, u_.begin());
            std::fill(row(k), row(k) + n_, 0.0);
            row(k)[k] = 1;
            for (size_t i = k + 1; i < n_; ++i) {
                row(i)[k] = 0;
                if (p_[k] != 0) add(-dot(row(i) + k + 1, u_.data(), m) / p_[k], u_.data(), row(i) + k + 1, m);
            }
        }
    }

    bool diagonalize() {
        e_[n_ - 1] = 0;
        double norm = 0;
        for (size_t i = 0; i < n_; ++i) norm += std::abs(d_[i]) + std::abs(e_[i]);
        if (!std::isfinite(norm)) return false;
        const double negligible = std::numeric_limits<double>::epsilon() * norm / static_cast<double>(n_);
        for (size_t l = 0; l < n_; ++l) {
            for (int step = 0;; ++step) {
                size_t m = l;  // the end of the block that has not split
                while (m + 1 < n_ && std::abs(e_[m]) > negligible) ++m;
                if (m == l) break;
                if (step == STEPS) return false;
                rotate(l, m);
            }
        }
        return true;
    }

    // One QL step on the rows l to m of the tridiagonal matrix.
    void rotate(size_t l, size_t m) {
        double g = (d_[l + 1] - d_[l]) / (2 * e_[l]);
        g = d_[m] - d_[l] + e_[l] / (g + std::copysign(std::hypot(g, 1.0), g));
        double s = 1, c = 1, p = 0;
        for (size_t i = m; i-- > l;) {
            const double f = s * e_[i], b = c * e_[i], r = std::hypot(f, g);
            e_[i + 1] = r;
            if (r == 0) {
                d_[i + 1] -= p;
                e_[m] = 0;
                return;
            }
            s = f / r;
            c = g / r;
            g = d_[i + 1] - p;
            const double t = (d_[i] - g) * s + 2 * c * b;
            p = s * t;
            d_[i + 1] = g + p;
            g = c * t - b;
            double *x = row(i), *y = row(i + 1);
            for (size_t j = 0; j < n_; ++j) {
                const double old = y[j];
                y[j] = s * x[j] + c * old;
                x[j] = c * x[j] - s * old;
            }
        }
        d_[l] -= p;
        e_[l] = g;
        e_[m] = 0;
    }

    static constexpr int STEPS = 60;  // for an eigenvalue; about 2 are usual

    double *a_, *d_;
    size_t n_;
    std::vector<double> e_, u_, p_;
};

}  // namespace s2v
