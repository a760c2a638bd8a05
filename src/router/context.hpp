// CallContext: what travels with one call, in whatever process it is answered. The running fiber
// points at it, so that a module's calls find the call they are part of.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cleave/message.hpp"
#include "io/wait.hpp"
#include "observe/trace.hpp"

namespace cleave::router {

/// What all calls of one outside request share. On the stack of the fiber that serves it.
struct RequestScope {
  std::array<char, 64> id_bytes;
  std::uint8_t id_size = 0;
  observe::TraceContext trace;
  observe::Timeline timeline;
  io::TimePoint deadline;

  std::string_view id() const noexcept { return {id_bytes.data(), id_size}; }
  /// Takes over a client's id when it is 1 to 64 of [A-Za-z0-9._-], else makes a UUIDv7.
  void set_id(std::string_view from_client);
};

struct Target;  // router.hpp

struct CallContext {
  RequestScope& scope;
  const Target* target = nullptr;  // the module that answers; null: the outside, before it asks
  std::string_view caller = {};    // the module that asks; empty: from outside
  const Request* request = nullptr;
  std::uint8_t span = observe::Timeline::kNone;
  std::uint8_t depth = 0;

  /// Of the running fiber; null outside a request.
  static CallContext* current() noexcept {
    io::Fiber* fiber = io::Fiber::current();
    return fiber != nullptr ? static_cast<CallContext*>(fiber->context) : nullptr;
  }
};

}  // namespace cleave::router
