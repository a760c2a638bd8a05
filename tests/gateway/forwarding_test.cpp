// What reaches a service through the gateway, and what of its answer reaches the client.
#include <doctest/doctest.h>

#include "gateway/gateway.hpp"
#include "gateway/upstream.hpp"

namespace cleave::test {
namespace {

/// The value of a header in the head that an Upstream shows; "" when there is none.
std::string value_of(const std::string& head, const std::string& name) {
  const std::size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

struct World {
  Upstream user{"user"};
  Gateway gateway{{{"GATEWAY_TO_USER", user.address()}}};
};

}  // namespace

TEST_CASE("a request id and a trace are made when the client brings none, or bad ones") {
  World world;
  for (const Headers& headers :
       {Headers{}, Headers{{"X-Request-Id", "a b"}, {"traceparent", "00-00-00-00"}},
        Headers{{"X-Request-Id", std::string(65, 'a')},
                {"traceparent", "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01"}}}) {
    const std::string head = world.gateway.ask("GET", "/users", {}, headers).body;
    CAPTURE(head);
    CHECK(value_of(head, "X-Request-Id").size() == 36);
    CHECK(value_of(head, "X-Request-Id")[8] == '-');
    CHECK(value_of(head, "traceparent").size() == 55);
    CHECK(value_of(head, "traceparent").find(std::string(32, '0')) == std::string::npos);
  }
}

TEST_CASE("a request id and a trace that the client brings are carried on") {
  World world;
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const std::string head =
      world.gateway.ask("GET", "/users", {}, {{"X-Request-Id", "my.id-7"}, {"traceparent", trace}})
          .body;
  CHECK(value_of(head, "X-Request-Id") == "my.id-7");
  CHECK(value_of(head, "traceparent") == trace);
}

TEST_CASE("what only hosts may say to each other is taken from a client's request") {
  World world;
  const std::string head = world.gateway
                               .ask("GET", "/users", {},
                                    {{"X-Cleave-Service-Token", "guess"},
                                     {"X-Cleave-Caller", "order"},
                                     {"X-Cleave-Depth", "1"},
                                     {"X-Cleave-Module", "user"},
                                     {"X-Cleave-Deadline-Ms", "999999"},
                                     {"X-Forwarded-For", "192.0.2.1"},
                                     {"X-Forwarded-Proto", "https"},
                                     {"REMOTE_ADDR", "192.0.2.1"}})
                               .body;
  CAPTURE(head);
  CHECK(value_of(head, "X-Cleave-Deadline-Ms") == "2500");
  for (const char* name : {"X-Cleave-Service-Token", "X-Cleave-Caller", "X-Cleave-Depth",
                           "X-Cleave-Module", "X-Forwarded-Proto", "REMOTE_ADDR"}) {
    CAPTURE(name);
    CHECK(head.find(name) == std::string::npos);
  }
  CHECK(value_of(head, "X-Forwarded-For") == "127.0.0.1");
}

TEST_CASE("an exception's text does not leave the gateway") {
  World world;
  const HttpAnswer answer = world.gateway.ask("GET", "/users");
  CHECK(answer.status == 200);
  CHECK(!answer.has("EXCEPTION_WHAT"));
}

TEST_CASE("paths, queries and methods go through as they are") {
  World world;
  for (const char* path : {"/users/1?limit=%41", "/users//1", "/users/a%20b"}) {
    CAPTURE(path);
    const std::string head = world.gateway.ask("PUT", path, "{}").body;
    CHECK(head.starts_with("PUT " + std::string(path) + " HTTP/1.1\r\n"));
  }
  CHECK(world.gateway.ask("HEAD", "/users").status == 200);
}

TEST_CASE("connections to a service are kept") {
  World world;
  for (int i = 0; i < 50; ++i) CHECK(world.gateway.ask("GET", "/users").status == 200);
  // One idle connection a worker would do; nginx has a worker a core.
  CHECK(world.user.connections() <= 16);
}

TEST_CASE("several addresses of a service share the requests, and one that is down costs nothing") {
  Upstream first("first"), second("second");
  const Gateway gateway(
      {{"GATEWAY_TO_USER", first.address() + " 127.0.0.1:1 " + second.address()}});
  for (int i = 0; i < 60; ++i) CHECK(gateway.ask("GET", "/users").status == 200);
  CHECK(first.requests() >= 15);
  CHECK(second.requests() >= 15);
}

}  // namespace cleave::test
