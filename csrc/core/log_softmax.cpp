#include "core/log_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/cpu_features.h"
#include "core/log_softmax_kernel.h"
#include "core/parallel.h"

namespace fastscore {
namespace {

std::vector<LogSoftmaxKernel> kernels_of_this_cpu() {
  std::vector<LogSoftmaxKernel> kernels;
#if defined(__x86_64__) || defined(_M_X64)
  const CpuFeatures& cpu = cpu_features();
  if (cpu.avx512f) kernels.push_back({"avx512", summarise_row_avx512, sum_row_pair_avx512});
  if (cpu.avx2 && cpu.fma) kernels.push_back({"avx2", summarise_row_avx2, sum_row_pair_avx2});
#elif defined(__aarch64__) || defined(_M_ARM64)
  kernels.push_back({"neon", summarise_row_neon, sum_row_pair_neon});
#endif
  kernels.push_back({"portable", summarise_row_portable, sum_row_pair_portable});
  return kernels;
}

const std::vector<LogSoftmaxKernel>& kernels() {
  static const std::vector<LogSoftmaxKernel> list = kernels_of_this_cpu();
  return list;
}

void score_row(const float* logits, std::size_t n_vocab, std::size_t row,
               const RowTargets& targets, const RowScores& scores,
               const LogSoftmaxKernel& kernel) {
  const RowSummary summary = kernel.summarise(logits, n_vocab);
  const bool ok = summary.status == RowStatus::ok;
  const double log_sum = ok ? std::log(summary.sum) : std::numeric_limits<double>::quiet_NaN();
  scores.status[row] = summary.status;
  scores.argmax[row] = summary.argmax;
  const auto end = static_cast<std::size_t>(targets.offsets[row + 1]);
  for (auto i = static_cast<std::size_t>(targets.offsets[row]); i < end; ++i) {
    const double logit = logits[targets.ids[i]];
    scores.log_probs[i] = logit - static_cast<double>(summary.max) - log_sum;
  }
}

}  // namespace

const char* describe(RowStatus status) noexcept {
  switch (status) {
    case RowStatus::ok:
      return "nothing is wrong";
    case RowStatus::nan:
      return "a logit is NaN";
    case RowStatus::positive_infinity:
      return "a logit is +inf";
    case RowStatus::all_negative_infinity:
      return "every logit is -inf";
  }
  return "unknown status";
}

std::vector<std::string> available_kernels() {
  std::vector<std::string> names;
  for (const LogSoftmaxKernel& kernel : kernels()) names.emplace_back(kernel.name);
  return names;
}

const LogSoftmaxKernel& log_softmax_kernel(std::string_view name) {
  if (name == "auto") return kernels().front();
  std::string available;
  for (const LogSoftmaxKernel& kernel : kernels()) {
    if (name == kernel.name) return kernel;
    available += std::string(", ") + kernel.name;
  }
  throw InvalidArgument("no log-softmax kernel '" + std::string(name) +
                        "' on this machine; there are: auto" + available);
}

void check_size(const char* what, std::size_t got, std::size_t expected) {
  if (got == expected) return;
  throw InvalidArgument(std::string(what) + " must have " + std::to_string(expected) +
                        " entries, got " + std::to_string(got));
}

void check_targets(std::size_t n_rows, std::size_t n_vocab, const RowTargets& targets) {
  constexpr auto kMaxVocab = static_cast<std::size_t>(std::numeric_limits<Token>::max());
  if (n_vocab < 1 || n_vocab > kMaxVocab) {
    throw InvalidArgument("n_vocab must be from 1 to " + std::to_string(kMaxVocab) + ", got " +
                          std::to_string(n_vocab));
  }
  check_size("offsets", targets.offsets.size(), n_rows + 1);

  const auto n_targets = static_cast<std::int64_t>(targets.ids.size());
  if (targets.offsets.front() != 0 || targets.offsets.back() != n_targets ||
      !std::is_sorted(targets.offsets.begin(), targets.offsets.end())) {
    throw InvalidArgument("offsets must ascend from 0 to the number of targets, " +
                          std::to_string(n_targets) + "; got " +
                          std::to_string(targets.offsets.front()) + " to " +
                          std::to_string(targets.offsets.back()));
  }
  for (std::size_t i = 0; i < targets.ids.size(); ++i) {
    const Token id = targets.ids[i];
    if (id >= 0 && static_cast<std::size_t>(id) < n_vocab) continue;
    throw InvalidArgument("target " + std::to_string(i) + " is token " + std::to_string(id) +
                          ", but ids run from 0 to " + std::to_string(n_vocab - 1));
  }
}

std::size_t rows_per_range(std::size_t n_vocab) {
  constexpr std::size_t kEntriesPerRange = 16384;
  return std::max<std::size_t>(1, kEntriesPerRange / n_vocab);
}

void score_rows(const float* logits, std::size_t n_rows, std::size_t n_vocab,
                const RowTargets& targets, const RowScores& scores, ThreadPool& pool,
                const LogSoftmaxKernel& kernel) {
  check_targets(n_rows, n_vocab, targets);
  check_size("argmax", scores.argmax.size(), n_rows);
  check_size("status", scores.status.size(), n_rows);
  check_size("log_probs", scores.log_probs.size(), targets.ids.size());
  const std::size_t grain = rows_per_range(n_vocab);
  pool.parallel_for(n_rows, grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      score_row(logits + row * n_vocab, n_vocab, row, targets, scores, kernel);
    }
  });
}

}  // namespace fastscore
