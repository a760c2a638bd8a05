// What a client can see of the placement while all is well. Each case is a row of docs/diverge.md,
// which says why it is so.
#include <doctest/doctest.h>
#include <sys/types.h>

#include <chrono>
#include <ctime>
#include <set>
#include <stdexcept>

#include "diverge/pair.hpp"

namespace cleave::test {
namespace {

const Deployment& seeded(const Deployment& system) {
  if (!seed(system)) throw std::runtime_error("no user, or no product, could be made");
  return system;
}

std::string problem(std::string_view slug) {
  return "\"type\":\"/problems/" + std::string(slug) + "\"";
}

bool says(const HttpAnswer& answer, std::string_view slug) {
  return answer.body.find(problem(slug)) != std::string::npos;
}

HttpAnswer raw(const Deployment& system, const std::string& bytes) {
  return ask_raw_at(system.address("/users"), bytes);
}

/// What the hosts have spent on the processors so far (clock_getcpuclockid(3)).
std::chrono::nanoseconds cpu_time(const Deployment& system) {
  std::set<pid_t> hosts;
  for (const char* module : {"user", "product", "order"})
    hosts.insert(system.host_of(module).pid());
  std::chrono::nanoseconds sum{0};
  for (const pid_t host : hosts) {
    clockid_t clock{};
    timespec spent{};
    REQUIRE(clock_getcpuclockid(host, &clock) == 0);
    REQUIRE(clock_gettime(clock, &spent) == 0);
    sum += std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
  }
  return sum;
}

std::chrono::nanoseconds cpu_time_of_orders(const Deployment& system) {
  HttpClient client(system.host_of("order").address());
  const std::chrono::nanoseconds before = cpu_time(system);
  for (int i = 0; i < 300; ++i) {
    REQUIRE(client.ask("POST", "/orders", R"({"user_id":1,"product_id":1})").status == 201);
  }
  return cpu_time(system) - before;
}

}  // namespace

const Deployment& fused() {
  static const Deployment system(Deployment::fused());
  static const Deployment& ready = seeded(system);
  return ready;
}

const Deployment& split() {
  static const Deployment system(Deployment::behind_gateway());
  static const Deployment& ready = seeded(system);
  return ready;
}

TEST_CASE("the gateway names itself") {
  CHECK(fused().ask("GET", "/users/1").header("Server").empty());
  CHECK(split().ask("GET", "/users/1").header("Server") == "nginx");
}

TEST_CASE("the gateway says that the connection stays") {
  CHECK(fused().ask("GET", "/users/1").header("Connection").empty());
  CHECK(split().ask("GET", "/users/1").header("Connection") == "keep-alive");
}

TEST_CASE("an order's Server-Timing has a hop over HTTP when its peers are elsewhere") {
  const std::string order = R"({"user_id":1,"product_id":1})";
  const HttpAnswer here = fused().post("/orders", order), there = split().post("/orders", order);
  REQUIRE(here.status == 201);
  REQUIRE(there.status == 201);
  CHECK(here.header("Server-Timing").find("http") == std::string::npos);
  CHECK(there.header("Server-Timing").find("http") != std::string::npos);
}

// It takes longer as well, but a clock on the wall also counts what else the machine does: it once
// said 0.49 ms in one process and 0.45 between three.
TEST_CASE("an order costs more CPU time when its peers are elsewhere") {
  CHECK(cpu_time_of_orders(fused()) < cpu_time_of_orders(split()));
}

TEST_CASE("the gateway hides the health of the hosts") {
  CHECK(fused().ask("GET", "/readyz").status == 200);
  CHECK(split().ask("GET", "/readyz").status == 404);
}

TEST_CASE("there are inner routes between hosts only, and the gateway hides them") {
  const char* path = "/internal/user/users/1";
  CHECK(fused().ask("GET", path).status == 404);
  CHECK(split().ask("GET", path).status == 404);
  CHECK(ask_at(split().host_of("user").address(), "GET", path).status == 401);
}

TEST_CASE("a client can shorten its request's time, but not through the gateway") {
  const Headers hurry{{"X-Cleave-Deadline-Ms", "1"}};
  CHECK(fused().ask("GET", "/users/1", "", hurry).status == 504);
  CHECK(split().ask("GET", "/users/1", "", hurry).status == 200);
}

TEST_CASE("lines that end with a bare line feed pass the gateway") {
  const std::string bytes = "GET /users/1 HTTP/1.1\nHost: localhost\n\n";
  CHECK(raw(fused(), bytes).status == 400);
  CHECK(raw(split(), bytes).status == 200);
}

TEST_CASE("the gateway takes the tags of a condition on one line only") {
  const std::string tag = fused().ask("GET", "/users/1").header("ETag");
  const std::string bytes = "GET /users/1 HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"x\"\r\n";
  CHECK(raw(fused(), bytes + "If-None-Match: " + tag + "\r\n\r\n").status == 304);
  CHECK(raw(split(), bytes + "If-None-Match: " + tag + "\r\n\r\n").status == 400);
}

TEST_CASE("a service is asked for 100 headers at most, and the gateway adds some") {
  std::string bytes = "GET /users/1 HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 96; ++i) bytes += "X-" + std::to_string(i) + ": 1\r\n";
  CHECK(raw(fused(), bytes + "\r\n").status == 200);
  CHECK(raw(split(), bytes + "\r\n").status == 431);
}

TEST_CASE("the gateway refuses malformed requests in words of its own") {
  const std::string bytes = "GET /users/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const HttpAnswer here = raw(fused(), bytes), there = raw(split(), bytes);
  CHECK(here.status == 400);
  CHECK(there.status == 400);
  CHECK(here.body.find("The request target is malformed.") != std::string::npos);
  CHECK(there.body.find("The request is malformed.") != std::string::npos);
}

TEST_CASE("a refusal has the client's request id only from the gateway") {
  const Headers own{{"X-Request-Id", "my-own"}, {"Content-Encoding", "gzip"}};
  const HttpAnswer here = fused().post("/users", "{}", own);
  const HttpAnswer there = split().post("/users", "{}", own);
  CHECK(here.status == 415);
  CHECK(there.status == 415);
  CHECK(here.header("X-Request-Id") != "my-own");
  CHECK(there.header("X-Request-Id") == "my-own");
}

TEST_CASE("the gateway keeps a connection whose request the service refused and closed") {
  const std::string bytes = "BREW /users HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const HttpAnswer here = raw(fused(), bytes), there = raw(split(), bytes);
  CHECK(here.status == 501);
  CHECK(there.status == 501);
  CHECK(here.closed);
  CHECK_FALSE(there.closed);
}

TEST_CASE("the gateway resolves dots in a path before it looks who serves it") {
  const char* path = "/orders/../users";
  const HttpAnswer here = fused().ask("GET", path), there = split().ask("GET", path);
  CHECK(here.status == 404);
  CHECK(here.body.find("There is nothing at this path.") != std::string::npos);
  CHECK(there.status == 404);
  CHECK(there.body.find("Nothing is served at this path.") != std::string::npos);
}

TEST_CASE("OPTIONS * is for the gateway itself") {
  const std::string bytes = "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n";
  CHECK(raw(fused(), bytes).status == 204);
  CHECK(raw(split(), bytes).status == 400);
}

TEST_CASE("the gateway answers only to the names that it is given") {
  const Headers named{{"Host", "evil.example"}};
  CHECK(fused().ask("GET", "/users/1", "", named).status == 200);
  const HttpAnswer answer = split().ask("GET", "/users/1", "", named);
  CHECK(answer.status == 421);
  CHECK(says(answer, "misdirected-request"));
}

}  // namespace cleave::test
