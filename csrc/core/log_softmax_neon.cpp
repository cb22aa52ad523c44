// Log-softmax for 64-bit ARM, whose baseline has NEON.
#include "core/log_softmax_kernel.h"
#include "core/row_pairs_kernel.h"

#if defined(__aarch64__) || defined(_M_ARM64)
#include <arm_neon.h>

namespace fastscore {
namespace {

struct Neon {
  static constexpr std::size_t kLanes = 4;
  using Float = float32x4_t;
  using Ordered = uint32x4_t;
  struct Sum {
    float64x2_t low, high;
  };

  static Float load(const float* x) noexcept { return vld1q_f32(x); }
  static Float broadcast(float x) noexcept { return vdupq_n_f32(x); }
  static Float add(Float a, Float b) noexcept { return vaddq_f32(a, b); }
  static Float subtract(Float a, Float b) noexcept { return vsubq_f32(a, b); }
  static Float multiply(Float a, Float b) noexcept { return vmulq_f32(a, b); }
  static Float multiply_add(Float a, Float b, Float c) noexcept { return vfmaq_f32(c, a, b); }
  static Float max(Float a, Float b) noexcept { return vmaxq_f32(a, b); }
  static Float if_less(Float a, Float b, Float then, Float otherwise) noexcept {
    return vbslq_f32(vcltq_f32(a, b), then, otherwise);
  }
  static Float add_to_exponent(Float p, Float shifted) noexcept {
    const uint32x4_t n = vshlq_n_u32(vreinterpretq_u32_f32(shifted), 23);
    return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(p), n));
  }

  static Ordered all_ordered() noexcept { return vdupq_n_u32(0xffffffffu); }
  static Ordered and_ordered(Ordered so_far, Float a, Float b) noexcept {
    return vandq_u32(so_far, vandq_u32(vceqq_f32(a, a), vceqq_f32(b, b)));
  }
  static bool has_unordered(Ordered ordered) noexcept { return vminvq_u32(ordered) == 0; }
  static float largest(Float x) noexcept { return vmaxvq_f32(x); }

  static Sum zero_sum() noexcept { return {vdupq_n_f64(0), vdupq_n_f64(0)}; }
  static Sum accumulate(Sum sum, Float x) noexcept {
    return {vaddq_f64(sum.low, vcvt_f64_f32(vget_low_f32(x))),
            vaddq_f64(sum.high, vcvt_high_f64_f32(x))};
  }
  static double total(Sum sum) noexcept { return vaddvq_f64(vaddq_f64(sum.low, sum.high)); }
};

}  // namespace

RowSummary summarise_row_neon(const float* logits, std::size_t n_vocab) noexcept {
  return kernel_detail::summarise_row<Neon>(logits, n_vocab);
}

RowPairSum sum_row_pair_neon(const float* base, const float* candidate, std::size_t n_vocab,
                             const RowPairScale& scale) noexcept {
  return kernel_detail::sum_row_pair<Neon>(base, candidate, n_vocab, scale);
}

}  // namespace fastscore
#endif
