#include "stats/pass_at_k.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/parallel.h"
#include "core/types.h"

namespace fastscore {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What is smaller than this share of a sum cannot change it, even a million times over.
constexpr double kNegligible = 0x1p-80;

// The number of right ones among k of n samples, c of them right, is distributed over lowest to
// highest. Probabilities are relative to that of the mode, from which both sides are reached by
// ratios of neighbours: no factorial overflows, and nothing cancels.
struct Hypergeometric {
  std::int64_t n, c, k;

  std::int64_t lowest() const { return std::max<std::int64_t>(0, k - (n - c)); }
  std::int64_t highest() const { return std::min(c, k); }
  std::int64_t mode() const { return (k + 1) * (c + 1) / (n + 2); }

  // P(j + 1) / P(j). Numerator and denominator are exact.
  double ratio(std::int64_t j) const {
    return static_cast<double>((c - j) * (k - j)) /
           static_cast<double>((j + 1) * (n - c - k + j + 1));
  }

  // P(at least m), for lowest < m <= highest.
  double tail(std::int64_t m) const {
    double below = 0, from_m = 0, weight = 1;
    const std::int64_t start = mode();
    // Up: the weights on the far side of m are needed however small they are.
    for (std::int64_t j = start; weight > 0; ++j) {
      (j < m ? below : from_m) += weight;
      if (j == highest() || (j >= m && weight < kNegligible * from_m)) break;
      weight *= ratio(j);
    }
    weight = 1;
    for (std::int64_t j = start; j > lowest();) {
      weight /= ratio(--j);
      (j < m ? below : from_m) += weight;
      if (weight < kNegligible * (below + from_m)) break;
    }
    return from_m / (below + from_m);
  }
};

// Ranges that cost far more than their handing out.
constexpr std::size_t kGrain = 512;

[[noreturn]] void refuse(std::size_t i, const Counts& counts) {
  throw InvalidArgument("entry " + std::to_string(i) + " has n = " + std::to_string(counts.n[i]) +
                        ", c = " + std::to_string(counts.c[i]) +
                        ", k = " + std::to_string(counts.k[i]) +
                        "; needed are 0 <= c <= n <= " + std::to_string(kMaxSamples) +
                        " and k >= 1");
}

void check(const Counts& counts, std::size_t size) {
  if (counts.n.size() != size || counts.c.size() != size || counts.k.size() != size) {
    throw InvalidArgument("n, c, k and the results must have the same length, got " +
                          std::to_string(counts.n.size()) + ", " +
                          std::to_string(counts.c.size()) + ", " +
                          std::to_string(counts.k.size()) + " and " + std::to_string(size));
  }
  for (std::size_t i = 0; i < size; ++i) {
    const std::int64_t n = counts.n[i], c = counts.c[i];
    if (c < 0 || c > n || n > kMaxSamples || counts.k[i] < 1) refuse(i, counts);
  }
}

template <typename Estimate>
void each(const Counts& counts, std::span<double> out, ThreadPool& pool, Estimate estimate) {
  check(counts, out.size());
  pool.parallel_for(out.size(), kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      out[i] = estimate(i, counts.n[i], counts.c[i], counts.k[i]);
    }
  });
}

}  // namespace

// Drawing one sample after the other, the first right one comes up at some draw:
// P(hit) grows by P(miss so far) * c / (n - i) with draw i. Only positive terms are added, so a
// small result is as exact as a large one, which 1 - product would not be. Exchanging c and k
// changes nothing, so the smaller one counts the draws; and since miss falls at least as fast as
// (1 - max / n)^i, some sqrt(38 n) of them are enough for any n.
double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) noexcept {
  if (n < k) return kNan;
  if (n - c < k) return 1;
  const auto right = static_cast<double>(std::max(c, k));
  std::int64_t draws = std::min(c, k);
  auto left = static_cast<double>(n);
  double hit = 0, miss = 1;
  const auto draw = [&](double share) {
    hit += miss * share;
    miss -= miss * share;
  };
  if (draws % 2 == 1) draw(right / left--);
  // Two draws with one division: a / m + (1 - a / m) * a / (m - 1).
  for (draws /= 2; draws > 0 && miss > 0x1p-54; --draws, left -= 2) {
    draw(right * (2 * left - 1 - right) / (left * (left - 1)));
  }
  return hit < 0.5 ? hit : 1 - miss;
}

// prod_{i<k} (c - i) / (n - i), or with n - c in the place of k, whichever is shorter.
double pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k) noexcept {
  if (n < k) return kNan;
  if (c < k) return 0;
  const auto out = static_cast<double>(std::max(k, n - c));
  std::int64_t draws = std::min(k, n - c);
  auto left = static_cast<double>(n);
  double all = 1;
  if (draws % 2 == 1) {
    all = (left - out) / left;
    --left;
  }
  for (draws /= 2; draws > 0 && all > 0; --draws, left -= 2) {
    all *= (left - out) * (left - 1 - out) / (left * (left - 1));
  }
  return all;
}

double g_pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k, double tau) noexcept {
  if (n < k) return kNan;
  const std::int64_t m = right_of(tau, k);
  const Hypergeometric right{n, c, k};
  if (m <= right.lowest()) return 1;
  if (m > right.highest()) return 0;
  return right.tail(m);
}

std::int64_t right_of(double tau, std::int64_t k) noexcept {
  const auto share = [k](std::int64_t m) {
    return static_cast<double>(m) / static_cast<double>(k);
  };
  auto m = static_cast<std::int64_t>(std::ceil(tau * static_cast<double>(k)));
  while (m > 1 && share(m - 1) >= tau) --m;
  while (share(m) < tau) ++m;
  return m;
}

void pass_at_k(const Counts& counts, std::span<double> out, ThreadPool& pool) {
  each(counts, out, pool,
       [](std::size_t, auto n, auto c, auto k) { return pass_at_k(n, c, k); });
}

void pass_hat_k(const Counts& counts, std::span<double> out, ThreadPool& pool) {
  each(counts, out, pool,
       [](std::size_t, auto n, auto c, auto k) { return pass_hat_k(n, c, k); });
}

void g_pass_at_k(const Counts& counts, std::span<const double> tau, std::span<double> out,
                 ThreadPool& pool) {
  if (tau.size() != out.size()) {
    throw InvalidArgument("tau must have " + std::to_string(out.size()) + " entries, got " +
                          std::to_string(tau.size()));
  }
  for (std::size_t i = 0; i < tau.size(); ++i) {
    if (tau[i] > 0 && tau[i] <= 1) continue;
    throw InvalidArgument("tau must be above 0 and at most 1, entry " + std::to_string(i) +
                          " is " + std::to_string(tau[i]));
  }
  each(counts, out, pool,
       [&](std::size_t i, auto n, auto c, auto k) { return g_pass_at_k(n, c, k, tau[i]); });
}

}  // namespace fastscore
