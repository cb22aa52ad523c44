// Log-softmax in plain C++, for any CPU. The lanes are arrays that compilers turn into whatever
// vectors the baseline has (SSE2 on x86-64).
#include <bit>

#include "core/log_softmax_kernel.h"
#include "core/row_pairs_kernel.h"

namespace fastscore {
namespace {

struct Portable {
  static constexpr std::size_t kLanes = 8;
  struct Float {
    float lane[kLanes];
  };
  struct Sum {
    double lane[kLanes];
  };
  struct Ordered {
    std::uint32_t lane[kLanes];
  };

  template <class Lanes, class Function>
  static Lanes each(Function function) noexcept {
    Lanes out;
    for (std::size_t i = 0; i < kLanes; ++i) out.lane[i] = function(i);
    return out;
  }

  static Float load(const float* x) noexcept {
    return each<Float>([&](std::size_t i) { return x[i]; });
  }
  static Float broadcast(float x) noexcept {
    return each<Float>([&](std::size_t) { return x; });
  }
  static Float add(const Float& a, const Float& b) noexcept {
    return each<Float>([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
  }
  static Float subtract(const Float& a, const Float& b) noexcept {
    return each<Float>([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
  }
  static Float multiply(const Float& a, const Float& b) noexcept {
    return each<Float>([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
  }
  static Float multiply_add(const Float& a, const Float& b, const Float& c) noexcept {
    return each<Float>([&](std::size_t i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
  }
  static Float max(const Float& a, const Float& b) noexcept {
    return each<Float>(
        [&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Float if_less(const Float& a, const Float& b, const Float& then,
                       const Float& otherwise) noexcept {
    return each<Float>([&](std::size_t i) {
      return a.lane[i] < b.lane[i] ? then.lane[i] : otherwise.lane[i];
    });
  }
  static Float add_to_exponent(const Float& p, const Float& shifted) noexcept {
    return each<Float>([&](std::size_t i) {
      return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p.lane[i]) +
                                  (std::bit_cast<std::uint32_t>(shifted.lane[i]) << 23));
    });
  }

  static Ordered all_ordered() noexcept {
    return each<Ordered>([](std::size_t) { return 1u; });
  }
  static Ordered and_ordered(const Ordered& so_far, const Float& a, const Float& b) noexcept {
    return each<Ordered>([&](std::size_t i) {
      return so_far.lane[i] & static_cast<std::uint32_t>(a.lane[i] == a.lane[i]) &
             static_cast<std::uint32_t>(b.lane[i] == b.lane[i]);
    });
  }
  static bool has_unordered(const Ordered& ordered) noexcept {
    std::uint32_t all = 1;
    for (const std::uint32_t lane : ordered.lane) all &= lane;
    return all == 0;
  }
  static float largest(const Float& x) noexcept {
    float out = x.lane[0];
    for (const float lane : x.lane) out = lane > out ? lane : out;
    return out;
  }

  static Sum zero_sum() noexcept {
    return each<Sum>([](std::size_t) { return 0.0; });
  }
  static Sum accumulate(const Sum& sum, const Float& x) noexcept {
    return each<Sum>([&](std::size_t i) { return sum.lane[i] + static_cast<double>(x.lane[i]); });
  }
  static double total(const Sum& sum) noexcept {
    double out = 0;
    for (const double lane : sum.lane) out += lane;
    return out;
  }
};

}  // namespace

RowSummary summarise_row_portable(const float* logits, std::size_t n_vocab) noexcept {
  return kernel_detail::summarise_row<Portable>(logits, n_vocab);
}

RowPairSum sum_row_pair_portable(const float* base, const float* candidate, std::size_t n_vocab,
                                 const RowPairScale& scale) noexcept {
  return kernel_detail::sum_row_pair<Portable>(base, candidate, n_vocab, scale);
}

}  // namespace fastscore
