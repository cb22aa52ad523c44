// Log-likelihoods of all requests of a trie, one decode step at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/batch_plan.h"
#include "core/log_softmax.h"
#include "core/parallel.h"
#include "core/token_trie.h"
#include "llama/decoder.h"
#include "llama/step_targets.h"

namespace fastscore::llama {

// Requests that a step has completed.
struct Completed {
  std::vector<std::int32_t> request;  // [n]
  std::vector<double> logprob;        // [n] sum of natural log-probabilities
  std::vector<bool> is_greedy;        // [n] each token was the most probable one, lowest id first
  std::vector<std::int32_t> n_tokens; // [n] tokens of the continuation
};

class Scorer {
 public:
  // All that is passed must outlive the scorer. `kernel` reads the logits.
  Scorer(Decoder& decoder, const TokenTrie& trie, const TrieOrder& order, const BatchPlan& plan,
         ThreadPool& pool, bool keep_tokens,
         const LogSoftmaxKernel& kernel = log_softmax_kernel());

  bool done() const { return next_ == plan_.steps.size(); }

  // Carries out the next step. Throws DecodeError when logits are no numbers; failed_request() is
  // then one that needs them.
  Completed step();

  // Log-probabilities of the continuation's tokens; only with keep_tokens.
  const std::vector<double>& token_logprobs(std::int32_t request) const;

  // -1: none.
  std::int32_t failed_request() const { return failed_request_; }

  // Decoded so far.
  std::int64_t n_tokens() const { return n_tokens_; }
  double decode_seconds() const { return decode_seconds_; }
  double log_softmax_seconds() const { return log_softmax_seconds_; }

 private:
  struct Sum {
    double logprob = 0;
    std::int32_t left = 0;  // tokens still to score
    bool is_greedy = true;
  };

  void score(const float* logits, std::int32_t n_rows);
  Completed add_up(std::int32_t n_rows);

  Decoder& decoder_;
  const TokenTrie& trie_;
  const TrieOrder& order_;
  const BatchPlan& plan_;
  ThreadPool& pool_;
  const LogSoftmaxKernel& kernel_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::vector<Sum> sums_;                         // [n_requests]
  std::vector<std::vector<double>> token_logprobs_;  // [n_requests] or empty
  std::int32_t failed_request_ = -1;
  std::int64_t n_tokens_ = 0;
  double decode_seconds_ = 0;
  double log_softmax_seconds_ = 0;

  // Of the step under way: what its rows are wanted for, and what was found.
  StepTargets targets_;
  std::vector<double> logprobs_;                  // [n_targets]
  std::vector<Token> argmax_;                     // [n_rows]
  std::vector<RowStatus> status_;                 // [n_rows]
};

}  // namespace fastscore::llama
