// The split system when a host is away: an order is answered soon, and never stored unchecked.
#include <doctest/doctest.h>
#include <signal.h>

#include <thread>

#include "conformance/placement.hpp"
#include "conformance/system.hpp"

namespace cleave::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Rows {
  Json user = make_user(), product = make_product();
  std::string order() const {
    return Json{{"user_id", user["id"]}, {"product_id", product["id"]}}.dump();
  }
  Json orders() const { return walk("/orders?product_id=" + product["id"].dump()); }
};

/// An order that cannot be checked: 503 within a second, no row.
void check_unavailable(const Rows& rows) {
  const Clock::time_point start = Clock::now();
  const HttpAnswer answer = ask("POST", "/orders", rows.order());
  CHECK(Clock::now() - start < std::chrono::seconds(1));
  check_problem(answer, 503, "peer-unavailable");
  CHECK(answer.header("Retry-After") == "1");
  CHECK(rows.orders().empty());
  CHECK(ask("GET", "/orders?limit=1").status == 200);
  CHECK(ask("GET", path_of("/products", rows.product)).status == 200);
}

bool takes_orders_again(const Rows& rows) {
  for (int i = 0; i < 100; ++i) {
    if (ask("POST", "/orders", rows.order()).status == 201) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

bool skipped() {
  if (is_split()) return false;
  MESSAGE("skipped: the modules share a process");
  return true;
}

}  // namespace

TEST_CASE("while the host of the users hangs, an order is refused within a second") {
  if (skipped()) return;
  const Rows rows;
  REQUIRE(ask("POST", "/orders", Rows().order()).status == 201);  // connections are open now
  placement()->host_of("user").signal(SIGSTOP);
  check_unavailable(rows);
  placement()->host_of("user").signal(SIGCONT);
  CHECK(takes_orders_again(rows));
  CHECK(rows.orders().size() == 1);
}

TEST_CASE(
    "while the host of the users is dead, an order is refused, and accepted when it is back") {
  if (skipped()) return;
  const Rows rows;
  placement()->host_of("user").signal(SIGKILL);
  placement()->host_of("user").wait();
  check_unavailable(rows);
  CHECK(ask_at(system_url("/orders"), "GET", "/readyz").status == 200);  // not of its peers' making
  placement()->restart("user");
  CHECK(takes_orders_again(rows));
  CHECK(ask("GET", path_of("/users", rows.user)).status == 200);
}

TEST_CASE("a fused system has no inner routes") {
  if (is_split()) return;
  check_problem(ask("GET", "/internal/user/users"), 404, "not-found");
}

TEST_CASE("a host serves its own modules only, and no stranger reaches the inner routes") {
  if (skipped()) return;
  const std::string orders = system_url("/orders");
  check_problem(ask_at(orders, "GET", "/users"), 404, "not-found");
  check_problem(ask_at(orders, "GET", "/products/1"), 404, "not-found");
  for (const std::string& url : {orders, system_url("/users")}) {
    const Headers posing{{"X-Cleave-Caller", "order"}};
    check_problem(ask_at(url, "GET", "/internal/user/users", "", posing), 401, "service-token");
  }
}

TEST_CASE("one trace and one request id go through all hosts") {
  if (skipped()) return;
  const Rows rows;
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const HttpAnswer answer = ask(
      "POST", "/orders", Json{{"user_id", rows.user["id"]}, {"product_id", 2147483648}}.dump(),
      {{"X-Request-Id", "over-hosts"}, {"traceparent", "00-" + trace + "-00f067aa0ba902b7-01"}});
  check_problem(answer, 422, "unknown-product");
  CHECK(answer.header("X-Request-Id") == "over-hosts");
  CHECK(answer.header("traceparent").substr(3, 32) == trace);
}

}  // namespace cleave::test
