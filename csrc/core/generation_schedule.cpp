#include "core/generation_schedule.h"

#include <algorithm>
#include <string>

namespace fastscore {

std::int32_t GenerationBudget::n_sequences(Sharing sharing) const {
  const std::int32_t trunk = sharing == Sharing::kPrefix ? kOpenPathSeqs : 1;
  return trunk + n_running + n_ready + n_checkpoints;
}

GenerationSchedule::GenerationSchedule(const PromptOrder& order, const GenerationBudget& budget,
                                       Sharing sharing)
    : order_(order),
      budget_(budget),
      sharing_(sharing),
      cells_(budget.n_sequences(sharing)),
      pinned_(budget.n_sequences(sharing)) {
  check_budget();
  std::int32_t seq = sharing == Sharing::kPrefix ? kOpenPathSeqs : 1;
  for (std::int32_t i = 0; i < budget.n_running + budget.n_ready; ++i) {
    free_seqs_.insert(seq++);
  }
  for (std::int32_t i = 0; i < budget.n_checkpoints; ++i) {
    free_checkpoints_.insert(seq++);
  }
  for (std::int32_t row = 0; row < budget.n_ready; ++row) {
    free_rows_.insert(row);
  }
  running_.resize(static_cast<std::size_t>(seq));
  pending_.push_back({MemoryOp::Kind::kClear});
}

std::int32_t GenerationSchedule::take(std::set<std::int32_t>& free) {
  const std::int32_t first = *free.begin();
  free.erase(free.begin());
  return first;
}

void GenerationSchedule::check_budget() const {
  const auto need_at_least = [](const char* name, std::int64_t value, std::int64_t least) {
    if (value < least) {
      throw InvalidArgument(std::string(name) + " is " + std::to_string(value) +
                            "; the schedule needs at least " + std::to_string(least));
    }
  };
  need_at_least("n_running", budget_.n_running, 1);
  need_at_least("n_ready", budget_.n_ready, 1);
  need_at_least("n_checkpoints", budget_.n_checkpoints, 0);
  need_at_least("n_batch", budget_.n_batch, budget_.n_running);
  need_at_least("n_cells", budget_.n_cells, order_.least_cells());
}

std::vector<GenerationSchedule::Started> GenerationSchedule::start() {
  std::vector<Started> started;
  while (!ready_.empty() && n_running_ < budget_.n_running) {
    Ready& ready = ready_.front();
    const auto& group = order_.groups()[ready.group];
    const std::int32_t sample = order_.queue()[ready.next];
    const std::int32_t cells = order_.need(sample);
    if (cells_.n_cells() + reserved_ + cells > budget_.n_cells) {
      break;  // those behind it wait too, or a large sample would wait for ever
    }
    std::int32_t seq = ready.seq;
    const std::int32_t row = ready.row;
    if (++ready.next == group.end) {
      // The last sample goes on in the prompt's own sequence.
      pinned_.trim(seq, 0);
      free_rows_.insert(row);
      ready_.pop_front();
    } else {
      seq = take(free_seqs_);
      pending_.push_back({MemoryOp::Kind::kCopy, ready.seq, seq, -1});
      cells_.share(ready.seq, seq, group.length);
    }
    running_[seq] = {sample, group.length, cells};
    reserved_ += cells;
    ++n_running_;
    started.push_back({sample, seq, row});
  }
  return started;
}

void GenerationSchedule::ended(std::int32_t seq) {
  Running& running = running_.at(seq);
  if (running.sample < 0) {
    throw InvalidArgument("sequence " + std::to_string(seq) + " runs no sample");
  }
  reserved_ -= running.left;
  running = {};
  cells_.trim(seq, 0);
  pending_.push_back({MemoryOp::Kind::kRemove, seq});
  free_seqs_.insert(seq);
  --n_running_;
  ++n_ended_;
}

const GenerationStep& GenerationSchedule::next() {
  step_ = {};
  step_.memory.swap(pending_);
  continue_samples();
  if (sharing_ == Sharing::kPrefix) {
    prefill_prefixes();
  } else {
    prefill_states();
  }
  if (step_.n_tokens == 0) {
    pending_.swap(step_.memory);  // nothing is decoded, and nothing is done
  }
  return step_;
}

void GenerationSchedule::continue_samples() {
  for (std::int32_t seq = 0; seq < static_cast<std::int32_t>(running_.size()); ++seq) {
    Running& running = running_[seq];
    if (running.sample < 0) {
      continue;
    }
    if (running.left == 0) {
      throw InvalidArgument("sample " + std::to_string(running.sample) +
                            " goes on beyond its max_tokens");
    }
    step_.continued.push_back({running.sample, seq, running.position});
    ++running.position;
    --running.left;
    --reserved_;
    cells_.extend(seq, 1);
    ++step_.n_tokens;
  }
}

// How many more tokens of prompts the step can hold.
//
// Beside the cells that running samples may still take, room stays for the first sample of any
// prompt that is ready or under way: when all others have ended it can start.
std::int32_t GenerationSchedule::room() const {
  std::int32_t need = group().need;
  for (const auto& ready : ready_) {
    need = std::max(need, order_.groups()[ready.group].need);
  }
  return std::min({budget_.n_batch - step_.n_tokens,
                   budget_.n_cells - cells_.n_cells() - reserved_,
                   budget_.n_cells - pinned_.n_cells() - need});
}

// Counts the next n tokens of the current prompt into the step.
void GenerationSchedule::prefill(std::int32_t n) {
  n_repeated_ += std::clamp(group().shared - filled_, 0, n);
  filled_ += n;
  cells_.extend(kTrunk, n);
  pinned_.extend(kTrunk, n);
  step_.n_tokens += n;
  step_.n_prompt_tokens += n;
  n_prompt_tokens_ += n;
}

// The trunk holds the whole of the current prompt: from now on a sequence of its own does, too.
void GenerationSchedule::complete(Stretch& stretch) {
  stretch.holder = take(free_seqs_);
  stretch.row = take(free_rows_);
  cells_.share(kTrunk, stretch.holder, filled_);
  pinned_.share(kTrunk, stretch.holder, filled_);
  ready_.push_back({group_, stretch.holder, stretch.row, group().first});
}

bool GenerationSchedule::can_prefill() const {
  return group_ < static_cast<std::int32_t>(order_.groups().size()) &&
         static_cast<std::int32_t>(ready_.size()) < budget_.n_ready;
}

}  // namespace fastscore
