#include "host/answer_check.hpp"

#include <array>

namespace cleave::host {
namespace {

constexpr unsigned char kName = 1;   // tchar, RFC 9110, 5.6.2
constexpr unsigned char kValue = 2;  // anything but controls; a tab is fine (RFC 9110, 5.5)

constexpr std::array<unsigned char, 256> make_classes() {
  std::array<unsigned char, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter) classes[c] |= kName;
    if ((c >= 0x20 && c != 0x7f) || c == '\t') classes[c] |= kValue;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    classes[static_cast<unsigned char>(c)] |= kName;
  }
  return classes;
}
constexpr std::array<unsigned char, 256> kClasses = make_classes();

bool all(std::string_view text, unsigned char wanted) noexcept {
  unsigned char common = wanted;
  for (const char c : text) common &= kClasses[static_cast<unsigned char>(c)];
  return common != 0;
}

}  // namespace

const char* what_is_wrong(const Response& response) noexcept {
  if (response.status < 200 || response.status > 599) return "status outside 200..599";
  for (const Header& header : response.headers) {
    if (header.name.empty() || !all(header.name, kName)) return "a header's name is no token";
    if (!all(header.value, kValue)) return "a header's value has a control character";
  }
  return nullptr;
}

}  // namespace cleave::host
