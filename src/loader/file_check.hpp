// What can be asked of a module file before any of its code runs.
#pragma once

#include <filesystem>
#include <optional>

#include "loader/library.hpp"

namespace cleave::loader {

/// Null when `file` may be opened: no link but an ELF library of this machine, whole, that exports
/// one symbol and that only root or this user can have written, in a directory of which the same is
/// true. `real` becomes its absolute path without links.
std::optional<Refusal> check_file(const std::filesystem::path& file, std::filesystem::path& real);

}  // namespace cleave::loader
