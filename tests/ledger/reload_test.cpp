// A newly built file of a module takes over in the host that runs it.
#include <thread>

#include "ledger/scene.hpp"

namespace cleave::test {
namespace {

constexpr const char* kOfTheTree = CLEAVE_TEST_MODULES "/order.so";
constexpr const char* kNewer = CLEAVE_TEST_OTHER_MODULES "/order_newer.so";
constexpr const char* kCrashing = CLEAVE_TEST_OTHER_MODULES "/order_crashing.so";

HttpAnswer reload(RunningHost& host, const std::string& folder, const std::string& file) {
  modules_with(file, folder);
  return host.reload();
}

/// Until GET /orders answers so; false after 20 s.
bool says(RunningHost& host, const std::string& text) {
  for (int i = 0; i < 1000; ++i) {
    if (host.ask("GET", "/orders").body == text) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

}  // namespace

TEST_CASE("a newly built file takes over, one that crashes is told and the old one goes on") {
  Scene::Environment environment = Scene::shared().environment("user,product,order");
  environment["CLEAVE_MODULE_DIR"] = modules_with(kOfTheTree, "reloaded");
  RunningHost host(environment, "127.0.0.1:0");
  const HttpAnswer newer = reload(host, "reloaded", kNewer);
  CAPTURE(newer.body);
  CHECK(newer.status == 200);
  CHECK(host.ask("GET", "/orders").body == "1.1.0");
  CHECK(host.placement_of("order")["version"] == "1.1.0");
  const HttpAnswer crashing = reload(host, "reloaded", kCrashing);
  CHECK(crashing.status == 422);
  CAPTURE(crashing.body);
  CHECK(contains(reason(crashing), "order 1.1.0 goes on"));
  CHECK(contains(reason(crashing), "constructors"));
  CHECK(host.ask("GET", "/orders").body == "1.1.0");
  const HttpAnswer again = reload(host, "reloaded", kOfTheTree);
  CAPTURE(again.body);
  CHECK(again.status == 200);
  CHECK(host.process().wait_for_log("the instance of 1.1.0 is gone"));
}

TEST_CASE("reloads under load, here and guarded: every request is answered once, none fails") {
  Scene::Environment environment = Scene::shared().environment("user,product,order");
  environment["CLEAVE_MODULE_DIR"] = modules_with(kOfTheTree, "reloaded-under-load");
  RunningHost host(environment, "127.0.0.1:0");
  const auto [user, product] = host.make_rows();
  Load load(host.address(), 100, user, product);
  for (const std::string place : {"here", "guarded"}) {
    if (place != "here") REQUIRE(host.move(place).status == 200);
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const HttpAnswer reloaded = reload(host, "reloaded-under-load", kOfTheTree);
      CAPTURE(reloaded.body);
      REQUIRE(reloaded.status == 200);
      CHECK(host.placement_of("order")["place"] == place);
    }
  }
  load.stop();
  CHECK(load.orders() > 0);
  check_ledger(load, user);
}

TEST_CASE("a module that lives at a URL is reloaded there, and not here") {
  RunningHost host(Scene::shared().environment("user,product,order"), "127.0.0.1:0");
  RunningHost other(order_beside(host), "127.0.0.1:0");
  REQUIRE(host.move(other.address()).status == 200);
  const HttpAnswer refused = host.reload();
  CHECK(refused.status == 409);
  CHECK(reason(refused) ==
        "order 1.0.0 goes on: it does not run here; reload it at the host that runs it");
  CHECK(host.placement_of("order")["place"] == other.address());
}

TEST_CASE(
    "a guarded module takes over its newly built file, and after a crash it is still that one") {
  Scene::Environment environment = Scene::shared().environment("user,product,order");
  environment["CLEAVE_GUARD"] = "order";
  environment["CLEAVE_MODULE_DIR"] = modules_with(kOfTheTree, "reloaded-guarded");
  RunningHost host(environment, "127.0.0.1:0");
  const pid_t before = host.process_of_order();
  REQUIRE(before > 0);
  const HttpAnswer newer = reload(host, "reloaded-guarded", kNewer);
  CAPTURE(newer.body);
  REQUIRE(newer.status == 200);
  CHECK(host.ask("GET", "/orders").body == "1.1.0");
  CHECK(host.placement_of("order")["place"] == "guarded");
  CHECK(host.placement_of("order")["version"] == "1.1.0");
  CHECK(all_end({before}));
  const pid_t now = host.process_of_order();
  REQUIRE(now > 0);
  CHECK(now != before);

  // The file that lies there by now was not reloaded, and nobody has checked it.
  modules_with(kCrashing, "reloaded-guarded");
  kill(now, SIGKILL);
  REQUIRE(host.process().wait_for_log("\"pid\":\"" + std::to_string(now) + "\""));
  CHECK(says(host, "1.1.0"));
  CHECK(host.ask("GET", "/users").status == 200);
}

}  // namespace cleave::test
