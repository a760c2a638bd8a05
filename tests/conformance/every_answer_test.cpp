// What every answer carries, and the methods that every route has.
#include <doctest/doctest.h>

#include <algorithm>

#include "conformance/system.hpp"

namespace cleave::test {
namespace {

/// One path of each kind of route, with rows behind it.
std::vector<std::string> all_paths() {
  const Json order = make_order();
  return {"/users",    "/users/" + order["user_id"].dump(),
          "/products", "/products/" + order["product_id"].dump(),
          "/orders",   path_of("/orders", order)};
}

bool is_hex(std::string_view text, std::size_t size) {
  return text.size() == size &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// W3C Trace Context, 2.2: "00-<32 hex>-<16 hex>-<2 hex>".
void check_traceparent(const std::string& text) {
  CAPTURE(text);
  REQUIRE(text.size() == 55);
  CHECK(text.starts_with("00-"));
  CHECK(is_hex(text.substr(3, 32), 32));
  CHECK(is_hex(text.substr(36, 16), 16));
  CHECK(text[35] == '-');
  CHECK(text[52] == '-');
}

/// The names of the entries in Server-Timing, which all have a duration.
std::vector<std::string> timed(const HttpAnswer& answer) {
  std::vector<std::string> names;
  std::string rest = answer.header("Server-Timing");
  while (!rest.empty()) {
    const std::string entry = rest.substr(0, rest.find(", "));
    rest.erase(0, std::min(rest.size(), entry.size() + 2));
    const std::size_t mark = entry.find(";dur=");
    CAPTURE(entry);
    REQUIRE(mark != std::string::npos);
    CHECK(std::stod(entry.substr(mark + 5)) >= 0);
    names.push_back(entry.substr(0, mark));
  }
  return names;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "/users/7?x" -> "user"
std::string module_of(const std::string& path) {
  const std::string collection = path.substr(1, path.find_first_of("/?", 1) - 1);
  return collection.substr(0, collection.size() - 1);
}

/// Headers that must be the same for GET and HEAD: all but those of the single request.
Headers lasting(const HttpAnswer& answer) {
  Headers kept;
  for (const auto& header : answer.headers) {
    const std::string& name = header.first;
    if (name == "X-Request-Id" || name == "traceparent" || name == "Server-Timing") continue;
    if (name == "Date" || name == "X-Cache") continue;
    kept.push_back(header);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace

TEST_CASE("every answer has a request id, a traceparent, a timing, and nosniff") {
  std::vector<std::string> paths = all_paths();
  paths.insert(paths.end(), {"/users/999999999", "/nope", "/users?limit=0"});
  for (const std::string& path : paths) {
    CAPTURE(path);
    const HttpAnswer answer = ask("GET", path);
    CHECK(answer.header("X-Request-Id").size() == 36);
    check_traceparent(answer.header("traceparent"));
    CHECK(answer.header("X-Content-Type-Options") == "nosniff");
    CHECK_FALSE(answer.has("EXCEPTION_WHAT"));
    if (path != "/nope") CHECK(has(timed(answer), module_of(path)));
  }
}

TEST_CASE("a client's request id is taken over when it is harmless") {
  for (const std::string& id : {std::string("abc-123_X.9"), std::string(64, 'a')}) {
    CHECK(ask("GET", "/users", "", {{"X-Request-Id", id}}).header("X-Request-Id") == id);
  }
  for (const std::string& id : {std::string(65, 'a'), std::string("two words"), std::string("a;b"),
                                std::string("\"}{\""), std::string("%0d%0aSet-Cookie:x")}) {
    CAPTURE(id);
    const HttpAnswer answer = ask("GET", "/users", "", {{"X-Request-Id", id}});
    CHECK(answer.status == 200);
    CHECK(answer.header("X-Request-Id").size() == 36);
    CHECK_FALSE(answer.has("Set-Cookie"));
  }
}

TEST_CASE("a client's trace goes on with a span of ours") {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736", span = "00f067aa0ba902b7";
  const HttpAnswer answer =
      ask("GET", "/users", "", {{"traceparent", "00-" + trace + "-" + span + "-01"}});
  check_traceparent(answer.header("traceparent"));
  CHECK(answer.header("traceparent").substr(3, 32) == trace);
  CHECK(answer.header("traceparent").substr(36, 16) != span);
  CHECK(answer.header("traceparent").ends_with("-01"));
}

TEST_CASE("a malformed traceparent starts a new trace") {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  for (const std::string& bad :
       {std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        std::string("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), good.substr(0, 54),
        good + "-more", std::string("x")}) {
    CAPTURE(bad);
    const HttpAnswer answer = ask("GET", "/users", "", {{"traceparent", bad}});
    CHECK(answer.status == 200);
    check_traceparent(answer.header("traceparent"));
    CHECK(answer.header("traceparent").substr(3, 32) != good.substr(3, 32));
  }
}

TEST_CASE("Server-Timing names each service, database and cache that was asked") {
  const Json user = make_user(), product = make_product();
  const Json body{{"user_id", user["id"]}, {"product_id", product["id"]}};
  const auto names = timed(ask("POST", "/orders", body.dump()));
  // A host tells the time of its own modules, and of the way to the others.
  const std::string in_user = is_split() ? "user.http" : "user.db";
  for (const std::string& name : {std::string("order"), std::string("order.db"),
                                  std::string("user"), in_user, std::string("product")}) {
    CAPTURE(name);
    CHECK(has(names, name));
  }
  const auto read = timed(ask("GET", path_of("/users", user)));
  CHECK(has(read, "user"));
  CHECK(has(read, "user.db"));
  CHECK_FALSE(has(read, "product"));
}

TEST_CASE("HEAD answers as GET does, without the body") {
  std::vector<std::string> paths = all_paths();
  paths.insert(paths.end(), {"/users/999999999", "/nope", "/livez"});
  for (const std::string& path : paths) {
    CAPTURE(path);
    const HttpAnswer get = ask("GET", path);
    HttpClient client(system_url(path));
    const HttpAnswer head = client.ask("HEAD", path);
    CHECK(head.status == get.status);
    CHECK(head.body == "");
    CHECK(lasting(head) == lasting(get));
    CHECK(client.ask("GET", path).status == get.status);  // no stray body lies in between
  }
}

TEST_CASE("OPTIONS tells the methods, and every other method gets 405 with the same list") {
  struct Case {
    const char* allow;
    std::vector<const char*> others;
  };
  const std::vector<std::string> paths = all_paths();
  const Case collection{"GET, HEAD, OPTIONS, POST", {"PUT", "PATCH", "DELETE"}};
  const Case item{"DELETE, GET, HEAD, OPTIONS, PUT", {"POST", "PATCH"}};
  const Case order{"DELETE, GET, HEAD, OPTIONS", {"POST", "PUT", "PATCH"}};
  for (const std::string& path : paths) {
    CAPTURE(path);
    const bool is_item = path.find('/', 1) != std::string::npos;
    const Case& wanted = !is_item ? collection : path.starts_with("/orders") ? order : item;
    const HttpAnswer options = ask("OPTIONS", path);
    CHECK(options.status == 204);
    CHECK(options.header("Allow") == wanted.allow);
    CHECK(options.body == "");
    for (const std::string method : wanted.others) {
      CAPTURE(method);
      const HttpAnswer answer = ask(method, path);
      check_problem(answer, 405, "method-not-allowed");
      CHECK(answer.header("Allow") == wanted.allow);
    }
  }
  check_alive();
}

TEST_CASE("many requests share one connection") {
  HttpClient client(system_url());
  for (int i = 0; i < 200; ++i) {
    const HttpAnswer answer = client.ask("GET", i % 2 == 0 ? "/users?limit=1" : "/users/0");
    REQUIRE(answer.status == (i % 2 == 0 ? 200 : 404));
    REQUIRE_FALSE(answer.closed);
  }
  client.send(
      "GET /users?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /users/0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /users?limit=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(client.read().status == 200);
  CHECK(client.read().status == 404);
  const HttpAnswer last = client.read();
  CHECK(last.status == 200);
  CHECK(last.closed);
}

}  // namespace cleave::test
