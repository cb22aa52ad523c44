// The one answer of a judging process, which only native code can give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fastscore::sandbox {

inline constexpr std::size_t nonce_bytes = 16;
// What an answer may carry of an exception, in bytes of UTF-8.
inline constexpr std::size_t error_bytes = 100;
inline constexpr std::size_t message_bytes = 600;
inline constexpr std::size_t answer_head_bytes = nonce_bytes + 1 + 8 + 2 + 2;
inline constexpr std::size_t answer_bytes = answer_head_bytes + error_bytes + message_bytes;

// In the order of fastscore.sandbox.OUTCOMES.
enum class Outcome : std::uint8_t { passed, failed, timed_out, out_of_memory, crashed, refused };

// From now on this process, and no child that it may fork, may answer once on `fd`.
void expect_answer(int fd, const std::uint8_t* nonce);

// What follows the answer of a program that passed; it must live as long as the process.
void add_to_pass(const std::string& record);

// Answers and ends the process; a second answer, or one of a forked child, only ends it.
[[noreturn]] void answer(Outcome outcome, const char* error, const char* message);

// Ends the process at once, running nothing that was registered for the end.
[[noreturn]] void leave(int status);

}  // namespace fastscore::sandbox
