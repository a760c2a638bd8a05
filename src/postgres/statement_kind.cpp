#include "postgres/statement_kind.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace cleave::postgres {
namespace {

constexpr std::array<std::string_view, 20> kWrites = {
    "insert",  "update",  "delete",  "with",   "merge",   "values",  "table",
    "create",  "alter",   "drop",    "grant",  "revoke",  "comment", "truncate",
    "refresh", "reindex", "analyze", "vacuum", "explain", "notify"};

bool is_space(char c) noexcept {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
bool is_letter(char c) noexcept {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

/// Without what may stand before the first word.
std::string_view skip(std::string_view sql) noexcept {
  while (!sql.empty()) {
    if (is_space(sql.front()) || sql.front() == '(') {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--")) {
      sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
    } else if (sql.starts_with("/*")) {
      const std::size_t end = sql.find("*/", 2);
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else {
      break;
    }
  }
  return sql;
}

/// FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE. Found in a literal
/// too: then a read goes where writes go, which is slower and still right.
bool locks(std::string_view lower) noexcept {
  for (std::size_t at = lower.find("for"); at != std::string_view::npos;
       at = lower.find("for", at + 1)) {
    const std::string_view rest = lower.substr(at + 3);
    if (at == 0 || !is_space(lower[at - 1]) || rest.empty() || !is_space(rest.front())) continue;
    const std::string_view next = skip(rest);
    for (const std::string_view word : {"update", "share", "no", "key"}) {
      if (next.starts_with(word)) return true;
    }
  }
  return false;
}

}  // namespace

StatementKind kind_of(std::string_view sql) {
  std::string lower(skip(sql));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  const auto end = std::find_if_not(lower.begin(), lower.end(), is_letter);
  const std::string_view word(lower.data(), static_cast<std::size_t>(end - lower.begin()));
  if (word == "select") {
    if (locks(lower)) return StatementKind::kWrite;
    const bool own = lower.find("random") != std::string::npos ||
                     lower.find("uuid_generate") != std::string::npos;
    return own ? StatementKind::kOwnRead : StatementKind::kRead;
  }
  const bool known = std::find(kWrites.begin(), kWrites.end(), word) != kWrites.end();
  return known ? StatementKind::kWrite : StatementKind::kRefused;
}

}  // namespace cleave::postgres
