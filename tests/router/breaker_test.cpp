// The breaker over a clock of the test's own.
#include "router/breaker.hpp"

#include <doctest/doctest.h>

namespace cleave::router {
namespace {

using Result = Breaker::Result;
using State = Breaker::State;
using io::Millis;

struct Scene {
  Breaker breaker{7};
  io::TimePoint now = io::TimePoint(std::chrono::hours(100));

  /// So many calls, one after the other; how many of them were let through.
  unsigned calls(unsigned count, Result result) {
    unsigned admitted = 0;
    for (unsigned i = 0; i < count; ++i) {
      const auto permit = breaker.admit(now);
      if (!permit) continue;
      ++admitted;
      breaker.record(*permit, result, now);
    }
    return admitted;
  }
  void open() {
    calls(Breaker::kLeastCalls, Result::kFailed);
    REQUIRE(breaker.state() == State::kOpen);
  }
  Millis open_for() const { return breaker.open_for(now); }
};

}  // namespace

TEST_CASE("a breaker opens at half of twenty calls, and not at fewer") {
  Scene few;
  CHECK(few.calls(Breaker::kLeastCalls - 1, Result::kFailed) == Breaker::kLeastCalls - 1);
  CHECK(few.breaker.state() == State::kClosed);
  CHECK(few.calls(1, Result::kFailed) == 1);
  CHECK(few.breaker.state() == State::kOpen);
  CHECK(few.calls(5, Result::kGood) == 0);

  Scene half;
  half.calls(11, Result::kGood);
  half.calls(10, Result::kFailed);
  CHECK(half.breaker.state() == State::kClosed);  // 10 of 21
  half.calls(1, Result::kFailed);
  CHECK(half.breaker.state() == State::kOpen);  // 11 of 22
}

TEST_CASE("what is not the peer's doing does not count") {
  Scene scene;
  scene.calls(1000, Result::kNothing);
  scene.calls(Breaker::kLeastCalls - 1, Result::kFailed);
  CHECK(scene.breaker.state() == State::kClosed);
}

TEST_CASE("failures are forgotten after ten seconds") {
  Scene scene;
  scene.calls(Breaker::kLeastCalls - 1, Result::kFailed);
  scene.now += std::chrono::seconds(Breaker::kBuckets);
  scene.calls(Breaker::kLeastCalls - 1, Result::kFailed);
  CHECK(scene.breaker.state() == State::kClosed);
  scene.now += std::chrono::seconds(Breaker::kBuckets - 1);
  scene.calls(1, Result::kFailed);
  CHECK(scene.breaker.state() == State::kOpen);
}

TEST_CASE(
    "an open breaker lets three probes through when its time is up, and closes when all are good") {
  Scene scene;
  scene.open();
  CHECK(scene.open_for() >= Millis(800));
  CHECK(scene.open_for() <= Millis(1200));
  scene.now += Millis(700);
  CHECK(!scene.breaker.admit(scene.now));
  scene.now += Millis(500);
  std::array<Breaker::Permit, Breaker::kProbes> permits;
  for (Breaker::Permit& permit : permits) permit = scene.breaker.admit(scene.now).value();
  CHECK(scene.breaker.state() == State::kHalfOpen);
  CHECK(!scene.breaker.admit(scene.now));  // no fourth one
  CHECK(!scene.breaker.record(permits[0], Result::kGood, scene.now));
  CHECK(!scene.breaker.record(permits[1], Result::kGood, scene.now));
  CHECK(scene.breaker.record(permits[2], Result::kGood, scene.now) == State::kClosed);
  CHECK(scene.calls(Breaker::kLeastCalls - 1, Result::kFailed) == Breaker::kLeastCalls - 1);
  CHECK(scene.breaker.state() == State::kClosed);  // the old failures are gone
}

TEST_CASE("each probe that fails doubles the time, up to thirty seconds") {
  Scene scene;
  scene.open();
  Millis period = Breaker::kFirst;
  for (int i = 0; i < 8; ++i) {
    scene.now += scene.open_for();
    CHECK(scene.calls(1, Result::kFailed) == 1);
    CHECK(scene.breaker.state() == State::kOpen);
    period = std::min(period * 2, Breaker::kLongest);
    CHECK(scene.open_for() >= period * 80 / 100);
    CHECK(scene.open_for() <= period * 120 / 100);
  }
  CHECK(period == Breaker::kLongest);
}

TEST_CASE("a probe that tells nothing is given to somebody else") {
  Scene scene;
  scene.open();
  scene.now += scene.open_for();
  CHECK(scene.calls(100, Result::kNothing) == 100);
  CHECK(scene.breaker.state() == State::kHalfOpen);
  CHECK(scene.calls(3, Result::kGood) == 3);
  CHECK(scene.breaker.state() == State::kClosed);
}

TEST_CASE("an answer from before the last change is not counted") {
  Scene scene;
  const Breaker::Permit early = scene.breaker.admit(scene.now).value();
  scene.open();
  scene.now += scene.open_for();
  const Breaker::Permit probe = scene.breaker.admit(scene.now).value();
  CHECK(!scene.breaker.record(early, Result::kFailed, scene.now));
  CHECK(scene.breaker.state() == State::kHalfOpen);
  CHECK(scene.breaker.record(probe, Result::kFailed, scene.now) == State::kOpen);
}

}  // namespace cleave::router
