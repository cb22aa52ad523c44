// Confidence sequences for the mean of a finite set of values, drawn one by one without replacement.
//
// An interval after each draw, all of which hold together with probability 1 - alpha, so that one
// may look after every draw and stop whenever one likes. By betting against each candidate mean m
// (Waudby-Smith and Ramdas 2023, https://doi.org/10.1093/jrsssb/qkad009, section 5; without
// replacement as in Waudby-Smith and Ramdas 2020, https://arxiv.org/abs/2006.04347): if m is the
// mean of all N values, then after t - 1 draws that sum to S the next one has the mean
//     m_t = (N m - S) / (N - t + 1),
// and the capital, a product of factors 1 + lambda_t (x_t - m_t) with lambda_t >= 0 decided before
// x_t is seen, is a fair game. By Ville's inequality it reaches 2 / alpha with probability at most
// alpha / 2 (Ville 1939). The candidates whose capital ever did are below the interval; those above
// it are found in the same way from the values 1 - x.
#pragma once

#include <cstdint>
#include <span>

namespace fastscore {

// A way to stake; the capital is shared out among several in proportion to `weight`. With s the
// standard deviation foreseen from the draws before t,
//     lambda_t = N / (N - t + 1) * (half_width / s^2 + intensity / s),
// bounded by 3 / (4 m_t), so that no capital is ever lost altogether. `half_width` suits an interval
// that is to become so narrow: it is the growth-optimal stake against candidates that far from the
// truth, whose distance from the mean of what is left grows by N / (N - t + 1). `intensity` suits an
// interval that is to be as narrow as it can be at a given time.
struct Bet {
  double half_width;
  double intensity;
  double weight;
};

struct SequenceSetting {
  std::uint64_t n_total;  // N
  double alpha;
  std::span<const Bet> bets;  // weights sum to 1
};

// low[i] and high[i] become the interval after the first looks[i] values, cut with those after
// every prefix of them, not only the ones looked at. Values lie in [0, 1]. `looks` rise strictly.
// The ends are rounded outwards by at most 1e-9. The capital is monotone in m, so the ends are
// found by bisection, and no grid of candidates loosens or breaks them.
//
// Should the intervals contradict one another, which happens with probability below alpha, the
// last ones span the contradiction.
//
// Throws InvalidArgument for values out of range, more than N of them, and looks that do not rise
// or lie beyond them; for alpha or weights that are no shares.
void confidence_sequence(std::span<const double> values, const SequenceSetting& setting,
                         std::span<const std::int64_t> looks, std::span<double> low,
                         std::span<double> high);

// The number of values after which the sequence first excludes `mean`; 0 if it never does.
std::int64_t first_exclusion(std::span<const double> values, const SequenceSetting& setting,
                             double mean);

}  // namespace fastscore
