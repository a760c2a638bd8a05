// Backoff: how long to wait before a process that ended is started again.
#pragma once

#include <algorithm>
#include <chrono>

namespace cleave::supervise {

/// 0.1 s, doubling to 5 s; from the start again after a life of 30 s.
class Backoff {
 public:
  using Millis = std::chrono::milliseconds;
  static constexpr Millis kFirst{100}, kMost{5000}, kLongLife{30000};

  /// `lived`: how long the process had run.
  Millis next(Millis lived) noexcept {
    if (lived >= kLongLife) wait_ = kFirst;
    const Millis now = wait_;
    wait_ = std::min(wait_ * 2, kMost);
    return now;
  }

 private:
  Millis wait_ = kFirst;
};

}  // namespace cleave::supervise
