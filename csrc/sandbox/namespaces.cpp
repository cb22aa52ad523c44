#include "sandbox/namespaces.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>

#include "sandbox/python.h"
#include "sandbox/steps.h"

namespace fastscore::sandbox {
namespace {

bool maps_nobody = false;
int own_processes = -1;  // the process namespace of the worker

// A process outside, which alone may map more than one user: waits for a byte, then maps root and
// nobody of process `target` to themselves.
class Mapper {
 public:
  Mapper() {
    check(pipe2(pipe_, O_CLOEXEC), "pipe");
    const pid_t target = getpid();
    process_ = fork();
    check(process_, "fork");
    if (process_ == 0) {
      close(pipe_[1]);
      char go = 0;
      _exit(read(pipe_[0], &go, 1) == 1 && map(target) ? 0 : 1);
    }
    close(pipe_[0]);
  }
  ~Mapper() {
    close(pipe_[1]);
    if (process_ > 0) waitpid(process_, nullptr, 0);
  }
  Mapper(const Mapper&) = delete;
  Mapper& operator=(const Mapper&) = delete;

  void map_now() {
    check(write(pipe_[1], "", 1), "write to the mapper");
    int status = 0;
    check(waitpid(process_, &status, 0), "wait for the mapper");
    process_ = -1;
    errno = EPERM;
    if (status != 0) fail("map users 0 and 65534");
  }

 private:
  static bool map(pid_t target) {
    const std::string directory = "/proc/" + std::to_string(target);
    const std::string identity = "0 0 1\n65534 65534 1\n";
    try {
      write_file(directory + "/gid_map", identity);
      write_file(directory + "/uid_map", identity);
    } catch (const JailError&) {
      return false;
    }
    return true;
  }

  int pipe_[2] = {-1, -1};
  pid_t process_ = -1;
};

void map_self(uid_t user, gid_t group) {
  const auto same = [](unsigned id) {
    return std::to_string(id) + " " + std::to_string(id) + " 1";
  };
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", same(user));
  write_file("/proc/self/gid_map", same(group));
}

// Whether this is a root that may hand processes to another user: that of the machine, or of a
// container with users of its own. A root that stands for a single user is like that user.
bool may_become_nobody() {
  if (geteuid() != 0) return false;
  std::ifstream ranges("/proc/self/uid_map");
  unsigned long inside = 0, outside = 0, count = 0;
  while (ranges >> inside >> outside >> count) {
    if (inside <= nobody && nobody - inside < count) return true;
  }
  return false;
}

void unshare_all() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  maps_nobody = may_become_nobody();
  constexpr int namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                             CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (maps_nobody) {
    check(setgroups(0, nullptr), "setgroups");
    Mapper mapper;
    check(unshare(namespaces), "unshare");
    mapper.map_now();
  } else {
    check(unshare(namespaces), "unshare");
    map_self(user, group);
  }
}

// Returns in a child, the first process of the new process namespace. This process waits for it.
void become_first_process() {
  PyOS_BeforeFork();
  const pid_t child = fork();
  if (child == 0) {
    PyOS_AfterFork_Child();
    check(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
    return;
  }
  PyOS_AfterFork_Parent();
  check(child, "fork");
  // Whoever reads from or writes to the worker must notice when it ends.
  syscall(SYS_close_range, 0u, ~0u, 0u);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

}  // namespace

void enter_namespaces() {
  unshare_all();
  become_first_process();
  own_processes = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
  check(own_processes, "open /proc/self/ns/pid");
}

bool has_nobody() { return maps_nobody; }

void divide_processes() {
  check(setns(own_processes, CLONE_NEWPID), "setns");
  check(unshare(CLONE_NEWPID), "unshare");
}

void write_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  check(fd, "open " + path);
  const ssize_t written = write(fd, text.data(), text.size());
  const int error = errno;
  close(fd);
  errno = error;
  check(written, "write " + path);
}

}  // namespace fastscore::sandbox
