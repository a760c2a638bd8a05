// A peer that mostly fails: it is left alone for a while, callers are told at once, and it is found
// again when it is well.
#include <doctest/doctest.h>

#include <atomic>

#include "http/remote_peer.hpp"
#include "http/remote_world.hpp"
#include "io/wait.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

using router::Breaker;

constexpr const char* kWell =
    "HTTP/1.1 200 OK\r\nX-Cleave-Module: user\r\nContent-Length: 2\r\n\r\n{}";

/// Answers each request with what `answer` holds at that moment.
Peer::Script saying(std::atomic<const char*>& answer) {
  return [&answer](PeerConnection& connection) {
    while (!connection.request().empty() && connection.say(answer.load())) {
    }
  };
}

const char* module_says(const char* status) {
  static thread_local std::string text;
  text =
      std::string("HTTP/1.1 ") + status + "\r\nX-Cleave-Module: user\r\nContent-Length: 0\r\n\r\n";
  return text.c_str();
}

/// The status of the call behind 20 that the peer answered so.
int after_twenty(const char* answer) {
  std::atomic<const char*> says{answer};
  const Peer peer(saying(says));
  RemoteWorld world(peer.url());
  int status = 0;
  world.run([&] {
    for (unsigned i = 0; i < Breaker::kLeastCalls; ++i) world.get();
    says = kWell;
    status = world.get().response.status;
  });
  return status;
}

}  // namespace

TEST_CASE(
    "a peer that fails twenty times is not asked: 503 at once, and asked again when it is well") {
  std::atomic<const char*> says{module_says("500 Internal Server Error")};
  const Peer peer(saying(says));
  RemoteWorld world(peer.url());
  world.run([&] {
    for (unsigned i = 0; i < Breaker::kLeastCalls; ++i) CHECK(world.get().response.status == 500);
    says = kWell;
    const Asked refused = world.get();
    CHECK(refused.response.status == 503);
    CHECK(has_slug(refused.response, "peer-unavailable"));
    const std::string wait(refused.response.header("Retry-After"));
    CHECK((wait == "1" || wait == "2"));
    CHECK(refused.took < io::Millis(50));
    io::sleep_for(Breaker::kFirst * 6 / 5);
    for (int i = 0; i < 5; ++i) CHECK(world.get().response.status == 200);
  });
}

TEST_CASE("an answer without sense and a connection refused are failures") {
  CHECK(after_twenty("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == 503);
  std::string url;
  {
    url = Peer([](PeerConnection&) {}).url();
  }
  RemoteWorld world(url);
  world.run([&] {
    for (unsigned i = 0; i < Breaker::kLeastCalls; ++i) world.get();
    CHECK(world.get().response.status == 503);
    CHECK(world.endpoint().breaker_state() == Breaker::State::kOpen);
  });
}

TEST_CASE("a client's mistake, a service that is busy and a full host are no failures") {
  CHECK(after_twenty(module_says("404 Not Found")) == 200);
  CHECK(after_twenty(module_says("503 Service Unavailable")) == 200);
  CHECK(after_twenty("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") == 200);
}

TEST_CASE("a caller that has little time left cannot open it") {
  const Peer peer([](PeerConnection& connection) { connection.be_silent(); });
  RemoteWorld world(peer.url());
  world.run([&] {
    for (unsigned i = 0; i < Breaker::kLeastCalls + 5; ++i) world.get(io::Millis(40));
    CHECK(world.endpoint().breaker_state() == Breaker::State::kClosed);
  });
}
