#include "core/engine_threads.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#ifndef _WIN32
#include <pthread.h>
#endif

namespace fastscore {
namespace {

class Worker {
 public:
  // Returns what the call threw.
  std::exception_ptr run(const std::function<void()>& call) {
    std::unique_lock lock(mutex_);
    call_ = &call;
    changed_.notify_one();
    changed_.wait(lock, [&] { return call_ == nullptr; });
    return std::exchange(error_, nullptr);
  }

  [[noreturn]] void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return call_ != nullptr; });
      lock.unlock();
      std::exception_ptr error;
      try {
        (*call_)();
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      error_ = std::move(error);
      call_ = nullptr;
      changed_.notify_one();
    }
  }

 private:
  std::mutex mutex_;
  // One waits at a time: the worker for a call, or who called for its end.
  std::condition_variable changed_;
  const std::function<void()>* call_ = nullptr;
  std::exception_ptr error_;
};

#ifdef _WIN32

void start(Worker* worker) {
  std::thread([worker] { worker->work(); }).detach();
}

#else

void start(Worker* worker) {
  // As a main thread has it: elsewhere than on Linux with glibc a thread's own is far smaller.
  constexpr std::size_t kStackBytes = 8 << 20;
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const auto work = [](void* self) -> void* { static_cast<Worker*>(self)->work(); };
  const int code = pthread_create(&thread, &attributes, work, worker);
  pthread_attr_destroy(&attributes);
  if (code != 0) {
    throw std::system_error(code, std::generic_category(), "cannot start a thread for llama.cpp");
  }
}

#endif

struct Workers {
  std::mutex mutex{};
  std::size_t n_started = 0;
  std::vector<Worker*> idle{};  // the last one in is the next one out
};

// Never freed: its threads may outlive everything else at the end of the process.
Workers& workers() {
  static std::atomic<Workers*> all{new Workers};
#ifndef _WIN32
  // A child has none of the threads, and the lock may be held there for ever.
  static const int registered = pthread_atfork(nullptr, nullptr, [] { all = new Workers; });
  static_cast<void>(registered);
#endif
  return *all;
}

// Takes an idle worker, or starts one.
Worker& take(Workers& all) {
  const std::lock_guard lock(all.mutex);
  if (!all.idle.empty()) {
    Worker* const worker = all.idle.back();
    all.idle.pop_back();
    return *worker;
  }
  all.idle.reserve(all.n_started + 1);  // so that giving it back cannot fail
  auto worker = std::make_unique<Worker>();
  start(worker.get());
  ++all.n_started;
  return *worker.release();
}

void give_back(Workers& all, Worker& worker) {
  const std::lock_guard lock(all.mutex);
  all.idle.push_back(&worker);
}

}  // namespace

void run_on_engine_thread(const std::function<void()>& call) {
  Workers& all = workers();
  Worker& worker = take(all);
  const std::exception_ptr error = worker.run(call);
  give_back(all, worker);
  if (error) std::rethrow_exception(error);
}

std::size_t n_engine_threads() {
  Workers& all = workers();
  const std::lock_guard lock(all.mutex);
  return all.n_started;
}

}  // namespace fastscore
