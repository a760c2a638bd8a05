// The routes of /orders: what an order is made of, and that none is made unchecked or twice.
#include <doctest/doctest.h>
#include <libpq-fe.h>

#include <memory>
#include <thread>

#include "conformance/placement.hpp"
#include "conformance/system.hpp"

namespace cleave::test {
namespace {

std::string order_of(const Json& user, const Json& product, int quantity = 1) {
  return Json{{"user_id", user["id"]}, {"product_id", product["id"]}, {"quantity", quantity}}
      .dump();
}

Json orders_of(const Json& user) {
  return walk("/orders?user_id=" + user["id"].dump());
}

HttpAnswer post_with_key(const std::string& body, const std::string& key) {
  return ask("POST", "/orders", body, {{"Idempotency-Key", key}});
}

/// An order with that key which another session has inserted and not committed; rolled back at the
/// end.
class Uncommitted {
 public:
  explicit Uncommitted(const std::string& key)
      : session_(PQconnectdb(placement()->database_url("order").c_str()), &PQfinish) {
    run("BEGIN");
    run("INSERT INTO orders (user_id, product_id, unit_price_cents, total_cents, idempotency_key, "
        "request_hash) VALUES (1, 1, 1, 1, '" +
        key + "', sha256('another'))");
  }
  Uncommitted(const Uncommitted&) = delete;
  Uncommitted& operator=(const Uncommitted&) = delete;
  ~Uncommitted() { run("ROLLBACK"); }

 private:
  void run(const std::string& sql) {
    PGresult* const result = PQexec(session_.get(), sql.c_str());
    INFO(PQerrorMessage(session_.get()));
    CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
  }
  std::unique_ptr<PGconn, void (*)(PGconn*)> session_;
};

}  // namespace

TEST_CASE("a new order has the price of its time, a Location and an ETag") {
  const Json user = make_user();
  const Json product = make_product(250);
  const HttpAnswer answer = ask("POST", "/orders", order_of(user, product, 3));
  REQUIRE(answer.status == 201);
  const Json row = Json::parse(answer.body);
  CHECK(row["user_id"] == user["id"]);
  CHECK(row["product_id"] == product["id"]);
  CHECK(row["quantity"] == 3);
  CHECK(row["unit_price_cents"] == 250);
  CHECK(row["total_cents"] == 750);
  CHECK(row["created_at"].get<std::string>().ends_with("Z"));
  CHECK(answer.header("Location") == path_of("/orders", row));
  CHECK_FALSE(answer.has("Idempotent-Replayed"));
  REQUIRE(ask("PUT", path_of("/products", product), R"({"name":"x","price_cents":999})").status ==
          200);
  const HttpAnswer read = ask("GET", answer.header("Location"));
  CHECK(read.status == 200);
  CHECK(read.body == answer.body);
  CHECK(read.header("ETag") == answer.header("ETag"));
  const HttpAnswer later = ask("POST", "/orders", order_of(user, product));
  CHECK(Json::parse(later.body)["unit_price_cents"] == 999);
}

TEST_CASE("an order of no stated quantity is for one") {
  const Json body{{"user_id", make_user()["id"]}, {"product_id", make_product(5)["id"]}};
  const HttpAnswer answer = ask("POST", "/orders", body.dump());
  REQUIRE(answer.status == 201);
  CHECK(Json::parse(answer.body)["quantity"] == 1);
  CHECK(Json::parse(answer.body)["total_cents"] == 5);
}

TEST_CASE("the dearest order there can be is counted without loss") {
  const HttpAnswer answer =
      ask("POST", "/orders", order_of(make_user(), make_product(1'000'000'000'000), 1'000'000));
  REQUIRE(answer.status == 201);
  CHECK(answer.body.find("\"total_cents\":1000000000000000000,") != std::string::npos);
}

TEST_CASE("an order for a user or a product that does not exist is refused by name") {
  const Json user = make_user(), product = make_product(), nobody{{"id", 2147483648}};
  HttpAnswer answer = ask("POST", "/orders", order_of(nobody, product));
  check_problem(answer, 422, "unknown-user");
  check_error(answer, "/user_id", "unknown");
  answer = ask("POST", "/orders", order_of(user, nobody));
  check_problem(answer, 422, "unknown-product");
  check_error(answer, "/product_id", "unknown");
  CHECK(orders_of(user).empty());
}

TEST_CASE("a removed user or product takes no more orders") {
  const Json user = make_user(), product = make_product();
  REQUIRE(ask("POST", "/orders", order_of(user, product)).status == 201);
  REQUIRE(ask("DELETE", path_of("/products", product)).status == 204);
  check_problem(ask("POST", "/orders", order_of(user, product)), 422, "unknown-product");
  REQUIRE(ask("DELETE", path_of("/users", user)).status == 204);
  check_problem(ask("POST", "/orders", order_of(user, make_product())), 422, "unknown-user");
  CHECK(orders_of(user).size() == 1);
}

TEST_CASE("a removed order is gone") {
  const std::string path = path_of("/orders", make_order());
  CHECK(ask("DELETE", path).status == 204);
  check_problem(ask("GET", path), 404, "not-found");
  check_problem(ask("DELETE", path), 404, "not-found");
}

TEST_CASE("the same key and body get the same order again") {
  const Json user = make_user(), product = make_product();
  const std::string body = order_of(user, product, 2), key = unique("key");
  const HttpAnswer first = post_with_key(body, key);
  REQUIRE(first.status == 201);
  CHECK_FALSE(first.has("Idempotent-Replayed"));
  REQUIRE(ask("PUT", path_of("/products", product), R"({"name":"x","price_cents":1})").status ==
          200);
  const HttpAnswer again = post_with_key(body, key);
  CHECK(again.status == 201);
  CHECK(again.header("Idempotent-Replayed") == "true");
  CHECK(again.body == first.body);
  CHECK(again.header("Location") == first.header("Location"));
  CHECK(orders_of(user).size() == 1);
  CHECK(post_with_key(body, unique("key")).status == 201);
  CHECK(orders_of(user).size() == 2);
}

TEST_CASE("a key that belongs to another order is refused") {
  const Json user = make_user(), product = make_product();
  const std::string key = unique("key");
  REQUIRE(post_with_key(order_of(user, product, 2), key).status == 201);
  check_problem(post_with_key(order_of(user, product, 3), key), 422, "idempotency-key-reused");
  CHECK(orders_of(user).size() == 1);
}

TEST_CASE("a refused order does not use up its key") {
  const Json user = make_user(), product = make_product(), nobody{{"id", 2147483648}};
  const std::string key = unique("key");
  check_problem(post_with_key(order_of(nobody, product), key), 422, "unknown-user");
  CHECK(post_with_key(order_of(user, product), key).status == 201);
}

TEST_CASE("a malformed key is refused") {
  const std::string body = order_of(make_user(), make_product());
  for (const std::string& key :
       {std::string(), std::string(129, 'k'), std::string("two words"), std::string("\xc3\xa9")}) {
    CAPTURE(key);
    check_problem(post_with_key(body, key), 400, "idempotency-key-invalid");
  }
  CHECK(post_with_key(body, unique("key") + std::string(60, 'k')).status == 201);
}

TEST_CASE("twins that arrive together make one order") {
  const Json user = make_user(), product = make_product();
  const std::string body = order_of(user, product), key = unique("key");
  constexpr int kTwins = 8;
  HttpAnswer answers[kTwins];
  std::vector<std::thread> clients;
  for (HttpAnswer& answer : answers) {
    clients.emplace_back([&] { answer = post_with_key(body, key); });
  }
  for (std::thread& client : clients) client.join();
  const Json rows = orders_of(user);
  REQUIRE(rows.size() == 1);
  int made = 0;
  for (const HttpAnswer& answer : answers) {
    if (answer.status == 409) {
      check_problem(answer, 409, "idempotency-key-in-use");
      CHECK(answer.header("Retry-After") == "1");
      continue;
    }
    REQUIRE(answer.status == 201);
    CHECK(Json::parse(answer.body) == rows[0]);
    made += answer.has("Idempotent-Replayed") ? 0 : 1;
  }
  CHECK(made == 1);
}

TEST_CASE("a key whose order is not committed yet is in use, and free again after a rollback") {
  if (placement() == nullptr) {
    MESSAGE("skipped: the databases of a system that others started are not known");
    return;
  }
  const Json user = make_user(), product = make_product();
  const std::string body = order_of(user, product), key = unique("key");
  {
    const Uncommitted twin(key);
    const HttpAnswer answer = post_with_key(body, key);
    check_problem(answer, 409, "idempotency-key-in-use");
    CHECK(answer.header("Retry-After") == "1");
    CHECK(post_with_key(body, unique("key")).status == 201);
  }
  CHECK(orders_of(user).size() == 1);
  const HttpAnswer made = post_with_key(body, key);
  CHECK(made.status == 201);
  CHECK_FALSE(made.has("Idempotent-Replayed"));
  CHECK(orders_of(user).size() == 2);
}

}  // namespace cleave::test
