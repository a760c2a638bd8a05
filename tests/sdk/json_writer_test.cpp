#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "cleave/json.hpp"

using cleave::JsonWriter;

namespace {

std::string text(std::string_view value) {
  std::string out;
  JsonWriter(out).text(value);
  return out;
}

std::string timestamp(std::string_view value) {
  std::string out;
  JsonWriter(out).timestamp(value);
  return out;
}

}  // namespace

TEST_CASE("the writer puts commas where they belong") {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  json.begin_object().key("a").number(std::int64_t{1}).key("b").text("x").end_object();
  json.begin_object().end_object();
  json.begin_array().end_array();
  json.begin_object().key("c").begin_array().null().boolean(true).boolean(false).end_array();
  json.key("d").number(std::string_view("12")).key("e").number(std::string_view());
  json.end_object().number(INT64_MIN).end_array();
  CHECK(out == R"([{"a":1,"b":"x"},{},[],{"c":[null,true,false],"d":12,"e":null},)"
               R"(-9223372036854775808])");
}

TEST_CASE("text is escaped, and UTF-8 passes as it is") {
  CHECK(text("") == "\"\"");
  CHECK(text("plain ~ text") == "\"plain ~ text\"");
  CHECK(text("a\"b\\c\n\r\t\x01\x1f\x7f") == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f\\u007f\"");
  CHECK(text(std::string_view("\0", 1)) == "\"\\u0000\"");
  CHECK(text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD") {
  const std::string bad = "\xef\xbf\xbd";
  CHECK(text("a\xff"
             "b") == "\"a" + bad + "b\"");
  CHECK(text("\xc0\xaf") == "\"" + bad + bad + "\"");            // overlong
  CHECK(text("\xed\xa0\x80") == "\"" + bad + bad + bad + "\"");  // surrogate
  CHECK(text("\xf4\x90\x80\x80").size() == 2 + 4 * bad.size());  // past U+10FFFF
  CHECK(text("\xe2\x82") == "\"" + bad + bad + "\"");            // cut
}

TEST_CASE("whatever the bytes, the result parses, and text comes back") {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string value;
    for (unsigned i = random() % 40; i > 0; --i) {
      value += static_cast<char>(round % 2 != 0 ? random() % 128 : random() % 256);
    }
    const auto parsed = nlohmann::json::parse(text(value), nullptr, false);
    REQUIRE(parsed.is_string());
    if (round % 2 != 0) REQUIRE(parsed.get<std::string>() == value);
  }
}

TEST_CASE("PostgreSQL's timestamps become RFC 3339") {
  CHECK(timestamp("2026-01-31 12:00:00.123456+00") == "\"2026-01-31T12:00:00.123456Z\"");
  CHECK(timestamp("2026-01-31 12:00:00+00") == "\"2026-01-31T12:00:00Z\"");
  CHECK(timestamp("2026-01-31 12:00:00.5+02") == "\"2026-01-31T12:00:00.5+02:00\"");
  CHECK(timestamp("2026-01-31 12:00:00-03:30") == "\"2026-01-31T12:00:00-03:30\"");
  CHECK(timestamp("") == "\"\"");
}
