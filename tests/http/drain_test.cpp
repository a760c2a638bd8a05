// Listening, draining, health and the admin listener.
#include <doctest/doctest.h>
#include <sys/un.h>

#include <chrono>
#include <deque>
#include <thread>

#include "http/admin.hpp"
#include "http/listener.hpp"
#include "observe/metrics.hpp"
#include "support/temp_dir.hpp"
#include "world.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

std::string refusal_of(const std::string& address) {
  try {
    http::Listener listener(address);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a drain answers what is in hand, loses nothing, and lets nobody in") {
  World world;
  std::deque<Client> busy, idle;
  for (int i = 0; i < 20; ++i) {
    busy.emplace_back(world.server.address()).send("GET /slow?200 HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.emplace_back(world.server.address());
  }
  while (world.behaviour.served < 20) std::this_thread::yield();
  world.server.announce_close();
  CHECK(idle[0].send(kGet).answer().header("Connection") == "close");
  idle[1].send(kGet);  // sent before the drain: answered
  const std::string address = world.server.address();
  std::thread reader([&] {
    for (Client& one : busy) {
      const Answer answer = one.answer();
      CHECK(answer.status == 200);
      CHECK(answer.header("Connection") == "close");
      CHECK(one.closed());
      one.end();
    }
    CHECK(idle[1].answer().status == 200);
    for (Client& one : idle) one.end();
  });
  CHECK(world.server.drain(io::Clock::now() + io::Millis(5000)));
  reader.join();
  CHECK_THROWS(Client(address));
}

TEST_CASE("a drain ends at its deadline, and the server can go while a handler still runs") {
  auto world = std::make_unique<World>();
  Client client = world->client();
  client.send("GET /slow?400 HTTP/1.1\r\nHost: x\r\n\r\n");
  while (world->behaviour.served < 1) std::this_thread::yield();
  CHECK_FALSE(world->server.drain(io::Clock::now() + io::Millis(50)));
  world.reset();
  CHECK(client.answer().status == 200);
}

TEST_CASE("a half-read request does not hold up a drain") {
  World world;
  Client client = world.client();
  client.send("GET / HTTP/1.1\r\nHo");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::thread reader([&] {
    CHECK(client.answer().status == 408);
    client.end();
  });
  CHECK(world.server.drain(io::Clock::now() + io::Millis(4000)));
  reader.join();
}

TEST_CASE("a listener says what is wrong with an address") {
  CHECK(has(refusal_of("nonsense"), "HOST:PORT"));
  CHECK(has(refusal_of("127.0.0.1:70000"), "HOST:PORT"));
  CHECK(has(refusal_of("unix:" + std::string(200, 'a')), "107"));
  CHECK(has(refusal_of("192.0.2.1:0"), "cannot listen on 192.0.2.1:0"));
  const http::Listener taken("127.0.0.1:0");
  const std::string why = refusal_of(taken.address());
  CHECK(has(why, "is taken"));
  CHECK(has(why, "(pid " + std::to_string(getpid()) + ")"));
  CHECK(has(why, "--listen"));
}

TEST_CASE("a socket file is replaced when its process is gone, and respected when not") {
  const TempDir dir;
  const std::string address = "unix:" + (dir / "s.sock").string();
  {
    const http::Listener live(address);
    CHECK(live.address() == address);
    CHECK(has(refusal_of(address), "another process serves it"));
  }
  CHECK_FALSE(std::filesystem::exists(dir / "s.sock"));
  const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::strcpy(name.sun_path, (dir / "s.sock").c_str());
  REQUIRE(bind(stale, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  close(stale);
  CHECK(refusal_of(address).empty());
}

TEST_CASE("health and admin answer what operators ask") {
  io::Threads threads(1);
  std::vector<std::string> reasons;
  const http::NotReady not_ready = [&] { return reasons; };
  http::Server open(
      {.listen = "127.0.0.1:0",
       .handler = http::with_health(
           [](const Request&, router::RequestScope&, Response& r) { r.status = 404; }, not_ready)},
      threads);
  http::Server admin(
      {.listen = "127.0.0.1:0",
       .handler = http::admin_handler(
           {.token = "t0ken", .not_ready = not_ready, .metrics = [] { return "up 1\n"; }})},
      threads);
  open.start();
  admin.start();
  const auto ask = [](http::Server& server, const std::string& line, const char* fields = "") {
    return Client(server.address())
        .send(line + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n")
        .answer();
  };
  const char* token = "Authorization: Bearer t0ken\r\n";
  CHECK(ask(open, "GET /livez").body == R"({"status":"ok"})");
  CHECK(ask(open, "GET /readyz").status == 200);
  CHECK(ask(open, "GET /metrics").status == 404);
  CHECK(ask(open, "DELETE /readyz").status == 405);
  reasons = {"order: no database"};
  CHECK(ask(open, "GET /readyz").status == 503);
  CHECK_FALSE(has(ask(open, "GET /readyz").body, "database"));
  CHECK(ask(open, "GET /livez").status == 200);
  CHECK(ask(admin, "GET /livez").status == 200);
  CHECK(ask(admin, "GET /metrics").status == 401);
  CHECK(ask(admin, "GET /metrics", "Authorization: Bearer t0kem\r\n").status == 401);
  CHECK(has(ask(admin, "GET /readyz", token).body, "order: no database"));
  const Answer metrics = ask(admin, "GET /metrics", token);
  CHECK(metrics.body == "up 1\n");
  CHECK(metrics.header("Content-Type").starts_with("text/plain; version=0.0.4"));
  CHECK(ask(admin, "GET /other", token).status == 404);
  CHECK(
      ask(admin, "POST /metrics", (std::string(token) + "Content-Length: 0\r\n").c_str()).status ==
      405);
}

TEST_CASE("connections, requests and answers are counted") {
  World world;
  CHECK(world.alive());
  CHECK(world.ask("nonsense\r\n\r\n").status == 400);
  observe::Metrics metrics;
  const auto handle = metrics.add([&](observe::Scrape& scrape) { world.server.collect(scrape); });
  std::string text = metrics.render();
  const std::string_view refused = "cleave_http_answers_total{listener=\"test\",status=\"4xx\"} 1";
  for (int i = 0; i < 500 && !has(text, refused); ++i) {  // counted just after it was sent
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    text = metrics.render();
  }
  CHECK(has(text, refused));
  CHECK(has(text, "cleave_http_requests_total{listener=\"test\"} 1"));
  CHECK(has(text, "cleave_http_accepted_total{listener=\"test\"} 2"));
}
