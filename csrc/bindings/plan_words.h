// What plans are made of, in words.
#pragma once

#include <string>

#include "core/batch_plan.h"

namespace fastscore::bindings {

inline const char* name(MemoryOp::Kind kind) {
  switch (kind) {
    case MemoryOp::Kind::kClear:
      return "clear";
    case MemoryOp::Kind::kRemove:
      return "remove";
    case MemoryOp::Kind::kCopy:
      return "copy";
    case MemoryOp::Kind::kKeep:
      return "keep";
    case MemoryOp::Kind::kTrim:
      return "trim";
  }
  return "";
}

inline Sharing parse_sharing(const std::string& sharing) {
  if (sharing == "prefix") {
    return Sharing::kPrefix;
  }
  if (sharing == "state") {
    return Sharing::kState;
  }
  throw InvalidArgument("sharing is 'prefix' or 'state', not '" + sharing + "'");
}

}  // namespace fastscore::bindings
