// Migrations: sql/<module>/NNN_what.sql, applied in order, once, each in one transaction.
//
// They run as the owner role. One at a time: an advisory lock serialises hosts that start
// together. Refused are: a file that was applied and has changed since (SHA-256), two files with
// one number, a new one below what is applied, and one that ends its own transaction.
// `:"runtime"` in a file stands for the quoted name of the role that the module runs as, for its
// GRANTs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/timer.hpp"

namespace cleave::postgres {

struct MigrateOptions {
  std::string module;
  std::string owner_url;
  std::string runtime_role;      // empty: the owner itself
  std::filesystem::path folder;  // sql/<module>
};

struct Migrated {
  bool ok = false;
  std::vector<std::string> applied;  // file names, new ones only
  std::size_t known = 0;             // all files found
  std::string why;                   // when not ok: one line with cause and remedy
  bool retry = false;                // not ok because the server is not there yet
};

/// [fiber]
Migrated migrate(const MigrateOptions& options, io::TimePoint deadline);

}  // namespace cleave::postgres
