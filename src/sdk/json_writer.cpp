#include <charconv>
#include <cstring>

#include "cleave/json.hpp"

namespace cleave {
namespace {

/// Length of the well-formed UTF-8 sequence at `p` (RFC 3629, 4), or 0.
std::size_t utf8_length(const unsigned char* p, std::size_t left) noexcept {
  const auto tail = [&](std::size_t i) { return i < left && (p[i] & 0xc0) == 0x80; };
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xc2 && p[0] <= 0xdf) return tail(1) ? 2 : 0;
  if ((p[0] & 0xf0) == 0xe0) {
    if (!tail(1) || !tail(2)) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;  // overlong
    if (p[0] == 0xed && p[1] > 0x9f) return 0;  // surrogate
    return 3;
  }
  if (p[0] >= 0xf0 && p[0] <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return 4;
  }
  return 0;
}

constexpr bool plain(unsigned char c) noexcept {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void escape(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  out += "\\u00";
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

}  // namespace

void JsonWriter::comma() {
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  comma();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  char bytes[64];  // one append instead of four: lists have hundreds of keys
  if (name.size() > sizeof bytes - 4) {
    comma();
    out_.append(1, '"').append(name).append("\":");
  } else {
    char* end = bytes;
    if (!first_) *end++ = ',';
    *end++ = '"';
    std::memcpy(end, name.data(), name.size());
    end += name.size();
    *end++ = '"';
    *end++ = ':';
    out_.append(bytes, end);
  }
  first_ = true;  // no comma before the value
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  comma();
  out_ += '"';
  const auto* p = reinterpret_cast<const unsigned char*>(value.data());
  const std::size_t size = value.size();
  std::size_t from = 0;  // start of the run that is copied as it is
  for (std::size_t i = 0; i < size;) {
    if (plain(p[i])) {
      ++i;
      continue;
    }
    const std::size_t length = p[i] < 0x80 ? 0 : utf8_length(p + i, size - i);
    if (length > 0) {
      i += length;
      continue;
    }
    out_.append(value, from, i - from);
    if (p[i] < 0x80) {
      escape(out_, p[i]);
    } else {
      out_ += "\xef\xbf\xbd";  // U+FFFD
    }
    from = ++i;
  }
  out_.append(value, from, size - from);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  comma();
  out_.append(digits, end);
  return *this;
}

JsonWriter& JsonWriter::number(std::string_view digits) {
  if (digits.data() == nullptr) return null();
  comma();
  out_ += digits;
  return *this;
}

JsonWriter& JsonWriter::timestamp(std::string_view postgres) {
  comma();
  const std::size_t start = out_.size();
  (out_ += '"') += postgres;
  const std::size_t day = start + std::string_view("\"2026-01-31").size();
  if (day < out_.size() && out_[day] == ' ') {
    out_[day] = 'T';
  } else if (const std::size_t blank = out_.find(' ', start); blank != std::string::npos) {
    out_[blank] = 'T';  // a year of more digits
  }
  if (out_.ends_with("+00")) {
    out_.resize(out_.size() - 3);
    out_ += "Z\"";
  } else {
    // A server in another zone: RFC 3339 wants the minutes of an offset, too.
    out_ += out_.find_last_of("+-") == out_.size() - 3 ? ":00\"" : "\"";
  }
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  comma();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  comma();
  out_ += "null";
  return *this;
}

Response json_response(int status, std::string body) {
  Response response{.status = status, .body = std::move(body)};
  response.set("Content-Type", "application/json");
  return response;
}

}  // namespace cleave
