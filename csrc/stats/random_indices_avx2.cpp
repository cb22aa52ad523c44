// Random indices for x86-64 with AVX2.
#include "stats/random_indices.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>

#include "stats/random_words.h"

// As in core/log_softmax_avx2.cpp: the instruction set for what follows, and for that alone.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace fastscore {
namespace {

// Products of 64-bit lanes modulo 2^64, of the halves that AVX2 can multiply.
__m256i multiply(__m256i a, std::uint64_t b) noexcept {
  const __m256i low = _mm256_set1_epi64x(static_cast<long long>(b & 0xffffffff));
  const __m256i high = _mm256_set1_epi64x(static_cast<long long>(b >> 32));
  const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), low),
                                         _mm256_mul_epu32(a, high));
  return _mm256_add_epi64(_mm256_mul_epu32(a, low), _mm256_slli_epi64(cross, 32));
}

// mix() of four words.
__m256i mix4(__m256i z) noexcept {
  z = multiply(_mm256_xor_si256(z, _mm256_srli_epi64(z, 30)), 0xbf58476d1ce4e5b9);
  z = multiply(_mm256_xor_si256(z, _mm256_srli_epi64(z, 27)), 0x94d049bb133111eb);
  return _mm256_xor_si256(z, _mm256_srli_epi64(z, 31));
}

// Hands f the blocks of four words that follow `before`, with their numbers.
template <int kBlocks, typename F>
void each_block(std::uint64_t before, F f) noexcept {
  const auto stride = [](std::uint64_t n) { return static_cast<long long>(n * kStride); };
  __m256i z = _mm256_add_epi64(_mm256_set1_epi64x(static_cast<long long>(before)),
                               _mm256_set_epi64x(stride(4), stride(3), stride(2), stride(1)));
  for (int i = 0; i < kBlocks; ++i, z = _mm256_add_epi64(z, _mm256_set1_epi64x(stride(4)))) {
    f(i, mix4(z));
  }
}

}  // namespace

std::uint64_t block16_avx2(std::uint64_t before, std::uint32_t n, std::uint16_t* indices) noexcept {
  const __m256i bound = _mm256_set1_epi16(static_cast<short>(n));
  const __m256i threshold = _mm256_set1_epi16(static_cast<short>(65536 % n));
  std::uint64_t rejected = 0;
  each_block<4>(before, [&](int i, __m256i words) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(indices + 16 * i),
                        _mm256_mulhi_epu16(words, bound));
    // low >= threshold as unsigned numbers, which AVX2 compares by way of the maximum.
    const __m256i low = _mm256_mullo_epi16(words, bound);
    const __m256i kept = _mm256_cmpeq_epi16(_mm256_max_epu16(low, threshold), low);
    // A byte a lane, in the order of the lanes: packing works within halves.
    const __m128i bytes =
        _mm_packs_epi16(_mm256_castsi256_si128(kept), _mm256_extracti128_si256(kept, 1));
    const auto kept_bits = static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
    rejected |= std::uint64_t{~kept_bits & 0xffff} << (16 * i);
  });
  return rejected;
}

std::uint64_t block32_avx2(std::uint64_t before, std::uint32_t n, std::uint32_t* indices) noexcept {
  const __m256i bound = _mm256_set1_epi64x(n);
  const __m256i threshold =
      _mm256_set1_epi32(static_cast<int>((std::uint64_t{1} << 32) % n));
  std::uint64_t rejected = 0;
  each_block<8>(before, [&](int i, __m256i words) {
    const __m256i even = _mm256_mul_epu32(words, bound);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(words, 32), bound);
    const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0b10101010);
    const __m256i low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0b10101010);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(indices + 8 * i), high);
    const __m256i kept = _mm256_cmpeq_epi32(_mm256_max_epu32(low, threshold), low);
    const auto kept_bits =
        static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(kept)));
    rejected |= std::uint64_t{~kept_bits & 0xff} << (8 * i);
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
