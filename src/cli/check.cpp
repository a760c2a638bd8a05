// cleave check: what the module files prove about themselves, without running them.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "loader/inspect.hpp"

namespace cleave::cli {

int check(Options& options) {
  const host::Settings& settings = options.settings;
  std::size_t bad = 0;
  std::size_t files = 0;
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(settings.module_dir, error)) {
    if (entry.path().extension() == ".so") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  for (const auto& file : found) {
    ++files;
    std::printf("%s\n", file.filename().c_str());
    for (const loader::Finding& finding : loader::inspect(file, settings.sql_dir / file.stem())) {
      print_finding(finding.ok, finding.what);
      bad += finding.ok ? 0 : 1;
    }
  }
  std::printf("together\n");
  for (const loader::Refusal& refusal : options.loaded.refusals) {
    print_finding(false, refusal.text());
    ++bad;
  }
  for (const loader::Library& library : options.loaded.libraries) {
    std::string edges;
    for (const std::string& one : library.depends_on()) edges += (edges.empty() ? "" : ", ") + one;
    print_finding(true, std::string(library.name()) +
                            (edges.empty() ? " depends on nothing" : " depends on " + edges));
  }
  if (files == 0) {
    throw Failure(kConfig, "no module in " + settings.module_dir.string() +
                               "; build the modules, or name their directory with --module-dir");
  }
  std::printf("%zu module files, %zu findings against them\n", files, bad);
  return bad == 0 ? kOk : kFailed;
}

}  // namespace cleave::cli
