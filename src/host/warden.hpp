// Warden: the thread that looks after the places of the modules and changes them, one at a time.
// Such work blocks (a process starts, calls in hand end), so no loop may do it; and a child process
// dies with the thread that started it (prctl(2), PR_SET_PDEATHSIG), so it is always this one.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "io/timer.hpp"

namespace cleave::host {

class Warden {
 public:
  static constexpr io::Millis kSoon{20}, kLater{1000};

  /// `tend` runs on the thread, after each job and again after kSoon when it returned true.
  explicit Warden(std::function<bool()> tend);
  ~Warden();  // stop()

  /// False: another job runs or waits, and this one will not. `then` runs after it, when there may
  /// be another job: who is told of the end may begin the next. Neither may throw. [any thread]
  bool try_run(std::function<void()> job, std::function<void()> then = nullptr);
  /// Runs it and waits for its end; rethrows what it throws. [main]
  void run(const std::function<void()>& job);
  /// Ends the thread, after the job at hand. Idempotent. [main]
  void stop();

 private:
  void work();
  std::function<bool()> tend_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_, then_;
  bool busy_ = false, quit_ = false;
  std::thread thread_;
};

}  // namespace cleave::host
