// Files: small things that starting a server needs. [main]
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "supervise/servers.hpp"

namespace cleave::supervise {

/// Makes the directory, private (0700) and owned by `user`. Throws std::runtime_error.
void make_private(const std::filesystem::path& directory, const ServerUser& user);
/// The path, or the nearest one above it that is there.
std::filesystem::path nearest_existing(std::filesystem::path path);
/// MiB that are free where `path` is, or would be made; nothing when that cannot be known.
std::optional<std::uint64_t> free_mib(const std::filesystem::path& path);
/// What a new PostgreSQL data directory needs with the modules' databases and first WAL, in MiB.
inline constexpr std::uint64_t kClusterMib = 100;
/// The last line of a log that says something; for error messages.
std::string last_line(const std::filesystem::path& log);
/// A program in PATH or one of `folders`; empty when there is none.
std::filesystem::path find_program(const std::string& name,
                                   const std::vector<std::filesystem::path>& folders = {});
/// Waits up to `time` for a process that is not our child to end.
bool wait_gone(pid_t pid, std::chrono::milliseconds time);

}  // namespace cleave::supervise
