// Who holds which KV cells, and how many are taken in all.
//
// A cell is alive while any sequence holds it. Sequences that share a beginning share its cells, so
// the cells taken are those of a tree of runs, each counted once.
#pragma once

#include <cstdint>
#include <vector>

namespace fastscore {

class CellLedger {
 public:
  explicit CellLedger(std::int32_t n_seqs) : head_(static_cast<std::size_t>(n_seqs), kNone) {}

  // Cells taken by all sequences together.
  std::int32_t n_cells() const { return n_cells_; }
  // Tokens that a sequence holds.
  std::int32_t length(std::int32_t seq) const;

  // Adds n > 0 tokens to the end of a sequence.
  void extend(std::int32_t seq, std::int32_t n);
  // Lets the empty sequence `to` hold the first `length` tokens of `seq` too.
  void share(std::int32_t seq, std::int32_t to, std::int32_t length);
  // Keeps the first `length` tokens of a sequence.
  void trim(std::int32_t seq, std::int32_t length);

 private:
  static constexpr std::int32_t kNone = -1;

  // Consecutive cells with the same holders.
  struct Run {
    std::int32_t begin = 0;  // position of its first token
    std::int32_t length = 0;
    std::int32_t before = kNone;
    std::int32_t users = 0;  // sequences that end here, and runs that continue it
  };

  std::int32_t add(const Run& run);
  std::int32_t ending_at(std::int32_t seq, std::int32_t length);
  void drop(std::int32_t run);

  std::vector<Run> runs_;
  std::vector<std::int32_t> unused_;  // indices in runs_
  std::vector<std::int32_t> head_;    // by sequence: its last run
  std::int32_t n_cells_ = 0;
};

}  // namespace fastscore
