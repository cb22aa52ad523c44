#include "sandbox/operators.h"

#include <unordered_set>

#include "sandbox/seal.h"

namespace fastscore::sandbox {
namespace {

constexpr const char* operators[] = {
    // comparison and truth
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__len__",
    "__contains__", "__instancecheck__", "__subclasscheck__",
    // content
    "__getitem__", "__iter__", "__next__", "__reversed__", "__missing__", "__length_hint__",
    "__setitem__", "__delitem__",
    // arithmetic
    "__add__", "__radd__", "__iadd__", "__sub__", "__rsub__", "__isub__", "__mul__", "__rmul__",
    "__imul__", "__matmul__", "__rmatmul__", "__imatmul__", "__truediv__", "__rtruediv__",
    "__itruediv__", "__floordiv__", "__rfloordiv__", "__ifloordiv__", "__mod__", "__rmod__",
    "__imod__", "__divmod__", "__rdivmod__", "__pow__", "__rpow__", "__ipow__", "__lshift__",
    "__rlshift__", "__ilshift__", "__rshift__", "__rrshift__", "__irshift__", "__and__", "__rand__",
    "__iand__", "__xor__", "__rxor__", "__ixor__", "__or__", "__ror__", "__ior__", "__neg__",
    "__pos__", "__abs__", "__invert__",
    // numbers
    "__int__", "__float__", "__complex__", "__index__", "__round__", "__trunc__", "__floor__",
    "__ceil__",
};

// Answers of these are texts and attributes, which a conversion to a builtin value leaves behind.
constexpr const char* appearances[] = {
    "__str__", "__repr__", "__format__", "__bytes__", "__getattr__", "__getattribute__",
    "__class__", "__enter__", "__exit__", "__fspath__", "__buffer__",
};

// Those that look immutable because freeze_class() made them so.
std::unordered_set<PyTypeObject*> frozen;

PyObject* dict_of(PyTypeObject* heap_type) { return heap_type->tp_dict; }

bool is_expected(const char* name, PyObject* expected) {
  for (Py_ssize_t i = 0; expected != nullptr && i < PyTuple_GET_SIZE(expected); ++i) {
    PyObject* other = PyTuple_GET_ITEM(expected, i);
    if (PyUnicode_Check(other) && PyUnicode_CompareWithASCIIString(other, name) == 0) return true;
  }
  return false;
}

template <std::size_t Size>
const char* defined_in(PyTypeObject* type, const char* const (&names)[Size], PyObject* expected) {
  for (const char* name : names) {
    PyObject* found = PyDict_GetItemString(dict_of(type), name);
    if (found != nullptr && !is_trusted_function(found) && !is_expected(name, expected)) {
      return name;
    }
  }
  return nullptr;
}

}  // namespace

bool is_python_class(PyTypeObject* type) {
  return PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) &&
         (!PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE) || frozen.count(type) > 0);
}

const char* own_operator(PyTypeObject* type, bool is_value, PyObject* expected) {
  PyObject* bases = type->tp_mro;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); ++i) {
    auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(bases, i));
    if (!is_python_class(base)) continue;
    const char* name = defined_in(base, operators, expected);
    if (name == nullptr && !is_value) name = defined_in(base, appearances, expected);
    if (name != nullptr) return name;
  }
  return nullptr;
}

void freeze_class(PyTypeObject* type) {
  PyObject* bases = type->tp_mro;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); ++i) {
    auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(bases, i));
    if (!is_python_class(base) || !frozen.insert(base).second) continue;
    Py_INCREF(base);  // so that the address stays its own
    base->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
  }
}

}  // namespace fastscore::sandbox
