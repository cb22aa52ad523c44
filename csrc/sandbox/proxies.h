// A function or iterator of a program, as the tests see it.
#pragma once

#include "sandbox/python.h"

namespace fastscore::sandbox {

bool prepare_proxies();

// New references. A call of the one, and a step of the other, is the program's; what it gives is
// made plain before the tests see it.
PyObject* wrap_callable(PyObject* target);
PyObject* wrap_iterator(PyObject* target);

bool is_callable_proxy(PyObject* object);
bool is_iterator_proxy(PyObject* object);

// What a proxy stands for, or the object itself; borrowed.
PyObject* unwrap(PyObject* object);

}  // namespace fastscore::sandbox
