// Reading a peer's answer: the verdict is the same however the bytes are cut.
#include "http/remote_answer.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace cleave;
using http::Parse;
using http::RemoteAnswer;

namespace {

constexpr std::size_t kLargest = 1000;

Parse read(RemoteAnswer& answer, std::string_view bytes, std::size_t piece) {
  Parse step = Parse::kMore;
  for (std::size_t at = 0; at < bytes.size() && step == Parse::kMore; at += piece) {
    step = answer.feed(bytes.substr(at, piece));
  }
  return step;
}

void check_whole(std::string_view bytes, int status, std::string_view body, bool reusable = true) {
  CAPTURE(bytes);
  for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    RemoteAnswer answer(kLargest, false);
    CHECK(read(answer, bytes, piece) == Parse::kComplete);
    CHECK(answer.response().status == status);
    CHECK(answer.response().body == body);
    CHECK(answer.reusable() == reusable);
  }
}

void check_verdict(std::string_view bytes, Parse verdict) {
  CAPTURE(bytes.substr(0, 100));
  for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    RemoteAnswer answer(kLargest, false);
    CHECK(read(answer, bytes, piece) == verdict);
    if (verdict == Parse::kRefused) CHECK(std::string_view(answer.why()) != "");
  }
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";

}  // namespace

TEST_CASE("a whole answer is read, whatever states its length") {
  check_whole(kOk + "Content-Length: 2\r\n\r\n{}", 200, "{}");
  check_whole(kOk + "content-length:0\r\n\r\n", 200, "");
  check_whole(kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, "{}");
  check_whole("HTTP/1.1 204 \r\n\r\n", 204, "");
  check_whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "");
  check_whole("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, "x");
  check_whole("HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + kOk +
                  "Content-Length: 2\r\n\r\n{}",
              200, "{}");
}

TEST_CASE("a connection that the peer closes, or that has bytes left over, is not used again") {
  check_whole(kOk + "Connection: close\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false);
  check_whole("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false);
  RemoteAnswer answer(kLargest, false);
  CHECK(answer.feed(kOk + "Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n") == Parse::kComplete);
  CHECK_FALSE(answer.reusable());
}

TEST_CASE("the answer to a HEAD has no body, whatever length it names") {
  RemoteAnswer answer(kLargest, true);
  CHECK(answer.feed(kOk + "Content-Length: 99999999\r\n\r\n") == Parse::kComplete);
  CHECK(answer.response().body.empty());
  CHECK(answer.reusable());
}

TEST_CASE("headers of the connection and of each single answer end here") {
  RemoteAnswer answer(kLargest, false);
  REQUIRE(answer.feed(kOk + "Date: x\r\nServer-Timing: x\r\nX-Request-Id: x\r\ntraceparent: x\r\n"
                            "Connection: keep-alive\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n") ==
          Parse::kComplete);
  REQUIRE(answer.response().headers.size() == 1);
  CHECK(answer.response().header("etag") == "\"1\"");
}

TEST_CASE("an answer that does not state its length clearly is refused") {
  check_verdict(kOk + "\r\n{}", Parse::kRefused);
  for (const std::string length : {"abc", "-1", "+2", "2, 2", "0x2", "", "18446744073709551616"}) {
    check_verdict(kOk + "Content-Length: " + length + "\r\n\r\n{}", Parse::kRefused);
  }
  check_verdict(kOk + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", Parse::kRefused);
  check_verdict(kOk + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                Parse::kRefused);
  check_verdict(kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n", Parse::kRefused);
  check_verdict(kOk + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", Parse::kRefused);
}

TEST_CASE("an answer that is too large is refused before it is read") {
  check_verdict(kOk + "Content-Length: 1001\r\n\r\n", Parse::kRefused);
  check_verdict(kOk + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", Parse::kRefused);
  check_verdict(kOk + "X: " + std::string(40000, 'x'), Parse::kRefused);
  std::string many = kOk;
  for (int i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  check_verdict(many + "\r\n", Parse::kRefused);
}

TEST_CASE("what is no HTTP answer is refused") {
  for (const std::string line :
       {"HTTP/2 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 No", "HTTP/1.1 600 No",
        "HTTP/1.1  200 OK", "http/1.1 200 OK", "SSH-2.0-OpenSSH", "HTTP/1.1 200 a\x01"}) {
    check_verdict(line + "\r\nContent-Length: 0\r\n\r\n", Parse::kRefused);
  }
  check_verdict(kOk + "no colon\r\nContent-Length: 0\r\n\r\n", Parse::kRefused);
  check_verdict(kOk + "X : 1\r\nContent-Length: 0\r\n\r\n", Parse::kRefused);
  check_verdict(kOk + "X: a\nY: b\r\nContent-Length: 0\r\n\r\n", Parse::kRefused);
  check_verdict("HTTP/1.1 101 Switching\r\n\r\n", Parse::kRefused);
}

TEST_CASE("interim answers without an end are refused") {
  std::string flood;
  for (int i = 0; i < 9; ++i) flood += "HTTP/1.1 100 Continue\r\n\r\n";
  check_verdict(flood, Parse::kRefused);
}

TEST_CASE("an answer that is not whole yet is not believed") {
  check_verdict(kOk + "Content-Length: 3\r\n\r\n{}", Parse::kMore);
  check_verdict(kOk + "Content-Length: 3\r\n", Parse::kMore);
  check_verdict(kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", Parse::kMore);
}
