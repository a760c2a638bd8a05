// Connections: pipelining, bodies, time limits, stalled clients, many of them, and the drain.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <chrono>
#include <deque>
#include <fstream>
#include <memory>
#include <thread>

#include "framing_cases.hpp"
#include "world.hpp"

using namespace cleave;
using namespace cleave::test;
using std::chrono::steady_clock;

namespace {

std::string numbered(int i, const char* more = "") {
  return "GET /n/" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// A number from /proc/self/status, proc(5): "Threads:", "VmRSS:" (KiB).
std::size_t of_process(std::string_view name) {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    if (word == name && in >> word) return std::stoul(word);
  }
  return 0;
}

}  // namespace

TEST_CASE("a hundred pipelined requests are answered in order") {
  World world;
  Client client = world.client();
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += i % 10 == 5 ? "GET /slow?2 HTTP/1.1\r\nHost: x\r\n\r\n" : numbered(i);
  client.send(all);
  for (int i = 0; i < 100; ++i) {
    const Answer answer = client.answer();
    REQUIRE(answer.status == 200);
    const std::string wanted = i % 10 == 5 ? "/slow" : "/n/" + std::to_string(i);
    CHECK(answer.body.find(" " + wanted + "?") != std::string::npos);
  }
}

// Without TCP_NODELAY the second answer waits for the client's delayed acknowledgement of the
// first: 40 ms a round.
TEST_CASE("pipelined answers do not wait for acknowledgements") {
  World world;
  Client client = world.client();
  std::string all;
  for (int i = 0; i < 20; ++i) all += numbered(i);
  CHECK(client.send(all).answer().status == 200);  // the first round, of a connection not yet warm
  for (int i = 1; i < 20; ++i) client.answer();
  const auto start = steady_clock::now();
  for (int round = 0; round < 5; ++round) {
    client.send(all);
    for (int i = 0; i < 20; ++i) REQUIRE(client.answer().status == 200);
  }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  CHECK(seconds_since(start) < 5 * 0.035);
#else
  CHECK(seconds_since(start) < 0.1);
#endif
}

TEST_CASE("bodies are told apart from the requests behind them, in every cut") {
  World world;
  const std::string all =
      post("Content-Length: 5\r\n", "hello") + numbered(1) +
      post("Transfer-Encoding: chunked\r\n", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n") + numbered(2);
  for (std::size_t cut = 1; cut < all.size(); cut += 3) {
    CAPTURE(cut);
    Client client = world.client();
    client.send(std::string_view(all).substr(0, cut));
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    client.send(std::string_view(all).substr(cut));
    CHECK(client.answer().body.ends_with("\n\nhello"));
    CHECK(client.answer().body.starts_with("GET /n/1"));
    CHECK(client.answer().body.ends_with("\n\nhello"));
    CHECK(client.answer().body.starts_with("GET /n/2"));
  }
}

TEST_CASE("a body of exactly the limit is taken, one byte more is refused before it is sent") {
  World world;
  const std::string mebibyte(1024 * 1024, 'b');
  const Answer fits = world.ask(post("Content-Length: 1048576\r\n", mebibyte));
  CHECK(fits.status == 200);
  CHECK(fits.body.ends_with(mebibyte));
  CHECK(world.ask(post("Content-Length: 1048577\r\n")).status == 413);
  // Chunked tells its size only bit by bit.
  CHECK(world.ask(post("Transfer-Encoding: chunked\r\n", "100000\r\n" + mebibyte + "\r\n0\r\n\r\n"))
            .status == 200);
  CHECK(world.ask(post("Transfer-Encoding: chunked\r\n", "100000\r\n" + mebibyte + "\r\n1\r\n"))
            .status == 413);
}

TEST_CASE("Connection: close and half-closed clients get their answer, then the end") {
  World world;
  Client polite = world.client();
  const Answer last = polite.send(numbered(1, "Connection: close\r\n") + numbered(2)).answer();
  CHECK(last.header("Connection") == "close");
  CHECK(polite.closed());

  Client half = world.client();
  half.send(numbered(3) + "GET /slow?50 HTTP/1.1\r\nHost: x\r\n\r\n");
  half.end();
  CHECK(half.answer().status == 200);
  CHECK(half.answer().status == 200);
  CHECK(half.closed());

  Client old = world.client();
  const std::string keep = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  CHECK(old.send(keep).answer().header("Connection") == "keep-alive");
  CHECK(old.send("GET / HTTP/1.0\r\n\r\n").answer().header("Connection") == "close");
  CHECK(old.closed());
}

TEST_CASE("a refused client that is still sending gets its answer instead of a reset") {
  World world;
  for (int i = 0; i < 20; ++i) {
    Client client = world.client();
    client.send(post("Content-Length: 99999999\r\n") + std::string(300000, 'x'));
    CHECK(client.answer().status == 413);
  }
}

TEST_CASE("slow heads and slow bodies get 408 in total time, idle connections just go") {
  http::Limits limits;
  limits.header_time = limits.body_time = io::Millis(150);
  limits.idle_time = io::Millis(400);
  World world(limits);
  Client head = world.client(), body = world.client(), idle = world.client(), used = world.client();
  const auto start = steady_clock::now();
  head.send("GET / HT");
  body.send(post("Content-Length: 100\r\n", "x"));
  CHECK(used.send(numbered(1)).answer().status == 200);
  for (int i = 0; i < 4; ++i) {  // each byte comes in time, the whole does not
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    head.send("T");
    body.send("x");
  }
  CHECK(head.answer().status == 408);
  CHECK(head.closed());
  CHECK(body.answer().status == 408);
  CHECK(body.closed());
  CHECK(seconds_since(start) < 1.4);
  CHECK(idle.closed());
  CHECK(used.closed());
  CHECK(seconds_since(start) >= 0.4);
}

TEST_CASE("a reader that stalls is cut, a slow one is served, and neither holds up others") {
  http::Limits limits;
  limits.write_time = io::Millis(500);
  World world(limits, 1);
  Client stalled = world.client(65536), slow = world.client(65536);
  const std::string big = "GET /big?20000000 HTTP/1.1\r\nHost: x\r\n\r\n";
  stalled.send(big);
  slow.send(big);
  CHECK(world.alive());
  const Answer all = slow.answer();
  CHECK(all.body.size() == 20000000);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  CHECK(stalled.answer().body.size() < 20000000);
  CHECK(world.alive());
}

TEST_CASE("more requests than the limit get 503 at once, the others their answer") {
  http::Limits limits;
  limits.requests = 4;
  World world(limits, 1);
  std::deque<Client> busy;
  for (int i = 0; i < 4; ++i) {
    busy.emplace_back(world.server.address()).send("GET /slow?300 HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  while (world.behaviour.served < 4) std::this_thread::yield();
  const auto start = steady_clock::now();
  const Answer shed = world.ask(numbered(1));
  CHECK(shed.status == 503);
  CHECK(shed.header("Retry-After") == "1");
  CHECK(seconds_since(start) < 0.25);
  for (Client& one : busy) CHECK(one.answer().status == 200);
  CHECK(world.alive());
}

TEST_CASE("more connections than the limit are turned away politely") {
  http::Limits limits;
  limits.connections = 3;
  World world(limits);
  {
    std::deque<Client> open;
    for (int i = 0; i < 3; ++i) {
      CHECK(open.emplace_back(world.server.address()).send(numbered(i)).answer().status == 200);
    }
    Client late = world.client();
    CHECK(late.answer().status == 503);
    CHECK(late.closed());
  }
  for (int i = 0; i < 200 && !world.alive(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(world.alive());
}

TEST_CASE("thousands of idle connections cost no thread and little memory") {
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  const std::size_t count = std::min<std::size_t>(10000, (files.rlim_cur - 100) / 2);
  World world;
  CHECK(world.alive());
  const std::size_t threads = of_process("Threads:");
  [[maybe_unused]] const std::size_t memory = of_process("VmRSS:");
  std::deque<Client> idle;
  for (std::size_t i = 0; i < count; ++i) idle.emplace_back(world.server.address());
  for (std::size_t i = 0; i < count; i += 100) {  // used once, then idle again
    CHECK(idle[i].send(numbered(1)).answer().status == 200);
  }
  CHECK(idle.front().send(numbered(1)).answer().status == 200);
  CHECK(idle.back().send(numbered(1)).answer().status == 200);
  CHECK(of_process("Threads:") == threads);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow counts too
  CHECK((of_process("VmRSS:") - memory) * 1024 / count < 4096);      // both ends
#endif
  CHECK(world.alive());
}

TEST_CASE("without descriptors clients are closed, the loop does not spin, and it recovers") {
  World world;
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  // Every connection stays open and has had its answer, so that the server neither gives a
  // descriptor back nor takes one for an accept that is still due while we count them: it once
  // took the one kept for the refused client.
  std::deque<Client> waiting;
  for (int i = 0; i < 40; ++i) waiting.emplace_back(world.server.address());
  for (Client& one : waiting) REQUIRE(one.send(numbered(1)).answer().status == 200);
  const int lowest_free = dup(0);
  close(lowest_free);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(lowest_free) + 3;
  std::deque<int> fill;
  setrlimit(RLIMIT_NOFILE, &tight);
  for (int fd = dup(0); fd >= 0; fd = dup(0)) fill.push_back(fd);
  close(fill.back());  // one for the client, none for the server
  fill.pop_back();
  {
    Client refused = world.client();
    const int status = refused.answer().status;
    CHECK(status == 503);
  }
  rusage start = {}, end = {};
  getrusage(RUSAGE_SELF, &start);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  getrusage(RUSAGE_SELF, &end);
  const auto micros = [](const rusage& r) {
    return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 + r.ru_utime.tv_usec +
           r.ru_stime.tv_usec;
  };
  CHECK(micros(end) - micros(start) < 100000);
  for (const int fd : fill) close(fd);
  setrlimit(RLIMIT_NOFILE, &before);
  for (int i = 0; i < 200 && !world.alive(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(world.alive());
}
