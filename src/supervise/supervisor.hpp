// Supervisor: processes of ours, kept alive, their output passed on, ended in order.
//
// One thread, the main one, gives it time through tend(); nothing happens in between. It reads
// signals through a descriptor, so the caller blocks `stop_signals` and SIGCHLD before (the threads
// of this process must not take them).
#pragma once

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "supervise/backoff.hpp"
#include "supervise/child.hpp"
#include "supervise/relay.hpp"

namespace cleave::supervise {

//          start()          it ends, keep_alive()            the backoff is over
//   new ───────────► runs ─────────────────────────► waits ───────────────────────► runs
//                      │ it ends otherwise, stop()       │ stop()
//                      └──────────────► ended ◄──────────┘
class Supervisor {
 public:
  using Clock = std::chrono::steady_clock;
  using Millis = std::chrono::milliseconds;
  static constexpr std::size_t kNameWidth = 14;  // of log prefixes; longer names stand out

  /// Throws std::runtime_error when there is no descriptor for signals.
  explicit Supervisor(const sigset_t& stop_signals);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();  // kills what still runs, and what that left behind

  /// Starts a process; `child` needs no log file. Its number is how it is called below. Throws
  /// std::runtime_error when the program cannot be started.
  std::size_t start(ChildOptions child);
  /// From now on, one that ends is started again, after a backoff.
  void keep_alive() noexcept { keep_alive_ = true; }

  /// Looks after all for up to `time`, or until something happened. Returns a stop signal that
  /// came, else 0.
  int tend(Millis time);
  /// Sends `signal`, tends until the process has ended, kills it after `patience`. Returns 0, or a
  /// stop signal that came meanwhile: the process may still run then, and stop() may be called
  /// again.
  int stop(std::size_t number, int signal, Millis patience);

  pid_t pid(std::size_t number) const noexcept;  // -1: does not run now
  /// How it ended last ("exit code 3", "SIGKILL"), and its exit code; empty and -1: not yet, or by
  /// a signal.
  const std::string& ending(std::size_t number) const noexcept;
  int exit_code(std::size_t number) const noexcept;

 private:
  struct Process {
    ChildOptions options;
    std::unique_ptr<Relay> relay;
    std::unique_ptr<Child> child;
    pid_t leader = -1;  // of the process group that the child leads, see reap()
    Backoff backoff;
    Clock::time_point started, again;  // again: when to start it, while it waits
    bool waits = false, wanted = true;
    std::string ending;
    int exit_code = -1;
  };
  void launch(Process& process);
  void reap(Process& process);
  void revive(Process& process);
  void wait(Millis time);

  std::vector<std::unique_ptr<Process>> processes_;
  int signals_ = -1;
  bool keep_alive_ = false;
};

}  // namespace cleave::supervise
