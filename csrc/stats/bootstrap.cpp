#include "stats/bootstrap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "core/types.h"
#include "stats/random_words.h"

namespace fastscore {
namespace {

constexpr std::size_t kSums = 8;
constexpr std::uint64_t kReplicates = std::uint64_t{1} << 32;
constexpr std::uint32_t kFirstRedraw = std::uint32_t{1} << 31;

// Draws again until a draw stands; `word` counts the words used up.
std::uint32_t redraw(const RandomWords& words, std::uint32_t n, std::uint32_t& word) noexcept {
  const auto threshold = static_cast<std::uint32_t>((std::uint64_t{1} << 32) % n);
  while (true) {
    const std::uint64_t product = (words[word++] >> 32) * n;
    if (static_cast<std::uint32_t>(product) >= threshold) {
      return static_cast<std::uint32_t>(product >> 32);
    }
  }
}

// Indices that are drawn before any is used: drawing and adding up keep the processor's vector and
// scalar units busy on their own, and hinder each other in turns of one block.
constexpr std::size_t kBuffer = 16 * kIndexBlock;

// The sum of n draws of one replicate. table: the n values and a zero behind them.
template <typename Index, typename Block>
double sum_of_draws(const std::vector<double>& table, const RandomWords& words, Block block) {
  const std::size_t n = table.size() - 1;
  const auto bound = static_cast<std::uint32_t>(n);
  constexpr std::size_t kPerWord = sizeof(std::uint64_t) / sizeof(Index);
  std::array<Index, kBuffer> indices;
  std::array<double, kSums> sums{};
  std::uint32_t spare_word = kFirstRedraw;
  for (std::size_t done = 0; done < n; done += kBuffer) {
    const std::size_t wanted = std::min(kBuffer, n - done);
    for (std::size_t begin = 0; begin < wanted; begin += kIndexBlock) {
      const auto word = static_cast<std::uint32_t>((done + begin) / kPerWord);
      std::uint64_t rejected = block(words.before(word), bound, indices.data() + begin);
      if (wanted - begin < kIndexBlock) rejected &= (std::uint64_t{1} << (wanted - begin)) - 1;
      for (; rejected != 0; rejected &= rejected - 1) {
        indices[begin + std::countr_zero(rejected)] =
            static_cast<Index>(redraw(words, bound, spare_word));
      }
    }
    const std::size_t rounded = (wanted + kSums - 1) / kSums * kSums;
    std::fill(indices.begin() + wanted, indices.begin() + rounded, static_cast<Index>(n));
    for (std::size_t i = 0; i < rounded; i += kSums) {
      // One load of a word instead of one of each index: loads are what limits this loop.
      for (std::size_t j = 0; j < kSums; j += kPerWord) {
        std::uint64_t packed;
        std::memcpy(&packed, &indices[i + j], sizeof packed);
        for (std::size_t field = 0; field < kPerWord; ++field) {
          sums[j + field] += table[static_cast<Index>(packed >> (8 * sizeof(Index) * field))];
        }
      }
    }
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

void check(std::span<const double> values, std::uint64_t first, std::size_t n_replicates) {
  if (values.empty() || values.size() > kFirstRedraw) {
    throw InvalidArgument("the bootstrap takes from 1 to " + std::to_string(kFirstRedraw) +
                          " values, got " + std::to_string(values.size()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw InvalidArgument("value " + std::to_string(i) + " is " + std::to_string(values[i]) +
                          "; the bootstrap takes finite values only");
  }
  if (first > kReplicates || n_replicates > kReplicates - first) {
    throw InvalidArgument("replicates are numbered below " + std::to_string(kReplicates) +
                          ", got " + std::to_string(n_replicates) + " from " +
                          std::to_string(first) + " on");
  }
}

}  // namespace

void bootstrap_means(std::span<const double> values, std::uint64_t seed, std::uint64_t first,
                     std::span<double> means, ThreadPool& pool, const IndexKernel& kernel) {
  check(values, first, means.size());
  std::vector<double> table(values.begin(), values.end());
  table.push_back(0);
  const bool is_short = values.size() <= kMaxShortField;
  // Ranges of some 50 microseconds.
  const std::size_t grain = std::max<std::size_t>(1, 65536 / values.size());
  pool.parallel_for(means.size(), grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const RandomWords words(seed, static_cast<std::uint32_t>(first + i));
      const double sum = is_short ? sum_of_draws<std::uint16_t>(table, words, kernel.block16)
                                  : sum_of_draws<std::uint32_t>(table, words, kernel.block32);
      means[i] = sum / static_cast<double>(values.size());
    }
  });
}

}  // namespace fastscore
