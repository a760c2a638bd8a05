#include "io/timer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <vector>

using namespace cleave::io;

namespace {
struct Probe final : Timer {
  int fired = 0;
  void on_timer() override { ++fired; }
};
}  // namespace

TEST_CASE("timers fire once, at their tick or after, over many turns of the wheel") {
  const TimePoint start = Clock::now();
  TimerWheel wheel(start);
  std::mt19937 random(7);
  struct Armed {
    std::unique_ptr<Probe> probe = std::make_unique<Probe>();
    int due;
  };
  std::vector<Armed> all;
  for (int i = 0; i < 2000; ++i) {
    Armed one;
    one.due = static_cast<int>(random() % 5000) + 1;
    wheel.arm(*one.probe, start + Millis(one.due));
    all.push_back(std::move(one));
  }
  for (int now = 0; now <= 5000; now += static_cast<int>(random() % 40)) {
    wheel.advance(start + Millis(now));
    for (const Armed& one : all) REQUIRE(one.probe->fired == (one.due <= now ? 1 : 0));
  }
  wheel.advance(start + Millis(5001));
  for (const Armed& one : all) REQUIRE(one.probe->fired == 1);
  CHECK(wheel.sleep_ms(start + Millis(5001)) == -1);
}

TEST_CASE("a pause longer than the wheel loses nothing") {
  const TimePoint start = Clock::now();
  TimerWheel wheel(start);
  Probe soon, late;
  wheel.arm(soon, start + Millis(3));
  wheel.arm(late, start + Millis(9999));
  wheel.advance(start + Millis(7000));
  CHECK(soon.fired == 1);
  CHECK(late.fired == 0);
  wheel.advance(start + Millis(10000));
  CHECK(late.fired == 1);
}

TEST_CASE("cancelling and re-arming") {
  const TimePoint start = Clock::now();
  TimerWheel wheel(start);
  Probe probe;
  wheel.arm(probe, start + Millis(5));
  CHECK(wheel.sleep_ms(start) == 5);
  probe.cancel();
  CHECK(wheel.sleep_ms(start) == -1);
  wheel.arm(probe, start + Millis(5));
  wheel.arm(probe, start + Millis(50));
  wheel.advance(start + Millis(49));
  CHECK(probe.fired == 0);
  wheel.advance(start + Millis(50));
  CHECK(probe.fired == 1);
  {
    Probe gone;
    wheel.arm(gone, start + Millis(60));
  }
  wheel.advance(start + Millis(70));  // nothing dangles
}
