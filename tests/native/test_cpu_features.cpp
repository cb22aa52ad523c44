#include <algorithm>

#include "check.h"
#include "core/cpu_features.h"
#include "core/log_softmax.h"

using namespace fastscore;

namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

#if defined(__x86_64__) && defined(__GNUC__)
TEST(cpu_features_agree_with_the_compilers_own_detection) {
  const CpuFeatures& cpu = cpu_features();
  CHECK_EQUAL(cpu.avx2, __builtin_cpu_supports("avx2") != 0);
  CHECK_EQUAL(cpu.fma, __builtin_cpu_supports("fma") != 0);
  CHECK_EQUAL(cpu.avx512f, __builtin_cpu_supports("avx512f") != 0);
  CHECK_EQUAL(cpu.avx512dq, __builtin_cpu_supports("avx512dq") != 0);
  CHECK_EQUAL(cpu.avx512bw, __builtin_cpu_supports("avx512bw") != 0);
  CHECK(!cpu.neon);
}
#endif

TEST(cpu_feature_names_list_what_is_set) {
  const CpuFeatures& cpu = cpu_features();
  const auto names = cpu_feature_names();
  CHECK_EQUAL(has(names, "avx2"), cpu.avx2);
  CHECK_EQUAL(has(names, "fma"), cpu.fma);
  CHECK_EQUAL(has(names, "avx512f"), cpu.avx512f);
  CHECK_EQUAL(has(names, "avx512dq"), cpu.avx512dq);
  CHECK_EQUAL(has(names, "avx512bw"), cpu.avx512bw);
  CHECK_EQUAL(has(names, "neon"), cpu.neon);
}

TEST(kernels_are_those_that_the_cpu_can_execute) {
  const CpuFeatures& cpu = cpu_features();
  const auto kernels = available_kernels();
  CHECK_EQUAL(has(kernels, "avx512"), cpu.avx512f);
  CHECK_EQUAL(has(kernels, "avx2"), cpu.avx2 && cpu.fma);
  CHECK_EQUAL(has(kernels, "neon"), cpu.neon);
  CHECK_EQUAL(kernels.back(), "portable");
  CHECK_EQUAL(std::string(log_softmax_kernel().name), kernels.front());
}

TEST(an_unknown_kernel_is_refused_with_the_list_of_those_there_are) {
  const std::string message = CHECK_THROWS(InvalidArgument, log_softmax_kernel("avx1024"));
  CHECK(message.find("'avx1024'") != std::string::npos);
  for (const auto& name : available_kernels()) CHECK(message.find(name) != std::string::npos);
}
