// A server with a handler that shows what it got, and a blocking client over a plain socket.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cleave/problem.hpp"
#include "http/server.hpp"
#include "io/wait.hpp"

namespace cleave::test {

struct Answer {
  int status = 0;  // 0: none
  std::string head, body;
  std::string header(std::string_view name) const {
    for (std::size_t at = head.find("\r\n"); at != std::string::npos;
         at = head.find("\r\n", at + 2)) {
      const std::size_t start = at + 2, colon = head.find(':', start);
      if (colon == std::string::npos) break;
      if (!iequals(std::string_view(head).substr(start, colon - start), name)) continue;
      const std::size_t end = head.find("\r\n", colon);
      return head.substr(colon + 2, end - colon - 2);
    }
    return {};
  }
};

class Client {
 public:
  /// `address` as Server::address() says it, on 127.0.0.1.
  explicit Client(const std::string& address, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::runtime_error(std::string("no socket: ") + std::strerror(errno));
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      const std::string why = std::strerror(errno);
      close(fd_);
      throw std::runtime_error("cannot connect: " + why);
    }
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(fd_); }

  Client& send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;  // the server has closed: what it said is still to be read
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return *this;
  }
  Client& drip(std::string_view bytes) {
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
    for (const char c : bytes) send({&c, 1});
    return *this;
  }
  void end() { shutdown(fd_, SHUT_WR); }
  int fd() const noexcept { return fd_; }

  /// Reads one answer by its Content-Length; status 0 when the connection ends before it.
  Answer answer(bool head_only = false) {
    Answer got;
    std::size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return got;
    }
    got.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    got.status = std::stoi(got.head.substr(9, 3));
    const std::string length = got.header("Content-Length");
    const std::size_t size = length.empty() || head_only ? 0 : std::stoul(length);
    while (buffer_.size() < size) {
      if (!more()) break;
    }
    got.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return got;
  }
  /// Whether the server has closed, with nothing more said.
  bool closed() { return buffer_.empty() && !more() && !timed_out_; }

 private:
  bool more() {
    char bytes[16384];
    const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
    timed_out_ = n < 0 && errno == EAGAIN;
    if (n <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  std::string buffer_;
  bool timed_out_ = false;
};

/// Answers by path; "/hidden" must never run for a request that hides in another's body.
struct Behaviour {
  std::atomic<int> hidden{0}, served{0};

  void operator()(const Request& request, router::RequestScope& scope, Response& response) {
    ++served;
    if (request.path == "/hidden") ++hidden;
    if (request.path == "/throw") throw std::runtime_error("secret dsn=password");
    if (request.path == "/throw-int") throw 42;
    if (request.path == "/problem") throw Problem(409, "conflict", "Taken.").at("/email", "taken");
    if (request.path == "/no-status") response.status = 42;
    if (request.path == "/known" && request.method == "OPTIONS") {
      response.status = 204;
      response.set("Allow", "GET, HEAD, OPTIONS");
      return;
    }
    if (request.path == "/none") {
      response.status = 204;
      response.body = "must not be sent";
      return;
    }
    if (request.path == "/injection") {
      response.set("X-Bad", "a\r\nX-Evil: 1").set("X:Bad", "1").set("Content-Length", "7");
      response.set("X-Good", "yes");
    }
    if (request.path == "/deadline") {
      const auto left = scope.deadline - io::Clock::now();
      response.body =
          std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
      return;
    }
    if (request.path == "/slow") io::sleep_for(io::Millis(std::stoi(std::string(request.query))));
    if (request.path == "/big") {
      response.body.assign(std::stoul(std::string(request.query)), 'x');
      return;
    }
    response.body = std::string(request.method) + " " + std::string(request.path) + "?" +
                    std::string(request.query) + "\n";
    for (const cleave_header& header : request.headers) {
      response.body +=
          std::string(view(header.name)) + ": " + std::string(view(header.value)) + "\n";
    }
    response.body += "\n";
    response.body += request.body;
  }
};

struct World {
  explicit World(http::Limits limits = {}, unsigned loops = 2)
      : threads(loops),
        server({.name = "test",
                .listen = "127.0.0.1:0",
                .limits = limits,
                .handler = [this](const Request& q, router::RequestScope& s,
                                  Response& r) { behaviour(q, s, r); }},
               threads) {
    server.start();
  }
  Client client(int receive_buffer = 0) { return Client(server.address(), receive_buffer); }
  /// One answer to bytes that are not a request.
  Answer ask(std::string_view bytes) { return client().send(bytes).answer(); }
  /// The server still answers.
  bool alive() { return ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200; }

  Behaviour behaviour;
  io::Threads threads;
  http::Server server;
};

}  // namespace cleave::test
