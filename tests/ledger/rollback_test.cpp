// A new place that dies when calls go there already, and before the old one is given up.
#include <future>
#include <thread>

#include "ledger/scene.hpp"

namespace cleave::test {
namespace {

const HostProcess::Arguments kListening{
    "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"};

bool becomes(RunningHost& host, const char* key, const Json& value) {
  for (int i = 0; i < 500; ++i) {
    if (host.placement_of("order")[key] == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_CASE("a new place that dies while calls leave the old one: the old one serves again") {
  HostProcess user(kListening, Scene::shared().environment("user"));
  REQUIRE(user.wait_until_serving());
  Scene::Environment environment = Scene::shared().environment("product,order");
  environment["CLEAVE_USER_URL"] = user.address();
  environment["CLEAVE_PEER_TIMEOUT_MS"] = "9000";
  RunningHost host(environment, "127.0.0.1:0");
  environment = Scene::shared().environment("order");
  environment["CLEAVE_USER_URL"] = user.address();
  environment["CLEAVE_PRODUCT_URL"] = host.address();
  HostProcess other(kListening, environment);
  REQUIRE(other.wait_until_serving());

  // An order that waits for its user, who says nothing, keeps the old place alive.
  user.signal(SIGSTOP);
  auto order = std::async(std::launch::async, [&] {
    return host.ask("POST", "/orders", R"({"user_id":1,"product_id":1})");
  });
  REQUIRE(becomes(host, "in_flight", 1));
  auto move = std::async(std::launch::async, [&] { return host.move(other.address()); });
  REQUIRE(becomes(host, "place", other.address()));
  CHECK(host.ask("GET", "/orders").status == 200);
  other.signal(SIGKILL);
  REQUIRE(other.wait().has_value());
  CHECK(host.ask("GET", "/orders").status == 503);
  user.signal(SIGKILL);

  const HttpAnswer moved = move.get();
  CAPTURE(moved.body);
  CHECK(moved.status == 503);
  CHECK(reason(moved) ==
        "order stays here: " + other.address() + " went away while the module moved there");
  CHECK(order.get().status == 503);  // of its user, which is gone
  CHECK(host.placement_of("order")["place"] == "here");
  CHECK(host.ask("GET", "/orders").status == 200);
  CHECK(host.move("guarded").status == 200);
  CHECK(host.ask("GET", "/orders").status == 200);
}

}  // namespace cleave::test
