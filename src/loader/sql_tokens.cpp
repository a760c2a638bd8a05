#include "loader/sql_tokens.hpp"

#include <algorithm>

namespace cleave::loader {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
bool starts_word(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool in_word(char c) {
  return starts_word(c) || (c >= '0' && c <= '9') || c == '$';
}

/// Where a piece that begins at `from` and ends with `end` is over; the end of `sql` at the latest.
std::size_t after(std::string_view sql, std::string_view end, std::size_t from) {
  const std::size_t at = sql.find(end, from);
  return at == std::string_view::npos ? sql.size() : at + end.size();
}

/// The tag of a dollar quote ("$$", "$body$") at `at`, or empty.
std::string_view dollar_tag(std::string_view sql, std::size_t at) {
  std::size_t end = at + 1;
  while (end < sql.size() && starts_word(sql[end])) ++end;
  if (end >= sql.size() || sql[end] != '$') return {};
  return sql.substr(at, end + 1 - at);
}

}  // namespace

std::vector<Token> tokenise(std::string_view sql) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < sql.size()) {
    const char c = sql[at];
    const std::string_view rest = sql.substr(at);
    if (rest.starts_with("--")) {
      at = after(sql, "\n", at);
    } else if (rest.starts_with("/*")) {
      at = after(sql, "*/", at + 2);
    } else if (c == '\'') {
      at = after(sql, "'", at + 1);  // '' reads as two strings, which is as good
      tokens.push_back({Token::kMark, "'"});
    } else if (c == '"') {
      const std::string_view name = sql.substr(at + 1, sql.find('"', at + 1) - at - 1);
      tokens.push_back({Token::kQuoted, std::string(name)});
      at = std::min(at + name.size() + 2, sql.size());
    } else if (c == '$' && !dollar_tag(sql, at).empty()) {
      tokens.push_back({Token::kMark, ";"});  // both ends part what is inside from what is around
      at += dollar_tag(sql, at).size();
    } else if (starts_word(c)) {
      std::string word;
      while (at < sql.size() && in_word(sql[at])) word += lower(sql[at++]);
      tokens.push_back({Token::kWord, std::move(word)});
    } else if (c >= '0' && c <= '9') {
      while (at < sql.size() && (in_word(sql[at]) || sql[at] == '.')) ++at;
      tokens.push_back({Token::kMark, "0"});
    } else {
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') tokens.push_back({Token::kMark, {c}});
      ++at;
    }
  }
  return tokens;
}

}  // namespace cleave::loader
