// A newer copy of a module's file, opened beside the one that runs.
#pragma once

#include <filesystem>
#include <string>

#include "host/settings.hpp"
#include "loader/library.hpp"

namespace cleave::host {

/// Copies the file of `running` from the module directory into `folder`, which must be new, has
/// `cleave check` try it in a process of its own (constructors that crash or hang take that one
/// along), opens the copy, and holds it against the manifest that this process runs with: the same
/// name and path, no new edge in depends_on, no new key. A copy, because dlopen(3) answers with the
/// library it has for a name or an inode that it knows. Throws std::runtime_error with what is
/// wrong. [a thread that lives as long as the process]
loader::Library open_newer_copy(const Settings& settings, const loader::Library& running,
                                const std::filesystem::path& folder);

}  // namespace cleave::host
