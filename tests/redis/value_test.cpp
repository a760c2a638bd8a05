#include "redis/value.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>

#include "redis/address.hpp"

using namespace cleave::redis;

namespace {

const std::string kKey = "cleave:v1:product:7";

Stored stored(std::int64_t version, Kind kind, std::string body) {
  return {{version, kind, std::make_shared<const std::string>(std::move(body))}, 1700000000000};
}
std::optional<Stored> read(const std::string& text) {
  return decode(kKey, text.data(), text.size());
}

}  // namespace

TEST_CASE("an entry is read back as it was written, whatever its body") {
  for (const std::int64_t version :
       {std::int64_t{0}, std::int64_t{7}, std::numeric_limits<std::int64_t>::max()}) {
    for (const Kind kind : {Kind::kValue, Kind::kGone, Kind::kFloor}) {
      for (const std::string& body : {std::string(), std::string("{\"id\":7}"),
                                      std::string("a\nb\0c", 5), std::string(70000, 'x')}) {
        const auto back = read(encode(kKey, stored(version, kind, body)));
        REQUIRE(back);
        CHECK(back->entry.version == version);
        CHECK(back->entry.kind == kind);
        CHECK(*back->entry.body == body);
        CHECK(back->soft == 1700000000000);
      }
    }
  }
}

TEST_CASE("nothing but a whole value of this key is accepted") {
  const std::string good = encode(kKey, stored(7, Kind::kValue, "{\"id\":7}"));
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK_FALSE(read(good.substr(0, cut)));
  CHECK_FALSE(read(good + "x"));
  CHECK_FALSE(decode("cleave:v1:product:70", good.data(), good.size()));
  CHECK_FALSE(decode("cleave:v1:product:", good.data(), good.size()));
  for (const char* bad :
       {"cleave2 0000000000000000007 1 1700000000000 2 cleave:v1:product:7\n{}",
        "cleave1 -000000000000000007 1 1700000000000 2 cleave:v1:product:7\n{}",
        "cleave1 9999999999999999999 1 1700000000000 2 cleave:v1:product:7\n{}",
        "cleave1 0000000000000000007 3 1700000000000 2 cleave:v1:product:7\n{}",
        "cleave1 0000000000000000007 1 170000000000x 2 cleave:v1:product:7\n{}",
        "cleave1 0000000000000000007 1 1700000000000 -2 cleave:v1:product:7\n{}",
        "cleave1 0000000000000000007 1 1700000000000 99999999999999999999 "
        "cleave:v1:product:7\n{}",
        "cleave1 0000000000000000007 1 1700000000000  2 cleave:v1:product:7\n{}"}) {
    CAPTURE(bad);
    CHECK_FALSE(read(bad));
  }
}

TEST_CASE("no random change of a value makes it crash or name another size") {
  const std::string good = encode(kKey, stored(7, Kind::kValue, "{\"id\":7}"));
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    for (unsigned changes = 1 + random() % 4; changes != 0; --changes) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    if (const auto back = read(bad)) CHECK(back->entry.body->size() == 8);
  }
}

TEST_CASE("writes of a key are ordered by version, then floor, value, gone") {
  const Entry floor7{7, Kind::kFloor, nullptr}, value7{7, Kind::kValue, nullptr};
  const Entry gone7{7, Kind::kGone, nullptr}, floor8{8, Kind::kFloor, nullptr};
  const Entry order[] = {floor7, value7, gone7, floor8};
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 4; ++b) {
      CHECK(less(order[a], order[b]) == (a < b));
      CHECK((order_text(order[a]) < order_text(order[b])) == (a < b));
    }
  }
}

TEST_CASE("a Redis URL is taken apart, and what is wrong with it is said without the password") {
  const Address full = Address::parse("redis://app:p%40ss%3A%2F@cache.example:7000/3");
  CHECK(full.user == "app");
  CHECK(full.password == "p@ss:/");
  CHECK(full.host == "cache.example");
  CHECK(full.port == 7000);
  CHECK(full.database == 3);
  CHECK(full.text() == "cache.example:7000");
  CHECK(Address::parse("redis://127.0.0.1").port == 6379);
  CHECK(Address::parse("redis://:secret@h/").password == "secret");
  CHECK(Address::parse("redis://[::1]:7001").host == "::1");
  CHECK(Address::parse("redis://[::1]:7001").port == 7001);
  CHECK(Address::parse("unix:///run/redis.sock").path == "/run/redis.sock");
  for (const char* bad : {"", "http://h", "rediss://u:secret@h", "redis://", "redis://h:x",
                          "redis://h:70000", "redis://h/x", "redis://secret@h", "redis://[::1",
                          "redis://u:secret%zz@h", "unix://relative", "redis://u:secret@h:1:2"}) {
    CAPTURE(bad);
    std::string why;
    try {
      Address::parse(bad);
    } catch (const std::invalid_argument& error) {
      why = error.what();
    }
    CHECK(why.find("expected redis://") != std::string::npos);
    CHECK(why.find("secret") == std::string::npos);
  }
}
