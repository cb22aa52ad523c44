#include "sandbox/failure.h"

#include <cstring>

#include "sandbox/verdict.h"

namespace fastscore::sandbox {

std::string type_name(PyObject* error) {
  const char* name = Py_TYPE(error)->tp_name;
  const char* dot = std::strrchr(name, '.');
  return dot == nullptr ? name : dot + 1;
}

std::string text_of(PyObject* error) {
  const Ref text(PyObject_Str(error));
  const Ref head(text ? PyUnicode_Substring(text.get(), 0, message_bytes / 4) : nullptr);
  const Ref bytes(head ? PyUnicode_AsEncodedString(head.get(), "utf-8", "replace") : nullptr);
  PyErr_Clear();
  return bytes ? std::string(PyBytes_AS_STRING(bytes.get()),
                             static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())))
               : std::string();
}

}  // namespace fastscore::sandbox
