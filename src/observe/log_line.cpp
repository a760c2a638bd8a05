#include "observe/log_line.hpp"

#include <cstdint>

namespace cleave::log {
namespace {

constexpr std::size_t kRoom = 128;  // for time, level, colours, and what closes a cut line
constexpr std::string_view kCut = "\xE2\x80\xA6";          // an ellipsis
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// The size of the well-formed UTF-8 sequence at the start of `text` (Unicode 15, table 3-7); 0
/// when there is none.
std::size_t sequence(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !tail(1)) return 0;
  if (lead < 0xE0) return 2;
  const unsigned second = byte(1);
  if (lead == 0xE0 && second < 0xA0) return 0;  // overlong
  if (lead == 0xED && second > 0x9F) return 0;  // surrogates
  if (lead == 0xF0 && second < 0x90) return 0;  // overlong
  if (lead == 0xF4 && second > 0x8F) return 0;  // beyond U+10FFFF
  if (!tail(2)) return 0;
  if (lead < 0xF0) return 3;
  return tail(3) ? 4 : 0;
}

class Line {
 public:
  void raw(std::string_view text) { out_ += text; }

  /// False when the line is full; it then ends in an ellipsis.
  bool escaped(std::string_view text, bool quoted) {
    while (!text.empty() && !cut_) {
      const std::size_t size = sequence(text);
      unit(text.substr(0, size), quoted);
      text.remove_prefix(size == 0 ? 1 : size);
    }
    return !cut_;
  }
  bool cut() const noexcept { return cut_; }
  std::string take() { return std::move(out_); }

 private:
  void unit(std::string_view bytes, bool quoted) {
    char buffer[8] = "\\u00";
    std::string_view shown = bytes;
    if (bytes.empty()) {
      shown = kReplacement;
    } else if (quoted && (bytes[0] == '"' || bytes[0] == '\\')) {
      buffer[1] = bytes[0];
      shown = {buffer, 2};
    } else if (const unsigned control = control_of(bytes); control != kNone) {
      if (control == '\n' || control == '\r' || control == '\t') {
        buffer[1] = control == '\n' ? 'n' : control == '\r' ? 'r' : 't';
        shown = {buffer, 2};
      } else {
        buffer[4] = "0123456789abcdef"[control >> 4];
        buffer[5] = "0123456789abcdef"[control & 15];
        shown = {buffer, 6};
      }
    }
    if (out_.size() + shown.size() > kLongestLine - kRoom) {
      cut_ = true;
      shown = kCut;
    }
    out_ += shown;
  }

  static constexpr unsigned kNone = 256;
  /// C0, DEL and C1: terminals act on all three.
  static unsigned control_of(std::string_view bytes) noexcept {
    const auto first = static_cast<unsigned char>(bytes[0]);
    if (bytes.size() == 1) return first < 0x20 || first == 0x7F ? first : kNone;
    const auto second = static_cast<unsigned char>(bytes[1]);
    return first == 0xC2 && second < 0xA0 ? second : kNone;
  }

  std::string out_;
  bool cut_ = false;
};

bool wants_quotes(std::string_view value) noexcept {
  return value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos;
}

}  // namespace

std::string text_line(std::string_view component, std::string_view message,
                      std::initializer_list<Field> fields) {
  Line line;
  line.escaped(component, false);
  if (component.size() < 8) line.raw(std::string_view("        ").substr(component.size()));
  line.raw(" ");
  line.escaped(message, false);
  for (const Field& field : fields) {
    if (line.cut()) break;
    line.raw(" ");
    line.escaped(field.name, false);
    line.raw("=");
    const bool quoted = wants_quotes(field.value);
    if (quoted) line.raw("\"");
    line.escaped(field.value, quoted);
    if (quoted) line.raw("\"");
  }
  return line.take();
}

std::string json_line(std::string_view component, std::string_view message,
                      std::initializer_list<Field> fields) {
  Line line;
  line.raw("\"component\":\"");
  line.escaped(component, true);
  line.raw("\",\"message\":\"");
  line.escaped(message, true);
  line.raw("\"");
  for (const Field& field : fields) {
    if (line.cut()) break;
    line.raw(",\"");
    line.escaped(field.name, true);
    line.raw("\":\"");
    line.escaped(field.value, true);
    line.raw("\"");
  }
  return line.take();
}

}  // namespace cleave::log
