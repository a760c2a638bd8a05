// NetFaults: what a network would do to calls between modules, decided ahead: which call is late,
// lost or delivered twice. Pure: it waits for nothing and touches no call (http/network.hpp does).
//
// The n-th call over an edge has the same fate in each run with the same seed, whatever the threads
// do, so a fault that was seen once can be seen again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "observe/metrics.hpp"

namespace cleave::router {

/// Who calls when a request comes from outside. Only a rule that names it is for such requests.
inline constexpr std::string_view kClient = "client";

/// "delay=5ms,jitter=2ms,loss=1%,dup=1%", for all edges between modules, or for one:
/// "order->product:loss=5%". Of the edges that exist, the last rule that fits one is its own.
struct NetRule {
  using Micros = std::chrono::microseconds;
  std::string text;      // as it was given
  std::string from, to;  // both empty: all edges between modules
  Micros delay{0};       // there and back, half each
  Micros jitter{0};      // the delay is this much more or less, at most
  double loss = 0;       // of calls, 0 to 1; by turns of chance the request or its answer
  double dup = 0;        // of calls, 0 to 1

  /// Throws std::invalid_argument: one sentence with the remedy.
  static NetRule parse(std::string_view text);
};

class NetFaults {
 public:
  NetFaults(std::vector<NetRule> rules, std::uint64_t seed);
  ~NetFaults();

  struct Fate {
    NetRule::Micros before{0}, after{0};  // on the way there, and on the way back
    bool request_lost = false, answer_lost = false, twice = false;
    bool operator==(const Fate&) const = default;
  };
  /// Of the next call; counted. Nothing when no rule is for the edge. [any thread]
  Fate next(std::string_view caller, std::string_view callee);

  void collect(observe::Scrape& scrape) const;

 private:
  struct Edge;
  Edge* edge(std::string_view caller, std::string_view callee);

  std::vector<NetRule> rules_;
  std::uint64_t seed_;
  std::atomic<Edge*> edges_{nullptr};  // a list that only grows, at its front
};

}  // namespace cleave::router
