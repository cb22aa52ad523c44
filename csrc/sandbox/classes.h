// The classes whose instances are plain values, beside those that the C API names.
#pragma once

#include "sandbox/python.h"

namespace fastscore::sandbox {

struct Classes {
  PyTypeObject* array;
  PyTypeObject* date;
  PyTypeObject* datetime;
  PyTypeObject* decimal;
  PyTypeObject* default_dict;
  PyTypeObject* deque;
  PyTypeObject* memoryview;
  PyTypeObject* time;
  PyTypeObject* timedelta;
  PyTypeObject* timezone;
  PyTypeObject* public_counter;
  PyTypeObject* private_counter;
  PyTypeObject* public_fraction;
  PyTypeObject* private_fraction;
};

const Classes& classes();

// `private_classes` maps "Counter" and "Fraction" to the trusted twins of these classes and
// `public_classes` to those that a program sees: they define operators in Python, so a program can
// change them. Both are kept.
bool find_classes(PyObject* public_classes, PyObject* private_classes);

// Whether its operators look at nothing but plain content.
bool is_plain_type(PyTypeObject* type);

}  // namespace fastscore::sandbox
