// The threads that llama.cpp computes on.
#pragma once

#include <cstddef>
#include <functional>

namespace fastscore {

// Runs `call` on a thread that is kept for the engine, and waits for its end.
//
// OpenMP gives every thread that computes a team of workers, which outlives the computation; with
// more of them in a process than cores, no team waits awake for its next loop any more, and each
// loses time on every one. So calls that come one after another run on the same thread, whichever
// threads they come from: a notebook's, an event loop's, a judge's. Others are started only for
// calls that overlap, at most as many as overlap at once, and last as long as the process. A child
// of a fork starts its own.
//
// An exception of `call` is rethrown here. Throws std::system_error where the operating system
// starts no more threads.
void run_on_engine_thread(const std::function<void()>& call);

// How many there are in this process.
std::size_t n_engine_threads();

}  // namespace fastscore
