// Request and Response: what travels between a client, the host and the modules.
//
// A Request borrows everything it names and is read-only; it lives as long as the handler that
// got it. A Response owns its bytes. Both are plain values without a thread rule.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/abi_types.h"

namespace cleave {

inline std::string_view view(cleave_view v) {
  return {v.data, v.size};
}
inline cleave_view raw(std::string_view v) {
  return {v.data(), v.size()};
}

/// ASCII case-insensitive equality, as header names compare (RFC 9110, 5.1).
inline bool iequals(std::string_view a, std::string_view b) noexcept {
  constexpr auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  if (a.size() != b.size()) return false;  // most names that are compared differ in it
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

struct Request {
  std::string_view method = {};  // "GET", "POST" …; a HEAD arrives as GET
  std::string_view path = {};    // as sent, percent-encoded: "/users/7"
  std::string_view query = {};   // without '?'
  std::string_view body = {};
  std::span<const cleave_header> headers = {};
  std::string_view request_id = {};
  std::string_view caller = {};  // calling module; empty when the request came from outside

  /// First value of a header, by any case; empty when absent.
  std::string_view header(std::string_view name) const noexcept;
};

struct Header {
  std::string name, value;
};

struct Response {
  int status = 200;
  std::string body = {};
  std::vector<Header> headers = {};

  Response& set(std::string_view name, std::string_view value) {
    if (headers.capacity() == 0) headers.reserve(6);  // more than most answers have
    headers.push_back({std::string(name), std::string(value)});
    return *this;
  }
  std::string_view header(std::string_view name) const noexcept;
};

/// A C sink that fills `into`; valid while `into` lives. Notes a second answer instead of
/// obeying it, so that the checking layer can name the guilty module.
class ResponseSink {
 public:
  explicit ResponseSink(Response& into) : into_(into) {}
  cleave_sink raw() noexcept;
  bool answered() const noexcept { return answers_ > 0; }
  bool answered_twice() const noexcept { return answers_ > 1; }

 private:
  Response& into_;
  int answers_ = 0;
};

/// Writes `response` into a sink. Used by both sides of the seam.
void write(const Response& response, const cleave_sink& sink);

}  // namespace cleave
