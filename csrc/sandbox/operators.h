// Which classes decide for themselves what comparing, adding or indexing means.
#pragma once

#include "sandbox/python.h"

namespace fastscore::sandbox {

// A class that Python code made, and that can be changed from Python: one of the program's, of the
// tests', or of the standard library's Python modules. Builtin classes, and those that C code has
// made immutable, are not.
bool is_python_class(PyTypeObject* type);

// The name of an operator that a Python class on the way to `type` defines, or null. Operators
// that trusted code defines do not count, nor those in the tuple `expected`, which may be null.
// `is_value` leaves out what a conversion to a builtin value makes irrelevant, such as the text of
// an object.
const char* own_operator(PyTypeObject* type, bool is_value, PyObject* expected);

// Keeps the Python classes on the way to `type` as they are now.
void freeze_class(PyTypeObject* type);

}  // namespace fastscore::sandbox
