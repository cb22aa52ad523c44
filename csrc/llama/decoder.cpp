#include "llama/decoder.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "llama/errors.h"

namespace fastscore::llama {

std::pair<std::int64_t, std::int64_t> wanted_rows(const TrieOrder& order, const Segment& segment) {
  if (segment.repeated) {
    return {0, 0};
  }
  const auto by_token = [](const TrieOrder::Row& row, std::int64_t t) { return row.token < t; };
  const std::int64_t begin = order.nodes[segment.node].first + segment.offset;
  const auto first = std::lower_bound(order.rows.begin(), order.rows.end(), begin, by_token);
  const auto last = std::lower_bound(first, order.rows.end(), begin + segment.length, by_token);
  return {first - order.rows.begin(), last - order.rows.begin()};
}

void StepTokens::clear() {
  token_.clear();
  position_.clear();
  n_seq_id_.clear();
  seq_id_.clear();
  wants_logits_.clear();
  n_rows_ = 0;
}

void StepTokens::add(Token token, std::int32_t position, std::span<const std::int32_t> seqs,
                     bool wants_row) {
  token_.push_back(token);
  position_.push_back(position);
  n_seq_id_.push_back(static_cast<std::int32_t>(seqs.size()));
  seq_id_.push_back(const_cast<std::int32_t*>(seqs.data()));  // llama.cpp only reads it
  wants_logits_.push_back(wants_row ? 1 : 0);
  n_rows_ += wants_row ? 1 : 0;
}

Decoder::Decoder(const Library& library, Context* context, std::int32_t max_rows)
    : library_(library), context_(context), max_rows_(max_rows) {
  const auto& f = library.functions();
  memory_ = f.get_memory(context);
  if (memory_ == nullptr) {
    throw DecodeError("the model has no memory of past tokens: it is no causal decoder");
  }
  n_vocab_ = f.vocab_n_tokens(f.model_get_vocab(f.get_model(context)));
  // A step must be one micro-batch: the plan relies on cells being found before any is written.
  n_batch_ = static_cast<std::int32_t>(std::min(f.n_batch(context), f.n_ubatch(context)));
  n_seqs_ = static_cast<std::int32_t>(f.n_seq_max(context));
  all_seqs_.resize(n_seqs_);
  std::iota(all_seqs_.begin(), all_seqs_.end(), 0);
}

Decoder::Hold Decoder::hold() {
  Hold lock(mutex_);
  if (context_ == nullptr) {
    throw DecodeError("the model is closed");
  }
  return lock;
}

const float* Decoder::decode(const Hold& hold, std::span<const MemoryOp> memory,
                             const StepTokens& tokens) {
  if (hold.mutex() != &mutex_ || !hold.owns_lock()) {
    throw InvalidArgument("decoding needs a hold of this decoder");
  }
  check(tokens);
  for (const auto& op : memory) {
    apply(op);
  }
  const auto array = [](const auto& values) {
    // llama.cpp only reads it.
    return const_cast<std::remove_cvref_t<decltype(values[0])>*>(values.data());
  };
  const Batch batch{tokens.size(),
                    array(tokens.token_),
                    nullptr,
                    array(tokens.position_),
                    array(tokens.n_seq_id_),
                    array(tokens.seq_id_),
                    array(tokens.wants_logits_)};
  const std::int32_t code = library_.decode(context_, batch);
  if (code != 0) {
    fail(code);
  }
  // Waits for the device, where there is one.
  const float* logits = library_.functions().get_logits(context_);
  if (tokens.n_rows() == 0) {
    return nullptr;
  }
  if (logits == nullptr) {
    throw DecodeError("llama.cpp gave no logits for a batch that asked for them");
  }
  return logits;
}

// llama.cpp ends the process over a batch that is too large, and reads past a sequence list that
// is empty; the rest it refuses, but says less about it.
void Decoder::check(const StepTokens& tokens) const {
  if (tokens.size() < 1 || tokens.size() > n_batch_ || tokens.n_rows() > max_rows_) {
    throw InvalidArgument("a step of " + std::to_string(tokens.size()) + " tokens and " +
                          std::to_string(tokens.n_rows()) +
                          " logit rows does not fit the context: " + std::to_string(n_batch_) +
                          " tokens, " + std::to_string(max_rows_) + " rows");
  }
  for (std::int32_t i = 0; i < tokens.size(); ++i) {
    const Token token = tokens.token_[i];
    if (token < 0 || token >= n_vocab_) {
      throw InvalidArgument("token id " + std::to_string(token) +
                            " is out of range: the model has " + std::to_string(n_vocab_) +
                            " tokens");
    }
    const std::int32_t* seqs = tokens.seq_id_[i];
    const bool known = std::all_of(seqs, seqs + tokens.n_seq_id_[i], [&](std::int32_t seq) {
      return seq >= 0 && seq < n_seqs_;
    });
    if (tokens.n_seq_id_[i] < 1 || !known) {
      throw InvalidArgument("the plan was made for another context");
    }
  }
}

const float* Decoder::decode(const Hold& hold, const TokenTrie& trie, const TrieOrder& order,
                             const Step& step) {
  fill(trie, order, step);
  return decode(hold, step.memory, tokens_);
}

void Decoder::fill(const TokenTrie& trie, const TrieOrder& order, const Step& step) {
  tokens_.clear();
  for (const auto& segment : step.segments) {
    const auto& node = order.nodes[segment.node];
    if (segment.seq < 0 || segment.n_seqs < 1 || segment.seq + segment.n_seqs > n_seqs_) {
      throw InvalidArgument("the plan was made for another context");
    }
    const std::span<const std::int32_t> seqs(all_seqs_.data() + segment.seq,
                                             static_cast<std::size_t>(segment.n_seqs));
    const Token* label = trie.tokens().data() + node.label + segment.offset;
    auto [row, last] = wanted_rows(order, segment);
    for (std::int32_t t = 0; t < segment.length; ++t) {
      const std::int64_t stream = node.first + segment.offset + t;
      const bool wants_row = row < last && order.rows[row].token == stream;
      row += wants_row ? 1 : 0;
      tokens_.add(label[t], node.depth + segment.offset + t, seqs, wants_row);
    }
  }
  if (tokens_.size() != step.n_tokens || tokens_.n_rows() != step.n_rows) {
    throw InvalidArgument("the step does not hold the tokens and rows that it says");
  }
}

void Decoder::apply(const MemoryOp& op) const {
  const auto& f = library_.functions();
  const auto known = [&](std::int32_t seq) { return seq >= 0 && seq < n_seqs_; };
  if (!known(op.seq) || !known(op.to)) {
    throw InvalidArgument("the plan was made for a context of more sequences");
  }
  switch (op.kind) {
    case MemoryOp::Kind::kClear:
      f.memory_clear(memory_, /*data=*/false);
      return;
    case MemoryOp::Kind::kRemove:
      f.memory_seq_rm(memory_, op.seq, -1, -1);
      return;
    case MemoryOp::Kind::kCopy:
      f.memory_seq_cp(memory_, op.seq, op.to, op.end < 0 ? -1 : 0, op.end);
      return;
    case MemoryOp::Kind::kKeep:
      f.memory_seq_keep(memory_, op.seq);
      return;
    case MemoryOp::Kind::kTrim:
      if (!f.memory_seq_rm(memory_, op.seq, op.end, -1)) {
        throw DecodeError("the model's memory cannot be cut back to " + std::to_string(op.end) +
                          " tokens");
      }
      return;
  }
}

void Decoder::fail(std::int32_t code) const {
  // The meanings are those of llama_decode in llama.h.
  std::string what;
  if (code == 1) {
    what = "no room in the KV cache for the batch";
  } else if (code == 2) {
    what = "decoding was aborted";
  } else if (code == -1) {
    what = "the batch was refused as invalid";
  } else {
    what = "decoding failed";
  }
  throw DecodeError("llama_decode returned " + std::to_string(code) + ": " + what);
}

void Decoder::close() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
}

}  // namespace fastscore::llama
