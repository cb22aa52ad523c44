// Random numbers that are a function of where they are used: no state, so that the result of a
// parallel loop does not depend on which thread does what.
#pragma once

#include <cstdint>

namespace fastscore {

// SplitMix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2714064.2660195) in the constants
// of its published C code: word number i of a sequence is mix(start + (i + 1) * kStride).
inline constexpr std::uint64_t kStride = 0x9e3779b97f4a7c15;

constexpr std::uint64_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// The words of replicate number r: 2^32 of them, those of no two replicates overlap.
class RandomWords {
 public:
  RandomWords(std::uint64_t seed, std::uint32_t replicate) noexcept
      : start_(mix(seed) + (std::uint64_t{replicate} << 32) * kStride) {}

  // Words i, i + 1, ... are mix(before(i) + kStride), mix(before(i) + 2 * kStride), ...
  std::uint64_t before(std::uint32_t i) const noexcept { return start_ + i * kStride; }
  std::uint64_t operator[](std::uint32_t i) const noexcept { return mix(before(i) + kStride); }

 private:
  std::uint64_t start_;
};

}  // namespace fastscore
