#include "sandbox/filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <vector>

namespace fastscore::sandbox {
namespace {

#if defined(__x86_64__)
constexpr unsigned architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned architecture = AUDIT_ARCH_AARCH64;
#else
#error "the strong sandbox knows x86-64 and aarch64"
#endif

// Numbers that the headers of older systems lack; the same on all architectures since 424.
constexpr unsigned pidfd_send_signal = 424, io_uring_setup = 425, io_uring_enter = 426,
                   io_uring_register = 427, open_tree = 428, move_mount = 429, fsopen = 430,
                   fsconfig = 431, fsmount = 432, fspick = 433, pidfd_open = 434, clone3 = 435,
                   pidfd_getfd = 438, process_madvise = 440, mount_setattr = 442,
                   quotactl_fd = 443, landlock_create_ruleset = 444, landlock_add_rule = 445,
                   landlock_restrict_self = 446, memfd_secret = 447, process_mrelease = 448,
                   statmount = 457, listmount = 458, lsm_get_self_attr = 459,
                   lsm_set_self_attr = 460, lsm_list_modules = 461;
// Newer calls than this are unknown here, and the C library does without them.
constexpr unsigned last_known = 462;

constexpr unsigned denied[] = {
    // other processes, and being another program
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
    pidfd_send_signal, pidfd_open, pidfd_getfd, process_madvise, process_mrelease,
    // namespaces, file systems and what lies below them
    SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, open_tree,
    move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr, statmount, listmount,
    SYS_swapon, SYS_swapoff, SYS_quotactl, quotactl_fd, SYS_acct, SYS_name_to_handle_at,
    SYS_open_by_handle_at, SYS_fanotify_init, SYS_fanotify_mark,
    // kernel facilities with a history of holes, none of which Python needs
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, io_uring_setup, io_uring_enter,
    io_uring_register, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_personality, SYS_vmsplice,
    SYS_move_pages, SYS_migrate_pages, SYS_mbind, SYS_set_mempolicy, SYS_lookup_dcookie,
    SYS_seccomp, landlock_create_ruleset, landlock_add_rule, landlock_restrict_self,
    lsm_get_self_attr, lsm_set_self_attr, lsm_list_modules,
    // the machine
    SYS_reboot, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime,
    SYS_clock_adjtime, SYS_adjtimex, SYS_syslog, SYS_vhangup,
    // memory that no limit counts
    SYS_memfd_create, memfd_secret, SYS_shmget, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_semget,
    SYS_semop, SYS_semctl, SYS_semtimedop, SYS_msgget, SYS_msgsnd, SYS_msgrcv, SYS_msgctl,
    SYS_mq_open, SYS_mq_unlink,
    // sockets; socketpair alone stays, for event loops
    SYS_socket, SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4,
#if defined(__x86_64__)
    SYS_fork, SYS_vfork, SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat, SYS_sysfs,
    SYS_arch_prctl,
#endif
};

class Program {
 public:
  Program() {
    load(offsetof(seccomp_data, arch));
    jump_if(BPF_JEQ, architecture, 1, 0);
    add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
    // x32 calls carry a bit of their own, and would pass by every number below.
    jump_if(BPF_JGE, last_known + 1, 0, 1);
    deny(ENOSYS);
    jump_if(BPF_JEQ, clone3, 0, 1);
    deny(ENOSYS);  // its arguments cannot be read here; the C library falls back to clone
    for (const unsigned number : denied) {
      jump_if(BPF_JEQ, number, 0, 1);
      deny(EPERM);
    }
    allow_threads();
    allow_names();
    allow_local_pairs();
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }

  sock_fprog get() { return {static_cast<unsigned short>(code_.size()), code_.data()}; }

 private:
  void add(unsigned code, unsigned value) {
    code_.push_back({static_cast<unsigned short>(code), 0, 0, value});
  }
  void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)); }
  void jump_if(unsigned test, unsigned value, unsigned char yes, unsigned char no) {
    code_.push_back({static_cast<unsigned short>(BPF_JMP | test | BPF_K), yes, no, value});
  }
  void deny(int error) {
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error));
  }
  // The low half, which holds all of the values that are looked at below.
  void load_argument(unsigned index) { load(offsetof(seccomp_data, args) + 8 * index); }

  // clone for a thread of this very process and nothing else.
  void allow_threads() {
    constexpr unsigned namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    jump_if(BPF_JEQ, SYS_clone, 0, 6);
    load_argument(0);
    jump_if(BPF_JSET, CLONE_THREAD, 1, 0);
    deny(EPERM);
    jump_if(BPF_JSET, namespaces, 0, 1);
    deny(EPERM);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }

  // prctl for the names of threads; it could also undo what ends the program with its parent.
  void allow_names() {
    jump_if(BPF_JEQ, SYS_prctl, 0, 5);
    load_argument(0);
    jump_if(BPF_JEQ, PR_SET_NAME, 2, 0);
    jump_if(BPF_JEQ, PR_GET_NAME, 1, 0);
    deny(EPERM);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }

  void allow_local_pairs() {
    jump_if(BPF_JEQ, SYS_socketpair, 0, 4);
    load_argument(0);
    jump_if(BPF_JEQ, AF_UNIX, 1, 0);
    deny(EPERM);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }

  std::vector<sock_filter> code_;
};

Program program;

}  // namespace

void filter_system_calls() {
  const sock_fprog filter = program.get();
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    throw std::system_error(errno, std::generic_category(), "seccomp");
  }
}

}  // namespace fastscore::sandbox
