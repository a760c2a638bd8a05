// The two parsers alone: every case whole, and cut at every place.
#include "http/framing.hpp"

#include <doctest/doctest.h>

#include "framing_cases.hpp"
#include "http/chunked.hpp"
#include "http/target.hpp"

using namespace cleave;
using namespace cleave::http;
using namespace cleave::test;

namespace {

/// 0: complete; -1: more is needed; else the status of the refusal.
int judge(std::string_view bytes, Head& head) {
  Refusal refusal;
  switch (parse_head(bytes, Limits{}, head, refusal)) {
    case Parse::kComplete:
      return 0;
    case Parse::kMore:
      return -1;
    default:
      return refusal.status;
  }
}

void check_cases(const std::vector<FramingCase>& cases) {
  for (const FramingCase& one : cases) {
    CAPTURE(one.what);
    Head head;
    CHECK(judge(one.bytes, head) == one.status);
    // However it is cut: a prefix asks for more until it gets the verdict of the whole. Long ones
    // are cut in bigger steps.
    const std::size_t step = one.bytes.size() > 1000 ? 97 : 1;
    for (std::size_t size = 0; size < one.bytes.size(); size += step) {
      const int verdict = judge(std::string_view(one.bytes).substr(0, size), head);
      const bool as_the_whole = verdict == -1 || verdict == one.status;
      CHECK(as_the_whole);
      if (!as_the_whole || verdict != -1) break;
    }
  }
}

int decode(std::string_view bytes, std::size_t step, std::string& body, std::size_t& used) {
  ChunkedDecoder decoder(1024 * 1024);
  Refusal refusal;
  used = 0;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    std::size_t taken = 0;
    const Parse parsed = decoder.feed(bytes.substr(at, step), taken, refusal);
    used += taken;
    if (parsed == Parse::kRefused) return refusal.status;
    if (parsed == Parse::kComplete) {
      body = decoder.body();
      return 0;
    }
  }
  return -1;
}

}  // namespace

TEST_CASE("request lines are judged alike, whole or in pieces") {
  check_cases(line_cases());
}

TEST_CASE("headers are judged alike, whole or in pieces") {
  check_cases(field_cases());
}

TEST_CASE("bodies are delimited by one plain rule or refused") {
  check_cases(body_cases());
}

TEST_CASE("a head's parts are taken out, and what ends at this hop is taken away") {
  Head head;
  REQUIRE(
      judge("GET /a/b?c=d&e HTTP/1.1\r\nHost: x\r\nX-A:  1 \t\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
            "Connection: close, X-User\r\nX-User: root\r\n\r\nrest",
            head) == 0);
  CHECK(head.method == "GET");
  CHECK(head.path == "/a/b");
  CHECK(head.query == "c=d&e");
  CHECK(head.header("x-a") == "1");
  CHECK(head.header("X-User").empty());
  CHECK(head.headers.size() == 2);
  CHECK_FALSE(head.keep_alive);
}

// Only who knows the path can say what is allowed there (door_test.cpp).
TEST_CASE("TRACE and CONNECT are let through to a path, and end their connection") {
  Head head;
  for (const char* start : {"TRACE /a", "CONNECT /a"}) {
    CAPTURE(start);
    CHECK(judge(line(std::string(start) + " HTTP/1.1"), head) == 0);
    CHECK(head.unserved);
    CHECK_FALSE(head.keep_alive);
  }
  CHECK(judge(line("GET /a HTTP/1.1"), head) == 0);
  CHECK_FALSE(head.unserved);
}

TEST_CASE("HTTP/1.0 keeps a connection only when asked") {
  Head head;
  REQUIRE(judge("GET / HTTP/1.0\r\n\r\n", head) == 0);
  CHECK_FALSE(head.keep_alive);
  REQUIRE(judge("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", head) == 0);
  CHECK(head.keep_alive);
}

TEST_CASE("the absolute form gives its path") {
  Head head;
  REQUIRE(judge("GET http://X:80/a?b HTTP/1.1\r\nHost: x:80\r\n\r\n", head) == 0);
  CHECK(head.path == "/a");
  CHECK(head.query == "b");
  REQUIRE(judge("GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", head) == 0);
  CHECK(head.path == "/");
}

TEST_CASE("chunked bodies are decoded or refused alike in every split") {
  for (const FramingCase& one : chunk_cases()) {
    for (std::size_t step = 1; step <= one.bytes.size() + 1; ++step) {
      CAPTURE(one.what);
      CAPTURE(step);
      std::string body;
      std::size_t used = 0;
      const int verdict = decode(one.bytes, step, body, used);
      CHECK(verdict == one.status);
      if (verdict == 0) CHECK(used == one.bytes.size());
      if (verdict != one.status || one.bytes.size() > 200) break;
    }
  }
}

TEST_CASE("a chunked body ends where it ends, and may not grow over the limit") {
  std::string body;
  std::size_t used = 0;
  CHECK(decode("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET /", 100, body, used) == 0);
  CHECK(body == "abcde");
  CHECK(used == 20);
  ChunkedDecoder small(4);
  Refusal refusal;
  CHECK(small.feed("4\r\nabcd\r\n1\r\n", used, refusal) == Parse::kRefused);
  CHECK(refusal.status == 413);
}
