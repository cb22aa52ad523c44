// Prefilling where any prefix of a sequence may be shared: attention, sliding windows.
#include <algorithm>

#include "core/generation_schedule.h"

namespace fastscore {

void GenerationSchedule::prefill_prefixes() {
  const std::int32_t in_memory = filled_;
  std::vector<Stretch> stretches;
  while (can_prefill()) {
    const std::int32_t n = std::min(room(), group().length - filled_);
    if (n <= 0) {
      break;
    }
    Stretch stretch{group_, filled_, filled_ + n};
    prefill(n);
    if (filled_ == group().length) {
      complete(stretch);
      ++group_;
      const bool more = group_ < static_cast<std::int32_t>(order_.groups().size());
      filled_ = more ? group().shared : 0;
      cells_.trim(kTrunk, filled_);
      pinned_.trim(kTrunk, filled_);
    }
    stretches.push_back(stretch);
  }
  if (!stretches.empty()) {
    emit(stretches, in_memory);
  }
}

// Spells the stretches out. `in_memory` tokens of the first one's prompt are in the trunk already.
//
// Within the batch a token belongs to every prompt below it that the step completes, and to the
// trunk if it is on the path of the last stretch: what a later stretch continues from.
void GenerationSchedule::emit(const std::vector<Stretch>& stretches, std::int32_t in_memory) {
  using Kind = MemoryOp::Kind;
  const auto& groups = order_.groups();
  const auto n = static_cast<std::int32_t>(stretches.size());
  std::int32_t common = in_memory;  // tokens in memory that the stretch's prompt begins with
  for (std::int32_t j = 0; j < n; ++j) {
    if (j > 0) {
      common = std::min(common, groups[stretches[j].group].shared);
    }
    if (stretches[j].holder >= 0 && common > 0) {
      step_.memory.push_back({Kind::kCopy, kTrunk, stretches[j].holder, common});
    }
  }
  const auto shorten_trunk = [](std::vector<MemoryOp>& memory, std::int32_t length) {
    for (const std::int32_t seq : {kTrunk, kTrunkTwin}) {
      memory.push_back(length > 0 ? MemoryOp{Kind::kTrim, seq, 0, length}
                                  : MemoryOp{Kind::kRemove, seq});
    }
  };
  if (common < in_memory) {
    shorten_trunk(step_.memory, common);
  }
  if (stretches.back().holder >= 0) {
    shorten_trunk(pending_, filled_);
  }

  for (std::int32_t j = 0; j < n; ++j) {
    const Stretch& stretch = stretches[j];
    // Until where the tokens of this stretch are on the path of stretch k as well, k from the last
    // one down to j: ascending.
    std::vector<std::int32_t> until(static_cast<std::size_t>(n), stretch.end);
    for (std::int32_t k = j + 1; k < n; ++k) {
      until[k] = std::min(until[k - 1], groups[stretches[k].group].shared);
    }
    std::int32_t begin = stretch.begin;
    for (std::int32_t last = n - 1; last >= j; --last) {
      const std::int32_t end = until[last];
      if (end <= begin) {
        continue;
      }
      GenerationStep::Chunk chunk{groups[stretch.group].prompt, begin, end, {}, -1};
      if (last == n - 1) {
        chunk.seqs = {kTrunk, kTrunkTwin};
      }
      for (std::int32_t k = j; k <= last; ++k) {
        if (stretches[k].holder >= 0) {
          chunk.seqs.push_back(stretches[k].holder);
        }
      }
      chunk.row = end == stretch.end ? stretch.row : -1;
      step_.chunks.push_back(std::move(chunk));
      begin = end;
    }
  }
}

}  // namespace fastscore
