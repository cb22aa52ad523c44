// Threads for loops over rows and texts.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fastscore {

// A fixed set of threads that share loops. The calling thread works too, so a pool of one starts
// no thread at all. Idle workers sleep; they never spin. A child of a fork has none of the workers:
// there the calling thread works alone.
class ThreadPool {
 public:
  static constexpr std::size_t kMaxThreads = 1024;

  // Throws InvalidArgument unless 1 <= n_threads <= kMaxThreads, and std::system_error where
  // the operating system starts no more threads.
  explicit ThreadPool(std::size_t n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Threads that work on a loop, the calling one included.
  std::size_t n_threads() const noexcept { return workers_.size() + 1; }

  // Calls body(begin, end) for consecutive ranges that cover [0, n) exactly once, each at most
  // `grain` long, in any order and on any of the threads; returns when all are done. The ranges
  // depend on n and grain alone, never on the number of threads.
  //
  // An exception from body stops the handing out of further ranges and is rethrown here; of
  // several, the one of the lowest range, so that the same input fails the same way every time.
  // May be called from several threads; loops that need the workers take turns. A call from within
  // a body runs on the calling thread alone.
  // Throws InvalidArgument if grain is 0.
  void parallel_for(std::size_t n, std::size_t grain,
                    const std::function<void(std::size_t begin, std::size_t end)>& body);

 private:
  struct Loop;
  void work();
  void stop() noexcept;
  bool is_forked() const noexcept;  // away from its workers

  std::mutex turn_;   // held by the one caller whose loop the workers may join
  std::mutex mutex_;  // guards all that follows but workers_, which never changes once built
  // Apart, as one that threads wait for cannot be destroyed where these are not.
  std::unique_ptr<std::condition_variable> loop_offered_ =
      std::make_unique<std::condition_variable>();
  std::condition_variable worker_left_;
  Loop* loop_ = nullptr;         // what workers may join
  std::uint64_t n_offered_ = 0;  // loops so far, so that a worker joins each at most once
  std::size_t n_joined_ = 0;     // workers inside *loop_
  bool stopping_ = false;
  const std::int64_t process_;  // that the workers belong to
  std::vector<std::thread> workers_;
};

}  // namespace fastscore
