// Place: where one module lives at the moment, and the way there. A module is moved by making a
// place beside the old one, pointing its target there, and retiring the old one
// (docs/decisions/0013-moving-a-module.md).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "host/settings.hpp"
#include "http/identity.hpp"
#include "io/threads.hpp"
#include "observe/metrics.hpp"
#include "redis/cache.hpp"
#include "router/router.hpp"

namespace cleave::host {

/// What a place needs of the process. All of it outlives every place.
struct Site {
  const Settings& settings;
  io::Threads& threads;
  router::Router& router;
  observe::Metrics& metrics;
  redis::Redis* redis;  // null: none
};

//   made ──begin()──► serving ──retire()──► retired ──► destroyed
//                        │ begin() throws: retire() is legal, and all there is to do
class Place {
 public:
  virtual ~Place() = default;
  /// Starts what is there. Throws std::runtime_error with the reason. [not a loop, one at a time]
  virtual void begin() = 0;
  /// Ends it; no call is inside, none comes. False: the module would not stop, and this must be
  /// kept for as long as the loops run. [not a loop, while the loops run, once]
  virtual bool retire() noexcept = 0;
  /// Looks after it, by the thread that began it. True: again in a few milliseconds.
  virtual bool tend() { return false; }

  virtual router::Endpoint& endpoint() noexcept = 0;
  /// "here", "guarded", or the URL.
  virtual std::string name() const = 0;
  /// Whether it runs with this host's configuration, and so on this host's database.
  virtual bool ours() const noexcept { return true; }
  /// Who is there; without one, `why` tells. [fiber]
  struct Found {
    std::optional<http::Identity> identity;
    std::string why;
  };
  virtual Found look() = 0;
  /// Empty: it can serve. [any thread]
  virtual std::string why_not_ready() const = 0;
  /// Of the process that it has, if any. [any thread]
  virtual std::optional<pid_t> process() const { return std::nullopt; }
};

}  // namespace cleave::host
