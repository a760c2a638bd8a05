// What commands print on standard output: findings with a mark, and progress. Colours and moving
// lines only on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::cli {

/// "  ok   text" or "  BAD  text".
void print_finding(bool ok, std::string_view text);

struct ProcessRow {
  std::string name;
  int pid;
  std::string address, admin;
};
/// A table of processes that are ready.
void print_processes(const std::vector<ProcessRow>& rows);

/// A progress bar on standard error; on no terminal, one line when it ends.
class Progress {
 public:
  Progress(std::string what, std::uint64_t total);
  void at(std::uint64_t done);
  void finish();

 private:
  std::string what_;
  std::uint64_t total_;
  int percent_ = -1;
  bool terminal_;
};

}  // namespace cleave::cli
