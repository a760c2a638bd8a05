#include "gateway/upstream.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace cleave::test {
namespace {

/// The value of Content-Length as nginx writes it; 0 when there is none.
std::size_t length_in(const std::string& head) {
  const std::size_t at = head.find("\r\nContent-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 18));
}

void send_all(int fd, const std::string& bytes) {
  send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);  // small enough for the socket's buffer
}

}  // namespace

Upstream::Upstream(std::string name) : name_(std::move(name)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(listener_, raw, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, raw, &size) != 0) {
    throw std::runtime_error("no port for an upstream");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

Upstream::~Upstream() {
  shutdown(listener_, SHUT_RDWR);  // accept(2) returns
  acceptor_.join();
  close(listener_);
  for (int fd : open_) shutdown(fd, SHUT_RDWR);
  for (std::thread& thread : threads_) thread.join();
  for (int fd : open_) close(fd);
}

void Upstream::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++accepted_;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void Upstream::serve(int fd) {
  std::string in;
  char buffer[16384];
  for (;;) {
    const std::size_t end = in.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::string head = in.substr(0, end + 4);
      const std::size_t all = head.size() + length_in(head);
      if (in.size() >= all) {
        in.erase(0, all);
        ++requests_;
        if (!answer(fd, head)) break;
        continue;
      }
    }
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    in.append(buffer, static_cast<std::size_t>(got));
  }
  shutdown(fd, SHUT_RDWR);
}

bool Upstream::answer(int fd, const std::string& head) {
  const std::string path = head.substr(0, head.find(" HTTP/"));
  if (path.ends_with("/silent")) return true;
  if (path.ends_with("/cut")) {
    send_all(fd, "HTTP/1.1 200 OK\r\nContent-Le");
    return false;
  }
  const bool no_body = head.starts_with("HEAD ");
  send_all(fd,
           "HTTP/1.1 200 OK\r\nX-Upstream: " + name_ +
               "\r\nEXCEPTION_WHAT: dsn=secret\r\nContent-Type: text/plain\r\nContent-Length: " +
               std::to_string(head.size()) + "\r\n\r\n" + (no_body ? "" : head));
  return true;
}

}  // namespace cleave::test
