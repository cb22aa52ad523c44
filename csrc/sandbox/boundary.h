// What crosses from a program to the tests that judge it.
//
// A test compares, indexes, adds; if the operators that it calls were the program's own, the program
// would judge itself. So what a program returns reaches the tests as plain values: containers are
// built anew, subclasses of builtin types become the builtin type, iterators and functions are
// wrapped so that what they give is made plain too. An object whose class has operators of its own
// is refused.
#pragma once

#include "sandbox/python.h"

namespace fastscore::sandbox {

// `private_classes` maps "Counter" and "Fraction" to the trusted twins of these classes and
// `public_classes` to those that a program sees: they define operators in Python, so a program can
// change them. Both are kept.
bool prepare_boundary(PyObject* public_classes, PyObject* private_classes);

// Objects of this class, and the class itself, pass as they are.
bool allow_class(PyObject* type);

// `value` as the tests may see it: a new reference, or null with an exception set. Ends the process
// with a refusal when there is no such thing.
PyObject* plain(PyObject* value);

}  // namespace fastscore::sandbox
