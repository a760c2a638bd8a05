#include "supervise/run_dir.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace cleave::supervise {
namespace {

namespace fs = std::filesystem;

/// /tmp is everybody's: only what is ours, and no link, is touched.
bool is_ours(const fs::path& directory) {
  struct stat info = {};
  return lstat(directory.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid();
}

void sweep(const std::string& prefix) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/tmp", ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix) || !is_ours(entry.path())) continue;
    const pid_t pid = std::atoi(name.c_str() + prefix.size());
    if (pid <= 0 || pid == getpid() || kill(pid, 0) == 0 || errno != ESRCH) continue;
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

void RunDir::make() {
  const std::string prefix = "cleave-" + std::to_string(geteuid()) + "-host-";
  sweep(prefix);
  const fs::path path = fs::path("/tmp") / (prefix + std::to_string(getpid()));
  std::error_code ignored;
  if (is_ours(path)) fs::remove_all(path, ignored);  // of a process that had this pid before
  if (mkdir(path.c_str(), 0700) != 0) {
    throw std::runtime_error("cannot make " + path.string() +
                             " for sockets: " + std::strerror(errno) +
                             "; make /tmp writable, or remove what is there");
  }
  path_ = path;
}

fs::path RunDir::operator/(const std::string& name) {
  if (path_.empty()) make();
  return path_ / name;
}

RunDir::~RunDir() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace cleave::supervise
