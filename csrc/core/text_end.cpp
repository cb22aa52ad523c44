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

std::size_t whole_characters(std::string_view text) {
  // The lead byte of the last character is at most three bytes before the end.
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<std::uint8_t>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) {
      continue;
    }
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace fastscore
