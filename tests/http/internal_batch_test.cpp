// Several calls to a module in one request: each is answered as if it had come alone.
#include <doctest/doctest.h>

#include "http/batch_wire.hpp"
#include "internal_host.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

Answer ask_batch(const InternalHost& host, const std::string& body,
                 const std::string& headers = kToken) {
  return Client(host.server->address())
      .send("POST /internal/user HTTP/1.1\r\nHost: x\r\n" + headers +
            "Content-Type: " + std::string(http::kBatchType) +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body)
      .answer();
}

std::string get(const std::string& path, const std::string& headers, const char* method = "GET") {
  return std::string(method) + " " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

std::string batch(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& one : parts) http::append_part(all, one);
  return all;
}

/// Without what the caller drops, which a part does not have.
std::string kept(std::string answer) {
  for (const std::string name :
       {"Date: ", "X-Request-Id: ", "traceparent: ", "Server-Timing: ", "X-Content-Type-"}) {
    const std::size_t at = answer.find(name);
    if (at != std::string::npos) answer.erase(at, answer.find("\r\n", at) + 2 - at);
  }
  return answer;
}

}  // namespace

TEST_CASE("each part is what the call would get alone, but for what its caller drops") {
  InternalHost host("secret");
  const std::string id = "X-Request-Id: abc\r\n";
  const std::vector<std::string> parts{
      get("/internal/user/users/7?x=1", kToken + kOrder + id + "X-Cleave-Depth: 3\r\n"),
      get("/internal/user/users/401", kToken + kOrder + id),
      get("/internal/user/users/1", kOrder + id),  // no token
      get("/internal/user/users/1", kToken + id),  // no caller
      get("/internal/nobody/users/1", kToken + kOrder + id),
      get("/internal/user", kToken + kOrder + id),
      get("/internal/user/users/2", kToken + kOrder + id, "HEAD"),
  };
  const Answer answer = ask_batch(host, batch(parts));
  CHECK(answer.status == 200);
  CHECK(answer.header("X-Cleave-Module") == "user");
  CHECK(answer.header("Content-Type") == http::kBatchType);
  std::string_view rest = answer.body, got;
  for (const std::string& one : parts) {
    CAPTURE(one);
    REQUIRE(http::take_part(rest, got));
    Client alone(host.server->address());
    const Answer same = alone.send(one).answer(one.starts_with("HEAD"));
    CHECK(std::string(got) == kept(same.head + "\r\n" + same.body));
  }
  CHECK(rest.empty());
}

TEST_CASE("a batch that is not plainly right runs nothing") {
  InternalHost host("secret");
  const std::string good = get("/internal/user/users/7", kToken + kOrder);
  const std::vector<std::string> bad{
      batch({good}) + "12\nGET",
      batch({good}) + "x",
      batch({good, "GET /internal/user/users/7 HTTP/1.1\r\n\r\n"}),  // no Host
      batch({good, good + "GET"}),
      batch({good, get("/internal/user/users/7", kToken + kOrder, "POST")}),
      batch({good, get("/internal/user/users/7", kToken + "Content-Length: 1\r\n") + "x"}),
      batch({good, get("/users/7", "")}),  // no way around the gateway
      batch({good, get("/internal/user/users/7", "Transfer-Encoding: chunked\r\n")}),
      batch(std::vector<std::string>(http::kLargestBatch + 1, good)),
  };
  for (const std::string& one : bad) {
    CAPTURE(one);
    const Answer answer = ask_batch(host, one);
    CHECK(answer.status == 400);
    CHECK(answer.body.find("/problems/malformed-batch") != std::string::npos);
  }
  CHECK(host.mirror.calls == 0);
  CHECK(ask_batch(host, batch(std::vector<std::string>(http::kLargestBatch, good))).status == 200);
  CHECK(host.mirror.calls == http::kLargestBatch);
  CHECK(ask_batch(host, "").body.empty());
}

TEST_CASE("a batch needs the token, too") {
  InternalHost host("secret");
  const std::string good = batch({get("/internal/user/users/7", kToken + kOrder)});
  CHECK(ask_batch(host, good, "").status == 401);
  CHECK(ask_batch(host, good, "X-Cleave-Service-Token: wrong\r\n").status == 401);
  InternalHost closed("");
  CHECK(ask_batch(closed, good).status == 404);
}

TEST_CASE("answers that are large together are asked for alone") {
  InternalHost host("secret");
  host.mirror.more = std::string(200 * 1024, 'x');
  const std::string one = get("/internal/user/users/7", kToken + kOrder);
  const Answer answer = ask_batch(host, batch({one, one, one}));
  std::string_view rest = answer.body, part;
  std::vector<bool> there;
  while (http::take_part(rest, part)) there.push_back(!part.empty());
  CHECK(there == std::vector<bool>{true, true, false});
}
