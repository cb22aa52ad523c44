#include <memory>
#include <string>

#include "bindings/plan_words.h"
#include "bindings/prompts.h"
#include "core/generation_schedule.h"

namespace fastscore::bindings {

namespace {

// A step spelled out, for tests and for reading.
py::dict describe_step(const GenerationStep& step) {
  py::list memory;
  for (const auto& op : step.memory) {
    memory.append(py::make_tuple(name(op.kind), op.seq, op.to, op.end));
  }
  py::list chunks;
  for (const auto& chunk : step.chunks) {
    chunks.append(py::make_tuple(chunk.prompt, chunk.begin, chunk.end, chunk.seqs, chunk.row));
  }
  py::list continued;
  for (const auto& one : step.continued) {
    continued.append(py::make_tuple(one.sample, one.seq, one.position));
  }
  py::dict out;
  out["memory"] = memory;
  out["chunks"] = chunks;
  out["continued"] = continued;
  out["n_tokens"] = step.n_tokens;
  return out;
}

}  // namespace

void register_schedule(py::module_& m) {
  using Schedule = GenerationSchedule;

  py::class_<PromptOrder>(m, "PromptOrder", "Prompts and their samples, in the order of token ids.")
      .def(py::init([](const Array<Token>& ids, const Array<std::int64_t>& offsets,
                       const Array<std::int32_t>& sample_prompt,
                       const Array<std::int32_t>& max_tokens) {
             if (sample_prompt.size() != max_tokens.size()) {
               throw InvalidArgument("each sample has a prompt and a max_tokens");
             }
             std::vector<PromptOrder::Sample> samples;
             for (py::ssize_t i = 0; i < sample_prompt.size(); ++i) {
               samples.push_back({sample_prompt.data()[i], max_tokens.data()[i]});
             }
             auto prompts = split(view(ids), view(offsets));
             const py::gil_scoped_release release;
             return std::make_unique<PromptOrder>(std::move(prompts), std::move(samples));
           }),
           py::arg("prompt_ids"), py::arg("prompt_offsets"), py::arg("sample_prompt"),
           py::arg("max_tokens"),
           "The tokens of prompt i are prompt_ids[prompt_offsets[i]:prompt_offsets[i + 1]]; "
           "sample_prompt and max_tokens have one entry a sample.")
      .def_property_readonly("n_tokens", &PromptOrder::n_tokens, "Size of the prompts' trie.")
      .def_property_readonly("least_cells", &PromptOrder::least_cells,
                             "Cells in which any sample can run alone.")
      .def("cells_for", &PromptOrder::cells_for, py::arg("n_prompts"), py::arg("n_samples"),
           "Cells in which any so many consecutive prompts and samples fit.");

  py::class_<Schedule>(m, "GenerationSchedule",
                       "Which tokens each decode step of a generation run holds.")
      .def(py::init([](const PromptOrder& order, std::int32_t n_batch, std::int32_t n_cells,
                       std::int32_t n_running, std::int32_t n_ready, std::int32_t n_checkpoints,
                       const std::string& sharing) {
             return std::make_unique<Schedule>(
                 order, GenerationBudget{n_batch, n_cells, n_running, n_ready, n_checkpoints},
                 parse_sharing(sharing));
           }),
           py::arg("order"), py::kw_only(), py::arg("n_batch"), py::arg("n_cells"),
           py::arg("n_running"), py::arg("n_ready"), py::arg("n_checkpoints"), py::arg("sharing"),
           py::keep_alive<1, 2>())
      .def_property_readonly("done", &Schedule::done)
      .def_property_readonly("n_sequences", &Schedule::n_sequences)
      .def_property_readonly("n_prompt_tokens", &Schedule::n_prompt_tokens,
                             "Tokens of prompts in the steps so far.")
      .def_property_readonly("n_repeated", &Schedule::n_repeated)
      .def(
          "start",
          [](Schedule& self) {
            py::list started;
            for (const auto& one : self.start()) {
              started.append(py::make_tuple(one.sample, one.seq, one.row));
            }
            return started;
          },
          "Samples that can start now: [(sample, sequence, row)].")
      .def(
          "next", [](Schedule& self) { return describe_step(self.next()); },
          "The next step: {'memory': [(op, seq, to, end)], 'chunks': [(prompt, begin, end, seqs, "
          "row)], 'continued': [(sample, seq, position)], 'n_tokens': n}.")
      .def("ended", &Schedule::ended, py::arg("seq"));
}

}  // namespace fastscore::bindings
