// A peer with a will of its own: a plain socket and a script that says what it does with each
// connection. It knows nothing of the client under test.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cleave::test {

/// One accepted connection; the script's end closes it.
class PeerConnection {
 public:
  PeerConnection(int fd, const std::atomic<bool>& quit) : fd_(fd), quit_(quit) {}
  /// Head and body (by Content-Length) of the next request; empty when the client has closed or the
  /// peer is to end.
  std::string request() {
    while (true) {
      const std::size_t end = in_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = in_.find("Content-Length: ");
        const std::size_t body = at < end ? std::stoul(in_.substr(at + 16)) : 0;
        if (in_.size() >= end + 4 + body) {
          std::string whole = in_.substr(0, end + 4 + body);
          in_.erase(0, whole.size());
          return whole;
        }
      }
      char bytes[4096];
      if (!wait()) return {};
      const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
      if (n <= 0) return {};
      in_.append(bytes, static_cast<std::size_t>(n));
    }
  }
  /// False when the client has gone.
  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// One byte at a time.
  void drip(std::string_view bytes, std::chrono::milliseconds pause) {
    for (const char c : bytes) {
      if (quit_ || !say({&c, 1})) return;
      std::this_thread::sleep_for(pause);
    }
  }
  /// Says nothing until the client closes.
  void be_silent() {
    while (!request().empty()) {
    }
  }

 private:
  bool wait() const {  // for bytes; false when the peer is to end
    while (!quit_) {
      pollfd wanted{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&wanted, 1, 10) > 0) return true;
    }
    return false;
  }
  int fd_;
  const std::atomic<bool>& quit_;
  std::string in_;
};

class Peer {
 public:
  using Script = std::function<void(PeerConnection&)>;

  /// Listens on a free port of 127.0.0.1, or on a unix socket. Each connection runs the script on a
  /// thread of its own.
  explicit Peer(Script script, const std::string& path = "") : script_(std::move(script)) {
    fd_ = socket(path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed;
    if (path.empty()) {
      sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
      socklen_t size = sizeof at;
      failed = bind(fd_, reinterpret_cast<const sockaddr*>(&at), size);
      getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
      url_ = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    } else {
      sockaddr_un at{.sun_family = AF_UNIX, .sun_path = {}};
      std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
      failed = bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at);
      url_ = "unix:" + path;
    }
    if (failed != 0 || listen(fd_, 64) != 0) throw std::runtime_error("the peer cannot listen");
    acceptor_ = std::thread([this] { accept_all(); });
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    quit_ = true;
    acceptor_.join();
    for (std::thread& one : threads_) one.join();
    close(fd_);
  }
  const std::string& url() const { return url_; }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    while (!quit_) {
      pollfd wanted{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&wanted, 1, 10) <= 0) continue;
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      threads_.emplace_back([this, fd] {
        PeerConnection connection(fd, quit_);
        script_(connection);
        close(fd);
      });
    }
  }
  Script script_;
  int fd_ = -1;
  std::string url_;
  std::atomic<bool> quit_{false};
  std::atomic<int> connections_{0};
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// A whole answer of module "user".
inline std::string peer_answer(std::string_view body, std::string_view status = "200 OK",
                               std::string_view more = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\nX-Cleave-Module: user\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

/// Answers every request with the same bytes, on kept connections.
inline Peer::Script always(std::string answer) {
  return [answer = std::move(answer)](PeerConnection& connection) {
    while (!connection.request().empty()) {
      if (!connection.say(answer)) return;
    }
  };
}

}  // namespace cleave::test
