#include "host/application.hpp"

#include <algorithm>

#include "observe/log.hpp"
#include "postgres/url.hpp"

namespace cleave::host {

struct Application::Part {
  std::string name;
  std::unique_ptr<postgres::Database> database;
  std::unique_ptr<Migrator> migrator;
  std::unique_ptr<Capabilities> capabilities;
  std::unique_ptr<Instance> instance;
  std::unique_ptr<LocalEndpoint> endpoint;
  router::Target* target = nullptr;
  std::atomic<bool> migrated{false};
};

Application::Application(const Settings& settings, const loader::Loaded& loaded,
                         io::Threads& threads)
    : settings_(settings), threads_(threads) {
  const auto loops = static_cast<unsigned>(threads.size());
  if (settings.redis_url != "off") {
    redis_ = std::make_unique<redis::Redis>(redis::Options{
        .url = settings.redis_url, .loops = loops, .near_cache = settings.near_cache});
  }
  for (const loader::Library& library : loaded.libraries) {
    auto part = std::make_unique<Part>();
    part->name = library.name();
    const auto found = settings.module.find(part->name);
    const ModuleSettings module = found != settings.module.end() ? found->second : ModuleSettings{};
    if (!module.database_url.empty()) {
      part->database = std::make_unique<postgres::Database>(
          postgres::Options{.module = part->name,
                            .url = module.database_url,
                            .loops = loops,
                            .share_reads = settings.share_reads});
    }
    const auto folder = settings.sql_dir / part->name;
    if (part->database && settings.migrate && std::filesystem::is_directory(folder)) {
      const bool owner = !module.owner_database_url.empty();
      part->migrator = std::make_unique<Migrator>(postgres::MigrateOptions{
          .module = part->name,
          .owner_url = owner ? module.owner_database_url : module.database_url,
          .runtime_role = owner ? postgres::parse_url(module.database_url).user : "",
          .folder = folder});
    }
    part->target =
        &router_.add(part->name, library.module->path != nullptr ? library.module->path : "",
                     library.depends_on());
    part->capabilities = std::make_unique<Capabilities>(part->name, router_, part->database.get(),
                                                        redis_.get(), module.config);
    part->instance = std::make_unique<Instance>(library, part->capabilities->host());
    part->endpoint = std::make_unique<LocalEndpoint>(*part->instance);
    parts_.push_back(std::move(part));
  }
  add_peers(loaded);
  add_collectors();
}

Application::~Application() {
  stop();
}

/// A module elsewhere is known here by its manifest, so that its calls to us can be judged, and is
/// reachable when it has a URL.
void Application::add_peers(const loader::Loaded& loaded) {
  std::vector<http::RemoteCheck::Peer> to_check;
  for (const loader::Library& library : loaded.elsewhere) {
    const std::string name(library.name());
    router::Target& target = router_.add(name, "", library.depends_on());
    const auto url = settings_.peer_url.find(name);
    if (url == settings_.peer_url.end() || url->second.empty()) continue;
    peers_.push_back(std::make_unique<http::RemoteEndpoint>(
        http::RemoteOptions{.module = name,
                            .url = url->second,
                            .token = settings_.service_token,
                            .timeout = settings_.peer_timeout}));
    target.endpoint.store(peers_.back().get(), std::memory_order_release);
    for (const loader::Library& asker : loaded.libraries) {
      const auto edges = asker.depends_on();
      if (std::find(edges.begin(), edges.end(), name) == edges.end()) continue;
      to_check.push_back({peers_.back().get(), std::string(asker.name())});
      break;
    }
  }
  check_ = std::make_unique<http::RemoteCheck>(threads_, std::move(to_check));
}

void Application::add_collectors() {
  collectors_.push_back(metrics_.add([this](observe::Scrape& scrape) { router_.collect(scrape); }));
  if (redis_) {
    collectors_.push_back(
        metrics_.add([this](observe::Scrape& scrape) { redis_->collect(scrape); }));
  }
  for (const auto& peer : peers_) {
    collectors_.push_back(
        metrics_.add([peer = peer.get()](observe::Scrape& scrape) { peer->collect(scrape); }));
  }
  for (const auto& part : parts_) {
    if (!part->database) continue;
    collectors_.push_back(metrics_.add(
        [database = part->database.get()](observe::Scrape& scrape) { database->collect(scrape); }));
  }
}

void Application::start() {
  // Migrations of all modules run side by side, while the modules start.
  for (const auto& part : parts_) {
    const auto open = [part = part.get()] {
      part->migrated = true;
      part->target->endpoint.store(part->endpoint.get(), std::memory_order_release);
    };
    if (part->migrator) {
      part->migrator->start(threads_[0], open);
    } else {
      open();
    }
  }
  for (const auto& part : parts_) part->instance->start();
  for (const auto& part : parts_) {
    if (part->migrator) part->migrator->wait_for_first_try();
  }
  check_->start();
}

void Application::stop() {
  if (std::exchange(stopped_, true)) return;
  check_->stop();
  for (const auto& part : parts_) {
    if (part->migrator) part->migrator->stop();
  }
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    (*part)->target->endpoint.store(nullptr, std::memory_order_release);
    (*part)->instance->stop();
  }
  threads_.run_on_all([this] {
    for (const auto& part : parts_) {
      if (part->database) part->database->close();
    }
    for (const auto& peer : peers_) peer->close();
    if (redis_) redis_->close();
  });
  collectors_.clear();
}

std::vector<std::string_view> Application::modules() const {
  std::vector<std::string_view> names;
  for (const auto& part : parts_) names.push_back(part->name);
  return names;
}

std::vector<std::string> Application::not_ready() const {
  std::vector<std::string> reasons;
  for (const auto& part : parts_) {
    if (!part->migrated) {
      reasons.push_back(part->name + ": its database is not up, or its migrations are not applied");
    } else if (!part->instance->ready()) {
      reasons.push_back(part->name + ": the module says that it is not ready");
    } else if (part->database && !part->database->reachable()) {
      reasons.push_back(part->name + ": its database cannot be reached");
    }
  }
  return reasons;
}

}  // namespace cleave::host
