// Notes of all that a program told its tests, for a second process that never runs the program.
//
// A program shares this process with its tests, and whoever finds a flaw of the interpreter can do
// to the process what they like. So a pass counts only when the tests pass once more in a clean
// process, on nothing but the recorded results. The bytes are read by fastscore/sandbox/replay.py,
// which also says what they look like.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sandbox/python.h"

namespace fastscore::sandbox {

// Above this the process ends with a refusal: what cannot be confirmed does not pass.
inline constexpr std::size_t longest_record = 64u << 20;

void start_recording();

// A name the tests look for: its value, a module by name, a class that passes as it is, or nothing.
bool record_binding(PyObject* value);
bool record_module(PyObject* name);
void record_class();
void record_unbound();

// A call of the program. It may change its arguments in place, and the tests may look at them.
class CallRecord {
 public:
  // `arguments` is a tuple, which must outlive this.
  explicit CallRecord(PyObject* arguments) : arguments_(arguments) {}

  // Before the call, and after it; the result is null where an exception is set, which stays set.
  // False with another exception set.
  bool begin();
  bool end(PyObject* result);

 private:
  bool show(PyObject* argument, std::string& shown) const;

  PyObject* arguments_;
  std::vector<std::string> before_;
};

// A step of an iterator; null with an exception set, or at the end.
bool record_item(PyObject* item);

const std::string& recorded();

}  // namespace fastscore::sandbox
