// What the seam tests share: where their modules are, and a module alive with a fake host.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/instance.hpp"
#include "loader/library.hpp"
#include "support/fake_host.hpp"
#include "support/on_fiber.hpp"
#include "support/temp_dir.hpp"

namespace cleave::test {

/// The directory of one case, or a file in it.
inline std::filesystem::path seam(std::string_view name) {
  return std::filesystem::path(CLEAVE_SEAM_MODULES) / name;
}

inline std::vector<std::string> refusals_of(const std::filesystem::path& directory) {
  std::vector<std::string> texts;
  for (const auto& refusal : loader::load_directory(directory).refusals) {
    texts.push_back(refusal.text());
  }
  return texts;
}

/// Throws what the loader refuses.
inline loader::Library open(std::string_view name) {
  auto opened = loader::open_library(seam(name));
  if (auto* library = std::get_if<loader::Library>(&opened)) return *library;
  throw std::runtime_error(std::get<1>(opened).front().text());
}

/// What goes to standard error while this lives, where the log is.
class CapturedLog {
 public:
  CapturedLog() : before_(dup(STDERR_FILENO)) {
    const std::string path = dir_ / "log";
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
    dup2(fd, STDERR_FILENO);
    close(fd);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() {
    dup2(before_, STDERR_FILENO);
    close(before_);
  }
  std::string text() const {
    std::ifstream in(dir_ / "log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool has(std::string_view part) const { return text().find(part) != std::string::npos; }

 private:
  TempDir dir_;
  int before_;
};

}  // namespace cleave::test
