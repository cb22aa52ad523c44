// Estimates of pass@k and its relatives from n samples of a problem, c of which are right.
//
// All of them are about k samples drawn from those n without replacement, which is what makes them
// unbiased for k fresh samples of the model.
#pragma once

#include <cstdint>
#include <span>

namespace fastscore {

class ThreadPool;

// The largest n. Up to here products of two counts are exact in double, which the error bounds
// below count on.
inline constexpr std::int64_t kMaxSamples = 1'000'000;

// Each takes 0 <= c <= n <= kMaxSamples and k >= 1, and is NaN where n < k: fewer samples than k
// say nothing about k of them.

// At least one of k is right: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374).
// The relative error is below 1e-12, of values near 0 as well; k = 1 gives c / n to the last bit.
double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) noexcept;

// All k are right: C(c, k) / C(n, k). The absolute error is below 1e-12, the relative one below
// 1e-11 down to the smallest normal numbers.
double pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k) noexcept;

// At least right_of(tau, k) of k are right: the upper tail of the hypergeometric distribution
// (G-Pass@k of Liu et al. 2024, arXiv 2412.13147). 0 < tau <= 1. Errors as pass_hat_k's.
double g_pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k, double tau) noexcept;

// ceil(tau * k) for the tau that was meant: the least m >= 1 whose share m / k, as a double, is at
// least tau. The product would be wrong where tau is no binary fraction: 0.07 * 100 exceeds 7, and
// so does the exact value of the double 0.07. This rule gives 7, and the exact result for every
// tau = p / q that was rounded once, as long as k * q < 2^52.
std::int64_t right_of(double tau, std::int64_t k) noexcept;

// The same for many problems at once, shared out over the pool; all spans are of one length.
// Throws InvalidArgument where lengths differ or a number is out of its range.
struct Counts {
  std::span<const std::int64_t> n, c, k;
};
void pass_at_k(const Counts& counts, std::span<double> out, ThreadPool& pool);
void pass_hat_k(const Counts& counts, std::span<double> out, ThreadPool& pool);
void g_pass_at_k(const Counts& counts, std::span<const double> tau, std::span<double> out,
                 ThreadPool& pool);

}  // namespace fastscore
