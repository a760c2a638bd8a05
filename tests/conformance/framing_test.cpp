// Requests whose framing is wrong or doubtful. The deep cases are in tests/http; here is what must
// hold of the whole system: the exact answer, then the end of the connection, and no second request
// read out of the rest.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include "conformance/system.hpp"

namespace cleave::test {
namespace {

constexpr const char* kPost =
    "POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
// What an attacker would have run as a request of its own.
constexpr const char* kSmuggled = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";

struct Case {
  std::string bytes;
  int status;
  const char* slug;
};

void check_all(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.bytes.substr(0, 160));
    check_refused(ask_raw(one.bytes + kSmuggled), one.status, one.slug);
  }
  check_alive();
}

std::string get_with(const std::string& lines) {
  return "GET /users HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}
std::string post_with(const std::string& lines, const std::string& body = "") {
  return kPost + lines + "\r\n" + body;
}
std::string chunked(const std::string& body) {
  return post_with("Transfer-Encoding: chunked\r\n", body);
}

}  // namespace

TEST_CASE("a length that is stated twice, badly or in two ways is refused") {
  std::vector<Case> cases;
  for (const std::string lines :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n", "Content-Length: 5 5\r\n", "Content-Length: \"\"\r\n",
        "Content-Length: \r\n", "Content-Length: 5a\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    cases.push_back({post_with(lines, "0\r\n\r\n"), 400, "bad-length"});
  }
  cases.push_back(
      {"POST /users HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-length"});
  check_all(cases);
}

TEST_CASE("a transfer coding other than chunked is refused") {
  std::vector<Case> cases;
  for (const std::string coding : {"xchunked", "chunked, gzip", "gzip, chunked", "identity",
                                   "\"chunked\"", "chunked;q=1", "chunked, chunked", ""}) {
    cases.push_back({post_with("Transfer-Encoding: " + std::string(coding) + "\r\n", "0\r\n\r\n"),
                     501, "unknown-coding"});
  }
  for (const std::string coding : {"\x0b"
                                   "chunked",
                                   "chunked\x0c",
                                   "\x01"
                                   "chunked"}) {
    cases.push_back({post_with("Transfer-Encoding: " + coding + "\r\n", "0\r\n\r\n"), 400,
                     "malformed-request"});
  }
  check_all(cases);
}

TEST_CASE("a chunked body with broken framing is refused") {
  std::vector<Case> cases;
  for (const std::string& body :
       {std::string("-2\r\n{}\r\n0\r\n\r\n"), std::string("0x2\r\n{}\r\n0\r\n\r\n"),
        std::string("ffffffffffffffffff\r\n"), std::string(" 2\r\n{}\r\n0\r\n\r\n"),
        std::string("2 \r\n{}\r\n0\r\n\r\n"), std::string("2\n{}\r\n0\r\n\r\n"),
        std::string("2\r\n{}\n0\r\n\r\n"), std::string("2\r\n{}0\r\n\r\n"),
        std::string("2\r\n{}xx0\r\n\r\n"), std::string("\r\n{}\r\n0\r\n\r\n"),
        "2;" + std::string(1100, 'x') + "\r\n{}\r\n0\r\n\r\n",
        std::string("2\r\n{}\r\n0\r\nno colon\r\n\r\n")}) {
    cases.push_back({chunked(body), 400, "bad-chunk"});
  }
  check_all(cases);
}

TEST_CASE("a well-formed chunked body is a body, and its trailers change nothing") {
  const std::string body = Json{{"name", "Ada"}, {"email", unique_email()}}.dump();
  char size[16];
  std::snprintf(size, sizeof size, "%zx", body.size() - 1);
  HttpClient client(system_url());
  client.send(chunked("1;name=value\r\n{\r\n" + std::string(size) + "\r\n" + body.substr(1) +
                      "\r\n0\r\nHost: evil\r\nContent-Length: 9\r\nX-Request-Id: evil\r\n\r\n"));
  const HttpAnswer answer = client.read();
  CHECK(answer.status == 201);
  CHECK(answer.header("X-Request-Id") != "evil");
  CHECK(client.ask("GET", "/livez").status == 200);
}

TEST_CASE("a malformed header line is refused") {
  std::vector<Case> cases;
  for (const std::string& line :
       {std::string("A: b\r\n folded\r\n"), std::string("A : b\r\n"), std::string("no colon\r\n"),
        std::string(": empty\r\n"), std::string("A: b\0c\r\n", 8), std::string("A: b\rc\r\n"),
        std::string("A: b\n"), std::string(" A: b\r\n"), std::string("A\x01: b\r\n"),
        std::string("A: \x1b[2J\r\n"), std::string("(A): b\r\n")}) {
    cases.push_back({get_with(line), 400, "malformed-request"});
  }
  check_all(cases);
}

TEST_CASE("exactly one well-formed Host is needed") {
  std::vector<Case> cases;
  for (const std::string lines :
       {"", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host: a/b\r\n", "Host: user@a\r\n",
        "Host: \r\n", "Host: a b\r\n", "Host: a:99999\r\n", "Host: a:b\r\n", "Host: http://a\r\n",
        "Host: a,b\r\n"}) {
    cases.push_back({"GET /users HTTP/1.1\r\n" + std::string(lines) + "\r\n", 400, "bad-host"});
  }
  check_all(cases);
  for (const std::string host : {"a", "a.b:80", "127.0.0.1:1", "[::1]:8080", "A-b.c"}) {
    CAPTURE(host);
    CHECK(ask("GET", "/livez", "", {{"Host", host}}).status == 200);
  }
}

TEST_CASE("what is no HTTP/1.1 is refused") {
  check_all({{"GET /users\r\n\r\n", 400, "malformed-request"},
             {"GET  /users HTTP/1.1\r\n\r\n", 400, "malformed-request"},
             {"GET /users HTTP/1.1 \r\n\r\n", 400, "malformed-request"},
             {"GET /users http/1.1\r\nHost: a\r\n\r\n", 400, "malformed-request"},
             {"GET /users HTTP/1.1\nHost: a\n\n", 400, "malformed-request"},
             {"GET /users HTTP/11\r\nHost: a\r\n\r\n", 400, "malformed-request"},
             {" GET /users HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed-request"},
             {"GET /users HTTP/1.2\r\nHost: a\r\n\r\n", 505, "version-not-supported"},
             {"GET /users HTTP/2.0\r\nHost: a\r\n\r\n", 505, "version-not-supported"},
             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed-request"},
             {std::string("\x16\x03\x01\x02\x00\x01", 6), 400, "malformed-request"}});
}

TEST_CASE("a method that takes no body gets none") {
  for (const std::string method : {"GET", "HEAD", "OPTIONS", "DELETE"}) {
    CAPTURE(method);
    const std::string start = std::string(method) + " /users/1 HTTP/1.1\r\nHost: a\r\n";
    const std::string body(kSmuggled);
    HttpAnswer answer = ask_raw(
        start + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body, method);
    CHECK(answer.status == 400);
    CHECK(answer.closed);
    CHECK(answer.excess == "");
    answer = ask_raw(start + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + body, method);
    CHECK(answer.status == 400);
    CHECK(answer.closed);
    CHECK(answer.excess == "");
  }
  check_refused(ask_raw(get_with("Content-Length: 1\r\n") + "x"), 400, "body-not-allowed");
  CHECK(ask_raw(get_with("Content-Length: 0\r\n")).status == 200);
  check_alive();
}

TEST_CASE("a method that takes a body must say how long it is") {
  check_all({{post_with(""), 411, "length-required"},
             {"PUT /users/1 HTTP/1.1\r\nHost: a\r\n\r\n", 411, "length-required"}});
}

TEST_CASE("what is too long or too much is refused by name") {
  const std::string kilobytes(9000, 'a');
  std::string many, large;
  for (int i = 0; i < 101; ++i) many += "A" + std::to_string(i) + ": b\r\n";
  for (int i = 0; i < 6; ++i)
    large += "A" + std::to_string(i) + ": " + std::string(7000, 'a') + "\r\n";
  check_all({{"GET /" + kilobytes + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long"},
             {"GET /" + std::string(100000, 'a'), 414, "uri-too-long"},
             {get_with(many), 431, "headers-too-large"},
             {get_with(large), 431, "headers-too-large"},
             {get_with("A: " + std::string(100000, 'a') + "\r\n"), 431, "headers-too-large"}});
  // "A: " and CR LF make it 8 KiB.
  CHECK(ask("GET", "/livez", "", {{"A", std::string(8187, 'a')}}).status == 200);
  check_all({{get_with("A: " + std::string(8188, 'a') + "\r\n"), 431, "headers-too-large"}});
}

TEST_CASE("Expect: 100-continue is answered before the body, any other expectation refused") {
  const std::string body = Json{{"name", "Ada"}, {"email", unique_email()}}.dump();
  HttpClient client(system_url());
  client.send(
      post_with("Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  CHECK(client.read("POST", std::chrono::milliseconds(300)).status == 0);
  CHECK(client.interim == std::vector<int>{100});
  client.send(body);
  CHECK(client.read().status == 201);
  check_refused(ask_raw(post_with("Expect: the impossible\r\nContent-Length: 2\r\n")), 417,
                "expectation-failed");
  check_refused(ask_raw(post_with("Expect: 100-continue\r\nContent-Length: 2000000\r\n")), 413,
                "too-large");
  check_alive();
}

TEST_CASE("headers of one hop end here") {
  const HttpAnswer answer =
      ask("GET", "/livez", "", {{"Connection", "close, X-User-Id"}, {"X-User-Id", "1"}});
  CHECK(answer.status == 200);
  CHECK(answer.closed);
  const Headers upgrade{{"Connection", "Upgrade, HTTP2-Settings"},
                        {"Upgrade", "h2c"},
                        {"HTTP2-Settings", "AAMAAABkAAQAAP__"}};
  CHECK(ask("GET", "/livez", "", upgrade).status == 200);
  const Headers named{{"Connection", "If-None-Match"}, {"If-None-Match", "*"}};
  CHECK(ask("GET", path_of("/users", make_user()), "", named).status == 200);
}

TEST_CASE("a client that does not finish its head is told so in time") {
  HttpClient client(system_url());
  client.send("GET /users HTTP/1.1\r\nHost: ");
  const HttpAnswer answer = client.read("GET", std::chrono::milliseconds(7000));
  check_refused(answer, 408, "request-timeout");
  check_alive();
}

TEST_CASE("a body that drips is cut after ten seconds in total, and others are served meanwhile") {
  using Clock = std::chrono::steady_clock;
  using std::chrono::milliseconds;
  HttpClient slow(system_url());
  const auto began = Clock::now();
  slow.send(post_with("Content-Length: 1000\r\n", "{"));
  HttpAnswer answer;
  milliseconds slowest{0};
  while (answer.status == 0 && Clock::now() - began < milliseconds(14000)) {
    slow.send(" ");  // each byte comes in time, the whole does not
    const auto asked = Clock::now();
    CHECK(ask("GET", "/users?limit=1").status == 200);
    slowest = std::max(slowest, std::chrono::duration_cast<milliseconds>(Clock::now() - asked));
    answer = slow.read("POST", milliseconds(250));
  }
  const auto took = Clock::now() - began;
  check_refused(answer, 408, "request-timeout");
  CHECK(took > milliseconds(9500));
  CHECK(took < milliseconds(11500));
  CHECK(slowest < milliseconds(1000));
}

TEST_CASE("a client that goes away in the middle costs nothing") {
  for (const std::string part : {"", "G", "GET /users HTTP/1.1\r\n",
                                 "POST /users HTTP/1.1\r\nHost: a\r\n"
                                 "Content-Length: 100\r\n\r\n{"}) {
    HttpClient client(system_url());
    client.send(part);
  }
  for (int i = 0; i < 20; ++i) HttpClient(system_url()).send(get_with(""));  // wants no answer
  check_alive();
}

}  // namespace cleave::test
