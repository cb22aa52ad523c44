// The bootstrap of a mean (Efron 1979, https://doi.org/10.1214/aos/1176344552).
#pragma once

#include <cstdint>
#include <span>

#include "stats/random_indices.h"

namespace fastscore {

class ThreadPool;

// means[r] becomes the mean of values.size() draws with replacement from the values, for the
// replicates r = first, first + 1, ... of this seed.
//
// Everything is laid down, so that a result can be had again anywhere, with any number of threads:
// words of a replicate as in random_words.h, indices from fields as in random_indices.h, 16-bit
// fields for up to kMaxShortField values, else 32-bit ones; draw i takes field i of the words from
// word 0 on. Rejected draws are drawn again, in order, from the upper halves of the words from
// 2^31 on. Draw i is added to sum number i mod 8, and the sums are added up in pairs.
//
// Throws InvalidArgument for no values or more than 2^31, for values that are not finite and for
// replicates beyond 2^32.
void bootstrap_means(std::span<const double> values, std::uint64_t seed, std::uint64_t first,
                     std::span<double> means, ThreadPool& pool,
                     const IndexKernel& kernel = index_kernel());

}  // namespace fastscore
