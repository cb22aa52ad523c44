// Steps that the kernel may refuse.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace fastscore::sandbox {

// What the kernel refused: what() names the step, code() says why.
using JailError = std::system_error;

[[noreturn]] inline void fail(const std::string& step) {
  throw JailError(errno, std::generic_category(), step);
}

inline void check(long result, const std::string& step) {
  if (result < 0) fail(step);
}

}  // namespace fastscore::sandbox
