#include "sandbox/server.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sandbox/judge.h"
#include "sandbox/namespaces.h"
#include "sandbox/record.h"
#include "sandbox/watch.h"

namespace fastscore::sandbox {
namespace {

constexpr int answer_fd = 3;

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
  const Ref gc(PyImport_ImportModule("gc"));
  Request request;
  while (gc && read_request(channel, request)) {
    const Ref trusted(load_trusted(request));
    if (!trusted || !import_for(trusted.get())) return false;
    // The children's collector shall not look at, and so copy, what is here already.
    if (!Ref(PyObject_CallMethod(gc.get(), "freeze", nullptr))) return false;
    renew_workspace(limits);
    send(channel, run_one(request, trusted.get(), channel, limits));
  }
  return static_cast<bool>(gc);
}

}  // namespace fastscore::sandbox
