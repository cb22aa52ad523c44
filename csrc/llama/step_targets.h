// What the logit rows of a step are wanted for.
#pragma once

#include <cstdint>
#include <vector>

#include "core/batch_plan.h"
#include "core/log_softmax.h"
#include "core/trie_order.h"

namespace fastscore::llama {

// The rows of one step in batch order, in compressed sparse form.
class StepTargets {
 public:
  // Replaces what is here by the wants of the step.
  void gather(const TrieOrder& order, const Step& step);

  std::size_t n_rows() const { return offsets_.size() - 1; }
  std::size_t size() const { return ids_.size(); }
  // The wants of row r are those from row_begin(r) to row_begin(r + 1).
  std::int64_t row_begin(std::size_t row) const { return offsets_[row]; }
  const TrieOrder::Want& want(std::int64_t i) const { return *wants_[i]; }
  RowTargets ids() const { return {offsets_, ids_}; }

 private:
  std::vector<std::int64_t> offsets_{0};       // [n_rows + 1]
  std::vector<Token> ids_;                     // [n_targets]
  std::vector<const TrieOrder::Want*> wants_;  // [n_targets]
};

// Throws InvalidArgument where a request of the trie ends with a token that the model lacks.
void check_last_tokens(const TokenTrie& trie, std::int32_t n_vocab);

}  // namespace fastscore::llama
