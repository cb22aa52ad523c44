#include "stats/mean.h"

#include <cmath>
#include <limits>

namespace fastscore {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class CompensatedSum {
 public:
  void add(double x) noexcept {
    const double sum = sum_ + x;
    lost_ += std::abs(sum_) >= std::abs(x) ? (sum_ - sum) + x : (x - sum) + sum_;
    sum_ = sum;
  }
  double value() const noexcept { return sum_ + lost_; }

 private:
  double sum_ = 0, lost_ = 0;
};

}  // namespace

MeanAndError mean_and_error(std::span<const double> values) noexcept {
  const auto n = static_cast<double>(values.size());
  if (values.empty()) return {kNan, kNan};
  CompensatedSum sum;
  for (const double x : values) sum.add(x);
  const double mean = sum.value() / n;
  if (values.size() < 2) return {mean, kNan};
  CompensatedSum squares;
  for (const double x : values) squares.add((x - mean) * (x - mean));
  return {mean, std::sqrt(squares.value() / (n - 1) / n)};
}

}  // namespace fastscore
