#include "cli/print.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cleave::cli {

void print_finding(bool ok, std::string_view text) {
  static const bool colours = isatty(STDOUT_FILENO) == 1;
  const char* mark = ok ? "ok " : "BAD";
  if (colours) mark = ok ? "\033[32mok \033[0m" : "\033[1;31mBAD\033[0m";
  std::printf("  %s  %.*s\n", mark, static_cast<int>(text.size()), text.data());
}

void print_processes(const std::vector<ProcessRow>& rows) {
  std::size_t name = 7, address = 7, admin = 5;
  for (const ProcessRow& row : rows) {
    name = std::max(name, row.name.size());
    address = std::max(address, row.address.size());
    admin = std::max(admin, row.admin.size());
  }
  const auto print = [&](const std::string& pid, const ProcessRow& row, const char* state) {
    std::printf("%-*s  %7s  %-*s  %-*s  %s\n", static_cast<int>(name), row.name.c_str(),
                pid.c_str(), static_cast<int>(address), row.address.c_str(),
                static_cast<int>(admin), row.admin.c_str(), state);
  };
  print("pid", {"process", 0, "address", "admin"}, "state");
  for (const ProcessRow& row : rows) print(std::to_string(row.pid), row, "ready");
  std::fflush(stdout);
}

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)), total_(total), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::at(std::uint64_t done) {
  const int percent = total_ == 0 ? 100 : static_cast<int>(done * 100 / total_);
  if (!terminal_ || percent == percent_) return;
  percent_ = percent;
  static constexpr int kWidth = 30;
  const std::string bar(static_cast<std::size_t>(percent * kWidth / 100), '#');
  std::fprintf(stderr, "\r%-10s [%-*s] %3d %%", what_.c_str(), kWidth, bar.c_str(), percent);
  std::fflush(stderr);
}

void Progress::finish() {
  at(total_);
  if (terminal_) {
    std::fprintf(stderr, "\n");
  } else {
    std::fprintf(stderr, "%s: %llu\n", what_.c_str(), static_cast<unsigned long long>(total_));
  }
}

}  // namespace cleave::cli
