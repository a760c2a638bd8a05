// Network: makes calls inside one process behave as calls between hosts do, to find out before
// splitting what would break. The hop of `--wire-faithful` and `--net`.
//
// A call to a neighbour is written as the bytes that RemoteEndpoint would send, read back by the
// door's own parser, answered under a deadline of its own, and the answer goes the same way back:
// what would not survive the wire does not survive here. Faults come on top of it.
#pragma once

#include <string>

#include "http/exchange.hpp"
#include "http/remote_address.hpp"
#include "http/server.hpp"
#include "router/net_faults.hpp"
#include "router/router.hpp"

namespace cleave::http {

struct NetworkOptions {
  Limits limits = {};            // of the door that a host would have
  io::Millis peer_timeout{800};  // most that a call to a neighbour may take
  std::string token = {};        // as between hosts; never compared
  std::vector<router::NetRule> rules = {};
  std::uint64_t seed = 1;
};

class Network final : public router::Hop {
 public:
  /// Logs that it is on, and with which faults.
  explicit Network(NetworkOptions options);

  /// To a module of this process; a call that leaves the process passes untouched. What a client
  /// outside asks came over a wire already: it meets faults (rules for "client->…"), no copy.
  ///   delay  half before the callee runs, half after
  ///   loss   504 "deadline-exceeded" when the peer timeout is over; for a client, the request's
  ///          time. As often as not the callee has done its work by then
  ///   dup    the callee runs twice, one after the other; the second answer is dropped
  /// Errors are RemoteEndpoint's: 502 "bad-peer-answer" for what the door or the caller's side of
  /// a wire would refuse, logged with the reason; 500 "malformed-call"; 504. [fiber, concurrent]
  void call(router::Endpoint& endpoint, const Request& request, router::CallContext& context,
            Response& response) override;

  void collect(observe::Scrape& scrape) const { faults_.collect(scrape); }

 private:
  void deliver(router::Endpoint& endpoint, const Request& request, router::CallContext& context,
               io::TimePoint limit, Response& response) const;

  NetworkOptions options_;
  router::NetFaults faults_;
  RemoteAddress address_;
};

}  // namespace cleave::http
