#include "llama/token_sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "llama/errors.h"

namespace fastscore::llama {

Grammar::Grammar(const Library& library, const Model* model, const std::string& text)
    : library_(library),
      parsed_(library.functions().sampler_init_grammar(
                  library.functions().model_get_vocab(model), text.c_str(), "root"),
              {library.functions().sampler_free}) {
  // An empty text makes a sampler that allows everything.
  if (parsed_ == nullptr || text.empty()) {
    throw InvalidArgument("the grammar cannot be parsed");
  }
}

SamplerPointer Grammar::begin() const {
  const auto& f = library_.functions();
  return {f.sampler_clone(parsed_.get()), {f.sampler_free}};
}

namespace {

// How far below the largest logit a token is when n_vocab such tokens together have less than a
// millionth of its probability: where filters look, before the temperature, and after it.
float negligible_distance(const SamplingOptions& options, std::int32_t n_vocab) {
  constexpr float kMillion = 1e6F;
  const bool filters = options.top_p < 1 || options.min_p > 0;
  const float scale = filters ? std::max(options.temperature, 1.0F) : options.temperature;
  return scale * std::log(kMillion * static_cast<float>(n_vocab));
}

}  // namespace

TokenSampler::TokenSampler(const Library& library, const SamplingOptions& options,
                           std::uint32_t seed, std::int32_t n_vocab, std::span<const Token> prompt,
                           const Grammar* grammar)
    : f_(library.functions()), greedy_(options.temperature == 0) {
  const bool penalises = options.repeat_penalty != 1;
  if (penalises || !greedy_) {
    chain_ = {f_.sampler_chain_init({/*no_perf=*/true}), {f_.sampler_free}};
    const auto add = [this](Sampler* sampler) { f_.sampler_chain_add(chain_.get(), sampler); };
    // The order is that of llama.cpp's own programs: filters before the temperature.
    if (penalises) {
      add(f_.sampler_init_penalties(n_vocab, kPenalised, options.repeat_penalty, 0, 0));
    }
    if (!greedy_) {
      constexpr std::size_t kMinKeep = 1;
      if (options.top_k > 0) {
        add(f_.sampler_init_top_k(options.top_k));
      }
      if (options.top_p < 1) {
        add(f_.sampler_init_top_p(options.top_p, kMinKeep));
      }
      if (options.min_p > 0) {
        add(f_.sampler_init_min_p(options.min_p, kMinKeep));
      }
      if (!penalises) {  // a penalty may bring down the largest logit, and others into reach
        reach_ = negligible_distance(options, n_vocab);
      }
      add(f_.sampler_init_temp(options.temperature));
      add(f_.sampler_init_dist(seed));
    }
    if (penalises) {
      const auto n = std::min<std::size_t>(prompt.size(), kPenalised);
      for (const Token token : prompt.last(n)) {
        f_.sampler_accept(chain_.get(), token);
      }
    }
  }
  if (grammar != nullptr) {
    grammar_ = grammar->begin();
  }
}

Token TokenSampler::draw(std::span<const float> logits, Token argmax) {
  Token token = chain_ == nullptr ? argmax : choose(logits, logits[argmax] - reach_);
  // Most tokens keep the grammar anyway: to ask about one is cheap, to ask about all is not.
  if (grammar_ != nullptr && !grammar_allows(token)) {
    token = choose_within_grammar(logits);
  }
  if (chain_ != nullptr) {
    f_.sampler_accept(chain_.get(), token);
  }
  if (grammar_ != nullptr) {
    f_.sampler_accept(grammar_.get(), token);
  }
  return token;
}

Token TokenSampler::choose(std::span<const float> logits, float least) {
  thread_local std::vector<TokenData> candidates;
  candidates.resize(logits.size());
  std::size_t n = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates[n] = {static_cast<Token>(i), logits[i], 0};
    n += logits[i] >= least;  // no branch: which tokens are near cannot be foreseen
  }
  return apply_chain({candidates.data(), n, -1, false});
}

Token TokenSampler::choose_within_grammar(std::span<const float> logits) {
  thread_local std::vector<TokenData> candidates;
  candidates.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates[i] = {static_cast<Token>(i), logits[i], 0};
  }
  TokenDataArray all{candidates.data(), candidates.size(), -1, false};
  f_.sampler_apply(grammar_.get(), &all);
  std::erase_if(candidates, [](const TokenData& candidate) {
    return candidate.logit == -std::numeric_limits<float>::infinity();
  });
  if (candidates.empty()) {
    throw DecodeError("the grammar allows none of the model's tokens here");
  }
  return apply_chain({candidates.data(), candidates.size(), -1, false});
}

Token TokenSampler::apply_chain(TokenDataArray array) {
  if (chain_ != nullptr) {
    f_.sampler_apply(chain_.get(), &array);
  }
  if (greedy_) {
    const std::span<const TokenData> left(array.data, array.size);
    const auto less = [](const TokenData& a, const TokenData& b) {
      return a.logit < b.logit || (a.logit == b.logit && a.id > b.id);
    };
    return std::max_element(left.begin(), left.end(), less)->id;
  }
  if (array.selected < 0 || static_cast<std::size_t>(array.selected) >= array.size) {
    throw DecodeError("llama.cpp's sampler chose no token");
  }
  return array.data[array.selected].id;
}

bool TokenSampler::grammar_allows(Token token) const {
  TokenData one{token, 0, 0};
  TokenDataArray array{&one, 1, -1, false};
  f_.sampler_apply(grammar_.get(), &array);
  return one.logit == 0;
}

}  // namespace fastscore::llama
