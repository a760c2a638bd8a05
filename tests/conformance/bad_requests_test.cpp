// Paths, methods and headers that ask for what is not there, or try to be something else.
#include <doctest/doctest.h>

#include "conformance/system.hpp"

namespace cleave::test {

TEST_CASE("a path that leads nowhere is not found, and is not repeated in the answer") {
  for (const std::string path : {"/",
                                 "/nope",
                                 "/nope/%ff",
                                 "/%c0%af",
                                 "/users/",
                                 "//users",
                                 "/users//1",
                                 "/Users",
                                 "/users/x",
                                 "/users/0",
                                 "/users/-1",
                                 "/users/01",
                                 "/users/1e3",
                                 "/users/1.0",
                                 "/users/%31",
                                 "/users/9223372036854775808",
                                 "/users/18446744073709551617",
                                 "/users/1/orders",
                                 "/users%2f1",
                                 "/users/1%2f",
                                 "/users;x",
                                 "/users/1;x",
                                 "/users/..",
                                 "/users/%2e%2e/orders",
                                 "/users/../orders",
                                 "/./users",
                                 "/users/1'%20OR%201=1--",
                                 "/users/$1",
                                 "/users/*",
                                 "/internal",
                                 "/metrics",
                                 "/admin",
                                 "/placement",
                                 "/traces"}) {
    CAPTURE(path);
    const HttpAnswer answer = ask("GET", path);
    check_problem(answer, 404, "not-found");
    if (std::string_view(path).size() > 6) CHECK(answer.body.find(path) == std::string::npos);
  }
  check_alive();
}

TEST_CASE("ids use all 63 bits") {
  check_problem(ask("GET", "/users/2147483648"), 404, "not-found");
  check_problem(ask("GET", "/users/9223372036854775807"), 404, "not-found");
  check_problem(ask("GET", "/orders/9223372036854775807"), 404, "not-found");
}

TEST_CASE("a malformed target is refused") {
  for (const std::string path :
       {"/nope/%zz", "/nope/%", "/nope/%1", "/users/a%00b", "/a\\b", "/a\"b", "/a<b", "/a^b",
        "/a`b", "/a{b}", "/a|b", "/\xc3\xa9", "/a#b", "users", "*", "ftp://localhost/users",
        "http:///users", "http://other/users"}) {
    CAPTURE(path);
    HttpClient client(system_url());
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const HttpAnswer answer = client.read();
    CHECK(answer.status == 400);
    CHECK(answer.header("Content-Type") == "application/problem+json");
    CHECK(answer.closed);
  }
  check_alive();
}

TEST_CASE("the absolute form is the same request") {
  const std::string text = "GET http://localhost/users?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  CHECK(ask_raw(text).status == 200);
}

TEST_CASE("line breaks in a query stay data") {
  const HttpAnswer answer = ask("GET", "/users?x=%0d%0aSet-Cookie:%20a=b");
  check_problem(answer, 400, "unknown-parameter");
  CHECK_FALSE(answer.has("Set-Cookie"));
  check_problem(ask("GET", "/users%0d%0aSet-Cookie:a"), 404, "not-found");
  for (const std::string query : {"limit=%", "limit=%1", "limit=%zz"}) {
    CAPTURE(query);
    const HttpAnswer broken = ask("GET", "/users?" + std::string(query));
    CHECK(broken.status == 400);
  }
}

TEST_CASE("methods that nobody serves are refused") {
  struct Case {
    const char* method;
    int status;
    const char* slug;
  };
  for (const Case& one :
       {Case{"TRACE", 405, "method-not-allowed"}, Case{"CONNECT", 405, "method-not-allowed"},
        Case{"BREW", 501, "unknown-method"}, Case{"get", 501, "unknown-method"},
        Case{"PROPFIND", 501, "unknown-method"}}) {
    CAPTURE(std::string(one.method));
    const HttpAnswer answer = ask(one.method, "/users");
    check_problem(answer, one.status, one.slug);
  }
  check_alive();
}

TEST_CASE("methods that nobody serves are told which ones the path allows") {
  for (const std::string method : {"TRACE", "CONNECT"}) {
    CAPTURE(method);
    const auto allowed = [&](const std::string& path) {
      const HttpAnswer answer = ask(method, path);
      check_problem(answer, 405, "method-not-allowed");
      return answer.header("Allow");
    };
    CHECK(allowed("/users") == "GET, HEAD, OPTIONS, POST");
    CHECK(allowed("/products/1") == "DELETE, GET, HEAD, OPTIONS, PUT");
    CHECK(allowed("/orders/1") == "DELETE, GET, HEAD, OPTIONS");
    CHECK(allowed("/livez") == "GET, HEAD, OPTIONS");
    check_problem(ask(method, "/nope"), 404, "not-found");
  }
  check_alive();
}

TEST_CASE("a body of another type or coding is refused") {
  const std::string body = Json{{"name", "A"}, {"email", unique_email()}}.dump();
  for (const std::string type :
       {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/json; charset=latin1", "application/jsonx", "application/json, text/plain",
        "application/problem+json", "text/json"}) {
    CAPTURE(type);
    const HttpAnswer answer = ask("POST", "/users", body, {{"Content-Type", type}});
    check_problem(answer, 415, "unsupported-media-type");
    CHECK(answer.header("Accept-Post") == "application/json");
  }
  for (const std::string coding : {"gzip", "br", "deflate", "identity", "x"}) {
    CAPTURE(coding);
    check_problem(ask("POST", "/users", body, {{"Content-Encoding", coding}}), 415,
                  "unsupported-encoding");
  }
  for (const std::string type :
       {"application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=UTF-8", "application/json; charset=\"utf-8\""}) {
    CAPTURE(type);
    const std::string fresh = Json{{"name", "A"}, {"email", unique_email()}}.dump();
    CHECK(ask("POST", "/users", fresh, {{"Content-Type", type}}).status == 201);
  }
}

TEST_CASE("a Range is ignored") {
  const std::string path = path_of("/users", make_user());
  const std::string whole = ask("GET", path).body;
  for (const std::string range :
       {"bytes=0-1", "bytes=-1", "bytes=5-", "bytes=0-0,2-2", "bytes=9-1", "x"}) {
    CAPTURE(range);
    const HttpAnswer answer = ask("GET", path, "", {{"Range", range}});
    CHECK(answer.status == 200);
    CHECK(answer.body == whole);
    CHECK_FALSE(answer.has("Content-Range"));
  }
}

TEST_CASE("nothing is compressed, whatever the client would take") {
  make_user();
  const HttpAnswer answer = ask("GET", "/users", "", {{"Accept-Encoding", "gzip, br, deflate"}});
  CHECK_FALSE(answer.has("Content-Encoding"));
  CHECK(Json::parse(answer.body).is_array());
}

TEST_CASE("headers of other programs change nothing") {
  for (const Headers& headers :
       {Headers{{"X-Forwarded-For", "1.2.3.4"}}, Headers{{"REMOTE_ADDR", "1.2.3.4"}},
        Headers{{"X-HTTP-Method-Override", "DELETE"}}, Headers{{"X-Original-URL", "/admin"}},
        Headers{{"Forwarded", "for=1.2.3.4;host=evil"}}, Headers{{"Accept", "text/html"}},
        Headers{{"Authorization", "Bearer x"}}, Headers{{"Cookie", "a=b"}}}) {
    CAPTURE(headers[0].first);
    CHECK(ask("GET", "/users?limit=1", "", headers).status == 200);
  }
}

}  // namespace cleave::test
