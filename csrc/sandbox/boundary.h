// What crosses from a program to the tests that judge it.
//
// A test compares, indexes, adds; if the operators that it calls were the program's own, the
// program would judge itself. So what a program returns reaches the tests as plain values:
// containers are built anew, subclasses of builtin types become the builtin type, iterators and
// functions are wrapped so that what they give is made plain too. An object whose class has
// operators of its own is refused.
#pragma once

#include "sandbox/python.h"

namespace fastscore::sandbox {

// A class that the reference solution defines too, with these operators (a tuple of names): tests
// may make objects of it, and a program may return them if it defines no other operators.
bool allow_class(PyObject* type, PyObject* operators);

// A result goes to the tests; an argument came from them, and the program may have changed it.
enum class Direction { result, argument };

// `value` as the tests may see it: a new reference, or null with an exception set. Ends the process
// with a refusal when there is no such thing.
PyObject* plain(PyObject* value, Direction direction);

}  // namespace fastscore::sandbox
