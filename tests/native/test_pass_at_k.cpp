// The estimators against counting: every way to choose k of n samples, one by one.
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "check.h"
#include "core/parallel.h"
#include "core/types.h"
#include "stats/mean.h"
#include "stats/pass_at_k.h"

using namespace fastscore;

namespace {

// The share of the k-subsets of n samples, the first c of them right, with at least m right ones.
double counted(int n, int c, int k, int m) {
  int with_m = 0, all = 0;
  for (std::uint32_t subset = 0; subset < (1u << n); ++subset) {
    if (std::popcount(subset) != k) continue;
    ++all;
    with_m += std::popcount(subset & ((1u << c) - 1)) >= m;
  }
  return static_cast<double>(with_m) / all;
}

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST(estimates_are_shares_of_all_subsets) {
  for (int n = 1; n <= 9; ++n) {
    for (int c = 0; c <= n; ++c) {
      for (int k = 1; k <= n; ++k) {
        CHECK_NEAR(pass_at_k(n, c, k), counted(n, c, k, 1), 1e-15);
        CHECK_NEAR(pass_hat_k(n, c, k), counted(n, c, k, k), 1e-15);
        for (int m = 1; m <= k; ++m) {
          const double tau = static_cast<double>(m) / k;
          CHECK_NEAR(g_pass_at_k(n, c, k, tau), counted(n, c, k, m), 1e-15);
        }
      }
    }
  }
}

TEST(fewer_samples_than_k_have_no_estimate) {
  for (const std::int64_t n : {0, 1, 7}) {
    for (const std::int64_t k : {n + 1, n + 50, std::int64_t{1} << 60}) {
      CHECK(std::isnan(pass_at_k(n, n, k)));
      CHECK(std::isnan(pass_hat_k(n, n, k)));
      CHECK(std::isnan(g_pass_at_k(n, n, k, 0.5)));
    }
  }
}

TEST(one_draw_is_the_share_of_right_samples_to_the_last_bit) {
  for (std::int64_t n = 1; n <= 300; ++n) {
    for (std::int64_t c = 0; c <= n; ++c) {
      const double share = static_cast<double>(c) / static_cast<double>(n);
      CHECK_EQUAL(pass_at_k(n, c, 1), share);
      CHECK_EQUAL(pass_hat_k(n, c, 1), share);
    }
  }
}

TEST(a_million_samples_neither_overflow_nor_vanish) {
  constexpr std::int64_t n = kMaxSamples;
  for (const std::int64_t c : {std::int64_t{0}, std::int64_t{1}, n / 3, n / 2, n - 1, n}) {
    for (const std::int64_t k : {std::int64_t{1}, std::int64_t{1000}, n / 2, n - 1, n}) {
      const double one = pass_at_k(n, c, k), all = pass_hat_k(n, c, k);
      CHECK(0 <= all && all <= one && one <= 1);
      double last = one;
      for (const double tau : {1e-6, 0.1, 0.5, 0.9, 1.0}) {
        const double some = g_pass_at_k(n, c, k, tau);
        CHECK(0 <= some && some <= last + 1e-12);
        last = some;
      }
      CHECK_NEAR(last, all, 1e-12);
    }
  }
  CHECK_NEAR(pass_at_k(n, 1, 1) * 1e6, 1, 1e-15);
  CHECK_NEAR(pass_at_k(n, 1, 1000) * 1e3, 1, 1e-14);
  CHECK_NEAR(pass_hat_k(n, n - 1, n / 2), 0.5, 1e-15);
  CHECK_NEAR(g_pass_at_k(n, n / 2, n - 1, 0.5), 0.5, 1e-12);  // the one left out is wrong or right
}

TEST(the_number_needed_is_the_least_whose_share_is_tau) {
  for (std::int64_t k = 1; k <= 700; ++k) {
    for (std::int64_t m = 1; m <= k; ++m) {
      const double tau = static_cast<double>(m) / static_cast<double>(k);
      CHECK_EQUAL(right_of(tau, k), m);
      CHECK_EQUAL(right_of(std::nextafter(tau, 0), k), m);
      if (m < k) CHECK_EQUAL(right_of(std::nextafter(tau, 2), k), m + 1);
    }
  }
  CHECK_EQUAL(right_of(0.07, 100), 7);  // 0.07 * 100 > 7
  CHECK_EQUAL(right_of(1e-300, 1'000'000), 1);
  CHECK_EQUAL(right_of(5e-324, 1), 1);
}

TEST(many_problems_give_what_each_gives_alone) {
  Numbers n, c, k;
  std::vector<double> tau;
  for (std::int64_t i = 0; i < 3000; ++i) {
    n.push_back(i % 97);
    c.push_back(i * 7 % (n.back() + 1));
    k.push_back(1 + i % 11);
    tau.push_back(static_cast<double>(1 + i % 8) / 8);
  }
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  for (const std::size_t n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    std::vector<double> one(n.size()), all(n.size()), some(n.size());
    pass_at_k({n, c, k}, one, pool);
    pass_hat_k({n, c, k}, all, pool);
    g_pass_at_k({n, c, k}, tau, some, pool);
    for (std::size_t i = 0; i < n.size(); ++i) {
      CHECK(same(one[i], pass_at_k(n[i], c[i], k[i])));
      CHECK(same(all[i], pass_hat_k(n[i], c[i], k[i])));
      CHECK(same(some[i], g_pass_at_k(n[i], c[i], k[i], tau[i])));
    }
  }
}

TEST(impossible_counts_are_refused_with_their_place) {
  ThreadPool pool(1);
  std::vector<double> out(2);
  const std::vector<Numbers> wrong = {{5, 6, 1}, {5, -1, 1}, {5, 2, 0}, {kMaxSamples + 1, 0, 1}};
  for (const Numbers& bad : wrong) {
    const Numbers n{1, bad[0]}, c{1, bad[1]}, k{1, bad[2]};
    const std::string message = CHECK_THROWS(InvalidArgument, pass_at_k({n, c, k}, out, pool));
    CHECK(message.find("entry 1 has n = " + std::to_string(bad[0])) != std::string::npos);
    CHECK_THROWS(InvalidArgument, pass_hat_k({n, c, k}, out, pool));
    CHECK_THROWS(InvalidArgument, g_pass_at_k({n, c, k}, std::vector{0.5, 0.5}, out, pool));
  }
  const Numbers two{1, 1}, three{1, 1, 1};
  CHECK_THROWS(InvalidArgument, pass_at_k({two, two, three}, out, pool));
  CHECK_THROWS(InvalidArgument, g_pass_at_k({two, two, two}, std::vector{0.5}, out, pool));
  for (const double tau : {0.0, -0.5, 1.5, std::nan("")}) {
    CHECK_THROWS(InvalidArgument, g_pass_at_k({two, two, two}, std::vector{0.5, tau}, out, pool));
  }
}

TEST(a_mean_and_its_error_are_exact_where_plain_sums_are_not) {
  CHECK(std::isnan(mean_and_error({}).mean));
  const std::vector<double> one{0.25};
  CHECK_EQUAL(mean_and_error(one).mean, 0.25);
  CHECK(std::isnan(mean_and_error(one).standard_error));
  const std::vector<double> half{0, 1};
  CHECK_EQUAL(mean_and_error(half).mean, 0.5);
  CHECK_EQUAL(mean_and_error(half).standard_error, 0.5);
  const std::vector<double> cancelling{1e16, 1, -1e16, 1};
  CHECK_EQUAL(mean_and_error(cancelling).mean, 0.5);
  const std::vector<double> alike(100000, 0.1);
  CHECK_EQUAL(mean_and_error(alike).mean, 0.1);
  CHECK_EQUAL(mean_and_error(alike).standard_error, 0.0);
}
