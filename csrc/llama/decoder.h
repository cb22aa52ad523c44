// One decode step at a time on a llama.cpp context.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "core/batch_plan.h"
#include "core/token_trie.h"
#include "llama/library.h"

namespace fastscore::llama {

// The tokens of one decode step, in batch order: structure of arrays.
class StepTokens {
 public:
  void clear();
  // The token belongs to all of `seqs`, which must outlive the step.
  void add(Token token, std::int32_t position, std::span<const std::int32_t> seqs, bool wants_row);

  std::int32_t size() const { return static_cast<std::int32_t>(token_.size()); }
  std::int32_t n_rows() const { return n_rows_; }

 private:
  friend class Decoder;

  std::vector<Token> token_;
  std::vector<std::int32_t> position_;
  std::vector<std::int32_t> n_seq_id_;
  std::vector<std::int32_t*> seq_id_;
  std::vector<std::int8_t> wants_logits_;
  std::int32_t n_rows_ = 0;
};

class Decoder {
 public:
  // Keeps the context open and other threads out. Logits are valid as long as it lives.
  using Hold = std::unique_lock<std::mutex>;

  // The context belongs to the caller and outlives close(). `max_rows` is the n_outputs_max that
  // it was made with: llama.cpp aborts the process when a batch asks for more, so it is checked
  // here, like everything else that it would abort on.
  Decoder(const Library& library, Context* context, std::int32_t max_rows);

  const Library& library() const { return library_; }
  std::int32_t n_vocab() const { return n_vocab_; }
  std::int32_t n_batch() const { return n_batch_; }
  std::int32_t n_seqs() const { return n_seqs_; }

  // Waits for another thread's step. Throws DecodeError when the decoder is closed.
  Hold hold();

  // Carries out the memory operations and decodes the tokens. Returns the logits of the rows that
  // they want, in batch order: [n_rows, n_vocab], valid until the next call; null when they want
  // none.
  // Throws InvalidArgument for a step beyond the context's limits, DecodeError when llama.cpp
  // fails; what the memory holds then is undefined until the next step that clears it.
  const float* decode(const Hold& hold, std::span<const MemoryOp> memory,
                      const StepTokens& tokens);

  // The same for a step of a plan.
  const float* decode(const Hold& hold, const TokenTrie& trie, const TrieOrder& order,
                      const Step& step);

  // Lets go of the context. Waits for a step under way; steps after it are refused.
  void close();

 private:
  void apply(const MemoryOp& op) const;
  void check(const StepTokens& tokens) const;
  void fill(const TokenTrie& trie, const TrieOrder& order, const Step& step);
  [[noreturn]] void fail(std::int32_t code) const;

  const Library& library_;
  std::mutex mutex_;
  Context* context_;
  Memory* memory_;
  std::int32_t n_vocab_;
  std::int32_t n_batch_;
  std::int32_t n_seqs_;
  std::int32_t max_rows_;
  StepTokens tokens_;                   // of a plan's step
  std::vector<std::int32_t> all_seqs_;  // 0, 1, ..., n_seqs - 1: a plan's sequence sets are ranges
};

// Stream indices of the rows that a segment wants: [first, last) in order.rows.
std::pair<std::int64_t, std::int64_t> wanted_rows(const TrieOrder& order, const Segment& segment);

}  // namespace fastscore::llama
