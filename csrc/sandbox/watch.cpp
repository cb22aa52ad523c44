#include "sandbox/watch.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include "sandbox/record.h"

namespace fastscore::sandbox {
namespace {

double seconds(const timespec& time) {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return seconds(time);
}

// CPU time of another process, all threads; as clock_getcpuclockid() makes its clock. 0 once it is
// gone.
double cpu_of(pid_t process) {
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(process)) << 3 | 2u);
  timespec time{};
  return clock_gettime(clock, &time) == 0 ? seconds(time) : 0;
}

std::uint16_t get_u16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] | at[1] << 8);
}

// True when `bytes` are one answer with this nonce, and nothing else but the record of a pass.
bool read_answer(const std::uint8_t* bytes, std::size_t size, const std::uint8_t* nonce,
                 Reply& reply, std::string& record) {
  if (size < answer_head_bytes || std::memcmp(bytes, nonce, nonce_bytes) != 0) return false;
  const std::uint8_t outcome = bytes[nonce_bytes];
  const std::size_t n_error = get_u16(bytes + nonce_bytes + 9);
  const std::size_t n_message = get_u16(bytes + nonce_bytes + 11);
  const std::size_t n_answer = answer_head_bytes + n_error + n_message;
  if (outcome > static_cast<std::uint8_t>(Outcome::refused) || size < n_answer ||
      (size > n_answer && outcome != static_cast<std::uint8_t>(Outcome::passed))) {
    return false;
  }
  const char* texts = reinterpret_cast<const char*>(bytes + answer_head_bytes);
  reply.outcome = static_cast<Outcome>(outcome);
  reply.error.assign(texts, n_error);
  reply.message.assign(texts + n_error, n_message);
  record.assign(reinterpret_cast<const char*>(bytes + n_answer), size - n_answer);
  return true;
}

}  // namespace

Watch::Watch(pid_t process, int answers, int caller, const Limits& limits)
    : process_(process),
      handle_(static_cast<int>(syscall(SYS_pidfd_open, process, 0))),
      answers_(answers),
      caller_(caller),
      limits_(limits),
      started_(now()) {
  check(handle_, "pidfd_open");
}

Watch::~Watch() { close(handle_); }

bool Watch::succeeded() const {
  return killed_for_ == nullptr && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

void Watch::wait() {
  while (!has_ended()) {
    const double cpu_left = limits_.cpu_seconds - cpu_of(process_);
    const double wall_left = limits_.wall_seconds - (now() - started_);
    if (cpu_left <= 0) end(Outcome::timed_out, "CPU time");
    if (wall_left <= 0) end(Outcome::timed_out, "wall-clock time");
    // The CPU limit cannot be reached earlier than this, unless threads compute side by side.
    const double rest = killed_for_ != nullptr ? 3600 : std::min(cpu_left, wall_left);
    pollfd events[] = {{handle_, POLLIN, 0},
                       {is_open_ ? answers_ : -1, POLLIN, 0},
                       {caller_, 0, 0}};
    const int ready = poll(events, 3, static_cast<int>(std::ceil(rest * 1e3)));
    if (ready < 0 && errno != EINTR) fail("poll");
    if (ready <= 0) continue;
    if (events[1].revents != 0) receive();
    if ((events[2].revents & (POLLHUP | POLLERR)) != 0) {
      end(Outcome::crashed, "the caller has gone");
    }
  }
  while (is_open_) receive();
  wall_seconds_ = now() - started_;
}

bool Watch::has_ended() {
  const pid_t ended = wait4(process_, &status_, WNOHANG, &usage_);
  if (ended < 0 && errno != EINTR) fail("wait4");
  return ended == process_;
}

void Watch::end(Outcome outcome, const char* why) {
  if (killed_for_ == nullptr) {
    killed_for_ = why;
    killed_as_ = outcome;
  }
  kill(process_, SIGKILL);
}

void Watch::receive() {
  std::uint8_t bytes[65536];
  const ssize_t got = read(answers_, bytes, sizeof bytes);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
    is_open_ = errno == EINTR;
    return;
  }
  if (got <= 0) {
    is_open_ = false;
    return;
  }
  received_.insert(received_.end(), bytes, bytes + got);
  // More than any answer: the program is writing there itself.
  if (received_.size() > 2 * answer_bytes + longest_record) {
    is_open_ = false;
    end(Outcome::refused, "writing where only the judge writes");
  }
}

Reply Watch::conclude(const std::uint8_t* nonce, std::string& record) const {
  Reply reply;
  const double cpu = seconds(usage_.ru_utime) + seconds(usage_.ru_stime);
  const bool has_started =
      received_.size() >= nonce_bytes && std::memcmp(received_.data(), nonce, nonce_bytes) == 0;
  if (!has_started && killed_for_ == nullptr && cpu <= limits_.cpu_seconds) {
    throw std::runtime_error("a program could not be confined");
  }
  const bool has_answered =
      has_started && read_answer(received_.data() + nonce_bytes, received_.size() - nonce_bytes,
                                 nonce, reply, record);
  if (cpu > limits_.cpu_seconds) {
    reply = {Outcome::timed_out, "", "CPU time", 0, 0};
  } else if (killed_for_ != nullptr) {
    reply = {killed_as_, "", killed_for_, 0, 0};
  } else if (WIFSIGNALED(status_)) {
    const int signal = WTERMSIG(status_);
    reply = signal == SIGKILL ? Reply{Outcome::out_of_memory, "", "ended by the kernel", 0, 0}
                              : Reply{Outcome::crashed, "", strsignal(signal), 0, 0};
  } else if (!has_answered || WEXITSTATUS(status_) != 0) {
    reply = {Outcome::failed, "", "left before its tests ended", 0, 0};
  }
  reply.cpu_seconds = cpu;
  reply.wall_seconds = wall_seconds_;
  return reply;
}

}  // namespace fastscore::sandbox
