// What each token of a vocabulary spells, read once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"
#include "llama/library.h"

namespace fastscore::llama {

class TokenPieces {
 public:
  // `unnamed_eos` is the token that llama.cpp takes for EOS although the model file names none, or
  // -1: it ends no text unless it is a mark by its kind. Nothing of the model is used later.
  // Throws TokenizerError for a model without a vocabulary.
  TokenPieces(const Library& library, const Model* model, Token unnamed_eos);

  std::int32_t n_vocab() const { return static_cast<std::int32_t>(kinds_.size()); }

  // The bytes of a token, marks such as <|im_end|> as they are spelled.
  std::string_view spelled(Token token) const {
    return {bytes_.data() + offsets_[token],
            static_cast<std::size_t>(offsets_[token + 1] - offsets_[token])};
  }
  // The bytes that it adds to a text: none for marks.
  std::string_view text(Token token) const {
    return kinds_[token].is_mark ? std::string_view() : spelled(token);
  }
  // Whether it ends a text or a turn.
  bool ends(Token token) const { return kinds_[token].ends; }
  // Whether it ends a text that keeps a grammar: llama.cpp allows what it takes for EOS, named or
  // not, at the end of the grammar and nowhere else.
  bool ends_grammar(Token token) const { return kinds_[token].ends_grammar; }
  // The first token that the other vocabulary spells otherwise or lacks, or that is only there; -1:
  // both spell the same.
  Token first_difference(const TokenPieces& other) const;
  // Whether a text begins without the space that its first token spells: SentencePiece vocabularies
  // that put one in front when they encode.
  bool drops_first_space() const { return drops_first_space_; }

 private:
  struct Kind {
    bool is_mark = false;
    bool ends = false;
    bool ends_grammar = false;
  };

  std::string bytes_;
  std::vector<std::int64_t> offsets_;  // [n_vocab + 1]
  std::vector<Kind> kinds_;            // [n_vocab]
  bool drops_first_space_ = false;
};

}  // namespace fastscore::llama
