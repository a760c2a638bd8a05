// Server: HTTP/1.1 on a listening address, over the process's loops.
//
// The door (connection.hpp, framing.hpp) accepts, reads one whole request under strict limits and
// RFC 9112 framing, and only then takes a fiber, on which the exchange (exchange.hpp) makes the
// answer. A connection that waits costs no fiber and no buffer.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cleave/message.hpp"
#include "io/threads.hpp"
#include "observe/metrics.hpp"
#include "router/context.hpp"

namespace cleave::http {

struct Limits {
  std::size_t request_line = 8 * 1024;
  std::size_t header_line = 8 * 1024;  // with its CR LF: what the gateway takes, too
  std::size_t headers = 32 * 1024;     // all of them
  std::size_t header_count = 100;
  std::size_t body = 1024 * 1024;
  // All connections together, of bodies that come in parts. Beyond it a body is refused with 503: a
  // new one before it is read, one that grows beyond it where it stands.
  std::size_t bodies = 64 * 1024 * 1024;
  io::Millis header_time{5000};  // in total, from the first byte
  io::Millis body_time{10000};   // in total
  io::Millis idle_time{65000};   // keep-alive; above the gateway's 30 s, so that it closes first
  io::Millis write_time{10000};  // a client that takes nothing for so long is cut
  io::Millis request_time{
      2500};  // the deadline a request gets; X-Cleave-Deadline-Ms may shorten it
  std::size_t connections = 20000;
  std::size_t requests = 4096;  // in hand, a loop; more get 503 at once
};

/// Answers one request. `scope` has id, trace and deadline set. [fiber]
using Handler = std::function<void(const Request&, router::RequestScope& scope, Response&)>;

struct Options {
  std::string name = "public";  // for logs and metrics
  std::string listen;           // "127.0.0.1:8080", "[::1]:0", "unix:/run/cleave.sock"
  Limits limits;
  Handler handler;
};

class Server {
 public:
  /// Binds and listens; throws std::runtime_error with cause and remedy ("port 8080 is taken by …;
  /// use --listen"). Serves from start() on.
  Server(Options options, io::Threads& threads);
  /// Closes all connections but those with a request in hand, and waits for these: destroy it while
  /// the threads still run. [main]
  ~Server();

  void start();  // [main]
  /// The address bound, with the real port: "127.0.0.1:43817".
  const std::string& address() const noexcept { return address_; }

  /// Step 1 of a drain: answers carry Connection: close from now on. [any thread]
  void announce_close() noexcept;
  /// Step 2: takes what waits in the backlog, then closes the listener; answers what is in hand,
  /// closes each connection; returns when none is left or at `deadline` (false). [main]
  bool drain(io::TimePoint deadline);

  void collect(observe::Scrape& scrape) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace cleave::http
