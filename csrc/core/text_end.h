// Where a generated text ends: stop texts, and whole characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fastscore {

// Texts that end a generation, looked for in its bytes. UTF-8 is self-synchronising: a text is found
// among bytes exactly where it stands among characters.
class StopTexts {
 public:
  // Throws InvalidArgument for an empty stop, which would be found everywhere.
  explicit StopTexts(std::vector<std::string> stops);

  // Whether a stop ends within the last `n_new` bytes.
  bool found(std::string_view text, std::size_t n_new) const;

  // Length of what lm-evaluation-harness leaves of a text: for one stop after the other, what stands
  // before its first occurrence.
  std::size_t cut(std::string_view text) const;

 private:
  std::vector<std::string> stops_;
};

// Length of the text without a character whose last bytes are missing at its end.
std::size_t whole_characters(std::string_view text);

}  // namespace fastscore
