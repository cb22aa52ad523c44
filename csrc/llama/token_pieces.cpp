#include "llama/token_pieces.h"

#include <algorithm>

#include "llama/errors.h"

namespace fastscore::llama {

TokenPieces::TokenPieces(const Library& library, const Model* model, Token unnamed_eos) {
  const auto& f = library.functions();
  const Vocab* vocab = f.model_get_vocab(model);
  if (f.vocab_type(vocab) == kVocabTypeNone) {
    throw TokenizerError(
        "the model file holds no tokenizer, so nothing says what its tokens spell; texts can be "
        "generated only with a file that does");
  }
  const std::int32_t n_vocab = f.vocab_n_tokens(vocab);
  kinds_.reserve(static_cast<std::size_t>(n_vocab));
  offsets_.reserve(static_cast<std::size_t>(n_vocab) + 1);
  offsets_.push_back(0);
  std::string piece(64, '\0');
  bool asked_about_space = false;
  for (Token token = 0; token < n_vocab; ++token) {
    std::int32_t n = 0;
    while ((n = f.token_to_piece(vocab, token, piece.data(),
                                 static_cast<std::int32_t>(piece.size()), /*lstrip=*/0,
                                 /*special=*/true)) < 0) {
      piece.resize(static_cast<std::size_t>(-n));
    }
    bytes_.append(piece, 0, static_cast<std::size_t>(n));
    offsets_.push_back(static_cast<std::int64_t>(bytes_.size()));
    const int attributes = f.vocab_get_attr(vocab, token);
    const bool is_control = (attributes & kAttrControl) != 0;
    const bool is_eog = f.vocab_is_eog(vocab, token);
    kinds_.push_back({is_control || (attributes & kAttrUnknown) != 0,
                      is_eog && (is_control || token != unnamed_eos), is_eog});
    if (!asked_about_space && !kinds_.back().is_mark && n > 1 && piece[0] == ' ') {
      // The rule is not to be asked for; what comes of it for one token is.
      const std::int32_t alone =
          f.detokenize(vocab, &token, 1, piece.data(), static_cast<std::int32_t>(piece.size()),
                       /*remove_special=*/false, /*unparse_special=*/false);
      drops_first_space_ = alone == n - 1;
      asked_about_space = true;
    }
  }
}

Token TokenPieces::first_difference(const TokenPieces& other) const {
  const Token shared = std::min(n_vocab(), other.n_vocab());
  for (Token token = 0; token < shared; ++token) {
    if (spelled(token) != other.spelled(token)) {
      return token;
    }
  }
  return n_vocab() == other.n_vocab() ? -1 : shared;
}

}  // namespace fastscore::llama
