#include <memory>
#include <string>

#include "bindings/module.h"
#include "llama/generator.h"

namespace fastscore::bindings {

namespace {

const char* name(llama::FinishReason reason) {
  switch (reason) {
    case llama::FinishReason::kStop:
      return "stop";
    case llama::FinishReason::kEos:
      return "eos";
    case llama::FinishReason::kLength:
      return "length";
  }
  return "";
}

}  // namespace

void register_generator(py::module_& m) {
  using llama::Decoder;
  using llama::Generator;
  using llama::Grammar;
  using llama::Library;
  using llama::SamplingOptions;
  using llama::TokenPieces;

  py::class_<TokenPieces>(m, "TokenPieces", "What each token of a model's vocabulary spells.")
      .def(py::init([](const Library& library, std::uintptr_t model, Token unnamed_eos) {
             return std::make_unique<TokenPieces>(
                 library, reinterpret_cast<const llama::Model*>(model), unnamed_eos);
           }),
           py::arg("library"), py::arg("model"), py::arg("unnamed_eos") = -1,
           "`model` is the address of a llama_model, which is not used later. `unnamed_eos` is "
           "what llama.cpp takes for EOS where the file names none.")
      .def_property_readonly("n_vocab", &TokenPieces::n_vocab)
      .def_property_readonly("drops_first_space", &TokenPieces::drops_first_space)
      .def("ends", &TokenPieces::ends, py::arg("token"))
      .def(
          "text", [](const TokenPieces& self, Token token) { return py::bytes(std::string(self.text(token))); },
          py::arg("token"))
      .def("first_difference", &TokenPieces::first_difference, py::arg("other"),
           "The first token that the other vocabulary spells otherwise, marks included; -1: none.");

  py::class_<Grammar>(m, "Grammar", "A GBNF grammar, parsed for a model's vocabulary.")
      .def(py::init([](const Library& library, std::uintptr_t model, const std::string& text) {
             return std::make_unique<Grammar>(library,
                                              reinterpret_cast<const llama::Model*>(model), text);
           }),
           py::arg("library"), py::arg("model"), py::arg("text"), py::keep_alive<1, 2>());

  py::class_<Generator>(m, "Generator", "Writes the samples of a schedule, one step at a time.")
      .def(py::init([](Decoder& decoder, GenerationSchedule& schedule, const TokenPieces& pieces,
                       ThreadPool& pool, const Array<std::int64_t>& numbers,
                       const std::vector<std::vector<std::string>>& stops, float temperature,
                       std::int32_t top_k, float top_p, float min_p, float repeat_penalty,
                       std::uint64_t seed, const Grammar* grammar) {
             std::vector<StopTexts> by_prompt;
             by_prompt.reserve(stops.size());
             for (const auto& texts : stops) {
               by_prompt.emplace_back(texts);
             }
             const auto wanted = view(numbers);
             return std::make_unique<Generator>(
                 decoder, schedule, pieces, pool,
                 std::vector<std::uint64_t>(wanted.begin(), wanted.end()), std::move(by_prompt),
                 SamplingOptions{temperature, top_k, top_p, min_p, repeat_penalty, seed}, grammar);
           }),
           py::arg("decoder"), py::arg("schedule"), py::arg("pieces"), py::arg("pool"),
           py::arg("numbers"), py::arg("stops"), py::kw_only(), py::arg("temperature"),
           py::arg("top_k"), py::arg("top_p"), py::arg("min_p"), py::arg("repeat_penalty"),
           py::arg("seed"), py::arg("grammar").none(true) = nullptr, py::keep_alive<1, 2>(),
           py::keep_alive<1, 3>(), py::keep_alive<1, 4>(), py::keep_alive<1, 5>(),
           py::keep_alive<1, 14>(),
           "`numbers` has the number of each of the schedule's samples, `stops` the stop texts of "
           "each of its prompts, in UTF-8.")
      .def_property_readonly("done", &Generator::done)
      .def(
          "step",
          [](Generator& self) {
            std::vector<llama::FinishedSample> finished;
            {
              // Decoding takes most of the time of a run and touches no Python object.
              const py::gil_scoped_release release;
              finished = self.step();
            }
            py::list out;
            for (const auto& one : finished) {
              out.append(py::make_tuple(one.sample, py::bytes(one.text), name(one.reason),
                                        one.n_tokens, one.seconds));
            }
            return out;
          },
          "Carry out one step. Returns the samples that ended: [(sample, text, reason, n_tokens, "
          "seconds)], the text in UTF-8 as far as the tokens spell it.")
      .def_property_readonly("failed_sample", &Generator::failed_sample,
                             "A sample whose logits are no numbers, after a step that failed for "
                             "that; -1: none.")
      .def_property_readonly("n_tokens", &Generator::n_tokens, "Tokens drawn so far.")
      .def_property_readonly("prefill_seconds", &Generator::prefill_seconds)
      .def_property_readonly("decode_seconds", &Generator::decode_seconds)
      .def_property_readonly("sample_seconds", &Generator::sample_seconds);
}

}  // namespace fastscore::bindings
