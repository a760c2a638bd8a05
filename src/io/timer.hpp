// Timers of one loop: a hashed wheel (Varghese and Lauck, SOSP 1987), 1 ms a slot.
//
// Arming, re-arming and cancelling are O(1) and allocate nothing, so every wait can have a
// deadline. Used on the loop's thread only. A timer fires late by up to a millisecond, never early.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace cleave::io {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Millis = std::chrono::milliseconds;

/// Derive, arm, and on_timer() runs once on the loop, not on a fiber: it must not wait.
/// Cancels itself when destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { cancel(); }
  bool armed() const noexcept { return next_ != nullptr; }
  void cancel() noexcept;

 private:
  friend class TimerWheel;
  virtual void on_timer() = 0;
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  std::int64_t tick_ = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(TimePoint start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms or re-arms; a moment in the past fires at the next advance().
  void arm(Timer& timer, TimePoint when) noexcept;
  /// Fires all that are due.
  void advance(TimePoint now);
  /// How long epoll may sleep, in ms; -1 when nothing is armed.
  int sleep_ms(TimePoint now) const noexcept;

 private:
  static constexpr std::int64_t kSlots = 1024;
  struct Slot final : Timer {
    void on_timer() override {}
  };
  std::int64_t tick_of(TimePoint when) const noexcept;

  std::array<Slot, kSlots> slots_;
  TimePoint start_;
  std::int64_t now_ = 0;  // the last tick that advance() has worked off
};

}  // namespace cleave::io
