#include "core/sample_seed.h"

#include <limits>

namespace fastscore {

namespace {

// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of x changes half of the
// result's.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace

std::uint32_t sample_seed(std::uint64_t seed, std::span<const Token> prompt,
                          std::uint64_t number) {
  std::uint64_t state = mix(seed);
  for (const Token token : prompt) {
    state = mix(state ^ static_cast<std::uint32_t>(token));
  }
  state = mix(state ^ number);
  const auto folded = static_cast<std::uint32_t>(state >> 32);
  return folded == std::numeric_limits<std::uint32_t>::max() ? 0 : folded;
}

}  // namespace fastscore
