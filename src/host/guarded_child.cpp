#include "host/guarded_child.hpp"

#include <unistd.h>

#include <csignal>
#include <string_view>

namespace cleave::host {
namespace {

using Environment = std::vector<std::string>;

/// "order", "database-url" -> "CLEAVE_ORDER_DATABASE_URL"
std::string key_of(std::string_view module, std::string_view key) {
  std::string name = "CLEAVE_" + std::string(module) + "_" + std::string(key);
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

void add_module(Environment& environment, const ModuleSettings& module, std::string_view name) {
  if (!module.database_url.empty()) {
    environment.push_back(key_of(name, "database-url") + "=" + module.database_url);
  }
  for (const auto& [key, value] : module.config) {
    environment.push_back(key_of(name, key) + "=" + value);
  }
}

std::string text_of(bool value) {
  return value ? "true" : "false";
}

}  // namespace

Environment environment_without_settings() {
  Environment kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with("CLEAVE_") || text.starts_with("CLEAVE_TEST_")) kept.emplace_back(text);
  }
  return kept;
}

supervise::ChildOptions child_options(const Settings& settings, const loader::Library& library,
                                      const ChildLinks& links) {
  const std::string name(library.name());
  Environment environment = environment_without_settings();
  const auto set = [&](const std::string& key, const std::string& value) {
    environment.push_back("CLEAVE_" + key + "=" + value);
  };
  set("LISTEN", links.listen);
  set("ADMIN_LISTEN", "off");
  set("GUARDED", name);
  set("SERVICE_TOKEN", links.token);
  // A copy that was reloaded lies in a folder of its own. A process that crashed comes back as that
  // one, whatever lies in the module directory by now.
  set("MODULE_DIR", std::filesystem::absolute(library.file).parent_path());
  set("SQL_DIR", std::filesystem::absolute(settings.sql_dir));
  set("MIGRATE", "false");  // the parent has, as the owner: the child is not given that role
  set("REDIS_URL", settings.redis_url);
  set("THREADS", std::to_string(settings.threads));
  set("SHARE_READS", text_of(settings.share_reads));
  set("NEAR_CACHE", text_of(settings.near_cache));
  set("BODY_LIMIT", std::to_string(settings.limits.body));
  set("BODY_TOTAL_LIMIT", std::to_string(settings.limits.bodies));
  set("REQUEST_TIMEOUT_MS", std::to_string(settings.limits.request_time.count()));
  set("PEER_TIMEOUT_MS", std::to_string(settings.peer_timeout.count()));
  set("LOG_FORMAT", settings.log_format);
  set("LOG_LEVEL", settings.log_level);
  for (const std::string& peer : library.depends_on()) {
    environment.push_back(key_of(peer, "url") + "=" + links.peers);
  }
  const auto found = settings.module.find(name);
  if (found != settings.module.end()) add_module(environment, found->second, name);
  // The file that runs, also when another one lies at its path by now.
  return {.name = name,
          .argv = {"/proc/self/exe", "run", "--modules", name},
          .environment = std::move(environment),
          .death_signal = SIGKILL};
}

}  // namespace cleave::host
