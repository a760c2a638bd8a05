#include "order.hpp"

#include <map>

#include "served.hpp"

using namespace cleave::test;
using cleave::Request;
using cleave::Response;

namespace {

/// The table of orders, as far as the module's statements need one.
struct Orders {
  std::map<std::string, std::string> request_of_key;  // canonical form
  bool twin_inserts_first = false;                    // between our look and our insert
  bool lock_timeout = false;
  bool gives_anothers_row = false;
  int inserted = 0;

  Answer operator()(const Asked& asked) {
    const auto& p = asked.params;
    if (asked.sql.find("WHERE idempotency_key = $1") != std::string::npos) {
      const auto found = request_of_key.find(*p.at(0));
      if (found == request_of_key.end()) return {};
      return {.rows = {row(found->second == *p.at(1) ? "t" : "f")}};
    }
    if (asked.sql.starts_with("INSERT")) {
      if (lock_timeout) return {.failure = Failure{503, "busy", "Busy.", "55P03"}};
      if (p.size() > 5) {
        if (twin_inserts_first) request_of_key.emplace(*p.at(5), *p.at(6));
        if (!request_of_key.emplace(*p.at(5), *p.at(6)).second) return {};
      }
      ++inserted;
      auto stored = row("");
      for (std::size_t i = 0; i < 5; ++i) stored[i + 1] = p.at(i);
      if (gives_anothers_row) stored[1] = "77";
      return {.rows = {stored}};
    }
    return {.rows = {row("")}};
  }
  static std::vector<Text> row(const char* same) {
    return {"9", "1", "2", "3", "450", "1350", "1", "2026-01-31 12:00:00.25+00", same};
  }
};

constexpr const char* kBody = R"({"user_id":1,"product_id":2,"quantity":3})";
constexpr const char* kJson =
    R"({"id":9,"user_id":1,"product_id":2,"quantity":3,"unit_price_cents":450,)"
    R"("total_cents":1350,"version":1,"created_at":"2026-01-31T12:00:00.25Z"})";

Response user(int status) {
  return {status, status == 200 ? R"({"id":1})" : "{}", {}};
}
Response product(int status, std::string body = R"({"id":2,"price_cents":450})") {
  return {status, std::move(body), {}};
}

/// An order module whose peers give these answers.
struct Shop : Served {
  Response user_says = user(200), product_says = product(200);
  Orders orders;
  Shop() {
    host.on_query = std::ref(orders);
    host.on_call = [this](std::string_view module, const Request& request) {
      if (module == "product") CHECK(request.query == "fresh=1");
      return module == "user" ? user_says : product_says;
    };
  }
};

}  // namespace

TEST_CASE("a total is exact or refused, never wrapped") {
  CHECK(order::total_cents(3, 450) == 1350);
  CHECK(order::total_cents(1'000'000, 1'000'000'000'000) == 1'000'000'000'000'000'000);
  CHECK(order::total_cents(1, INT64_MAX) == INT64_MAX);
  CHECK_THROWS_AS(order::total_cents(2, INT64_MAX / 2 + 1), cleave::Problem);
}

TEST_CASE("an order is checked with both peers and stored by one statement") {
  Shop shop;
  const auto response = shop.ask("POST", "/orders", kBody);
  CHECK(response.status == 201);
  CHECK(response.body == kJson);
  CHECK(response.header("Location") == "/orders/9");
  CHECK(response.header("ETag") == "\"1\"");
  CHECK(response.header("Idempotent-Replayed").empty());
  CHECK(shop.host.called ==
        std::vector<std::string>{"user GET /users/1", "product GET /products/2"});
  CHECK(shop.host.asked.size() == 1);
  CHECK(shop.host.asked[0].params == std::vector<Text>{"1", "2", "3", "450", "1350"});
}

TEST_CASE(
    "a row that is another's order is never given out: the batch would be dealt out wrongly") {
  Shop shop;
  shop.orders.gives_anothers_row = true;
  const auto response = shop.ask("POST", "/orders", kBody);
  CHECK(told(response) == "503 outcome-unknown");
  CHECK(response.header("Retry-After") == "1");
}

TEST_CASE("the quantity is one unless it is given") {
  Shop shop;
  for (const char* body :
       {R"({"user_id":1,"product_id":2})", R"({"user_id":1,"product_id":2,"quantity":null})"}) {
    CHECK(shop.ask("POST", "/orders", body).status == 201);
    CHECK(shop.host.asked.back().params.at(2) == "1");
  }
}

TEST_CASE("who or what does not exist is named, both when both are missing") {
  Shop shop;
  shop.user_says = user(404);
  CHECK(told(shop.ask("POST", "/orders", kBody)) == "422 unknown-user /user_id=unknown");
  shop.product_says = product(404);
  CHECK(told(shop.ask("POST", "/orders", kBody)) ==
        "422 unknown-user /user_id=unknown /product_id=unknown");
  shop.user_says = user(200);
  CHECK(told(shop.ask("POST", "/orders", kBody)) == "422 unknown-product /product_id=unknown");
  CHECK(shop.host.asked.empty());
}

TEST_CASE("a peer that cannot be asked means no order, whatever the other says") {
  Shop shop;
  for (const int status : {500, 502, 503, 504, 429, 302, 204}) {
    for (const int other : {200, 404}) {
      CAPTURE(status);
      shop.user_says = user(status);
      shop.product_says = product(other);
      const auto response = shop.ask("POST", "/orders", kBody);
      CHECK(told(response) == "503 peer-unavailable");
      CHECK(response.header("Retry-After") == "1");
      shop.user_says = user(other);
      shop.product_says = product(status);
      CHECK(told(shop.ask("POST", "/orders", kBody)) == "503 peer-unavailable");
    }
  }
  CHECK(shop.orders.inserted == 0);
}

TEST_CASE("a peer that talks nonsense means no order") {
  Shop shop;
  for (const char* body :
       {"", "<html>", "[]", "null", R"({"id":2})", R"({"price_cents":450})",
        R"({"id":3,"price_cents":450})", R"({"id":"2","price_cents":450})",
        R"({"id":2,"price_cents":-1})", R"({"id":2,"price_cents":4.5})",
        R"({"id":2,"price_cents":"450"})", R"({"id":2,"price_cents":18446744073709551615})"}) {
    CAPTURE(body);
    shop.product_says = product(200, body);
    CHECK(told(shop.ask("POST", "/orders", kBody)) == "502 bad-peer-answer");
  }
  shop.product_says = product(200);
  for (const char* body : {"", "<html>", R"({"id":7})"}) {
    shop.user_says.body = body;
    CHECK(told(shop.ask("POST", "/orders", kBody)) == "502 bad-peer-answer");
  }
  CHECK(shop.host.asked.empty());
}

TEST_CASE("a total that does not fit is refused at the quantity") {
  Shop shop;
  shop.product_says = product(200, R"({"id":2,"price_cents":9223372036854775807})");
  CHECK(told(shop.ask("POST", "/orders", kBody)) == "422 out-of-range /quantity=out-of-range");
  CHECK(shop.host.asked.empty());
}

TEST_CASE("what is no order asks nobody") {
  Shop shop;
  const std::pair<const char*, const char*> cases[] = {
      {R"({"product_id":2})", "422 required /user_id=required"},
      {R"({"user_id":1})", "422 required /product_id=required"},
      {R"({"user_id":0,"product_id":2})", "422 out-of-range /user_id=out-of-range"},
      {R"({"user_id":9223372036854775808,"product_id":2})",
       "422 out-of-range /user_id=out-of-range"},
      {R"({"user_id":1,"product_id":"http://169.254.169.254/"})",
       "422 wrong-type /product_id=wrong-type"},
      {R"({"user_id":1,"product_id":2,"quantity":0})", "422 out-of-range /quantity=out-of-range"},
      {R"({"user_id":1,"product_id":2,"quantity":1000001})",
       "422 out-of-range /quantity=out-of-range"},
      {R"({"user_id":1,"product_id":2,"total_cents":1})",
       "422 unknown-field /total_cents=unknown-field"}};
  for (const auto& [body, expected] : cases) {
    CAPTURE(body);
    CHECK(told(shop.ask("POST", "/orders", body)) == expected);
  }
  CHECK(shop.host.called.empty());
  CHECK(shop.host.asked.empty());
}

TEST_CASE("the same key and request get the same bytes, and the peers are not asked again") {
  Shop shop;
  const auto first = shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", "k1"}});
  CHECK(first.status == 201);
  CHECK(first.header("Idempotent-Replayed").empty());
  shop.user_says = user(503);
  const auto again = shop.ask("POST", "/orders", R"({ "quantity":3, "product_id":2, "user_id":1 })",
                              {{"idempotency-key", "k1"}});
  CHECK(again.status == 201);
  CHECK(again.header("Idempotent-Replayed") == "true");
  CHECK(again.body == first.body);
  CHECK(again.header("Location") == first.header("Location"));
  CHECK(shop.orders.inserted == 1);
  CHECK(shop.host.called.size() == 2);
  CHECK(shop.host.asked.size() == 3);  // look, insert; look
}

TEST_CASE("the same key with another request is refused") {
  Shop shop;
  shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", "k1"}});
  for (const char* other : {R"({"user_id":1,"product_id":2,"quantity":4})",
                            R"({"user_id":2,"product_id":2,"quantity":3})",
                            R"({"user_id":1,"product_id":3,"quantity":3})"}) {
    CHECK(told(shop.ask("POST", "/orders", other, {{"Idempotency-Key", "k1"}})) ==
          "422 idempotency-key-reused");
  }
  CHECK(shop.orders.inserted == 1);
}

TEST_CASE("a refused order does not use its key up") {
  Shop shop;
  shop.user_says = user(404);
  CHECK(shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", "k1"}}).status == 422);
  shop.user_says = user(200);
  CHECK(shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", "k1"}}).status == 201);
}

TEST_CASE("of twins in flight one makes the order, the other gets it or is told to come back") {
  Shop shop;
  shop.orders.twin_inserts_first = true;
  const auto late = shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", "k1"}});
  CHECK(late.status == 201);
  CHECK(late.header("Idempotent-Replayed") == "true");
  CHECK(shop.orders.inserted == 0);
  shop.orders.lock_timeout = true;
  const auto waiting = shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", "k2"}});
  CHECK(told(waiting) == "409 idempotency-key-in-use");
  CHECK(waiting.header("Retry-After") == "1");
}

TEST_CASE("a key is 1 to 128 visible ASCII characters") {
  Shop shop;
  CHECK(shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", std::string(128, '~')}}).status ==
        201);
  for (const std::string& key :
       {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\tb"),
        std::string("\xc3\xa9"), std::string("\x7f")}) {
    CAPTURE(key);
    CHECK(told(shop.ask("POST", "/orders", kBody, {{"Idempotency-Key", key}})) ==
          "400 idempotency-key-invalid");
  }
  CHECK(shop.orders.inserted == 1);
}

TEST_CASE("an order is read and deleted by its id") {
  Shop shop;
  CHECK(shop.ask("GET", "/orders/9").body == kJson);
  CHECK(shop.ask("GET", "/orders/9", "", {{"If-None-Match", "\"1\""}}).status == 304);
  CHECK(shop.ask("DELETE", "/orders/9").status == 204);
  shop.host.on_query = [](const Asked&) { return Answer{}; };
  CHECK(told(shop.ask("GET", "/orders/9")) == "404 not-found");
  CHECK(told(shop.ask("DELETE", "/orders/9")) == "404 not-found");
  shop.host.on_query = [](const Asked& asked) {
    return asked.sql.starts_with("DELETE") ? Answer{} : Answer{.rows = {Orders::row("")}};
  };
  CHECK(told(shop.ask("DELETE", "/orders/9", "", {{"If-Match", "\"2\""}})) ==
        "412 precondition-failed");
}

TEST_CASE("a list is filtered in the database, and its link keeps the filters") {
  Shop shop;
  shop.host.on_query = [](const Asked&) {
    return Answer{.rows = {Orders::row(""), Orders::row("")}};
  };
  const auto link = [&](const char* target) {
    return std::string(shop.ask("GET", target).header("Link"));
  };
  const auto params = [&] { return shop.host.asked.back().params; };
  CHECK(link("/orders?limit=1") == "</orders?limit=1&after=9>; rel=\"next\"");
  CHECK(params() == std::vector<Text>{"0", "2"});
  CHECK(link("/orders?user_id=1&limit=1") == "</orders?limit=1&after=9&user_id=1>; rel=\"next\"");
  CHECK(params() == std::vector<Text>{"0", "2", "1"});
  CHECK(shop.host.asked.back().sql.find("user_id = $3") != std::string::npos);
  CHECK(link("/orders?product_id=2&limit=1") ==
        "</orders?limit=1&after=9&product_id=2>; rel=\"next\"");
  CHECK(shop.host.asked.back().sql.find("product_id = $3") != std::string::npos);
  CHECK(link("/orders?product_id=2&limit=1&user_id=1&after=4") ==
        "</orders?limit=1&after=9&user_id=1&product_id=2>; rel=\"next\"");
  CHECK(params() == std::vector<Text>{"4", "2", "1", "2"});
  CHECK(told(shop.ask("GET", "/orders?user_id=x")) == "422 wrong-type ?user_id=wrong-type");
  CHECK(told(shop.ask("GET", "/orders?user_id=0")) == "422 out-of-range ?user_id=out-of-range");
}

TEST_CASE("an order cannot be changed") {
  Shop shop;
  const auto response = shop.ask("PUT", "/orders/9", kBody);
  CHECK(told(response) == "405 method-not-allowed");
  CHECK(response.header("Allow") == "DELETE, GET, HEAD, OPTIONS");
}
