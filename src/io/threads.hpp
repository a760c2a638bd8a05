// Threads: the loops of a process, one thread each.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "io/loop.hpp"

namespace cleave::io {

/// Starts its loops at once; stop() and the destructor end and join them. Signals are blocked on
/// these threads: the main thread takes them with sigwait.
class Threads {
 public:
  explicit Threads(unsigned count);
  ~Threads();

  std::size_t size() const noexcept { return loops_.size(); }
  Loop& operator[](std::size_t index) noexcept { return *loops_[index]; }
  std::vector<const Loop*> loops() const;

  /// Runs `work` on a fiber of loop `index` and waits for it; rethrows what it throws. For
  /// start-up and shutdown, from outside the loops.
  void run_on(std::size_t index, const std::function<void()>& work);
  /// The same on every loop, side by side.
  void run_on_all(const std::function<void()>& work);

  /// Ends all loops; false when a fiber outlived the grace.
  bool stop(Millis grace = Millis(10000));

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
  std::atomic<bool> clean_{true};
};

}  // namespace cleave::io
