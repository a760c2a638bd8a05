// What --wire-faithful and --net teach before a system is split, in one process: what a lost call
// costs, what a doubled one, and what each call's way costs.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "cli/program.hpp"
#include "support/http_client.hpp"

namespace cleave::test {
namespace {

using Json = nlohmann::json;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A host on the program's data, with a user and a product of its own to order.
class Played {
 public:
  Played(const HostProcess::Arguments& arguments, const HostProcess::Environment& environment)
      : host(run_arguments(shared_data(), arguments), environment) {
    REQUIRE(host.wait_until_serving());
    static int users = 0;
    const std::string email = "net-" + std::to_string(++users) + "@example.org";
    user_ = made("/users", {{"name", "Ada"}, {"email", email}});
    product_ = made("/products", {{"name", "Lamp"}, {"price_cents", 1250}});
  }
  HttpAnswer order(const Headers& headers = {}) const {
    return ask_at(host.address(), "POST", "/orders",
                  Json{{"user_id", user_}, {"product_id", product_}}.dump(), headers);
  }
  std::size_t orders() const {
    const std::string path = "/orders?user_id=" + user_.dump();
    return Json::parse(ask_at(host.address(), "GET", path).body).size();
  }
  std::string metrics() const { return ask_at(host.admin(), "GET", "/metrics").body; }
  HostProcess host;

 private:
  Json made(const std::string& path, const Json& row) const {
    const HttpAnswer answer = ask_at(host.address(), "POST", path, row.dump());
    REQUIRE(answer.status == 201);
    return Json::parse(answer.body).at("id");
  }
  Json user_, product_;
};

/// "user.http;dur=62.10" -> 62.1
double millis_of(const HttpAnswer& answer, const std::string& name) {
  const std::string timing = answer.header("Server-Timing");
  const std::size_t at = timing.find(name + ";dur=");
  CAPTURE(timing);
  REQUIRE(at != std::string::npos);
  return std::stod(timing.substr(at + name.size() + 5));
}

void check_refused(const std::string& rule, std::string_view words) {
  const Ended ended = run_program({"call", "--net", rule, "GET", "/users/1"}, nobody_listens());
  CAPTURE(rule);
  INFO("it said: ", ended.err);
  CHECK(ended.code.value_or(-1) == 78);  // sysexits.h, EX_CONFIG
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK(contains(ended.err, words));
}

}  // namespace

TEST_CASE("an order whose question to a neighbour is lost is refused in time, and not stored") {
  const Played played({"--net", "order->user:loss=100%", "--peer-timeout-ms", "300"}, {});
  CHECK(played.host.wait_for_log("meet the faults of a played network"));
  const auto start = std::chrono::steady_clock::now();
  const HttpAnswer answer = played.order();
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK((answer.status == 503 || answer.status == 504));
  CHECK(answer.header("Content-Type") == "application/problem+json");
  CHECK(took >= std::chrono::milliseconds(300));
  CHECK(took < std::chrono::milliseconds(2500));
  CHECK(played.orders() == 0);
  CHECK(contains(played.metrics(), R"(-loss"} 1)"));
}

TEST_CASE("an order that is delivered twice is two rows, and one with an Idempotency-Key") {
  const Played played({}, {{"CLEAVE_NET", "client->order:dup=100% order->product:delay=60ms"}});
  CHECK(played.order({{"Idempotency-Key", "net-" + std::to_string(played.host.pid())}}).status ==
        201);
  CHECK(played.orders() == 1);
  const HttpAnswer answer = played.order();
  CHECK(answer.status == 201);
  CHECK(played.orders() == 3);
  // Twice, a delay each time; the question to the user goes through the wire's form too.
  CHECK(millis_of(answer, "product.http") >= 120);
  CHECK(millis_of(answer, "user.http") < 60);
  // Four requests to order: two orders, two lists.
  CHECK(contains(played.metrics(), R"(from="client",to="order",fault="dup"} 4)"));
}

TEST_CASE("through the wire's form an order is as it is without, and no fault is played") {
  const Played played({"--wire-faithful"}, {});
  CHECK(played.order().status == 201);
  CHECK(played.orders() == 1);
  CHECK(contains(played.order().header("Server-Timing"), "user.http"));
  CHECK_FALSE(contains(played.metrics(), "cleave_net_faults_total"));
  CHECK_FALSE(contains(played.host.err(), "faults"));
}

TEST_CASE("a fault that makes no sense, or of an edge that there is not, is refused") {
  check_refused("loss=1", "say delay=5ms,jitter=2ms,loss=1%,dup=1%");
  check_refused("user->order:loss=1%", "there are client->order, ");
  check_refused("client->nobody:loss=1%", "order->user");
}

}  // namespace cleave::test
