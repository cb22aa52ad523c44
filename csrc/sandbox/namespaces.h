// Processes apart from all others.
#pragma once

#include <string>

namespace fastscore::sandbox {

// Whom programs run as when the caller is root: nobody, on every Linux.
inline constexpr unsigned nobody = 65534;

// Moves on into new namespaces of every kind; what returns is a child process, the first of its
// process namespace. The caller stays behind, ends when that ends, and takes it along when killed.
// Throws JailError.
void enter_namespaces();

// After that: whether programs can run as another user than the worker.
bool has_nobody();

// The next fork starts a process namespace of its own.
void divide_processes();

void write_file(const std::string& path, const std::string& text);

}  // namespace fastscore::sandbox
