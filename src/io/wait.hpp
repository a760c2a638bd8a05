// How a fiber waits: for a wake-up, a descriptor, a moment, or other fibers. Every wait has a
// deadline. All of it on one loop's thread; waking from another thread goes through Loop::post.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "io/loop.hpp"

namespace cleave::io {

/// One fiber waits; whoever has the result wakes it. A wake() before wait() is remembered, so
/// there is no lost wake-up. Reusable after wait() has returned.
class Waiter final : Timer {
 public:
  /// True: woken. False: the deadline passed. Only on a fiber.
  bool wait(TimePoint deadline);
  void wake() noexcept;

 private:
  void on_timer() override;
  Fiber* fiber_ = nullptr;
  Loop* loop_ = nullptr;
  bool woken_ = false;
  bool queued_ = false;  // already in the ready queue
};

/// Waits until epoll reports one of `events` (EPOLLIN, EPOLLOUT) or an error on `fd`; false at the
/// deadline. The descriptor must not be registered with the loop otherwise.
bool wait_fd(int fd, std::uint32_t events, TimePoint deadline);

void sleep_until(TimePoint when);
inline void sleep_for(Millis time) {
  sleep_until(Clock::now() + time);
}

/// Runs the tasks side by side, each on a fiber that inherits this one's context; returns when all
/// have ended. A task ends by its own deadlines; it must not throw.
void gather(std::span<const std::function<void()>> tasks);

}  // namespace cleave::io
