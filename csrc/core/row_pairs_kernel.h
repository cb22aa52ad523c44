// The pass over two rows that all kernels share; private to csrc/core/log_softmax_*.cpp, whose
// instruction sets it is instantiated for. See log_softmax_kernel.h for what that asks of the code.
//
// With x = log(p / q), the sum of p * x over all tokens is that of p * (x - 1 + exp(-x)), because p
// and q both sum to one. Of the second sum no term is negative: nothing cancels, however near two
// rows are, and an error of x counts only as far as p and q differ.
#pragma once

#include "core/log_softmax_kernel.h"

namespace fastscore::kernel_detail {

template <class Isa>
class RowPairReader {
 public:
  using Float = typename Isa::Float;

  explicit RowPairReader(const RowPairScale& scale) noexcept
      : base_max_(Isa::broadcast(scale.base_max)),
        candidate_max_(Isa::broadcast(scale.candidate_max)),
        log_ratio_(Isa::broadcast(scale.log_ratio)),
        ratio_(Isa::broadcast(scale.ratio)),
        largest_(Isa::broadcast(0.0f)) {}

  // Of as many entries as there are lanes: p * (x - 1 + exp(-x)) times the base's sum, so that p is
  // exp(logit - max).
  Float terms(const float* base, const float* candidate) noexcept {
    const Float base_d = Isa::subtract(Isa::load(base), base_max_);
    const Float candidate_d = Isa::subtract(Isa::load(candidate), candidate_max_);
    const Float x = Isa::subtract(Isa::subtract(base_d, candidate_d), log_ratio_);
    const Float size = Isa::max(x, Isa::subtract(Isa::broadcast(0.0f), x));
    largest_ = Isa::max(largest_, size);
    const Float p = exp_of_nonpositive<Isa>(base_d);
    const Float q = Isa::multiply(exp_of_nonpositive<Isa>(candidate_d), ratio_);
    const Float direct = Isa::multiply_add(p, x, Isa::subtract(q, p));
    // Near 0 the three parts of it cancel.
    return Isa::if_less(size, Isa::broadcast(0.25f), series(p, x), direct);
  }

  float largest() const noexcept { return Isa::largest(largest_); }

 private:
  // p (x^2 / 2! - x^3 / 3! + ... - x^7 / 7!); what is left out is 1.3e-8 of it.
  static Float series(Float p, Float x) noexcept {
    Float s = Isa::broadcast(-1.0f / 5040);
    s = Isa::multiply_add(s, x, Isa::broadcast(1.0f / 720));
    s = Isa::multiply_add(s, x, Isa::broadcast(-1.0f / 120));
    s = Isa::multiply_add(s, x, Isa::broadcast(1.0f / 24));
    s = Isa::multiply_add(s, x, Isa::broadcast(-1.0f / 6));
    s = Isa::multiply_add(s, x, Isa::broadcast(0.5f));
    return Isa::multiply(Isa::multiply(s, x), Isa::multiply(x, p));
  }

  Float base_max_, candidate_max_, log_ratio_, ratio_;
  Float largest_;
};

// Error, with e that of x: |sum| is off by at most e * sum(|p - q|) <= e * sqrt(2 kl), and
// relatively by what exp and the series add. For terms that matter e is below 3e-6:
//   logit - max   rounds by |d| 2^-24, of both rows; |d| < 16 where p or q exceeds 1e-7      2e-6
//   log sums      of both rows (log_softmax_kernel.h), and their difference in float        1e-6
template <class Isa>
RowPairSum sum_row_pair(const float* base, const float* candidate, std::size_t n_vocab,
                        const RowPairScale& scale) noexcept {
  constexpr std::size_t kStep = 2 * Isa::kLanes;
  const std::size_t whole = n_vocab - n_vocab % kStep;
  RowPairReader<Isa> pair(scale);
  auto sum = Isa::zero_sum();
  for (std::size_t i = 0; i < whole; i += kStep) {
    const auto a = pair.terms(base + i, candidate + i);
    const auto b = pair.terms(base + i + Isa::kLanes, candidate + i + Isa::kLanes);
    sum = Isa::accumulate(sum, Isa::add(a, b));
  }
  return {Isa::total(sum), pair.largest(), whole};
}

}  // namespace fastscore::kernel_detail
