// Stop texts and whole characters, against slow rules.
#include <random>
#include <set>
#include <string>

#include "check.h"
#include "core/text_end.h"
#include "core/types.h"

using namespace fastscore;

namespace {

std::string utf8(unsigned code) {
  std::string out;
  const auto byte = [&](unsigned b) { out.push_back(static_cast<char>(b)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
  return out;
}

// Every proper beginning of every character that there is.
std::set<std::string> beginnings() {
  std::set<std::string> all;
  for (unsigned code = 0; code < 0x110000; ++code) {
    if (code < 0xD800 || code > 0xDFFF) {
      const std::string character = utf8(code);
      for (std::size_t n = 1; n < character.size(); ++n) {
        all.insert(character.substr(0, n));
      }
    }
  }
  return all;
}

}  // namespace

TEST(only_the_beginning_of_a_character_is_cut_off) {
  const auto halves = beginnings();
  const unsigned char bytes[] = {'a',  0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2,
                                 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
  constexpr std::size_t kBytes = sizeof bytes;
  for (std::size_t length = 0, n_texts = 1; length <= 4; ++length, n_texts *= kBytes) {
    for (std::size_t number = 0; number < n_texts; ++number) {
      std::string text;
      for (std::size_t i = 0, rest = number; i < length; ++i, rest /= kBytes) {
        text.push_back(static_cast<char>(bytes[rest % kBytes]));
      }
      std::size_t whole = text.size();
      for (std::size_t n = 1; n <= text.size(); ++n) {
        if (halves.count(text.substr(text.size() - n)) > 0) {
          whole = text.size() - n;
        }
      }
      CHECK_EQUAL(whole_characters(text), whole);
    }
  }
}

TEST(a_stop_is_found_when_its_last_byte_comes) {
  std::mt19937 random(1);
  const auto text_of = [&](std::size_t most) {
    std::string text;
    for (std::size_t n = random() % (most + 1); n > 0; --n) {
      text.push_back(static_cast<char>('a' + random() % 2));
    }
    return text;
  };
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stops;
    for (int i = 0; i < 3; ++i) {
      stops.push_back("a" + text_of(3));
    }
    const StopTexts stop(stops);
    const std::string before = text_of(6);
    const std::string piece = text_of(4);
    bool ends_in_piece = false;
    for (std::size_t n = before.size() + 1; n <= before.size() + piece.size(); ++n) {
      const std::string so_far = (before + piece).substr(0, n);
      for (const auto& one : stops) {
        ends_in_piece = ends_in_piece || so_far.ends_with(one);
      }
    }
    CHECK_EQUAL(stop.found(before + piece, piece.size()), ends_in_piece);
  }
}

TEST(one_stop_after_the_other_cuts_what_is_left) {
  CHECK_EQUAL(StopTexts({"cde", "bcd"}).cut("abcdef"), 2U);
  CHECK_EQUAL(StopTexts({"bcd", "cde"}).cut("abcdef"), 1U);
  CHECK_EQUAL(StopTexts({"x"}).cut("abc"), 3U);
  CHECK_EQUAL(StopTexts({"a"}).cut("abc"), 0U);
  CHECK_EQUAL(StopTexts({}).cut("abc"), 3U);
  CHECK(!StopTexts({}).found("abc", 3));
  CHECK_THROWS(InvalidArgument, StopTexts({"a", ""}));
}
