// Character classes of HTTP and URIs as one table: a lookup a byte.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cleave::http {

enum CharClass : std::uint8_t {
  kToken = 1,   // tchar, RFC 9110, 5.6.2
  kField = 2,   // what a field value may hold: VCHAR, SP, HTAB, obs-text (RFC 9110, 5.5)
  kTarget = 4,  // pchar without '%', '/' and '?' (RFC 3986, 3.3 and 3.4)
  kHost = 8,    // reg-name as names are in practice: no sub-delims, no '%'
  kDigit = 16,
  kHex = 32,
};

constexpr std::array<std::uint8_t, 256> make_char_table() {
  std::array<std::uint8_t, 256> table = {};
  const auto add = [&table](std::string_view chars, int classes) {
    for (const char c : chars) table[static_cast<unsigned char>(c)] |= classes;
  };
  for (int c = 0x20; c < 0x100; ++c) {
    if (c != 0x7f) table[c] |= kField;
  }
  add("\t", kField);
  add("0123456789", kToken | kTarget | kHost | kDigit | kHex);
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", kToken | kTarget | kHost);
  add("abcdefABCDEF", kHex);
  add("!#$%&'*+-.^_`|~", kToken);
  add("-._~!$&'()*+,;=:@/?", kTarget);
  add("-._~", kHost);
  return table;
}
inline constexpr std::array<std::uint8_t, 256> kChars = make_char_table();

inline bool is(char c, int classes) noexcept {
  return (kChars[static_cast<unsigned char>(c)] & classes) != 0;
}
inline bool all(std::string_view text, int classes) noexcept {
  for (const char c : text) {
    if (!is(c, classes)) return false;
  }
  return true;
}
/// Value of a hexadecimal digit; the caller has checked that it is one.
inline int hex_value(char c) noexcept {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/// Without spaces and tabs at both ends: OWS, RFC 9110, 5.6.3.
inline std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace cleave::http
