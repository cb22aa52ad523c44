#include "sandbox/audit.h"

#include <algorithm>
#include <string_view>

namespace fastscore::sandbox {
namespace {

using std::string_view;

// Ways to look around in the interpreter: at other frames, other objects, or raw memory.
constexpr string_view endings[] = {
    "gc.get_objects",
    "gc.get_referents",
    "gc.get_referrers",
    "sys._current_exceptions",
    "sys._current_frames",
    "sys.addaudithook",
    "sys.setprofile",
    "sys.settrace",
    "cpython.PyInterpreterState_New",
    "cpython.remote_debugger_script",
    "sys.remote_exec",
};

constexpr string_view ending_families[] = {"ctypes.", "sys.monitoring."};

// Ways out of the process. The kernel denies them too; the event says why more clearly.
constexpr string_view denials[] = {
    "_posixsubprocess.fork_exec",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.killpg",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.startfile/2",
    "os.system",
    "pty.spawn",
    "signal.pthread_kill",
    "sqlite3.enable_load_extension",
    "sqlite3.load_extension",
    "subprocess.Popen",
    "webbrowser.open",
};

constexpr string_view denied_families[] = {
    "socket.", "ftplib.", "http.client.", "imaplib.", "nntplib.", "poplib.", "smtplib.",
    "telnetlib.", "urllib.", "winreg.", "_winapi.", "msvcrt.",
};

// Modules that read and write memory or the interpreter's inside. `name` may be dotted.
bool is_denied_module(string_view name) {
  const string_view first = name.substr(0, name.find('.'));
  const string_view last = name.substr(name.rfind('.') + 1);
  const auto denied = [](string_view part) {
    return part == "ctypes" || part.starts_with("_ctypes") || part.starts_with("_test") ||
           part.starts_with("_xx") || part.starts_with("_interp") || part == "_sandbox" ||
           part == "fastscore";
  };
  return denied(first) || denied(last);
}

bool is_local_socket(PyObject* arguments) {
  // (socket, family, type, protocol); AF_UNIX is what asyncio wakes itself with.
  constexpr long unix_family = 1;
  if (PyTuple_GET_SIZE(arguments) < 2) return false;
  PyObject* family = PyTuple_GET_ITEM(arguments, 1);
  if (!PyLong_Check(family)) return false;
  const long value = PyLong_AsLong(family);
  PyErr_Clear();
  return value == unix_family || value == -1;
}

template <std::size_t Size>
bool contains(const string_view (&names)[Size], string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

template <std::size_t Size>
bool begins(const string_view (&families)[Size], string_view name) {
  return std::any_of(std::begin(families), std::end(families),
                     [&](string_view family) { return name.starts_with(family); });
}

}  // namespace

Ruling rule(const char* event, PyObject* arguments) {
  const string_view name(event);
  // By far the most frequent ones, and harmless.
  if (name == "compile" || name == "exec" || name == "open" || name == "builtins.id") {
    return Ruling::allow;
  }
  if (name == "import") {
    PyObject* module = PyTuple_GET_SIZE(arguments) > 0 ? PyTuple_GET_ITEM(arguments, 0) : nullptr;
    Py_ssize_t size = 0;
    const char* text = module != nullptr && PyUnicode_Check(module)
                           ? PyUnicode_AsUTF8AndSize(module, &size)
                           : nullptr;
    PyErr_Clear();
    if (text == nullptr) return Ruling::allow;
    return is_denied_module({text, static_cast<std::size_t>(size)}) ? Ruling::deny : Ruling::allow;
  }
  if (name == "socket.__new__") return is_local_socket(arguments) ? Ruling::allow : Ruling::deny;
  if (contains(endings, name) || begins(ending_families, name)) return Ruling::end;
  if (contains(denials, name) || begins(denied_families, name)) return Ruling::deny;
  return Ruling::allow;
}

}  // namespace fastscore::sandbox
