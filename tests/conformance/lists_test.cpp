// Lists: pages, filters, and queries that make no sense.
#include <doctest/doctest.h>

#include "conformance/system.hpp"

namespace cleave::test {
namespace {

constexpr const char* kCollections[] = {"/users", "/products", "/orders"};

void make_three(std::string_view collection) {
  for (int i = 0; i < 3; ++i) {
    if (collection == "/users") make_user();
    if (collection == "/products") make_product();
    if (collection == "/orders") make_order();
  }
}

}  // namespace

TEST_CASE("a list is a plain array, newest last, and Link leads to the rest") {
  for (const std::string collection : kCollections) {
    CAPTURE(collection);
    make_three(collection);
    const HttpAnswer first = ask("GET", collection + "?limit=2");
    REQUIRE(first.status == 200);
    CHECK(first.header("Content-Type") == "application/json");
    const Json rows = Json::parse(first.body);
    REQUIRE(rows.is_array());
    REQUIRE(rows.size() == 2);
    CHECK(rows[0]["id"] < rows[1]["id"]);
    const std::string next = collection + "?limit=2&after=" + rows[1]["id"].dump();
    CHECK(first.header("Link") == "<" + next + ">; rel=\"next\"");
    const Json more = Json::parse(ask("GET", next).body);
    REQUIRE(more.size() >= 1);
    CHECK(more[0]["id"] > rows[1]["id"]);
  }
}

TEST_CASE("walking the pages meets each row once") {
  for (const std::string collection : kCollections) {
    CAPTURE(collection);
    make_three(collection);
    const Json small = walk(collection + "?limit=2"), large = walk(collection + "?limit=1000");
    CHECK(small == large);
    for (std::size_t i = 1; i < small.size(); ++i) CHECK(small[i - 1]["id"] < small[i]["id"]);
    CHECK(walk(collection) == large);
  }
}

TEST_CASE("the last page has no Link") {
  for (const std::string collection : kCollections) {
    CAPTURE(collection);
    make_three(collection);
    const Json rows = walk(collection);
    const std::string last = rows[rows.size() - 1]["id"].dump();
    const HttpAnswer full =
        ask("GET", collection + "?limit=1&after=" + rows[rows.size() - 2]["id"].dump());
    CHECK(Json::parse(full.body).size() == 1);
    CHECK_FALSE(full.has("Link"));
    const HttpAnswer empty = ask("GET", collection + "?after=" + last);
    CHECK(empty.status == 200);
    CHECK(empty.body == "[]");
    CHECK_FALSE(empty.has("Link"));
    CHECK(ask("GET", collection + "?after=9223372036854775807").body == "[]");
  }
}

TEST_CASE("orders can be filtered by user and by product, and the filter stays in Link") {
  const Json order = make_order(), other = make_order();
  const std::string user = order["user_id"].dump(), product = order["product_id"].dump();
  CHECK(walk("/orders?user_id=" + user) == Json::array({order}));
  CHECK(walk("/orders?product_id=" + product) == Json::array({order}));
  CHECK(walk("/orders?user_id=" + user + "&product_id=" + product) == Json::array({order}));
  CHECK(walk("/orders?user_id=" + user + "&product_id=" + other["product_id"].dump()).empty());
  const std::string again =
      Json{{"user_id", order["user_id"]}, {"product_id", order["product_id"]}}.dump();
  REQUIRE(ask("POST", "/orders", again).status == 201);
  const std::string filters = "user_id=" + user + "&product_id=" + product;
  CHECK(ask("GET", "/orders?limit=1&" + filters).header("Link") ==
        "</orders?limit=1&after=" + order["id"].dump() + "&" + filters + ">; rel=\"next\"");
  CHECK(walk("/orders?limit=1&" + filters).size() == 2);
}

TEST_CASE("a number in a query must be one, within its bounds") {
  struct Case {
    const char *query, *slug, *pointer;
  };
  for (const std::string collection : kCollections) {
    for (const Case& one :
         {Case{"limit=-1", "out-of-range", "?limit"}, Case{"limit=0", "out-of-range", "?limit"},
          Case{"limit=1001", "out-of-range", "?limit"},
          Case{"limit=1000000000", "out-of-range", "?limit"},
          Case{"limit=9223372036854775808", "out-of-range", "?limit"},
          Case{"limit=ten", "wrong-type", "?limit"}, Case{"limit=", "wrong-type", "?limit"},
          Case{"limit", "wrong-type", "?limit"}, Case{"limit=1.0", "wrong-type", "?limit"},
          Case{"limit=1e2", "wrong-type", "?limit"}, Case{"limit=%2010", "wrong-type", "?limit"},
          Case{"after=-1", "out-of-range", "?after"},
          Case{"after=9223372036854775808", "out-of-range", "?after"},
          Case{"after=1%20OR%201=1", "wrong-type", "?after"}}) {
      CAPTURE(collection);
      CAPTURE(std::string(one.query));
      const HttpAnswer answer = ask("GET", collection + "?" + one.query);
      check_problem(answer, 422, one.slug);
      const char* wrong = one.slug == std::string("out-of-range") ? "out-of-range" : "wrong-type";
      check_error(answer, one.pointer, wrong);
    }
    CHECK(ask("GET", collection + "?limit=1000&after=0").status == 200);
  }
  check_problem(ask("GET", "/orders?user_id=0"), 422, "out-of-range");
  check_problem(ask("GET", "/orders?product_id=x"), 422, "wrong-type");
  check_alive();
}

TEST_CASE("a parameter that is repeated or unknown is refused") {
  std::string repeated = "limit=1";
  for (int i = 0; i < 99; ++i) repeated += "&limit=1";
  for (const std::string collection : kCollections) {
    CAPTURE(collection);
    check_problem(ask("GET", collection + "?" + repeated), 400, "duplicate-parameter");
    check_problem(ask("GET", collection + "?limit=1&after=0&limit=1"), 400, "duplicate-parameter");
    check_problem(ask("GET", collection + "?page=2"), 400, "unknown-parameter");
    check_problem(ask("GET", collection + "?Limit=2"), 400, "unknown-parameter");
    check_problem(ask("GET", collection + "/1?limit=1"), 400, "unknown-parameter");
  }
  check_problem(ask("GET", "/users?user_id=1"), 400, "unknown-parameter");
  check_alive();
}

TEST_CASE("a write knows no parameter, and does nothing when it is given one") {
  const Json order = make_order();
  const std::string paths[] = {"/users/" + order["user_id"].dump(),
                               "/products/" + order["product_id"].dump(),
                               path_of("/orders", order)};
  for (const std::string& path : paths) {
    CAPTURE(path);
    const std::string before = ask("GET", path).body;
    const std::string collection = path.substr(0, path.rfind('/'));
    for (const auto& [query, slug] : {std::pair{"?dry_run=1", "unknown-parameter"},
                                      std::pair{"?a=1&a=2", "duplicate-parameter"}}) {
      CAPTURE(query);
      check_problem(ask("POST", collection + query, "{}"), 400, slug);
      check_problem(ask("DELETE", path + query), 400, slug);
      if (collection != "/orders") check_problem(ask("PUT", path + query, "{}"), 400, slug);
    }
    CHECK(ask("GET", path).body == before);
  }
}

}  // namespace cleave::test
