// Which tokens each decode step of a generation run holds, and what happens to the engine's memory.
//
// Prompts are prefilled in the order of their token ids, which is the depth-first order of their
// trie, so that what two of them share is decoded once. A finished prompt waits in a sequence of
// its own, with its row of logits, until all its samples have started; each sample is a copy of
// that sequence, which costs no cells, and continues it. A step is one token of each running sample
// and, in the room that is left, tokens of prompts. A sample starts only when the cells that it may
// need at most are free, so a run never gets stuck half-way.
//
// A schedule knows no model: it says what to decode and is told which samples ended.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "core/batch_plan.h"
#include "core/cell_ledger.h"
#include "core/prompt_order.h"

namespace fastscore {

struct GenerationBudget {
  std::int32_t n_batch = 512;     // tokens a step; at least n_running
  std::int32_t n_cells = 0;       // KV cells; at least what any one sample needs
  std::int32_t n_running = 16;    // samples at a time
  std::int32_t n_ready = 8;       // prompts prefilled ahead of their samples
  std::int32_t n_checkpoints = 0; // kept states of beginnings of prompts; only for Sharing::kState

  // Sequences that a schedule uses: ids are below this.
  std::int32_t n_sequences(Sharing sharing) const;
};

struct GenerationStep {
  // Tokens [begin, end) of a prompt, which belong to all of `seqs`.
  struct Chunk {
    std::int32_t prompt = 0;
    std::int32_t begin = 0;
    std::int32_t end = 0;
    std::vector<std::int32_t> seqs;
    std::int32_t row = -1;  // where the logits after the last token are to be kept; -1: not wanted
  };
  // The last token of a running sample. The logits after it are always wanted.
  struct Continued {
    std::int32_t sample = 0;
    std::int32_t seq = 0;
    std::int32_t position = 0;
  };

  std::vector<MemoryOp> memory;      // in this order, before decoding
  std::vector<Chunk> chunks;         // first in the batch
  std::vector<Continued> continued;  // behind them
  std::int32_t n_tokens = 0;
  std::int32_t n_prompt_tokens = 0;  // of these, tokens of prompts
};

class GenerationSchedule {
 public:
  // A sample whose first token is to be drawn from the kept row `row`.
  struct Started {
    std::int32_t sample = 0;
    std::int32_t seq = 0;
    std::int32_t row = 0;
  };

  // `order` must outlive the schedule. Throws InvalidArgument for a budget that cannot hold even one
  // sample at a time.
  GenerationSchedule(const PromptOrder& order, const GenerationBudget& budget, Sharing sharing);

  bool done() const { return n_ended_ == order_.n_samples(); }

  // Samples that can start now. Their first tokens are drawn before next() is called; ended() may
  // make room for more, so call it until it returns none.
  std::vector<Started> start();

  // The next step; empty while all that is left waits for start(). Each sample whose token is in it
  // draws the next one afterwards.
  const GenerationStep& next();

  // The sample on sequence `seq` draws no more tokens.
  void ended(std::int32_t seq);

  const PromptOrder& order() const { return order_; }
  std::int32_t n_sequences() const { return static_cast<std::int32_t>(running_.size()); }

  // In the steps so far: tokens of prompts, and of these, decoded before and lost to a budget.
  std::int64_t n_prompt_tokens() const { return n_prompt_tokens_; }
  std::int64_t n_repeated() const { return n_repeated_; }

 private:
  static constexpr std::int32_t kTrunk = 0;
  static constexpr std::int32_t kTrunkTwin = 1;

  // A prefilled prompt with samples that have not started.
  struct Ready {
    std::int32_t group = 0;
    std::int32_t seq = 0;
    std::int32_t row = 0;
    std::int32_t next = 0;  // in order_.queue()
  };
  struct Running {
    std::int32_t sample = -1;    // -1: the sequence runs none
    std::int32_t position = 0;   // of its next token
    std::int32_t left = 0;       // cells that it may still take
  };
  // A state of the trunk, kept after `length` tokens.
  struct Checkpoint {
    std::int32_t length = 0;
    std::int32_t seq = 0;
  };
  // A stretch of the trunk in the step under way.
  struct Stretch {
    std::int32_t group = 0;
    std::int32_t begin = 0;
    std::int32_t end = 0;
    std::int32_t holder = -1;  // sequence and row of a prompt that it completes
    std::int32_t row = -1;
  };

  static std::int32_t take(std::set<std::int32_t>& free);
  void check_budget() const;
  const PromptOrder::Group& group() const { return order_.groups()[group_]; }
  bool can_prefill() const;
  std::int32_t room() const;

  void continue_samples();
  void prefill(std::int32_t n);
  void complete(Stretch& stretch);
  // Attention: any number of prompts a step, each in a sequence of its own from where it branches.
  void prefill_prefixes();
  void emit(const std::vector<Stretch>& stretches, std::int32_t in_memory);
  // States: one prompt a step, on the trunk.
  void prefill_states();
  void restore(std::int32_t length);
  void keep_checkpoint();
  void drop_checkpoint(std::size_t index);

  const PromptOrder& order_;
  GenerationBudget budget_;
  Sharing sharing_;

  std::int32_t group_ = 0;   // being prefilled; the number of groups: none left
  std::int32_t filled_ = 0;  // tokens in the trunk
  std::deque<Ready> ready_;
  std::vector<Checkpoint> checkpoints_;  // by length, ascending
  std::set<std::int32_t> free_seqs_;
  std::set<std::int32_t> free_rows_;
  std::set<std::int32_t> free_checkpoints_;
  std::vector<Running> running_;  // by sequence
  std::int32_t n_running_ = 0;
  std::int32_t reserved_ = 0;     // cells that running samples may still take
  CellLedger cells_;              // of all sequences
  CellLedger pinned_;             // without the samples: what does not go away by itself

  std::vector<MemoryOp> pending_;  // for the next step
  GenerationStep step_;
  std::int32_t n_ended_ = 0;
  std::int64_t n_prompt_tokens_ = 0;
  std::int64_t n_repeated_ = 0;
};

}  // namespace fastscore
