// Prompts in the order of their token ids, which is the depth-first order of their trie.
//
// In this order each prompt shares the most with the one before, and what any two share is the least
// of what neighbours between them share. Equal prompts are one.
#pragma once

#include <cstdint>
#include <vector>

#include "core/types.h"

namespace fastscore {

class PromptOrder {
 public:
  struct Sample {
    std::int32_t prompt = 0;      // index of its prompt
    std::int32_t max_tokens = 0;  // sampled at most, the one that ends it included
  };
  // Equal prompts.
  struct Group {
    std::int32_t prompt = 0;  // index of one of them
    std::int32_t length = 0;
    std::int32_t shared = 0;  // tokens in common with the group before
    std::int32_t first = 0;   // its samples: [first, end) in queue()
    std::int32_t end = 0;
    std::int32_t need = 0;    // most cells that one of its samples adds to the prompt's
  };

  // Throws InvalidArgument for an empty prompt and a sample of no prompt or without tokens.
  PromptOrder(std::vector<std::vector<Token>> prompts, std::vector<Sample> samples);

  const std::vector<Token>& prompt(std::int32_t index) const { return prompts_[index]; }
  const Sample& sample(std::int32_t index) const { return samples_[index]; }
  std::int32_t n_prompts() const { return static_cast<std::int32_t>(prompts_.size()); }
  std::int32_t n_samples() const { return static_cast<std::int32_t>(samples_.size()); }

  const std::vector<Group>& groups() const { return groups_; }
  // Samples in the order of their groups.
  const std::vector<std::int32_t>& queue() const { return queue_; }

  // Cells that a sample adds to its prompt's: its last token is never decoded.
  std::int32_t need(std::int32_t sample) const { return samples_[sample].max_tokens - 1; }

  // Size of the prompts' trie: the least tokens that prefilling all of them decodes.
  std::int64_t n_tokens() const { return n_tokens_; }
  // Cells in which any sample can run alone.
  std::int64_t least_cells() const;
  // Cells in which `n_prompts` consecutive prompts and `n_samples` samples fit, whichever they are.
  std::int64_t cells_for(std::int32_t n_prompts, std::int32_t n_samples) const;

  // The least length above `above` at which a group after `group` branches off its path.
  std::int32_t next_branch(std::int32_t group, std::int32_t above) const;
  // Whether a group from `group` on branches off the path of the one before `group` at `length`.
  bool branches_at(std::int32_t length, std::int32_t group) const;

 private:
  std::vector<std::vector<Token>> prompts_;
  std::vector<Sample> samples_;
  std::vector<Group> groups_;
  std::vector<std::int32_t> queue_;
  std::vector<std::int32_t> next_less_;  // by group: the next one with a smaller `shared`
  std::int64_t n_tokens_ = 0;
};

}  // namespace fastscore
