#include "http/acceptor.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "http/connection.hpp"
#include "observe/log.hpp"

namespace cleave::http {
namespace {

// So many at a time that a burst does not hold up the requests of loop 0; epoll tells of the rest.
constexpr int kMostAtOnce = 64;
constexpr io::Millis kPause{100};

int open_reserve() {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

Acceptor::Acceptor(const Listener& listener, Shared& shared, io::Threads& threads)
    : listener_(listener), shared_(shared), threads_(threads), reserve_(open_reserve()) {}

Acceptor::~Acceptor() {
  if (reserve_ >= 0) close(reserve_);
}

void Acceptor::start() {
  threads_[0].add(listener_.fd(), EPOLLIN, *this);
}

void Acceptor::finish() {
  while (accept_one()) {
  }
  cancel();
  threads_[0].remove(listener_.fd(), *this);
}

void Acceptor::on_ready(std::uint32_t) {
  for (int i = 0; i < kMostAtOnce && accept_one(); ++i) {
  }
}

/// False when the backlog is empty, or accepting makes no sense for a while.
bool Acceptor::accept_one() {
  const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    // accept(2): errors of a connection that is gone already are told here as well.
    if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO) return true;
    if (errno == EAGAIN) return false;
    failures.add();
    if (errno == EMFILE || errno == ENFILE) return refuse_one();
    log::error("http", "cannot accept connections", {{"why", std::strerror(errno)}});
    pause();
    return false;
  }
  if (shared_.connections.load(std::memory_order_relaxed) >= shared_.options.limits.connections) {
    turned_away.add();
    Connection::turn_away(fd);
    return true;
  }
  accepted.add();
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
  const std::size_t to = turn_++ % threads_.size();
  if (to == 0) {
    Connection::adopt(fd, shared_, *shared_.loops[0]);
  } else {
    threads_[to].post([this, fd, to] { Connection::adopt(fd, shared_, *shared_.loops[to]); });
  }
  return true;
}

/// Out of descriptors: gives the reserve away for a moment, so that the peer is closed instead of
/// left waiting, and the loop does not spin on a backlog that it cannot take.
bool Acceptor::refuse_one() {
  if (reserve_ >= 0) close(reserve_);
  const int fd = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) {
    Connection::turn_away(fd);
    turned_away.add();
  }
  reserve_ = open_reserve();
  if (fd >= 0 && reserve_ >= 0) return true;
  pause();
  return false;
}

void Acceptor::pause() {
  threads_[0].modify(listener_.fd(), 0, *this);
  threads_[0].timers().arm(*this, threads_[0].now() + kPause);
}

void Acceptor::on_timer() {
  if (reserve_ < 0) reserve_ = open_reserve();
  threads_[0].modify(listener_.fd(), EPOLLIN, *this);
}

}  // namespace cleave::http
