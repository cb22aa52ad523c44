// The functions of llama.cpp, resolved from the library that llama_cpp has loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "llama/abi.h"

namespace fastscore::llama {

// Function pointers, named as in llama.h without the prefix.
struct Functions {
  const char* (*version)();
  std::uint32_t (*n_batch)(const Context*);
  std::uint32_t (*n_ubatch)(const Context*);
  std::uint32_t (*n_ctx)(const Context*);
  std::uint32_t (*n_seq_max)(const Context*);
  const Model* (*get_model)(const Context*);
  const Vocab* (*model_get_vocab)(const Model*);
  int (*vocab_type)(const Vocab*);
  std::int32_t (*vocab_n_tokens)(const Vocab*);
  std::int32_t (*tokenize)(const Vocab*, const char*, std::int32_t, std::int32_t*, std::int32_t,
                           bool, bool);
  std::int32_t (*token_to_piece)(const Vocab*, std::int32_t, char*, std::int32_t, std::int32_t,
                                 bool);
  std::int32_t (*detokenize)(const Vocab*, const std::int32_t*, std::int32_t, char*, std::int32_t,
                             bool, bool);
  int (*vocab_get_attr)(const Vocab*, std::int32_t);
  bool (*vocab_is_eog)(const Vocab*, std::int32_t);
  Memory* (*get_memory)(const Context*);
  void (*memory_clear)(Memory*, bool);
  bool (*memory_seq_rm)(Memory*, std::int32_t, std::int32_t, std::int32_t);
  void (*memory_seq_cp)(Memory*, std::int32_t, std::int32_t, std::int32_t, std::int32_t);
  void (*memory_seq_keep)(Memory*, std::int32_t);
  std::int32_t (*decode)(Context*, Batch);
  float* (*get_logits)(Context*);
  Sampler* (*sampler_chain_init)(SamplerChainParams);
  void (*sampler_chain_add)(Sampler*, Sampler*);
  Sampler* (*sampler_init_dist)(std::uint32_t seed);
  Sampler* (*sampler_init_top_k)(std::int32_t);
  Sampler* (*sampler_init_top_p)(float, std::size_t min_keep);
  Sampler* (*sampler_init_min_p)(float, std::size_t min_keep);
  Sampler* (*sampler_init_temp)(float);
  Sampler* (*sampler_init_penalties)(std::int32_t n_vocab, std::int32_t last_n, float repeat,
                                     float frequency, float presence);
  Sampler* (*sampler_init_grammar)(const Vocab*, const char* grammar, const char* root);
  void (*sampler_apply)(Sampler*, TokenDataArray*);
  void (*sampler_accept)(Sampler*, std::int32_t);
  Sampler* (*sampler_clone)(const Sampler*);
  void (*sampler_free)(Sampler*);
  void (*log_set)(void (*)(int, const char*, void*), void*);
};

// One loaded copy of libllama. Never unloaded: models and contexts outlive any scope here.
class Library {
 public:
  // `path` is the file that llama_cpp has opened already; it is found, not loaded a second time.
  // Throws EngineMismatchError when it is not loaded, or names all functions that it lacks.
  explicit Library(const std::string& path);
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const Functions& functions() const { return functions_; }
  const std::string& path() const { return path_; }

  // llama_decode, on a thread of the engine's; returns its code.
  std::int32_t decode(Context* context, const Batch& batch) const;

  // From now on llama.cpp logs here instead of to stderr. The last warnings and errors are kept,
  // because a call that fails says why only in its log.
  void capture_log();
  // What was kept, oldest first; forgets it.
  std::vector<std::string> take_log();

 private:
  static void on_log(int level, const char* text, void* self);

  std::string path_;
  Functions functions_{};
  std::mutex log_mutex_;
  std::deque<std::string> log_;
  bool keep_continuation_ = false;
};

}  // namespace fastscore::llama
