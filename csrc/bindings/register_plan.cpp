#include <memory>
#include <string>

#include "bindings/plan_words.h"
#include "bindings/planned_trie.h"
#include "core/batch_plan.h"

namespace fastscore::bindings {

namespace {

// One step spelled out token by token, for tests and for reading.
py::dict describe(const PlannedTrie& self, std::size_t index) {
  if (index >= self.plan.steps.size()) {
    throw py::index_error("the plan has " + std::to_string(self.plan.steps.size()) + " steps");
  }
  const Step& step = self.plan.steps[index];
  py::list memory;
  for (const auto& op : step.memory) {
    memory.append(py::make_tuple(name(op.kind), op.seq, op.to, op.end));
  }
  py::list tokens;
  for (const auto& segment : step.segments) {
    const auto& node = self.order.nodes[segment.node];
    const auto [first, last] = llama::wanted_rows(self.order, segment);
    std::int64_t row = first;
    for (std::int32_t t = 0; t < segment.length; ++t) {
      const std::int32_t offset = segment.offset + t;
      py::list wants;
      if (row < last && self.order.rows[row].token == node.first + offset) {
        for (auto w = self.order.rows[row].first_want; w < self.order.want_end(row); ++w) {
          const auto& want = self.order.wants[w];
          wants.append(py::make_tuple(want.request, want.step, want.target));
        }
        ++row;
      }
      tokens.append(py::make_tuple(self.trie->tokens()[node.label + offset], node.depth + offset,
                                   py::make_tuple(segment.seq, segment.seq + segment.n_seqs),
                                   wants));
    }
  }
  py::dict out;
  out["memory"] = memory;
  out["tokens"] = tokens;
  return out;
}

}  // namespace

void register_plan(py::module_& m) {
  py::class_<PlannedTrie>(m, "Plan", "A trie cut into decode steps within budgets.")
      .def(py::init([](const TokenTrie& trie, std::int32_t n_batch, std::int32_t n_cells,
                       std::int32_t n_seqs, std::int32_t n_rows, const std::string& sharing) {
             const Budget budget{n_batch, n_cells, n_seqs, n_rows};
             const Sharing how = parse_sharing(sharing);
             const py::gil_scoped_release release;
             auto self = std::make_unique<PlannedTrie>();
             self->trie = &trie;
             self->order = depth_first(trie);
             self->plan = plan_batches(self->order, budget, how);
             return self;
           }),
           py::arg("trie"), py::kw_only(), py::arg("n_batch"), py::arg("n_cells"),
           py::arg("n_seqs"), py::arg("n_rows"), py::arg("sharing"), py::keep_alive<1, 2>(),
           "The trie must not change afterwards.\n\n"
           "sharing: 'prefix' for attention, 'state' for recurrent and hybrid models.")
      .def_property_readonly("n_steps",
                             [](const PlannedTrie& self) { return self.plan.steps.size(); })
      .def_property_readonly("n_tokens", [](const PlannedTrie& self) { return self.plan.n_tokens; })
      .def_property_readonly("n_repeated",
                             [](const PlannedTrie& self) { return self.plan.n_repeated; },
                             "Tokens decoded a second time because a budget forced it.")
      .def_property_readonly("n_rows", [](const PlannedTrie& self) { return self.plan.n_rows; })
      .def("step", &describe, py::arg("index"),
           "A step spelled out: {'memory': [(op, seq, to, end)], 'tokens': [(token, position, "
           "(first_seq, end_seq), [(request, step, target)])]}.");
}

}  // namespace fastscore::bindings
