#include <cstddef>
#include <cstdint>

#include "bindings/module.h"
#include "core/engine_threads.h"
#include "core/parallel.h"
#include "llama/library.h"

namespace fastscore::bindings {

namespace {

py::dict struct_layouts() {
  using llama::Batch;
  using llama::SamplerChainParams;
  using llama::TokenData;
  using llama::TokenDataArray;
  py::dict batch;
  batch["n_tokens"] = offsetof(Batch, n_tokens);
  batch["token"] = offsetof(Batch, token);
  batch["embd"] = offsetof(Batch, embd);
  batch["pos"] = offsetof(Batch, pos);
  batch["n_seq_id"] = offsetof(Batch, n_seq_id);
  batch["seq_id"] = offsetof(Batch, seq_id);
  batch["logits"] = offsetof(Batch, logits);
  py::dict candidate;
  candidate["id"] = offsetof(TokenData, id);
  candidate["logit"] = offsetof(TokenData, logit);
  candidate["p"] = offsetof(TokenData, p);
  py::dict candidates;
  candidates["data"] = offsetof(TokenDataArray, data);
  candidates["size"] = offsetof(TokenDataArray, size);
  candidates["selected"] = offsetof(TokenDataArray, selected);
  candidates["sorted"] = offsetof(TokenDataArray, sorted);
  py::dict chain;
  chain["no_perf"] = offsetof(SamplerChainParams, no_perf);
  py::dict layouts;
  layouts["llama_batch"] = py::make_tuple(sizeof(Batch), batch);
  layouts["llama_token_data"] = py::make_tuple(sizeof(TokenData), candidate);
  layouts["llama_token_data_array"] = py::make_tuple(sizeof(TokenDataArray), candidates);
  layouts["llama_sampler_chain_params"] = py::make_tuple(sizeof(SamplerChainParams), chain);
  return layouts;
}

}  // namespace

void register_library(py::module_& m) {
  using llama::Library;

  py::class_<ThreadPool>(m, "ThreadPool", "Threads for log-softmax and tokenising; they sleep when idle.")
      .def(py::init<std::size_t>(), py::arg("n_threads"))
      .def_property_readonly("n_threads", &ThreadPool::n_threads);

  py::class_<Library>(m, "Library", "The copy of libllama that llama_cpp has loaded.")
      .def(py::init<const std::string&>(), py::arg("path"))
      .def_property_readonly("path", &Library::path)
      .def_property_readonly("version",
                             [](const Library& self) { return self.functions().version(); })
      .def(
          "decode",
          [](const Library& self, std::uintptr_t context, std::uintptr_t batch) {
            const py::gil_scoped_release release;
            return self.decode(reinterpret_cast<llama::Context*>(context),
                               *reinterpret_cast<const llama::Batch*>(batch));
          },
          py::arg("context"), py::arg("batch"),
          "llama_decode on a thread of the engine's, of a llama_context and a llama_batch by their "
          "addresses; returns its code.")
      .def("capture_log", &Library::capture_log,
           "Send llama.cpp's log here for good; the library object must live as long.")
      .def("take_log", &Library::take_log, "Warnings and errors since the last call.");

  m.def("struct_layouts", &struct_layouts,
        "The structs that cross to llama.cpp as this core was built with them, in bytes: name to "
        "(size, offset by field).");

  m.def("n_engine_threads", &n_engine_threads,
        "How many threads llama.cpp computes on, OpenMP's or ggml's own workers not counted.");
}

}  // namespace fastscore::bindings
