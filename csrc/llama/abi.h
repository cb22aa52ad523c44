// The part of llama.cpp's C interface that the core relies on, declared here because no llama.cpp
// is needed to build fastscore.
//
// All types are opaque but four: llama_batch and llama_sampler_chain_params cross by value, and
// llama_token_data_array with its llama_token_data is written here and read there, so their layouts
// must be those of the loaded library. Python compares them with llama_cpp's own mirrors at import
// and refuses to go on when they differ.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastscore::llama {

struct Model;
struct Context;
struct Vocab;
struct Memory;
struct Sampler;

struct Batch {
  std::int32_t n_tokens;
  std::int32_t* token;
  float* embd;
  std::int32_t* pos;
  std::int32_t* n_seq_id;
  std::int32_t** seq_id;
  std::int8_t* logits;
};

struct TokenData {
  std::int32_t id;
  float logit;
  float p;
};

struct TokenDataArray {
  TokenData* data;
  std::size_t size;
  std::int64_t selected;  // index in data
  bool sorted;
};

struct SamplerChainParams {
  bool no_perf;
};

// llama_vocab_type of a model without a vocabulary: tokenising with it aborts the process.
inline constexpr int kVocabTypeNone = 0;

// llama_token_attr of tokens that stand for no text: <unk>, and marks such as <|im_end|>.
inline constexpr int kAttrUnknown = 1 << 0;
inline constexpr int kAttrControl = 1 << 3;

// ggml_log_level
inline constexpr int kLogWarn = 3;
inline constexpr int kLogError = 4;
inline constexpr int kLogContinue = 5;

}  // namespace fastscore::llama
