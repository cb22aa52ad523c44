// Confidence sequences against a capital written down term by term, and their limits.
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "check.h"
#include "core/types.h"
#include "stats/confidence_sequence.h"

using namespace fastscore;

namespace {

using Values = std::vector<double>;
using Looks = std::vector<std::int64_t>;

const std::vector<Bet> kBets = {{0.1, 0, 0.5}, {0, 0.2, 0.3}, {0.02, 0.01, 0.2}};

// Whether betting on a larger mean ever reaches 2 / alpha. A stake of 3 / (4 m) at most.
bool refuted(const Values& values, double n_total, double alpha, double candidate) {
  std::vector<double> capital;
  for (const Bet& bet : kBets) capital.push_back(bet.weight);
  for (std::size_t t = 0; t < values.size(); ++t) {
    double sum = 0, squares = 0.25;
    for (std::size_t i = 0; i < t; ++i) {
      sum += values[i];
      const double mean = (0.5 + sum) / (static_cast<double>(i) + 2);
      squares += (values[i] - mean) * (values[i] - mean);
    }
    const double left = n_total - static_cast<double>(t);
    const double mean = (n_total * candidate - sum) / left;
    const double deviation = std::sqrt(squares / (static_cast<double>(t) + 1));
    double total = 0;
    for (std::size_t j = 0; j < kBets.size(); ++j) {
      const double wanted = n_total / left *
                            (kBets[j].half_width / (deviation * deviation) +
                             kBets[j].intensity / deviation);
      capital[j] *= 1 + std::min(wanted, 0.75 / mean) * (values[t] - mean);
      total += capital[j];
    }
    if (total >= 2 / alpha) return true;
  }
  return false;
}

Values drawn(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  Values values(n);
  for (double& x : values) x = static_cast<double>(random() % 5) / 4;
  return values;
}

Values mirrored(Values values) {
  for (double& x : values) x = 1 - x;
  return values;
}

}  // namespace

TEST(confidence_sequence_ends_are_where_the_capital_says) {
  const Values values = drawn(120, 1);
  const Looks looks = {3, 40, 120};
  Values low(3), high(3);
  confidence_sequence(values, {200, 0.05, kBets}, looks, low, high);
  for (std::size_t i = 0; i < looks.size(); ++i) {
    const Values seen(values.begin(), values.begin() + looks[i]);
    double sum = 0;
    for (const double x : seen) sum += x;
    const double least = sum / 200, most = (sum + 200 - static_cast<double>(seen.size())) / 200;
    CHECK(low[i] >= least - 1e-9 && high[i] <= most + 1e-9 && low[i] < high[i]);
    CHECK(!refuted(seen, 200, 0.05, low[i] + 1e-7));
    CHECK(!refuted(mirrored(seen), 200, 0.05, 1 - high[i] + 1e-7));
    if (low[i] > least + 1e-7) CHECK(refuted(seen, 200, 0.05, low[i] - 1e-7));
    if (high[i] < most - 1e-7) CHECK(refuted(mirrored(seen), 200, 0.05, 1 - high[i] - 1e-7));
  }
  CHECK(low[2] > 0.3 && high[2] < 0.7);
}

TEST(confidence_sequence_of_all_values_is_their_mean) {
  for (const std::size_t n : {1u, 2u, 64u}) {
    const Values values = drawn(n, static_cast<unsigned>(n));
    double sum = 0;
    for (const double x : values) sum += x;
    Values low(1), high(1);
    confidence_sequence(values, {n, 0.05, kBets}, Looks{static_cast<std::int64_t>(n)}, low, high);
    CHECK_NEAR(low[0], sum / static_cast<double>(n), 1e-12);
    CHECK_EQUAL(low[0], high[0]);
  }
}

TEST(confidence_sequence_excludes_what_it_says_when_it_says) {
  const Values values = drawn(150, 3);
  const SequenceSetting setting{300, 0.05, kBets};
  for (const double mean : {0.05, 0.3, 0.5, 0.72, 0.95}) {
    const std::int64_t first = first_exclusion(values, setting, mean);
    for (const std::int64_t n : {first - 1, first}) {
      if (n < 1) continue;
      Values low(1), high(1);
      confidence_sequence(values, setting, Looks{n}, low, high);
      const bool inside = low[0] - 1e-9 <= mean && mean <= high[0] + 1e-9;
      CHECK_EQUAL(inside, n < first);
    }
  }
}

TEST(confidence_sequence_never_excludes_the_mean_of_equal_values) {
  for (const double x : {0.0, 0.3, 1.0}) {
    const Values values(500, x);
    CHECK_EQUAL(first_exclusion(values, {500, 0.05, kBets}, x), 0);
    CHECK(first_exclusion(values, {500, 0.05, kBets}, 0.6) > 0);
  }
}

TEST(confidence_sequence_refuses_what_is_no_sample) {
  Values low(1), high(1);
  const Looks one = {1};
  const Values half = {0.5};
  const auto attempt = [&](const Values& values, const SequenceSetting& setting,
                           const Looks& looks) {
    confidence_sequence(values, setting, looks, low, high);
  };
  CHECK_THROWS(InvalidArgument, attempt({0.5, 0.5}, {1, 0.05, kBets}, one));
  CHECK_THROWS(InvalidArgument, attempt({1.5}, {9, 0.05, kBets}, one));
  CHECK_THROWS(InvalidArgument, attempt({std::nan("")}, {9, 0.05, kBets}, one));
  CHECK_THROWS(InvalidArgument, attempt(half, {9, 0, kBets}, one));
  CHECK_THROWS(InvalidArgument, attempt(half, {9, 0.05, kBets}, Looks{2}));
  CHECK_THROWS(InvalidArgument, attempt(half, {9, 0.05, kBets}, Looks{0}));
  const std::vector<Bet> light = {{0.1, 0, 0.5}}, backwards = {{-0.1, 0, 1}};
  CHECK_THROWS(InvalidArgument, attempt(half, {9, 0.05, light}, one));
  CHECK_THROWS(InvalidArgument, attempt(half, {9, 0.05, backwards}, one));
}
