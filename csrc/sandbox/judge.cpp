#include "sandbox/judge.h"

#include <marshal.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "sandbox/boundary.h"
#include "sandbox/failure.h"
#include "sandbox/record.h"
#include "sandbox/seal.h"

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace fastscore::sandbox {
namespace {

PyObject* tests_builtins = nullptr;
PyObject* tests_importer = nullptr;
PyObject* tests_confirm = nullptr;

// The parts of `trusted`, borrowed; in the order of request.py.
struct Parts {
  explicit Parts(PyObject* trusted)
      : prelude(PyTuple_GET_ITEM(trusted, 0)),
        test(PyTuple_GET_ITEM(trusted, 1)),
        modules(PyTuple_GET_ITEM(trusted, 2)),
        wanted(PyTuple_GET_ITEM(trusted, 3)),
        classes(PyTuple_GET_ITEM(trusted, 4)),
        entry_point(PyTuple_GET_ITEM(trusted, 5)) {}

  PyObject* prelude;
  PyObject* test;
  PyObject* modules;
  PyObject* wanted;
  PyObject* classes;
  PyObject* entry_point;
};

// Fills `buffer`; false when the stream ends before its first byte.
bool read_exactly(int fd, void* buffer, std::size_t size) {
  auto* at = static_cast<char*>(buffer);
  std::size_t done = 0;
  while (done < size) {
#ifdef _WIN32
    const int got = _read(fd, at + done, static_cast<unsigned>(size - done));
#else
    const ssize_t got = read(fd, at + done, size - done);
    if (got < 0 && errno == EINTR) continue;
#endif
    if (got < 0) throw std::runtime_error("cannot read a request");
    if (got == 0) {
      if (done == 0) return false;
      throw std::runtime_error("a request ends too early");
    }
    done += static_cast<std::size_t>(got);
  }
  return true;
}

std::uint32_t get_u32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
         static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

// ---- how it ended ----

// Answers with the exception that is set.
[[noreturn]] void answer_with_error() {
  const Ref error = take_exception();
  PyObject* value = error.get();
  if (value == nullptr) answer(Outcome::failed, "", "ended without an exception");
  const std::string name = type_name(value);
  if (PyErr_GivenExceptionMatches(value, PyExc_MemoryError)) {
    answer(Outcome::out_of_memory, name.c_str(), "");
  }
  const bool refused = value == last_refusal() || refused_event()[0] != '\0';
  const std::string event = refused_event();
  std::string message = text_of(value);
  if (refused && value != last_refusal() && !event.empty()) {
    message += " (the sandbox refused " + event + ")";
  }
  answer(refused ? Outcome::refused : Outcome::failed, name.c_str(), message.c_str());
}

// ---- the steps ----

bool run(PyObject* code, PyObject* globals) {
  return static_cast<bool>(Ref(PyEval_EvalCode(code, globals, globals)));
}

Ref new_globals(PyObject* builtins) {
  Ref globals(PyDict_New());
  if (globals && PyDict_SetItemString(globals.get(), "__builtins__", builtins) != 0) return {};
  return globals;
}

// Compiled here, under the limits of the program, and by exec's own rules.
Ref compile_source(const std::string& source) {
  const Ref text(PyUnicode_DecodeUTF8(source.data(), static_cast<Py_ssize_t>(source.size()),
                                      "surrogatepass"));
  PyObject* compile = PyDict_GetItemString(tests_builtins, "compile");
  if (!text || compile == nullptr) return {};
  return Ref(PyObject_CallFunction(compile, "OssiO", text.get(), "<program>", "exec", 0, Py_True));
}

// A module by that name as tests see it, or null without an exception.
Ref trusted_module(PyObject* module) {
  const Ref name(PyModule_GetNameObject(module));
  const Ref exact(name ? PyUnicode_FromObject(name.get()) : nullptr);
  Ref found(exact ? PyObject_CallMethod(tests_importer, "load", "O", exact.get()) : nullptr);
  PyErr_Clear();
  return found && record_module(exact.get()) ? found : Ref();
}

// Gives the tests the names that are the program's to define.
bool bind_names(const Parts& parts, PyObject* program, PyObject* tests) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parts.wanted); ++i) {
    PyObject* name = PyTuple_GET_ITEM(parts.wanted, i);
    const bool is_entry_point =
        parts.entry_point != Py_None && PyUnicode_Compare(name, parts.entry_point) == 0;
    if (PyDict_Contains(tests, name) == 1) {
      if (!is_entry_point) continue;
      if (PyDict_DelItem(tests, name) != 0) return false;
    }
    const Ref value = Ref::borrow(PyDict_GetItem(program, name));
    Ref passed;
    if (!value) {
      // The tests will say so: NameError.
    } else if (PyModule_Check(value.get())) {
      passed = trusted_module(value.get());
    } else if (PyObject* operators = PyDict_GetItem(parts.classes, name);
               operators != nullptr && PyType_Check(value.get())) {
      if (!allow_class(value.get(), operators)) return false;
      record_class();
      passed = value;
    } else {
      passed = Ref(plain(value.get(), Direction::result));
      if (!passed || !record_binding(passed.get())) return false;
    }
    if (!passed) {
      record_unbound();
      continue;
    }
    if (PyDict_SetItem(tests, name, passed.get()) != 0) return false;
  }
  return true;
}

// Tests that draw random numbers draw the same ones every time: verdicts can be repeated.
bool reset_chance() {
  return static_cast<bool>(Ref(PyObject_CallMethod(tests_importer, "reset_chance", nullptr)));
}

}  // namespace

bool read_request(int fd, Request& request) {
  std::uint8_t head[request_head_bytes];
  if (!read_exactly(fd, head, sizeof head)) return false;
  const std::uint32_t n_source = get_u32(head + 4 + nonce_bytes);
  const std::uint32_t n_trusted = get_u32(head + 8 + nonce_bytes);
  if (std::memcmp(head, "fsj1", 4) != 0 || n_source > longest_part || n_trusted > longest_part) {
    throw std::runtime_error("this is not a request");
  }
  std::memcpy(request.nonce, head + 4, nonce_bytes);
  request.source.resize(n_source);
  request.trusted.resize(n_trusted);
  if ((n_source > 0 && !read_exactly(fd, request.source.data(), n_source)) ||
      (n_trusted > 0 && !read_exactly(fd, request.trusted.data(), n_trusted))) {
    throw std::runtime_error("a request ends too early");
  }
  return true;
}

PyObject* load_trusted(const Request& request) {
  Ref trusted(PyMarshal_ReadObjectFromString(request.trusted.data(),
                                             static_cast<Py_ssize_t>(request.trusted.size())));
  if (trusted && (!PyTuple_Check(trusted.get()) || PyTuple_GET_SIZE(trusted.get()) != 6)) {
    PyErr_SetString(PyExc_ValueError, "the trusted part of a request has another shape");
    return nullptr;
  }
  return trusted.release();
}

bool prepare_judge(PyObject* builtins, PyObject* importer, PyObject* confirm) {
  tests_builtins = Py_NewRef(builtins);
  tests_importer = Py_NewRef(importer);
  tests_confirm = Py_NewRef(confirm);
  return PyDict_SetItemString(builtins, "__import__", importer) == 0;
}

bool import_for(PyObject* trusted) {
  PyObject* modules = Parts(trusted).modules;
  if (PyObject_SetAttrString(tests_importer, "is_closed", Py_False) != 0) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(modules); ++i) {
    PyObject* name = PyTuple_GET_ITEM(modules, i);
    const Ref module(PyObject_CallMethod(tests_importer, "load", "O", name));
    // Code that imports it may never run, or expects the ImportError.
    if (!module) PyErr_Clear();
  }
  return PyObject_SetAttrString(tests_importer, "is_closed", Py_True) == 0;
}

bool confirm(PyObject* trusted, const std::string& record) {
  const Ref load(PyObject_GetAttrString(tests_importer, "load"));
  const Ref data(
      PyBytes_FromStringAndSize(record.data(), static_cast<Py_ssize_t>(record.size())));
  return load && data && reset_chance() &&
         Ref(PyObject_CallFunctionObjArgs(tests_confirm, trusted, data.get(), load.get(), nullptr));
}

void judge(const Request& request, PyObject* trusted) {
  const Parts parts(trusted);
  if (!reset_chance()) answer_with_error();
  const Ref tests = new_globals(tests_builtins);
  if (!tests || (parts.prelude != Py_None && !run(parts.prelude, tests.get()))) answer_with_error();

  const Ref builtins(PyImport_ImportModule("builtins"));
  const Ref program = builtins ? new_globals(PyModule_GetDict(builtins.get())) : Ref();
  if (!program) answer_with_error();
  arm();
  {
    const Ref code = compile_source(request.source);
    if (!code || !run(code.get(), program.get())) answer_with_error();
  }
  if (!bind_names(parts, program.get(), tests.get()) || !run(parts.test, tests.get())) {
    answer_with_error();
  }
  answer(Outcome::passed, "", "");
}

}  // namespace fastscore::sandbox
