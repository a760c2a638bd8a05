// What a place must be before a module moves there. Each refusal leaves the module where it is,
// says why in a line, and costs no request.
#include "ledger/load.hpp"
#include "ledger/scene.hpp"

namespace cleave::test {

TEST_CASE("a place that is not fit is refused in words, and no request notices") {
  RunningHost host(Scene::shared().environment("user,product,order"), "127.0.0.1:0");
  const auto [user, product] = host.make_rows();
  Load load(host.address(), 50, user, product);
  const auto refused = [&](const std::string& to, std::string_view why) {
    const HttpAnswer answer = host.move(to);
    CAPTURE(answer.body);
    CHECK(answer.status >= 400);
    CHECK(contains(reason(answer), "order stays here"));
    CHECK(contains(reason(answer), why));
    CHECK(host.placement_of("order")["place"] == "here");
  };
  refused("here", "there already");
  refused("nowhere", "unix:PATH");
  refused("http://127.0.0.1:1", "nobody answers");
  refused(host.address(), "is this host itself");
  {
    Scene::Environment environment = Scene::shared().environment("user");
    RunningHost other(environment, "127.0.0.1:0");
    refused(other.address(), "does not run order");
  }
  {
    Scene::Environment environment = order_beside(host);
    environment["CLEAVE_SERVICE_TOKEN"] = "another";
    RunningHost other(environment, "127.0.0.1:0");
    refused(other.address(), "CLEAVE_SERVICE_TOKEN");
  }
  {
    Scene::Environment environment = order_beside(host);
    environment["CLEAVE_ORDER_DATABASE_URL"] = Scene::shared().url_of_other_database();
    environment.erase("CLEAVE_ORDER_OWNER_DATABASE_URL");
    RunningHost other(environment, "127.0.0.1:0", {"--migrate", "false"});
    refused(other.address(), "another database");
  }
  {
    Scene::Environment environment = order_beside(host);
    environment["CLEAVE_MODULE_DIR"] =
        modules_with(CLEAVE_TEST_OTHER_MODULES "/order_newer.so", "newer");
    RunningHost other(environment, "127.0.0.1:0");
    refused(other.address(), "runs version 1.1.0, and here is 1.0.0");
  }
  {
    Scene::Environment environment = order_beside(host);
    environment["CLEAVE_ORDER_DATABASE_URL"] = "postgresql://somebody@127.0.0.1:1/nothing";
    environment.erase("CLEAVE_ORDER_OWNER_DATABASE_URL");
    RunningHost other(environment, "127.0.0.1:0", {"--migrate", "false"});
    refused(other.address(), "is not ready; see its /readyz");
  }
  {
    RunningHost other(order_beside(host), "127.0.0.1:0");
    RunningHost third(order_beside(host), "127.0.0.1:0");
    REQUIRE(other.move(third.address()).status == 200);
    refused(other.address(), "passes calls on to " + third.address());
  }
  load.stop();
  CHECK(load.asked() > 0);
  check_ledger(load, user);
}

TEST_CASE("a host without a service token moves nothing to another one") {
  Scene::Environment environment = Scene::shared().environment("user,product,order");
  environment.erase("CLEAVE_SERVICE_TOKEN");
  RunningHost host(environment, "127.0.0.1:0");
  const HttpAnswer answer = host.move("http://127.0.0.1:1");
  CHECK(answer.status == 422);
  CHECK(contains(reason(answer), "has no service token"));
}

}  // namespace cleave::test
