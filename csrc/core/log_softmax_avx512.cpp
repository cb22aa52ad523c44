// Log-softmax for x86-64 with AVX-512F.
#include "core/log_softmax.h"

#if defined(__x86_64__) || defined(_M_X64)

// GCC 12 takes its own _mm512_undefined_ps() for a mistake (GCC bug 105593, mended in 13).
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <cmath>
#include <limits>

// As in log_softmax_avx2.cpp: the instruction set for what follows, and for that alone.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif

#include "core/log_softmax_kernel.h"
#include "core/row_pairs_kernel.h"

namespace fastscore {
namespace {

struct Avx512 {
  static constexpr std::size_t kLanes = 16;
  using Float = __m512;
  using Ordered = __mmask16;
  struct Sum {
    __m512d low, high;
  };

  static Float load(const float* x) noexcept { return _mm512_loadu_ps(x); }
  static Float broadcast(float x) noexcept { return _mm512_set1_ps(x); }
  static Float add(Float a, Float b) noexcept { return _mm512_add_ps(a, b); }
  static Float subtract(Float a, Float b) noexcept { return _mm512_sub_ps(a, b); }
  static Float multiply(Float a, Float b) noexcept { return _mm512_mul_ps(a, b); }
  static Float multiply_add(Float a, Float b, Float c) noexcept {
    return _mm512_fmadd_ps(a, b, c);
  }
  static Float max(Float a, Float b) noexcept { return _mm512_max_ps(a, b); }
  static Float if_less(Float a, Float b, Float then, Float otherwise) noexcept {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), otherwise, then);
  }
  static Float add_to_exponent(Float p, Float shifted) noexcept {
    const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), n));
  }

  static Ordered all_ordered() noexcept { return 0xffff; }
  static Ordered and_ordered(Ordered so_far, Float a, Float b) noexcept {
    return _mm512_mask_cmp_ps_mask(so_far, a, b, _CMP_ORD_Q);
  }
  static bool has_unordered(Ordered ordered) noexcept { return ordered != 0xffff; }
  static float largest(Float x) noexcept { return _mm512_reduce_max_ps(x); }

  static Sum zero_sum() noexcept { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
  static Sum accumulate(Sum sum, Float x) noexcept {
    // Eight lanes can only be cut out as doubles without AVX-512DQ.
    const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
    return {_mm512_add_pd(sum.low, _mm512_cvtps_pd(_mm512_castps512_ps256(x))),
            _mm512_add_pd(sum.high, _mm512_cvtps_pd(high))};
  }
  static double total(Sum sum) noexcept {
    return _mm512_reduce_add_pd(_mm512_add_pd(sum.low, sum.high));
  }
};

}  // namespace

RowSummary summarise_row_avx512(const float* logits, std::size_t n_vocab) noexcept {
  return kernel_detail::summarise_row<Avx512>(logits, n_vocab);
}

RowPairSum sum_row_pair_avx512(const float* base, const float* candidate, std::size_t n_vocab,
                               const RowPairScale& scale) noexcept {
  return kernel_detail::sum_row_pair<Avx512>(base, candidate, n_vocab, scale);
}

}  // namespace fastscore

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
