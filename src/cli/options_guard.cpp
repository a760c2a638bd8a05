// --guard: which modules run in a process of their own.
#include <algorithm>

#include "cli/options.hpp"

namespace cleave::cli {

void Options::add_guard(CLI::App& command) {
  known_.push_back(environment_name("guard"));
  known_.push_back(environment_name("guarded"));  // a parent's word to such a process; no setting
  command
      .add_option("--guard", settings.guard,
                  "Of these, the ones in a process of their own: a crash is no crash of the host")
      ->envname(environment_name("guard"))
      ->delimiter(',');
}

std::vector<std::string> Options::guard_mistakes() const {
  std::string here;
  for (const loader::Library& library : loaded.libraries) {
    here += (here.empty() ? "" : ", ") + std::string(library.name());
  }
  std::vector<std::string> mistakes;
  for (const std::string& name : settings.guard) {
    const bool known = std::any_of(loaded.libraries.begin(), loaded.libraries.end(),
                                   [&](const auto& one) { return one.name() == name; });
    if (known || name.empty()) continue;
    mistakes.push_back("--guard names " + name + ", which does not run here; here run " + here);
  }
  return mistakes;
}

}  // namespace cleave::cli
