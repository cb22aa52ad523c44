#include "core/cpu_features.h"

#if defined(__x86_64__) || defined(_M_X64)
#define FASTSCORE_X86_64 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#include <cstdint>

namespace fastscore {
namespace {

#if defined(FASTSCORE_X86_64)

struct CpuidLeaf {
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
};

CpuidLeaf cpuid(std::uint32_t leaf) noexcept {
#if defined(_MSC_VER)
  int highest[4];
  __cpuid(highest, 0);
  if (static_cast<std::uint32_t>(highest[0]) < leaf) return {};
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), 0);
  return {static_cast<std::uint32_t>(out[1]), static_cast<std::uint32_t>(out[2])};
#else
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx) == 0) return {};
  return {ebx, ecx};
#endif
}

// XCR0: which register files the operating system saves on a context switch.
std::uint64_t enabled_register_state() noexcept {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  // In assembler because the intrinsic exists only where the whole file is compiled with -mxsave.
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

CpuFeatures detect() noexcept {
  constexpr std::uint32_t kFma = 1u << 12, kOsxsave = 1u << 27;     // leaf 1, ecx
  constexpr std::uint32_t kAvx2 = 1u << 5, kAvx512f = 1u << 16;     // leaf 7, ebx
  constexpr std::uint32_t kAvx512dq = 1u << 17, kAvx512bw = 1u << 30;
  constexpr std::uint64_t kYmmState = 0x06;                         // XMM and upper halves of YMM
  constexpr std::uint64_t kZmmState = 0xe6;                         // those, opmasks and ZMM

  const CpuidLeaf basic = cpuid(1);
  if ((basic.ecx & kOsxsave) == 0) return {};  // without it xgetbv itself is an illegal instruction
  const CpuidLeaf extended = cpuid(7);
  const std::uint64_t state = enabled_register_state();
  const bool ymm = (state & kYmmState) == kYmmState;
  const bool zmm = (state & kZmmState) == kZmmState;

  CpuFeatures found;
  found.fma = ymm && (basic.ecx & kFma) != 0;
  found.avx2 = ymm && (extended.ebx & kAvx2) != 0;
  found.avx512f = zmm && (extended.ebx & kAvx512f) != 0;
  found.avx512dq = found.avx512f && (extended.ebx & kAvx512dq) != 0;
  found.avx512bw = found.avx512f && (extended.ebx & kAvx512bw) != 0;
  return found;
}

#else

CpuFeatures detect() noexcept {
  CpuFeatures found;
#if defined(__aarch64__) || defined(_M_ARM64)
  found.neon = true;  // part of the 64-bit ARM baseline
#endif
  return found;
}

#endif

}  // namespace

const CpuFeatures& cpu_features() noexcept {
  static const CpuFeatures features = detect();
  return features;
}

std::vector<std::string> cpu_feature_names() {
  const CpuFeatures& have = cpu_features();
  std::vector<std::string> names;
  if (have.avx2) names.emplace_back("avx2");
  if (have.fma) names.emplace_back("fma");
  if (have.avx512f) names.emplace_back("avx512f");
  if (have.avx512dq) names.emplace_back("avx512dq");
  if (have.avx512bw) names.emplace_back("avx512bw");
  if (have.neon) names.emplace_back("neon");
  return names;
}

}  // namespace fastscore
