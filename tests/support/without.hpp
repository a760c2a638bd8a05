// A machine that lacks a program or a folder.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace cleave::test {

/// Does `body` where these paths have nothing in them: in a mount namespace of its own thread,
/// which the programs that it starts inherit (mount_namespaces(7)). False when we may not.
inline bool without(const std::vector<std::string>& paths, const std::function<void()>& body) {
  bool done = false;
  std::thread([&] {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      return;
    }
    for (const std::string& path : paths) {
      const bool folder = std::filesystem::is_directory(path);
      const int hidden = folder ? mount("none", path.c_str(), "tmpfs", 0, nullptr)
                                : mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr);
      if (hidden != 0) return;
    }
    done = true;
    body();
  }).join();
  return done;
}

}  // namespace cleave::test
