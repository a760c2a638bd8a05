// When a loop sends what its fibers batched.
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "io/wait.hpp"
#include "support/on_fiber.hpp"

using namespace cleave::io;
using cleave::test::on_fiber;

namespace {

/// Remembers how many fibers had run each time it was asked to send.
struct Recorder final : Hook {
  explicit Recorder(When when, const int& fibers) : Hook(when), ran(fibers) {}
  ~Recorder() override { Loop::current()->forget(*this); }
  void send_batch() override { sent.push_back(ran); }
  const int& ran;
  std::vector<int> sent;
};

/// Spawns fibers that each add to the batch, and waits until all have run and the batch is sent.
std::vector<int> sent_with(Hook::When when, int fibers) {
  int ran = 0;
  Recorder recorder(when, ran);
  for (int i = 0; i < fibers; ++i) {
    Loop::current()->spawn([&] {
      ++ran;
      Loop::current()->batch(recorder);
    });
  }
  while (ran < fibers) sleep_for(Millis(1));
  sleep_for(Millis(2));
  return recorder.sent;
}

}  // namespace

TEST_CASE("a batch waits for every fiber that is ready and may add to it") {
  on_fiber([] {
    CHECK(sent_with(Hook::When::kBatch, 1) == std::vector{1});
    CHECK(sent_with(Hook::When::kBatch, 60) == std::vector{60});
  });
}

TEST_CASE("what does not wait for company is sent each turn, and a turn is short") {
  on_fiber([] {
    const std::vector<int> sent = sent_with(Hook::When::kTurn, 60);
    CHECK(sent.size() > 2);
    CHECK(sent.front() < 60);
    CHECK(sent.back() == 60);
  });
}

TEST_CASE("fibers that are always ready do not keep a batch from being sent") {
  on_fiber([] {
    int ran = 0;
    bool stop = false;
    Recorder recorder(Hook::When::kBatch, ran);
    const std::function<void()> again = [&] {
      ++ran;
      if (!stop) Loop::current()->spawn(again);
    };
    for (int i = 0; i < 40; ++i) Loop::current()->spawn(again);
    Loop::current()->batch(recorder);
    sleep_for(Millis(50));
    stop = true;
    CHECK(recorder.sent.size() == 1);
    sleep_for(Millis(20));
  });
}
