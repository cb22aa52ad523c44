// The random seed of one sample.
#pragma once

#include <cstdint>
#include <span>

#include "core/types.h"

namespace fastscore {

// A hash of the run's seed, the prompt and the sample's number, so that a sample draws the same
// random numbers whatever else is generated with it. Never 2^32 - 1, which llama.cpp reads as
// "choose one".
std::uint32_t sample_seed(std::uint64_t seed, std::span<const Token> prompt, std::uint64_t number);

}  // namespace fastscore
