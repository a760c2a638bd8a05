#include "router/router.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "support/on_fiber.hpp"

using namespace cleave;
using router::CallContext;

namespace {

struct FakeEndpoint final : router::Endpoint {
  std::function<void(const Request&, CallContext&, Response&)> answer;
  bool is_ready = true;
  void call(const Request& request, CallContext& context, Response& response) override {
    answer(request, context, response);
  }
  bool ready() const noexcept override { return is_ready; }
};

struct System {
  router::Router router;
  FakeEndpoint user, order;
  System() {
    router.add("user", "/users", {}).endpoint = &user;
    router.add("order", "/orders", {"user"}).endpoint = &order;
    user.answer = [](const Request& request, CallContext&, Response& response) {
      response.body = std::string(request.path);
    };
  }
  Response ask(std::string_view path, io::Millis time = io::Millis(1000)) {
    router::RequestScope scope;
    scope.set_id("test-1");
    scope.trace = observe::TraceContext::make();
    scope.deadline = io::Clock::now() + time;
    Response response;
    router.dispatch_path({.method = "GET", .path = path}, scope, response);
    timing = scope.timeline.server_timing();
    return response;
  }
  std::string timing;
};

bool is_problem(const Response& response, int status, std::string_view slug) {
  return response.status == status &&
         response.header("content-type") == "application/problem+json" &&
         response.body.find("/problems/" + std::string(slug)) != std::string::npos;
}

}  // namespace

TEST_CASE("a path goes to the module that serves its first segment, and to no other") {
  System system;
  test::on_fiber([&] {
    CHECK(system.ask("/users").body == "/users");
    CHECK(system.ask("/users/7").body == "/users/7");
    for (std::string_view path : {"/", "/user", "/usersx", "/Users", "//users", "/nope/%ff", "*"}) {
      CAPTURE(path);
      CHECK(is_problem(system.ask(path), 404, "not-found"));
    }
  });
}

TEST_CASE("a module reaches the peers that it declares, and the callee knows the caller") {
  System system;
  system.order.answer = [&](const Request&, CallContext& context, Response& response) {
    CHECK(context.caller.empty());
    system.router.dispatch("user", {.method = "GET", .path = "/users/1"}, context, response);
  };
  system.user.answer = [](const Request&, CallContext& context, Response& response) {
    CHECK(context.caller == "order");
    CHECK(context.depth == 1);
    response.body = "ada";
  };
  test::on_fiber([&] {
    CHECK(system.ask("/orders").body == "ada");
    CHECK(system.timing.find("order;dur=") != std::string::npos);
    CHECK(system.timing.find("user;dur=") != std::string::npos);
  });
}

TEST_CASE("an undeclared edge is refused, also when the module exists") {
  System system;
  system.user.answer = [&](const Request&, CallContext& context, Response& response) {
    system.router.dispatch("order", {.method = "GET", .path = "/orders"}, context, response);
  };
  test::on_fiber([&] { CHECK(is_problem(system.ask("/users"), 500, "undeclared-dependency")); });
}

TEST_CASE("modules that call each other in a circle end in 508, not in a stack overflow") {
  router::Router router;
  FakeEndpoint endpoint;
  router.add("loop", "/loop", {"loop"}).endpoint = &endpoint;
  int calls = 0;
  endpoint.answer = [&](const Request& request, CallContext& context, Response& response) {
    ++calls;
    router.dispatch("loop", request, context, response);
  };
  test::on_fiber([&] {
    router::RequestScope scope;
    scope.set_id({});
    scope.deadline = io::Clock::now() + io::Millis(1000);
    Response response;
    router.dispatch_path({.method = "GET", .path = "/loop"}, scope, response);
    CHECK(response.status == 508);
    CHECK(calls == router::Router::kDeepest);
  });
}

TEST_CASE("no time left, not ready, not there: each its own answer, and the module is not run") {
  System system;
  bool ran = false;
  system.user.answer = [&](const Request&, CallContext&, Response&) { ran = true; };
  test::on_fiber([&] {
    CHECK(is_problem(system.ask("/users", io::Millis(5)), 504, "deadline-exceeded"));
    system.user.is_ready = false;
    const Response waiting = system.ask("/users");
    CHECK(is_problem(waiting, 503, "module-not-ready"));
    CHECK(waiting.header("retry-after") == "1");
    system.router.find("user")->endpoint = nullptr;
    CHECK(is_problem(system.ask("/users"), 503, "module-not-ready"));
  });
  CHECK_FALSE(ran);
}

TEST_CASE("calls in flight are counted while they run, and the label names what runs") {
  System system;
  system.user.answer = [&](const Request&, CallContext&, Response&) {
    CHECK(system.router.find("user")->in_flight() == 1);
    CHECK(io::Fiber::current()->label.text() == "user GET /users/7");
    io::sleep_for(io::Millis(1));
  };
  test::on_fiber([&] {
    system.ask("/users/7");
    CHECK(system.router.find("user")->in_flight() == 0);
  });
}

TEST_CASE("two modules of one name or one path are refused") {
  router::Router router;
  router.add("user", "/users", {});
  CHECK_THROWS_WITH(router.add("user", "/other", {}), "two modules are named user");
  CHECK_THROWS_WITH(router.add("people", "/users", {}), "user and people both serve /users");
}

TEST_CASE("a request id is taken over from the client when it is harmless, else made") {
  router::RequestScope scope;
  scope.set_id("abc-1.2_Z");
  CHECK(scope.id() == "abc-1.2_Z");
  for (std::string_view bad : {std::string_view(""), std::string_view("a b"),
                               std::string_view("x\n"), std::string_view("\"quote\"")}) {
    scope.set_id(bad);
    CHECK(scope.id().size() == 36);
  }
  scope.set_id(std::string(64, 'a'));
  CHECK(scope.id() == std::string(64, 'a'));
  scope.set_id(std::string(65, 'a'));
  CHECK(scope.id().size() == 36);
}
