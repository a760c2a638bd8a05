#include "host/local_place.hpp"

#include "postgres/fingerprint.hpp"

namespace cleave::host {
namespace {

// Less than who asks from another process waits, so that a database that is down is no silence.
constexpr io::Millis kLookTime{500};

const ModuleSettings& settings_of(const Settings& settings, std::string_view module) {
  static const auto& none = *new ModuleSettings;
  const auto found = settings.module.find(module);
  return found != settings.module.end() ? found->second : none;
}

std::unique_ptr<postgres::Database> database_of(const Site& site, std::string_view module) {
  const std::string& url = settings_of(site.settings, module).database_url;
  if (url.empty()) return nullptr;
  return std::make_unique<postgres::Database>(
      postgres::Options{.module = std::string(module),
                        .url = url,
                        .loops = static_cast<unsigned>(site.threads.size()),
                        .share_reads = site.settings.share_reads});
}

}  // namespace

LocalPlace::LocalPlace(const Site& site, const loader::Library& library)
    : threads_(site.threads),
      version_(library.module->version),
      database_(database_of(site, library.name())),
      capabilities_(std::make_unique<Capabilities>(
          std::string(library.name()), site.router, database_.get(), site.redis,
          settings_of(site.settings, library.name()).config)),
      instance_(std::make_unique<Instance>(library, capabilities_->host())),
      background_(*instance_, *site.router.find(library.name()), threads_),
      endpoint_(*instance_) {
  if (!database_) return;
  collector_ = site.metrics.add(
      [database = database_.get()](observe::Scrape& scrape) { database->collect(scrape); });
}

void LocalPlace::begin() {
  instance_->start();
  background_.begin();
}

bool LocalPlace::retire() noexcept {
  collector_.reset();
  background_.end();
  instance_->stop();
  if (instance_->busy()) return false;
  if (database_) threads_.run_on_all([this] { database_->close(); });
  return true;
}

Place::Found LocalPlace::look() {
  http::Identity identity{.module = std::string(instance_->name()),
                          .version = version_,
                          .place = name(),
                          .database = std::string(http::Identity::kNone),
                          .ready = instance_->ready()};
  if (database_) {
    identity.database = postgres::fingerprint(*database_, io::Clock::now() + kLookTime);
    identity.ready = identity.ready && !identity.database.empty();
  }
  return {std::move(identity), ""};
}

std::string LocalPlace::why_not_ready() const {
  if (!instance_->ready()) return "the module says that it is not ready";
  if (database_ && !database_->reachable()) return "its database cannot be reached";
  return "";
}

}  // namespace cleave::host
