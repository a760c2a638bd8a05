// The hosts of `cleave up`: what each of them is told, as environment.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.hpp"
#include "cli/partition.hpp"

namespace cleave::cli {

/// Settings that somebody named, whether by flag, environment or file: "CLEAVE_THREADS", "4".
using Given = std::vector<std::pair<std::string, std::string>>;
Given given_settings(const CLI::App& command);

struct HostPlan {
  Group group;
  std::string listen, admin;  // "unix:/path", "127.0.0.1:8080"; admin may be "off"
};

/// "NAME=value", all of it: this process's environment without Cleave's, what was `given` to all
/// hosts, and what is this one's alone. It learns the databases of its own modules, and the address
/// of each module that one of its own depends on; nothing else of the others. Secrets are here
/// because an environment is readable by its user only, and a command line by everybody.
std::vector<std::string> host_environment(const HostPlan& host, const std::vector<HostPlan>& all,
                                          const Options& options, const Given& given);

}  // namespace cleave::cli
