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

/// The last hop to a module: a function call (LocalEndpoint) or HTTP (RemoteEndpoint).
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  /// Fills `response`; never throws for the callee's sake. [fiber, concurrent]
  virtual void call(const Request& request, CallContext& context, Response& response) = 0;
  virtual bool ready() const noexcept = 0;
};

/// A module as the router knows it. Filled before the first dispatch, then only read, but for the
/// counters and `endpoint`.
struct Target {
  std::string name;
  std::string path;  // "/users"; empty: internal only
  std::vector<std::string> depends_on;
  std::atomic<Endpoint*> endpoint{nullptr};

  static constexpr unsigned kLoops = 64;
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

  Target* find(std::string_view module) noexcept;
  const std::vector<std::unique_ptr<Target>>& targets() const noexcept { return targets_; }
  void collect(observe::Scrape& scrape) const;

 private:
  void forward(Target& target, const Request& request, CallContext& context, Response& response);
  std::vector<std::unique_ptr<Target>> targets_;
};

}  // namespace cleave::router
