#include "llama/generator.h"

#include <string>
#include <utility>

#include "core/sample_seed.h"
#include "llama/errors.h"

namespace fastscore::llama {

Generator::Generator(Decoder& decoder, GenerationSchedule& schedule, const TokenPieces& pieces,
                     ThreadPool& pool, std::vector<std::uint64_t> numbers,
                     std::vector<StopTexts> stops, const SamplingOptions& options,
                     const Grammar* grammar)
    : decoder_(decoder),
      schedule_(schedule),
      pieces_(pieces),
      pool_(pool),
      numbers_(std::move(numbers)),
      stops_(std::move(stops)),
      options_(options),
      grammar_(grammar),
      writing_(static_cast<std::size_t>(decoder.n_seqs())),
      kept_(static_cast<std::size_t>(decoder.n_seqs())) {
  if (schedule.n_sequences() > decoder.n_seqs() ||
      numbers_.size() != static_cast<std::size_t>(schedule.order().n_samples()) ||
      stops_.size() != static_cast<std::size_t>(schedule.order().n_prompts())) {
    throw InvalidArgument("the schedule was made for another context, or for other samples");
  }
}

std::vector<FinishedSample> Generator::step() {
  const std::lock_guard lock(mutex_);
  // The model stays open until the logits are read and the grammars asked.
  const auto hold = decoder_.hold();
  finished_.clear();
  start_samples();
  if (!schedule_.done()) {
    const GenerationStep& step = schedule_.next();
    const float* logits = decode(hold, step);
    const Stopwatch watch(sample_seconds_);
    for (const auto& chunk : step.chunks) {
      if (chunk.row >= 0) {
        KeptRow& kept = kept_[chunk.row];
        kept.logits.assign(logits, logits + decoder_.n_vocab());
        kept.summary = kernel_.summarise(logits, kept.logits.size());
        logits += decoder_.n_vocab();
      }
    }
    std::vector<Draw> draws;
    for (const auto& continued : step.continued) {
      draws.push_back({continued.seq, logits, {}, false, -1});
      logits += decoder_.n_vocab();
    }
    draw(draws);
  }
  return std::exchange(finished_, {});
}

// Draws the first tokens of samples that have room. A sample may end with its first token, and make
// room for another.
void Generator::start_samples() {
  const Stopwatch watch(sample_seconds_);
  for (auto started = schedule_.start(); !started.empty(); started = schedule_.start()) {
    std::vector<Draw> draws;
    for (const auto& start : started) {
      const auto& prompt = schedule_.order().prompt(
          schedule_.order().sample(start.sample).prompt);
      const std::uint32_t seed = sample_seed(options_.seed, prompt, numbers_[start.sample]);
      writing_[start.seq].emplace(
          start.sample, TokenSampler(decoder_.library(), options_, seed, decoder_.n_vocab(),
                                     prompt, grammar_));
      const KeptRow& kept = kept_[start.row];
      draws.push_back({start.seq, kept.logits.data(), kept.summary, true, -1});
    }
    draw(draws);
  }
}

const float* Generator::decode(const Decoder::Hold& hold, const GenerationStep& step) {
  tokens_.clear();
  for (const auto& chunk : step.chunks) {
    const auto& prompt = schedule_.order().prompt(chunk.prompt);
    for (std::int32_t t = chunk.begin; t < chunk.end; ++t) {
      tokens_.add(prompt[t], t, chunk.seqs, chunk.row >= 0 && t + 1 == chunk.end);
    }
  }
  for (const auto& continued : step.continued) {
    tokens_.add(writing_[continued.seq]->last, continued.position, {&continued.seq, 1}, true);
  }
  double seconds = 0;
  const float* logits = nullptr;
  {
    const Stopwatch watch(seconds);
    logits = decoder_.decode(hold, step.memory, tokens_);
  }
  const double prefill = seconds * step.n_prompt_tokens / step.n_tokens;
  prefill_seconds_ += prefill;
  decode_seconds_ += seconds - prefill;
  return logits;
}

void Generator::draw(std::vector<Draw>& draws) {
  pool_.parallel_for(draws.size(), /*grain=*/1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      Draw& one = draws[i];
      const auto logits = row(one.logits);
      if (!one.is_summarised) {
        one.summary = kernel_.summarise(logits.data(), logits.size());
      }
      if (one.summary.status == RowStatus::ok) {
        one.token = writing_[one.seq]->sampler.draw(logits, one.summary.argmax);
      }
    }
  });
  for (const Draw& one : draws) {
    if (one.summary.status != RowStatus::ok) {
      failed_sample_ = writing_[one.seq]->sample;
      throw DecodeError(std::string(describe(one.summary.status)) +
                        "; the model file is damaged or its arithmetic overflows here");
    }
    append(one.seq, one.token);
  }
}

void Generator::append(std::int32_t seq, Token token) {
  Writing& writing = *writing_[seq];
  writing.last = token;
  ++writing.n_tokens;
  ++n_tokens_;
  if (grammar_ == nullptr ? pieces_.ends(token) : pieces_.ends_grammar(token)) {
    finish(seq, FinishReason::kEos);
    return;
  }
  // A stop may name a mark, or stand in the text with a mark in between: lm-evaluation-harness stops
  // at the one and cuts at the other.
  const auto stops_with = [&](std::string& text, std::string_view piece) {
    text += piece;
    return stops(writing.sample).found(begun(text), piece.size());
  };
  const bool in_text = stops_with(writing.text, pieces_.text(token));
  const bool with_marks = stops_with(writing.spelled, pieces_.spelled(token));
  if (in_text || with_marks) {
    finish(seq, FinishReason::kStop);
  } else if (writing.n_tokens == schedule_.order().sample(writing.sample).max_tokens) {
    finish(seq, FinishReason::kLength);
  }
}

std::string_view Generator::begun(std::string_view text) const {
  return pieces_.drops_first_space() && text.starts_with(' ') ? text.substr(1) : text;
}

void Generator::finish(std::int32_t seq, FinishReason reason) {
  const Writing& writing = *writing_[seq];
  const std::string_view whole = begun(writing.text);
  std::string_view text = whole;
  if (reason == FinishReason::kStop) {
    text = text.substr(0, stops(writing.sample).cut(text));
  }
  if (text.size() == whole.size()) {
    // Before a stop such bytes are no half of a character: they are none at all.
    text = text.substr(0, whole_characters(text));
  }
  const std::chrono::duration<double> seconds = Stopwatch::Clock::now() - writing.start;
  finished_.push_back(
      {writing.sample, std::string(text), reason, writing.n_tokens, seconds.count()});
  writing_[seq].reset();
  schedule_.ended(seq);
}

}  // namespace fastscore::llama
