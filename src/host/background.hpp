// Background: a module's work that no request asks for, again and again on a fiber.
#pragma once

#include <memory>

#include "host/instance.hpp"
#include "io/threads.hpp"
#include "router/router.hpp"

namespace cleave::host {

/// Rests as long as the module says before each round; after one that could not be done twice as
/// long as the last time, up to kLongestRest. No round before the module's routes are open: its
/// tables may not be there yet.
class Background {
 public:
  static constexpr io::Millis kLongestRest{5000};

  /// Does nothing for a module that has none. All three outlive this. [main]
  Background(Instance& instance, const router::Target& target, io::Threads& threads)
      : instance_(instance), target_(target), threads_(threads) {}
  void begin();  // after Instance::start() [main]
  /// No round begins any more; one may be under way, which Instance::stop() waits for. [main]
  void end();

 private:
  class Rounds;
  Instance& instance_;
  const router::Target& target_;
  io::Threads& threads_;
  std::shared_ptr<Rounds> rounds_;  // with its fiber, which may end after this
};

}  // namespace cleave::host
