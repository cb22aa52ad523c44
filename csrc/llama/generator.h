// Texts written after many prompts at once, one decode step at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/generation_schedule.h"
#include "core/log_softmax.h"
#include "core/parallel.h"
#include "core/stopwatch.h"
#include "core/text_end.h"
#include "llama/decoder.h"
#include "llama/token_pieces.h"
#include "llama/token_sampler.h"

namespace fastscore::llama {

enum class FinishReason { kStop, kEos, kLength };

struct FinishedSample {
  std::int32_t sample = 0;
  std::string text;  // ends in no half of a character; holds bytes that are no UTF-8 as they are
  FinishReason reason = FinishReason::kLength;
  std::int32_t n_tokens = 0;  // sampled, one that ended the text included
  double seconds = 0;         // from the first token to the last
};

class Generator {
 public:
  // All that is passed by reference must outlive the generator; `grammar` may be null. `numbers` are
  // those of the schedule's samples among the samples of their prompts, `stops` are by prompt.
  Generator(Decoder& decoder, GenerationSchedule& schedule, const TokenPieces& pieces,
            ThreadPool& pool, std::vector<std::uint64_t> numbers, std::vector<StopTexts> stops,
            const SamplingOptions& options, const Grammar* grammar);

  bool done() const { return schedule_.done(); }

  // Draws what can be drawn, decodes one step, and draws from its rows. Returns the samples that
  // ended. After an error the generator is of no use. Throws DecodeError where llama.cpp fails or
  // logits are no numbers; failed_sample() is then one that needs them, where one is to blame.
  std::vector<FinishedSample> step();

  // -1: none.
  std::int32_t failed_sample() const { return failed_sample_; }

  // Drawn so far.
  std::int64_t n_tokens() const { return n_tokens_; }
  // A step that decodes both shares its time out by tokens.
  double prefill_seconds() const { return prefill_seconds_; }
  double decode_seconds() const { return decode_seconds_; }
  double sample_seconds() const { return sample_seconds_; }

 private:
  // A sample under way.
  struct Writing {
    Writing(std::int32_t index, TokenSampler its_sampler)
        : sample(index), sampler(std::move(its_sampler)) {}

    std::int32_t sample;
    TokenSampler sampler;
    Token last = -1;      // drawn, not yet decoded
    std::string text;
    std::string spelled;  // with marks: stops may name them
    std::int32_t n_tokens = 0;
    Stopwatch::Clock::time_point start = Stopwatch::Clock::now();
  };
  // The distribution after a whole prompt.
  struct KeptRow {
    std::vector<float> logits;  // [n_vocab]
    RowSummary summary;
  };
  struct Draw {
    std::int32_t seq = 0;
    const float* logits = nullptr;  // [n_vocab]
    RowSummary summary;             // of a kept row; status and argmax are found otherwise
    bool is_summarised = false;
    Token token = -1;
  };

  void start_samples();
  const float* decode(const Decoder::Hold& hold, const GenerationStep& step);
  void draw(std::vector<Draw>& draws);
  void append(std::int32_t seq, Token token);
  void finish(std::int32_t seq, FinishReason reason);
  // A text without the space that its vocabulary puts in front.
  std::string_view begun(std::string_view text) const;
  const StopTexts& stops(std::int32_t sample) const {
    return stops_[schedule_.order().sample(sample).prompt];
  }
  std::span<const float> row(const float* logits) const {
    return {logits, static_cast<std::size_t>(decoder_.n_vocab())};
  }

  Decoder& decoder_;
  GenerationSchedule& schedule_;
  const TokenPieces& pieces_;
  ThreadPool& pool_;
  std::vector<std::uint64_t> numbers_;  // by sample
  std::vector<StopTexts> stops_;        // by prompt
  SamplingOptions options_;
  const Grammar* grammar_;
  const LogSoftmaxKernel& kernel_ = log_softmax_kernel();

  std::mutex mutex_;
  std::vector<std::optional<Writing>> writing_;  // by sequence
  std::vector<KeptRow> kept_;                    // by the schedule's rows
  StepTokens tokens_;
  std::vector<FinishedSample> finished_;  // of the step under way
  std::int32_t failed_sample_ = -1;
  std::int64_t n_tokens_ = 0;
  double prefill_seconds_ = 0;
  double decode_seconds_ = 0;
  double sample_seconds_ = 0;
};

}  // namespace fastscore::llama
