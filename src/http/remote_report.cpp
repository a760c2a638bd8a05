// What is told of a peer: to the caller, in the log, in the metrics.
#include "http/remote_endpoint.hpp"
#include "observe/log.hpp"
#include "router/peer_problem.hpp"

namespace cleave::http {
namespace {

constexpr io::Millis kLogPause{1000};

constexpr std::string_view kOutcomeNames[] = {"answered", "unavailable", "busy", "late", "bad",
                                              "refused",  "absent",      "shed", "open"};

}  // namespace

/// One line when it changes, and not more than one a second.
void RemoteEndpoint::tell(Outcome outcome, const char* why) {
  if (told_.load(std::memory_order_relaxed) == outcome) return;
  const auto now = io::Clock::now().time_since_epoch();
  const io::Clock::duration last{told_at_.load(std::memory_order_relaxed)};
  if (last.count() != 0 && now - last < kLogPause) return;
  told_at_.store(now.count(), std::memory_order_relaxed);
  if (told_.exchange(outcome) == outcome) return;  // another loop was faster
  if (outcome == Outcome::kAnswered) {
    log::info("http", "a peer answers again", {{"peer", options_.module}, {"url", options_.url}});
    return;
  }
  const std::string place = "peer " + options_.module + " at " + options_.url;
  if (outcome == Outcome::kAbsent) {
    log::error("http", place + " answers, but does not run " + options_.module +
                           "; correct the URL, or give that host a service token");
  } else if (outcome == Outcome::kRefused) {
    log::error("http", place + " " + why);
  } else {
    log::warn("http", place + " does not answer as it should", {{"why", why}});
  }
}

void RemoteEndpoint::problem(Outcome outcome, std::string_view id, Response& response) const {
  switch (outcome) {
    case Outcome::kLate:
      response = router::peer_late().response(id);
      return;
    case Outcome::kBad:
      response = router::bad_peer_answer().response(id);
      return;
    case Outcome::kOpen: {
      const auto wait =
          std::chrono::ceil<std::chrono::seconds>(breaker_.open_for(io::Clock::now()));
      response = router::peer_unavailable(std::max(1, static_cast<int>(wait.count()))).response(id);
      return;
    }
    default:
      response = router::peer_unavailable().response(id);
  }
}

void RemoteEndpoint::tell(router::Breaker::State state) const {
  const std::string place = "peer " + options_.module + " at " + options_.url;
  if (state == router::Breaker::State::kOpen) {
    const auto time = breaker_.open_for(io::Clock::now());
    log::warn("http", place + " mostly fails and is not asked for a while",
              {{"open_ms", std::to_string(time.count())}});
  } else {
    log::info("http", place + " is asked again");
  }
}

void RemoteEndpoint::collect(observe::Scrape& scrape) const {
  scrape.gauge("cleave_peer_breaker_state", "0: asked; 1: being tried again; 2: not asked.",
               {{"peer", options_.module}}, static_cast<double>(breaker_.state()));
  for (const auto& slot : loops_) {
    const PerLoop* loop = slot.load(std::memory_order_acquire);
    if (loop == nullptr) continue;
    for (std::size_t i = 0; i < kOutcomes; ++i) {
      scrape.counter("cleave_peer_calls_total", "Calls to modules in other processes, by outcome.",
                     {{"peer", options_.module}, {"outcome", kOutcomeNames[i]}},
                     static_cast<double>(loop->outcomes[i].value()));
    }
    scrape.counter("cleave_peer_repeats_total", "Calls repeated for a connection that was closed.",
                   {{"peer", options_.module}}, static_cast<double>(loop->repeated.value()));
    scrape.counter("cleave_peer_batched_total", "Calls that travelled in one request with others.",
                   {{"peer", options_.module}}, static_cast<double>(loop->batched.value()));
    scrape.counter("cleave_peer_connections_total", "Connections opened to other processes.",
                   {{"peer", options_.module}}, static_cast<double>(loop->pool.opened.value()));
  }
}

}  // namespace cleave::http
