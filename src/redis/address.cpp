#include "redis/address.hpp"

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace cleave::redis {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("the Redis URL " + what +
                              "; expected redis://[user:password@]host[:port][/db] or "
                              "unix:///path");
}

int number(std::string_view text, int most, const char* what) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > most) {
    refuse(std::string("has an invalid ") + what);
  }
  return value;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] != '%') {
      out += text[i];
    } else if (i + 2 < text.size() &&
               std::from_chars(&text[i + 1], &text[i + 3], byte, 16).ptr == &text[i + 3]) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      refuse("has an invalid percent-encoding");
    }
  }
  return out;
}

}  // namespace

Address Address::parse(std::string_view url) {
  Address address;
  if (url.starts_with("unix://")) {
    address.path = url.substr(7);
    if (!address.path.starts_with('/')) refuse("needs an absolute path");
    if (address.path.size() > 107) refuse("has a path of over 107 characters, see unix(7)");
    return address;
  }
  if (!url.starts_with("redis://")) refuse("has an unknown scheme");
  url.remove_prefix(8);
  if (const auto at = url.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = url.substr(0, at);
    const auto colon = who.find(':');
    if (colon == std::string_view::npos) refuse("names a user without a password");
    address.user = decoded(who.substr(0, colon));
    address.password = decoded(who.substr(colon + 1));
    url.remove_prefix(at + 1);
  }
  if (const auto slash = url.find('/'); slash != std::string_view::npos) {
    if (slash + 1 < url.size()) {
      address.database = number(url.substr(slash + 1), 1 << 20, "database number");
    }
    url = url.substr(0, slash);
  }
  if (url.starts_with('[')) {  // IPv6
    const auto close = url.find(']');
    if (close == std::string_view::npos) refuse("has an unclosed [");
    address.host = url.substr(1, close - 1);
    url.remove_prefix(close + 1);
  } else {
    address.host = url.substr(0, url.find(':'));
    url.remove_prefix(address.host.size());
  }
  if (url.starts_with(':')) {
    address.port = number(url.substr(1), 65535, "port");
  } else if (!url.empty()) {
    refuse("has something odd after the host");
  }
  if (address.host.empty()) refuse("has no host");
  return address;
}

std::string Address::text() const {
  return path.empty() ? host + ":" + std::to_string(port) : path;
}

}  // namespace cleave::redis
