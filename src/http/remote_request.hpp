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
  std::string_view method, path, query, body;  // an empty path asks whether the module runs there
  std::span<const cleave_header> headers = {};
  std::string_view id = {};
  std::uint8_t depth = 0;

  /// Whether it can be said in HTTP at all: a module may have put anything together.
  bool sound() const noexcept;
  /// The whole request. Headers that the hop needs for itself, and malformed ones, are left out.
  std::string text(const RemoteAddress& to, std::string_view token,
                   const observe::TraceContext& trace, io::Millis left) const;
  /// Whether the module there is asked the same on behalf of the same caller, to the last header.
  /// Time, trace and request id are each call's own.
  bool same_as(const RemoteRequest& other) const noexcept;
  /// GET and HEAD may be asked twice (RFC 9110, 9.2.2; PUT and DELETE could, but a second DELETE
  /// answers 404).
  bool repeatable() const noexcept { return method == "GET" || method == "HEAD"; }
};

}  // namespace cleave::http
