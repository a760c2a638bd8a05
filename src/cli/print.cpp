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
