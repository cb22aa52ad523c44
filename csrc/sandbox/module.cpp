// fastscore._sandbox: what a judging process needs and nothing else.

#include <string>
#include <vector>

#include "sandbox/classes.h"
#include "sandbox/judge.h"
#include "sandbox/proxies.h"
#include "sandbox/python.h"
#include "sandbox/seal.h"

#ifdef __linux__
#include "sandbox/server.h"
#endif

namespace fastscore::sandbox {
namespace {

PyObject* py_trusted_builtins(PyObject*, PyObject*) { return trusted_builtins(); }

PyObject* py_install(PyObject*, PyObject* arguments) {
  PyObject *builtins, *importer, *confirm, *public_classes, *private_classes;
  if (!PyArg_ParseTuple(arguments, "O!OOO!O!", &PyDict_Type, &builtins, &importer, &confirm,
                        &PyDict_Type, &public_classes, &PyDict_Type, &private_classes)) {
    return nullptr;
  }
  if (!prepare_judge(builtins, importer, confirm) || !prepare_proxies() ||
      !find_classes(public_classes, private_classes) || !install_seals()) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "the judge cannot be installed");
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* py_judge_once(PyObject*, PyObject* arguments) {
  int requests, answers;
  if (!PyArg_ParseTuple(arguments, "ii", &requests, &answers)) return nullptr;
  try {
    Request request;
    if (!read_request(requests, request)) {
      PyErr_SetString(PyExc_EOFError, "there is no request");
      return nullptr;
    }
    const Ref trusted(load_trusted(request));
    if (!trusted || !import_for(trusted.get())) return nullptr;
    expect_answer(answers, request.nonce);
    judge(request, trusted.get());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
}

#ifdef __linux__

bool parse_limits(PyObject* tuple, Limits& limits) {
  return PyArg_ParseTuple(tuple, "ddKKKK", &limits.cpu_seconds, &limits.wall_seconds,
                          &limits.memory_bytes, &limits.file_bytes, &limits.open_files,
                          &limits.processes) != 0;
}

bool parse_paths(PyObject* list, std::vector<std::string>& paths) {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    const Ref bytes(PyUnicode_EncodeFSDefault(PyList_GET_ITEM(list, i)));
    if (!bytes) return false;
    paths.emplace_back(PyBytes_AS_STRING(bytes.get()));
    if (paths.back().empty() || paths.back().front() != '/') {
      PyErr_SetString(PyExc_ValueError, "paths for the jail must be absolute");
      return false;
    }
  }
  return true;
}

PyObject* raise_os_error(const JailError& error) {
  const Ref arguments(Py_BuildValue("(is)", error.code().value(), error.what()));
  if (arguments) PyErr_SetObject(PyExc_OSError, arguments.get());
  return nullptr;
}

PyObject* py_enter_jail(PyObject*, PyObject* arguments) {
  PyObject *directories, *hidden, *tuple;
  Limits limits;
  std::vector<std::string> shown, empty;
  if (!PyArg_ParseTuple(arguments, "O!O!O!", &PyList_Type, &directories, &PyList_Type, &hidden,
                        &PyTuple_Type, &tuple) ||
      !parse_limits(tuple, limits) || !parse_paths(directories, shown) ||
      !parse_paths(hidden, empty)) {
    return nullptr;
  }
  try {
    enter_jail(shown, empty, limits);
  } catch (const JailError& error) {
    return raise_os_error(error);
  }
  Py_RETURN_NONE;
}

PyObject* py_serve(PyObject*, PyObject* arguments) {
  int channel;
  PyObject* tuple;
  Limits limits;
  if (!PyArg_ParseTuple(arguments, "iO!", &channel, &PyTuple_Type, &tuple) ||
      !parse_limits(tuple, limits)) {
    return nullptr;
  }
  try {
    if (!serve(channel, limits)) return nullptr;
  } catch (const JailError& error) {
    return raise_os_error(error);
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_OSError, error.what());
    return nullptr;
  }
  Py_RETURN_NONE;
}

#endif

PyMethodDef methods[] = {
    {"trusted_builtins", py_trusted_builtins, METH_NOARGS,
     "A copy of the builtins for trusted code; before install()."},
    {"install", py_install, METH_VARARGS,
     "install(builtins, importer, confirm, public_classes, private_classes): what judging needs."},
    {"judge_once", py_judge_once, METH_VARARGS,
     "judge_once(request_fd, answer_fd): read one request, judge it, answer and end the process."},
#ifdef __linux__
    {"enter_jail", py_enter_jail, METH_VARARGS,
     "enter_jail(directories, hidden, limits): go on as the first process of a jail."},
    {"serve", py_serve, METH_VARARGS,
     "serve(channel, limits): judge requests, each in a child, until they end."},
#endif
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_sandbox", "The native part of fastscore.sandbox.", -1, methods,
    nullptr, nullptr, nullptr, nullptr,
};

}  // namespace
}  // namespace fastscore::sandbox

PyMODINIT_FUNC PyInit__sandbox() { return PyModule_Create(&fastscore::sandbox::definition); }
