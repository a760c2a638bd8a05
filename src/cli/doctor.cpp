// cleave doctor: what is missing or wrong on this machine, with the remedy beside it. It starts
// nothing and changes nothing.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "http/listener.hpp"
#include "loader/inspect.hpp"
#include "postgres/url.hpp"
#include "supervise/embedded.hpp"
#include "supervise/files.hpp"
#include "supervise/servers.hpp"

namespace cleave::cli {
namespace {

namespace fs = std::filesystem;

class Report {
 public:
  void say(bool ok, const std::string& text) {
    print_finding(ok, text);
    bad_ += ok ? 0 : 1;
  }
  int bad() const noexcept { return bad_; }

 private:
  int bad_ = 0;
};

void look_at_modules(Options& options, Report& report) {
  const host::Settings& settings = options.settings;
  for (const loader::Refusal& refusal : options.loaded.refusals) report.say(false, refusal.text());
  for (const std::string& mistake : options.peer_mistakes()) report.say(false, mistake);
  std::string names;
  for (const loader::Library& library : options.loaded.libraries) {
    names += " " + std::string(library.name());
    const fs::path sql = settings.sql_dir / library.name();
    if (!fs::is_directory(sql)) report.say(true, "no migrations in " + sql.string());
  }
  report.say(!options.loaded.libraries.empty(), "modules in " + settings.module_dir.string() + ":" +
                                                    (names.empty() ? " none" : names));
}

/// Says whether a program of an embedded server is there, by asking the room that would start it.
template <class Server>
void look_at_server(const char* name, Report& report) {
  try {
    const Server server({});
    report.say(true, std::string(name) + " is installed");
  } catch (const std::runtime_error& error) {
    report.say(false, error.what());
  }
}

void look_at_databases(const host::Settings& settings, Report& report) {
  bool embedded = false;
  for (const auto& [name, module] : settings.module) {
    if (module.database_url.empty()) {
      embedded = true;
      continue;
    }
    const postgres::UrlParts parts = postgres::parse_url(module.database_url);
    report.say(parts.valid, name + " uses " + (parts.valid ? parts.where : parts.why));
  }
  if (embedded) look_at_server<supervise::PostgresServer>("PostgreSQL's server", report);
  if (settings.redis_url.empty()) look_at_server<supervise::RedisServer>("redis-server", report);
}

void look_at_data(const host::Settings& settings, Report& report) {
  const fs::path data =
      settings.data_dir.empty() ? supervise::default_data_dir() : settings.data_dir;
  const fs::path existing = supervise::nearest_existing(data);
  const bool writable = access(existing.c_str(), W_OK) == 0;
  report.say(writable, "embedded data goes to " + data.string() +
                           (writable ? "" : ": not writable; choose another with --data-dir"));
  if (const auto free = supervise::free_mib(existing)) {
    const bool enough = *free >= 3 * supervise::kClusterMib;  // it grows
    report.say(enough, std::to_string(*free) + " MiB free there" +
                           (enough ? ""
                                   : "; a new cluster needs " +
                                         std::to_string(supervise::kClusterMib) + ", and grows"));
  }
}

void look_at_address(const std::string& what, const std::string& address, Report& report) {
  if (address == "off") return;
  try {
    const http::Listener listener(address);
    report.say(true, what + " " + address + " is free");
  } catch (const std::runtime_error& error) {
    report.say(false, error.what());
  }
}

void look_at_limits(Report& report) {
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  report.say(files.rlim_max >= 4096,
             "up to " + std::to_string(files.rlim_max) + " descriptors" +
                 (files.rlim_max >= 4096 ? "" : "; raise it with `ulimit -n 20000`"));
}

}  // namespace

int doctor(Options& options) {
  Report report;
  look_at_modules(options, report);
  look_at_databases(options.settings, report);
  look_at_data(options.settings, report);
  look_at_address("listen", options.settings.listen, report);
  look_at_address("admin-listen", options.settings.admin_listen, report);
  look_at_limits(report);
  std::printf(report.bad() == 0 ? "nothing is missing\n" : "%d things to mend\n", report.bad());
  return report.bad() == 0 ? kOk : kFailed;
}

}  // namespace cleave::cli
