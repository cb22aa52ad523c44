#include "stats/random_indices.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "core/cpu_features.h"
#include "core/types.h"
#include "stats/random_words.h"

namespace fastscore {
namespace {

static_assert(std::endian::native == std::endian::little, "fields are counted from the low end");

// Field and Product: unsigned integers of w and 2 w bits. Three plain loops, which compilers turn
// into vector instructions where one loop with all in it stays as it is.
template <typename Field, typename Product>
std::uint64_t block(std::uint64_t before, std::uint32_t n, Field* indices) noexcept {
  constexpr int kBits = std::numeric_limits<Field>::digits;
  const auto bound = static_cast<Field>(n);
  const auto threshold = static_cast<Field>((Product{1} << kBits) % n);
  std::array<std::uint64_t, kIndexBlock * kBits / 64> words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = mix(before + (i + 1) * kStride);
  const auto fields = std::bit_cast<std::array<Field, kIndexBlock>>(words);
  Field smallest = std::numeric_limits<Field>::max();
  for (std::size_t i = 0; i < kIndexBlock; ++i) {
    const Product product = Product{fields[i]} * bound;
    indices[i] = static_cast<Field>(product >> kBits);
    smallest = std::min(smallest, static_cast<Field>(product));
  }
  if (smallest >= threshold) return 0;
  std::uint64_t rejected = 0;
  for (std::size_t i = 0; i < kIndexBlock; ++i) {
    const auto low = static_cast<Field>(Product{fields[i]} * bound);
    rejected |= std::uint64_t{low < threshold} << i;
  }
  return rejected;
}

std::vector<IndexKernel> kernels_of_this_cpu() {
  std::vector<IndexKernel> kernels;
#if defined(__x86_64__) || defined(_M_X64)
  const CpuFeatures& cpu = cpu_features();
  if (cpu.avx512f && cpu.avx512dq && cpu.avx512bw) {
    kernels.push_back({"avx512", block16_avx512, block32_avx512});
  }
  if (cpu.avx2) kernels.push_back({"avx2", block16_avx2, block32_avx2});
#endif
  kernels.push_back(
      {"portable", block<std::uint16_t, std::uint32_t>, block<std::uint32_t, std::uint64_t>});
  return kernels;
}

const std::vector<IndexKernel>& kernels() {
  static const std::vector<IndexKernel> list = kernels_of_this_cpu();
  return list;
}

}  // namespace

std::vector<std::string> available_index_kernels() {
  std::vector<std::string> names;
  for (const IndexKernel& kernel : kernels()) names.emplace_back(kernel.name);
  return names;
}

const IndexKernel& index_kernel(std::string_view name) {
  if (name == "auto") return kernels().front();
  std::string available;
  for (const IndexKernel& kernel : kernels()) {
    if (name == kernel.name) return kernel;
    available += std::string(", ") + kernel.name;
  }
  throw InvalidArgument("no index kernel '" + std::string(name) +
                        "' on this machine; there are: auto" + available);
}

}  // namespace fastscore
