// bin/cleave as a child process, in a temporary directory of its own: what a person would start.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_dir.hpp"

namespace cleave::test {

class HostProcess {
 public:
  using Arguments = std::vector<std::string>;
  using Environment = std::map<std::string, std::string>;
  using Millis = std::chrono::milliseconds;

  /// Starts the program. Its environment is the test's without CLEAVE_…, and `environment`. Throws
  /// std::runtime_error when it cannot be started.
  explicit HostProcess(const Arguments& arguments, const Environment& environment = {});
  HostProcess(const HostProcess&) = delete;
  HostProcess& operator=(const HostProcess&) = delete;
  /// SIGKILL when it still runs: a test that cares how it ends says wait().
  ~HostProcess();

  /// Waits for the log line "serving" and takes its addresses. False, with the log printed, when
  /// the process ends or the time is up before.
  bool wait_until_serving(Millis time = Millis(60000));
  const std::string& address() const noexcept { return address_; }
  const std::string& admin() const noexcept { return admin_; }

  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;
  /// The exit code, 128 + the signal that ended it, or nothing when it still runs after `time`.
  std::optional<int> wait(Millis time = Millis(20000));
  /// What it has written so far.
  std::string out() const;
  std::string err() const;
  /// True as soon as its standard error has `text`.
  bool wait_for_log(std::string_view text, Millis time = Millis(10000)) const;

 private:
  TempDir directory_;  // open to the embedded servers' user
  pid_t pid_ = -1;
  std::optional<int> code_;
  std::string address_, admin_;
};

/// Arguments of a host for tests: free ports, JSON log, embedded servers in `data_dir`.
HostProcess::Arguments run_arguments(const std::string& data_dir,
                                     const HostProcess::Arguments& more = {});

/// A temporary directory whose path the embedded servers' user may pass, also when we are root.
class OpenTempDir : public TempDir {
 public:
  OpenTempDir();
};

/// Processes, apart from zombies, whose command line has `text`, such as a data directory.
std::vector<pid_t> processes_with(std::string_view text);
/// The children of a process, theirs, and so on.
std::vector<pid_t> descendants(pid_t parent);
/// True as soon as none of them runs any more.
bool all_end(const std::vector<pid_t>& processes,
             std::chrono::milliseconds time = std::chrono::milliseconds(10000));

}  // namespace cleave::test
