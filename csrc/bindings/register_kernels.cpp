#include <string>

#include "bindings/module.h"
#include "core/cpu_features.h"
#include "core/log_softmax.h"
#include "core/parallel.h"
#include "core/row_pairs.h"

namespace fastscore::bindings {

namespace {

void check_dimensions(const char* name, const py::array& array, py::ssize_t expected) {
  if (array.ndim() == expected) return;
  throw InvalidArgument(std::string(name) + " must have " + std::to_string(expected) +
                        (expected == 1 ? " dimension" : " dimensions") + ", got " +
                        std::to_string(array.ndim()));
}

void refuse_bad_rows(const char* name, const std::vector<RowStatus>& status) {
  for (std::size_t row = 0; row < status.size(); ++row) {
    if (status[row] == RowStatus::ok) continue;
    throw InvalidArgument("row " + std::to_string(row) + " of " + name + " is no distribution: " +
                          describe(status[row]));
  }
}

py::tuple log_softmax_gather(const Array<float>& logits, const Array<std::int64_t>& offsets,
                             const Array<Token>& targets, std::size_t n_threads,
                             const std::string& kernel) {
  check_dimensions("logits", logits, 2);
  check_dimensions("offsets", offsets, 1);
  check_dimensions("targets", targets, 1);
  const auto n_rows = static_cast<std::size_t>(logits.shape(0));
  const auto n_vocab = static_cast<std::size_t>(logits.shape(1));
  std::vector<double> log_probs(static_cast<std::size_t>(targets.size()));
  std::vector<Token> argmax(n_rows);
  std::vector<RowStatus> status(n_rows);
  {
    // Safe without the GIL: the arguments keep the arrays alive, and only C++ memory is written.
    const py::gil_scoped_release release;
    ThreadPool pool(n_threads);
    score_rows(logits.data(), n_rows, n_vocab, {view(offsets), view(targets)},
               {log_probs, argmax, status}, pool, log_softmax_kernel(kernel));
  }
  refuse_bad_rows("logits", status);
  return py::make_tuple(to_numpy(std::move(log_probs)), to_numpy(std::move(argmax)));
}

py::tuple compare_rows_of(const Array<float>& base, const Array<float>& candidate,
                          const Array<std::int64_t>& offsets, const Array<Token>& targets,
                          std::size_t n_threads, const std::string& kernel) {
  check_dimensions("base", base, 2);
  check_dimensions("candidate", candidate, 2);
  check_dimensions("offsets", offsets, 1);
  check_dimensions("targets", targets, 1);
  if (base.shape(0) != candidate.shape(0) || base.shape(1) != candidate.shape(1)) {
    throw InvalidArgument("base and candidate must have the same shape");
  }
  const auto n_rows = static_cast<std::size_t>(base.shape(0));
  const auto n_vocab = static_cast<std::size_t>(base.shape(1));
  const auto n_targets = static_cast<std::size_t>(targets.size());
  std::vector<double> kl(n_rows);
  std::vector<std::uint8_t> same_top(n_rows);
  std::vector<double> base_log_probs(n_targets);
  std::vector<double> candidate_log_probs(n_targets);
  std::vector<RowStatus> base_status(n_rows);
  std::vector<RowStatus> candidate_status(n_rows);
  {
    const py::gil_scoped_release release;
    ThreadPool pool(n_threads);
    compare_rows(base.data(), candidate.data(), n_rows, n_vocab, {view(offsets), view(targets)},
                 {kl, same_top, base_log_probs, candidate_log_probs, base_status,
                  candidate_status},
                 pool, log_softmax_kernel(kernel));
  }
  refuse_bad_rows("base", base_status);
  refuse_bad_rows("candidate", candidate_status);
  return py::make_tuple(to_numpy(std::move(kl)), to_numpy(std::move(base_log_probs)),
                        to_numpy(std::move(candidate_log_probs)), to_numpy(std::move(same_top)));
}

}  // namespace

void register_kernels(py::module_& m) {
  m.def("log_softmax_gather", &log_softmax_gather, py::arg("logits"), py::arg("offsets"),
        py::arg("targets"), py::arg("n_threads") = 1, py::arg("kernel") = "auto",
        R"(Log-probabilities of chosen tokens from rows of logits, and each row's argmax.

Row r is asked for the tokens targets[offsets[r]:offsets[r + 1]]:

    log_prob = logits[r, t] - log(sum(exp(logits[r])))

within 1e-6 of the exact value for rows of up to 262,144 entries, whatever their magnitude.

Args:
    logits: float32[n_rows, n_vocab]. -inf entries have probability zero.
    offsets: int64[n_rows + 1], ascending from 0 to n_targets.
    targets: int32[n_targets], each from 0 to n_vocab - 1.
    n_threads: Threads to share the rows; the result does not depend on it.
    kernel: One of kernels(), or "auto" for the fastest.

Returns:
    (log_probs float64[n_targets], natural logarithm; argmax int32[n_rows], the lowest id of equal
    logits).

Raises:
    ValueError: For shapes, offsets, targets, threads or kernels that do not fit, and for a row
        that is no distribution: with NaN or +inf, or of nothing but -inf.)");
  m.def("compare_rows", &compare_rows_of, py::arg("base"), py::arg("candidate"),
        py::arg("offsets"), py::arg("targets"), py::arg("n_threads") = 1,
        py::arg("kernel") = "auto",
        R"(How far the distributions of two models are apart, row by row.

Of each row KL(base || candidate) = sum(p * log(p / q)) in nats, within 5e-6 * sqrt(KL) + 2e-5 * KL
of the exact value, never negative, and infinite where the candidate rules out what the base does
not; and the log-probabilities of chosen tokens under both.

Args:
    base: float32[n_rows, n_vocab], logits. -inf entries have probability zero.
    candidate: Likewise, of the same shape.
    offsets, targets, n_threads, kernel: As in log_softmax_gather.

Returns:
    (kl float64[n_rows]; log-probabilities under the base and under the candidate, each
    float64[n_targets]; whether both have the same most probable token, the lowest id of equals,
    uint8[n_rows]).

Raises:
    ValueError: As in log_softmax_gather, and for arrays of different shapes.)");
  m.def("kernels", &available_kernels,
        "Names of the log-softmax kernels that this CPU can execute, the fastest first.");
  m.def("cpu_features", &cpu_feature_names,
        "Names of the instruction sets present here that some kernel uses.");
}

}  // namespace fastscore::bindings
