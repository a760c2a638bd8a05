// Which of the installed PostgreSQL servers to run. [main]
#pragma once

#include <filesystem>

namespace cleave::supervise {

/// The program `postgres`, from `installed`/<major version>/bin, where Debian keeps one folder for
/// each version, or else from PATH. For a directory with data it is the one of the data's version,
/// however new the others are: a server reads no other version's data. Without data the newest.
/// Throws std::runtime_error naming the package to install, and for data the way to begin anew.
std::filesystem::path find_postgres(const std::filesystem::path& installed,
                                    const std::filesystem::path& data_dir = {});

}  // namespace cleave::supervise
