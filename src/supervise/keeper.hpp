// Keeper: the thread that looks after the embedded servers. One that ends while it is wanted is
// started again; its clients reconnect by themselves.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "supervise/backoff.hpp"

namespace cleave::supervise {

class Keeper {
 public:
  struct Server {
    std::string name;  // for the log
    std::function<bool()> running;
    std::function<void()> start;  // throws std::runtime_error
    std::function<void()> stop;
  };
  /// They run already, and from now on only the keeper's thread touches them.
  explicit Keeper(std::vector<Server> servers);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  /// Stops all, the last one first.
  ~Keeper();

 private:
  using Clock = std::chrono::steady_clock;
  struct Kept {
    Server server;
    Backoff backoff = {};
    Clock::time_point started = Clock::now(), again = {};
    bool down = false;
  };
  void work();
  static void look_after(Kept& kept);

  std::vector<Kept> kept_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace cleave::supervise
