#include "http/server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "http/server_impl.hpp"
#include "observe/log.hpp"

namespace cleave::http {

/// Accepts on loop 0 and hands connections to the loops in turn.
struct Server::Impl final : io::FdHandler {
  Shared shared;
  io::Threads& threads;
  std::unique_ptr<Listener> listener;
  int reserve = -1;  // a descriptor kept back, to refuse politely when there are no more
  std::size_t turn = 0;
  observe::Counter accepted, turned_away;

  explicit Impl(io::Threads& loops) : threads(loops) {}
  ~Impl() override {
    if (reserve >= 0) close(reserve);
  }

  void on_ready(std::uint32_t) override {
    for (int i = 0; i < 256 && accept_one(); ++i) {  // level-triggered: the rest is told again
    }
  }

  /// False when the backlog is empty.
  bool accept_one() {
    const int fd = accept4(listener->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE) return refuse_one();
      return errno == ECONNABORTED || errno == EINTR;
    }
    if (shared.connections.load(std::memory_order_relaxed) >= shared.options.limits.connections) {
      turned_away.add();
      close(fd);
      return true;
    }
    accepted.add();
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // fails on a unix socket: fine
    const std::size_t to = turn++ % threads.size();
    const auto adopt = [this, fd, to] { new Connection(fd, shared, *shared.loops[to]); };
    if (to == 0) {
      adopt();
    } else {
      threads[to].post(adopt);
    }
    return true;
  }

  /// Out of descriptors: gives the reserve away for a moment, so that the peer is closed instead of
  /// waiting, and the loop does not spin on a backlog that it cannot take.
  bool refuse_one() {
    if (reserve < 0) return false;
    close(reserve);
    const int fd = accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    turned_away.add();
    return fd >= 0;
  }
};

Server::Server(Options options, io::Threads& threads) : impl_(std::make_unique<Impl>(threads)) {
  impl_->listener = std::make_unique<Listener>(options.listen);
  impl_->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
  impl_->shared.options = std::move(options);
  for (std::size_t i = 0; i < threads.size(); ++i) {
    impl_->shared.loops.push_back(std::make_unique<PerLoop>());
  }
  address_ = impl_->listener->address();
}

Server::~Server() {
  drain(io::Clock::now());
}

void Server::start() {
  impl_->threads.run_on(
      0, [this] { io::Loop::current()->add(impl_->listener->fd(), EPOLLIN, *impl_); });
}

void Server::announce_close() noexcept {
  impl_->shared.closing = true;
}

bool Server::drain(io::TimePoint deadline) {
  if (impl_->listener == nullptr) return impl_->shared.connections == 0;
  announce_close();
  const auto left = std::chrono::duration_cast<io::Millis>(deadline - io::Clock::now());
  const io::Millis grace = std::clamp(left, io::Millis(0), io::Millis(1000));
  impl_->threads.run_on(0, [this] {
    while (impl_->accept_one()) {  // who waits in the backlog would be reset by close(2)
    }
    io::Loop::current()->remove(impl_->listener->fd(), *impl_);
    impl_->listener.reset();
  });
  impl_->threads.run_on_all([this, grace] {
    auto& connections = impl_->shared.loops[io::Loop::current()->index()]->connections;
    for (auto next = connections.begin(); next != connections.end();) {
      Connection* const one = *next++;  // drain() may take it out of the list
      one->drain(grace);
    }
  });
  while (impl_->shared.connections != 0 && io::Clock::now() < deadline) {
    std::this_thread::sleep_for(io::Millis(2));
  }
  return impl_->shared.connections == 0;
}

void Server::collect(observe::Scrape& scrape) const {
  const std::string_view name = impl_->shared.options.name;
  scrape.gauge("cleave_http_connections", "Open connections.", {{"listener", name}},
               static_cast<double>(impl_->shared.connections));
  scrape.counter("cleave_http_accepted_total", "Connections accepted.", {{"listener", name}},
                 static_cast<double>(impl_->accepted.value()));
  scrape.counter("cleave_http_turned_away_total", "Connections closed at once, for want of room.",
                 {{"listener", name}}, static_cast<double>(impl_->turned_away.value()));
  for (const auto& loop : impl_->shared.loops) {
    scrape.counter("cleave_http_requests_total", "Requests answered.", {{"listener", name}},
                   static_cast<double>(loop->requests.value()));
    scrape.counter("cleave_http_overloaded_total", "Requests refused for want of room.",
                   {{"listener", name}}, static_cast<double>(loop->overloaded.value()));
    for (std::size_t i = 4; i < 6; ++i) {
      scrape.counter("cleave_http_refused_total", "Requests that the door refused.",
                     {{"listener", name}, {"status", i == 4 ? "4xx" : "5xx"}},
                     static_cast<double>(loop->refused[i].value()));
    }
  }
}

}  // namespace cleave::http
