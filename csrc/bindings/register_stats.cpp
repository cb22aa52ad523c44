#include <string>

#include "bindings/module.h"
#include "core/types.h"
#include "core/parallel.h"
#include "stats/bootstrap.h"
#include "stats/confidence_sequence.h"
#include "stats/mean.h"
#include "stats/pass_at_k.h"

namespace fastscore::bindings {

namespace {

using Numbers = Array<std::int64_t>;

// The arguments keep the arrays alive while the GIL is released, and only C++ memory is written.
template <typename Estimate>
py::array_t<double> each(const Numbers& n, Estimate estimate) {
  std::vector<double> out(static_cast<std::size_t>(n.size()));
  {
    const py::gil_scoped_release release;
    estimate(out);
  }
  return to_numpy(std::move(out));
}

// [n_bets, 3]: half width, intensity and weight of each.
std::vector<Bet> bets_of(const Array<double>& rows) {
  if (rows.ndim() != 2 || rows.shape(1) != 3) {
    throw InvalidArgument("bets must have the shape [n_bets, 3]");
  }
  std::vector<Bet> bets;
  const auto at = rows.unchecked<2>();
  for (py::ssize_t i = 0; i < rows.shape(0); ++i) bets.push_back({at(i, 0), at(i, 1), at(i, 2)});
  return bets;
}

}  // namespace

void register_stats(py::module_& m) {
  m.attr("MAX_SAMPLES") = kMaxSamples;

  m.def(
      "pass_at_k",
      [](const Numbers& n, const Numbers& c, const Numbers& k, ThreadPool& pool) {
        return each(n, [&](auto& out) { pass_at_k({view(n), view(c), view(k)}, out, pool); });
      },
      py::arg("n"), py::arg("c"), py::arg("k"), py::arg("pool"),
      "Unbiased pass@k of problems with c right of n samples each; NaN where n < k.");
  m.def(
      "pass_hat_k",
      [](const Numbers& n, const Numbers& c, const Numbers& k, ThreadPool& pool) {
        return each(n, [&](auto& out) { pass_hat_k({view(n), view(c), view(k)}, out, pool); });
      },
      py::arg("n"), py::arg("c"), py::arg("k"), py::arg("pool"),
      "Unbiased estimate that k of k samples are right; NaN where n < k.");
  m.def(
      "g_pass_at_k",
      [](const Numbers& n, const Numbers& c, const Numbers& k, const Array<double>& tau,
         ThreadPool& pool) {
        return each(n, [&](auto& out) {
          g_pass_at_k({view(n), view(c), view(k)}, view(tau), out, pool);
        });
      },
      py::arg("n"), py::arg("c"), py::arg("k"), py::arg("tau"), py::arg("pool"),
      "Unbiased estimate that at least the share tau of k samples is right; NaN where n < k.");

  m.def(
      "mean_and_error",
      [](const Array<double>& values) {
        const MeanAndError found = mean_and_error(view(values));
        return py::make_tuple(found.mean, found.standard_error);
      },
      py::arg("values"), "The mean and its standard error; NaN for fewer than 1 and 2 values.");
  m.def(
      "bootstrap_means",
      [](const Array<double>& values, std::uint64_t seed, std::uint64_t first,
         std::size_t n_replicates, ThreadPool& pool, const std::string& kernel) {
        std::vector<double> means(n_replicates);
        {
          const py::gil_scoped_release release;
          bootstrap_means(view(values), seed, first, means, pool, index_kernel(kernel));
        }
        return to_numpy(std::move(means));
      },
      py::arg("values"), py::arg("seed"), py::arg("first"), py::arg("n_replicates"),
      py::arg("pool"), py::arg("kernel") = "auto",
      "Means of the bootstrap replicates first, first + 1, ... of a seed; see stats/bootstrap.h.");
  m.def(
      "confidence_sequence",
      [](const Array<double>& values, std::uint64_t n_total, double alpha,
         const Array<double>& bets, const Numbers& looks) {
        const std::vector<Bet> staked = bets_of(bets);
        const auto n = static_cast<std::size_t>(looks.size());
        std::vector<double> low(n), high(n);
        {
          const py::gil_scoped_release release;
          confidence_sequence(view(values), {n_total, alpha, staked}, view(looks), low, high);
        }
        return py::make_tuple(to_numpy(std::move(low)), to_numpy(std::move(high)));
      },
      py::arg("values"), py::arg("n_total"), py::arg("alpha"), py::arg("bets"), py::arg("looks"),
      "Ends of the intervals after looks[i] values of n_total; see stats/confidence_sequence.h.");
  m.def(
      "first_exclusion",
      [](const Array<double>& values, std::uint64_t n_total, double alpha,
         const Array<double>& bets, double mean) {
        const std::vector<Bet> staked = bets_of(bets);
        const py::gil_scoped_release release;
        return first_exclusion(view(values), {n_total, alpha, staked}, mean);
      },
      py::arg("values"), py::arg("n_total"), py::arg("alpha"), py::arg("bets"), py::arg("mean"),
      "The number of values after which the sequence excludes a mean; 0 if it never does.");
  m.def("index_kernels", &available_index_kernels,
        "Names of the kernels for random indices that this CPU can execute, the fastest first.");
}

}  // namespace fastscore::bindings
