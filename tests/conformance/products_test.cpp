// The routes of /products, and what their cache shows of itself.
#include <doctest/doctest.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "conformance/placement.hpp"
#include "conformance/system.hpp"

namespace cleave::test {
namespace {

bool lists(const Json& rows, const Json& id) {
  return std::any_of(rows.begin(), rows.end(), [&](const Json& row) { return row["id"] == id; });
}

bool says_how_it_was_cached(const HttpAnswer& answer) {
  const std::string state = answer.header("X-Cache");
  return state == "hit" || state == "miss" || state == "stale" || state == "off";
}

/// What a host's last statement is that dies before it tells the cache.
void commit_and_die(const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> session(
      PQconnectdb(placement()->database_url("product").c_str()), &PQfinish);
  PGresult* const result = PQexec(session.get(), sql.c_str());
  INFO(PQerrorMessage(session.get()));
  CHECK(std::string(PQcmdTuples(result)) == "1");
  PQclear(result);
}

/// Until every host has told Redis of each change, a second time for those that it told already: it
/// reads past the cache while it does.
void wait_until_told() {
  if (placement() == nullptr) return std::this_thread::sleep_for(std::chrono::seconds(1));
  const std::unique_ptr<PGconn, void (*)(PGconn*)> session(
      PQconnectdb(placement()->database_url("product").c_str()), &PQfinish);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::string left;
  while (left != "0" && std::chrono::steady_clock::now() < until) {
    PGresult* const result = PQexec(session.get(), "SELECT count(*) FROM product_outbox");
    REQUIRE(PQntuples(result) == 1);
    left = PQgetvalue(result, 0, 0);
    PQclear(result);
  }
  REQUIRE(left == "0");
}

/// Whether it comes true well before a cached value would have grown old by itself (30 s).
template <class Condition>
bool soon(Condition&& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return condition();
}

}  // namespace

TEST_CASE("a new product gets 201, a Location, an ETag and the row") {
  const std::string name = unique("lamp");
  const HttpAnswer answer =
      ask("POST", "/products", Json{{"name", name}, {"price_cents", 1999}, {"stock", 3}}.dump());
  REQUIRE(answer.status == 201);
  const Json row = Json::parse(answer.body);
  CHECK(row["name"] == name);
  CHECK(row["price_cents"] == 1999);
  CHECK(row["stock"] == 3);
  CHECK(answer.header("Location") == path_of("/products", row));
  CHECK(answer.header("ETag") == "\"" + row["version"].dump() + "\"");
  const HttpAnswer read = ask("GET", answer.header("Location"));
  CHECK(read.status == 200);
  CHECK(read.body == answer.body);
  CHECK(read.header("ETag") == answer.header("ETag"));
}

TEST_CASE("a stock that is absent or null is not tracked") {
  for (const std::string body :
       {R"({"name":"x","price_cents":0})", R"({"name":"x","price_cents":0,"stock":null})"}) {
    const HttpAnswer answer = ask("POST", "/products", body);
    REQUIRE(answer.status == 201);
    CHECK(Json::parse(answer.body).at("stock").is_null());
  }
}

TEST_CASE("the second read of a product comes from the cache, and says so") {
  const std::string path = path_of("/products", make_product());
  wait_until_told();
  const HttpAnswer first = ask("GET", path);
  CHECK(says_how_it_was_cached(first));
  const HttpAnswer second = ask("GET", path);
  CHECK(second.header("X-Cache") == "hit");
  CHECK(second.body == first.body);
}

TEST_CASE("that a product does not exist is cached, too") {
  const std::string path = "/products/9223372036854775" + std::to_string(100 + getpid() % 700);
  const HttpAnswer first = ask("GET", path);
  check_problem(first, 404, "not-found");
  CHECK(first.header("X-Cache") == "miss");
  const HttpAnswer second = ask("GET", path);
  check_problem(second, 404, "not-found");
  CHECK(second.header("X-Cache") == "hit");
}

TEST_CASE("a fresh read goes past the cache") {
  const Json product = make_product();
  const std::string path = path_of("/products", product);
  ask("GET", path);
  const HttpAnswer answer = ask("GET", path + "?fresh=1");
  CHECK(answer.header("X-Cache") == "off");
  CHECK(Json::parse(answer.body) == product);
}

TEST_CASE("a read after a write shows the write") {
  const std::string path = path_of("/products", make_product());
  for (int price = 1; price <= 20; ++price) {
    ask("GET", path);
    const Json wanted{{"name", "cable"}, {"price_cents", price}};
    REQUIRE(ask("PUT", path, wanted.dump()).status == 200);
    const HttpAnswer read = ask("GET", path);
    REQUIRE(read.status == 200);
    CHECK(Json::parse(read.body)["price_cents"] == price);
  }
  REQUIRE(ask("DELETE", path).status == 204);
  check_problem(ask("GET", path), 404, "not-found");
  check_problem(ask("PUT", path, R"({"name":"x","price_cents":1})"), 404, "not-found");
  check_problem(ask("DELETE", path), 404, "not-found");
}

TEST_CASE("the list of products shows each write at once") {
  CHECK(says_how_it_was_cached(ask("GET", "/products")));
  const Json product = make_product(77);
  CHECK(lists(walk("/products"), product["id"]));
  const std::string path = path_of("/products", product);
  REQUIRE(ask("PUT", path, R"({"name":"renamed","price_cents":78})").status == 200);
  const Json rows = walk("/products");
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const Json& row) { return row["id"] == product["id"]; });
  REQUIRE(found != rows.end());
  CHECK((*found)["name"] == "renamed");
  REQUIRE(ask("DELETE", path).status == 204);
  CHECK_FALSE(lists(walk("/products"), product["id"]));
}

TEST_CASE("a host that dies between its commit and the cache leaves nothing stale behind") {
  if (placement() == nullptr) {
    MESSAGE("skipped: the databases of a system that others started are not known");
    return;
  }
  const Json product = make_product();
  const std::string path = path_of("/products", product), id = product["id"].dump();
  wait_until_told();
  ask("GET", path);
  REQUIRE(ask("GET", path).header("X-Cache") == "hit");
  const std::string list =
      "WITH list AS (UPDATE product_list_version SET version = version + 1 RETURNING version), ";
  const std::string told = " INSERT INTO product_outbox (product_id, version) SELECT id, version";
  commit_and_die(list + "changed AS (UPDATE products SET name = 'after', version = 2 WHERE id = " +
                 id + " RETURNING id, version)" + told + " FROM changed");
  CHECK(soon([&] { return Json::parse(ask("GET", path).body)["name"] == "after"; }));
  wait_until_told();
  CHECK(ask("GET", path).header("X-Cache") == "hit");
  commit_and_die(list + "changed AS (DELETE FROM products WHERE id = " + id +
                 " RETURNING id, version + 1 AS version)" + told + " FROM changed");
  CHECK(soon([&] { return ask("GET", path).status == 404; }));
}

TEST_CASE("prices and stocks have bounds") {
  struct Case {
    const char *member, *value, *code;
  };
  for (const Case& one :
       {Case{"price_cents", "-1", "out-of-range"},
        Case{"price_cents", "1000000000001", "out-of-range"},
        Case{"price_cents", "12.50", "wrong-type"}, Case{"price_cents", "null", "wrong-type"},
        Case{"stock", "-1", "out-of-range"}, Case{"stock", "1000000001", "out-of-range"},
        Case{"stock", "\"3\"", "wrong-type"}}) {
    CAPTURE(std::string(one.value));
    const bool price = one.member == std::string("price_cents");
    std::string body = R"({"name":"x","price_cents":1,"stock":)" + std::string(one.value) + "}";
    if (price) body = R"({"name":"x","price_cents":)" + std::string(one.value) + "}";
    const HttpAnswer answer = ask("POST", "/products", body);
    check_problem(answer, 422, one.code);
    check_error(answer, "/" + std::string(one.member), one.code);
  }
}

}  // namespace cleave::test
