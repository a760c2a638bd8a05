#include "host/application.hpp"

#include <utility>

namespace cleave::host {
namespace {

std::unique_ptr<redis::Redis> redis_of(const Settings& settings, const io::Threads& threads) {
  if (settings.redis_url == "off") return nullptr;
  return std::make_unique<redis::Redis>(
      redis::Options{.url = settings.redis_url,
                     .loops = static_cast<unsigned>(threads.size()),
                     .near_cache = settings.near_cache});
}

std::unique_ptr<http::Network> network_of(const Settings& settings) {
  if (!settings.wire_faithful && settings.net.empty()) return nullptr;
  http::NetworkOptions options{.limits = settings.limits,
                               .peer_timeout = settings.peer_timeout,
                               .token = settings.service_token,
                               .seed = settings.net_seed};
  for (const std::string& rule : settings.net) {
    options.rules.push_back(router::NetRule::parse(rule));
  }
  return std::make_unique<http::Network>(std::move(options));
}

}  // namespace

Application::Application(const Settings& settings, const loader::Loaded& loaded,
                         io::Threads& threads)
    : threads_(threads),
      redis_(redis_of(settings, threads)),
      network_(network_of(settings)),
      site_{settings, threads, router_, metrics_, redis_.get()},
      placement_(site_, loaded) {
  collectors_.push_back(metrics_.add([this](observe::Scrape& scrape) { router_.collect(scrape); }));
  if (network_) {
    router_.set_hop(network_.get());
    collectors_.push_back(metrics_.add([this](auto& scrape) { network_->collect(scrape); }));
  }
  if (!redis_) return;
  collectors_.push_back(metrics_.add([this](observe::Scrape& scrape) { redis_->collect(scrape); }));
}

Application::~Application() {
  stop();
}

void Application::stop() {
  if (std::exchange(stopped_, true)) return;
  placement_.stop();
  if (redis_) {
    threads_.run_on_all([this] { redis_->close(); });
  }
  collectors_.clear();
}

std::vector<std::string_view> Application::modules() const {
  std::vector<std::string_view> names;
  for (const auto& seat : placement_.seats()) {
    if (seat->ours) names.push_back(seat->name);
  }
  return names;
}

}  // namespace cleave::host
