// Schedules: the trie cut into decode steps within the engine's budgets.
//
// A plan is a pure function of trie and budgets. It says for each step what happens to the
// engine's memory first and which tokens are decoded then, so that it can be checked, and
// simulated, without a model.
#pragma once

#include <cstdint>
#include <vector>

#include "core/trie_order.h"

namespace fastscore {

// What a model family allows to be shared.
enum class Sharing {
  // A token may belong to many sequences and any prefix of a sequence may be kept: attention.
  kPrefix,
  // A sequence is one state that can be copied or dropped only as a whole: recurrent and hybrid.
  kState,
};

struct Budget {
  std::int32_t n_batch = 512;  // tokens a step
  std::int32_t n_cells = 0;    // KV cells; at least the longest path
  std::int32_t n_seqs = 256;   // sequences
  std::int32_t n_rows = 512;   // logit rows a step
};

// One call on the engine's memory. Positions are [begin, end); end < 0 means to the end.
struct MemoryOp {
  enum class Kind {
    kClear,   // drop everything
    kRemove,  // drop sequence `seq`
    kCopy,    // let sequence `to` share positions [0, end) of `seq`
    kKeep,    // drop every sequence but `seq`
    kTrim,    // drop the positions of `seq` from `end` on
  };
  Kind kind = Kind::kClear;
  std::int32_t seq = 0;
  std::int32_t to = 0;
  std::int32_t end = -1;
};

// Consecutive tokens of one trie node that belong to sequences [seq, seq + n_seqs).
struct Segment {
  std::int32_t node = 0;    // index in TrieOrder::nodes
  std::int32_t offset = 0;  // first token, counted from the node's first
  std::int32_t length = 0;
  std::int32_t seq = 0;
  std::int32_t n_seqs = 1;
  bool repeated = false;    // decoded before and lost to a budget: its rows have been read
};

struct Step {
  std::vector<MemoryOp> memory;    // in this order, before decoding
  std::vector<Segment> segments;   // in batch order
  std::int32_t n_tokens = 0;
  std::int32_t n_rows = 0;
};

struct BatchPlan {
  std::vector<Step> steps;
  std::int64_t n_tokens = 0;    // decoded in all
  std::int64_t n_repeated = 0;  // of these, decoded again because a budget forced it
  std::int64_t n_rows = 0;
};

// Sequence ids that the prefix plan keeps for the open path; leaves get those above.
inline constexpr std::int32_t kOpenPathSeqs = 2;

// Throws InvalidArgument where a budget cannot hold even one request at a time.
BatchPlan plan_batches(const TrieOrder& order, const Budget& budget, Sharing sharing);

namespace detail {
BatchPlan plan_prefix(const TrieOrder& order, const Budget& budget);
BatchPlan plan_state(const TrieOrder& order, const Budget& budget);
}  // namespace detail

}  // namespace fastscore
