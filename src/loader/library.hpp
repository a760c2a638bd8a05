// Library: a module file opened, checked and trusted, or a Refusal in words.
//
// Checked in this order before anything is believed: the file (regular and no link, absolute, not
// writable by others, exporting one symbol), dlopen, that symbol, magic, ABI version, struct size,
// flags, then every field.
// dlopen(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE): a library is never unmapped.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cleave/abi.h"

namespace cleave::loader {

/// "order.so: abi: expected 1, found 2; rebuild the module against this host's include/cleave".
struct Refusal {
  std::string subject;  // file or module
  std::string field;    // what differs: "abi", "magic", "depends_on", "file mode" …
  std::string expected, found, remedy;
  std::string text() const;
};

struct Library {
  std::filesystem::path file;
  const cleave_module* module = nullptr;  // lives as long as the process
  std::string_view name() const { return module->name; }
  std::vector<std::string> depends_on() const;
};

/// Whether the module knows the fields for it and wants it: structs only grow at their end.
inline bool has_background(const cleave_module& module) noexcept {
  return module.size >= sizeof(cleave_module) && module.background != nullptr;
}

/// Opens one file, or says all that is wrong with it. Its constructors run. [main]
std::variant<Library, std::vector<Refusal>> open_library(const std::filesystem::path& file);

/// Opens the files in a child process and throws them away: one whose constructors crash, exit or
/// hang (5 s each) is refused here and would have taken this process along. Call before the
/// process has threads: the child is a fork. [main]
std::vector<Refusal> preflight(const std::vector<std::filesystem::path>& files);

struct Loaded {
  std::vector<Library> libraries;  // dependencies first
  std::vector<Library> elsewhere;  // run by another process: only their manifests count here
  std::vector<Refusal> refusals;   // all of them, not only the first; empty: may start
};

/// Opens every *.so of a directory, or only `wanted` by file name, and checks them together:
/// the same file under two names, duplicate names and paths, unknown dependencies, cycles. Files
/// that `elsewhere` names are opened too, for their manifests; another process runs them, so what
/// is wrong with one of those is no refusal here. Runs preflight() first. [main]
Loaded load_directory(const std::filesystem::path& directory,
                      const std::vector<std::string>& wanted = {},
                      const std::vector<std::string>& elsewhere = {});

}  // namespace cleave::loader
