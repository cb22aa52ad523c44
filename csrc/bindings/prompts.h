// Prompts as flat arrays, taken apart.
#pragma once

#include "bindings/module.h"
#include "core/types.h"

namespace fastscore::bindings {

// Prompt i has the ids [offsets[i], offsets[i + 1]).
inline std::vector<std::vector<Token>> split(std::span<const Token> ids,
                                             std::span<const std::int64_t> offsets) {
  std::vector<std::vector<Token>> prompts;
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    const std::int64_t begin = offsets[i - 1];
    const std::int64_t end = offsets[i];
    if (begin < 0 || end < begin || end > static_cast<std::int64_t>(ids.size())) {
      throw InvalidArgument("offsets must ascend from 0 to the number of ids");
    }
    prompts.emplace_back(ids.begin() + begin, ids.begin() + end);
  }
  return prompts;
}

}  // namespace fastscore::bindings
