// Log-softmax for x86-64 with AVX2 and FMA.
#include "core/log_softmax.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>

#include <cmath>
#include <limits>

// From here on the compiler may use the instruction set, whatever the rest of the library is built
// for. Everything that others share is included above, so that none of it is compiled this way.
// MSVC needs no such leave.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#include "core/log_softmax_kernel.h"
#include "core/row_pairs_kernel.h"

namespace fastscore {
namespace {

struct Avx2 {
  static constexpr std::size_t kLanes = 8;
  using Float = __m256;
  using Ordered = __m256;
  struct Sum {
    __m256d low, high;
  };

  static Float load(const float* x) noexcept { return _mm256_loadu_ps(x); }
  static Float broadcast(float x) noexcept { return _mm256_set1_ps(x); }
  static Float add(Float a, Float b) noexcept { return _mm256_add_ps(a, b); }
  static Float subtract(Float a, Float b) noexcept { return _mm256_sub_ps(a, b); }
  static Float multiply(Float a, Float b) noexcept { return _mm256_mul_ps(a, b); }
  static Float multiply_add(Float a, Float b, Float c) noexcept {
    return _mm256_fmadd_ps(a, b, c);
  }
  static Float max(Float a, Float b) noexcept { return _mm256_max_ps(a, b); }
  static Float if_less(Float a, Float b, Float then, Float otherwise) noexcept {
    return _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
  }
  static Float add_to_exponent(Float p, Float shifted) noexcept {
    const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), n));
  }

  static Ordered all_ordered() noexcept {
    return _mm256_cmp_ps(_mm256_setzero_ps(), _mm256_setzero_ps(), _CMP_EQ_OQ);
  }
  static Ordered and_ordered(Ordered so_far, Float a, Float b) noexcept {
    return _mm256_and_ps(so_far, _mm256_cmp_ps(a, b, _CMP_ORD_Q));
  }
  static bool has_unordered(Ordered ordered) noexcept {
    return _mm256_movemask_ps(ordered) != 0xff;
  }
  static float largest(Float x) noexcept {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_movehdup_ps(m));
    return _mm_cvtss_f32(m);
  }

  static Sum zero_sum() noexcept { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
  static Sum accumulate(Sum sum, Float x) noexcept {
    return {_mm256_add_pd(sum.low, _mm256_cvtps_pd(_mm256_castps256_ps128(x))),
            _mm256_add_pd(sum.high, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)))};
  }
  static double total(Sum sum) noexcept {
    const __m256d all = _mm256_add_pd(sum.low, sum.high);
    __m128d half = _mm_add_pd(_mm256_castpd256_pd128(all), _mm256_extractf128_pd(all, 1));
    half = _mm_add_sd(half, _mm_unpackhi_pd(half, half));
    return _mm_cvtsd_f64(half);
  }
};

}  // namespace

RowSummary summarise_row_avx2(const float* logits, std::size_t n_vocab) noexcept {
  return kernel_detail::summarise_row<Avx2>(logits, n_vocab);
}

RowPairSum sum_row_pair_avx2(const float* base, const float* candidate, std::size_t n_vocab,
                             const RowPairScale& scale) noexcept {
  return kernel_detail::sum_row_pair<Avx2>(base, candidate, n_vocab, scale);
}

}  // namespace fastscore

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
