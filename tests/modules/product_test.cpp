#include "product.hpp"

#include "served.hpp"

using namespace cleave::test;

namespace {

/// One product and the counter of the list, as PostgreSQL would answer the module's statements.
struct Shelf {
  std::int64_t version = 3, list_version = 10;
  std::string name = "Tea";
  std::optional<std::string> stock;
  bool there = true;

  Answer operator()(const Asked& asked) {
    const bool update = asked.sql.find("UPDATE products ") != std::string::npos;
    const bool remove = asked.sql.find("DELETE FROM products") != std::string::npos;
    const bool insert = asked.sql.find("INSERT INTO products") != std::string::npos;
    if (update || remove || insert) ++list_version;
    if (insert) there = true;
    if (!there) {
      const bool page = asked.sql.find("LEFT JOIN") != std::string::npos;
      return page ? Answer{.rows = {{{}, {}, {}, {}, {}, {}, std::to_string(list_version)}}}
                  : Answer{};
    }
    if ((update || remove) && asked.params.back() &&
        *asked.params.back() != "{" + std::to_string(version) + "}") {
      return {};
    }
    if (update) ++version, name = *asked.params.at(1), stock = asked.params.at(3);
    if (remove) there = false;
    return {.rows = {{"7", name, "450", stock, std::to_string(version), "2026-01-31 12:00:00.5+00",
                      std::to_string(list_version)}}};
  }
};

constexpr const char* kTea = R"({"id":7,"name":"Tea","price_cents":450,"stock":null,"version":3,)"
                             R"("created_at":"2026-01-31T12:00:00.5Z"})";
constexpr const char* kBody = R"({"name":"Mate","price_cents":450,"stock":5})";

}  // namespace

TEST_CASE("a product is loaded once and then answered from the cache, byte for byte") {
  Served product;
  product.host.on_query = Shelf();
  const auto miss = product.ask("GET", "/products/7");
  CHECK(miss.status == 200);
  CHECK(miss.body == kTea);
  CHECK(miss.header("X-Cache") == "miss");
  CHECK(miss.header("ETag") == "\"3\"");
  const auto hit = product.ask("GET", "/products/7");
  CHECK(hit.body == miss.body);
  CHECK(hit.header("X-Cache") == "hit");
  CHECK(hit.header("ETag") == "\"3\"");
  CHECK(product.host.asked.size() == 1);
  const auto same = product.ask("GET", "/products/7", "", {{"If-None-Match", "W/\"3\""}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
}

TEST_CASE("fresh=1 reads past the cache") {
  Served product;
  Shelf shelf;
  product.host.on_query = std::ref(shelf);
  product.ask("GET", "/products/7");
  shelf.version = 4;
  CHECK(product.ask("GET", "/products/7").header("ETag") == "\"3\"");
  const auto fresh = product.ask("GET", "/products/7?fresh=1");
  CHECK(fresh.header("ETag") == "\"4\"");
  CHECK(fresh.header("X-Cache") == "off");
  CHECK(product.ask("GET", "/products/7?fresh=0").header("X-Cache") == "hit");
  CHECK(told(product.ask("GET", "/products/7?fresh=2")) == "422 out-of-range ?fresh=out-of-range");
  CHECK(told(product.ask("GET", "/products/7?fresh=yes")) == "422 wrong-type ?fresh=wrong-type");
}

TEST_CASE("without a cache every read asks the database") {
  Served product;
  product.host.cache_off = true;
  product.host.on_query = Shelf();
  CHECK(product.ask("GET", "/products/7").header("X-Cache") == "off");
  CHECK(product.ask("GET", "/products/7").header("X-Cache") == "off");
  CHECK(product.host.asked.size() == 2);
}

TEST_CASE("a product that is not there is remembered as such until it is made") {
  Served product;
  Shelf shelf{.there = false};
  product.host.on_query = std::ref(shelf);
  CHECK(told(product.ask("GET", "/products/7")) == "404 not-found");
  const auto again = product.ask("GET", "/products/7");
  CHECK(told(again) == "404 not-found");
  CHECK(again.header("X-Cache") == "hit");
  CHECK(product.host.asked.size() == 1);
  CHECK(told(product.ask("GET", "/products/7?fresh=1")) == "404 not-found");
  const auto made = product.ask("POST", "/products", kBody);
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/products/7");
  CHECK(product.ask("GET", "/products/7").status == 200);
  CHECK(product.ask("GET", "/products/7").header("X-Cache") == "hit");
}

TEST_CASE("an update is in the cache when it is answered, and a slow reader cannot undo it") {
  Served product;
  Shelf shelf;
  product.host.on_query = std::ref(shelf);
  product.ask("GET", "/products/7");
  const auto updated = product.ask("PUT", "/products/7", kBody, {{"If-Match", "\"3\""}});
  CHECK(updated.status == 200);
  CHECK(updated.header("ETag") == "\"4\"");
  const auto read = product.ask("GET", "/products/7");
  CHECK(read.header("X-Cache") == "hit");
  CHECK(read.body == updated.body);
  CHECK(read.body.find("\"name\":\"Mate\",\"price_cents\":450,\"stock\":5,") != std::string::npos);
  CHECK(product.host.cache.at("id:7").version == 4);
  CHECK(told(product.ask("PUT", "/products/7", kBody, {{"If-Match", "\"3\""}})) ==
        "412 precondition-failed");
  CHECK(product.ask("DELETE", "/products/7", "", {{"If-Match", "\"4\""}}).status == 204);
  CHECK(product.host.cache.at("id:7").version == 5);
  CHECK(product.host.cache.at("id:7").kind == CLEAVE_GONE);
  CHECK(told(product.ask("GET", "/products/7")) == "404 not-found");
  CHECK(told(product.ask("DELETE", "/products/7")) == "404 not-found");
}

TEST_CASE("the relay tells the cache what a writer that died could not") {
  Served product;
  std::string outbox = "gone, changed";
  product.host.on_query = [&](const Asked& asked) {
    if (asked.sql.find("DELETE FROM product_outbox") != std::string::npos) {
      outbox = "without " + *asked.params.at(0);
      return Answer{};
    }
    if (outbox != "gone, changed") return Answer{};
    const Text none;
    return Answer{
        .rows = {{none, none, none, none, "5", none, "11", "41", "6"},
                 {"7", "Tea", "450", none, "4", "2026-01-31 12:00:00+00", "11", "43", "7"}}};
  };
  product.host.cache["id:6"] = {4, CLEAVE_VALUE, "old"};
  product.host.cache["id:7"] = {3, CLEAVE_VALUE, "old"};
  product.host.cache["list"] = {10, CLEAVE_VALUE, "old"};
  SUBCASE("and takes it out of the outbox") {
    CHECK(product.background());
    CHECK(outbox == "without {41,43}");
    CHECK(product.host.cache.at("id:6").kind == CLEAVE_GONE);
    CHECK(product.host.cache.at("id:6").version == 5);
    CHECK(product.host.cache.at("id:7").body.find("\"version\":4") != std::string::npos);
    CHECK(product.host.cache.at("list").kind == CLEAVE_FLOOR);
    CHECK(product.host.cache.at("list").version == 11);
    CHECK(product.background());  // nothing is left
  }
  SUBCASE("and keeps it while the cache cannot be told") {
    product.host.cache_off = true;
    CHECK_FALSE(product.background());
    CHECK(outbox == "gone, changed");
  }
  SUBCASE("and tries again when the database was away") {
    product.host.on_query = [](const Asked&) { return Answer{.failure = Failure{}}; };
    CHECK_FALSE(product.background());
    CHECK(product.host.logged().empty());
  }
}

TEST_CASE("each write leaves word in the outbox, in the same statement") {
  Served product;
  Shelf shelf;
  product.host.on_query = std::ref(shelf);
  product.ask("POST", "/products", kBody);
  product.ask("PUT", "/products/7", kBody);
  product.ask("DELETE", "/products/7");
  REQUIRE(product.host.asked.size() == 3);
  for (const Asked& asked : product.host.asked) {
    CHECK(asked.sql.find("INSERT INTO product_outbox") != std::string::npos);
  }
}

TEST_CASE("the first page is cached under the list's version, and every write makes it reload") {
  Served product;
  Shelf shelf;
  product.host.on_query = std::ref(shelf);
  const auto miss = product.ask("GET", "/products");
  CHECK(miss.body == "[" + std::string(kTea) + "]");
  CHECK(miss.header("X-Cache") == "miss");
  CHECK(product.host.cache.at("list").version == 10);
  const auto hit = product.ask("GET", "/products?limit=100");
  CHECK(hit.body == miss.body);
  CHECK(hit.header("X-Cache") == "hit");
  product.ask("PUT", "/products/7", kBody);
  CHECK(product.host.cache.at("list").version == 11);
  CHECK(product.host.cache.at("list").kind == CLEAVE_FLOOR);
  const auto reloaded = product.ask("GET", "/products");
  CHECK(reloaded.header("X-Cache") == "miss");
  CHECK(reloaded.body.find("Mate") != std::string::npos);
  product.ask("DELETE", "/products/7");
  CHECK(product.ask("GET", "/products").body == "[]");
  CHECK(product.ask("GET", "/products").header("X-Cache") == "hit");
}

TEST_CASE("a cached page has the same Link as one from the database") {
  Served product;
  product.host.on_query = [](const Asked& asked) {
    Answer answer;
    const bool first = asked.sql.find("LEFT JOIN") != std::string::npos;
    const int most = std::stoi(*asked.params.at(first ? 0 : 1));
    for (int id = 1; id <= most; ++id) {
      answer.rows.push_back({std::to_string(id), "x", "1", {}, "1", "2026-01-31 12:00:00+00", "9"});
    }
    return answer;
  };
  for (const char* state : {"miss", "hit"}) {
    const auto page = product.ask("GET", "/products");
    CHECK(page.header("X-Cache") == state);
    CHECK(page.header("Link") == "</products?limit=100&after=100>; rel=\"next\"");
    CHECK(page.body.find("\"id\":100,") != std::string::npos);
    CHECK(page.body.find("\"id\":101,") == std::string::npos);
  }
  const auto small = product.ask("GET", "/products?limit=2&after=5");
  CHECK(small.header("X-Cache") == "off");
  CHECK(small.header("Link") == "</products?limit=2&after=2>; rel=\"next\"");
  CHECK(product.host.asked.back().params == std::vector<Text>{"5", "3"});
}

TEST_CASE("what is no product never reaches the database") {
  Served product;
  const std::pair<const char*, const char*> cases[] = {
      {R"({"name":"a"})", "422 required /price_cents=required"},
      {R"({"name":"a","price_cents":-1})", "422 out-of-range /price_cents=out-of-range"},
      {R"({"name":"a","price_cents":1000000000001})", "422 out-of-range /price_cents=out-of-range"},
      {R"({"name":"a","price_cents":4.5})", "422 wrong-type /price_cents=wrong-type"},
      {R"({"name":"a","price_cents":1,"stock":-1})", "422 out-of-range /stock=out-of-range"},
      {R"({"name":"a","price_cents":1,"stock":1000000001})",
       "422 out-of-range /stock=out-of-range"},
      {R"({"name":"a","price_cents":1,"stock":"1"})", "422 wrong-type /stock=wrong-type"},
      {R"({"name":"a","price_cents":1,"version":9})", "422 unknown-field /version=unknown-field"}};
  for (const auto& [body, expected] : cases) {
    CAPTURE(body);
    CHECK(told(product.ask("POST", "/products", body)) == expected);
    CHECK(told(product.ask("PUT", "/products/7", body)) == expected);
  }
  const std::string long_name = R"({"price_cents":1,"name":")" + std::string(256, 'x') + "\"}";
  CHECK(told(product.ask("POST", "/products", long_name)) == "422 too-long /name=too-long");
  CHECK(product.host.asked.empty());
}

TEST_CASE("stock is null, absent or a number, and the limits belong to the range") {
  Served product;
  product.host.on_query = Shelf();
  const auto stored = [&](const char* body) {
    CHECK(product.ask("POST", "/products", body).status == 201);
    return product.host.asked.back().params;
  };
  CHECK(stored(R"({"name":"a","price_cents":0})") == std::vector<Text>{"a", "0", {}});
  CHECK(stored(R"({"name":"a","price_cents":0,"stock":null})") == std::vector<Text>{"a", "0", {}});
  CHECK(stored(R"({"name":"a","price_cents":1000000000000,"stock":1000000000})") ==
        std::vector<Text>{"a", "1000000000000", "1000000000"});
}

TEST_CASE("a dead database is told as such, and nothing is cached of it") {
  Served product;
  product.host.on_query = [](const Asked&) { return Answer{.failure = Failure{}}; };
  for (const char* target : {"/products", "/products/7", "/products/7?fresh=1"}) {
    CAPTURE(target);
    CHECK(told(product.ask("GET", target)) == "503 database-unavailable");
  }
  CHECK(told(product.ask("POST", "/products", kBody)) == "503 database-unavailable");
  CHECK(product.host.cache.empty());
}
