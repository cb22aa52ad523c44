// Random indices for x86-64 with AVX-512 F, DQ and BW.
#include "stats/random_indices.h"

#if defined(__x86_64__) || defined(_M_X64)

// As in core/log_softmax_avx512.cpp: GCC bug 105593.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "stats/random_words.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw"))), \
                             apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw")
#endif

namespace fastscore {
namespace {

__m512i broadcast(std::uint64_t x) noexcept {
  return _mm512_set1_epi64(static_cast<long long>(x));
}

// mix() of eight words.
__m512i mix8(__m512i z) noexcept {
  z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 30)),
                         broadcast(0xbf58476d1ce4e5b9));
  z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 27)),
                         broadcast(0x94d049bb133111eb));
  return _mm512_xor_si512(z, _mm512_srli_epi64(z, 31));
}

// Hands f the blocks of eight words that follow `before`, with their numbers.
template <int kBlocks, typename F>
void each_block(std::uint64_t before, F f) noexcept {
  const __m512i places = _mm512_set_epi64(8, 7, 6, 5, 4, 3, 2, 1);
  __m512i z = _mm512_add_epi64(broadcast(before), _mm512_mullo_epi64(places, broadcast(kStride)));
  for (int i = 0; i < kBlocks; ++i, z = _mm512_add_epi64(z, broadcast(8 * kStride))) {
    f(i, mix8(z));
  }
}

}  // namespace

std::uint64_t block16_avx512(std::uint64_t before, std::uint32_t n,
                             std::uint16_t* indices) noexcept {
  const __m512i bound = _mm512_set1_epi16(static_cast<short>(n));
  const __m512i threshold = _mm512_set1_epi16(static_cast<short>(65536 % n));
  std::uint64_t rejected = 0;
  each_block<2>(before, [&](int i, __m512i words) {
    _mm512_storeu_si512(indices + 32 * i, _mm512_mulhi_epu16(words, bound));
    const __mmask32 low = _mm512_cmplt_epu16_mask(_mm512_mullo_epi16(words, bound), threshold);
    rejected |= std::uint64_t{low} << (32 * i);
  });
  return rejected;
}

std::uint64_t block32_avx512(std::uint64_t before, std::uint32_t n,
                             std::uint32_t* indices) noexcept {
  const __m512i bound = broadcast(n);
  const __m512i threshold = _mm512_set1_epi32(static_cast<int>((std::uint64_t{1} << 32) % n));
  constexpr __mmask16 kOdd = 0b1010101010101010;
  std::uint64_t rejected = 0;
  each_block<4>(before, [&](int i, __m512i words) {
    const __m512i even = _mm512_mul_epu32(words, bound);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(words, 32), bound);
    _mm512_storeu_si512(indices + 16 * i,
                        _mm512_mask_blend_epi32(kOdd, _mm512_srli_epi64(even, 32), odd));
    const __m512i lows = _mm512_mask_blend_epi32(kOdd, even, _mm512_slli_epi64(odd, 32));
    rejected |= std::uint64_t{_mm512_cmplt_epu32_mask(lows, threshold)} << (16 * i);
  });
  return rejected;
}

}  // namespace fastscore

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
