// Keeps a program from looking at, or into, the code that judges it.
//
// All trusted code carries the file name "<tests>". Frames and functions of such code show a
// program nothing: their globals, locals, code and callers are withheld, whatever way it came by
// them.
#pragma once

#include "sandbox/python.h"

namespace fastscore::sandbox {

inline constexpr const char* tests_file = "<tests>";

// A copy of the builtins for trusted code, made before `install_seals`: its globals(), exec() and
// so on are the plain ones. A new reference, or null with an exception set.
PyObject* trusted_builtins();

// Adds the audit hook and wraps the attributes of frames and functions. Nothing is denied yet.
bool install_seals();

// From now on, until the process ends, what runs is not trusted.
void arm();

bool is_trusted_function(PyObject* function);

// The exception that the last denied event raised, or null; and the event's name.
PyObject* last_refusal();
const char* refused_event();

}  // namespace fastscore::sandbox
