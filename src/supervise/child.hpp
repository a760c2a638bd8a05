// Child: one server process that belongs to us and dies with us.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace cleave::supervise {

struct ChildOptions {
  std::string name;                // for messages
  std::vector<std::string> argv;   // argv[0] an absolute path
  std::filesystem::path log_file;  // stdout and stderr, appended; empty: shared with this process
  int output = -1;                 // or this descriptor for both; remains the caller's
  std::vector<std::string> environment;  // "NAME=value", all of it; empty: this process's
  uid_t uid = 0;                         // only used by root: run as this user
  gid_t gid = 0;
  bool preempts = true;        // others when it wakes; false: SCHED_BATCH (sched(7))
  int death_signal = SIGTERM;  // sent by the kernel when the thread that started it ends
};

/// Runs from construction to destruction. Start it from a thread that lives as long as the
/// process (the main thread): PR_SET_PDEATHSIG follows the thread (prctl(2)).
class Child {
 public:
  explicit Child(ChildOptions options);  // throws std::runtime_error
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();                                    // stop(SIGTERM, 5 s)
  pid_t pid() const noexcept { return pid_; }  // -1 once gone
  bool running() noexcept;                     // also reaps
  /// Signals, waits, and kills what does not go. Returns the wait status.
  int stop(int signal, std::chrono::milliseconds patience);
  void signal(int signal) noexcept;

 private:
  ChildOptions options_;
  pid_t pid_ = -1;
  int status_ = 0;
};

/// How a process ended, from its wait status: "exit code 3" or "SIGKILL".
std::string describe_end(int status);

}  // namespace cleave::supervise
