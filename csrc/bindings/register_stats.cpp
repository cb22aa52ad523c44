#include <string>

#include "bindings/module.h"
#include "core/parallel.h"
#include "stats/bootstrap.h"
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
  m.def("index_kernels", &available_index_kernels,
        "Names of the kernels for random indices that this CPU can execute, the fastest first.");
}

}  // namespace fastscore::bindings
