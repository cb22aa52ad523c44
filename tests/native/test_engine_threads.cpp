// Calls of the engine from many threads; run under the thread sanitizer as well.
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "check.h"
#include "core/engine_threads.h"

using namespace fastscore;

namespace {

std::thread::id engine_thread() {
  std::thread::id id;
  run_on_engine_thread([&] { id = std::this_thread::get_id(); });
  return id;
}

struct Boom : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

TEST(calls_one_after_another_run_on_one_thread_whoever_calls) {
  std::set<std::thread::id> ids{engine_thread()};
  for (int i = 0; i < 20; ++i) {
    std::thread([&] { ids.insert(engine_thread()); }).join();
  }
  ids.insert(engine_thread());
  CHECK_EQUAL(ids.size(), 1u);
  CHECK_EQUAL(ids.count(std::this_thread::get_id()), 0u);
}

TEST(calls_that_overlap_run_at_once_on_threads_that_are_used_again) {
  const auto all_at_once = [](int n) {
    std::atomic<int> arrived{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < n; ++i) {
      callers.emplace_back([&] {
        run_on_engine_thread([&] {
          ++arrived;
          while (arrived < n) std::this_thread::yield();  // ends only if all run
        });
      });
    }
    for (std::thread& caller : callers) caller.join();
  };
  all_at_once(3);
  const std::size_t started = n_engine_threads();
  CHECK_EQUAL(started, 3u);
  for (int round = 0; round < 20; ++round) all_at_once(3);
  CHECK_EQUAL(n_engine_threads(), started);
}

TEST(calls_of_many_threads_are_all_made) {
  std::atomic<int> made{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        int mine = -1;
        run_on_engine_thread([&] { mine = n; });
        if (mine == n) ++made;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK_EQUAL(made.load(), 8 * 200);
}

TEST(a_call_that_throws_throws_where_it_was_made_and_the_next_one_runs) {
  CHECK_THROWS(Boom, run_on_engine_thread([] { throw Boom("in the engine"); }));
  int done = 0;
  run_on_engine_thread([&] { done = 1; });
  CHECK_EQUAL(done, 1);
}
