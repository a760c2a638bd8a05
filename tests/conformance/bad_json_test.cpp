// Bodies that are no JSON, too much of it, or not what was asked for; and texts that must come back
// byte for byte.
#include <doctest/doctest.h>

#include "conformance/system.hpp"

namespace cleave::test {
namespace {

HttpAnswer post_user(const std::string& body) {
  return ask("POST", "/users", body);
}

std::string user_named(const std::string& json_string) {
  return R"({"email":")" + unique_email() + R"(","name":)" + json_string + "}";
}

std::string order_with(const std::string& member, const std::string& value) {
  std::string body = "{";
  for (const std::string name : {"user_id", "product_id", "quantity"}) {
    body += (body.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":";
    body += name == member ? value : "1";
  }
  return body + "}";
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("a body that is no JSON is refused") {
  const std::string valid = R"({"name":"Ada","email":"ada@example.org"})";
  for (const std::string& body : {std::string(),
                                  std::string(" "),
                                  std::string("{"),
                                  valid + "x",
                                  valid + valid,
                                  valid + ",",
                                  "/* hello */" + valid,
                                  valid + "// bye",
                                  std::string(R"({"name":NaN})"),
                                  std::string(R"({"name":Infinity})"),
                                  std::string(R"({"name":01})"),
                                  std::string(R"({"name":+1})"),
                                  std::string(R"({"name":.5})"),
                                  std::string(R"({"name":1.})"),
                                  std::string(R"({"name":0x10})"),
                                  std::string(R"({'name':'x'})"),
                                  std::string(R"({"name":"x",})"),
                                  std::string(R"({name:"x"})"),
                                  std::string(R"({"name":"\x"})"),
                                  "\xef\xbb\xbf" + valid,
                                  "\xff\xfe" + valid,
                                  std::string("nul"),
                                  std::string(1, '\0'),
                                  valid + std::string(1, '\0'),
                                  std::string("{\"name\":\"tab\there\"}"),
                                  std::string("{\"name\":1e400}"),
                                  "{\"name\":" + std::string(100000, '9') + "}"}) {
    CAPTURE(body.substr(0, 60));
    check_problem(post_user(body), 400, "invalid-json");
  }
  check_alive();
}

TEST_CASE("text that is not well-formed UTF-8 is refused") {
  for (const std::string text :
       {"\"\xff\"", "\"\xc0\xaf\"", "\"\xe0\x80\x80\"", "\"\xf0\x80\x80\xaf\"", "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"", "\"\xc3\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud83d\\u0041\""}) {
    CAPTURE(text);
    check_problem(post_user(user_named(text)), 400, "invalid-json");
  }
  check_problem(post_user(user_named(std::string("\"a\0b\"", 5))), 400, "invalid-json");
  check_alive();
}

TEST_CASE("JSON that is nested too deeply or has too many members is refused") {
  for (const std::size_t depth : {32, 1000, 100000}) {
    CAPTURE(depth);
    check_problem(post_user("{\"a\":" + repeated("[", depth)), 400, "too-deep");
    check_problem(post_user(repeated("{\"a\":", depth + 1)), 400, "too-deep");
  }
  check_problem(post_user("{\"a\":" + repeated("[", 31) + repeated("]", 31) + "}"), 422,
                "required");
  std::string members = "{\"m\":0";
  for (int i = 0; i < 1000; ++i) members += ",\"m" + std::to_string(i) + "\":0";
  check_problem(post_user(members + "}"), 400, "too-many-members");
  check_alive();
}

TEST_CASE("a key that comes twice is refused, also in its other spelling") {
  check_problem(post_user(R"({"name":"a","name":"b","email":"a@b.c"})"), 400, "duplicate-key");
  check_problem(post_user(R"({"name":"a","\u006eame":"b","email":"a@b.c"})"), 400, "duplicate-key");
  check_problem(post_user(R"({"name":"a","email":{"x":1,"x":2}})"), 400, "duplicate-key");
}

TEST_CASE("the body must be an object with the members that are known, all of them") {
  for (const std::string body : {"[]", "[{}]", "\"text\"", "1", "1.5", "true", "null"}) {
    CAPTURE(body);
    check_problem(post_user(body), 422, "wrong-type");
  }
  const std::string email = unique_email();
  for (const std::string name : {"id", "version", "created_at", "status", "__proto__"}) {
    CAPTURE(name);
    const HttpAnswer answer = post_user(Json{{"name", "A"}, {"email", email}, {name, 1}}.dump());
    check_problem(answer, 422, "unknown-field");
    check_error(answer, "/" + std::string(name), "unknown-field");
  }
  check_problem(ask("POST", "/orders", R"({"user_id":1,"product_id":1,"total_cents":1})"), 422,
                "unknown-field");
  check_problem(ask("POST", "/products", R"({"name":"x","price_cents":1,"price":1})"), 422,
                "unknown-field");
  const HttpAnswer hostile =
      post_user(Json{{"name", "A"}, {"email", email}, {"<script>\n", 1}}.dump());
  check_problem(hostile, 422, "unknown-field");
  CHECK(hostile.body.find("script") == std::string::npos);
  HttpAnswer answer = post_user(R"({"name":"A"})");
  check_problem(answer, 422, "required");
  check_error(answer, "/email", "required");
  answer = ask("POST", "/orders", R"({"user_id":1})");
  check_problem(answer, 422, "required");
  check_error(answer, "/product_id", "required");
}

TEST_CASE("an id or a quantity is a whole number within its bounds") {
  struct Case {
    const char *value, *code;
  };
  for (const std::string member : {"user_id", "product_id", "quantity"}) {
    for (const Case& one :
         {Case{"0", "out-of-range"}, Case{"-0", "out-of-range"}, Case{"-1", "out-of-range"},
          Case{"9223372036854775808", "out-of-range"}, Case{"18446744073709551616", "out-of-range"},
          Case{"-9223372036854775809", "out-of-range"}, Case{"1e3", "wrong-type"},
          Case{"1.0", "wrong-type"}, Case{"1.5", "wrong-type"}, Case{"1E0", "wrong-type"},
          Case{"\"1\"", "wrong-type"}, Case{"true", "wrong-type"}, Case{"[1]", "wrong-type"},
          Case{"{\"a\":1}", "wrong-type"}, Case{"\"http://169.254.169.254/\"", "wrong-type"},
          Case{"\"1/../../x\"", "wrong-type"}}) {
      CAPTURE(member);
      CAPTURE(std::string(one.value));
      const HttpAnswer answer = ask("POST", "/orders", order_with(member, one.value));
      check_problem(answer, 422, one.code);
      check_error(answer, "/" + std::string(member), one.code);
    }
  }
  for (const std::string member : {"user_id", "product_id"}) {
    check_problem(ask("POST", "/orders", order_with(member, "null")), 422, "wrong-type");
  }
  check_problem(ask("POST", "/orders", order_with("quantity", "1000001")), 422, "out-of-range");
  check_problem(ask("POST", "/orders", order_with("quantity", "-5")), 422, "out-of-range");
  check_alive();
}

TEST_CASE("control characters in a text are refused") {
  for (const std::string text :
       {"\"a\\u0000b\"", "\"\\u001b[2J\"", "\"a\\nb\"", "\"\\t\"", "\"\\u007f\""}) {
    CAPTURE(text);
    const HttpAnswer answer = post_user(user_named(text));
    check_problem(answer, 422, "forbidden-character");
    check_error(answer, "/name", "forbidden-character");
  }
}

TEST_CASE("texts are measured in code points") {
  CHECK(post_user(user_named("\"" + repeated("\xf0\x9f\x92\xa1", 255) + "\"")).status == 201);
  check_problem(post_user(user_named("\"" + repeated("\xf0\x9f\x92\xa1", 256) + "\"")), 422,
                "too-long");
  check_problem(post_user(user_named("\"\"")), 422, "too-short");
  check_problem(post_user(user_named("1")), 422, "wrong-type");
  check_problem(post_user(user_named("null")), 422, "wrong-type");
}

TEST_CASE("any other text comes back as it was sent") {
  for (const std::string name :
       {"\xe2\x80\xae"
        "evil",
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", "' OR 1=1--", "$1", "%", "_", "\\",
        "\\'; DROP TABLE users;--", "<script>alert(1)</script>", "\"}{\"", "{}", "NULL", "\\N",
        " spaces ", "\xc3\xa9", "e\xcc\x81", "\xc2\x85", "%s%n", "../../etc/passwd"}) {
    CAPTURE(name);
    const HttpAnswer made = post_user(Json{{"name", name}, {"email", unique_email()}}.dump());
    REQUIRE(made.status == 201);
    CHECK(Json::parse(made.body)["name"] == name);
    CHECK(Json::parse(ask("GET", made.header("Location")).body)["name"] == name);
    const HttpAnswer product =
        ask("POST", "/products", Json{{"name", name}, {"price_cents", 1}}.dump());
    REQUIRE(product.status == 201);
    const std::string path = product.header("Location");
    CHECK(Json::parse(ask("GET", path).body)["name"] == name);
    CHECK(Json::parse(ask("GET", path).body)["name"] == name);  // from the cache
  }
  check_alive();
}

TEST_CASE("a body beyond the limit is refused, before it is read and while it is") {
  const std::string large(1024 * 1024 + 1, ' ');
  check_refused(ask("POST", "/users", large), 413, "too-large");
  HttpClient client(system_url());
  client.send(
      "POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n80000\r\n" +
      std::string(0x80000, ' ') + "\r\n80001\r\n");
  check_refused(client.read(), 413, "too-large");
  const std::string fits = std::string(1024 * 1024, ' ');
  check_problem(ask("POST", "/users", fits), 400, "invalid-json");
  check_alive();
}

TEST_CASE("all that is wrong with a body is told at once") {
  const auto errors_of = [](const char* path, const char* body) {
    const HttpAnswer answer = ask("POST", path, body);
    CHECK(answer.status == 422);
    return Json::parse(answer.body, nullptr, false).value("errors", Json());
  };
  CHECK(errors_of("/products", R"({"price_cents":-1,"stock":1.5,"color":"red"})") ==
        Json::parse(R"([{"pointer":"/name","code":"required"},
                        {"pointer":"/price_cents","code":"out-of-range"},
                        {"pointer":"/stock","code":"wrong-type"},
                        {"pointer":"/color","code":"unknown-field"}])"));
  CHECK(errors_of("/orders", R"({"user_id":"1","quantity":0})") ==
        Json::parse(R"([{"pointer":"/user_id","code":"wrong-type"},
                        {"pointer":"/product_id","code":"required"},
                        {"pointer":"/quantity","code":"out-of-range"}])"));
}

}  // namespace cleave::test
