// RunDir: a short private place for the sockets of one process.
#pragma once

#include <filesystem>
#include <string>

namespace cleave::supervise {

/// Made at the first use: most hosts need none, and a container may have no /tmp to write to.
/// Removed with all that is in it when this goes; what a killed process left is removed by the next
/// one. Short, because a socket path has 107 characters at most (unix(7)). One thread at a time.
class RunDir {
 public:
  RunDir() = default;
  RunDir(const RunDir&) = delete;
  RunDir& operator=(const RunDir&) = delete;
  ~RunDir();
  /// A path in /tmp/cleave-<uid>-host-<pid>, 0700. Throws std::runtime_error.
  std::filesystem::path operator/(const std::string& name);

 private:
  void make();
  std::filesystem::path path_;
};

}  // namespace cleave::supervise
