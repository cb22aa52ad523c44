// Watching a child: its time, its answer and its end.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/jail.h"
#include "sandbox/verdict.h"

namespace fastscore::sandbox {

// What became of a program.
struct Reply {
  Outcome outcome = Outcome::failed;
  std::string error;
  std::string message;
  double cpu_seconds = 0;
  double wall_seconds = 0;
};

// A child that runs, until it has ended.
class Watch {
 public:
  // `answers` is where the child writes; `caller` is hung up when nobody wants the answer any more.
  // The limits must outlive this. Throws JailError.
  Watch(pid_t process, int answers, int caller, const Limits& limits);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  // Waits until the process has ended, by itself or by a limit, and is gone.
  void wait();

  // The end of a program; what it recorded goes to `record` if it passed.
  Reply conclude(const std::uint8_t* nonce, std::string& record) const;

  // Whether it ended by itself and with success.
  bool succeeded() const;

 private:
  bool has_ended();
  void end(Outcome outcome, const char* why);
  void receive();

  pid_t process_;
  int handle_;
  int answers_;
  int caller_;
  const Limits& limits_;
  double started_;
  double wall_seconds_ = 0;
  bool is_open_ = true;
  const char* killed_for_ = nullptr;
  Outcome killed_as_ = Outcome::crashed;
  int status_ = 0;
  rusage usage_ = {};
  std::vector<std::uint8_t> received_;
};

}  // namespace fastscore::sandbox
