// Many bodies that are still being sent: how much of them a server holds, and who is served then.
#include <doctest/doctest.h>

#include <deque>
#include <thread>

#include "framing_cases.hpp"
#include "world.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kHalf = kMiB / 2;

/// A number of /metrics of the server, all loops together.
std::size_t metric(const World& world, const std::string& name) {
  observe::Metrics metrics;
  const auto held = metrics.add([&](observe::Scrape& scrape) { world.server.collect(scrape); });
  const std::string text = metrics.render();
  const std::size_t at = text.find("\n" + name + "{");
  REQUIRE(at != std::string::npos);
  return static_cast<std::size_t>(std::stod(text.substr(text.find(' ', at))));
}

bool holds(const World& world, std::size_t bytes) {
  for (int i = 0; i < 1000; ++i) {
    if (metric(world, "cleave_http_body_bytes") == bytes) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

const std::string& half() {
  static const std::string bytes(kHalf, 'b');
  return bytes;
}

std::string head_of_a_mebibyte() {
  return post("Content-Length: 1048576\r\n");
}

/// So many clients that have sent half of a body of 1 MiB.
void send_halves(World& world, std::deque<Client>& clients, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back(world.server.address()).send(head_of_a_mebibyte()).send(half());
  }
}

}  // namespace

TEST_CASE("beyond 64 MiB of half-sent bodies a new one is refused unread, and others are served") {
  World world;
  const std::size_t limit = http::Limits().bodies;
  REQUIRE(limit == 64 * kMiB);
  std::deque<Client> slow;
  send_halves(world, slow, limit / kHalf - 1);
  REQUIRE(holds(world, limit - kHalf));

  Client late = world.client();
  late.send(post("Content-Length: 1048576\r\nExpect: 100-continue\r\n"));
  const Answer refused = late.answer();  // and no 100 before it
  CHECK(refused.status == 503);
  CHECK(refused.header("Retry-After") == "1");
  CHECK(refused.header("Content-Type") == "application/problem+json");
  CHECK(refused.body.find("/problems/overloaded") != std::string::npos);
  CHECK(late.closed());
  CHECK(metric(world, "cleave_http_bodies_refused_total") == 1);
  CHECK(world.alive());
  CHECK(world.ask(post("Content-Length: 5\r\n", "hello")).status == 200);  // comes in one piece

  for (Client& one : slow) {  // each ends before the next goes on, so there is room for all
    CHECK(one.send(half()).answer().status == 200);
  }
  CHECK(holds(world, 0));
  CHECK(world.client().send(head_of_a_mebibyte()).send(half()).send(half()).answer().status == 200);
  CHECK(holds(world, 0));
}

TEST_CASE("a body that grows beyond the room for all is refused where it stands") {
  http::Limits limits;
  limits.bodies = 2 * kMiB;
  World world(limits);
  std::deque<Client> slow;
  send_halves(world, slow, 2);
  // Chunks do not say what will follow them.
  Client chunked = world.client();
  chunked.send(post("Transfer-Encoding: chunked\r\n", "80000\r\n" + half() + "\r\n"));
  Client more = world.client();
  more.send(post("Transfer-Encoding: chunked\r\n", "7ffff\r\n" + half().substr(1) + "\r\n"));
  REQUIRE(holds(world, 2 * kMiB - 1));
  more.send("2\r\nbb\r\n");
  CHECK(more.answer().status == 503);
  CHECK(more.closed());
  REQUIRE(holds(world, 2 * kMiB - kHalf));
  CHECK(chunked.send("0\r\n\r\n").answer().status == 200);
  CHECK(slow.front().send(half()).answer().status == 200);
}

TEST_CASE("clients that go away with half a body, or are too slow with it, give their room back") {
  http::Limits limits;
  limits.bodies = 2 * kMiB;
  limits.body_time = io::Millis(300);
  World world(limits);
  {
    std::deque<Client> gone;
    send_halves(world, gone, 3);
    CHECK(holds(world, 3 * kHalf));
  }
  CHECK(holds(world, 0));
  std::deque<Client> late;
  send_halves(world, late, 2);
  for (Client& one : late) CHECK(one.answer().status == 408);
  CHECK(holds(world, 0));
}

TEST_CASE("the largest body fits when it is alone, whatever the room for all") {
  http::Limits limits;
  limits.bodies = 1;
  World world(limits);
  CHECK(world.client().send(head_of_a_mebibyte()).send(half()).send(half()).answer().status == 200);
}
