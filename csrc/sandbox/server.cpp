#include "sandbox/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/resource.h>
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
#include <string>
#include <vector>

#include "sandbox/judge.h"
#include "sandbox/record.h"

namespace fastscore::sandbox {
namespace {

constexpr int answer_fd = 3;

[[noreturn]] void fail(const char* step) { throw JailError(errno, std::generic_category(), step); }

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

struct Reply {
  Outcome outcome = Outcome::failed;
  std::string error;
  std::string message;
  double cpu_seconds = 0;
  double wall_seconds = 0;
};

// ---- the children ----

// The first process of a namespace of its own.
pid_t fork_apart() {
  divide_processes();
  PyOS_BeforeFork();
  const pid_t process = fork();
  if (process == 0) {
    PyOS_AfterFork_Child();
    return 0;
  }
  PyOS_AfterFork_Parent();
  if (process < 0) fail("fork");
  return process;
}

// Keeps no descriptor but the standard three and `channel`, which becomes `answer_fd`; confines.
void prepare_child(int channel, const Limits& limits) {
  try {
    if (dup2(channel, answer_fd) < 0) fail("dup2");
    syscall(SYS_close_range, answer_fd + 1, ~0u, 0u);
    confine(limits);
  } catch (const JailError&) {
    leave(1);
  }
  PyGC_Enable();
}

[[noreturn]] void run_program(const Request& request, PyObject* trusted, int answers,
                              const Limits& limits) {
  prepare_child(answers, limits);
  // Whatever comes before this is not the program's doing.
  if (write(answer_fd, request.nonce, nonce_bytes) != nonce_bytes) leave(1);
  expect_answer(answer_fd, request.nonce);
  start_recording();
  add_to_pass(recorded());
  judge(request, trusted);
}

[[noreturn]] void run_tests(PyObject* trusted, const std::string& record, int answers,
                            const Limits& limits) {
  prepare_child(answers, limits);
  leave(confirm(trusted, record) ? 0 : 1);
}

// ---- watching it ----

class Watch {
 public:
  Watch(pid_t process, int answers, int caller, const Limits& limits)
      : process_(process),
        handle_(static_cast<int>(syscall(SYS_pidfd_open, process, 0))),
        answers_(answers),
        caller_(caller),
        limits_(limits) {
    if (handle_ < 0) fail("pidfd_open");
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { close(handle_); }

  // Waits until the process has ended, by itself or by a limit, and is gone.
  void wait() {
    while (!has_ended()) {
      const double cpu_left = limits_.cpu_seconds - cpu_of(process_);
      const double wall_left = limits_.wall_seconds - (now() - started_);
      if (killed_for_ == nullptr && cpu_left <= 0) end("CPU time");
      if (killed_for_ == nullptr && wall_left <= 0) end("wall-clock time");
      // The CPU limit cannot be reached earlier than this, unless threads compute side by side.
      const double rest = killed_for_ != nullptr ? 3600 : std::min(cpu_left, wall_left);
      pollfd events[] = {{handle_, POLLIN, 0},
                         {is_open_ ? answers_ : -1, POLLIN, 0},
                         {caller_, 0, 0}};
      const int ready = poll(events, 3, static_cast<int>(std::ceil(rest * 1e3)));
      if (ready < 0 && errno != EINTR) fail("poll");
      if (ready <= 0) continue;
      if (events[1].revents != 0) receive();
      if ((events[2].revents & (POLLHUP | POLLERR)) != 0) end("the caller has gone");
    }
    while (is_open_) receive();
    wall_seconds_ = now() - started_;
  }

  // The end of a program; what it recorded is moved into `record` if it passed.
  Reply conclude(const std::uint8_t* nonce, std::string& record) const;

  // Whether it ended by itself and with success.
  bool succeeded() const {
    return killed_for_ == nullptr && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
  }

 private:
  bool has_ended() {
    const pid_t ended = wait4(process_, &status_, WNOHANG, &usage_);
    if (ended < 0 && errno != EINTR) fail("wait4");
    return ended == process_;
  }

  void end(const char* why) {
    if (killed_for_ == nullptr) killed_for_ = why;
    kill(process_, SIGKILL);
  }

  void receive() {
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
      end("writing where only the judge writes");
    }
  }

  pid_t process_;
  int handle_;
  int answers_;
  int caller_;
  const Limits& limits_;
  double started_ = now();
  double wall_seconds_ = 0;
  bool is_open_ = true;
  const char* killed_for_ = nullptr;
  int status_ = 0;
  rusage usage_ = {};
  std::vector<std::uint8_t> received_;
};

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
    const bool is_time = wall_seconds_ >= limits_.wall_seconds;
    reply = {is_time ? Outcome::timed_out : Outcome::refused, "", killed_for_, 0, 0};
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

void send(int channel, const Reply& reply) {
  std::vector<std::uint8_t> bytes;
  const auto put = [&](std::uint64_t value, int count) {
    for (int byte = 0; byte < count; ++byte) {
      bytes.push_back(static_cast<std::uint8_t>(value >> (8 * byte)));
    }
  };
  const std::size_t n_error = std::min(reply.error.size(), error_bytes);
  const std::size_t n_message = std::min(reply.message.size(), message_bytes);
  put(static_cast<std::uint64_t>(reply.outcome), 1);
  put(static_cast<std::uint64_t>(reply.cpu_seconds * 1e9), 8);
  put(static_cast<std::uint64_t>(reply.wall_seconds * 1e9), 8);
  put(n_error, 2);
  put(n_message, 2);
  bytes.insert(bytes.end(), reply.error.begin(), reply.error.begin() + n_error);
  bytes.insert(bytes.end(), reply.message.begin(), reply.message.begin() + n_message);
  // Far smaller than the buffer of a socket that the caller has emptied, so written whole.
  if (write(channel, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    fail("write a reply");
  }
}

class Pipe {
 public:
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
    reader = ends[0];
    writer = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(reader);
    close_writer();
  }
  void close_writer() {
    if (writer >= 0) close(writer);
    writer = -1;
  }

  int reader = -1;
  int writer = -1;
};

Reply judge_one(Request& request, PyObject* trusted, int caller, const Limits& limits,
                std::string& record) {
  if (getrandom(request.nonce, nonce_bytes, 0) != nonce_bytes) fail("getrandom");
  Pipe answers;
  const pid_t process = fork_apart();
  if (process == 0) run_program(request, trusted, answers.writer, limits);
  answers.close_writer();
  Watch watch(process, answers.reader, caller, limits);
  watch.wait();
  return watch.conclude(request.nonce, record);
}

bool confirm_one(PyObject* trusted, const std::string& record, int caller, const Limits& limits) {
  Pipe unused;
  const pid_t process = fork_apart();
  if (process == 0) run_tests(trusted, record, unused.writer, limits);
  unused.close_writer();
  Watch watch(process, unused.reader, caller, limits);
  watch.wait();
  return watch.succeeded();
}

Reply run_one(Request& request, PyObject* trusted, int caller, const Limits& limits) {
  std::string record;
  Reply reply = judge_one(request, trusted, caller, limits, record);
  if (reply.outcome == Outcome::passed && !confirm_one(trusted, record, caller, limits)) {
    reply.outcome = Outcome::refused;
    reply.message = "its results alone do not pass the tests";
  }
  return reply;
}

}  // namespace

bool serve(int channel, const Limits& limits) {
  Request request;
  while (read_request(channel, request)) {
    const Ref trusted(load_trusted(request));
    if (!trusted || !import_for(trusted.get())) return false;
    renew_workspace(limits);
    send(channel, run_one(request, trusted.get(), channel, limits));
  }
  return true;
}

}  // namespace fastscore::sandbox
