// The algorithm that all log-softmax kernels share; private to csrc/core/log_softmax_*.cpp.
//
// Each of those files describes one instruction set as a struct `Isa` in an unnamed namespace and
// instantiates summarise_row<Isa>. The unnamed namespace matters: instantiations of the same name
// compiled for different CPUs must never be merged by the linker. For the same reason nothing here
// calls an inline function of the standard library.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/log_softmax.h"

namespace fastscore {

RowSummary summarise_row_portable(const float* logits, std::size_t n_vocab) noexcept;
RowSummary summarise_row_avx2(const float* logits, std::size_t n_vocab) noexcept;
RowSummary summarise_row_avx512(const float* logits, std::size_t n_vocab) noexcept;
RowSummary summarise_row_neon(const float* logits, std::size_t n_vocab) noexcept;

RowPairSum sum_row_pair_portable(const float* base, const float* candidate, std::size_t n_vocab,
                                 const RowPairScale& scale) noexcept;
RowPairSum sum_row_pair_avx2(const float* base, const float* candidate, std::size_t n_vocab,
                             const RowPairScale& scale) noexcept;
RowPairSum sum_row_pair_avx512(const float* base, const float* candidate, std::size_t n_vocab,
                               const RowPairScale& scale) noexcept;
RowPairSum sum_row_pair_neon(const float* base, const float* candidate, std::size_t n_vocab,
                             const RowPairScale& scale) noexcept;

namespace kernel_detail {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// exp(d) of each lane, for d in [-inf, 0]; exactly 1 at 0.
//
// d = n ln 2 + r with |r| <= ln 2 / 2, exp(d) = 2^n exp(r). The polynomial is the minimax
// approximation of exp on that interval with the first two coefficients held at 1 (relative error
// 3.2e-9); with rounding the result is within 1.2e-7 of exp(d), relatively.
//
// Below -86 the result would leave the normal numbers. exp(-86) = 4.5e-38 stands for all of that,
// -inf included: 2^31 such terms beside the 1 of the maximum are less than 1e-28.
template <class Isa>
inline typename Isa::Float exp_of_nonpositive(typename Isa::Float d) noexcept {
  // Adding 1.5 * 2^23 rounds to an integer, which then lies in the low mantissa bits.
  constexpr float kRounder = 12582912.0f;
  constexpr float kLog2E = 1.44269504f;
  // ln 2 in two parts; the first has 9 significant bits, so that n times it is exact.
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;

  d = Isa::max(d, Isa::broadcast(-86.0f));
  const auto shifted = Isa::multiply_add(d, Isa::broadcast(kLog2E), Isa::broadcast(kRounder));
  const auto n = Isa::subtract(shifted, Isa::broadcast(kRounder));
  auto r = Isa::multiply_add(n, Isa::broadcast(-kLn2High), d);
  r = Isa::multiply_add(n, Isa::broadcast(-kLn2Low), r);

  auto p = Isa::broadcast(1.3820884e-3f);
  p = Isa::multiply_add(p, r, Isa::broadcast(8.368682e-3f));
  p = Isa::multiply_add(p, r, Isa::broadcast(4.1668266e-2f));
  p = Isa::multiply_add(p, r, Isa::broadcast(1.6666521e-1f));
  p = Isa::multiply_add(p, r, Isa::broadcast(4.9999994e-1f));
  p = Isa::multiply_add(p, r, Isa::broadcast(1.0f));
  p = Isa::multiply_add(p, r, Isa::broadcast(1.0f));
  return Isa::add_to_exponent(p, shifted);
}

// Largest entry and sum of the entries read so far. Reads a block twice, the second time from the
// L1 cache: once for its maximum, once for the sum.
template <class Isa>
class RowReader {
 public:
  static constexpr std::size_t kStep = 2 * Isa::kLanes;  // entries handled at once

  float max() const noexcept { return max_; }
  double sum() const noexcept { return sum_; }
  bool has_nan() const noexcept { return has_nan_; }

  // Reads n entries, n a multiple of kStep. Returns whether one exceeds all entries before.
  bool read(const float* block, std::size_t n) noexcept {
    const float block_max = find_max(block, n);
    const bool exceeds = block_max > max_;
    if (exceeds) {
      sum_ *= std::exp(static_cast<double>(max_) - static_cast<double>(block_max));
      max_ = block_max;
    }
    // Without a finite maximum there is nothing to add, or no sum at all.
    if (max_ > -kInfinity && max_ < kInfinity) sum_ += sum_of_exp(block, n);
    return exceeds;
  }

 private:
  float find_max(const float* block, std::size_t n) noexcept {
    auto max_a = Isa::broadcast(-kInfinity);
    auto max_b = max_a;
    auto ordered = Isa::all_ordered();
    for (std::size_t i = 0; i < n; i += kStep) {
      const auto a = Isa::load(block + i);
      const auto b = Isa::load(block + i + Isa::kLanes);
      ordered = Isa::and_ordered(ordered, a, b);
      max_a = Isa::max(max_a, a);
      max_b = Isa::max(max_b, b);
    }
    if (Isa::has_unordered(ordered)) has_nan_ = true;
    return Isa::largest(Isa::max(max_a, max_b));
  }

  // Two terms are added in float, which rounds once (6.0e-8 relative); all else is in double.
  double sum_of_exp(const float* block, std::size_t n) const noexcept {
    const auto max = Isa::broadcast(max_);
    auto sum = Isa::zero_sum();
    for (std::size_t i = 0; i < n; i += kStep) {
      const auto a = Isa::subtract(Isa::load(block + i), max);
      const auto b = Isa::subtract(Isa::load(block + i + Isa::kLanes), max);
      sum = Isa::accumulate(sum, Isa::add(exp_of_nonpositive<Isa>(a), exp_of_nonpositive<Isa>(b)));
    }
    return Isa::total(sum);
  }

  float max_ = -kInfinity;
  double sum_ = 0;
  bool has_nan_ = false;
};

// Error of log_prob, whatever the logits, up to 2^18 of them: it is the relative error of the sum,
// all of whose terms are positive.
//   logit - max   rounds by |d| 2^-24; terms with d < -16 hold at most 3 % of such a sum,
//                 the rest is off by at most 2^-21                                     4.8e-7
//   exp           see above                                                            1.2e-7
//   sum           see above                                                            0.6e-7
template <class Isa>
RowSummary summarise_row(const float* logits, std::size_t n_vocab) noexcept {
  constexpr std::size_t kBlock = 2048;  // entries, 8 KiB: a fraction of any L1 cache
  static_assert(kBlock % RowReader<Isa>::kStep == 0);
  const std::size_t whole = n_vocab - n_vocab % RowReader<Isa>::kStep;

  RowReader<Isa> row;
  std::size_t first_with_max = 0;  // start of the block that holds the largest entry
  for (std::size_t begin = 0; begin < whole; begin += kBlock) {
    const std::size_t size = whole - begin < kBlock ? whole - begin : kBlock;
    if (row.read(logits + begin, size)) first_with_max = begin;
    if (row.has_nan()) return {.status = RowStatus::nan};
  }
  if (whole < n_vocab) {
    float rest[RowReader<Isa>::kStep];
    for (std::size_t i = 0; i < RowReader<Isa>::kStep; ++i) {
      rest[i] = whole + i < n_vocab ? logits[whole + i] : -kInfinity;
    }
    if (row.read(rest, RowReader<Isa>::kStep)) first_with_max = whole;
    if (row.has_nan()) return {.status = RowStatus::nan};
  }
  if (row.max() == kInfinity) return {.status = RowStatus::positive_infinity};
  if (row.max() == -kInfinity) return {.status = RowStatus::all_negative_infinity};

  std::size_t argmax = first_with_max;
  while (logits[argmax] != row.max()) ++argmax;
  return {row.max(), row.sum(), static_cast<Token>(argmax), RowStatus::ok};
}

}  // namespace kernel_detail
}  // namespace fastscore
