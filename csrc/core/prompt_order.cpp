#include "core/prompt_order.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

namespace fastscore {

namespace {

std::int32_t in_common(const std::vector<Token>& a, const std::vector<Token>& b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::int32_t>(ends.first - a.begin());
}

}  // namespace

PromptOrder::PromptOrder(std::vector<std::vector<Token>> prompts, std::vector<Sample> samples)
    : prompts_(std::move(prompts)), samples_(std::move(samples)), queue_(samples_.size()) {
  for (const auto& sample : samples_) {
    if (sample.prompt < 0 || sample.prompt >= n_prompts()) {
      throw InvalidArgument("there is no prompt " + std::to_string(sample.prompt));
    }
    if (prompts_[sample.prompt].empty()) {
      throw InvalidArgument("prompt " + std::to_string(sample.prompt) + " has no token");
    }
    if (sample.max_tokens < 1) {
      throw InvalidArgument("max_tokens is " + std::to_string(sample.max_tokens) +
                            "; a sample has at least 1 token");
    }
  }
  std::iota(queue_.begin(), queue_.end(), 0);
  std::stable_sort(queue_.begin(), queue_.end(), [this](std::int32_t a, std::int32_t b) {
    const std::int32_t p = samples_[a].prompt;
    const std::int32_t q = samples_[b].prompt;
    return p != q && prompts_[p] < prompts_[q];
  });
  for (std::int32_t i = 0; i < n_samples(); ++i) {
    const std::int32_t p = samples_[queue_[i]].prompt;
    const auto& ids = prompts_[p];
    const auto* before = groups_.empty() ? nullptr : &prompts_[groups_.back().prompt];
    if (before == nullptr || (before != &ids && *before != ids)) {
      const auto length = static_cast<std::int32_t>(ids.size());
      const std::int32_t shared = before == nullptr ? 0 : in_common(*before, ids);
      groups_.push_back({p, length, shared, i, i, 0});
      n_tokens_ += length - shared;
    }
    Group& group = groups_.back();
    group.end = i + 1;
    group.need = std::max(group.need, need(queue_[i]));
  }
  const auto n = static_cast<std::int32_t>(groups_.size());
  next_less_.assign(groups_.size(), n);
  for (std::int32_t i = n - 1; i >= 0; --i) {
    std::int32_t k = i + 1;
    while (k < n && groups_[k].shared >= groups_[i].shared) {
      k = next_less_[k];
    }
    next_less_[i] = k;
  }
}

std::int64_t PromptOrder::least_cells() const {
  std::int64_t most = 0;
  for (const auto& group : groups_) {
    most = std::max(most, static_cast<std::int64_t>(group.length) + group.need);
  }
  return most;
}

std::int64_t PromptOrder::cells_for(std::int32_t n_prompts, std::int32_t n_samples) const {
  const auto n = static_cast<std::int32_t>(groups_.size());
  std::int64_t most_of_prompts = 0;
  std::int64_t own = 0;  // of the prompts [first, last], without what the first one shares
  std::int64_t most_of_sample = 0;
  for (std::int32_t last = 0; last < n; ++last) {
    const std::int32_t first = std::max(0, last - n_prompts + 1);
    own += groups_[last].length - groups_[last].shared;
    if (first > 0) {
      own -= groups_[first - 1].length - groups_[first - 1].shared;
    }
    most_of_prompts = std::max(most_of_prompts, groups_[first].shared + own);
    most_of_sample = std::max<std::int64_t>(most_of_sample, groups_[last].need);
  }
  return most_of_prompts + most_of_sample * std::min(n_samples, this->n_samples());
}

std::int32_t PromptOrder::next_branch(std::int32_t group, std::int32_t above) const {
  std::int32_t least = std::numeric_limits<std::int32_t>::max();
  const auto n = static_cast<std::int32_t>(groups_.size());
  for (std::int32_t k = group + 1; k < n && groups_[k].shared > above; k = next_less_[k]) {
    least = groups_[k].shared;
  }
  return least;
}

bool PromptOrder::branches_at(std::int32_t length, std::int32_t group) const {
  const auto n = static_cast<std::int32_t>(groups_.size());
  for (std::int32_t k = group; k < n && groups_[k].shared >= length; k = next_less_[k]) {
    if (groups_[k].shared == length) {
      return true;
    }
  }
  return false;
}

}  // namespace fastscore
