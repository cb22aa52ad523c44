#include "sandbox/seal.h"

#include <frameobject.h>  // Python.h has it from 3.11 on

#include <array>
#include <cstring>
#include <string>

#include "sandbox/audit.h"
#include "sandbox/verdict.h"

namespace fastscore::sandbox {
namespace {

bool armed = false;
PyObject* refusal = nullptr;
char event_name[64] = "";
// While true, the audit event of what is being called is no news.
bool clearing = false;

bool is_trusted_code(PyObject* code) {
  if (code == nullptr || !PyCode_Check(code)) return false;
  PyObject* file = reinterpret_cast<PyCodeObject*>(code)->co_filename;
  return file != nullptr && PyUnicode_CompareWithASCIIString(file, tests_file) == 0;
}

bool is_trusted_frame(PyObject* frame) {
  if (frame == nullptr || !PyFrame_Check(frame)) return false;
  const Ref code(
      reinterpret_cast<PyObject*>(PyFrame_GetCode(reinterpret_cast<PyFrameObject*>(frame))));
  return is_trusted_code(code.get());
}

bool is_trusted_caller() {
  return is_trusted_frame(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
}

[[noreturn]] void end_refused(const char* what) { answer(Outcome::refused, "", what); }

// ---- audit hook ----

int audit(const char* event, PyObject* arguments, void*) {
  if (!armed || clearing) return 0;
  switch (rule(event, arguments)) {
    case Ruling::allow:
      return 0;
    case Ruling::end:
      end_refused(event);
    case Ruling::deny:
      break;
  }
  PyObject* kind =
      std::strcmp(event, "import") == 0 ? PyExc_ImportError : PyExc_PermissionError;
  PyErr_Format(kind, "the sandbox refuses %s", event);
  Ref error = take_exception();
  Py_XSETREF(refusal, Py_XNewRef(error.get()));
  // A failed import is common in honest code and explains itself; the rest is kept.
  if (kind == PyExc_PermissionError && event_name[0] == '\0') {
    std::strncpy(event_name, event, sizeof event_name - 1);
  }
  raise_exception(std::move(error));
  return -1;
}

// ---- attributes of frames and functions ----

using IsTrusted = bool (*)(PyObject*);

struct Attribute {
  const char* name;
  IsTrusted is_hidden;
  PyObject* original = nullptr;  // the descriptor that was there
  PyGetSetDef definition = {};
};

PyObject* get_original(const Attribute& attribute, PyObject* self) {
  return Py_TYPE(attribute.original)
      ->tp_descr_get(attribute.original, self, reinterpret_cast<PyObject*>(Py_TYPE(self)));
}

PyObject* get_sealed(PyObject* self, void* closure) {
  const Attribute& attribute = *static_cast<Attribute*>(closure);
  if (armed && attribute.is_hidden(self)) end_refused(attribute.name);
  PyObject* value = get_original(attribute, self);
  // The callers of a program end where trusted code begins.
  if (armed && is_trusted_frame(value)) {
    Py_DECREF(value);
    Py_RETURN_NONE;
  }
  return value;
}

int set_sealed(PyObject* self, PyObject* value, void* closure) {
  const Attribute& attribute = *static_cast<Attribute*>(closure);
  if (armed && attribute.is_hidden(self)) end_refused(attribute.name);
  const auto set = Py_TYPE(attribute.original)->tp_descr_set;
  if (set == nullptr) {
    PyErr_Format(PyExc_AttributeError, "%s is read-only", attribute.name);
    return -1;
  }
  return set(attribute.original, self, value);
}

Attribute frame_attributes[] = {
    {"f_back", is_trusted_frame},        {"f_builtins", is_trusted_frame},
    {"f_code", is_trusted_frame},        {"f_generator", is_trusted_frame},
    {"f_globals", is_trusted_frame},     {"f_lineno", is_trusted_frame},
    {"f_locals", is_trusted_frame},      {"f_trace", is_trusted_frame},
    {"f_trace_lines", is_trusted_frame}, {"f_trace_opcodes", is_trusted_frame},
};

Attribute function_attributes[] = {
    {"__builtins__", is_trusted_function},   {"__closure__", is_trusted_function},
    {"__code__", is_trusted_function},       {"__defaults__", is_trusted_function},
    {"__globals__", is_trusted_function},    {"__kwdefaults__", is_trusted_function},
};

// The dictionary of a type, new reference. Since 3.12 those of builtin types lie elsewhere.
Ref dict_of(PyTypeObject* type) {
#if PY_VERSION_HEX >= 0x030C0000
  return Ref(PyType_GetDict(type));
#else
  return Ref::borrow(type->tp_dict);
#endif
}

template <std::size_t Size>
bool seal_type(PyTypeObject* type, Attribute (&attributes)[Size]) {
  const Ref dict = dict_of(type);
  for (Attribute& attribute : attributes) {
    PyObject* original = PyDict_GetItemString(dict.get(), attribute.name);
    if (original == nullptr) continue;  // newer or older than this Python
    attribute.original = Py_NewRef(original);
    attribute.definition = {attribute.name, get_sealed, set_sealed, nullptr, &attribute};
    const Ref sealed(PyDescr_NewGetSet(type, &attribute.definition));
    if (!sealed || PyDict_SetItemString(dict.get(), attribute.name, sealed.get()) != 0) {
      return false;
    }
  }
  PyType_Modified(type);
  return true;
}

// ---- builtin functions that a program may not call in some way ----

// A program may hand such a function to C code (map, defaultdict) that trusted code then drives, so
// that it acts on the frame of the tests. Replacing the C function behind the object, not the
// object, leaves no other copy to be found.
enum class When {
  called_by_tests,  // refused where the caller is trusted code
  always,
  not_clearing,     // refused with anything but None
};

struct Builtin {
  const char* module;
  const char* name;
  When when;
  PyCFunction original = nullptr;
  PyMethodDef twin = {};  // how trusted code calls the original
};

std::array<Builtin, 9> builtins = {{
    {"builtins", "globals", When::called_by_tests},
    {"builtins", "locals", When::called_by_tests},
    {"builtins", "vars", When::called_by_tests},
    {"builtins", "dir", When::called_by_tests},
    {"builtins", "eval", When::called_by_tests},
    {"builtins", "exec", When::called_by_tests},
    {"gc", "set_debug", When::always},  // DEBUG_SAVEALL collects what trusted code leaves behind
    {"sys", "settrace", When::not_clearing},  // doctest, for one, clears it
    {"sys", "setprofile", When::not_clearing},
}};

struct Clearing {
  explicit Clearing(bool is_clearing) { clearing = is_clearing; }
  ~Clearing() { clearing = false; }
};

bool is_none(PyObject* argument) { return argument == Py_None; }

template <typename... Arguments>
bool is_none(Arguments...) {
  return false;
}

template <std::size_t Index>
struct Guarded {
  template <typename... Arguments>
  static PyObject* call(PyObject* self, Arguments... arguments) {
    const Builtin& builtin = builtins[Index];
    const bool is_clearing = builtin.when == When::not_clearing && is_none(arguments...);
    if (armed && (builtin.when == When::called_by_tests ? is_trusted_caller() : !is_clearing)) {
      end_refused(builtin.name);
    }
    const Clearing scope(is_clearing);
    using Function = PyObject* (*)(PyObject*, Arguments...);
    return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(builtin.original))(
        self, arguments...);
  }

  static PyCFunction for_flags(int flags) {
    using Plain = PyObject* (*)(PyObject*, PyObject*);
    using Fast = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);
    using FastKeywords = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
    const auto plain = [](auto function) {
      return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
    };
    switch (flags & (METH_VARARGS | METH_FASTCALL | METH_NOARGS | METH_O | METH_KEYWORDS)) {
      case METH_NOARGS:
      case METH_O:
      case METH_VARARGS:
        return plain(static_cast<Plain>(&call<PyObject*>));
      case METH_FASTCALL:
        return plain(static_cast<Fast>(&call<PyObject* const*, Py_ssize_t>));
      case METH_FASTCALL | METH_KEYWORDS:
        return plain(static_cast<FastKeywords>(&call<PyObject* const*, Py_ssize_t, PyObject*>));
      default:
        return nullptr;
    }
  }
};

PyMethodDef* definition_of(const Builtin& builtin) {
  const Ref module(PyImport_ImportModule(builtin.module));
  if (!module) return nullptr;
  PyObject* function = PyDict_GetItemString(PyModule_GetDict(module.get()), builtin.name);
  if (function == nullptr || !PyCFunction_Check(function)) {
    PyErr_Format(PyExc_SystemError, "%s.%s is not what it is in CPython", builtin.module,
                 builtin.name);
    return nullptr;
  }
  return reinterpret_cast<PyCFunctionObject*>(function)->m_ml;
}

template <std::size_t... Index>
bool guard_builtins(std::index_sequence<Index...>) {
  const auto one = [](Builtin& builtin, auto for_flags) {
    PyMethodDef* definition = definition_of(builtin);
    if (definition == nullptr) return false;
    PyCFunction guarded = for_flags(definition->ml_flags);
    if (guarded == nullptr) {
      PyErr_Format(PyExc_SystemError, "%s is called in an unknown way", builtin.name);
      return false;
    }
    builtin.original = definition->ml_meth;
    definition->ml_meth = guarded;
    return true;
  };
  return (one(builtins[Index], &Guarded<Index>::for_flags) && ...);
}

}  // namespace

bool is_trusted_function(PyObject* function) {
  return PyFunction_Check(function) && is_trusted_code(PyFunction_GET_CODE(function));
}

PyObject* trusted_builtins() {
  const Ref module(PyImport_ImportModule("builtins"));
  if (!module) return nullptr;
  Ref copy(PyDict_Copy(PyModule_GetDict(module.get())));
  if (!copy) return nullptr;
  for (Builtin& builtin : builtins) {
    if (builtin.when != When::called_by_tests) continue;
    PyMethodDef* definition = definition_of(builtin);
    if (definition == nullptr) return nullptr;
    builtin.twin = *definition;
    const Ref twin(PyCFunction_NewEx(&builtin.twin, module.get(), nullptr));
    if (!twin || PyDict_SetItemString(copy.get(), builtin.name, twin.get()) != 0) return nullptr;
  }
  return copy.release();
}

bool install_seals() {
  return PySys_AddAuditHook(audit, nullptr) == 0 && seal_type(&PyFrame_Type, frame_attributes) &&
         seal_type(&PyFunction_Type, function_attributes) &&
         guard_builtins(std::make_index_sequence<builtins.size()>());
}

void arm() { armed = true; }

PyObject* last_refusal() { return refusal; }

const char* refused_event() { return event_name; }

}  // namespace fastscore::sandbox
