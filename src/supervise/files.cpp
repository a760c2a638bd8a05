#include "supervise/files.hpp"

#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace cleave::supervise {

namespace fs = std::filesystem;

ServerUser ServerUser::choose() {
  const uid_t me = geteuid();
  const passwd* entry = nullptr;
  if (me != 0) {
    entry = getpwuid(me);
    if (entry == nullptr) return {me, getegid(), std::to_string(me)};
  } else {
    entry = getpwnam("postgres");
    if (entry == nullptr) entry = getpwnam("nobody");
    if (entry == nullptr) throw std::runtime_error("there is no user postgres or nobody to run as");
  }
  return {entry->pw_uid, entry->pw_gid, entry->pw_name};
}

void make_private(const fs::path& directory, const ServerUser& user) {
  std::error_code error;
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
  const auto fail = [&](const char* what) {
    throw std::runtime_error(std::string("cannot ") + what + " " + directory.string() + ": " +
                             std::strerror(errno) +
                             "; choose another place with --data-dir or CLEAVE_DATA_DIR");
  };
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) fail("make");
  if (geteuid() == 0 && chown(directory.c_str(), user.uid, user.gid) != 0) fail("own");
  if (chmod(directory.c_str(), 0700) != 0) fail("protect");
  if (access(directory.c_str(), W_OK | X_OK) != 0) fail("write to");
}

std::string last_line(const fs::path& log) {
  std::ifstream in(log);
  std::string line, last = "it said nothing", cause;
  while (std::getline(in, line)) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
    // The cause, where there is one, comes before what was done about it.
    for (const char* mark : {"FATAL:", "PANIC:", "No space left on device"}) {
      if (cause.empty() && line.find(mark) != std::string::npos) cause = line;
    }
  }
  return cause.empty() ? last : cause;
}

fs::path find_program(const std::string& name, const std::vector<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    if (access((folder / name).c_str(), X_OK) == 0) return folder / name;
  }
  const char* path = std::getenv("PATH");
  std::istringstream parts(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(parts, folder, ':');) {
    const fs::path file = fs::path(folder) / name;
    if (access(file.c_str(), X_OK) == 0) return fs::absolute(file);
  }
  return {};
}

fs::path nearest_existing(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  return path;
}

std::optional<std::uint64_t> free_mib(const fs::path& path) {
  std::error_code error;
  const fs::space_info space = fs::space(nearest_existing(path), error);
  if (error) return std::nullopt;
  return space.available / (1024 * 1024);
}

bool wait_gone(pid_t pid, std::chrono::milliseconds time) {
  const auto give_up = std::chrono::steady_clock::now() + time;
  while (kill(pid, 0) == 0 || errno == EPERM) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace cleave::supervise
