// Log-probabilities of chosen tokens from rows of logits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

namespace fastscore {

class ThreadPool;

// Whether a row of logits defines a distribution. Entries of -inf are legal: probability zero.
enum class RowStatus : std::uint8_t {
  ok,
  nan,                    // some entry is NaN, whatever the others are
  positive_infinity,      // some entry is +inf and none is NaN
  all_negative_infinity,  // every entry is -inf: no token has any probability
};

// What is wrong, for an error message: "a logit is NaN".
const char* describe(RowStatus status) noexcept;

// All that the log-probability of any token of a row needs besides its own logit. Unless the status
// is ok, the other members are as they are here.
struct RowSummary {
  float max = 0;      // largest logit
  double sum = 0;     // sum of exp(logit - max) over the row: at least 1
  Token argmax = -1;  // token of the largest logit, the lowest id of equals
  RowStatus status = RowStatus::ok;
};

// What the sum over two rows needs of their summaries: base_max and candidate_max are the largest
// logits, `ratio` the base's sum of exponentials over the candidate's, `log_ratio` its logarithm.
struct RowPairScale {
  float base_max;
  float candidate_max;
  float log_ratio;
  float ratio;
};

// `sum` is that of row_pairs_kernel.h over the first `n_read` entries of both rows, times the base's
// sum of exponentials; `largest` the largest |log(p / q)| among them.
struct RowPairSum {
  double sum;
  float largest;
  std::size_t n_read;
};

// One implementation of the passes over a row and over two, for one instruction set.
//
// For every row, of whatever magnitude, of up to 262,144 entries:
// |log_prob - exact| <= 1e-6 (log_softmax_kernel.h adds up where the error comes from).
struct LogSoftmaxKernel {
  const char* name;
  // logits: [n_vocab], n_vocab from 1 to 2^31 - 1. Needs no alignment.
  RowSummary (*summarise)(const float* logits, std::size_t n_vocab) noexcept;
  // Reads all entries but the last ones that fill no step of its vectors.
  RowPairSum (*sum_pair)(const float* base, const float* candidate, std::size_t n_vocab,
                         const RowPairScale& scale) noexcept;
};

// Names of the kernels that this CPU can execute, the fastest first; "portable" is always there.
std::vector<std::string> available_kernels();

// The kernel of that name; "auto" is the fastest. Throws InvalidArgument for a name that is unknown
// or not available here.
const LogSoftmaxKernel& log_softmax_kernel(std::string_view name = "auto");

// Which log-probabilities are wanted, in compressed sparse rows: row r wants those of the tokens
// ids[offsets[r]], ..., ids[offsets[r + 1] - 1].
struct RowTargets {
  std::span<const std::int64_t> offsets;  // [n_rows + 1], ascending from 0 to n_targets
  std::span<const Token> ids;             // [n_targets], each in [0, n_vocab)
};

// Throws InvalidArgument unless the targets are as above and n_vocab is from 1 to 2^31 - 1.
void check_targets(std::size_t n_rows, std::size_t n_vocab, const RowTargets& targets);

// Throws InvalidArgument, naming `what`, unless both are equal.
void check_size(const char* what, std::size_t got, std::size_t expected);

// Small rows go to threads several at a time: a range should cost far more than its handing out.
std::size_t rows_per_range(std::size_t n_vocab);

// Where the results go.
struct RowScores {
  std::span<double> log_probs;  // [n_targets], natural logarithm; NaN in rows that are not ok
  std::span<Token> argmax;      // [n_rows], -1 in rows that are not ok
  std::span<RowStatus> status;  // [n_rows]
};

// For every row r of logits [n_rows, n_vocab] and each of its targets t
//
//     log_prob = logits[r][t] - max(logits[r]) - log(sum(exp(logits[r] - max(logits[r]))))
//
// The rows are shared out over the pool; a row is never split, so the results are the same for any
// number of threads. Throws InvalidArgument, before anything is written, where a size does not fit
// or a target is out of range; what is wrong with the logits themselves is told in `status`.
void score_rows(const float* logits, std::size_t n_rows, std::size_t n_vocab,
                const RowTargets& targets, const RowScores& scores, ThreadPool& pool,
                const LogSoftmaxKernel& kernel = log_softmax_kernel());

}  // namespace fastscore
