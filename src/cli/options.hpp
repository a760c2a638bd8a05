// Options: where a setting comes from. Flags over environment over file over defaults, one table
// for all three. Modules bring keys of their own, so the table is made after looking at them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/exit.hpp"
#include "host/settings.hpp"
#include "loader/library.hpp"
#include "observe/log.hpp"

namespace cleave::cli {

class Options {
 public:
  /// Finds the module directory (flag, environment, default) and opens what is in it. Refusals are
  /// kept for the commands that need the modules: --help works without them.
  Options(int argc, char** argv);

  /// Adds every setting to a command, with its environment name in the help text.
  void add_to(CLI::App& command);
  /// After parsing: fills in the file and the …_FILE secrets, applies --log-…, refuses unknown
  /// CLEAVE_ variables and unknown keys. Throws Failure.
  void finish(CLI::App& command);

  /// What is wrong with the modules that run elsewhere, in words: an edge to one without a URL, a
  /// URL for one that runs here, no token. Empty: nothing.
  std::vector<std::string> peer_mistakes() const;
  /// The same for --guard: a name that is no module of this host.
  std::vector<std::string> guard_mistakes() const;
  /// And for --net: a rule that makes no sense, or for an edge that no module here declares.
  std::vector<std::string> net_mistakes() const;

  host::Settings settings;
  loader::Loaded loaded;

 private:
  CLI::Option* add(CLI::App& command, const std::string& name, std::string& value,
                   const std::string& help, bool secret = false);
  template <class T>
  CLI::Option* add_value(CLI::App& command, const std::string& name, T& value,
                         const std::string& help);
  void add_module_options(CLI::App& command);
  void add_guard(CLI::App& command);
  void add_net(CLI::App& command);
  void read_file(CLI::App& command);
  void read_secrets();
  void refuse_unknown_environment() const;
  bool of_a_module_elsewhere(const std::string& name) const;

  struct Secret {
    std::string name;  // "user-database-url"
    std::string* value;
    std::string file;
  };
  std::vector<std::string> known_;      // environment names
  std::vector<std::string> elsewhere_;  // modules that are installed and do not run here
  std::vector<std::unique_ptr<Secret>> secrets_;
  std::string config_file_;
  std::int64_t request_time_ms_ = 0, drain_delay_ms_ = 0, peer_time_ms_ = 0;
  std::filesystem::path executable_dir_;
};

/// "user-database-url" -> "CLEAVE_USER_DATABASE_URL".
std::string environment_name(const std::string& option);

}  // namespace cleave::cli
