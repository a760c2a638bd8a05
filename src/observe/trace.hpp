// Traces: W3C trace context (https://www.w3.org/TR/trace-context/) and the timeline of one request,
// from which Server-Timing and the tree of `cleave call` are made. Used by one fiber tree on one
// loop: no locks, no allocation.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cleave::observe {

/// traceparent: 00-<32 hex>-<16 hex>-<2 hex>.
struct TraceContext {
  std::array<char, 32> trace_id;
  std::array<char, 16> span_id;
  bool sampled = false;

  static TraceContext make();  // a new trace, not sampled
  /// Continues an incoming header with a new span id; an invalid one starts a new trace.
  static TraceContext from(std::string_view traceparent);
  TraceContext child() const;                 // same trace, new span
  void append_header(std::string& to) const;  // "00-…-…-00"
};

/// A UUIDv7 (RFC 9562, 5.7) as 36 characters, from this thread's generator.
std::array<char, 36> make_uuid();

/// Shown in Server-Timing as `name`, `name.db`, `name.cache`, `name.http`; in a tree as the name,
/// postgres, redis, http.
enum class SpanKind : std::uint8_t { kCall, kDatabase, kCache, kRemote };

struct Span {
  using Clock = std::chrono::steady_clock;
  std::string_view name;  // module name; lives as long as the process
  SpanKind kind;
  std::uint8_t parent;           // index; own index for a root
  Clock::time_point start, end;  // end is zero while open: shown as lasting until now
};

class Timeline {
 public:
  static constexpr std::uint8_t kMost = 32;  // later spans are counted, not kept
  static constexpr std::uint8_t kNone = 255;

  /// kNone when full; close(kNone) does nothing. A parent that is kNone makes a root.
  std::uint8_t open(std::string_view name, SpanKind kind, std::uint8_t parent) noexcept;
  void close(std::uint8_t span) noexcept;
  std::uint8_t size() const noexcept { return size_; }
  const Span& operator[](std::uint8_t i) const noexcept { return spans_[i]; }
  std::uint32_t dropped() const noexcept { return dropped_; }

  /// `order;dur=0.91, order.db;dur=0.43, user;dur=0.18`: milliseconds, equal names added up
  /// (https://www.w3.org/TR/server-timing/).
  std::string server_timing() const;
  void append_server_timing(std::string& out) const;
  /// The same as an indented tree for people, one line a span.
  std::string tree() const;

 private:
  std::array<Span, kMost> spans_;
  std::uint8_t size_ = 0;
  std::uint32_t dropped_ = 0;
};

}  // namespace cleave::observe
