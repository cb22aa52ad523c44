// What can be told about an exception of a program.
#pragma once

#include <string>

#include "sandbox/python.h"

namespace fastscore::sandbox {

// The name of its class, without the module.
std::string type_name(PyObject* error);

// Its text, cut, as UTF-8; empty where there is none to be had. Runs code of the program.
std::string text_of(PyObject* error);

}  // namespace fastscore::sandbox
