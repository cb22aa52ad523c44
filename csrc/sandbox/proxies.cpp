#include "sandbox/proxies.h"

#include "sandbox/boundary.h"
#include "sandbox/record.h"

namespace fastscore::sandbox {
namespace {

struct Proxy {
  PyObject_HEAD
  PyObject* target;
};

PyObject* target_of(PyObject* self) { return reinterpret_cast<Proxy*>(self)->target; }

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_DECREF(target_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

// It would end a loop of the tests in silence; a generator may not raise it either (PEP 479).
void replace_stop_iteration() {
  if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
    PyErr_SetString(PyExc_RuntimeError, "the program raised StopIteration");
  }
}

PyObject* call(PyObject* self, PyObject* arguments, PyObject* keywords) {
  const Py_ssize_t count = PyTuple_GET_SIZE(arguments);
  const Ref unwrapped(PyTuple_New(count));
  if (!unwrapped) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyTuple_SET_ITEM(unwrapped.get(), i, Py_NewRef(unwrap(PyTuple_GET_ITEM(arguments, i))));
  }
  CallRecord record(arguments);
  if (!record.begin()) return nullptr;
  const Ref result(PyObject_Call(target_of(self), unwrapped.get(), keywords));
  if (!result) {
    replace_stop_iteration();
    record.end(nullptr);
    return nullptr;
  }
  Ref passed;
  // What is the tests' own stays the same object.
  for (Py_ssize_t i = 0; i < count && !passed; ++i) {
    if (PyTuple_GET_ITEM(arguments, i) == result.get()) passed = result;
  }
  if (!passed) passed = Ref(plain(result.get(), Direction::result));
  return passed && record.end(passed.get()) ? passed.release() : nullptr;
}

PyObject* next(PyObject* self) {
  PyObject* target = target_of(self);
  const iternextfunc step = Py_TYPE(target)->tp_iternext;
  if (step == nullptr) return PyErr_Format(PyExc_TypeError, "this is an iterator no more");
  const Ref item(step(target));
  Ref passed(item ? plain(item.get(), Direction::result) : nullptr);
  if (item && !passed) return nullptr;
  return record_item(passed.get()) ? passed.release() : nullptr;
}

void* slot(auto* function) { return reinterpret_cast<void*>(function); }

PyType_Slot callable_slots[] = {
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_call, slot(call)},
    {0, nullptr},
};

PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_iter, slot(PyObject_SelfIter)},
    {Py_tp_iternext, slot(next)},
    {0, nullptr},
};

// Instances come from here alone, and nothing can be added to their classes.
constexpr unsigned flags =
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE;

PyType_Spec callable_spec = {"builtins.function", sizeof(Proxy), 0, flags, callable_slots};
PyType_Spec iterator_spec = {"builtins.iterator", sizeof(Proxy), 0, flags, iterator_slots};

PyTypeObject* callable_type = nullptr;
PyTypeObject* iterator_type = nullptr;

PyObject* wrap(PyTypeObject* type, PyObject* target) {
  PyObject* proxy = type->tp_alloc(type, 0);
  if (proxy != nullptr) reinterpret_cast<Proxy*>(proxy)->target = Py_NewRef(target);
  return proxy;
}

}  // namespace

bool prepare_proxies() {
  callable_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&callable_spec));
  iterator_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&iterator_spec));
  return callable_type != nullptr && iterator_type != nullptr;
}

PyObject* wrap_callable(PyObject* target) { return wrap(callable_type, target); }

PyObject* wrap_iterator(PyObject* target) { return wrap(iterator_type, target); }

bool is_callable_proxy(PyObject* object) { return Py_IS_TYPE(object, callable_type); }

bool is_iterator_proxy(PyObject* object) { return Py_IS_TYPE(object, iterator_type); }

PyObject* unwrap(PyObject* object) {
  return is_callable_proxy(object) || is_iterator_proxy(object) ? target_of(object) : object;
}

}  // namespace fastscore::sandbox
