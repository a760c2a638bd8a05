// A module in a process of its own: the same answers, and a crash that is its own affair.
#include <thread>

#include "ledger/scene.hpp"

namespace cleave::test {
namespace {

/// Until order answers with this status; false after 20 s.
bool answers(RunningHost& host, int status) {
  for (int i = 0; i < 1000; ++i) {
    if (host.ask("GET", "/orders").status == status) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

Scene::Environment guarding_order() {
  Scene::Environment environment = Scene::shared().environment("user,product,order");
  environment["CLEAVE_GUARD"] = "order";
  return environment;
}

}  // namespace

TEST_CASE("a guarded module answers as before, starts again, and is quarantined at last") {
  RunningHost host(guarding_order(), "127.0.0.1:0");
  host.make_rows();
  const HttpAnswer made = host.ask("POST", "/orders", R"({"user_id":1,"product_id":1})");
  CAPTURE(made.body);
  CHECK(made.status == 201);
  for (int crash = 1; crash <= 3; ++crash) {
    const pid_t pid = host.process_of_order();
    REQUIRE(pid > 0);
    kill(pid, SIGKILL);
    CHECK(host.ask("GET", "/users").status == 200);
    if (crash < 3) {
      REQUIRE(host.process().wait_for_log("\"pid\":\"" + std::to_string(pid) + "\""));
      REQUIRE(answers(host, 200));
    }
  }
  REQUIRE(host.process().wait_for_log("is quarantined"));
  const HttpAnswer quarantined = host.ask("GET", "/orders");
  CHECK(quarantined.status == 503);
  CHECK(quarantined.has("Retry-After"));
  CHECK(host.ask("GET", "/readyz").status == 503);
  CHECK(host.ask("GET", "/products").status == 200);
  CHECK(host.move("guarded").status == 200);
  CHECK(host.ask("GET", "/orders").status == 200);
  CHECK(host.move("here").status == 200);
  CHECK(host.ask("GET", "/readyz").status == 200);
}

TEST_CASE("the process of a guarded module dies with its host") {
  pid_t child = -1;
  {
    HostProcess host(
        {"run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"},
        guarding_order());
    REQUIRE(host.wait_until_serving());
    const Json list = Json::parse(ask_at(host.admin(), "GET", "/placement").body);
    for (const Json& one : list) {
      if (one["module"] == "order") child = one["pid"];
    }
    REQUIRE(child > 0);
    host.signal(SIGKILL);
    host.wait();
  }
  CHECK(all_end({child}));
}

TEST_CASE("a name that is no module of this host cannot be guarded") {
  HostProcess host({"run", "--listen", "127.0.0.1:0", "--guard", "orders"},
                   Scene::shared().environment("user"));
  CHECK(host.wait() == 78);
  CHECK(host.err().find("--guard names orders, which does not run here") != std::string::npos);
}

}  // namespace cleave::test
