// Access: who may connect to which database of the embedded PostgreSQL. [main]
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "supervise/servers.hpp"

namespace cleave::supervise {

/// The databases we have made in this cluster, from a file of ours beside its own.
std::set<std::string> read_names(const std::filesystem::path& data_dir);

/// Writes who may connect: the superuser for administration, and each module's two roles to its own
/// database. Peer authentication: the kernel says which OS user asks. The server must be told to
/// read it (SIGHUP). Throws std::runtime_error or std::filesystem::filesystem_error.
void write_access(const std::filesystem::path& data_dir, const std::set<std::string>& names,
                  const ServerUser& user);

}  // namespace cleave::supervise
