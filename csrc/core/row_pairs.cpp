#include "core/row_pairs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/parallel.h"

namespace fastscore {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Beyond this difference of logits, and with infinite ones, float arithmetic is left: what exp
// takes for the least probability, 4.5e-38, would begin to count.
constexpr float kMostOrdinary = 1e4f;

// What turns the logits of a row into log-probabilities.
struct Normaliser {
  double max;
  double log_sum;
  double log_prob(float logit) const { return static_cast<double>(logit) - max - log_sum; }
};

// p * (x - 1 + exp(-x)) with x = log(p / q); see row_pairs_kernel.h.
double term(double log_p, double log_q) {
  const double p = std::exp(log_p);
  const double q = std::exp(log_q);
  if (p == 0) return q;
  const double x = log_p - log_q;
  if (std::abs(x) < 1) return p * std::max(0.0, std::expm1(-x) + x);
  return q - p + p * x;
}

double divergence(const float* base, const float* candidate, std::size_t n_vocab,
                  const RowSummary& base_row, const RowSummary& candidate_row,
                  const LogSoftmaxKernel& kernel) {
  const Normaliser p{base_row.max, std::log(base_row.sum)};
  const Normaliser q{candidate_row.max, std::log(candidate_row.sum)};
  const auto from = [&](std::size_t begin) {
    double sum = 0;
    for (std::size_t t = begin; t < n_vocab; ++t) {
      sum += term(p.log_prob(base[t]), q.log_prob(candidate[t]));
    }
    return sum;
  };
  const RowPairScale scale{base_row.max, candidate_row.max,
                           static_cast<float>(p.log_sum - q.log_sum),
                           static_cast<float>(base_row.sum / candidate_row.sum)};
  const RowPairSum most = kernel.sum_pair(base, candidate, n_vocab, scale);
  // NaN is what -inf in both rows gives.
  if (!(most.largest <= kMostOrdinary) || !std::isfinite(most.sum)) return from(0);
  return most.sum / base_row.sum + from(most.n_read);
}

void compare_row(const float* base, const float* candidate, std::size_t n_vocab, std::size_t row,
                 const RowTargets& targets, const PairScores& scores,
                 const LogSoftmaxKernel& kernel) {
  const RowSummary p = kernel.summarise(base, n_vocab);
  const RowSummary q = kernel.summarise(candidate, n_vocab);
  const bool base_ok = p.status == RowStatus::ok;
  const bool candidate_ok = q.status == RowStatus::ok;
  scores.base_status[row] = p.status;
  scores.candidate_status[row] = q.status;
  scores.same_top[row] = base_ok && candidate_ok && p.argmax == q.argmax ? 1 : 0;
  scores.kl[row] =
      base_ok && candidate_ok ? divergence(base, candidate, n_vocab, p, q, kernel) : kNan;

  const Normaliser of_base{p.max, base_ok ? std::log(p.sum) : kNan};
  const Normaliser of_candidate{q.max, candidate_ok ? std::log(q.sum) : kNan};
  const auto end = static_cast<std::size_t>(targets.offsets[row + 1]);
  for (auto i = static_cast<std::size_t>(targets.offsets[row]); i < end; ++i) {
    scores.base_log_probs[i] = of_base.log_prob(base[targets.ids[i]]);
    scores.candidate_log_probs[i] = of_candidate.log_prob(candidate[targets.ids[i]]);
  }
}

}  // namespace

void compare_rows(const float* base, const float* candidate, std::size_t n_rows,
                  std::size_t n_vocab, const RowTargets& targets, const PairScores& scores,
                  ThreadPool& pool, const LogSoftmaxKernel& kernel) {
  check_targets(n_rows, n_vocab, targets);
  check_size("kl", scores.kl.size(), n_rows);
  check_size("same_top", scores.same_top.size(), n_rows);
  check_size("base_status", scores.base_status.size(), n_rows);
  check_size("candidate_status", scores.candidate_status.size(), n_rows);
  check_size("base_log_probs", scores.base_log_probs.size(), targets.ids.size());
  check_size("candidate_log_probs", scores.candidate_log_probs.size(), targets.ids.size());
  const std::size_t grain = rows_per_range(n_vocab);
  pool.parallel_for(n_rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      compare_row(base + row * n_vocab, candidate + row * n_vocab, n_vocab, row, targets, scores,
                  kernel);
    }
  });
}

}  // namespace fastscore
