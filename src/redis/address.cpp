#include "redis/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <charconv>
#include <stdexcept>
#include <system_error>
#include <thread>

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

bool is_numeric(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::string look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  char text[NI_MAXHOST] = "";
  const int failed =
      getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  freeaddrinfo(found);
  return failed == 0 ? text : "";
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

Resolver::Resolver(const std::string& host)
    : state_(std::make_shared<State>()), numeric_(host.empty() || is_numeric(host)) {
  state_->host = host;
  if (numeric_) state_->address = host;
  refresh();
}

std::string Resolver::last() const {
  const std::lock_guard lock(state_->mutex);
  return state_->address;
}

void Resolver::refresh() {
  if (numeric_) return;
  const std::lock_guard lock(state_->mutex);
  if (state_->busy) return;
  try {
    std::thread([state = state_] {
      const std::string found = look_up(state->host);
      const std::lock_guard inner(state->mutex);
      if (!found.empty()) state->address = found;  // an old address is better than none
      state->busy = false;
    }).detach();
    state_->busy = true;
  } catch (const std::system_error&) {  // no thread to be had: the next failure asks again
  }
}

}  // namespace cleave::redis
