#include "llama/pair_scorer.h"

#include <string>

#include "core/stopwatch.h"
#include "llama/errors.h"

namespace fastscore::llama {

PairScorer::PairScorer(Decoder& base, Decoder& candidate, const TokenTrie& trie,
                       const TrieOrder& order, const BatchPlan& plan, ThreadPool& pool,
                       const LogSoftmaxKernel& kernel)
    : base_(base),
      candidate_(candidate),
      trie_(trie),
      order_(order),
      plan_(plan),
      pool_(pool),
      kernel_(kernel) {
  if (base.n_vocab() != candidate.n_vocab()) {
    throw InvalidArgument("the base has " + std::to_string(base.n_vocab()) +
                          " tokens and the candidate " + std::to_string(candidate.n_vocab()));
  }
  check_last_tokens(trie, base.n_vocab());
}

ComparedTokens PairScorer::step() {
  const std::lock_guard lock(mutex_);
  if (done()) {
    return {};
  }
  const Step& step = plan_.steps[next_];
  targets_.gather(order_, step);
  const bool same = &base_ == &candidate_;
  // Until the logits are read. Whoever holds two decoders has both models to himself, so the order
  // locks nobody out.
  const auto base_hold = base_.hold();
  const auto candidate_hold = same ? Decoder::Hold() : candidate_.hold();
  const float* base = nullptr;
  {
    const Stopwatch watch(base_seconds_);
    base = base_.decode(base_hold, trie_, order_, step);
  }
  const float* candidate = base;
  if (!same) {
    const Stopwatch watch(candidate_seconds_);
    candidate = candidate_.decode(candidate_hold, trie_, order_, step);
  }
  ++next_;
  n_tokens_ += step.n_tokens;
  if (step.n_rows == 0) {
    return {};
  }
  const Stopwatch watch(compare_seconds_);
  compare(base, candidate);
  check_rows();
  return collect();
}

void PairScorer::compare(const float* base, const float* candidate) {
  kl_.resize(targets_.n_rows());
  same_top_.resize(targets_.n_rows());
  base_status_.resize(targets_.n_rows());
  candidate_status_.resize(targets_.n_rows());
  base_logprobs_.resize(targets_.size());
  candidate_logprobs_.resize(targets_.size());
  compare_rows(base, candidate, targets_.n_rows(), static_cast<std::size_t>(base_.n_vocab()),
               targets_.ids(),
               {kl_, same_top_, base_logprobs_, candidate_logprobs_, base_status_,
                candidate_status_},
               pool_, kernel_);
}

void PairScorer::check_rows() {
  for (std::size_t row = 0; row < targets_.n_rows(); ++row) {
    for (const auto& [model, status] :
         {std::pair{"base", base_status_[row]}, {"candidate", candidate_status_[row]}}) {
      if (status == RowStatus::ok) {
        continue;
      }
      failed_request_ = targets_.want(targets_.row_begin(row)).request;
      throw DecodeError(std::string(model) + ": " + describe(status) +
                        "; the model file is damaged or its arithmetic overflows here");
    }
  }
}

ComparedTokens PairScorer::collect() const {
  ComparedTokens found;
  for (std::size_t row = 0; row < targets_.n_rows(); ++row) {
    for (std::int64_t i = targets_.row_begin(row); i < targets_.row_begin(row + 1); ++i) {
      const auto& want = targets_.want(i);
      found.request.push_back(want.request);
      found.step.push_back(want.step);
      found.kl.push_back(kl_[row]);
      found.base_logprob.push_back(base_logprobs_[i]);
      found.candidate_logprob.push_back(candidate_logprobs_[i]);
      found.same_top.push_back(same_top_[row] != 0);
    }
  }
  return found;
}

}  // namespace fastscore::llama
