#include "core/cell_ledger.h"

namespace fastscore {

std::int32_t CellLedger::length(std::int32_t seq) const {
  const std::int32_t head = head_[seq];
  return head == kNone ? 0 : runs_[head].begin + runs_[head].length;
}

void CellLedger::extend(std::int32_t seq, std::int32_t n) {
  const std::int32_t head = head_[seq];
  if (head != kNone && runs_[head].users == 1) {
    runs_[head].length += n;
  } else {
    // The new run takes the sequence's place as a user of the old one.
    head_[seq] = add({length(seq), n, head, 1});
  }
  n_cells_ += n;
}

void CellLedger::share(std::int32_t seq, std::int32_t to, std::int32_t length) {
  const std::int32_t run = ending_at(seq, length);
  if (run != kNone) {
    ++runs_[run].users;
  }
  head_[to] = run;
}

void CellLedger::trim(std::int32_t seq, std::int32_t length) {
  const std::int32_t run = ending_at(seq, length);
  if (run != kNone) {
    ++runs_[run].users;
  }
  drop(head_[seq]);
  head_[seq] = run;
}

std::int32_t CellLedger::add(const Run& run) {
  if (unused_.empty()) {
    runs_.push_back(run);
    return static_cast<std::int32_t>(runs_.size()) - 1;
  }
  const std::int32_t index = unused_.back();
  unused_.pop_back();
  runs_[index] = run;
  return index;
}

// The run of the sequence's path that ends after `length` tokens; one that goes on is split there.
std::int32_t CellLedger::ending_at(std::int32_t seq, std::int32_t length) {
  std::int32_t run = head_[seq];
  while (run != kNone && runs_[run].begin >= length) {
    run = runs_[run].before;
  }
  if (run == kNone || runs_[run].begin + runs_[run].length == length) {
    return run;
  }
  // The later part keeps the index, which its users know it by.
  const Run whole = runs_[run];
  const std::int32_t first = add({whole.begin, length - whole.begin, whole.before, 1});
  runs_[run] = {length, whole.length - (length - whole.begin), first, whole.users};
  return first;
}

void CellLedger::drop(std::int32_t run) {
  while (run != kNone && --runs_[run].users == 0) {
    n_cells_ -= runs_[run].length;
    unused_.push_back(run);
    run = runs_[run].before;
  }
}

}  // namespace fastscore
