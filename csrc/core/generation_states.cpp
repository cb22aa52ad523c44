// Prefilling where a sequence is one state: recurrent and hybrid models.
//
// The trunk reads one prompt after the other. Where a later prompt branches off, its state is kept,
// as long as there are sequences for it.
#include <algorithm>

#include "core/generation_schedule.h"

namespace fastscore {

void GenerationSchedule::prefill_states() {
  if (!can_prefill()) {
    return;
  }
  std::int32_t stop = group().length;
  if (budget_.n_checkpoints > 0) {
    stop = std::min(stop, order_.next_branch(group_, filled_));
  }
  const std::int32_t n = std::min(room(), stop - filled_);
  if (n <= 0) {
    return;
  }
  Stretch stretch{group_, filled_, filled_ + n};
  prefill(n);
  const bool whole = filled_ == group().length;
  if (whole) {
    complete(stretch);
    pending_.push_back({MemoryOp::Kind::kCopy, kTrunk, stretch.holder, -1});
  }
  step_.chunks.push_back({group().prompt, stretch.begin, stretch.end, {kTrunk}, stretch.row});
  // The next prompt takes over a state at the end of this one; others may come back to it.
  if (budget_.n_checkpoints > 0 && filled_ == stop &&
      order_.branches_at(filled_, group_ + (whole ? 2 : 1))) {
    keep_checkpoint();
  }
  if (whole) {
    ++group_;
    const bool more = group_ < static_cast<std::int32_t>(order_.groups().size());
    restore(more ? group().shared : 0);
  }
}

// Keeps the trunk's state. Where no sequence is left, the state goes without which the fewest
// tokens are decoded again; that may be the new one.
void GenerationSchedule::keep_checkpoint() {
  if (free_checkpoints_.empty()) {
    std::size_t cheapest = checkpoints_.size();
    std::int32_t least = filled_ - checkpoints_.back().length;
    for (std::size_t i = 0; i < checkpoints_.size(); ++i) {
      const std::int32_t cost =
          checkpoints_[i].length - (i == 0 ? 0 : checkpoints_[i - 1].length);
      if (cost < least) {
        least = cost;
        cheapest = i;
      }
    }
    if (cheapest == checkpoints_.size()) {
      return;
    }
    drop_checkpoint(cheapest);
  }
  const std::int32_t seq = take(free_checkpoints_);
  pending_.push_back({MemoryOp::Kind::kCopy, kTrunk, seq, -1});
  cells_.share(kTrunk, seq, filled_);
  pinned_.share(kTrunk, seq, filled_);
  checkpoints_.push_back({filled_, seq});
}

void GenerationSchedule::drop_checkpoint(std::size_t index) {
  const std::int32_t seq = checkpoints_[index].seq;
  pending_.push_back({MemoryOp::Kind::kRemove, seq});
  cells_.trim(seq, 0);
  pinned_.trim(seq, 0);
  free_checkpoints_.insert(seq);
  checkpoints_.erase(checkpoints_.begin() + static_cast<std::ptrdiff_t>(index));
}

// Takes the trunk back to `length` tokens, or to the nearest state below.
void GenerationSchedule::restore(std::int32_t length) {
  using Kind = MemoryOp::Kind;
  if (length < filled_) {
    while (!checkpoints_.empty() && checkpoints_.back().length > length) {
      drop_checkpoint(checkpoints_.size() - 1);
    }
    pending_.push_back({Kind::kRemove, kTrunk});
    filled_ = 0;
    if (!checkpoints_.empty()) {
      filled_ = checkpoints_.back().length;
      pending_.push_back({Kind::kCopy, checkpoints_.back().seq, kTrunk, -1});
    }
    cells_.trim(kTrunk, filled_);
    pinned_.trim(kTrunk, filled_);
  }
  while (!checkpoints_.empty() && !order_.branches_at(checkpoints_.back().length, group_ + 1)) {
    drop_checkpoint(checkpoints_.size() - 1);
  }
}

}  // namespace fastscore
