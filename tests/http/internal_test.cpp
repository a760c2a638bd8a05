// The internal routes: who may ask what, and that a module sees of it only what it would see fused.
#include <doctest/doctest.h>

#include "http/remote_peer.hpp"
#include "http/remote_world.hpp"
#include "internal_host.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a declared caller reaches the module, which sees what it would see fused") {
  InternalHost host("secret");
  const Answer answer =
      host.ask("/internal/user/users/7?x=1", kToken + kOrder +
                                                 "X-Cleave-Depth: 3\r\nIf-Match: 1\r\n"
                                                 "X-Request-Id: abc\r\ntraceparent: x\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.body == "caller=order depth=3 GET /users/7?x=1\nIf-Match;");
  CHECK(answer.header("X-Cleave-Module") == "user");
  CHECK(answer.header("X-Request-Id") == "abc");
  CHECK(answer.header("ETag") == "\"1\"");
}

TEST_CASE("without a token in the configuration there are no internal routes") {
  InternalHost host("");
  for (const std::string& headers :
       {kOrder, kToken + kOrder, std::string("X-Cleave-Service-Token: \r\n") + kOrder}) {
    const Answer answer = host.ask("/internal/user/users/7", headers);
    CHECK(answer.status == 404);
    CHECK(answer.body.find("Nothing is served at this path.") != std::string::npos);
  }
}

TEST_CASE("a missing or wrong token is refused before anything is said") {
  InternalHost host("secret");
  for (const std::string token :
       {"", "X-Cleave-Service-Token: \r\n", "X-Cleave-Service-Token: Secret\r\n",
        "X-Cleave-Service-Token: secretx\r\n", "Authorization: secret\r\n"}) {
    CAPTURE(token);
    for (const std::string path :
         {"/internal/user/users/7", "/internal/user", "/internal/nobody/x"}) {
      const Answer answer = host.ask(path, token + kOrder);
      CHECK(answer.status == 401);
      CHECK(contains(answer.body, "/problems/service-token"));
      CHECK(answer.header("X-Cleave-Module") == "");
    }
  }
}

TEST_CASE("a caller that no manifest knows, or that does not declare the edge, is refused") {
  InternalHost host("secret");
  for (const std::string& caller :
       {std::string(), std::string("X-Cleave-Caller: \r\n"),
        std::string("X-Cleave-Caller: nobody\r\n"), std::string("X-Cleave-Caller: product\r\n")}) {
    CAPTURE(caller);
    const Answer answer = host.ask("/internal/user/users/7", kToken + caller);
    CHECK(answer.status == 403);
    CHECK(contains(answer.body, "/problems/undeclared-dependency"));
  }
  CHECK(host.ask("/internal/product/products/1", kToken + kOrder).status == 403);
}

TEST_CASE("a module that does not run here is not passed on to where it lives") {
  InternalHost host("secret");
  for (const std::string path : {"/internal/order/orders/1", "/internal/nobody/x", "/internal/",
                                 "/internal//users/1", "/internal/user%2fusers/1"}) {
    CAPTURE(path);
    const Answer answer = host.ask(path, kToken + kOrder);
    CHECK(answer.status == 404);
    CHECK(answer.header("X-Cleave-Module") == "");
  }
}

TEST_CASE("whether a module runs here can be asked without asking the module") {
  InternalHost host("secret");
  const Answer answer = host.ask("/internal/user", kToken + kOrder);
  CHECK(answer.status == 204);
  CHECK(answer.header("X-Cleave-Module") == "user");
}

TEST_CASE("on a public route our headers change nothing, and no module sees them") {
  InternalHost host("secret");
  const std::string plain = host.ask("/users/7", "If-Match: 1\r\n").body;
  CHECK(contains(plain, "caller= depth=0 GET /users/7"));
  CHECK(host.ask("/users/7", kToken + kOrder +
                                 "X-Cleave-Depth: 7\r\nx-cleave-x: 1\r\n"
                                 "If-Match: 1\r\n")
            .body == plain);
  const Answer late = host.ask("/users/7", "X-Cleave-Deadline-Ms: 5\r\n");
  CHECK(late.status == 504);
}

TEST_CASE("calls within calls are counted over hosts") {
  InternalHost host("secret");
  CHECK(host.ask("/internal/user/users/7", kToken + kOrder + "X-Cleave-Depth: 7\r\n").status ==
        200);
  for (const std::string depth : {"8", "200"}) {
    CHECK(host.ask("/internal/user/users/7", kToken + kOrder + "X-Cleave-Depth: " + depth + "\r\n")
              .status == 508);
  }
}

TEST_CASE("both ends understand each other") {
  InternalHost host("secret");
  RemoteWorld world("http://" + host.server->address());
  world.run([&] {
    const Asked asked = world.ask({.method = "GET", .path = "/users/7", .query = "x=1"});
    CHECK(asked.response.status == 200);
    CHECK(asked.response.body == "caller=order depth=1 GET /users/7?x=1\n");
    CHECK(asked.response.header("X-Cleave-Module") == "");
    CHECK(world.ask({.method = "GET", .path = "/users/401"}).response.status == 401);
    CHECK(world.endpoint().look("order") == http::RemoteEndpoint::Finding::kRuns);
    CHECK(world.endpoint().look("product") == http::RemoteEndpoint::Finding::kOther);
  });
  InternalHost other("another secret");
  RemoteWorld stranger("http://" + other.server->address());
  stranger.run([&] {
    CHECK(stranger.get().response.status == 503);
    CHECK(stranger.endpoint().look("order") == http::RemoteEndpoint::Finding::kOther);
  });
}
