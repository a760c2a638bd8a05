// A module's work that no request asks for: when its rounds come, and when none comes any more.
#include "host/background.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "host/local_endpoint.hpp"
#include "seam/seam.hpp"

using namespace cleave;
using test::FakeHost;
using namespace std::chrono_literals;

namespace {

/// The rude module with its rounds 10 ms apart.
struct World {
  FakeHost host;
  io::Threads threads{2};
  router::Router router;
  router::Target& target = router.add("rude", "/rude", {});
  host::Instance instance{test::open("rude/rude.so"), host.raw()};
  host::LocalEndpoint endpoint{instance};
  host::Background background{instance, target, threads};

  explicit World(const std::string& how) {
    host.config["how"] = how;
    target.endpoint = &endpoint;
    instance.start();
  }
  ~World() {
    background.end();
    instance.stop();
    threads.stop();
  }
  std::size_t rounds() {
    const auto log = host.logged();
    return static_cast<std::size_t>(std::count_if(
        log.begin(), log.end(), [](const test::LogLine& line) { return line.text == "round"; }));
  }
  bool reach(std::size_t count) {
    for (int i = 0; i < 2000 && rounds() < count; ++i) std::this_thread::sleep_for(5ms);
    return rounds() >= count;
  }
};

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++count;
  return count;
}

}  // namespace

TEST_CASE(
    "a module of before background() was there runs, and is not asked what it does not have") {
  const loader::Library old = test::open("first_struct/old.so");
  CHECK_FALSE(loader::has_background(*old.module));
  CHECK(loader::has_background(*test::open("rude/rude.so").module));
  CHECK_FALSE(loader::has_background(*test::open("sound/sound.so").module));
  CHECK(test::refusals_of(test::seam("background_ms")) ==
        std::vector<std::string>{"bad.so: background_ms: expected 10 to 3600000, found 9; set "
                                 "kBackgroundMs, in milliseconds"});
}

TEST_CASE("rounds follow each other until the end, and none after it") {
  World world("background");
  CHECK(world.rounds() == 0);
  world.background.begin();
  CHECK(world.reach(5));
  world.background.end();
  world.background.end();
  const std::size_t before = world.rounds();
  std::this_thread::sleep_for(50ms);
  CHECK(world.rounds() == before);
}

TEST_CASE("no round comes before the routes are open: the tables may not be there yet") {
  World world("background");
  world.target.endpoint = nullptr;
  world.background.begin();
  std::this_thread::sleep_for(50ms);
  CHECK(world.rounds() == 0);
  world.target.endpoint = &world.endpoint;
  CHECK(world.reach(2));
}

TEST_CASE("rounds that cannot be done come ever more seldom, and are told once") {
  const test::CapturedLog log;
  World world("failing background");
  world.background.begin();
  std::this_thread::sleep_for(300ms);
  CHECK(world.rounds() >= 1);
  CHECK(world.rounds() <= 5);  // after 10, 30, 70, 150 and 310 ms at the earliest
  CHECK(times(log.text(), "a module's background work cannot be done") == 1);
}

TEST_CASE("what a round throws is contained and named, and the rounds go on") {
  const test::CapturedLog log;
  World world("throw in background");
  world.background.begin();
  for (int i = 0; i < 2000 && times(log.text(), "thrown in background") < 2; ++i) {
    std::this_thread::sleep_for(5ms);
  }
  CHECK(times(log.text(), "thrown in background") >= 2);
  CHECK(log.has("a module threw across the seam"));
  CHECK(log.has("rude"));
}

TEST_CASE("a stop waits for the round under way, and the module may wait in it") {
  World world("slow background");
  std::atomic<bool> inside = false, left = false;
  world.host.on_query = [&](const test::Asked&) {
    inside = true;
    io::sleep_for(50ms);
    left = true;
    return test::Answer{.failure = test::Failure{}};
  };
  world.background.begin();
  while (!inside) std::this_thread::sleep_for(1ms);
  world.background.end();
  world.instance.stop();
  CHECK(left);
  CHECK(world.instance.state() == host::State::kStopped);
}
