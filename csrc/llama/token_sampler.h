// How one sample draws its tokens: llama.cpp's own samplers, and the grammar it must keep.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "core/types.h"
#include "llama/library.h"

namespace fastscore::llama {

struct SamplingOptions {
  float temperature = 0;  // 0: the likeliest token, the lowest id of equals
  std::int32_t top_k = 0;  // 0: all
  float top_p = 1;
  float min_p = 0;
  float repeat_penalty = 1;
  std::uint64_t seed = 0;
};

struct FreeSampler {
  void (*free)(Sampler*) = nullptr;
  void operator()(Sampler* sampler) const { free(sampler); }
};
using SamplerPointer = std::unique_ptr<Sampler, FreeSampler>;

// A grammar in GBNF, parsed for one vocabulary.
class Grammar {
 public:
  // Throws InvalidArgument where llama.cpp cannot parse it; its log says why. The model must live as
  // long as texts are generated under the grammar.
  Grammar(const Library& library, const Model* model, const std::string& text);

  // The grammar at its beginning, for one sample.
  SamplerPointer begin() const;

 private:
  const Library& library_;
  SamplerPointer parsed_;
};

class TokenSampler {
 public:
  // Tokens that a repeat penalty looks back on: llama.cpp's default.
  static constexpr std::int32_t kPenalised = 64;

  // `grammar` may be null. The prompt counts among the tokens that a repeat penalty looks back on.
  TokenSampler(const Library& library, const SamplingOptions& options, std::uint32_t seed,
               std::int32_t n_vocab, std::span<const Token> prompt, const Grammar* grammar);

  // Draws the next token. logits: [n_vocab], without NaN; `argmax` is the token of the largest one,
  // the lowest id of equals.
  // Of tokens too improbable to matter (all of them together weigh less than a millionth)
  // llama.cpp's samplers are not told, as their time goes with the number of candidates. Of Gemma
  // 3's 262,144 tokens that leaves out nearly all at temperature 0.2, 85 % at 0.8, half at 1.
  // Samplers of different samples may draw at the same time. Throws DecodeError where the grammar
  // allows no token at all.
  Token draw(std::span<const float> logits, Token argmax);

 private:
  Token choose(std::span<const float> logits, float least);
  Token choose_within_grammar(std::span<const float> logits);
  Token apply_chain(TokenDataArray array);
  bool grammar_allows(Token token) const;

  const Functions& f_;
  bool greedy_;
  // How far below the largest logit a token may be and still be a candidate; infinite where any may
  // turn out to be the likeliest.
  float reach_ = std::numeric_limits<float>::infinity();
  SamplerPointer chain_;    // null: greedy without a penalty, which needs none
  SamplerPointer grammar_;  // or null
};

}  // namespace fastscore::llama
