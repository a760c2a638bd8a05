// A call inside one process that goes as between hosts: what arrives, what does not survive, what
// faults do to it, and that deadlines hold.
#include "http/network.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "http/remote_world.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

/// The module "user", as a function.
class Callee final : public router::Endpoint {
 public:
  using Answer = std::function<void(const Request&, router::CallContext&, Response&)>;
  void call(const Request& request, router::CallContext& context, Response& response) override {
    ++calls;
    if (answer) answer(request, context, response);
  }
  bool ready() const noexcept override { return true; }
  bool passes_on() const noexcept override { return away; }
  int calls = 0;
  bool away = false;
  Answer answer;
};

http::NetworkOptions with(std::initializer_list<std::string_view> rules = {}) {
  http::NetworkOptions options;
  for (const std::string_view rule : rules) options.rules.push_back(router::NetRule::parse(rule));
  return options;
}

/// "order" asks "user" over a played network.
class NetworkWorld {
 public:
  explicit NetworkWorld(http::NetworkOptions options = {}) : network_(std::move(options)) {
    order_ = &router_.add("order", "/orders", {"user"});
    router_.add("user", "/users", {}).endpoint = &user;
    router_.set_hop(&network_);
  }
  Asked ask(const Request& request, io::Millis left = io::Millis(2500)) {
    return in_scope(left, [&](router::RequestScope& scope, Response& response) {
      const Request outer{.method = "POST", .path = "/orders"};
      router::CallContext context{.scope = scope, .target = order_, .request = &outer};
      router_.dispatch("user", request, context, response);
    });
  }
  Asked get(io::Millis left = io::Millis(2500)) {
    return ask({.method = "GET", .path = "/users/1"}, left);
  }
  /// As a client outside.
  Asked ask_outside(const Request& request) {
    return in_scope(io::Millis(2500), [&](router::RequestScope& scope, Response& response) {
      router_.dispatch_path(request, scope, response);
    });
  }
  std::string metrics() const {
    observe::Metrics metrics;
    const auto held = metrics.add([this](observe::Scrape& scrape) { network_.collect(scrape); });
    return metrics.render();
  }
  Callee user;

 private:
  using Ask = std::function<void(router::RequestScope&, Response&)>;
  static Asked in_scope(io::Millis left, const Ask& ask) {
    Asked asked;
    on_fiber([&] {
      router::RequestScope scope;
      scope.set_id("request-1");
      scope.trace =
          observe::TraceContext::from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
      const io::TimePoint start = io::Clock::now();
      scope.deadline = start + left;
      ask(scope, asked.response);
      asked.took = std::chrono::duration_cast<io::Millis>(io::Clock::now() - start);
      asked.timing = scope.timeline.server_timing();
    });
    return asked;
  }

  router::Router router_;
  http::Network network_;
  const router::Target* order_;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what a wire carries arrives: method, path, query, body, end-to-end headers, who asks") {
  NetworkWorld world;
  world.user.answer = [](const Request& request, router::CallContext& context, Response& response) {
    CHECK(request.method == "PUT");
    CHECK(request.path == "/users/1");
    CHECK(request.query == "a=b");
    CHECK(request.body == "{}");
    REQUIRE(request.headers.size() == 1);
    CHECK(request.header("X-Kept") == "yes");
    CHECK(context.caller == "order");
    CHECK(context.depth == 1);
    CHECK(context.scope.id() == "request-1");
    CHECK(router::CallContext::current() == &context);
    response.status = 201;
    response.set("Location", "/users/1").set("X-Cleave-Module", "somebody").body = "made";
  };
  const cleave_header headers[] = {{raw("X-Kept"), raw("yes")},
                                   {raw("Connection"), raw("close")},
                                   {raw("X-Cleave-Caller"), raw("user")},
                                   {raw("Bad Name"), raw("1")}};
  const Asked asked = world.ask(
      {.method = "PUT", .path = "/users/1", .query = "a=b", .body = "{}", .headers = headers});
  CHECK(world.user.calls == 1);
  CHECK(asked.response.status == 201);
  CHECK(asked.response.body == "made");
  CHECK(asked.response.header("Location") == "/users/1");
  CHECK(asked.response.header("X-Cleave-Module").empty());
  CHECK(contains(asked.timing, "user.http"));
}

TEST_CASE("what no wire carries does not arrive, and the errors are those between hosts") {
  http::NetworkOptions options;
  options.limits.body = 100;
  NetworkWorld world(options);
  const std::string large(101, 'x');
  const Asked too_large = world.ask({.method = "POST", .path = "/users", .body = large});
  CHECK(too_large.response.status == 502);
  CHECK(has_slug(too_large.response, "bad-peer-answer"));
  const std::string path = "/" + std::string(9000, 'x');
  CHECK(world.ask({.method = "GET", .path = path}).response.status == 502);
  const Asked malformed = world.ask({.method = "GET", .path = "/a b"});
  CHECK(malformed.response.status == 500);
  CHECK(has_slug(malformed.response, "malformed-call"));
  CHECK(world.user.calls == 0);
}

TEST_CASE("an answer that no wire carries is a bad answer") {
  NetworkWorld world;
  world.user.answer = [](const Request&, auto&, Response& response) {
    response.body.assign(1024 * 1024 + 1, 'x');
  };
  CHECK(has_slug(world.get().response, "bad-peer-answer"));
  world.user.answer = [](const Request&, auto&, Response& response) {
    response.status = 303;
    response.set("Location", "/elsewhere");
  };
  CHECK(has_slug(world.get().response, "bad-peer-answer"));
  world.user.answer = [](const Request&, auto&, Response& response) {
    response.status = 204;
    response.set("X-Evil", "a\r\nX-More: 1").set("X-Good", "yes").body = "lost with a 204";
  };
  const Response none = world.get().response;
  CHECK(none.status == 204);
  CHECK(none.body.empty());
  CHECK(none.header("X-Evil").empty());
  CHECK(none.header("X-Good") == "yes");
}

TEST_CASE(
    "the callee's time is what its caller waits: the peer timeout, and less when less is left") {
  http::NetworkOptions options;
  options.peer_timeout = io::Millis(200);
  NetworkWorld world(options);
  io::Millis left{0};
  world.user.answer = [&](const Request&, router::CallContext& context, Response&) {
    left = std::chrono::duration_cast<io::Millis>(context.scope.deadline - io::Clock::now());
  };
  CHECK(world.get().response.status == 200);
  CHECK(left <= io::Millis(200));
  CHECK(left > io::Millis(100));
  CHECK(world.get(io::Millis(100)).response.status == 200);
  CHECK(left <= io::Millis(90));

  world.user.answer = [](const Request&, auto&, Response&) { io::sleep_for(io::Millis(250)); };
  CHECK(has_slug(world.get().response, "deadline-exceeded"));
}

TEST_CASE("a delay is on the way there and back, and never outlasts the time there is") {
  NetworkWorld world(with({"delay=60ms"}));
  const Asked asked = world.get();
  CHECK(asked.response.status == 200);
  CHECK(asked.took >= io::Millis(60));
  const Asked hurried = world.get(io::Millis(50));
  CHECK(hurried.response.status == 504);
  CHECK(hurried.took < io::Millis(60));
  CHECK(world.user.calls == 2);  // the answer to the second was too late
  CHECK(contains(world.metrics(), R"(from="order",to="user",fault="delay"} 2)"));
}

TEST_CASE("of what is lost, the callee has done its work as often as not") {
  http::NetworkOptions options = with({"loss=100%"});
  options.peer_timeout = io::Millis(50);
  NetworkWorld world(options);
  for (int i = 0; i < 40; ++i) {
    const Asked asked = world.get();
    REQUIRE(has_slug(asked.response, "deadline-exceeded"));
    REQUIRE(asked.took >= io::Millis(50));
  }
  CHECK(world.user.calls > 5);
  CHECK(world.user.calls < 35);
  const std::string lost = std::to_string(40 - world.user.calls);
  CHECK(contains(world.metrics(), R"(from="order",to="user",fault="request-loss"} )" + lost));
}

TEST_CASE("a doubled call runs twice, and its caller sees the first answer") {
  NetworkWorld world(with({"dup=100%"}));
  world.user.answer = [&](const Request&, auto&, Response& response) {
    response.body = std::to_string(world.user.calls);
  };
  CHECK(world.get().response.body == "1");
  CHECK(world.user.calls == 2);
}

TEST_CASE("a client's requests meet the faults of rules that name it, and no copy") {
  NetworkWorld world(with({"loss=100%", "client->user:dup=100%"}));
  world.user.answer = [](const Request&, auto&, Response& response) {
    response.set("X-Cleave-Own", "kept");
  };
  const Asked asked = world.ask_outside({.method = "GET", .path = "/users/1"});
  CHECK(asked.response.status == 200);
  CHECK(asked.response.header("X-Cleave-Own") == "kept");
  CHECK(world.user.calls == 2);
}

TEST_CASE("a call that leaves the process is left as it is") {
  NetworkWorld world(with({"loss=100%"}));
  world.user.away = true;
  const Asked asked = world.get();
  CHECK(asked.response.status == 200);
  CHECK_FALSE(contains(asked.timing, "user.http"));
}
