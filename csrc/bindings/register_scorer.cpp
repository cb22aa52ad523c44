#include <memory>
#include <string>

#include "bindings/planned_trie.h"
#include "llama/pair_scorer.h"
#include "llama/scorer.h"

namespace fastscore::bindings {

namespace {

py::array_t<bool> bools(const std::vector<bool>& values) {
  py::array_t<bool> array(static_cast<py::ssize_t>(values.size()));
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

}  // namespace

void register_scorer(py::module_& m) {
  using llama::ComparedTokens;
  using llama::Completed;
  using llama::Decoder;
  using llama::Library;
  using llama::PairScorer;
  using llama::Scorer;

  py::class_<Decoder>(m, "Decoder", "Decodes steps of a plan on a llama.cpp context.")
      .def(py::init([](const Library& library, std::uintptr_t context, std::int32_t max_rows) {
             return std::make_unique<Decoder>(
                 library, reinterpret_cast<llama::Context*>(context), max_rows);
           }),
           py::arg("library"), py::arg("context"), py::arg("max_rows"), py::keep_alive<1, 2>(),
           "`context` is the address of a llama_context; `max_rows` its n_outputs_max. Call "
           "close() before the context is freed.")
      .def_property_readonly("n_vocab", &Decoder::n_vocab)
      // Waits for a step under way in another thread, which may need the GIL to end.
      .def("close", &Decoder::close, py::call_guard<py::gil_scoped_release>());

  py::class_<Scorer>(m, "Scorer", "Log-likelihoods of a plan's requests, one step at a time.")
      .def(py::init([](Decoder& decoder, const PlannedTrie& planned, ThreadPool& pool,
                       bool keep_tokens, const std::string& kernel) {
             return std::make_unique<Scorer>(decoder, *planned.trie, planned.order, planned.plan,
                                             pool, keep_tokens, log_softmax_kernel(kernel));
           }),
           py::arg("decoder"), py::arg("plan"), py::arg("pool"), py::arg("keep_tokens") = false,
           py::arg("kernel") = "auto", py::keep_alive<1, 2>(), py::keep_alive<1, 3>(),
           py::keep_alive<1, 4>())
      .def_property_readonly("done", &Scorer::done)
      .def(
          "step",
          [](Scorer& self) {
            Completed completed;
            {
              // Decoding takes most of the time of a run and touches no Python object.
              const py::gil_scoped_release release;
              completed = self.step();
            }
            return py::make_tuple(to_numpy(std::move(completed.request)),
                                  to_numpy(std::move(completed.logprob)),
                                  bools(completed.is_greedy),
                                  to_numpy(std::move(completed.n_tokens)));
          },
          "Carry out the next step. Returns what it completed: (request int32[n], sum of "
          "log-probabilities float64[n], is_greedy bool[n], n_tokens int32[n]).")
      .def(
          "token_logprobs",
          [](const Scorer& self, std::int32_t request) {
            auto values = self.token_logprobs(request);
            return to_numpy(std::move(values));
          },
          py::arg("request"), "Natural log-probability of each continuation token: float64[n].")
      .def_property_readonly("failed_request", &Scorer::failed_request,
                             "A request whose logits are no numbers, after a step that failed for "
                             "that; -1: none.")
      .def_property_readonly("n_tokens", &Scorer::n_tokens, "Tokens decoded so far.")
      .def_property_readonly("decode_seconds", &Scorer::decode_seconds)
      .def_property_readonly("log_softmax_seconds", &Scorer::log_softmax_seconds);

  py::class_<PairScorer>(m, "PairScorer",
                         "Two models compared along a plan's requests, one step at a time.")
      .def(py::init([](Decoder& base, Decoder& candidate, const PlannedTrie& planned,
                       ThreadPool& pool, const std::string& kernel) {
             return std::make_unique<PairScorer>(base, candidate, *planned.trie, planned.order,
                                                 planned.plan, pool, log_softmax_kernel(kernel));
           }),
           py::arg("base"), py::arg("candidate"), py::arg("plan"), py::arg("pool"),
           py::arg("kernel") = "auto", py::keep_alive<1, 2>(), py::keep_alive<1, 3>(),
           py::keep_alive<1, 4>(), py::keep_alive<1, 5>(),
           "The plan must fit both contexts; base and candidate may be the same decoder.")
      .def_property_readonly("done", &PairScorer::done)
      .def(
          "step",
          [](PairScorer& self) {
            ComparedTokens found;
            {
              const py::gil_scoped_release release;
              found = self.step();
            }
            return py::make_tuple(to_numpy(std::move(found.request)),
                                  to_numpy(std::move(found.step)), to_numpy(std::move(found.kl)),
                                  to_numpy(std::move(found.base_logprob)),
                                  to_numpy(std::move(found.candidate_logprob)),
                                  bools(found.same_top));
          },
          "Carry out the next step. Returns of each continuation token that it compared: (request "
          "int32[n], index in the continuation int32[n], KL(base || candidate) of the row before "
          "it float64[n], its log-probability under the base and under the candidate float64[n], "
          "whether both models' most probable tokens are the same bool[n]).")
      .def_property_readonly("failed_request", &PairScorer::failed_request,
                             "A request whose logits are no numbers, after a step that failed for "
                             "that; -1: none.")
      .def_property_readonly("n_tokens", &PairScorer::n_tokens,
                             "Tokens decoded so far, by each model.")
      .def_property_readonly("base_seconds", &PairScorer::base_seconds)
      .def_property_readonly("candidate_seconds", &PairScorer::candidate_seconds)
      .def_property_readonly("compare_seconds", &PairScorer::compare_seconds);
}

}  // namespace fastscore::bindings
