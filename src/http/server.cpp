#include "http/server.hpp"

#include <algorithm>
#include <thread>

#include "http/acceptor.hpp"
#include "http/connection.hpp"
#include "http/server_impl.hpp"
#include "observe/log.hpp"

namespace cleave::http {
namespace {

// How long a half-read request may still take when the server drains.
constexpr io::Millis kMostGrace{1000};

}  // namespace

struct Server::Impl {
  Impl(Options given, io::Threads& loops) : threads(loops), listener(new Listener(given.listen)) {
    shared.options = std::move(given);
    Limits& limits = shared.options.limits;
    limits.bodies = std::max(limits.bodies, limits.body);  // the largest one fits when it is alone
    for (std::size_t i = 0; i < threads.size(); ++i) {
      shared.loops.push_back(std::make_unique<PerLoop>());
    }
    acceptor = std::make_unique<Acceptor>(*listener, shared, threads);
  }

  /// Runs `action` for each connection, on its loop; it may destroy the connection.
  template <class Action>
  void for_each_connection(Action action) {
    threads.run_on_all([this, action] {
      auto& all = shared.loops[io::Loop::current()->index()]->connections;
      for (auto next = all.begin(); next != all.end();) action(**next++);
    });
  }

  bool wait_until_empty(io::TimePoint deadline) const {
    while (shared.connections.load(std::memory_order_acquire) != 0) {
      if (io::Clock::now() >= deadline) return false;
      std::this_thread::sleep_for(io::Millis(1));
    }
    return true;
  }

  Shared shared;
  io::Threads& threads;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Acceptor> acceptor;
  bool started = false;
};

Server::Server(Options options, io::Threads& threads)
    : impl_(std::make_unique<Impl>(std::move(options), threads)),
      address_(impl_->listener->address()) {}

Server::~Server() {
  if (!impl_->started) return;
  drain(io::Clock::now());
  impl_->for_each_connection([](Connection& one) { one.abandon(); });
  const io::Millis patience = impl_->shared.options.limits.request_time + kMostGrace;
  if (impl_->wait_until_empty(io::Clock::now() + patience)) {
    impl_->threads.run_on_all([] {});  // the last connection's loop is past its last line
    return;
  }
  log::error("http", "a handler did not return in time; what it uses is left in memory",
             {{"listener", impl_->shared.options.name}});
  impl_.release();
}

void Server::start() {
  impl_->started = true;
  impl_->threads.run_on(0, [this] { impl_->acceptor->start(); });
}

void Server::announce_close() noexcept {
  impl_->shared.closing = true;
}

bool Server::drain(io::TimePoint deadline) {
  announce_close();
  const auto left = std::chrono::duration_cast<io::Millis>(deadline - io::Clock::now());
  const io::Millis grace = std::clamp(left, io::Millis(0), kMostGrace);
  if (impl_->listener != nullptr) {
    if (impl_->started) impl_->threads.run_on(0, [this] { impl_->acceptor->finish(); });
    impl_->listener.reset();
  }
  impl_->for_each_connection([grace](Connection& one) { one.drain(grace); });
  return impl_->wait_until_empty(deadline);
}

void Server::collect(observe::Scrape& scrape) const {
  const std::string_view name = impl_->shared.options.name;
  const auto count = [&](std::string_view metric, std::string_view help,
                         const observe::Counter& counter) {
    scrape.counter(metric, help, {{"listener", name}}, static_cast<double>(counter.value()));
  };
  scrape.gauge("cleave_http_connections", "Open connections.", {{"listener", name}},
               static_cast<double>(impl_->shared.connections));
  count("cleave_http_accepted_total", "Connections accepted.", impl_->acceptor->accepted);
  count("cleave_http_turned_away_total", "Connections closed at once, for want of room.",
        impl_->acceptor->turned_away);
  count("cleave_http_accept_failures_total", "Failed accept(2) calls.", impl_->acceptor->failures);
  scrape.gauge("cleave_http_body_bytes", "Bytes held of bodies that come in parts.",
               {{"listener", name}}, static_cast<double>(impl_->shared.held));
  static constexpr std::string_view kClasses[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (const auto& loop : impl_->shared.loops) {
    count("cleave_http_requests_total", "Whole requests that the door let in.", loop->requests);
    count("cleave_http_bodies_refused_total", "Bodies refused for want of room for all.",
          loop->bodies_refused);
    for (std::size_t i = 2; i < loop->answers.size(); ++i) {
      scrape.counter("cleave_http_answers_total", "Answers, the door's own included.",
                     {{"listener", name}, {"status", kClasses[i]}},
                     static_cast<double>(loop->answers[i].value()));
    }
  }
}

}  // namespace cleave::http
