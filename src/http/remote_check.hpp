// RemoteCheck: asks each peer at the start, in the background, whether it runs its module. A wrong
// URL is then in the log before the first user finds out.
#pragma once

#include <string>
#include <vector>

#include "http/remote_endpoint.hpp"
#include "io/threads.hpp"

namespace cleave::http {

class RemoteCheck {
 public:
  struct Peer {
    RemoteEndpoint* endpoint;
    std::string caller;  // a module here that depends on it
  };
  /// Both outlive this.
  RemoteCheck(io::Threads& threads, std::vector<Peer> peers)
      : threads_(threads), peers_(std::move(peers)) {}

  /// Asks every second, for a minute, those that have not answered yet; hosts start in any order.
  /// The endpoint logs what it finds. [main]
  void start();
  /// Ends it, within the endpoints' timeout. Idempotent. [main, while the loops run]
  void stop();

 private:
  void ask_all();
  io::Threads& threads_;
  // Used on loop 0 only, once started.
  std::vector<Peer> peers_;
  bool running_ = false, stopping_ = false;
  io::Waiter pause_, ended_;
};

}  // namespace cleave::http
