// Watchdog: says which handler holds a loop. A fiber that computes, sleeps or blocks for over
// 100 ms stops every request of its loop; nobody else could name it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "io/loop.hpp"

namespace cleave::io {

/// A thread that samples loops. `report(label, held)` is called on it, once a hold, with the
/// running fiber's label ("order GET /orders/7") and a lower bound of the time held so far.
class Watchdog {
 public:
  using Report = std::function<void(const std::string& label, Millis held)>;
  Watchdog(std::vector<const Loop*> loops, Report report, Millis limit = Millis(100));
  ~Watchdog();

 private:
  void watch();
  std::vector<const Loop*> loops_;
  Report report_;
  Millis limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace cleave::io
