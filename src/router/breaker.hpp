// Breaker: stops asking a peer that mostly fails, and finds out when it is back. One a peer and
// host. Pure: the caller brings the time. The form is that of M. Nygard, Release It!, 5.2.
//
//              >= 20 calls in 10 s, half of them failed            time is up
//   closed ────────────────────────────────────────────► open ──────────────────► half-open
//     ▲                                                   ▲                          │  │
//     │                     a probe failed: open for twice as long, 30 s at most     │  │
//     │                                                   └──────────────────────────┘  │
//     └─────────────────────────── three probes, all good ──────────────────────────────┘
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "io/timer.hpp"

namespace cleave::router {

class Breaker {
 public:
  enum class State : std::uint8_t { kClosed, kHalfOpen, kOpen };
  enum class Result : std::uint8_t { kGood, kFailed, kNothing };  // kNothing: not of its making

  static constexpr unsigned kBuckets = 10;  // of one second
  static constexpr unsigned kLeastCalls = 20;
  static constexpr unsigned kProbes = 3;
  static constexpr io::Millis kFirst{1000}, kLongest{30000};  // open; 20 % more or less by chance

  /// `seed` spreads the moments at which the hosts of a system try again.
  explicit Breaker(std::uint64_t seed) : random_(seed | 1) {}

  /// A permit when the peer may be asked; hand it to record(). While closed: no lock, one load.
  /// [any thread]
  using Permit = std::uint32_t;
  std::optional<Permit> admit(io::TimePoint now);
  /// Once for each permit. The new state, when this changed it; a result of a call from before the
  /// last change is not counted. [any thread]
  std::optional<State> record(Permit permit, Result result, io::TimePoint now);

  State state() const noexcept { return state_.load(std::memory_order_acquire); }
  /// How long it stays open; 0 when it is not.
  io::Millis open_for(io::TimePoint now) const noexcept;

 private:
  void count(Result result, io::TimePoint now) noexcept;
  bool fails(io::TimePoint now) const noexcept;
  State open(io::TimePoint now);
  State close();

  std::atomic<State> state_{State::kClosed};
  std::atomic<Permit> era_{0};  // grows with each change
  std::atomic<io::Clock::rep> until_{0};
  // second << 40 | failed << 20 | calls: one word, so that a bucket changes as a whole.
  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_ = {};
  std::mutex mutex_;  // of what follows, and of each change of the state
  io::Millis period_ = kFirst;
  unsigned probes_ = 0, good_ = 0;
  std::uint64_t random_;
};

}  // namespace cleave::router
