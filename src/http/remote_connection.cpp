#include "http/remote_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace cleave::http {
namespace {

// Room to write is asked about only by who waits for it: a unix socket tells of room whenever the
// peer has read, and each time would wake a loop that has nothing to write.
constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t kWriting = kReading | EPOLLOUT;

}  // namespace

RemoteConnection::RemoteConnection(int fd) : loop_(*io::Loop::current()), fd_(fd) {}

RemoteConnection::~RemoteConnection() {
  const int kept = errno;  // open() reports through it
  loop_.remove(fd_, *this);
  close(fd_);
  errno = kept;
}

void RemoteConnection::on_ready(std::uint32_t) {
  waiter_.wake();  // whoever waits tries again; a wake-up too many costs one EAGAIN
}

RemoteConnection::Result RemoteConnection::wait(io::TimePoint deadline) {
  return waiter_.wait(deadline) ? Result::kDone : Result::kLate;
}

std::unique_ptr<RemoteConnection> RemoteConnection::open(const SocketAddress& to,
                                                         io::TimePoint deadline) {
  const int family = to.bytes.ss_family;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  std::unique_ptr<RemoteConnection> made(new RemoteConnection(fd));
  const int one = 1;
  if (family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  // A unix socket connects at once or, with a full backlog, fails with EAGAIN (connect(2)).
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to.bytes), to.size) == 0) {
    return made->loop_.add(fd, kReading, *made) ? std::move(made) : nullptr;
  }
  if (errno != EINPROGRESS) return nullptr;
  if (!made->loop_.add(fd, kWriting, *made)) return nullptr;
  if (made->wait(deadline) == Result::kLate) {
    errno = ETIMEDOUT;
    return nullptr;
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && made->loop_.modify(fd, kReading, *made)) return made;
  if (error != 0) errno = error;
  return nullptr;
}

RemoteConnection::Result RemoteConnection::send(std::string_view bytes, std::size_t& sent,
                                                io::TimePoint deadline) {
  used = true;
  bool blocked = false;
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (!std::exchange(blocked, true) && !loop_.modify(fd_, kWriting, *this)) break;
      if (wait(deadline) == Result::kLate) return Result::kLate;
    } else if (errno != EINTR) {
      return Result::kClosed;
    }
  }
  if (blocked && !loop_.modify(fd_, kReading, *this)) return Result::kClosed;
  return bytes.empty() ? Result::kDone : Result::kClosed;
}

RemoteConnection::Result RemoteConnection::receive(std::string_view& bytes,
                                                   io::TimePoint deadline) {
  // One a thread: nothing waits between recv and the caller's use.
  thread_local char buffer[64 * 1024];
  while (true) {
    // A peer that drips never lets it come to a wait that is too long.
    if (io::Clock::now() >= deadline) return Result::kLate;
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) {
      bytes = {buffer, static_cast<std::size_t>(n)};
      return Result::kDone;
    }
    if (n == 0) return Result::kClosed;
    if (errno == EAGAIN) {
      if (wait(deadline) == Result::kLate) return Result::kLate;
    } else if (errno != EINTR) {
      return Result::kClosed;
    }
  }
}

bool RemoteConnection::quiet() const noexcept {
  char byte;
  return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

}  // namespace cleave::http
