// Unbiased random indices, a block at a time: the inner loop of the bootstrap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fastscore {

// Indices in one block; a bit each in the mask of rejections.
inline constexpr std::size_t kIndexBlock = 64;

// Which fields a word is cut into, from its low end. Short fields make more indices of a word, but
// are rejected more often: up to n / 2^16 of them.
inline constexpr std::uint32_t kMaxShortField = 4096;

// One implementation, for one instruction set; all give the same.
//
// Field f of w bits becomes the index (f * n) >> w below n. It is biased unless those f are
// rejected whose (f * n) mod 2^w is below 2^w mod n (Lemire 2019, https://doi.org/10.1145/3230636);
// bit i of the returned mask says that indices[i] must be drawn again.
struct IndexKernel {
  const char* name;
  // Four indices a word, 16 words from `before` on (RandomWords::before). 1 <= n <= kMaxShortField.
  std::uint64_t (*block16)(std::uint64_t before, std::uint32_t n, std::uint16_t* indices) noexcept;
  // Two indices a word, 32 words. 1 <= n.
  std::uint64_t (*block32)(std::uint64_t before, std::uint32_t n, std::uint32_t* indices) noexcept;
};

// Names of the kernels that this CPU can execute, the fastest first; "portable" is always there.
std::vector<std::string> available_index_kernels();

// The kernel of that name; "auto" is the fastest. Throws InvalidArgument for a name that is unknown
// or not available here.
const IndexKernel& index_kernel(std::string_view name = "auto");

// Only where the CPU has AVX-512 F, DQ and BW.
std::uint64_t block16_avx512(std::uint64_t before, std::uint32_t n,
                             std::uint16_t* indices) noexcept;
std::uint64_t block32_avx512(std::uint64_t before, std::uint32_t n,
                             std::uint32_t* indices) noexcept;

// Only where the CPU has AVX2.
std::uint64_t block16_avx2(std::uint64_t before, std::uint32_t n, std::uint16_t* indices) noexcept;
std::uint64_t block32_avx2(std::uint64_t before, std::uint32_t n, std::uint32_t* indices) noexcept;

}  // namespace fastscore
