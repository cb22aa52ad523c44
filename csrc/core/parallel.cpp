#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>
#include <utility>

#include "core/types.h"

#ifndef _WIN32
#include <unistd.h>
#endif

namespace fastscore {
namespace {

std::int64_t this_process() {
#ifdef _WIN32
  return 0;  // no forks
#else
  return getpid();
#endif
}

// True on a thread while it runs the body of some parallel_for.
thread_local bool inside_loop = false;

}  // namespace

struct ThreadPool::Loop {
  const std::size_t n;
  const std::size_t grain;
  const std::size_t n_ranges;
  const std::function<void(std::size_t, std::size_t)>& body;
  std::atomic<std::size_t> next_range{0};
  std::atomic<bool> failed{false};
  std::mutex error_mutex{};
  std::size_t error_range = 0;
  std::exception_ptr error{};

  // Takes ranges until none is left. `failed` is read before a range is taken and never after:
  // ranges are taken in ascending order, so every range below a failed one still runs, and the
  // lowest error is always found.
  void run() noexcept {
    const bool was_inside = inside_loop;
    inside_loop = true;
    while (!failed.load(std::memory_order_relaxed)) {
      const std::size_t range = next_range.fetch_add(1, std::memory_order_relaxed);
      if (range >= n_ranges) break;
      const std::size_t begin = range * grain;
      try {
        body(begin, begin + std::min(grain, n - begin));
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error || range < error_range) {
          error = std::current_exception();
          error_range = range;
        }
        failed.store(true, std::memory_order_relaxed);
      }
    }
    inside_loop = was_inside;
  }
};

ThreadPool::ThreadPool(std::size_t n_threads) : process_(this_process()) {
  if (n_threads < 1 || n_threads > kMaxThreads) {
    throw InvalidArgument("n_threads must be from 1 to " + std::to_string(kMaxThreads) +
                                ", got " + std::to_string(n_threads));
  }
  workers_.reserve(n_threads - 1);
  try {
    while (workers_.size() < n_threads - 1) workers_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

bool ThreadPool::is_forked() const noexcept { return process_ != this_process(); }

void ThreadPool::stop() noexcept {
  if (is_forked()) {
    // To destroy what stands for threads that are not there would be to wait for them.
    new std::vector<std::thread>(std::move(workers_));
    static_cast<void>(loop_offered_.release());
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  loop_offered_->notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work() {
  std::uint64_t n_seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    loop_offered_->wait(lock, [&] { return stopping_ || (loop_ && n_offered_ != n_seen); });
    if (stopping_) return;
    n_seen = n_offered_;
    Loop* const loop = loop_;
    ++n_joined_;
    lock.unlock();
    loop->run();
    lock.lock();
    if (--n_joined_ == 0) worker_left_.notify_one();
  }
}

void ThreadPool::parallel_for(std::size_t n, std::size_t grain,
                              const std::function<void(std::size_t, std::size_t)>& body) {
  if (grain == 0) throw InvalidArgument("grain must be at least 1, got 0");
  Loop loop{n, grain, n / grain + (n % grain != 0), body};
  if (workers_.empty() || loop.n_ranges < 2 || inside_loop || is_forked()) {
    loop.run();
  } else {
    const std::lock_guard my_turn(turn_);
    {
      const std::lock_guard lock(mutex_);
      loop_ = &loop;
      ++n_offered_;
    }
    loop_offered_->notify_all();
    loop.run();
    // Who has not woken up by now is not waited for: withdrawing the loop keeps late workers out.
    std::unique_lock lock(mutex_);
    loop_ = nullptr;
    worker_left_.wait(lock, [&] { return n_joined_ == 0; });
  }
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace fastscore
