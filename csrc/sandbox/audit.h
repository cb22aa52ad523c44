// What a program may not ask of the interpreter.
#pragma once

#include "sandbox/python.h"

namespace fastscore::sandbox {

enum class Ruling {
  allow,
  deny,   // an exception that the program may handle; it counts if the program does not pass
  end     // reaching for the judge: the program is refused at once
};

// The ruling on an audit event. `import` is ruled by what is imported, sockets by their family.
Ruling rule(const char* event, PyObject* arguments);

}  // namespace fastscore::sandbox
