// A mean over problems and its standard error.
#pragma once

#include <span>

namespace fastscore {

// A problem is the unit: its value (0 or 1, or an estimate made of many samples) counts once, so
// that samples of one problem are not taken for independent ones.
struct MeanAndError {
  double mean;            // NaN for no values
  double standard_error;  // sqrt(sum((x - mean)^2) / (n - 1) / n); NaN for fewer than 2 values
};

// Both within a few units in the last place, whatever the number of values: the sums are
// compensated (Neumaier 1974, https://doi.org/10.1002/zamm.19740540106).
MeanAndError mean_and_error(std::span<const double> values) noexcept;

}  // namespace fastscore
