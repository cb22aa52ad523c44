#include "core/text_end.h"

#include <algorithm>
#include <cstdint>

#include "core/types.h"

namespace fastscore {

StopTexts::StopTexts(std::vector<std::string> stops) : stops_(std::move(stops)) {
  if (std::any_of(stops_.begin(), stops_.end(), [](const auto& stop) { return stop.empty(); })) {
    throw InvalidArgument("a stop text is empty");
  }
}

bool StopTexts::found(std::string_view text, std::size_t n_new) const {
  const std::size_t old = text.size() - std::min(n_new, text.size());
  return std::any_of(stops_.begin(), stops_.end(), [&](const std::string& stop) {
    const std::size_t begin = old - std::min(stop.size() - 1, old);
    return text.find(stop, begin) != std::string_view::npos;
  });
}

std::size_t StopTexts::cut(std::string_view text) const {
  for (const auto& stop : stops_) {
    text = text.substr(0, text.find(stop));
  }
  return text.size();
}

namespace {

// Bytes of a character with this lead byte; 0 for a byte that leads none.
std::size_t character_length(std::uint8_t lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead < 0xC2 || lead > 0xF4) {
    return 0;
  }
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// Whether the second byte of a character may follow its lead byte (Unicode, table 3-7): neither
// longer than need be, nor a surrogate, nor beyond U+10FFFF.
bool may_follow(std::uint8_t lead, std::uint8_t second) {
  const std::uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return least <= second && second <= most;
}

}  // namespace

std::size_t whole_characters(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  // The lead byte of a character that is not whole is at most three bytes before the end.
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const std::size_t i = text.size() - back;
    if ((byte(i) & 0xC0) == 0x80) {
      continue;
    }
    const bool is_cut = character_length(byte(i)) > back &&
                        (back == 1 || may_follow(byte(i), byte(i + 1)));
    return is_cut ? i : text.size();
  }
  return text.size();
}

}  // namespace fastscore
