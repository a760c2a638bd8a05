// RemoteRequest: what a call to another host says on the wire (internal_wire.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cleave/message.hpp"
#include "http/remote_address.hpp"
#include "io/timer.hpp"
#include "observe/trace.hpp"

namespace cleave::http {

/// Borrows everything.
struct RemoteRequest {
  std::string_view module, caller;
  std::string_view method, path, query, body;  // an empty path: for the host itself
  std::span<const cleave_header> headers = {};
  std::string_view id = {};
  std::uint8_t depth = 0;

  /// Whether it can be said in HTTP at all: a module may have put anything together.
  bool sound() const noexcept;
  /// The whole request. Headers that the hop needs for itself, and malformed ones, are left out.
  void append_to(std::string& text, const RemoteAddress& to, std::string_view token,
                 const observe::TraceContext& trace, io::Millis left) const;
  /// GET and HEAD may be asked twice (RFC 9110, 9.2.2; PUT and DELETE could, but a second DELETE
  /// answers 404), and so may what is for the host itself: a batch has GETs and HEADs only.
  bool repeatable() const noexcept { return method == "GET" || method == "HEAD" || path.empty(); }
};

}  // namespace cleave::http
