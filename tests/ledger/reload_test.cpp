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
  return ask_at(host.process().admin(), "POST", "/placement/order/reload");
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
