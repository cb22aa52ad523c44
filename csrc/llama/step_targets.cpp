#include "llama/step_targets.h"

#include <string>

#include "llama/decoder.h"

namespace fastscore::llama {

void StepTargets::gather(const TrieOrder& order, const Step& step) {
  offsets_.assign(1, 0);
  ids_.clear();
  wants_.clear();
  for (const auto& segment : step.segments) {
    const auto [first, last] = wanted_rows(order, segment);
    for (std::int64_t row = first; row < last; ++row) {
      for (std::int64_t w = order.rows[row].first_want; w < order.want_end(row); ++w) {
        wants_.push_back(&order.wants[w]);
        ids_.push_back(order.wants[w].target);
      }
      offsets_.push_back(static_cast<std::int64_t>(ids_.size()));
    }
  }
}

void check_last_tokens(const TokenTrie& trie, std::int32_t n_vocab) {
  for (const auto& request : trie.requests()) {
    if (request.last >= n_vocab) {
      throw InvalidArgument("token id " + std::to_string(request.last) +
                            " is out of range: the model has " + std::to_string(n_vocab) +
                            " tokens");
    }
  }
}

}  // namespace fastscore::llama
