#include "stats/confidence_sequence.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/types.h"

namespace fastscore {
namespace {

constexpr double kTolerance = 1e-9;    // of an end of an interval
constexpr double kLargestStake = 0.75;  // of what would lose all at the smallest value, 0
constexpr double kNothing = 1e-300;    // capital below it is gone, before it becomes denormal
constexpr double kRounding = 1e-9;     // a mean of what is left beyond [0, 1] by less is rounding

// What is known before each draw, and the draw.
struct Draw {
  double x;
  double sum;       // of the draws before
  double left;      // N - t + 1
  double variance;  // foreseen
};

std::vector<Draw> with_history(std::span<const double> values, double n_total) {
  std::vector<Draw> draws;
  draws.reserve(values.size());
  // Predictable plug-in: a half and a quarter, the extremes, count as one earlier draw.
  double sum = 0, squares = 0.25, count = 1;
  for (const double x : values) {
    draws.push_back({x, sum, n_total - (count - 1), squares / count});
    sum += x;
    count += 1;
    const double mean = (0.5 + sum) / count;
    squares += (x - mean) * (x - mean);
  }
  return draws;
}

std::vector<Draw> mirrored(std::vector<Draw> draws) {
  double count = 0;
  for (Draw& draw : draws) {
    draw.x = 1 - draw.x;
    draw.sum = count - draw.sum;
    count += 1;
  }
  return draws;
}

// Bets that the mean is larger than a candidate.
class Game {
 public:
  explicit Game(const SequenceSetting& setting)
      : n_total_(static_cast<double>(setting.n_total)),
        limit_(2 / setting.alpha),
        bets_(setting.bets),
        capital_(bets_.size()) {}

  // The number of draws after which the candidate is refuted; 0 if it is not.
  std::size_t refuted_after(std::span<const Draw> draws, double candidate) {
    for (std::size_t j = 0; j < bets_.size(); ++j) capital_[j] = bets_[j].weight;
    for (std::size_t t = 0; t < draws.size(); ++t) {
      const Draw& draw = draws[t];
      const double mean = (n_total_ * candidate - draw.sum) / draw.left;
      if (mean < -kRounding) return std::max<std::size_t>(t, 1);  // the draws alone exceed it
      if (mean <= kRounding) continue;
      const double most = kLargestStake / mean, excess = draw.x - mean;
      const double per_variance = n_total_ / (draw.left * draw.variance);
      const double deviation = std::sqrt(draw.variance);
      double total = 0;
      for (std::size_t j = 0; j < bets_.size(); ++j) {
        const Bet& bet = bets_[j];
        const double stake = (bet.half_width + bet.intensity * deviation) * per_variance;
        capital_[j] *= 1 + std::min(stake, most) * excess;
        if (capital_[j] < kNothing) capital_[j] = 0;
        total += capital_[j];
      }
      if (total >= limit_) return t + 1;
    }
    if (draws.empty()) return 0;
    const double sum = draws.back().sum + draws.back().x;
    return sum > n_total_ * (candidate + kRounding) ? draws.size() : 0;
  }

  // The largest refuted candidate at or above `refuted`, which is one, up to the tolerance.
  double lower_end(std::span<const Draw> draws, double refuted, double above) {
    if (refuted_after(draws, above) != 0) return above;
    while (above - refuted > kTolerance) {
      const double middle = (refuted + above) / 2;
      (refuted_after(draws, middle) != 0 ? refuted : above) = middle;
    }
    return refuted;
  }

 private:
  double n_total_, limit_;
  std::span<const Bet> bets_;
  std::vector<double> capital_;
};

void check(std::span<const double> values, const SequenceSetting& setting) {
  if (values.size() > setting.n_total) {
    throw InvalidArgument(std::to_string(values.size()) + " values of " +
                          std::to_string(setting.n_total));
  }
  for (const double x : values) {
    if (!(x >= 0 && x <= 1)) throw InvalidArgument("a value is not in [0, 1]");
  }
  if (!(setting.alpha > 0 && setting.alpha < 1)) throw InvalidArgument("alpha is not in (0, 1)");
  double sum = 0;
  for (const Bet& bet : setting.bets) {
    if (!(bet.half_width >= 0 && bet.intensity >= 0 && bet.weight > 0)) {
      throw InvalidArgument("a bet has a negative number, or no weight");
    }
    sum += bet.weight;
  }
  if (!(std::abs(sum - 1) < 1e-9)) throw InvalidArgument("the weights do not sum to 1");
}

}  // namespace

void confidence_sequence(std::span<const double> values, const SequenceSetting& setting,
                         std::span<const std::int64_t> looks, std::span<double> low,
                         std::span<double> high) {
  check(values, setting);
  std::int64_t before = 0;
  for (const std::int64_t look : looks) {
    if (look <= before || look > static_cast<std::int64_t>(values.size())) {
      throw InvalidArgument("looks must rise from 1 to the number of values");
    }
    before = look;
  }
  const double n_total = static_cast<double>(setting.n_total);
  const std::vector<Draw> draws = with_history(values, n_total), mirror = mirrored(draws);
  Game game(setting);
  double refuted_below = 0, refuted_above = 0;  // the latter of the mean of 1 - x
  for (std::size_t i = 0; i < looks.size(); ++i) {
    const auto n = static_cast<std::size_t>(looks[i]);
    const double left = n_total - static_cast<double>(n);
    const double sum = draws[n - 1].sum + draws[n - 1].x;
    if (left == 0) {  // nothing is uncertain any more, whatever was held before
      low[i] = high[i] = sum / n_total;
      continue;
    }
    // Whatever is left, the mean of all lies between these.
    const double least = sum / n_total, most = (sum + left) / n_total;
    refuted_below = game.lower_end({draws.data(), n}, std::max(refuted_below, least),
                                   std::max(refuted_below, most));
    refuted_above = game.lower_end({mirror.data(), n}, std::max(refuted_above, 1 - most),
                                   std::max(refuted_above, 1 - least));
    low[i] = std::min(refuted_below, 1 - refuted_above);
    high[i] = std::max(refuted_below, 1 - refuted_above);
  }
}

std::int64_t first_exclusion(std::span<const double> values, const SequenceSetting& setting,
                             double mean) {
  check(values, setting);
  const std::vector<Draw> draws = with_history(values, static_cast<double>(setting.n_total));
  Game game(setting);
  const std::size_t below = game.refuted_after(draws, mean);
  const std::size_t above = game.refuted_after(mirrored(draws), 1 - mean);
  if (below == 0 || above == 0) return static_cast<std::int64_t>(std::max(below, above));
  return static_cast<std::int64_t>(std::min(below, above));
}

}  // namespace fastscore
