#include "sandbox/boundary.h"

#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox/classes.h"
#include "sandbox/operators.h"
#include "sandbox/proxies.h"
#include "sandbox/verdict.h"

namespace fastscore::sandbox {
namespace {

PyObject* allowed_classes = nullptr;  // list of (class, names of its operators)
// Whether a builtin class compares by identity and has neither content nor arithmetic.
bool has_no_operators(PyTypeObject* type) {
  return type->tp_richcompare == PyBaseObject_Type.tp_richcompare &&
         type->tp_as_number == nullptr && type->tp_as_sequence == nullptr &&
         type->tp_as_mapping == nullptr && type->tp_iter == nullptr;
}

[[noreturn]] void refuse_operator(PyTypeObject* type, const char* name) {
  const std::string what =
      std::string("a result whose class defines ") + name + ": " + type->tp_name;
  answer(Outcome::refused, "", what.c_str());
}

// One value on its way. Containers that were met before are not built twice, so that shared and
// cyclic structures keep their shape and cost no more than their size.
class Passage {
 public:
  explicit Passage(Direction direction) : direction_(direction) {}

  Ref pass(PyObject* value) {
    PyTypeObject* type = Py_TYPE(value);
    if (is_atom(value, type)) return Ref::borrow(value);
    if (Py_EnterRecursiveCall(" while a result was looked at")) return {};
    Ref passed = pass_structure(value, type);
    Py_LeaveRecursiveCall();
    return passed;
  }

 private:
  static bool is_atom(PyObject* value, PyTypeObject* type) {
    return value == Py_None || value == Py_Ellipsis || value == Py_NotImplemented ||
           type == &PyLong_Type || type == &PyUnicode_Type ||
           type == &PyFloat_Type || type == &PyBool_Type || type == &PyBytes_Type ||
           type == &PyComplex_Type;
  }

  Ref pass_structure(PyObject* value, PyTypeObject* type) {
    if (is_callable_proxy(value) || is_iterator_proxy(value)) return Ref::borrow(value);
    if (const auto met = seen_.find(value); met != seen_.end()) return met->second;
    if (is_allowed(value, type)) return Ref::borrow(value);
    if (PyType_Check(value)) return pass_class(value);
    if (type == &PyList_Type) return pass_list(value, value);
    if (type == &PyTuple_Type) return pass_tuple(value, value);
    if (type == &PyDict_Type) return pass_dict(value, Ref(PyDict_Items(value)), type);
    if (type == &PySet_Type || type == &PyFrozenSet_Type) return pass_set(value, value);
    if (is_python_class(type)) return pass_instance(value, type);
    return pass_builtin(value, type);
  }

  bool is_allowed(PyObject* value, PyTypeObject* type) const {
    if (allowed_classes == nullptr) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(allowed_classes); ++i) {
      PyObject* entry = PyList_GET_ITEM(allowed_classes, i);
      PyObject* allowed = PyTuple_GET_ITEM(entry, 0);
      if (value == allowed) return true;
      if (!PyType_IsSubtype(type, reinterpret_cast<PyTypeObject*>(allowed))) continue;
      if (direction_ == Direction::argument) return true;
      if (const char* name = own_operator(type, false, PyTuple_GET_ITEM(entry, 1))) {
        refuse_operator(type, name);
      }
      return true;
    }
    return false;
  }

  // ---- containers; `value` is what was met, `content` what is read ----

  // Everything is read from a copy that nobody else knows: a hash or a finaliser of the program may
  // run at any time and change the original.
  Ref pass_list(PyObject* value, PyObject* content) {
    const Ref items(PyList_GetSlice(content, 0, PyList_GET_SIZE(content)));
    Ref built(PyList_New(0));
    if (!items || !built) return {};
    remember(value, built);
    const Py_ssize_t count = PyList_GET_SIZE(items.get());
    for (Py_ssize_t i = 0; i < count; ++i) {
      const Ref item = pass(PyList_GET_ITEM(items.get(), i));
      if (!item || PyList_Append(built.get(), item.get()) != 0) return {};
    }
    return built;
  }

  Ref pass_tuple(PyObject* value, PyObject* content) {
    const Py_ssize_t count = PyTuple_GET_SIZE(content);
    const Ref built(PyList_New(0));
    if (!built) return {};
    bool same = value == content;
    for (Py_ssize_t i = 0; i < count; ++i) {
      const Ref item = pass(PyTuple_GET_ITEM(content, i));
      if (!item || PyList_Append(built.get(), item.get()) != 0) return {};
      same = same && item.get() == PyTuple_GET_ITEM(content, i);
    }
    Ref tuple = same ? Ref::borrow(value) : Ref(PyList_AsTuple(built.get()));
    if (tuple) remember(value, tuple);
    return tuple;
  }

  // `items` is a list of pairs.
  Ref pass_dict(PyObject* value, const Ref& items, PyTypeObject* type) {
    Ref built(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(type)));
    if (!items || !built) return {};
    remember(value, built);
    const Py_ssize_t count = PyList_GET_SIZE(items.get());
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* pair = PyList_GET_ITEM(items.get(), i);
      const Ref key = pass(PyTuple_GET_ITEM(pair, 0));
      if (!key) return {};
      const Ref item = pass(PyTuple_GET_ITEM(pair, 1));
      if (!item || PyObject_SetItem(built.get(), key.get(), item.get()) != 0) return {};
    }
    return built;
  }

  Ref pass_set(PyObject* value, PyObject* content) {
    const Ref items(PySequence_List(content));
    Ref passed = items ? pass_list(items.get(), items.get()) : Ref();
    if (!passed) return {};
    Ref built(PySet_Check(content) ? PySet_New(passed.get()) : PyFrozenSet_New(passed.get()));
    if (built) remember(value, built);
    return built;
  }

  // ---- instances of builtin classes that no program can change ----

  Ref pass_builtin(PyObject* value, PyTypeObject* type) {
    if (type == &PyODict_Type) return pass_dict(value, Ref(PyMapping_Items(value)), type);
    if (type == classes().default_dict) return pass_default_dict(value);
    if (type == classes().deque) return pass_deque(value);
    if (type == &PyByteArray_Type) return Ref(PyByteArray_FromObject(value));
    if (type == &PyDictKeys_Type || type == &PyDictItems_Type || type == &PyDictValues_Type) {
      return pass_view(value, type);
    }
    if (PyIter_Check(value)) return Ref(wrap_iterator(value));
    if (type->tp_call != nullptr) return Ref(wrap_callable(value));
    if (type == &PySlice_Type) return pass_slice(value);
    if (direction_ == Direction::result && !has_no_operators(type) && !is_plain_type(type)) {
      // Such as a weak proxy or a mapping proxy, which ask what they stand for.
      const std::string what = std::string("a result of type ") + type->tp_name;
      answer(Outcome::refused, "", what.c_str());
    }
    return Ref::borrow(value);
  }

  Ref pass_slice(PyObject* value) {
    const auto* slice = reinterpret_cast<PySliceObject*>(value);
    const Ref start = pass(slice->start);
    const Ref stop = start ? pass(slice->stop) : Ref();
    const Ref step = stop ? pass(slice->step) : Ref();
    return step ? Ref(PySlice_New(start.get(), stop.get(), step.get())) : Ref();
  }

  Ref pass_default_dict(PyObject* value) {
    Ref built = pass_dict(value, Ref(PyDict_Items(value)), classes().default_dict);
    const Ref factory(PyObject_GetAttrString(value, "default_factory"));
    if (!built || !factory) return {};
    const Ref passed = pass(factory.get());
    if (!passed || PyObject_SetAttrString(built.get(), "default_factory", passed.get()) != 0) {
      return {};
    }
    return built;
  }

  Ref pass_deque(PyObject* value) {
    const Ref items(PySequence_List(value));
    const Ref passed = items ? pass_list(items.get(), items.get()) : Ref();
    const Ref limit(PyObject_GetAttrString(value, "maxlen"));
    if (!passed || !limit) return {};
    auto* deque = reinterpret_cast<PyObject*>(classes().deque);
    Ref built(PyObject_CallFunctionObjArgs(deque, passed.get(), limit.get(), nullptr));
    if (built) remember(value, built);
    return built;
  }

  Ref pass_view(PyObject* value, PyTypeObject* type) {
    const Ref items(PySequence_List(value));
    const Ref passed = items ? pass_list(items.get(), items.get()) : Ref();
    const Ref dict(PyDict_New());
    if (!passed || !dict) return {};
    const Py_ssize_t count = PyList_GET_SIZE(passed.get());
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* item = PyList_GET_ITEM(passed.get(), i);
      const Ref number(PyLong_FromSsize_t(i));
      PyObject* key = number.get();
      if (type == &PyDictKeys_Type) key = item;
      if (type == &PyDictItems_Type) {
        key = PyTuple_GET_ITEM(item, 0);
        item = PyTuple_GET_ITEM(item, 1);
      }
      if (!number || PyDict_SetItem(dict.get(), key, item) != 0) return {};
    }
    const char* name = type == &PyDictKeys_Type    ? "keys"
                       : type == &PyDictItems_Type ? "items"
                                                   : "values";
    return Ref(PyObject_CallMethod(dict.get(), name, nullptr));
  }

  static Ref pass_class(PyObject* value) {
    auto* type = reinterpret_cast<PyTypeObject*>(value);
    return is_python_class(type) ? Ref(wrap_callable(value)) : Ref::borrow(value);
  }

  // ---- instances of classes that a program made, or can change ----

  Ref pass_instance(PyObject* value, PyTypeObject* type) {
    if (type == classes().public_counter) return pass_counter(value);
    if (type == classes().public_fraction) return pass_fraction(value);
    if (type == frozen_) return Ref::borrow(value);
    const bool is_value = is_builtin_value(value);
    if (is_value || !PyIter_Check(value)) {
      if (const char* name = own_operator(type, is_value, nullptr)) refuse_operator(type, name);
    }
    if (direction_ == Direction::argument) freeze_class(type);
    if (type == classes().private_counter) return pass_counter(value);
    if (is_value) return pass_value(value);
    if (PyIter_Check(value)) return Ref(wrap_iterator(value));
    if (type->tp_call != nullptr) return Ref(wrap_callable(value));
    freeze_class(type);
    frozen_ = type;
    return Ref::borrow(value);
  }

  static bool is_builtin_value(PyObject* value) {
    return PyLong_Check(value) || PyFloat_Check(value) || PyComplex_Check(value) ||
           PyUnicode_Check(value) || PyBytes_Check(value) || PyByteArray_Check(value) ||
           PyTuple_Check(value) || PyList_Check(value) || PyDict_Check(value) ||
           PyAnySet_Check(value);
  }

  // The value as its builtin class holds it, whatever the subclass makes of it.
  Ref pass_value(PyObject* value) {
    if (PyLong_Check(value)) return Ref(PyLong_Type.tp_as_number->nb_int(value));
    if (PyFloat_Check(value)) return Ref(PyFloat_FromDouble(PyFloat_AS_DOUBLE(value)));
    if (PyComplex_Check(value)) {
      return Ref(PyComplex_FromCComplex(reinterpret_cast<PyComplexObject*>(value)->cval));
    }
    if (PyUnicode_Check(value)) return Ref(PyUnicode_FromObject(value));
    if (PyBytes_Check(value)) {
      return Ref(PyBytes_FromStringAndSize(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)));
    }
    if (PyByteArray_Check(value)) {
      return Ref(PyByteArray_FromStringAndSize(PyByteArray_AS_STRING(value),
                                               PyByteArray_GET_SIZE(value)));
    }
    if (PyTuple_Check(value)) {
      const Ref content(PyTuple_GetSlice(value, 0, PyTuple_GET_SIZE(value)));
      return content ? pass_tuple(value, content.get()) : Ref();
    }
    if (PyList_Check(value)) return pass_list(value, value);
    if (PyDict_Check(value)) return pass_dict(value, Ref(PyDict_Items(value)), &PyDict_Type);
    const Ref content(PyFrozenSet_Check(value) ? PyFrozenSet_New(value) : PySet_New(value));
    return content ? pass_set(value, content.get()) : Ref();
  }

  Ref pass_counter(PyObject* value) {
    const Ref counts = pass_dict(value, Ref(PyDict_Items(value)), &PyDict_Type);
    auto* counter = reinterpret_cast<PyObject*>(classes().private_counter);
    Ref built(counts ? PyObject_CallNoArgs(counter) : nullptr);
    if (!built || PyDict_Update(built.get(), counts.get()) != 0) return {};
    remember(value, built);
    return built;
  }

  Ref pass_fraction(PyObject* value) {
    const Ref numerator(PyObject_GetAttrString(value, "_numerator"));
    const Ref denominator(numerator ? PyObject_GetAttrString(value, "_denominator") : nullptr);
    if (!denominator) return {};
    const Ref above = pass(numerator.get());
    const Ref below = above ? pass(denominator.get()) : Ref();
    if (!below) return {};
    return Ref(PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(classes().private_fraction),
                                            above.get(), below.get(), nullptr));
  }

  // A finaliser might free `value` while the rest is still on its way, and its address be used
  // again: it is kept as well.
  void remember(PyObject* value, const Ref& passed) {
    seen_.insert_or_assign(value, passed);
    kept_.push_back(Ref::borrow(value));
  }

  Direction direction_;
  std::unordered_map<PyObject*, Ref> seen_;
  std::vector<Ref> kept_;
  PyTypeObject* frozen_ = nullptr;  // the class that was looked at last
};

}  // namespace

bool allow_class(PyObject* type, PyObject* operators) {
  if (allowed_classes == nullptr) allowed_classes = PyList_New(0);
  if (allowed_classes == nullptr) return false;
  const Ref entry(PyTuple_Pack(2, type, operators));
  return entry && PyList_Append(allowed_classes, entry.get()) == 0;
}

PyObject* plain(PyObject* value, Direction direction) {
  try {
    return Passage(direction).pass(value).release();
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

}  // namespace fastscore::sandbox
