// Guarded: a process that holds one module, so that a crash of the module is no crash of ours. It
// is started again when it ends, until it has crashed too often.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "supervise/child.hpp"

namespace cleave::supervise {

//            start()             ends                   3rd end within a minute
//   stopped ────────► running ──────────► running anew ─────────────────────────► quarantined
//      ▲                 │ stop()                                                      │ stop()
//      └─────────────────┴─────────────────────────────────────────────────────────────┘
class Guarded {
 public:
  static constexpr std::size_t kCrashes = 3;
  static constexpr std::chrono::seconds kWindow{60};

  /// `child` is started again as it is. `module` is for the log.
  Guarded(std::string module, ChildOptions child);
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded();  // stop()

  /// Throws std::runtime_error when the program cannot be started at all. All three by one thread,
  /// which lives as long as the process (child.hpp).
  void start();
  /// Looks after the process; call it every few milliseconds. True when it was started again.
  bool tend();
  /// SIGTERM; SIGKILL after 5 s.
  void stop() noexcept;

  pid_t pid() const noexcept { return pid_.load(); }                 // -1: none now [any thread]
  bool quarantined() const noexcept { return quarantined_.load(); }  // [any thread]

 private:
  using Clock = std::chrono::steady_clock;
  std::string module_;
  ChildOptions options_;
  std::unique_ptr<Child> child_;
  std::deque<Clock::time_point> crashes_;
  std::atomic<pid_t> pid_{-1};
  std::atomic<bool> quarantined_{false};
};

}  // namespace cleave::supervise
