// Identical calls that wait in line for a connection are one request, and nobody can tell but by
// the time that it takes.
#include <doctest/doctest.h>

#include <atomic>

#include "http/remote_peer.hpp"
#include "http/remote_world.hpp"
#include "io/wait.hpp"
#include "observe/metrics.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr io::Millis kWork{100};  // of the peer, on each request

/// A peer with one connection for us, which answers with a number that grows. The first call has
/// the connection, and all others wait in line.
class Busy {
 public:
  explicit Busy(std::string more = "", io::Millis work = kWork)
      : peer_([this, more, work](PeerConnection& connection) {
          for (std::string text; !(text = connection.request()).empty();) {
            std::this_thread::sleep_for(work);
            const std::string body = more + std::to_string(++requests_);
            if (!connection.say(peer_answer(text.starts_with("HEAD") ? "" : body))) return;
          }
        }),
        world(peer_.url(), {.pool = {.connections = 1}}) {}

  void run(std::vector<std::function<void()>> calls) {
    calls.insert(calls.begin(), [this] { world.ask({.method = "GET", .path = "/users/9"}); });
    world.run([&] { io::gather(calls); });
  }
  int requests() const { return requests_ - 1; }  // apart from the first
  bool shared(int calls) {
    observe::Metrics metrics;
    const auto handle =
        metrics.add([this](observe::Scrape& scrape) { world.endpoint().collect(scrape); });
    const std::string line = "cleave_peer_shared_total{peer=\"user\"} " + std::to_string(calls);
    return metrics.render().find(line + "\n") != std::string::npos;
  }

 private:
  std::atomic<int> requests_{0};
  Peer peer_;

 public:
  RemoteWorld world;
};

}  // namespace

TEST_CASE("identical calls that wait in line are one request, counted, each with its own span") {
  Busy busy;
  busy.run(std::vector<std::function<void()>>(5, [&] {
    const Asked asked = busy.world.get();
    CHECK(asked.response.status == 200);
    CHECK(asked.response.body == "2");
    CHECK(asked.timing.find("user.http;dur=") != std::string::npos);
  }));
  CHECK(busy.requests() == 1);
  CHECK(busy.shared(4));
}

TEST_CASE("a call that begins when the same has been sent is a request of its own") {
  Busy busy;
  const auto later = [&](io::Millis pause, const char* body) {
    return [&busy, pause, body] {
      io::sleep_for(pause);
      CHECK(busy.world.get().response.body == body);
    };
  };
  // The second is sent at 100 ms and answered at 200 ms.
  busy.run({later(io::Millis(10), "2"), later(io::Millis(150), "3")});
  CHECK(busy.requests() == 2);
  CHECK(busy.shared(0));
}

TEST_CASE("calls that differ in anything but time, trace and identity are not shared") {
  Busy busy("", io::Millis(20));  // all of them within the time of one
  const cleave_header header[] = {{raw("If-None-Match"), raw("\"1\"")}};
  const std::vector<Request> all{
      {.method = "GET", .path = "/users/1"},
      {.method = "HEAD", .path = "/users/1"},
      {.method = "GET", .path = "/users/2"},
      {.method = "GET", .path = "/users/1", .query = "fresh=1"},
      {.method = "GET", .path = "/users/1", .body = "x"},
      {.method = "GET", .path = "/users/1", .headers = header},
      {.method = "DELETE", .path = "/users/1"},
      {.method = "DELETE", .path = "/users/1"},
  };
  std::vector<std::function<void()>> calls;
  for (const Request& one : all) {
    calls.push_back([&] { CHECK(busy.world.ask(one).response.status == 200); });
  }
  busy.run(calls);
  CHECK(busy.requests() == static_cast<int>(all.size()));

  const http::RemoteRequest order{
      .module = "user", .caller = "order", .method = "GET", .path = "/users/1", .id = "1"};
  http::RemoteRequest other = order;
  other.id = "2";
  CHECK(order.same_as(other));
  other.depth = 2;
  CHECK_FALSE(order.same_as(other));
  other = order;
  other.caller = "product";
  CHECK_FALSE(order.same_as(other));
  CHECK(busy.shared(0));
}

TEST_CASE("of those that wait together each leaves at its own deadline") {
  Busy busy;
  const auto asking = [&](io::Millis left, int status) {
    return [&busy, left, status] {
      const Asked asked = busy.world.get(left);
      CHECK(asked.response.status == status);
      if (status == 504) CHECK(asked.took < kWork);
    };
  };
  SUBCASE("one that joined has less time than who asks") {
    busy.run({asking(io::Millis(700), 200), asking(io::Millis(60), 504)});
    CHECK(busy.requests() == 1);
  }
  SUBCASE("who asks has less time, and who joined asks then") {
    busy.run({asking(io::Millis(60), 504), asking(io::Millis(700), 200)});
    CHECK(busy.requests() == 1);
  }
  CHECK(busy.shared(0));
}

TEST_CASE("an answer that names the request of who asked is for nobody else") {
  Busy busy("request-1 ");
  busy.run(std::vector<std::function<void()>>(
      3, [&] { CHECK(busy.world.get().response.status == 200); }));
  CHECK(busy.requests() == 3);
  CHECK(busy.shared(0));
}
