// Fibers that a burst left are ended while another thread, the watchdog, asks what runs.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "io/loop.hpp"
#include "io/wait.hpp"

namespace cleave::io {
namespace {

// More than stay warm, so that each burst is followed by ends.
constexpr int kBurst = 200;
constexpr int kBursts = 3;

}  // namespace

// A host under load, with ThreadSanitizer: the watchdog had found the running fiber and was about
// to copy its label, when the fiber's task ended, the load fell, and the loop gave the fiber back
// to the heap. Only ThreadSanitizer sees it without much luck.
TEST_CASE("a fiber is not taken away while the watchdog reads what it does") {
  Loop loop;
  std::thread thread([&] { loop.run(); });
  std::atomic<bool> done{false};
  std::atomic<int> seen{0}, ended{0};
  std::thread watchdog([&] {
    while (!done) seen += loop.running_label() == "a task of the burst" ? 1 : 0;
  });
  for (int burst = 1; burst <= kBursts; ++burst) {
    loop.post([&] {
      for (int i = 0; i < kBurst; ++i) {
        loop.spawn([&] {
          Fiber::current()->label.set("a task of the burst");
          sleep_for(Millis(2));  // so that each has a fiber of its own
          const TimePoint until = Clock::now() + std::chrono::microseconds(100);
          while (Clock::now() < until) continue;
          ++ended;
        });
      }
    });
    while (ended < burst * kBurst) std::this_thread::sleep_for(Millis(10));
    std::this_thread::sleep_for(Millis(300));  // several times the reaper's turn
  }
  done = true;
  watchdog.join();
  loop.stop();
  thread.join();
  CHECK(seen > 0);
}

}  // namespace cleave::io
