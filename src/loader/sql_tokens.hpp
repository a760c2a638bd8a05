// SQL as tokens (PostgreSQL manual, 4.1): comments and string constants gone, names in lower case.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cleave::loader {

struct Token {
  enum Kind { kWord, kQuoted, kMark } kind;  // kMark: one punctuation character
  std::string text;
  bool is(std::string_view word) const { return kind != kQuoted && text == word; }
  bool name() const { return kind != kMark; }
};

/// The bodies of dollar-quoted strings are read as SQL too: functions live there.
std::vector<Token> tokenise(std::string_view sql);

}  // namespace cleave::loader
