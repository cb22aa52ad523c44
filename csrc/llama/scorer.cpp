#include "llama/scorer.h"

#include <string>

#include "core/stopwatch.h"
#include "llama/errors.h"

namespace fastscore::llama {

Scorer::Scorer(Decoder& decoder, const TokenTrie& trie, const TrieOrder& order,
               const BatchPlan& plan, ThreadPool& pool, bool keep_tokens,
               const LogSoftmaxKernel& kernel)
    : decoder_(decoder), trie_(trie), order_(order), plan_(plan), pool_(pool), kernel_(kernel) {
  check_last_tokens(trie, decoder.n_vocab());
  sums_.reserve(trie.requests().size());
  for (const auto& request : trie.requests()) {
    sums_.push_back({0, request.n_continuation, true});
  }
  if (keep_tokens) {
    for (const auto& request : trie.requests()) {
      token_logprobs_.emplace_back(static_cast<std::size_t>(request.n_continuation));
    }
  }
}

Completed Scorer::step() {
  const std::lock_guard lock(mutex_);
  if (done()) {
    return {};
  }
  const Step& step = plan_.steps[next_];
  targets_.gather(order_, step);
  const auto hold = decoder_.hold();  // until the logits are read
  const float* logits = nullptr;
  {
    const Stopwatch watch(decode_seconds_);
    logits = decoder_.decode(hold, trie_, order_, step);
  }
  ++next_;
  n_tokens_ += step.n_tokens;
  if (step.n_rows == 0) {
    return {};
  }
  const Stopwatch watch(log_softmax_seconds_);
  score(logits, step.n_rows);
  return add_up(step.n_rows);
}

void Scorer::score(const float* logits, std::int32_t n_rows) {
  logprobs_.resize(targets_.size());
  argmax_.resize(static_cast<std::size_t>(n_rows));
  status_.resize(static_cast<std::size_t>(n_rows));
  score_rows(logits, static_cast<std::size_t>(n_rows),
             static_cast<std::size_t>(decoder_.n_vocab()), targets_.ids(),
             {logprobs_, argmax_, status_}, pool_, kernel_);
}

Completed Scorer::add_up(std::int32_t n_rows) {
  Completed completed;
  for (std::int32_t row = 0; row < n_rows; ++row) {
    for (std::int64_t i = targets_.row_begin(row); i < targets_.row_begin(row + 1); ++i) {
      const auto& want = targets_.want(i);
      if (status_[row] != RowStatus::ok) {
        failed_request_ = want.request;
        throw DecodeError(std::string(describe(status_[row])) +
                          "; the model file is damaged or its arithmetic overflows here");
      }
      Sum& sum = sums_[want.request];
      sum.logprob += logprobs_[i];
      sum.is_greedy = sum.is_greedy && argmax_[row] == want.target;
      if (!token_logprobs_.empty()) {
        token_logprobs_[want.request][want.step] = logprobs_[i];
      }
      if (--sum.left == 0) {
        completed.request.push_back(want.request);
        completed.logprob.push_back(sum.logprob);
        completed.is_greedy.push_back(sum.is_greedy);
        completed.n_tokens.push_back(trie_.requests()[want.request].n_continuation);
      }
    }
  }
  return completed;
}

const std::vector<double>& Scorer::token_logprobs(std::int32_t request) const {
  if (token_logprobs_.empty()) {
    throw InvalidArgument("the values of single tokens were not asked for");
  }
  return token_logprobs_.at(static_cast<std::size_t>(request));
}

}  // namespace fastscore::llama
