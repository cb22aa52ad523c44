#include "sandbox/classes.h"

namespace fastscore::sandbox {
namespace {

// Set once, before the program runs; kept until the process ends.
Classes known = {};

PyTypeObject* find_type(const char* module, const char* name) {
  const Ref found(PyImport_ImportModule(module));
  PyObject* type = found ? PyObject_GetAttrString(found.get(), name) : nullptr;
  return reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace

bool find_classes(PyObject* public_classes, PyObject* private_classes) {
  const auto take = [](PyObject* from, const char* name) {
    return reinterpret_cast<PyTypeObject*>(Py_XNewRef(PyDict_GetItemString(from, name)));
  };
  known = {
      find_type("array", "array"),
      find_type("datetime", "date"),
      find_type("datetime", "datetime"),
      find_type("decimal", "Decimal"),
      find_type("collections", "defaultdict"),
      find_type("collections", "deque"),
      find_type("builtins", "memoryview"),
      find_type("datetime", "time"),
      find_type("datetime", "timedelta"),
      find_type("datetime", "timezone"),
      take(public_classes, "Counter"),
      take(private_classes, "Counter"),
      take(public_classes, "Fraction"),
      take(private_classes, "Fraction"),
  };
  return !PyErr_Occurred();
}

const Classes& classes() { return known; }

bool is_plain_type(PyTypeObject* type) {
  return type == known.array || type == known.memoryview || type == &PyRange_Type ||
         type == known.date || type == known.datetime || type == known.time ||
         type == known.timedelta || type == known.timezone || type == known.decimal;
}

}  // namespace fastscore::sandbox
