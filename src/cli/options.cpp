#include "cli/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "cli/did_you_mean.hpp"

extern char** environ;

namespace cleave::cli {
namespace {

namespace fs = std::filesystem;

fs::path directory_of_executable() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path(".") : self.parent_path();
}

/// modules/ and sql/ lie beside bin/, in the build tree; or under share/ and lib/ when installed.
fs::path beside(const fs::path& executable_dir, const char* name, const char* installed) {
  const fs::path built = executable_dir.parent_path() / name;
  std::error_code ignored;
  return fs::exists(built, ignored) ? built : executable_dir.parent_path() / installed;
}

/// The value of a flag before the real parse: the module directory decides what can be parsed.
std::string early_value(int argc, char** argv, std::string_view flag, const char* environment) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == flag && i + 1 < argc) return argv[i + 1];
    if (word.size() > flag.size() && word.starts_with(flag) && word[flag.size()] == '=') {
      return std::string(word.substr(flag.size() + 1));
    }
  }
  const char* value = std::getenv(environment);
  return value != nullptr ? value : "";
}

std::string to_option(const CLI::ConfigItem& item) {
  std::string name;
  for (const std::string& parent : item.parents) name += parent + "-";
  name += item.name;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::vector<CLI::ConfigItem> items_of(const std::string& file) {
  std::ifstream in(file);
  if (!in || fs::is_directory(file)) {
    throw Failure(kConfig, "cannot read the configuration file " + file +
                               "; check that it exists and that this user may read it");
  }
  try {
    return CLI::ConfigTOML().from_config(in);
  } catch (const CLI::Error& error) {
    throw Failure(kConfig, file + ": " + error.what());
  }
}

/// The same, looked for in the file of settings last.
std::string early_setting(int argc, char** argv, const std::string& name) {
  const std::string value = early_value(argc, argv, "--" + name, environment_name(name).c_str());
  const std::string file = early_value(argc, argv, "--config", "CLEAVE_CONFIG");
  if (!value.empty() || file.empty()) return value;
  try {
    for (const CLI::ConfigItem& item : items_of(file)) {
      if (to_option(item) == name) return CLI::detail::join(item.inputs, ",");
    }
  } catch (const Failure&) {  // told by the real parse
  }
  return "";
}

std::string read_secret(const std::string& name, const std::string& file) {
  std::ifstream in(file);
  if (!in || fs::is_directory(file)) {
    throw Failure(kConfig, "cannot read the file of " + name + ", " + file +
                               "; check that it exists and that this user may read it");
  }
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

std::string environment_name(const std::string& option) {
  std::string name = "CLEAVE_" + option;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

Options::Options(int argc, char** argv) {
  executable_dir_ = directory_of_executable();
  settings.module_dir = early_setting(argc, argv, "module-dir");
  if (settings.module_dir.empty()) {
    settings.module_dir = beside(executable_dir_, "modules", "lib/cleave/modules");
  }
  settings.sql_dir = beside(executable_dir_, "sql", "share/cleave/sql");
  const std::string wanted = early_setting(argc, argv, "modules");
  std::vector<std::string> names;
  for (const std::string& name : CLI::detail::split(wanted, ',')) {
    if (!name.empty()) names.push_back(name);
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(settings.module_dir, ignored)) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() != ".so" || names.empty()) continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) elsewhere_.push_back(name);
  }
  loaded = loader::load_directory(settings.module_dir, names, elsewhere_);
}

CLI::Option* Options::add(CLI::App& command, const std::string& name, std::string& value,
                          const std::string& help, bool secret) {
  known_.push_back(environment_name(name));
  auto* option = command.add_option("--" + name, value, help)->envname(environment_name(name));
  if (secret) {
    secrets_.push_back(std::make_unique<Secret>(Secret{name, &value, {}}));
    known_.push_back(environment_name(name + "-file"));
    command.add_option("--" + name + "-file", secrets_.back()->file, "The same, read from a file")
        ->envname(environment_name(name + "-file"))
        ->excludes(option);
  }
  return option;
}

template <class T>
CLI::Option* Options::add_value(CLI::App& command, const std::string& name, T& value,
                                const std::string& help) {
  known_.push_back(environment_name(name));
  return command.add_option("--" + name, value, help)
      ->envname(environment_name(name))
      ->capture_default_str();
}

void Options::add_to(CLI::App& command) {
  add_value(command, "listen", settings.listen, "Address to serve: HOST:PORT or unix:PATH");
  add_value(command, "admin-listen", settings.admin_listen,
            "Address of /metrics and health details; off: none");
  add(command, "admin-token", settings.admin_token,
      "Bearer token of the admin listener; required beyond loopback", true);
  add(command, "service-token", settings.service_token,
      "What hosts of one system show each other; needed when a module has a URL", true);
  add_value(command, "modules", settings.modules, "Which modules run here; default: all found")
      ->delimiter(',');
  add_guard(command);
  add_net(command);
  add_value(command, "module-dir", settings.module_dir, "Directory of the module files");
  add_value(command, "sql-dir", settings.sql_dir, "Directory of the migrations");
  add_value(command, "data-dir", settings.data_dir, "Data of the embedded servers");
  add(command, "redis-url", settings.redis_url,
      "redis://HOST:PORT or unix:///PATH; off: no cache; absent: embedded", true);
  add_value(command, "threads", settings.threads,
            "Event loops; default: one a core, half of it with an embedded database")
      ->check(CLI::Range(1, 64));
  add_value(command, "migrate", settings.migrate, "Apply migrations before serving");
  add_value(command, "share-reads", settings.share_reads,
            "Run identical reads that wait together once");
  add_value(command, "near-cache", settings.near_cache,
            "Keep cached values in the process too, kept true by Redis CLIENT TRACKING");
  add_value(command, "body-limit", settings.limits.body, "Largest request body, in bytes");
  add_value(command, "body-total-limit", settings.limits.bodies,
            "Bytes held of bodies still being sent, over all connections; more: 503");
  request_time_ms_ = settings.limits.request_time.count();
  add_value(command, "request-timeout-ms", request_time_ms_, "Time a request may take")
      ->check(CLI::Range(50, 600000));
  drain_delay_ms_ = settings.drain_delay.count();
  add_value(command, "drain-delay-ms", drain_delay_ms_,
            "How long to serve on after a stop signal, so that whoever balances can go elsewhere")
      ->check(CLI::Range(0, 60000));
  peer_time_ms_ = settings.peer_timeout.count();
  add_value(command, "peer-timeout-ms", peer_time_ms_, "Most that a call to another host may take")
      ->check(CLI::Range(50, 600000));
  add_value(command, "log-format", settings.log_format, "auto, text or json")
      ->check(CLI::IsMember({"auto", "text", "json"}));
  add_value(command, "log-level", settings.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  add_value(command, "config", config_file_, "File of settings (TOML): listen = \"…\", [user] …");
  add_module_options(command);
}

void Options::add_module_options(CLI::App& command) {
  for (const loader::Library& library : loaded.libraries) {
    const std::string name(library.name());
    host::ModuleSettings& module = settings.module[name];
    const std::string group = "Module " + name;
    add(command, name + "-database-url", module.database_url,
        "PostgreSQL of " + name + "; absent: embedded", true)
        ->group(group);
    add(command, name + "-owner-database-url", module.owner_database_url,
        "The same as the owner, for migrations", true)
        ->group(group);
    for (const char* const* key = library.module->config_keys; *key != nullptr; ++key) {
      std::string option = name + "-" + *key;
      std::replace(option.begin(), option.end(), '_', '-');
      add(command, option, module.config[*key], "Key of the module, see its README")->group(group);
    }
  }
  for (const auto* libraries : {&loaded.libraries, &loaded.elsewhere}) {
    for (const loader::Library& library : *libraries) {
      const std::string name(library.name());
      add(command, name + "-url", settings.peer_url[name],
          "Where " + name + " lives when it does not run here: http://HOST:PORT or unix:PATH")
          ->group("Module " + name);
    }
  }
}

void Options::read_file(CLI::App& command) {
  if (config_file_.empty()) return;
  for (const CLI::ConfigItem& item : items_of(config_file_)) {
    if (item.name == "++" || item.name == "--") continue;  // CLI11 marks sections with these
    const std::string name = to_option(item);
    CLI::Option* option = command.get_option_no_throw("--" + name);
    if (option == nullptr && of_a_module_elsewhere(name)) continue;
    if (option == nullptr) {
      throw Failure(
          kConfig, config_file_ + ": unknown key " + name + "; `cleave run --help` lists all keys");
    }
    if (option->count() > 0) continue;  // a flag or the environment said it already
    try {
      option->add_result(item.inputs);
      option->run_callback();
    } catch (const CLI::Error& error) {
      throw Failure(kConfig, config_file_ + ": " + error.what());
    }
  }
}

/// Hosts that share one file or one environment run different modules; a key of a module that is
/// installed and runs in another host is no mistake.
bool Options::of_a_module_elsewhere(const std::string& name) const {
  return std::any_of(elsewhere_.begin(), elsewhere_.end(), [&](const std::string& module) {
    return name.starts_with(module + "-") || name.starts_with(environment_name(module) + "_");
  });
}

void Options::read_secrets() {
  for (const auto& secret : secrets_) {
    if (!secret->file.empty()) *secret->value = read_secret(secret->name, secret->file);
  }
}

void Options::refuse_unknown_environment() const {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=')));
    if (!name.starts_with("CLEAVE_") || name.starts_with("CLEAVE_TEST_")) continue;
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    if (of_a_module_elsewhere(name)) continue;
    const std::string guess = did_you_mean(name, known_);
    throw Failure(kConfig, "unknown environment variable " + name + (guess.empty() ? ";" : guess) +
                               " `cleave run --help` lists all keys");
  }
}

void Options::finish(CLI::App& command) {
  // The library lets the environment speak to every command, and all commands fill the same
  // settings: the chosen one has the last word, so that its flags win.
  for (CLI::Option* option : command.get_options()) {
    if (option->get_envname().empty()) continue;
    // Since 2.4 the library drops what the environment says wrongly, without a word.
    const char* const said = std::getenv(option->get_envname().c_str());
    try {
      if (option->count() == 0 && said != nullptr && *said != '\0') option->add_result(said);
      if (option->count() > 0) option->run_callback();
    } catch (const CLI::Error& error) {
      throw Failure(kUsage, error.what());
    }
  }
  read_file(command);
  read_secrets();
  refuse_unknown_environment();
  settings.limits.request_time = io::Millis(request_time_ms_);
  settings.drain_delay = io::Millis(drain_delay_ms_);
  settings.peer_timeout = io::Millis(peer_time_ms_);
  for (auto* names : {&settings.modules, &settings.net}) {
    std::erase_if(*names, [](const std::string& name) { return name.empty(); });
  }
  for (auto& [name, module] : settings.module) {
    std::erase_if(module.config, [](const auto& entry) { return entry.second.empty(); });
  }
  const auto at = [](std::initializer_list<std::string_view> names, std::string_view name) {
    return static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  log::init(static_cast<log::Format>(at({"auto", "text", "json"}, settings.log_format)),
            static_cast<log::Level>(at({"debug", "info", "warn", "error"}, settings.log_level)));
}

}  // namespace cleave::cli
