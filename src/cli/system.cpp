#include "cli/system.hpp"

#include <algorithm>
#include <thread>

#include "postgres/url.hpp"
#include "redis/address.hpp"
#include "router/router.hpp"

namespace cleave::cli {

void require_urls(const host::Settings& settings) {
  for (const auto& [name, module] : settings.module) {
    for (const std::string& url : {module.database_url, module.owner_database_url}) {
      if (url.empty()) continue;
      const postgres::UrlParts parts = postgres::parse_url(url);
      if (parts.valid) continue;
      throw Failure(kConfig, "the connection string of " + name + " is not valid: " + parts.why);
    }
  }
  if (settings.redis_url.empty() || settings.redis_url == "off") return;
  try {
    redis::Address::parse(settings.redis_url);
  } catch (const std::invalid_argument& error) {
    throw Failure(kConfig, error.what());
  }
}

void require_placement(const Options& options) {
  std::vector<std::string> mistakes = options.peer_mistakes();
  for (std::string& one : options.guard_mistakes()) mistakes.push_back(std::move(one));
  for (std::string& one : options.net_mistakes()) mistakes.push_back(std::move(one));
  if (mistakes.empty()) return;
  std::string text = mistakes.front();
  for (std::size_t i = 1; i < mistakes.size(); ++i) text += "\n  " + mistakes[i];
  throw Failure(kConfig, text);
}

void require_modules(const loader::Loaded& loaded, const host::Settings& settings) {
  if (!loaded.refusals.empty()) {
    std::string text = loaded.refusals.size() == 1
                           ? "a module was refused"
                           : std::to_string(loaded.refusals.size()) + " refusals";
    for (const loader::Refusal& refusal : loaded.refusals) text += "\n  " + refusal.text();
    throw Failure(kConfig, text);
  }
  if (loaded.libraries.empty()) {
    throw Failure(kConfig, "no module in " + settings.module_dir.string() +
                               "; build the modules, or name their directory with --module-dir");
  }
}

std::unique_ptr<supervise::Embedded> start_embedded(host::Settings& settings, bool with_redis) {
  supervise::EmbeddedOptions wanted;
  wanted.data_dir = settings.data_dir;
  wanted.fresh = settings.fresh;
  wanted.loops = settings.threads;
  wanted.redis = with_redis && settings.redis_url.empty();
  for (const auto& [name, module] : settings.module) {
    if (module.database_url.empty()) wanted.modules.push_back(name);
  }
  wanted.postgres = !wanted.modules.empty();
  if (!wanted.postgres && !wanted.redis) return nullptr;
  std::unique_ptr<supervise::Embedded> embedded;
  try {
    embedded = supervise::Embedded::start(wanted);
  } catch (const std::runtime_error& error) {
    throw Failure(kUnavailable, error.what());
  }
  for (const supervise::ModuleDatabase& database : embedded->databases()) {
    settings.module[database.module].database_url = database.runtime_url;
    settings.module[database.module].owner_database_url = database.owner_url;
  }
  if (wanted.redis) settings.redis_url = embedded->redis_url();
  return embedded;
}

void decide_threads(host::Settings& settings) {
  if (settings.threads != 0) return;
  const bool embedded =
      std::any_of(settings.module.begin(), settings.module.end(),
                  [](const auto& module) { return module.second.database_url.empty(); });
  settings.threads = default_threads(std::thread::hardware_concurrency(), embedded);
}

unsigned default_threads(unsigned cores, bool embedded) noexcept {
  return std::clamp(cores / (embedded ? 2 : 1), 1U, router::kMostLoops);
}

System::System(Options& options) : options_(options) {
  decide_threads(options.settings);
  threads_ = std::make_unique<io::Threads>(options.settings.threads);
  require_modules(options.loaded, options.settings);
  require_urls(options.settings);
  require_placement(options);
}

System::~System() {
  stop();
}

void System::start() {
  embedded_ = start_embedded(options_.settings, true);
  application_ = std::make_unique<host::Application>(options_.settings, options_.loaded, *threads_);
  try {
    application_->start();
  } catch (const std::runtime_error& error) {
    throw Failure(kConfig, error.what());
  }
}

bool System::stop() {
  bool clean = true;
  if (application_) application_->stop();
  if (threads_) clean = threads_->stop();
  application_.reset();
  threads_.reset();
  embedded_.reset();
  return clean;
}

}  // namespace cleave::cli
