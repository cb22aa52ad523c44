#include "bindings/module.h"

PYBIND11_MODULE(_core, m) {
  using namespace fastscore::bindings;
  m.doc() = "The native core of fastscore: token trie, batch plan, decoder, log-softmax, generator.";
  register_errors(m);
  register_kernels(m);
  register_stats(m);
  register_gguf(m);
  register_library(m);
  register_tokenizer(m);
  register_trie(m);
  register_plan(m);
  register_scorer(m);
  register_schedule(m);
  register_generator(m);
}
