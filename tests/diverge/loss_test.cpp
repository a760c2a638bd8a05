// What happens to the rest when one process dies or hangs: the reason to split, and its price. Each
// case is a row of docs/diverge.md.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include "differential/tables.hpp"
#include "diverge/pair.hpp"

namespace cleave::test {
namespace {

const std::string kOrder = R"({"user_id":1,"product_id":1})";

void kill_host(const Deployment& system, std::string_view module) {
  system.host_of(module).signal(SIGKILL);
  system.host_of(module).wait();
}

/// Returns when all its threads stand still: one that is woken meanwhile would still answer.
void freeze(const Deployment& system, std::string_view module) {
  const HostProcess& host = system.host_of(module);
  host.signal(SIGSTOP);
  siginfo_t info = {};
  REQUIRE(waitid(P_PID, static_cast<id_t>(host.pid()), &info, WSTOPPED) == 0);
}

bool refused(const Deployment& system, std::string_view path) {
  try {
    return system.ask("GET", path).status == 0;
  } catch (const std::runtime_error&) {  // nobody listens
    return true;
  }
}

std::size_t orders(const Deployment& system) {
  std::size_t count = 0;
  for (const std::string& row : rows_of(system.databases())) {
    count += row.starts_with("order.orders:") ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a crash takes all modules with it when they are fused, and its own when they are not") {
  const Deployment one(Deployment::fused()), three(Deployment::behind_gateway());
  REQUIRE(seed(one));
  REQUIRE(seed(three));
  kill_host(one, "order");
  kill_host(three, "order");
  CHECK(refused(one, "/users/1"));
  CHECK(three.ask("GET", "/users/1").status == 200);
  CHECK(three.ask("GET", "/products/1").status == 200);
  // The gateway speaks for the dead.
  CHECK(refused(one, "/orders"));
  const HttpAnswer answer = three.ask("GET", "/orders");
  CHECK(answer.status == 502);
  CHECK(answer.header("Retry-After") == "1");
}

TEST_CASE("only between hosts can a peer be away: the order is refused and not stored") {
  const Deployment three(Deployment::behind_gateway());
  REQUIRE(seed(three));
  kill_host(three, "user");
  const HttpAnswer answer = three.post("/orders", kOrder);
  CHECK(answer.status == 503);
  CHECK(answer.body.find("/problems/peer-unavailable") != std::string::npos);
  CHECK(answer.header("Retry-After") == "1");
  CHECK(orders(three) == 0);
  CHECK(three.ask("GET", "/orders").status == 200);
  CHECK(fused().post("/orders", kOrder).status == 201);
}

TEST_CASE("only between hosts can a peer hang while the caller goes on") {
  using Clock = std::chrono::steady_clock;
  freeze(split(), "user");
  const Clock::time_point start = Clock::now();
  const HttpAnswer answer = split().post("/orders", kOrder);
  CHECK(answer.status == 503);
  CHECK(Clock::now() - start < std::chrono::milliseconds(2500));
  CHECK(split().ask("GET", "/products/1").status == 200);
  split().host_of("user").signal(SIGCONT);

  freeze(fused(), "user");
  HttpClient client(fused().address("/products"));
  client.send("GET /products/1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.read("GET", std::chrono::milliseconds(500)).status == 0);  // all of it hangs
  fused().host_of("user").signal(SIGCONT);
  CHECK(client.read().status == 200);
}

}  // namespace cleave::test
