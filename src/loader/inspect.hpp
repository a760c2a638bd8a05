// Inspect: what a module file proves about itself without being run. Behind `cleave check`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loader/library.hpp"

namespace cleave::loader {

struct Symbols {
  std::vector<std::string> exported, imported;  // from .dynsym, without version suffixes
};
/// Reads the ELF file itself (elf(5)), without dlopen. Throws std::runtime_error when it is none.
Symbols read_symbols(const std::filesystem::path& file);

struct Finding {
  bool ok;
  std::string what;  // "exports one symbol", "imports socket: a module reaches others only …"
};
/// One symbol out; no socket, file, thread, process, libpq or hiredis in; and, with `sql` (the
/// folder sql/<module>), SQL that names only tables which its own migrations create.
std::vector<Finding> inspect(const std::filesystem::path& file, const std::filesystem::path& sql);

}  // namespace cleave::loader
