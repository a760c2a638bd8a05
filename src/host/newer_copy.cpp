#include "host/newer_copy.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "host/guarded_child.hpp"
#include "io/timer.hpp"

namespace cleave::host {
namespace {

namespace fs = std::filesystem;

constexpr io::Millis kCheckTime{30000};

/// The other modules stand beside it, so that what it depends on is known: copies too, because a
/// module file may be no link.
fs::path lay_out(const Settings& settings, const loader::Library& running, const fs::path& folder) {
  const std::string file = std::string(running.name()) + ".so";
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::owner_all);
  for (const auto& entry : fs::directory_iterator(settings.module_dir)) {
    if (entry.path().extension() != ".so" || entry.path().filename() == file) continue;
    fs::copy_file(entry.path(), folder / entry.path().filename());
  }
  fs::copy_file(settings.module_dir / file, folder / file);
  fs::permissions(folder / file, fs::perms::owner_read | fs::perms::owner_exec);
  return folder / file;
}

/// The lines that speak against it, of what `cleave check` printed.
std::string findings_in(const fs::path& output) {
  std::ifstream in(output);
  std::string found;
  for (std::string line; std::getline(in, line);) {
    const std::size_t at = line.find("BAD  ");
    if (at != std::string::npos) found += (found.empty() ? "" : "; ") + line.substr(at + 5);
  }
  return found;
}

void check_in_a_process(const Settings& settings, const std::string& name, const fs::path& folder) {
  std::vector<std::string> environment = environment_without_settings();
  environment.push_back("CLEAVE_MODULES=" + name);
  environment.push_back("CLEAVE_MODULE_DIR=" + folder.string());
  environment.push_back("CLEAVE_SQL_DIR=" + fs::absolute(settings.sql_dir).string());
  const fs::path output = folder / "check.txt";
  supervise::Child check({.name = "check of " + name,
                          .argv = {"/proc/self/exe", "check"},
                          .log_file = output,
                          .environment = std::move(environment),
                          .death_signal = SIGKILL});
  const io::TimePoint until = io::Clock::now() + kCheckTime;
  while (check.running()) {
    if (io::Clock::now() > until) throw std::runtime_error("`cleave check` of it does not end");
    std::this_thread::sleep_for(io::Millis(2));
  }
  if (check.stop(0, io::Millis(0)) == 0) return;
  const std::string found = findings_in(output);
  throw std::runtime_error("`cleave check` speaks against the new file: " +
                           (found.empty() ? "it could not be checked" : found));
}

std::set<std::string> list_of(const char* const* names) {
  std::set<std::string> all;
  for (; *names != nullptr; ++names) all.insert(*names);
  return all;
}

/// What this process was set up with and cannot learn anew while it runs.
void require_same_manifest(const cleave_module& now, const cleave_module& next) {
  const auto text = [](const char* path) { return std::string(path != nullptr ? path : "none"); };
  const auto refuse = [](const std::string& what, const std::string& from, const std::string& to) {
    throw std::runtime_error("the new file has another " + what + " (" + to + ", and runs with " +
                             from + "); start the host anew");
  };
  if (text(now.name) != text(next.name)) refuse("name", now.name, next.name);
  if (text(now.path) != text(next.path)) refuse("path", text(now.path), text(next.path));
  for (const auto& [what, old, fresh] :
       {std::tuple{"peer in depends_on", now.depends_on, next.depends_on},
        std::tuple{"key of configuration", now.config_keys, next.config_keys}}) {
    const std::set<std::string> known = list_of(old);
    for (const std::string& name : list_of(fresh)) {
      if (!known.contains(name)) refuse(what, "no such", name);
    }
  }
}

}  // namespace

loader::Library open_newer_copy(const Settings& settings, const loader::Library& running,
                                const fs::path& folder) {
  const fs::path copy = lay_out(settings, running, folder);
  check_in_a_process(settings, std::string(running.name()), folder);
  auto opened = loader::open_library(copy);
  if (const auto* refusals = std::get_if<1>(&opened)) {
    throw std::runtime_error(refusals->front().text());
  }
  loader::Library& library = std::get<loader::Library>(opened);
  require_same_manifest(*running.module, *library.module);
  return std::move(library);
}

}  // namespace cleave::host
