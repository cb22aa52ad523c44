// The generation schedule driven at random, for the sanitizers; tests/core checks what it says.
#include <random>

#include "check.h"
#include "core/generation_schedule.h"

using namespace fastscore;

namespace {

std::int64_t run(GenerationSchedule& schedule, std::mt19937& random) {
  std::int64_t drawn = 0;
  std::vector<std::int32_t> left(static_cast<std::size_t>(schedule.order().n_samples()));
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto most = schedule.order().sample(static_cast<std::int32_t>(i)).max_tokens;
    left[i] = 1 + static_cast<std::int32_t>(random() % static_cast<unsigned>(most));
  }
  const auto draw = [&](std::int32_t sample, std::int32_t seq) {
    ++drawn;
    if (--left[static_cast<std::size_t>(sample)] == 0) {
      schedule.ended(seq);
    }
  };
  while (!schedule.done()) {
    for (auto started = schedule.start(); !started.empty(); started = schedule.start()) {
      for (const auto& one : started) {
        draw(one.sample, one.seq);
      }
    }
    if (schedule.done()) {
      break;
    }
    const GenerationStep step = schedule.next();
    CHECK(step.n_tokens > 0);
    for (const auto& one : step.continued) {
      draw(one.sample, one.seq);
    }
  }
  return drawn;
}

}  // namespace

TEST(schedules_of_all_kinds_come_to_their_end) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](int n) {
      return static_cast<std::int32_t>(random() % static_cast<unsigned>(n));
    };
    std::vector<std::vector<Token>> prompts(static_cast<std::size_t>(1 + below(12)));
    for (auto& prompt : prompts) {
      prompt.resize(static_cast<std::size_t>(1 + below(20)));
      for (auto& token : prompt) {
        token = below(2);
      }
    }
    std::vector<PromptOrder::Sample> samples(static_cast<std::size_t>(below(60)));
    for (auto& sample : samples) {
      sample = {below(static_cast<int>(prompts.size())), 1 + below(9)};
    }
    const PromptOrder order(prompts, samples);
    GenerationBudget budget;
    budget.n_running = 1 + below(6);
    budget.n_ready = 1 + below(4);
    budget.n_checkpoints = below(3);
    budget.n_batch = budget.n_running + below(20);
    budget.n_cells = static_cast<std::int32_t>(order.least_cells()) + below(30);
    for (const Sharing sharing : {Sharing::kPrefix, Sharing::kState}) {
      GenerationSchedule schedule(order, budget, sharing);
      const std::int64_t drawn = run(schedule, random);
      CHECK(drawn >= order.n_samples());
      CHECK_EQUAL(schedule.n_prompt_tokens() - schedule.n_repeated(), order.n_tokens());
      CHECK(sharing == Sharing::kState || schedule.n_repeated() == 0);
    }
  }
}
