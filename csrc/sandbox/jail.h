// A view of the machine in which there is next to nothing.
#pragma once

#include <string>
#include <vector>

#include "sandbox/steps.h"

namespace fastscore::sandbox {

// What one program may use; as fastscore.sandbox.SandboxLimits.
struct Limits {
  double cpu_seconds = 0;
  double wall_seconds = 0;
  unsigned long long memory_bytes = 0;
  unsigned long long file_bytes = 0;
  unsigned long long open_files = 0;
  unsigned long long processes = 0;
};

// Moves on into namespaces of its own, with a file system that holds `directories` (read-only, at
// their own paths, symbolic links resolved), three devices and an empty workspace. Those of
// `hidden`, which lie within them, appear empty. What returns is a child process, the first of its
// process namespace; the caller stays behind, ends when that ends, and takes it along when killed.
void enter_jail(const std::vector<std::string>& directories, const std::vector<std::string>& hidden,
                const Limits& limits);

// In the process of one program: gives up every right, and limits what is left.
void confine(const Limits& limits);

// In the jail, between two programs: an empty workspace.
void renew_workspace(const Limits& limits);

}  // namespace fastscore::sandbox
