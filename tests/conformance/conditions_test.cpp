// ETag, If-None-Match and If-Match: RFC 9110, 8.8.3 and 13.1.
#include <doctest/doctest.h>

#include "conformance/system.hpp"

namespace cleave::test {
namespace {

std::vector<std::string> items() {
  const Json order = make_order();
  return {"/users/" + order["user_id"].dump(), "/products/" + order["product_id"].dump(),
          path_of("/orders", order)};
}

std::string body_for(const std::string& path) {
  if (path.starts_with("/users")) return Json{{"name", "N"}, {"email", unique_email()}}.dump();
  return R"({"name":"N","price_cents":1})";
}

}  // namespace

TEST_CASE("a client that has the row already gets 304 without a body") {
  for (const std::string& path : items()) {
    CAPTURE(path);
    HttpClient client(system_url(path));
    const std::string tag = client.ask("GET", path).header("ETag");
    REQUIRE(tag.size() >= 3);
    for (const std::string& given : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
      CAPTURE(given);
      const HttpAnswer answer = client.ask("GET", path, "", {{"If-None-Match", given}});
      CHECK(answer.status == 304);
      CHECK(answer.header("ETag") == tag);
      CHECK(answer.body == "");
      CHECK(client.ask("HEAD", path, "", {{"If-None-Match", given}}).status == 304);
    }
    for (const std::string given : {"\"0\"", "\"x\"", "", "0"}) {
      CAPTURE(given);
      CHECK(client.ask("GET", path, "", {{"If-None-Match", given}}).status == 200);
    }
  }
}

TEST_CASE("a write is made to the version that If-Match names, and to no other") {
  for (const std::string& path : items()) {
    if (path.starts_with("/orders")) continue;
    CAPTURE(path);
    const std::string old = ask("GET", path).header("ETag");
    const HttpAnswer changed = ask("PUT", path, body_for(path), {{"If-Match", old}});
    REQUIRE(changed.status == 200);
    CHECK(changed.header("ETag") != old);
    for (const std::string& stale : {old, std::string("\"x\""), std::string("1"), "W/" + old}) {
      CAPTURE(stale);
      check_problem(ask("PUT", path, body_for(path), {{"If-Match", stale}}), 412,
                    "precondition-failed");
      check_problem(ask("DELETE", path, "", {{"If-Match", stale}}), 412, "precondition-failed");
    }
    CHECK(ask("GET", path).body == changed.body);
    CHECK(ask("PUT", path, body_for(path), {{"If-Match", "*"}}).status == 200);
    const std::string now = ask("GET", path).header("ETag");
    check_problem(ask("PUT", path, body_for(path), {{"If-Match", old + ", \"x\""}}), 412,
                  "precondition-failed");
    CHECK(ask("PUT", path, body_for(path), {{"If-Match", old + ", " + now}}).status == 200);
    CHECK(ask("PUT", path, body_for(path)).status == 200);
    const std::string tag = ask("GET", path).header("ETag");
    CHECK(ask("DELETE", path, "", {{"If-Match", tag}}).status == 204);
  }
}

TEST_CASE("an order is removed only in the version that If-Match names") {
  const std::string path = path_of("/orders", make_order());
  check_problem(ask("DELETE", path, "", {{"If-Match", "\"999\""}}), 412, "precondition-failed");
  const std::string tag = ask("GET", path).header("ETag");
  CHECK(ask("DELETE", path, "", {{"If-Match", "\"999\", " + tag}}).status == 204);
}

}  // namespace cleave::test
