// Embedded servers: a private PostgreSQL and a private Redis for `cleave run` without configured
// URLs. Debian's own binaries, a data directory of ours, unix sockets only, data kept between
// runs. As root they run as an unprivileged user. They die with this process, also by kill -9;
// one that dies before is started again.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cleave::supervise {

struct EmbeddedOptions {
  std::filesystem::path data_dir;  // empty: the user's cache folder, see default_data_dir()
  bool fresh = false;              // remove the data first
  bool postgres = true, redis = true;
  std::vector<std::string> modules;  // each gets a database and two roles
  /// Of the host with the most. A module may have connections for twice as many, so that it leaves
  /// the others theirs, and can move; 0: any number.
  unsigned loops = 0;
};

struct ModuleDatabase {
  std::string module, owner_url, runtime_url, runtime_role;
};

class Embedded {
 public:
  /// Starts them and waits until they answer: about 0.2 s, the first time 2 s. Throws
  /// std::runtime_error with cause and remedy: binaries missing (package named), another host uses
  /// the data directory (its pid), disk full, not writable. [main]
  static std::unique_ptr<Embedded> start(const EmbeddedOptions& options);
  virtual ~Embedded() = default;  // stops both, waits for them

  virtual const std::vector<ModuleDatabase>& databases() const = 0;
  virtual const std::string& redis_url() const = 0;  // "unix:///…", empty when not asked for
};

/// $XDG_CACHE_HOME/cleave or ~/.cache/cleave; for root, whose home others
/// cannot enter, /var/cache/cleave.
std::filesystem::path default_data_dir();

}  // namespace cleave::supervise
