#include "sandbox/verdict.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <ctime>

#ifdef _WIN32
#include <io.h>
#include <process.h>
#include <windows.h>
#else
#include <unistd.h>
#endif

namespace fastscore::sandbox {
namespace {

struct {
  int fd = -1;
  long process = 0;
  std::uint8_t nonce[nonce_bytes] = {};
  std::atomic<bool> answered{false};
  const std::string* record = nullptr;
} channel;

long process_id() {
#ifdef _WIN32
  return static_cast<long>(GetCurrentProcessId());
#else
  return static_cast<long>(getpid());
#endif
}

std::uint64_t cpu_nanoseconds() {
#ifdef _WIN32
  FILETIME created, ended, kernel, user;
  if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user)) return 0;
  const auto ticks = [](const FILETIME& time) {
    return (static_cast<std::uint64_t>(time.dwHighDateTime) << 32) | time.dwLowDateTime;
  };
  return (ticks(kernel) + ticks(user)) * 100;
#else
  timespec now{};
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) return 0;
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

template <typename Integer>
std::uint8_t* put(std::uint8_t* at, Integer value) {
  for (std::size_t byte = 0; byte < sizeof(Integer); ++byte) {
    *at++ = static_cast<std::uint8_t>(value >> (8 * byte));
  }
  return at;
}

void write_all(const std::uint8_t* data, std::size_t size) {
  while (size > 0) {
#ifdef _WIN32
    const int written = _write(channel.fd, data, static_cast<unsigned>(size));
#else
    const ssize_t written = write(channel.fd, data, size);
#endif
    if (written <= 0) return;  // the reader has given up on this process
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

}  // namespace

void expect_answer(int fd, const std::uint8_t* nonce) {
  channel.fd = fd;
  channel.process = process_id();
  std::memcpy(channel.nonce, nonce, nonce_bytes);
  channel.answered = false;
}

void add_to_pass(const std::string& record) { channel.record = &record; }

void leave(int status) {
#ifdef _WIN32
  TerminateProcess(GetCurrentProcess(), static_cast<UINT>(status));
  std::abort();
#else
  _exit(status);
#endif
}

void answer(Outcome outcome, const char* error, const char* message) {
  if (process_id() != channel.process || channel.answered.exchange(true)) leave(1);
  const std::size_t n_error = std::min(std::strlen(error), error_bytes);
  const std::size_t n_message = std::min(std::strlen(message), message_bytes);
  std::uint8_t bytes[answer_bytes];
  std::memcpy(bytes, channel.nonce, nonce_bytes);
  std::uint8_t* at = bytes + nonce_bytes;
  at = put(at, static_cast<std::uint8_t>(outcome));
  at = put(at, cpu_nanoseconds());
  at = put(at, static_cast<std::uint16_t>(n_error));
  at = put(at, static_cast<std::uint16_t>(n_message));
  at = std::copy_n(error, n_error, at);
  at = std::copy_n(message, n_message, at);
  write_all(bytes, static_cast<std::size_t>(at - bytes));
  if (outcome == Outcome::passed && channel.record != nullptr) {
    write_all(reinterpret_cast<const std::uint8_t*>(channel.record->data()),
              channel.record->size());
  }
  leave(0);
}

}  // namespace fastscore::sandbox
