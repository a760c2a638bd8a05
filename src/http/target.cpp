#include "http/target.hpp"

#include <charconv>

#include "cleave/message.hpp"
#include "http/chars.hpp"

namespace cleave::http {

bool valid_target(std::string_view target) noexcept {
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (is(target[i], kTarget)) continue;
    if (target[i] != '%' || i + 2 >= target.size()) return false;
    if (!is(target[i + 1], kHex) || !is(target[i + 2], kHex)) return false;
    // %00 would end a C string somewhere behind us.
    if (target[i + 1] == '0' && target[i + 2] == '0') return false;
    i += 2;
  }
  return true;
}

bool valid_authority(std::string_view authority) noexcept {
  std::string_view host = authority;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    for (const char c : host.substr(1, end - 1)) {
      if (!is(c, kHex) && c != ':' && c != '.') return false;
    }
    port = host.substr(end + 1);
  } else {
    const std::size_t colon = host.find(':');
    if (colon != std::string_view::npos) {
      port = host.substr(colon);
      host = host.substr(0, colon);
    }
    if (host.empty() || !all(host, kHost)) return false;
  }
  if (port.empty()) return true;
  if (port.front() != ':') return false;
  port.remove_prefix(1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number <= 65535;
}

bool split_absolute(std::string_view whole, std::string_view& authority,
                    std::string_view& target) noexcept {
  constexpr std::string_view kScheme = "http://";
  if (!iequals(whole.substr(0, kScheme.size()), kScheme)) return false;
  const std::string_view rest = whole.substr(kScheme.size());
  const std::size_t slash = rest.find_first_of("/?");
  authority = rest.substr(0, slash);
  target = slash == std::string_view::npos ? "/" : rest.substr(slash);
  return !authority.empty() && target.front() == '/';  // an empty host: RFC 9110, 4.2.1
}

}  // namespace cleave::http
