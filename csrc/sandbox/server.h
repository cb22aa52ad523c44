// The loop of a worker: reads programs, runs each in a child, replies.
#pragma once

#include "sandbox/jail.h"

namespace fastscore::sandbox {

// Serves what comes over the socket `channel` until it is shut down. Throws JailError and
// std::runtime_error; returns false with a Python exception set when a request cannot be read into
// Python.
bool serve(int channel, const Limits& limits);

}  // namespace fastscore::sandbox
