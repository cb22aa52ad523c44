// Runs a program and its tests in this process, and answers.
#pragma once

#include <cstdint>
#include <string>

#include "sandbox/python.h"
#include "sandbox/verdict.h"

namespace fastscore::sandbox {

// A request as fastscore.sandbox.request writes it.
struct Request {
  std::uint8_t nonce[nonce_bytes] = {};
  std::string source;   // UTF-8
  std::string trusted;  // marshal
};

inline constexpr std::size_t request_head_bytes = 4 + nonce_bytes + 4 + 4;
// Far above any program; a length beyond it means that reader and writer are out of step.
inline constexpr std::uint32_t longest_part = 256u << 20;

// Reads one request. False at the end of the stream; throws std::runtime_error on anything else
// that is not a request.
bool read_request(int fd, Request& request);

// What is trusted, unmarshalled; a new reference, or null with an exception set.
PyObject* load_trusted(const Request& request);

// Keeps what trusted code is run with: its builtins, with an `__import__` of their own that loads
// trusted twins of the standard library's modules, and the function that replays a record.
bool prepare_judge(PyObject* builtins, PyObject* importer, PyObject* confirm);

// Imports what trusted code will import. Before anything hostile runs.
bool import_for(PyObject* trusted);

// Whether the tests pass on what record.h has noted, without the program.
bool confirm(PyObject* trusted, const std::string& record);

// Runs everything and ends the process with an answer. `expect_answer` comes first.
[[noreturn]] void judge(const Request& request, PyObject* trusted);

}  // namespace fastscore::sandbox
