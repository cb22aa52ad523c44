// Which instruction sets the kernels may use on this machine.
#pragma once

#include <string>
#include <vector>

namespace fastscore {

// Instruction sets that some kernel uses. A flag is set only if the CPU has the instructions and
// the operating system saves their registers, so that a set flag means: may be executed.
struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool avx512f = false;
  bool avx512dq = false;
  bool avx512bw = false;
  bool neon = false;
};

// The features of this machine, read once.
const CpuFeatures& cpu_features() noexcept;

// Names of the features that are present, e.g. {"avx2", "fma"}.
std::vector<std::string> cpu_feature_names();

}  // namespace fastscore
