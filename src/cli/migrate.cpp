// cleave migrate: applies the migrations of every module, and says what it did.
#include "postgres/migrate.hpp"

#include <cstdio>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/system.hpp"
#include "postgres/url.hpp"

namespace cleave::cli {

int migrate(Options& options) {
  host::Settings& settings = options.settings;
  require_modules(options.loaded, settings);
  io::Threads threads(1);
  const auto embedded = start_embedded(settings, false);
  bool all = true;
  for (const auto& [name, module] : settings.module) {
    const bool owner = !module.owner_database_url.empty();
    const postgres::MigrateOptions wanted{
        .module = name,
        .owner_url = owner ? module.owner_database_url : module.database_url,
        .runtime_role = owner ? postgres::parse_url(module.database_url).user : "",
        .folder = settings.sql_dir / name};
    if (!std::filesystem::is_directory(wanted.folder)) continue;
    postgres::Migrated result;
    threads.run_on(
        0, [&] { result = postgres::migrate(wanted, io::Clock::now() + io::Millis(60000)); });
    std::printf("%s\n", name.c_str());
    for (const std::string& file : result.applied) print_finding(true, "applied " + file);
    if (!result.ok) {
      print_finding(false, result.why);
      all = false;
    } else if (result.applied.empty()) {
      print_finding(true, "up to date, " + std::to_string(result.known) + " known");
    }
  }
  threads.stop();
  return all ? kOk : kFailed;
}

}  // namespace cleave::cli
