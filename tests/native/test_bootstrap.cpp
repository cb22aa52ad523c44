// The bootstrap against a loop that does what bootstrap.h lays down, a draw at a time.
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "core/types.h"
#include "stats/bootstrap.h"
#include "stats/random_words.h"

using namespace fastscore;

namespace {

using Values = std::vector<double>;

// Index number i of a replicate; `word` counts the words that redraws have used up.
std::uint32_t drawn(const RandomWords& words, std::uint32_t n, std::uint32_t i,
                    std::uint32_t& word) {
  const std::uint32_t bits = n <= kMaxShortField ? 16 : 32, fields = 64 / bits;
  const std::uint64_t range = std::uint64_t{1} << bits;
  std::uint64_t product = (words[i / fields] >> (i % fields * bits)) % range * n;
  if (product % range >= range % n) return static_cast<std::uint32_t>(product / range);
  const std::uint64_t wide = std::uint64_t{1} << 32;
  do product = (words[word++] >> 32) * n;
  while (product % wide < wide % n);
  return static_cast<std::uint32_t>(product / wide);
}

double plain_mean(const Values& values, std::uint64_t seed, std::uint32_t replicate) {
  const RandomWords words(seed, replicate);
  const auto n = static_cast<std::uint32_t>(values.size());
  std::uint32_t word = std::uint32_t{1} << 31;
  double s[8] = {};
  for (std::uint32_t i = 0; i < n; ++i) s[i % 8] += values[drawn(words, n, i, word)];
  return (((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))) / n;
}

Values random_values(std::size_t n) {
  std::mt19937 random(static_cast<unsigned>(n));
  std::normal_distribution<double> draw;
  Values values(n);
  for (double& x : values) x = draw(random);
  return values;
}

}  // namespace

TEST(random_words_are_splitmix64_s_published_ones) {
  // The sequence of the state 1234567, of the algorithm's reference implementation.
  const std::uint64_t expected[] = {6457827717110365317u, 3203168211198807973u,
                                    9817491932198370423u, 4593380528125082431u,
                                    16408922859458223821u};
  std::uint64_t state = 1234567;
  for (const std::uint64_t word : expected) CHECK_EQUAL(mix(state += kStride), word);
  const RandomWords words(5, 7);
  CHECK_EQUAL(words[3], mix(mix(5) + ((std::uint64_t{7} << 32) + 4) * kStride));
}

TEST(bootstrap_means_are_those_of_the_plain_loop) {
  for (const std::size_t n : {1, 2, 3, 7, 8, 9, 63, 64, 65, 164, 974, 3000, 4095, 4096, 4097, 9000}) {
    const Values values = random_values(n);
    for (const auto& kernel : available_index_kernels()) {
      for (const std::size_t n_threads : {1, 3}) {
        ThreadPool pool(n_threads);
        Values means(n > 2000 ? 9 : 40);
        bootstrap_means(values, 1234, 5, means, pool, index_kernel(kernel));
        for (std::size_t r = 0; r < means.size(); ++r) {
          CHECK_EQUAL(means[r], plain_mean(values, 1234, static_cast<std::uint32_t>(5 + r)));
        }
      }
    }
  }
}

TEST(every_kernel_rejects_what_is_biased_and_nothing_else) {
  for (const std::uint32_t n : {1u, 3u, 164u, 3000u, 4095u, 4096u}) {
    for (const auto& name : available_index_kernels()) {
      std::uint16_t short_got[kIndexBlock];
      std::uint32_t long_got[kIndexBlock];
      for (std::uint64_t before = 0; before < 200 * kStride; before += 16 * kStride) {
        const std::uint64_t short_mask = index_kernel(name).block16(before, n, short_got);
        const std::uint64_t long_mask = index_kernel(name).block32(before, n * 1'000'003, long_got);
        for (std::size_t i = 0; i < kIndexBlock; ++i) {
          std::uint64_t word = mix(before + (i / 4 + 1) * kStride);
          std::uint64_t product = (word >> (i % 4 * 16)) % 65536 * n;
          CHECK_EQUAL(short_got[i], product / 65536);
          CHECK_EQUAL((short_mask >> i & 1) != 0, product % 65536 < 65536 % n);
          word = mix(before + (i / 2 + 1) * kStride);
          const std::uint64_t wide = std::uint64_t{1} << 32;
          const std::uint64_t bound = static_cast<std::uint32_t>(n * 1'000'003);
          product = (word >> (i % 2 * 32)) % wide * bound;
          CHECK_EQUAL(long_got[i], product / wide);
          CHECK_EQUAL((long_mask >> i & 1) != 0, product % wide < wide % bound);
        }
      }
    }
  }
}

// 9.1 % of the fields are rejected for 3641 values: were they kept, some values would come up
// 18 times in 65536 fields and others 17 times.
TEST(every_value_is_drawn_equally_often) {
  for (const std::uint32_t n : {3u, 164u, 3641u}) {
    std::vector<double> times(n, 0);
    const std::uint32_t replicates = 4'000'000 / n;
    for (std::uint32_t r = 0; r < replicates; ++r) {
      const RandomWords words(99, r);
      std::uint32_t word = std::uint32_t{1} << 31;
      for (std::uint32_t i = 0; i < n; ++i) ++times[drawn(words, n, i, word)];
    }
    double chi_square = 0;
    for (const double t : times) chi_square += (t - replicates) * (t - replicates) / replicates;
    CHECK_NEAR(chi_square, n - 1.0, 5 * std::sqrt(2.0 * n));
  }
}

TEST(a_bootstrap_without_sense_is_refused) {
  ThreadPool pool(1);
  Values means(3);
  CHECK_THROWS(InvalidArgument, bootstrap_means({}, 1, 0, means, pool));
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const Values values{0, 1, bad};
    const std::string message =
        CHECK_THROWS(InvalidArgument, bootstrap_means(values, 1, 0, means, pool));
    CHECK(message.find("value 2") != std::string::npos);
  }
  const Values values{0, 1};
  const std::uint64_t last = std::uint64_t{1} << 32;
  bootstrap_means(values, 1, last - 3, means, pool);
  CHECK_THROWS(InvalidArgument, bootstrap_means(values, 1, last - 2, means, pool));
  CHECK_THROWS(InvalidArgument, bootstrap_means(values, 1, ~std::uint64_t{0}, means, pool));
  const std::string message = CHECK_THROWS(InvalidArgument, index_kernel("avx1024"));
  CHECK(message.find("'avx1024'") != std::string::npos);
}
