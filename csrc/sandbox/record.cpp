#include "sandbox/record.h"

#include <cstring>
#include <unordered_map>

#include "sandbox/boundary.h"
#include "sandbox/classes.h"
#include "sandbox/failure.h"
#include "sandbox/proxies.h"
#include "sandbox/verdict.h"

namespace fastscore::sandbox {
namespace {

bool recording = false;
std::string record;
// Objects that have no plain value are numbered, so that the same one is known again.
std::unordered_map<PyObject*, std::uint32_t> numbered;

// One value; containers that occur twice are written once, and referred to by their number.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  bool write(PyObject* value) {
    if (out_.size() > longest_record) {
      answer(Outcome::refused, "", "more results than can be confirmed");
    }
    if (Py_EnterRecursiveCall(" while a result was noted")) return false;
    const bool written = write_any(value, Py_TYPE(value));
    Py_LeaveRecursiveCall();
    return written;
  }

  void tag(char name) { out_.push_back(name); }

  void number(std::uint32_t value) {
    for (int byte = 0; byte < 4; ++byte) out_.push_back(static_cast<char>(value >> (8 * byte)));
  }

  void bytes(const char* data, Py_ssize_t size) {
    number(static_cast<std::uint32_t>(size));
    out_.append(data, static_cast<std::size_t>(size));
  }

  bool text(PyObject* value) {
    const Ref utf8(PyUnicode_AsEncodedString(value, "utf-8", "surrogatepass"));
    if (utf8) bytes(PyBytes_AS_STRING(utf8.get()), PyBytes_GET_SIZE(utf8.get()));
    return static_cast<bool>(utf8);
  }

 private:
  bool write_any(PyObject* value, PyTypeObject* type) {
    const Classes& known = classes();
    if (value == Py_None) return just('N');
    if (value == Py_True) return just('T');
    if (value == Py_False) return just('F');
    if (value == Py_Ellipsis) return just('.');
    if (value == Py_NotImplemented) return just('!');
    if (type == &PyLong_Type) return write_int(value);
    if (type == &PyFloat_Type) return write_float('f', PyFloat_AS_DOUBLE(value));
    if (type == &PyUnicode_Type) return tag('s'), text(value);
    if (type == &PyBytes_Type) {
      return tag('b'), bytes(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value)), true;
    }
    if (type == &PyByteArray_Type) {
      return tag('a'), bytes(PyByteArray_AS_STRING(value), PyByteArray_GET_SIZE(value)), true;
    }
    if (type == &PyComplex_Type) {
      const Py_complex number = PyComplex_AsCComplex(value);
      return tag('c'), write_float('f', number.real) && write_float('f', number.imag);
    }
    if (is_callable_proxy(value)) return just('p');
    if (is_iterator_proxy(value)) return just('n');

    if (const auto at = containers_.find(value); at != containers_.end()) {
      return tag('='), number(at->second), true;
    }
    if (type == &PyTuple_Type) return write_sequence('(', value, value);
    if (type == &PyList_Type) return write_sequence('[', value, value);
    if (type == &PySet_Type) return write_list_of('<', value);
    if (type == &PyFrozenSet_Type) return write_list_of('>', value);
    if (type == &PyDict_Type) return write_pairs('{', value);
    if (type == &PyODict_Type) return write_pairs('o', value);
    if (type == known.private_counter) return write_pairs('C', value);
    if (type == known.default_dict) {
      return write_attributes('d', value, {"default_factory"}) &&
             write_content(Ref(PyMapping_Items(value)));
    }
    if (type == known.deque) {
      return write_attributes('q', value, {"maxlen"}) &&
             write_content(Ref(PySequence_List(value)));
    }
    if (type == known.array) {
      return write_attributes('y', value, {"typecode"}) &&
             write_content(Ref(PySequence_List(value)));
    }
    if (type == &PyDictKeys_Type) return write_list_of('K', value);
    if (type == &PyDictItems_Type) return write_list_of('I', value);
    if (type == &PyDictValues_Type) return write_list_of('V', value);
    if (type == known.private_fraction) {
      return write_attributes('/', value, {"_numerator", "_denominator"});
    }
    if (type == &PyRange_Type || type == &PySlice_Type) {
      return write_attributes(type == &PyRange_Type ? 'r' : ':', value, {"start", "stop", "step"});
    }
    if (type == known.decimal) {
      const Ref shown(PyObject_Str(value));
      return shown && (tag('D'), text(shown.get()));
    }
    if (type == known.date) return write_attributes('1', value, {"year", "month", "day"});
    if (type == known.timedelta) {
      return write_attributes('3', value, {"days", "seconds", "microseconds"});
    }
    if (type == known.datetime) {
      return write_attributes('2', value, {"year", "month", "day", "hour", "minute", "second",
                                           "microsecond", "tzinfo"});
    }
    if (PyType_Check(value)) return write_type(value);
    return write_opaque(value);
  }

  bool just(char name) { return tag(name), true; }

  bool write_int(PyObject* value) {
    const Ref digits(PyNumber_ToBase(value, 16));
    return digits && (tag('i'), text(digits.get()));
  }

  bool write_float(char name, double value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    tag(name);
    out_.append(raw, sizeof raw);
    return true;
  }

  void remember(PyObject* value) {
    containers_.emplace(value, static_cast<std::uint32_t>(containers_.size()));
    kept_.push_back(Ref::borrow(value));
  }

  bool write_sequence(char name, PyObject* value, PyObject* content) {
    remember(value);
    tag(name);
    return write_items(content);
  }

  bool write_items(PyObject* sequence) {
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
    number(static_cast<std::uint32_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
      if (!write(PySequence_Fast_GET_ITEM(sequence, i))) return false;
    }
    return true;
  }

  bool write_list_of(char name, PyObject* value) {
    const Ref list(PySequence_List(value));
    return list && write_sequence(name, value, list.get());
  }

  bool write_pairs(char name, PyObject* value) {
    const Ref pairs(PyODict_CheckExact(value) ? PyMapping_Items(value) : PyDict_Items(value));
    return pairs && write_sequence(name, value, pairs.get());
  }

  bool write_content(const Ref& list) { return list && write_items(list.get()); }

  bool write_attributes(char name, PyObject* value, std::initializer_list<const char*> names) {
    remember(value);
    tag(name);
    for (const char* attribute : names) {
      const Ref part(PyObject_GetAttrString(value, attribute));
      if (!part || !write(part.get())) return false;
    }
    return true;
  }

  // A builtin class, by its name; anything else is a class of which only the identity counts.
  bool write_type(PyObject* value) {
    const Ref name(PyObject_GetAttrString(value, "__name__"));
    const Ref module(PyImport_ImportModule("builtins"));
    if (!name || !module) return false;
    if (PyDict_GetItem(PyModule_GetDict(module.get()), name.get()) != value) {
      return write_opaque(value);
    }
    return tag('t'), text(name.get());
  }

  bool write_opaque(PyObject* value) {
    const auto [at, is_new] =
        numbered.emplace(value, static_cast<std::uint32_t>(numbered.size()));
    if (is_new) Py_INCREF(value);  // its address must not be used again
    return tag('x'), number(at->second), true;
  }

  std::string& out_;
  std::unordered_map<PyObject*, std::uint32_t> containers_;
  std::vector<Ref> kept_;
};

bool write_value(PyObject* value) { return Writer(record).write(value); }

// The exception that is set, by type and text; it stays set.
void write_exception() {
  Ref error = take_exception();
  const std::string name = type_name(error.get());
  const std::string message = text_of(error.get());
  Writer writer(record);
  writer.tag('X');
  writer.bytes(name.data(), static_cast<Py_ssize_t>(name.size()));
  writer.bytes(message.data(), static_cast<Py_ssize_t>(message.size()));
  raise_exception(std::move(error));
}

bool is_changeable(PyObject* argument) {
  return PyList_CheckExact(argument) || PyDict_CheckExact(argument) ||
         PySet_CheckExact(argument) || PyByteArray_CheckExact(argument);
}

}  // namespace

void start_recording() { recording = true; }

bool record_binding(PyObject* value) {
  if (!recording) return true;
  record.push_back('B');
  return write_value(value);
}

bool record_module(PyObject* name) {
  if (!recording) return true;
  record.push_back('M');
  return Writer(record).text(name);
}

void record_class() {
  if (recording) record.push_back('C');
}

void record_unbound() {
  if (recording) record.push_back('-');
}

bool CallRecord::show(PyObject* argument, std::string& shown) const {
  const Ref passed(plain(argument, Direction::argument));
  return passed && (!recording || !is_changeable(argument) || Writer(shown).write(passed.get()));
}

bool CallRecord::begin() {
  before_.resize(static_cast<std::size_t>(PyTuple_GET_SIZE(arguments_)));
  for (std::size_t i = 0; i < before_.size(); ++i) {
    if (!show(PyTuple_GET_ITEM(arguments_, i), before_[i])) return false;
  }
  return true;
}

bool CallRecord::end(PyObject* result) {
  Ref error = result == nullptr ? take_exception() : Ref();
  bool is_argument = false;
  for (std::size_t i = 0; i < before_.size(); ++i) {
    PyObject* argument = PyTuple_GET_ITEM(arguments_, i);
    std::string after;
    if (!show(argument, after)) return false;
    if (!recording) continue;
    Writer writer(record);
    if (after != before_[i]) {
      writer.tag('U');
      writer.number(static_cast<std::uint32_t>(i));
      record += after;
    }
  }
  if (result == nullptr) raise_exception(std::move(error));
  if (!recording) return true;
  if (result == nullptr) return write_exception(), true;
  for (std::size_t i = 0; i < before_.size() && !is_argument; ++i) {
    if (PyTuple_GET_ITEM(arguments_, i) != result) continue;
    is_argument = true;
    Writer writer(record);
    writer.tag('A');
    writer.number(static_cast<std::uint32_t>(i));
  }
  if (is_argument) return true;
  record.push_back('R');
  return write_value(result);
}

bool record_item(PyObject* item) {
  if (!recording) return true;
  if (item != nullptr) {
    record.push_back('R');
    return write_value(item);
  }
  if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_StopIteration)) {
    write_exception();
  } else {
    record.push_back('E');
  }
  return true;
}

const std::string& recorded() { return record; }

}  // namespace fastscore::sandbox
