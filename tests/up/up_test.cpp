// cleave up with three modules: each partition serves, heals and ends; what is refused.
#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "up/running.hpp"

namespace cleave::test {
namespace {

using Json = nlohmann::json;

Json created(const Running& system, const char* path, const Json& body) {
  const HttpAnswer answer = ask_at(system.front(), "POST", path, body.dump());
  INFO(path, " answered ", answer.status, " ", answer.body);
  REQUIRE(answer.status == 201);
  return Json::parse(answer.body);
}

/// A user, a product and an order of both, whichever processes they live in.
void check_serves(const Running& system) {
  const Json user = created(system, "/users", {{"name", "Ada"}, {"email", "ada@example.org"}});
  const Json product = created(system, "/products", {{"name", "lamp"}, {"price_cents", 1250}});
  const Json order =
      created(system, "/orders", {{"user_id", user["id"]}, {"product_id", product["id"]}});
  CHECK(system.status("GET", "/orders/" + order["id"].dump()) == 200);
  CHECK(system.status("POST", "/orders",
                      Json{{"user_id", 999999}, {"product_id", product["id"]}}.dump()) == 422);
  CHECK(system.status("GET", "/nothing") == 404);
  CHECK(system.status("GET", "/internal/user/users") == 404);
}

void check_heals(const Running& system, const std::string& name, const char* path) {
  const pid_t before = system.pid(name);
  REQUIRE(before > 0);
  kill(before, SIGKILL);
  REQUIRE(system.process.wait_for_log("\"started again\""));
  CHECK(system.pid(name) != before);
  CHECK(system.answers(path));
}

}  // namespace

TEST_CASE("each partition serves, starts a killed host again, and leaves nothing behind") {
  const OpenTempDir directory;
  const std::pair<const char*, const char*> partitions[] = {
      {"fused", "product+user+order"},
      {"split", "order"},
      {"user+product,order", "order"},
      {"user+order,product", "user+order"},
      {"product+order,user", "product+order"}};
  for (const auto& [partition, with_orders] : partitions) {
    CAPTURE(partition);
    Running system(partition, directory / "data", {"--fresh"});
    REQUIRE(system.wait_until_serving());
    check_serves(system);
    check_heals(system, with_orders, "/orders");
    const int policy = std::string_view(partition) == "fused" ? SCHED_OTHER : SCHED_BATCH;
    for (const std::string& name : system.names()) {
      CHECK(sched_getscheduler(system.pid(name)) == policy);
    }
    CHECK(system.stops(SIGINT));
  }
}

TEST_CASE("while a host is away, the others answer") {
  const OpenTempDir directory;
  Running system("split", directory / "data");
  REQUIRE(system.wait_until_serving());
  CHECK(system.names() == std::vector<std::string>{"gateway", "product", "user", "order"});
  system.signal("order", SIGKILL);
  CHECK(system.status("GET", "/users") == 200);
  CHECK(system.status("GET", "/products") == 200);
  CHECK(system.answers("/orders"));
  SUBCASE("a killed gateway gets its port back") {
    system.signal("gateway", SIGKILL);
    CHECK(system.process.wait_for_log("\"process\":\"gateway\",\"pid\""));
    CHECK(system.answers("/users"));
  }
  SUBCASE("no secret is in a command line or in the log") {
    for (const char* secret : {"SERVICE_TOKEN", "postgresql://", "user=user_app"}) {
      for (const pid_t pid : processes_with(secret)) {
        const auto ours = descendants(system.process.pid());
        CHECK(std::find(ours.begin(), ours.end(), pid) == ours.end());
      }
      CHECK(system.process.err().find(secret) == std::string::npos);
    }
  }
  CHECK(system.stops(SIGTERM));
}

// Once, NGINX answered 421 to everybody when the address was none of loopback's usual names.
TEST_CASE("the gateway answers to the address that it was told to listen at") {
  const OpenTempDir directory;
  Running system("user+product,order", directory / "data", {"--listen", ""},
                 {{"CLEAVE_LISTEN", "127.0.0.2:0"}});
  REQUIRE(system.wait_until_serving());
  REQUIRE(system.front().starts_with("http://127.0.0.2:"));
  const auto status = [&](const std::string& host) {
    return ask_at(system.front(), "GET", "/users", "", {{"Host", host}}).status;
  };
  CHECK(status(system.front().substr(7)) == 200);
  CHECK(status("localhost") == 200);
  CHECK(status("evil.example") == 421);
  CHECK(system.stops(SIGTERM));
}

TEST_CASE("every line of the log is JSON, and those of a process have its name") {
  const OpenTempDir directory;
  Running system("user+product,order", directory / "data");
  REQUIRE(system.wait_until_serving());
  CHECK(system.stops(SIGTERM));
  std::istringstream lines(system.process.err());
  int of_order = 0;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(Json::accept(line));
    if (line.starts_with("{\"process\":\"order\",")) ++of_order;
  }
  CHECK(of_order > 0);
}

TEST_CASE("after kill -9 nothing lives on, and the next start works on the same data") {
  const OpenTempDir directory;
  {
    Running system("split", directory / "data");
    REQUIRE(system.wait_until_serving());
    REQUIRE(system.status("POST", "/users", R"({"name":"Ada","email":"ada@example.org"})") == 201);
    const std::vector<pid_t> all = descendants(system.process.pid());
    system.process.signal(SIGKILL);
    system.process.wait();
    CHECK(all_end(all));
  }
  Running next("split", directory / "data");
  REQUIRE(next.wait_until_serving());
  CHECK(next.status("GET", "/users/1") == 200);
  CHECK(next.stops(SIGTERM));
}

TEST_CASE("a second system on the same data or the same port is refused in one line") {
  const OpenTempDir directory, other;
  Running system("split", directory / "data");
  REQUIRE(system.wait_until_serving());
  Running same_data("split", directory / "data");
  CHECK(same_data.process.wait() == 69);
  CHECK(same_data.process.err().find("uses the data in") != std::string::npos);
  const std::string port = system.front().substr(7);
  Running same_port("split", other / "data", {"--listen", port});
  CHECK(same_port.process.wait(HostProcess::Millis(5000)) == 78);
  const std::string log = same_port.process.err();
  CHECK(log.find(port.substr(port.find(":") + 1)) != std::string::npos);
  CHECK(std::count(log.begin(), log.end(), '\n') == 1);
  CHECK(system.answers("/users"));
  CHECK(system.stops(SIGTERM));
}

TEST_CASE("a partition that cannot be is refused in one line, before anything starts") {
  const OpenTempDir directory;
  for (const char* partition :
       {"user+produkt,order", "user,user,product,order", "user,order", ","}) {
    CAPTURE(partition);
    Running system(partition, directory / "data");
    CHECK(system.process.wait() == 78);
    const std::string log = system.process.err();
    CHECK(log.starts_with("cleave: the partition "));
    CHECK(std::count(log.begin(), log.end(), '\n') == 1);
    CHECK_FALSE(std::filesystem::exists(directory / "data"));
  }
}

}  // namespace cleave::test
