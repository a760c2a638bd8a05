// Peers that fail: each becomes one problem, in time, and is never taken for an answer.
#include <doctest/doctest.h>

#include "http/remote_peer.hpp"
#include "http/remote_world.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

// How late a verdict may come on a machine that does other things too.
constexpr io::Millis kSlack{150};

void check_bad(const std::string& answer) {
  CAPTURE(answer.substr(0, 120));
  const Peer peer([answer](PeerConnection& connection) {
    connection.request();
    connection.say(answer);
    connection.be_silent();
  });
  const Asked asked = ask_once(peer.url());
  CHECK(asked.response.status == 502);
  CHECK(has_slug(asked.response, "bad-peer-answer"));
  CHECK(asked.took < io::Millis(500));
  CHECK(peer.connections() == 1);
}

void check_late(Peer::Script script, io::Millis left, io::Millis limit) {
  const Peer peer(std::move(script));
  const Asked asked = ask_once(peer.url(), left);
  CHECK(asked.response.status == 504);
  CHECK(has_slug(asked.response, "deadline-exceeded"));
  CHECK(asked.took >= limit - io::Millis(20));
  CHECK(asked.took < limit + kSlack);
}

/// A port at which nobody listens.
std::string nobody() {
  std::string url;
  {
    url = Peer([](PeerConnection&) {}).url();
  }
  return url;
}

}  // namespace

TEST_CASE("a peer that nobody listens for is unavailable at once") {
  const Asked asked = ask_once(nobody());
  CHECK(asked.response.status == 503);
  CHECK(has_slug(asked.response, "peer-unavailable"));
  CHECK(asked.response.header("Retry-After") == "1");
  CHECK(asked.took < io::Millis(150));
}

TEST_CASE("a silent peer costs the limit, or what the request has left, and not more") {
  check_late([](PeerConnection& c) { c.be_silent(); }, io::Millis(2500), io::Millis(800));
  check_late([](PeerConnection& c) { c.be_silent(); }, io::Millis(200), io::Millis(190));
}

TEST_CASE("a peer that drips is late as a whole, however regularly a byte comes") {
  const auto dripping = [](const std::string& bytes) {
    return [bytes](PeerConnection& connection) {
      connection.request();
      connection.drip(bytes, std::chrono::milliseconds(20));
    };
  };
  check_late(dripping(peer_answer(std::string(500, 'x'))), io::Millis(400), io::Millis(390));
  check_late(dripping("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + std::string(500, 'x')),
             io::Millis(2500), io::Millis(800));
}

TEST_CASE("garbage, lies and floods are bad answers") {
  check_bad("<html>");
  check_bad("<html>\r\n\r\n");
  check_bad("HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n{}");
  check_bad("HTTP/1.1 200 OK\r\nX-Cleave-Module: user\r\n\r\n{}");
  check_bad(peer_answer(std::string(10 << 20, 'x')));
  check_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + [] {
    std::string chunks;
    for (int i = 0; i < 2000; ++i) chunks += "400\r\n" + std::string(1024, 'x') + "\r\n";
    return chunks;
  }());
  std::string flood;
  for (int i = 0; i < 10000; ++i) flood += "HTTP/1.1 100 Continue\r\n\r\n";
  check_bad(flood);
  check_bad("HTTP/1.1 200 " + std::string(100000, 'x') + "\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("a redirect is not followed") {
  for (const std::string status : {"301 Moved", "302 Found", "307 Temporary", "300 Choices"}) {
    check_bad(peer_answer("", status, "Location: http://127.0.0.1:1/\r\n"));
  }
  const Peer unchanged(always("HTTP/1.1 304 Not Modified\r\nX-Cleave-Module: user\r\n\r\n"));
  CHECK(ask_once(unchanged.url()).response.status == 304);
}

TEST_CASE("an answer that is cut is a bad one, wherever it is cut") {
  const std::string whole = peer_answer("{\"id\":1}");
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    CAPTURE(size);
    const Peer peer([part = whole.substr(0, size)](PeerConnection& connection) {
      connection.request();
      connection.say(part);
    });
    const Asked asked = ask_once(peer.url());
    CHECK(asked.response.status == 502);
    CHECK(peer.connections() == 1);
  }
}

TEST_CASE("an answer of another program, or of another module, is not believed") {
  check_bad("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\":1}");
  check_bad("HTTP/1.1 200 OK\r\nX-Cleave-Module: product\r\nContent-Length: 8\r\n\r\n{\"id\":1}");
  check_bad("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("a peer that refuses us, or does not run the module, is unavailable") {
  for (const std::string status :
       {"401 Unauthorized", "403 Forbidden", "404 Not Found", "503 Service Unavailable"}) {
    CAPTURE(status);
    const Peer peer(always("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n"));
    const Asked asked = ask_once(peer.url());
    CHECK(asked.response.status == 503);
    CHECK(has_slug(asked.response, "peer-unavailable"));
    CHECK(asked.response.header("Retry-After") == "1");
  }
}

TEST_CASE("a module's own error is its answer") {
  for (const std::string status : {"400 Bad", "401 No", "403 No", "404 No", "500 Oops", "503 No"}) {
    const Peer peer(always(peer_answer("{\"of\":\"the module\"}", status)));
    const Asked asked = ask_once(peer.url());
    CHECK(asked.response.status == std::stoi(status));
    CHECK(asked.response.body == "{\"of\":\"the module\"}");
  }
}

namespace {

/// Answers the first request of each connection and closes on the second, unanswered: as a peer
/// does whose idle time ends while the request is on its way.
struct Closing {
  std::atomic<int> requests{0};
  Peer peer{[this](PeerConnection& connection) {
    if (connection.request().empty()) return;
    ++requests;
    connection.say(peer_answer("{}"));
    if (!connection.request().empty()) ++requests;
  }};
};

}  // namespace

TEST_CASE("a GET on a kept connection that the peer closes is asked again on a fresh one") {
  Closing closing;
  RemoteWorld world(closing.peer.url());
  world.run([&] {
    for (int i = 0; i < 4; ++i) CHECK(world.get().response.status == 200);
  });
  CHECK(closing.peer.connections() == 4);
  CHECK(closing.requests == 7);  // each but the last connection saw one in vain
}

TEST_CASE("a POST of which bytes have left is never sent twice") {
  Closing closing;
  RemoteWorld world(closing.peer.url());
  world.run([&] {
    const Request post{.method = "POST", .path = "/users", .body = "{}"};
    CHECK(world.ask(post).response.status == 200);
    CHECK(world.ask(post).response.status == 502);
  });
  CHECK(closing.requests == 2);
}

TEST_CASE("a connection that was closed while idle is noticed before it is used") {
  std::atomic<int> requests{0};
  const Peer peer([&](PeerConnection& connection) {
    if (connection.request().empty()) return;
    ++requests;
    connection.say(peer_answer("{}"));
  });
  RemoteWorld world(peer.url());
  world.run([&] {
    for (int i = 0; i < 3; ++i) {
      CHECK(world.ask({.method = "POST", .path = "/users", .body = "{}"}).response.status == 200);
      io::sleep_for(io::Millis(50));
    }
  });
  CHECK(requests == 3);
}

TEST_CASE("bytes that nobody asked for end a connection") {
  const Peer peer(always(peer_answer("{}") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
  RemoteWorld world(peer.url());
  world.run([&] {
    for (int i = 0; i < 3; ++i) CHECK(world.get().response.body == "{}");
  });
  CHECK(peer.connections() == 3);
}

TEST_CASE("a large request to a peer that does not read ends at the deadline") {
  const std::string body(4 << 20, 'x');
  const Peer peer([](PeerConnection&) { std::this_thread::sleep_for(std::chrono::seconds(1)); });
  RemoteWorld world(peer.url());
  world.run([&] {
    const Asked asked =
        world.ask({.method = "POST", .path = "/users", .body = body}, io::Millis(300));
    CHECK(asked.response.status == 504);
    CHECK(asked.took < io::Millis(290) + kSlack);
  });
}
