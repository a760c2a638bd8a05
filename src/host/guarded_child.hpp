// What the process of a guarded module is started with.
#pragma once

#include <string>
#include <vector>

#include "host/settings.hpp"
#include "loader/library.hpp"
#include "supervise/child.hpp"

namespace cleave::host {

/// Of this process's environment what is no setting of ours: PATH, locale, a sanitizer's options.
std::vector<std::string> environment_without_settings();

struct ChildLinks {
  std::string listen;  // where it serves
  std::string peers;   // where it finds the modules that it depends on
  std::string token;
};

/// This program as `run --modules NAME`, with an environment in which of all that is ours only the
/// module's own settings are left. Killed with us: nobody would wait for its answers.
supervise::ChildOptions child_options(const Settings& settings, const loader::Library& library,
                                      const ChildLinks& links);

}  // namespace cleave::host
