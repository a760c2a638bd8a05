#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "cleave/json.hpp"
#include "cleave/problem.hpp"

using cleave::JsonObject;
using cleave::Problem;

namespace {

JsonObject parse(std::string_view body, std::string_view type = "application/json") {
  const cleave_header header{cleave::raw("content-type"), cleave::raw(type)};
  return JsonObject({.method = "POST", .path = "/", .body = body, .headers = {&header, 1}});
}

/// "400 invalid-json", with the pointer and code when there are any; "fine" when nothing is thrown.
template <class Action>
std::string outcome(Action&& action) {
  try {
    action();
  } catch (const Problem& problem) {
    std::string text = std::to_string(problem.status()) + " " + std::string(problem.slug());
    for (const auto& detail : problem.details()) text += " " + detail.pointer + "=" + detail.code;
    return text;
  }
  return "fine";
}

std::string of(std::string_view body) {
  return outcome([&] { parse(body); });
}

std::string nested(std::size_t depth) {  // the root object counts as one level
  std::string text = "{\"a\":";
  for (std::size_t i = 1; i < depth; ++i) text += '[';
  if (depth == 1) text += '1';
  for (std::size_t i = 1; i < depth; ++i) text += ']';
  return text + "}";
}

/// CPU time of parsing a thousand members, the best of some: what else the machine does is no part
/// of it.
std::clock_t time_of(const std::function<std::string(const std::string&)>& name_of) {
  std::string body = "{";
  for (int i = 100'000; i < 101'000; ++i) {
    body += (i > 100'000 ? ",\"" : "\"") + name_of(std::to_string(i)) + "\":0";
  }
  body += "}";
  std::clock_t best = std::numeric_limits<std::clock_t>::max();
  for (int i = 0; i < 5; ++i) {
    const std::clock_t began = std::clock();
    parse(body);
    best = std::min(best, std::clock() - began);
  }
  return best;
}

}  // namespace

TEST_CASE("what is no JSON is refused as such") {
  for (const char* body : {"",
                           " ",
                           "{",
                           "{}x",
                           "{} {}",
                           "{\"a\":NaN}",
                           "{\"a\":01}",
                           "{\"a\":+1}",
                           "{/**/}",
                           "{\"a\":1,}",
                           "{'a':1}",
                           "{\"a\":1e400}",
                           "{\"a\":-1e400}",
                           "{\"a\":\"\\ud800\"}",
                           "{\"a\":\"\\udc00\\ud800\"}",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\xc0\xaf\"}",
                           "{\"a\":\"\xed\xa0\x80\"}",
                           "{\"a\":\"\n\"}",
                           "\xef\xbb\xbf{}",
                           "\xff\xfe{}"}) {
    CAPTURE(body);
    CHECK(of(body) == "400 invalid-json");
  }
  CHECK(of(std::string("{\"a\":\"\0\"}", 9)) == "400 invalid-json");
  CHECK(of("{\"a\":" + std::string(100000, '9') + "}") == "400 invalid-json");
  CHECK(of(" { } \r\n\t") == "fine");
}

TEST_CASE("a root that is no object is understood and refused") {
  for (const char* body :
       {"[]", "[{}]", "1", "1.5", "\"a\"", "true", "null", "18446744073709551616"}) {
    CAPTURE(body);
    CHECK(of(body) == "422 wrong-type =wrong-type");
  }
}

TEST_CASE("depth, members and repeated keys have their limits") {
  CHECK(of(nested(32)) == "fine");
  CHECK(of(nested(33)) == "400 too-deep");
  CHECK(of(nested(100000)) == "400 too-deep");
  std::string members = "{";
  for (int i = 0; i < 1000; ++i) members += (i ? ",\"m" : "\"m") + std::to_string(i) + "\":0";
  CHECK(of(members + "}") == "fine");
  CHECK(of(members + ",\"more\":0}") == "400 too-many-members");
  CHECK(of("{\"a\":1,\"b\":2,\"a\":1}") == "400 duplicate-key");
  CHECK(of("{\"a\":1,\"\\u0061\":1}") == "400 duplicate-key");
  CHECK(of("{\"x\":{\"a\":1,\"a\":2}}") == "400 duplicate-key");
  CHECK(of("{\"x\":[{\"a\":1},{\"a\":2}],\"a\":3}") == "fine");
}

TEST_CASE("only application/json in UTF-8 is a media type that is read") {
  for (const char* good :
       {"application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"", "application/json ;\tcharset=utf-8"}) {
    CAPTURE(good);
    CHECK(outcome([&] { parse("{}", good); }) == "fine");
  }
  for (const char* bad : {"", "text/plain", "application/x-www-form-urlencoded",
                          "multipart/form-data; boundary=x", "application/json;charset=latin1",
                          "application/json; charset=utf-8; q=1", "application/json;",
                          "application/jsonp", "app lication/json", "application/problem+json"}) {
    CAPTURE(bad);
    CHECK(outcome([&] { parse("{}", bad); }) == "415 unsupported-media-type");
  }
  try {
    JsonObject({.body = "{}"});
    FAIL("a body without a media type was read");
  } catch (const Problem& problem) {
    CHECK(problem.response("").header("Accept-Post") == "application/json");
  }
}

TEST_CASE("an integer is an integer token within its range") {
  const auto take = [](std::string_view token) {
    return outcome([&] { parse("{\"n\":" + std::string(token) + "}").integer("n", 1, 1000); });
  };
  CHECK(take("1") == "fine");
  CHECK(take("1000") == "fine");
  for (const char* token :
       {"0", "-0", "-1", "1001", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "-9223372036854775809", "18446744073709551616"}) {
    CAPTURE(token);
    CHECK(take(token) == "422 out-of-range /n=out-of-range");
  }
  for (const char* token :
       {"1.0", "1e3", "1E0", "1.5", "\"1\"", "true", "null", "[1]", "{}", "[]"}) {
    CAPTURE(token);
    CHECK(take(token) == "422 wrong-type /n=wrong-type");
  }
  CHECK(outcome([] { parse("{}").integer("n", 1, 2); }) == "422 required /n=required");
  CHECK(parse("{\"n\":9223372036854775807}").integer("n", 1, INT64_MAX) == INT64_MAX);
  CHECK(parse("{\"n\":-9223372036854775808}").integer("n", INT64_MIN, 0) == INT64_MIN);
}

TEST_CASE("an optional integer may be absent or null, and nothing else") {
  CHECK_FALSE(parse("{}").optional_integer("n", 1, 5));
  CHECK_FALSE(parse("{\"n\":null}").optional_integer("n", 1, 5));
  CHECK(parse("{\"n\":5}").optional_integer("n", 1, 5) == 5);
  CHECK(outcome([] { parse("{\"n\":false}").optional_integer("n", 1, 5); }) ==
        "422 wrong-type /n=wrong-type");
}

TEST_CASE("text is counted in code points and has no control characters") {
  const auto take = [](const std::string& token) {
    return outcome([&] { parse("{\"t\":" + token + "}").text("t", 1, 3); });
  };
  const std::string emoji = "\xf0\x9f\x98\x80";
  CHECK(take("\"" + emoji + emoji + emoji + "\"") == "fine");
  CHECK(take("\"" + emoji + emoji + emoji + emoji + "\"") == "422 too-long /t=too-long");
  CHECK(take("\"\"") == "422 too-short /t=too-short");
  for (const char* token :
       {"\"\\u0000\"", "\"a\\u0000\"", "\"\\n\"", "\"\\u001f\"", "\"\\u007f\""}) {
    CAPTURE(token);
    CHECK(take(token) == "422 forbidden-character /t=forbidden-character");
  }
  CHECK(take("1") == "422 wrong-type /t=wrong-type");
  CHECK(take("null") == "422 wrong-type /t=wrong-type");
  CHECK(outcome([] { parse("{}").text("t", 1, 3); }) == "422 required /t=required");
  const std::string odd = "\xe2\x80\xae\xe2\x80\x8d'";  // right-to-left override, joiner, quote
  CHECK(parse("{\"t\":\"" + odd + "\"}").text("t", 1, 3) == odd);
  CHECK(parse("{\"t\":\"\\ud83d\\ude00\"}").text("t", 1, 1) == emoji);
}

TEST_CASE("a member that nobody took is named, unless its name is no name") {
  const auto rest = [](std::string_view body) {
    return outcome([&] {
      JsonObject object = parse(body);
      object.integer("n", 0, 9);
      object.done();
    });
  };
  CHECK(rest("{\"n\":1}") == "fine");
  CHECK(rest("{\"n\":1,\"id\":7}") == "422 unknown-field /id=unknown-field");
  CHECK(rest("{\"n\":1,\"<script>\":7}") == "422 unknown-field =unknown-field");
  CHECK(rest("{\"n\":1,\"n\\u0000\":7}") == "422 unknown-field =unknown-field");
}

TEST_CASE("every bad member is told, in the order of asking, and those that nobody took last") {
  const auto all = [](std::string_view body) {
    return outcome([&] {
      JsonObject object = parse(body);
      object.text("name", 1, 3);
      object.integer("price", 1, 9);
      object.optional_integer("stock", 0, 9);
      object.done();
    });
  };
  CHECK(all("{\"name\":\"a\",\"price\":1,\"stock\":1}") == "fine");
  CHECK(all("{\"x\":1,\"stock\":\"1\",\"name\":\"abcd\"}") ==
        "422 too-long /name=too-long /price=required /stock=wrong-type /x=unknown-field");
  CHECK(all("{\"price\":99,\"<b>\":1}") ==
        "422 required /name=required /price=out-of-range =unknown-field");
}

TEST_CASE("of many mistakes the first sixteen are told") {
  std::string body = "{";
  for (int i = 0; i < 40; ++i) body += (i > 0 ? ",\"m" : "\"m") + std::to_string(i) + "\":0";
  std::string wanted = "422 unknown-field";
  for (int i = 0; i < 16; ++i) wanted += " /m" + std::to_string(i) + "=unknown-field";
  CHECK(outcome([&] { parse(body + "}").done(); }) == wanted);
}

TEST_CASE("mistakes are told when done() was forgotten, and not over another exception") {
  CHECK(outcome([] {
          JsonObject object = parse("{}");
          CHECK(object.text("a", 1, 2) == "");
          CHECK(object.integer("b", 3, 4) == 3);
        }) == "422 required /a=required /b=required");
  CHECK(outcome([] {
          JsonObject object = parse("{}");
          object.text("a", 1, 2);
          throw Problem(409, "taken", "Taken.");
        }) == "409 taken");
}

TEST_CASE("a text that is no request's is refused at its first mistake") {
  JsonObject object(std::string_view("{\"a\":1}"));
  CHECK(outcome([&] { object.text("b", 1, 2); }) == "422 required /b=required");
  CHECK(outcome([&] { object.done(); }) == "422 unknown-field /a=unknown-field");
}

TEST_CASE("names that are the same but for their end cost what other long names cost") {
  const std::string filling(9000, 'x');
  const auto alike = time_of([&](const std::string& number) { return filling + number; });
  const auto unlike = time_of([&](const std::string& number) { return number + filling; });
  CAPTURE(alike);
  CAPTURE(unlike);
  CHECK(alike <= 2 * unlike);
}
