#include "host/guarded_place.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "cleave/problem.hpp"
#include "host/guarded_child.hpp"
#include "http/internal.hpp"
#include "http/secret.hpp"

namespace cleave::host {
namespace {

constexpr io::Millis kLookTime{1000};
constexpr io::Millis kLookEvery{1000};
constexpr io::Millis kLookSoon{20};  // while it starts
constexpr io::Millis kStartTime{10000};

}  // namespace

/// Not ready while the process is down for good, so that callers get the same 503 as for a module
/// of this process that is not there.
class GuardedPlace::Door final : public router::Endpoint {
 public:
  Door(http::RemoteEndpoint& inner, const supervise::Guarded& child)
      : inner_(inner), child_(child) {}
  void call(const Request& request, router::CallContext& context, Response& response) override {
    inner_.call(request, context, response);
  }
  bool ready() const noexcept override { return !child_.quarantined(); }

 private:
  http::RemoteEndpoint& inner_;
  const supervise::Guarded& child_;
};

GuardedPlace::GuardedPlace(const Site& site, const loader::Library& library,
                           supervise::RunDir& run_dir, unsigned generation)
    : threads_(site.threads) {
  const std::string name(library.name());
  const std::string stem = name + "-" + std::to_string(generation);
  const std::string peers = "unix:" + (run_dir / (stem + "-peers.sock")).string();
  listen_ = "unix:" + (run_dir / (stem + ".sock")).string();
  const std::string token = http::make_secret();
  remote_ = std::make_unique<http::RemoteEndpoint>(http::RemoteOptions{
      .module = name,
      .url = listen_,
      .token = token,
      .timeout = std::max(site.settings.peer_timeout, site.settings.limits.request_time)});
  http::InternalOptions internal{.router = &site.router, .token = token, .only_caller = name};
  for (const auto& target : site.router.targets()) internal.modules.push_back(target->name);
  peers_ = std::make_unique<http::Server>(
      http::Options{.name = name + "-peers",
                    .listen = peers,
                    .limits = site.settings.limits,
                    .handler = http::with_internal(
                        [](const Request&, router::RequestScope& scope, Response& response) {
                          response = Problem(404, "not-found", "Nothing is served at this path.")
                                         .response(scope.id());
                        },
                        std::move(internal))},
      threads_);
  child_ = std::make_unique<supervise::Guarded>(
      name, child_options(site.settings, library, {listen_, peers, token}));
  endpoint_ = std::make_unique<Door>(*remote_, *child_);
  collector_ = site.metrics.add(
      [remote = remote_.get()](observe::Scrape& scrape) { remote->collect(scrape); });
}

void GuardedPlace::begin() {
  peers_->start();
  child_->start();
  const io::TimePoint until = io::Clock::now() + kStartTime;
  while (!answers_) {
    std::this_thread::sleep_for(kLookSoon);
    tend();
    if (child_->quarantined()) {
      throw std::runtime_error("its process ends at once, three times; see the log above");
    }
    if (io::Clock::now() > until) {
      throw std::runtime_error("its process does not serve within 10 s; see the log above");
    }
  }
}

bool GuardedPlace::retire() noexcept {
  collector_.reset();
  threads_.run_on_all([this] { remote_->close(); });
  child_->stop();
  peers_.reset();
  return true;
}

bool GuardedPlace::tend() {
  if (child_->tend()) answers_ = false;
  if (io::Clock::now() >= next_look_) {
    threads_.run_on(0, [this] { answers_ = look().identity.has_value(); });
    next_look_ = io::Clock::now() + (answers_ || child_->quarantined() ? kLookEvery : kLookSoon);
  }
  return true;
}

Place::Found GuardedPlace::look() {
  http::RemoteEndpoint::Inquiry inquiry = remote_->inquire(kLookTime);
  if (inquiry.identity) inquiry.identity->place = name();
  return {std::move(inquiry.identity), std::move(inquiry.why)};
}

std::string GuardedPlace::why_not_ready() const {
  if (child_->quarantined()) return "its process crashed three times within a minute";
  return answers_ ? "" : "its process does not answer";
}

}  // namespace cleave::host
