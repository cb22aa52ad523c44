// How far the distributions of two models are from each other, row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/log_softmax.h"

namespace fastscore {

// Where the results go. What a row that is no distribution takes part in is NaN, or 0 in same_top.
struct PairScores {
  std::span<double> kl;                   // [n_rows] KL(base || candidate) in nats
  std::span<std::uint8_t> same_top;       // [n_rows] 1 where both argmaxes are the same token
  std::span<double> base_log_probs;       // [n_targets], natural logarithm
  std::span<double> candidate_log_probs;  // [n_targets]
  std::span<RowStatus> base_status;       // [n_rows]
  std::span<RowStatus> candidate_status;  // [n_rows]
};

// For every row r of base and candidate, both [n_rows, n_vocab], with the distributions p and q
// that their logits define,
//
//     kl = sum over tokens t of p[t] * log(p[t] / q[t])
//
// and the log-probabilities of the row's targets under both, as score_rows has them. The argmax is
// the lowest id of equal logits. kl is never negative, 0 for equal rows, and infinite where the
// candidate's logit is -inf for a token that has probability in the base. For logits that differ by
// less than 10,000, in rows of up to 262,144 entries,
//
//     |kl - exact| <= 5e-6 * sqrt(kl) + 2e-5 * kl
//
// (row_pairs_kernel.h says why); all others are computed in double precision. Rows are shared out
// over the pool and never split. Throws InvalidArgument as score_rows does.
void compare_rows(const float* base, const float* candidate, std::size_t n_rows,
                  std::size_t n_vocab, const RowTargets& targets, const PairScores& scores,
                  ThreadPool& pool, const LogSoftmaxKernel& kernel = log_softmax_kernel());

}  // namespace fastscore
