// Router: the one way to a module, from a socket and from a neighbour alike.
//
// dispatch() does what is the same in every placement: find the module, check the declared edge,
// depth, deadline and readiness, open a span, count. Then an Endpoint makes the last hop.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/message.hpp"
#include "observe/metrics.hpp"
#include "router/context.hpp"

namespace cleave::router {

inline constexpr unsigned kMostLoops = 64;

/// The last hop to a module: a function call (LocalEndpoint) or HTTP (RemoteEndpoint).
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  /// Fills `response`; never throws for the callee's sake. [fiber, concurrent]
  virtual void call(const Request& request, CallContext& context, Response& response) = 0;
  virtual bool ready() const noexcept = 0;
  /// Whether the call leaves this process.
  virtual bool passes_on() const noexcept { return false; }

  /// Calls that the router has in here. Once no target points here any more and each loop has made
  /// a turn, it only falls; at 0 nobody uses this endpoint. [any thread]
  std::int64_t in_flight() const noexcept;

 private:
  friend class Passage;
  struct alignas(64) Count {  // one a loop, written by that loop only
    std::atomic<std::int64_t> inside{0};
  };
  std::array<Count, kMostLoops> counts_;
};

/// What a call passes on its way to an endpoint, when there is more on it than a function call:
/// http/network.hpp plays a network.
class Hop {
 public:
  virtual ~Hop() = default;
  /// Makes the call, or answers for `endpoint`; never throws. [fiber, concurrent]
  virtual void call(Endpoint& endpoint, const Request& request, CallContext& context,
                    Response& response) = 0;
};

/// A module as the router knows it. Filled before the first dispatch, then only read, but for the
/// counters and `endpoint`, which may be exchanged at any moment: see Endpoint::in_flight for when
/// the old one may go.
struct Target {
  std::string name;
  std::string path;  // "/users"; empty: internal only
  std::vector<std::string> depends_on;
  std::atomic<Endpoint*> endpoint{nullptr};

  static constexpr unsigned kLoops = kMostLoops;
  struct alignas(64) PerLoop {
    std::atomic<std::int64_t> in_flight{0};
    observe::Counter calls[6];  // by status class, [0] unused
    observe::Histogram duration;
  };
  std::array<PerLoop, kLoops> loops;
  std::int64_t in_flight() const noexcept;
};

class Router {
 public:
  static constexpr std::uint8_t kDeepest = 8;

  /// Before the first dispatch. Throws std::invalid_argument for a second target of that name or
  /// path. [main]
  Target& add(std::string name, std::string path, std::vector<std::string> depends_on);

  /// From outside: by the first segment of the path; an internal module is not found. [fiber]
  void dispatch_path(const Request& request, RequestScope& scope, Response& response);
  /// From a module: by name. [fiber, in a call]
  void dispatch(std::string_view module, const Request& request, CallContext& caller,
                Response& response);
  /// What both do once they know the target and have made the call's context. The internal routes
  /// use it for a request from outside that another host passes on. [fiber]
  void forward(Target& target, const Request& request, CallContext& context, Response& response);

  /// Before the first dispatch; null, as at first: calls go straight. It outlives the last one.
  void set_hop(Hop* hop) noexcept { hop_ = hop; }

  Target* find(std::string_view module) noexcept;
  const std::vector<std::unique_ptr<Target>>& targets() const noexcept { return targets_; }
  void collect(observe::Scrape& scrape) const;

 private:
  std::vector<std::unique_ptr<Target>> targets_;
  Hop* hop_ = nullptr;
};

}  // namespace cleave::router
