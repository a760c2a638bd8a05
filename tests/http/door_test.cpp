// The door over a socket: what is refused, what is answered, and that nothing hides.
#include <doctest/doctest.h>

#include "framing_cases.hpp"
#include "world.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

/// Refusals: one answer, a problem, and the connection closes.
void check_refusal(World& world, const FramingCase& one, bool drip) {
  CAPTURE(one.what);
  CAPTURE(drip);
  Client client = world.client();
  drip ? client.drip(one.bytes) : client.send(one.bytes);
  const Answer answer = client.answer();
  CHECK(answer.status == (one.status == 0 ? 200 : one.status));
  if (one.status == 0) return;
  CHECK(answer.header("Connection") == "close");
  CHECK(answer.header("Content-Type") == "application/problem+json");
  CHECK(answer.header("X-Request-Id").size() == 36);
  CHECK(answer.header("traceparent").size() == 55);
  CHECK(answer.body.find("\"status\":" + std::to_string(one.status)) != std::string::npos);
  CHECK(client.closed());
}

void check_all(const std::vector<FramingCase>& cases) {
  World world;
  for (const FramingCase& one : cases) {
    if (one.bytes.starts_with("OPTIONS *")) continue;  // answers 204: a test of its own
    check_refusal(world, one, false);
    if (one.bytes.size() < 1000) check_refusal(world, one, true);
  }
  CHECK(world.behaviour.hidden == 0);
  CHECK(world.alive());
}

}  // namespace

TEST_CASE("request lines get their exact answers") {
  check_all(line_cases());
}

TEST_CASE("headers get their exact answers") {
  check_all(field_cases());
}

TEST_CASE("bodies get their exact answers, and no handler runs for what they hide") {
  check_all(body_cases());
}

TEST_CASE("malformed chunks get 400 and close") {
  World world;
  for (FramingCase one : chunk_cases()) {
    one.bytes = post("Transfer-Encoding: chunked\r\n", one.bytes);
    check_refusal(world, one, false);
  }
  CHECK(world.alive());
}

TEST_CASE("an answer carries what every answer carries") {
  World world;
  const Answer answer = world.ask(
      "GET /a?b HTTP/1.1\r\nHost: x\r\nX-Request-Id: my-id\r\n"
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.header("X-Request-Id") == "my-id");
  CHECK(answer.header("traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
  CHECK(answer.header("Server-Timing").starts_with("total;dur="));
  CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  CHECK(answer.header("Content-Type") == "text/plain; charset=utf-8");
  CHECK(answer.header("Date").ends_with(" GMT"));
  CHECK(answer.header("Connection").empty());
  CHECK(answer.header("Keep-Alive").empty());
  CHECK(answer.body.starts_with("GET /a?b\n"));
}

TEST_CASE("HEAD answers as GET without the body") {
  World world;
  Client client = world.client();
  const Answer full = client.send("GET /big?1000 HTTP/1.1\r\nHost: x\r\n\r\n").answer();
  const Answer head = client.send("HEAD /big?1000 HTTP/1.1\r\nHost: x\r\n\r\n").answer(true);
  CHECK(full.body.size() == 1000);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == "1000");
  CHECK(head.header("Content-Type") == full.header("Content-Type"));
  CHECK(head.header("Accept-Ranges").empty());
  CHECK(client.send("GET /after HTTP/1.1\r\nHost: x\r\n\r\n")
            .answer()
            .body.starts_with("GET /after"));
}

TEST_CASE("OPTIONS * answers 204 with Allow, and 204 has no length") {
  World world;
  const Answer star = world.ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(star.status == 204);
  CHECK(star.header("Allow") == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
  CHECK(star.header("Content-Length").empty());
  const Answer none = world.ask("GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(none.status == 204);
  CHECK(none.header("Content-Length").empty());
}

TEST_CASE("TRACE and CONNECT are told what their path allows, and reach no handler themselves") {
  World world;
  for (const char* start : {"TRACE /known", "CONNECT /known"}) {
    CAPTURE(start);
    Client client = world.client();
    const Answer answer = client.send(std::string(start) + " HTTP/1.1\r\nHost: x\r\n\r\n").answer();
    CHECK(answer.status == 405);
    CHECK(answer.header("Allow") == "GET, HEAD, OPTIONS");
    CHECK(answer.body.find("/problems/method-not-allowed") != std::string::npos);
    CHECK(client.closed());
  }
  CHECK(world.ask("TRACE /problem HTTP/1.1\r\nHost: x\r\n\r\n").status == 409);
  for (const char* start : {"TRACE /", "CONNECT x:80"}) {  // nobody says what is allowed there
    CAPTURE(start);
    const Answer answer = world.ask(std::string(start) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(answer.status == 405);
    CHECK(answer.header("Allow") == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
  }
}

TEST_CASE("Expect: 100-continue gets 100, then the answer") {
  World world;
  Client client = world.client();
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.answer().status == 100);
  const Answer answer = client.send("abc").answer();
  CHECK(answer.status == 200);
  CHECK(answer.body.ends_with("\n\nabc"));
  CHECK(world
            .ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n"
                 "Expect: 100-continue\r\n\r\n")
            .status == 413);
}

TEST_CASE("Range and Accept-Encoding change nothing") {
  World world;
  const Answer answer = world.ask(
      "GET /big?5000 HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\nAccept-Encoding: gzip, br\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.body.size() == 5000);
  CHECK(answer.header("Content-Encoding").empty());
}

TEST_CASE("a handler that throws gets a problem out, and nothing of what it said") {
  World world;
  for (const char* path : {"/throw", "/throw-int", "/no-status"}) {
    CAPTURE(path);
    const Answer answer = world.ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(answer.status == 500);
    CHECK(answer.header("Content-Type") == "application/problem+json");
    CHECK(answer.header("EXCEPTION_WHAT").empty());
    CHECK((answer.head + answer.body).find("secret") == std::string::npos);
  }
  const Answer problem = world.ask("GET /problem HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(problem.status == 409);
  CHECK(problem.body.find("\"/email\"") != std::string::npos);
}

TEST_CASE("headers of a handler that would break the answer are dropped") {
  World world;
  const Answer answer = world.ask("GET /injection HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.header("X-Good") == "yes");
  CHECK(answer.header("X-Evil").empty());
  CHECK(answer.head.find("X:Bad") == std::string::npos);
  CHECK(answer.header("Content-Length") == std::to_string(answer.body.size()));
}

TEST_CASE("a path that is no UTF-8 does not end the process") {
  World world;
  for (const char* path : {"/nope/%ff", "/%c0%af", "//x", "/..", "/%2e%2e/hidden", "/a%2Fhidden"}) {
    CAPTURE(path);
    CHECK(world.ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n").status == 200);
  }
  CHECK(world.behaviour.hidden == 0);
  CHECK(world.alive());
}

TEST_CASE("a caller may shorten its deadline, never lengthen it") {
  World world;
  const auto left = [&](const char* asked) {
    const Answer answer = world.ask("GET /deadline HTTP/1.1\r\nHost: x\r\nX-Cleave-Deadline-Ms: " +
                                    std::string(asked) + "\r\n\r\n");
    return std::stoi(answer.body);
  };
  CHECK(left("300") <= 300);
  CHECK(left("99999") <= 2500);
  CHECK(left("99999") > 1000);
  CHECK(left("soon") > 1000);
}
