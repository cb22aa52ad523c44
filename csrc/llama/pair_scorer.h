// How far two models are apart along the requests of a trie, one decode step of both at a time.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "core/batch_plan.h"
#include "core/parallel.h"
#include "core/row_pairs.h"
#include "core/token_trie.h"
#include "llama/decoder.h"
#include "llama/step_targets.h"

namespace fastscore::llama {

// The continuation tokens that a step compared; all of the same length.
struct ComparedTokens {
  std::vector<std::int32_t> request;
  std::vector<std::int32_t> step;           // index in the continuation
  std::vector<double> kl;                   // KL(base || candidate) of the row before it, in nats
  std::vector<double> base_logprob;         // of the token
  std::vector<double> candidate_logprob;
  std::vector<bool> same_top;               // both models' most probable token is the same
};

class PairScorer {
 public:
  // All that is passed must outlive the scorer. The plan must fit both contexts. `candidate` may be
  // the same decoder as `base`, which then decodes once.
  // Throws InvalidArgument where the decoders' vocabularies differ in size.
  PairScorer(Decoder& base, Decoder& candidate, const TokenTrie& trie, const TrieOrder& order,
             const BatchPlan& plan, ThreadPool& pool,
             const LogSoftmaxKernel& kernel = log_softmax_kernel());

  bool done() const { return next_ == plan_.steps.size(); }

  // Carries out the next step on both. Throws DecodeError when logits are no numbers, naming the
  // model; failed_request() is then one that needs them.
  ComparedTokens step();

  // -1: none.
  std::int32_t failed_request() const { return failed_request_; }

  // Decoded so far, by each model.
  std::int64_t n_tokens() const { return n_tokens_; }
  double base_seconds() const { return base_seconds_; }
  double candidate_seconds() const { return candidate_seconds_; }
  double compare_seconds() const { return compare_seconds_; }

 private:
  void compare(const float* base, const float* candidate);
  void check_rows();
  ComparedTokens collect() const;

  Decoder& base_;
  Decoder& candidate_;
  const TokenTrie& trie_;
  const TrieOrder& order_;
  const BatchPlan& plan_;
  ThreadPool& pool_;
  const LogSoftmaxKernel& kernel_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::int32_t failed_request_ = -1;
  std::int64_t n_tokens_ = 0;
  double base_seconds_ = 0;
  double candidate_seconds_ = 0;
  double compare_seconds_ = 0;

  // Of the step under way.
  StepTargets targets_;
  std::vector<double> kl_;                 // [n_rows]
  std::vector<std::uint8_t> same_top_;     // [n_rows]
  std::vector<RowStatus> base_status_;     // [n_rows]
  std::vector<RowStatus> candidate_status_;  // [n_rows]
  std::vector<double> base_logprobs_;      // [n_targets]
  std::vector<double> candidate_logprobs_;  // [n_targets]
};

}  // namespace fastscore::llama
