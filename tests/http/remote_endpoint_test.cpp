// Calls to a peer that behaves, over real sockets: what is sent, what comes back, and that
// connections are kept and shared.
#include <doctest/doctest.h>

#include <set>

#include "http/remote_peer.hpp"
#include "http/remote_world.hpp"
#include "support/temp_dir.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

/// Shows the peer's view: its answer's body is the request.
Peer::Script echo() {
  return [](PeerConnection& connection) {
    for (std::string text; !(text = connection.request()).empty();) {
      connection.say(peer_answer(text, "201 Created", "ETag: \"7\"\r\nLocation: /users/7\r\n"));
    }
  };
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a call names module, caller, deadline, request and trace") {
  const Peer peer(echo());
  RemoteWorld world(peer.url());
  Asked asked;
  world.run([&] {
    const cleave_header headers[] = {{raw("If-Match"), raw("\"3\"")}};
    asked = world.ask({.method = "PUT",
                       .path = "/users/a%20b",
                       .query = "x=1&y=%2f",
                       .body = "{\"name\":\"Ada\"}",
                       .headers = headers});
  });
  const Response& response = asked.response;
  CHECK(response.status == 201);
  CHECK(response.header("ETag") == "\"7\"");
  CHECK(response.header("Location") == "/users/7");
  CHECK(response.header("X-Cleave-Module") == "");
  CHECK(response.body.starts_with("PUT /internal/user/users/a%20b?x=1&y=%2f HTTP/1.1\r\n"));
  CHECK(contains(response.body, "\r\nHost: 127.0.0.1:"));
  CHECK(contains(response.body, "\r\nX-Cleave-Service-Token: secret\r\n"));
  CHECK(contains(response.body, "\r\nX-Cleave-Caller: order\r\n"));
  CHECK(contains(response.body, "\r\nX-Cleave-Depth: 1\r\n"));
  CHECK(contains(response.body, "\r\nX-Request-Id: request-1\r\n"));
  CHECK(contains(response.body, "\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-"));
  CHECK_FALSE(contains(response.body, "00f067aa0ba902b7"));  // the span is a child's
  CHECK(contains(response.body, "\r\nIf-Match: \"3\"\r\n"));
  CHECK(contains(response.body, "\r\nContent-Length: 14\r\n"));
  CHECK(response.body.ends_with("\r\n\r\n{\"name\":\"Ada\"}"));
  const std::size_t at = response.body.find("X-Cleave-Deadline-Ms: ");
  REQUIRE(at != std::string::npos);
  const int left = std::stoi(response.body.substr(at + 22));
  CHECK(left > 400);
  CHECK(left <= 800);
  CHECK(contains(asked.timing, "user.http;dur="));
}

TEST_CASE("what the request has left is passed on when it is less than the limit") {
  const Peer peer(echo());
  const Asked asked = ask_once(peer.url(), io::Millis(300));
  const std::size_t at = asked.response.body.find("X-Cleave-Deadline-Ms: ");
  REQUIRE(at != std::string::npos);
  CHECK(std::stoi(asked.response.body.substr(at + 22)) <= 290);
}

TEST_CASE("a module cannot break out of its request, nor pose as another") {
  const Peer peer(echo());
  RemoteWorld world(peer.url());
  world.run([&] {
    const cleave_header headers[] = {
        {raw("X-A"), raw("1\r\nX-Evil: 1")},        {raw("X B"), raw("1")},
        {raw("X-Cleave-Caller"), raw("product")},   {raw("Content-Length"), raw("99")},
        {raw("Transfer-Encoding"), raw("chunked")}, {raw("X-Good"), raw("yes")}};
    const Asked asked = world.ask({.method = "GET", .path = "/users/1", .headers = headers});
    CHECK_FALSE(contains(asked.response.body, "Evil"));
    CHECK_FALSE(contains(asked.response.body, "X B"));
    CHECK_FALSE(contains(asked.response.body, "product"));
    CHECK_FALSE(contains(asked.response.body, "Content-Length"));
    CHECK_FALSE(contains(asked.response.body, "chunked"));
    CHECK(contains(asked.response.body, "X-Good: yes"));
    for (const Request& bad :
         {Request{.method = "GET", .path = "/a b"}, Request{.method = "GET", .path = "users"},
          Request{.method = "GET", .path = "/a\r\nX: y"}, Request{.method = "GET", .path = "/a?b"},
          Request{.method = "GET", .path = ""}, Request{.method = "G T", .path = "/a"},
          Request{.method = "GET", .path = "/a", .query = "#"}}) {
      const Asked refused = world.ask(bad);
      CHECK(refused.response.status == 500);
      CHECK(has_slug(refused.response, "malformed-call"));
    }
  });
}

TEST_CASE("one connection serves calls that follow each other") {
  const Peer peer(always(peer_answer("{}")));
  RemoteWorld world(peer.url());
  world.run([&] {
    for (int i = 0; i < 50; ++i) REQUIRE(world.get().response.status == 200);
  });
  CHECK(peer.connections() == 1);
}

TEST_CASE("a unix socket serves as well") {
  const TempDir directory;
  const Peer peer(always(peer_answer("{}")), directory / "socket");
  CHECK(ask_once(peer.url()).response.status == 200);
  CHECK(ask_once("unix:" + (directory / "nobody").string()).response.status == 503);
}

TEST_CASE("calls side by side run side by side") {
  const Peer peer([](PeerConnection& connection) {
    while (!connection.request().empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      connection.say(peer_answer("{}"));
    }
  });
  RemoteWorld world(peer.url());
  world.run([&] {
    const io::TimePoint start = io::Clock::now();
    std::vector<std::function<void()>> tasks(8,
                                             [&] { CHECK(world.post().response.status == 200); });
    io::gather(tasks);
    CHECK(io::Clock::now() - start < io::Millis(400));
  });
  CHECK(peer.connections() == 8);
}

TEST_CASE("connections are bounded; who finds none waits in line") {
  const Peer peer([](PeerConnection& connection) {
    while (!connection.request().empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      connection.say(peer_answer("{}"));
    }
  });
  RemoteWorld world(peer.url(), {.pool = {.connections = 2, .waiting = 6}});
  world.run([&] {
    int answered = 0, refused = 0;
    std::vector<std::function<void()>> tasks(10, [&] {
      const Asked asked = world.post();
      answered += asked.response.status == 200 ? 1 : 0;
      if (asked.response.status != 503) return;
      ++refused;
      CHECK(asked.response.header("Retry-After") == "1");
      CHECK(asked.took < io::Millis(50));
    });
    io::gather(tasks);
    CHECK(answered == 8);
    CHECK(refused == 2);
    CHECK(world.get().response.status == 200);
  });
  CHECK(peer.connections() == 2);
}

TEST_CASE("who waits in line gives up at its deadline, and the line moves on") {
  const Peer peer([](PeerConnection& connection) {
    while (!connection.request().empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      connection.say(peer_answer("{}"));
    }
  });
  RemoteWorld world(peer.url(), {.pool = {.connections = 1}});
  world.run([&] {
    const std::vector<std::function<void()>> tasks{
        [&] { CHECK(world.post().response.status == 200); },
        [&] { CHECK(world.post(io::Millis(100)).response.status == 504); },
        [&] { CHECK(world.post().response.status == 200); }};
    io::gather(tasks);
  });
}

TEST_CASE("a name is looked up off the loop, and a call that needs it waits a little") {
  const Peer peer(always(peer_answer("{}")));
  const std::string port = peer.url().substr(peer.url().rfind(':'));
  RemoteWorld world("http://localhost" + port);
  world.run([&] { CHECK(world.get().response.status == 200); });  // before the first look-up
  const Asked nowhere = ask_once("http://no-such-host.invalid:80");
  CHECK(nowhere.response.status == 503);
  CHECK(nowhere.took < io::Millis(500));
}

TEST_CASE("a URL of a peer is host and port, or a unix socket, and nothing else") {
  using http::RemoteAddress;
  CHECK(RemoteAddress::parse("http://user-service:8080").authority() == "user-service:8080");
  CHECK(RemoteAddress::parse("http://user/").authority() == "user:80");
  CHECK(RemoteAddress::parse("http://[::1]:8080").text() == "http://[::1]:8080");
  CHECK(RemoteAddress::parse("unix:/run/x.sock").path == "/run/x.sock");
  for (const std::string url :
       {"", "user:8080", "https://user:8080", "http://", "http://:80", "http://user:0",
        "http://user:99999", "http://user:8080/users", "http://u@user:80", "http://user:80?x",
        "http://user:", "unix:", "http://[::1"}) {
    CAPTURE(url);
    CHECK_THROWS_AS(RemoteAddress::parse(url), std::invalid_argument);
  }
  CHECK_THROWS_AS(RemoteAddress::parse("unix:/" + std::string(107, 'x')), std::invalid_argument);
}
