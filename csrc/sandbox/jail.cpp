#include "sandbox/jail.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "sandbox/filter.h"
#include "sandbox/namespaces.h"

namespace fastscore::sandbox {
namespace {

// The only directory that a program can write to, and where it starts.
constexpr const char* workspace = "/tmp";

// From <linux/mount.h>, which older systems lack; the same on all architectures.
constexpr long sys_open_tree = 428, sys_move_mount = 429, sys_mount_setattr = 442;
constexpr unsigned open_tree_clone = 1, move_mount_from_file = 4, at_recursive = 0x8000;
constexpr unsigned long long read_only = 1, no_set_uid = 2, no_devices = 4, no_execution = 8;
struct MountAttributes {
  unsigned long long set, clear, propagation, user_namespace;
};

struct stat empty_workspace;  // as it was when it was mounted

std::string relative(const std::string& path) { return path.substr(1); }

void make_directories(const std::string& path) {
  for (std::size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) fail("mkdir " + part);
  }
}

// A copy of what is mounted at `path`, attached nowhere yet.
int take(const std::string& path, unsigned flags) {
  const long fd = syscall(sys_open_tree, AT_FDCWD, path.c_str(),
                          open_tree_clone | static_cast<unsigned>(O_CLOEXEC) | flags);
  check(fd, "open_tree " + path);
  return static_cast<int>(fd);
}

void attach(int tree, const std::string& at, unsigned long long attributes, unsigned flags) {
  check(syscall(sys_move_mount, tree, "", AT_FDCWD, at.c_str(), move_mount_from_file),
        "move_mount " + at);
  close(tree);
  const MountAttributes wanted = {attributes, 0, 0, 0};
  check(syscall(sys_mount_setattr, AT_FDCWD, at.c_str(), flags, &wanted, sizeof wanted),
        "mount_setattr " + at);
}

void mount_memory(const std::string& at, unsigned long flags, const std::string& options) {
  check(mount("tmpfs", at.c_str(), "tmpfs", flags | MS_NOSUID | MS_NODEV, options.c_str()),
        "mount a tmpfs at " + at);
}

void mount_workspace(const Limits& limits) {
  mount_memory(workspace, MS_NOEXEC,
               "mode=1777,nr_inodes=1024,size=" + std::to_string(limits.file_bytes));
  check(stat(workspace, &empty_workspace), "stat the workspace");
}

// A directory to build the new root on; what lies below it is hidden from then on.
void enter_new_root() {
  for (const char* place : {"/tmp", "/usr", "/var", "/proc"}) {
    if (mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m") == 0) {
      check(chdir(place), "chdir to the new root");
      return;
    }
  }
  fail("mount a tmpfs");
}

void build_root(const std::vector<std::string>& directories, const std::vector<std::string>& hidden,
                const Limits& limits) {
  check(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
  const std::vector<std::string> devices = {"/dev/null", "/dev/zero", "/dev/urandom"};
  std::vector<int> trees;
  for (const std::string& path : directories) trees.push_back(take(path, at_recursive));
  std::vector<int> nodes;
  for (const std::string& path : devices) nodes.push_back(take(path, 0));

  enter_new_root();
  for (std::size_t i = 0; i < trees.size(); ++i) {
    make_directories(relative(directories[i]));
    attach(trees[i], relative(directories[i]), read_only | no_set_uid | no_devices, at_recursive);
  }
  for (const std::string& path : hidden) {
    mount_memory(relative(path), MS_RDONLY | MS_NOEXEC, "mode=555,size=4k");
  }
  make_directories("dev");
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string path = relative(devices[i]);
    const int file = open(path.c_str(), O_CREAT | O_CLOEXEC | O_RDONLY, 0444);
    check(file, "create " + path);
    close(file);
    attach(nodes[i], path, read_only | no_set_uid | no_execution, 0);
  }
  make_directories(relative(workspace));
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(umount2(".", MNT_DETACH), "leave the old root");
  check(chdir("/"), "chdir");
  const MountAttributes sealed = {read_only | no_execution, 0, 0, 0};
  check(syscall(sys_mount_setattr, AT_FDCWD, "/", 0, &sealed, sizeof sealed), "seal the root");
  mount_workspace(limits);
}

// ---- limits ----

void limit(int resource, unsigned long long value) {
  rlimit bounds{};
  check(getrlimit(static_cast<decltype(RLIMIT_CPU)>(resource), &bounds), "getrlimit");
  bounds.rlim_max = std::min<rlim_t>(bounds.rlim_max, value);
  bounds.rlim_cur = bounds.rlim_max;
  check(setrlimit(static_cast<decltype(RLIMIT_CPU)>(resource), &bounds), "setrlimit");
}

void give_up_rights() {
  if (has_nobody()) {
    check(setresgid(nobody, nobody, nobody), "setresgid");
    check(setresuid(nobody, nobody, nobody), "setresuid");
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  check(syscall(SYS_capset, &header, none), "capset");
  check(prctl(PR_SET_DUMPABLE, 0), "prctl");
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
}

}  // namespace

void enter_jail(const std::vector<std::string>& directories, const std::vector<std::string>& hidden,
                const Limits& limits) {
  // When memory runs out, programs go first. A kernel without the file has no such order.
  try {
    write_file("/proc/self/oom_score_adj", "1000");
  } catch (const JailError&) {
  }
  enter_namespaces();
  build_root(directories, hidden, limits);
}

void renew_workspace(const Limits& limits) {
  struct stat now;
  check(stat(workspace, &now), "stat the workspace");
  const auto same = [](const timespec& one, const timespec& other) {
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
  };
  if (same(now.st_ctim, empty_workspace.st_ctim) && same(now.st_mtim, empty_workspace.st_mtim) &&
      now.st_size == empty_workspace.st_size) {
    return;
  }
  check(umount2(workspace, MNT_DETACH), "drop the workspace");
  mount_workspace(limits);
}

void confine(const Limits& limits) {
  constexpr unsigned long long stack_bytes = 64u << 20;
  // The worker itself and the process it came from count where all have the same user.
  const unsigned long long others = has_nobody() ? 0 : 2;
  const auto seconds = static_cast<unsigned long long>(std::ceil(limits.cpu_seconds));
  check(chdir(workspace), "chdir to the workspace");
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_MEMLOCK, 0);
  limit(RLIMIT_MSGQUEUE, 0);
  limit(RLIMIT_STACK, stack_bytes);
  limit(RLIMIT_CPU, seconds + 1);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_NOFILE, limits.open_files);
  limit(RLIMIT_NPROC, limits.processes + others);
  limit(RLIMIT_AS, limits.memory_bytes);
  give_up_rights();
  filter_system_calls();
}

}  // namespace fastscore::sandbox
