#include "host/remote_place.hpp"

#include <algorithm>

namespace cleave::host {
namespace {

constexpr io::Millis kLookTime{1000};
constexpr io::Millis kLookEvery{1000};

/// A neighbour's call has the time that settings give it. What a client asked here of a module that
/// has moved has all of the request's, as it had before.
io::Millis time_of(const Settings& settings, bool watched) {
  return watched ? std::max(settings.peer_timeout, settings.limits.request_time)
                 : settings.peer_timeout;
}

}  // namespace

RemotePlace::RemotePlace(const Site& site, const std::string& module, const std::string& url,
                         bool watched)
    : threads_(site.threads),
      url_(url),
      watched_(watched),
      endpoint_(http::RemoteOptions{.module = module,
                                    .url = url,
                                    .token = site.settings.service_token,
                                    .timeout = time_of(site.settings, watched)}),
      collector_(site.metrics.add([this](observe::Scrape& scrape) { endpoint_.collect(scrape); })) {
}

bool RemotePlace::retire() noexcept {
  collector_.reset();
  threads_.run_on_all([this] { endpoint_.close(); });
  return true;
}

bool RemotePlace::tend() {
  if (watched_ && io::Clock::now() >= next_look_) {
    threads_.run_on(0, [this] { answers_ = look().identity.has_value(); });
    next_look_ = io::Clock::now() + kLookEvery;
  }
  return watched_;
}

Place::Found RemotePlace::look() {
  http::RemoteEndpoint::Inquiry inquiry = endpoint_.inquire(kLookTime);
  return {std::move(inquiry.identity), std::move(inquiry.why)};
}

std::string RemotePlace::why_not_ready() const {
  return answers_ ? "" : "its host at " + url_ + " does not answer";
}

}  // namespace cleave::host
