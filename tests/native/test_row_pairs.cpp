// Every kernel that compares two rows against a naive loop in long double, and the loop over rows.
#include <limits>
#include <random>

#include "check.h"
#include "core/parallel.h"
#include "core/row_pairs.h"

using namespace fastscore;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

using Row = std::vector<float>;

std::vector<long double> log_softmax(const Row& row) {
  long double max = -kInf;
  for (const float x : row) max = std::max<long double>(max, x);
  long double sum = 0;
  for (const float x : row) sum += std::exp(x - max);
  std::vector<long double> out;
  for (const float x : row) out.push_back(x - max - std::log(sum));
  return out;
}

// The oracle: the definition.
double exact_kl(const Row& base, const Row& candidate) {
  const auto p = log_softmax(base);
  const auto q = log_softmax(candidate);
  long double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (std::exp(p[i]) > 0) sum += std::exp(p[i]) * (p[i] - q[i]);
  }
  return static_cast<double>(std::max<long double>(0, sum));
}

struct Outcome {
  std::vector<double> kl;
  std::vector<std::uint8_t> same_top;
  std::vector<double> base, candidate;
  std::vector<RowStatus> base_status, candidate_status;
  bool operator==(const Outcome&) const = default;
};

struct Input {
  std::size_t n_rows = 1;
  std::size_t n_vocab = 0;
  Row base, candidate;  // [n_rows, n_vocab]
  std::vector<std::int64_t> offsets;
  std::vector<Token> ids;

  Outcome compare(const LogSoftmaxKernel& kernel, std::size_t n_threads = 1) const {
    ThreadPool pool(n_threads);
    Outcome out{std::vector<double>(n_rows),       std::vector<std::uint8_t>(n_rows),
                std::vector<double>(ids.size()),   std::vector<double>(ids.size()),
                std::vector<RowStatus>(n_rows),    std::vector<RowStatus>(n_rows)};
    compare_rows(base.data(), candidate.data(), n_rows, n_vocab, {offsets, ids},
                 {out.kl, out.same_top, out.base, out.candidate, out.base_status,
                  out.candidate_status},
                 pool, kernel);
    return out;
  }
};

Input one_row(const Row& base, const Row& candidate) {
  return {1, base.size(), base, candidate, {0, 1}, {0}};
}

double kl_of(const Row& base, const Row& candidate, const std::string& kernel) {
  return one_row(base, candidate).compare(log_softmax_kernel(kernel)).kl[0];
}

void expect_exact(const Row& base, const Row& candidate) {
  const double exact = exact_kl(base, candidate);
  for (const auto& name : available_kernels()) {
    const double got = kl_of(base, candidate, name);
    CHECK(got >= 0);
    CHECK_NEAR(got, exact, 5e-6 * std::sqrt(exact) + 2e-5 * exact + 1e-15);
  }
}

Row bell(std::size_t n, float spread, std::mt19937& random) {
  std::normal_distribution<float> draw(0, spread);
  Row row(n);
  for (float& x : row) x = draw(random);
  return row;
}

Row moved(const Row& row, float distance, std::mt19937& random) {
  const Row noise = bell(row.size(), distance, random);
  Row out;
  for (std::size_t i = 0; i < row.size(); ++i) out.push_back(row[i] + noise[i]);
  return out;
}

}  // namespace

TEST(divergence_of_every_size_around_the_vector_widths) {
  std::mt19937 random(1);
  for (std::size_t n = 1; n <= 130; ++n) {
    const Row base = bell(n, 5, random);
    expect_exact(base, moved(base, 0.01f, random));
    expect_exact(base, moved(base, 0.25f, random));  // both branches of a term
    expect_exact(base, bell(n, 30, random));
  }
}

TEST(divergence_of_a_vocabulary_near_and_far) {
  std::mt19937 random(2);
  for (const std::size_t n : {2049, 49152, 262144}) {
    const Row base = bell(n, 4, random);
    for (const float distance : {1e-5f, 1e-3f, 0.1f, 1.0f, 10.0f}) {
      expect_exact(base, moved(base, distance, random));
    }
  }
}

TEST(divergence_of_equal_rows_is_zero) {
  std::mt19937 random(3);
  Row row = bell(1000, 5, random);
  row[1] = row[999] = -kInf;
  for (const auto& name : available_kernels()) CHECK_EQUAL(kl_of(row, row, name), 0.0);
}

TEST(divergence_with_masked_entries) {
  std::mt19937 random(4);
  for (const std::size_t n : {2, 33, 64, 3000}) {
    const Row candidate = bell(n, 5, random);
    Row base = candidate;
    base[n - 1] = -kInf;
    expect_exact(base, candidate);
    for (const auto& name : available_kernels()) {
      CHECK_EQUAL(kl_of(candidate, base, name), static_cast<double>(kInf));
    }
    Row both = candidate;
    both[0] = -kInf;
    Row other = moved(both, 0.1f, random);
    other[0] = -kInf;
    if (n > 2) expect_exact(both, other);
  }
}

TEST(divergence_of_extreme_logits) {
  expect_exact({0, -3e37f}, {0, -1e37f});
  expect_exact({0, -1e5f, 1}, {0, 1e5f, 1});
  Row base(64, 0);
  Row candidate(64, 0);
  candidate[5] = -2e4f;
  expect_exact(base, candidate);
  base[5] = -3e38f;
  expect_exact(base, candidate);
}

TEST(divergence_of_rows_that_are_no_distribution) {
  Input input = one_row({0, 1, 2}, {0, kNan, 2});
  const auto& kernel = log_softmax_kernel();
  Outcome out = input.compare(kernel);
  CHECK(std::isnan(out.kl[0]) && std::isnan(out.candidate[0]));
  CHECK_EQUAL(int{out.same_top[0]}, 0);
  CHECK(out.base_status[0] == RowStatus::ok && out.candidate_status[0] == RowStatus::nan);
  CHECK_NEAR(out.base[0], -2 - std::log(1 + std::exp(-1.0) + std::exp(-2.0)), 3e-7);
  input = one_row({kInf, 1}, {-kInf, -kInf});
  out = input.compare(kernel);
  CHECK(out.base_status[0] == RowStatus::positive_infinity);
  CHECK(out.candidate_status[0] == RowStatus::all_negative_infinity);
}

TEST(compare_rows_is_the_same_to_the_bit_for_any_number_of_threads) {
  std::mt19937 random(5);
  for (const auto& [n_rows, n_vocab] : {std::pair<std::size_t, std::size_t>{3, 49152}, {500, 33}}) {
    Input input{n_rows, n_vocab, bell(n_rows * n_vocab, 4, random), {}, {0}, {}};
    input.candidate = moved(input.base, 0.3f, random);
    for (std::size_t row = 0; row < n_rows; ++row) {
      for (std::size_t k = row % 4; k > 0; --k) {
        input.ids.push_back(static_cast<Token>(random() % n_vocab));
      }
      input.offsets.push_back(static_cast<std::int64_t>(input.ids.size()));
    }
    for (const auto& name : available_kernels()) {
      const Outcome alone = input.compare(log_softmax_kernel(name));
      for (const std::size_t n_threads : {2, 3, 8}) {
        CHECK(input.compare(log_softmax_kernel(name), n_threads) == alone);
      }
    }
  }
}

TEST(compare_rows_refuses_what_does_not_fit) {
  const auto& kernel = log_softmax_kernel();
  Input input = one_row({0, 1}, {1, 0});
  input.ids = {2};
  CHECK_THROWS(InvalidArgument, input.compare(kernel));
  input.ids = {0};
  input.offsets = {0, 2};
  CHECK_THROWS(InvalidArgument, input.compare(kernel));
  input.offsets = {0, 1};
  std::vector<double> kl(2), log_probs(1);
  std::vector<std::uint8_t> same(1);
  std::vector<RowStatus> status(1);
  ThreadPool pool(1);
  const std::string message = CHECK_THROWS(
      InvalidArgument, compare_rows(input.base.data(), input.candidate.data(), 1, 2,
                                    {input.offsets, input.ids},
                                    {kl, same, log_probs, log_probs, status, status}, pool));
  CHECK(message.find("kl must have 1 entries, got 2") != std::string::npos);
}
