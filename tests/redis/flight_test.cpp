// At most one load a key.
#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "io/threads.hpp"
#include "redis/cache.hpp"
#include "redis/server.hpp"
#include "support/on_fiber.hpp"

using namespace cleave;
using namespace cleave::redis;
using namespace cleave::test;

TEST_CASE("two thousand readers of one cold key cause one load") {
  Server server;
  on_fiber([&] {
    Options options = server.options();
    options.operation_timeout = io::Millis(1000);
    Client client(options);
    int served = 0;
    std::vector<std::function<void()>> tasks(2000, [&] {
      const Fetched fetched = client.cache.fetch(
          "7",
          [&](Entry& out) {
            ++client.loads;
            io::sleep_for(io::Millis(20));
            out = value(1, "one");
            return true;
          },
          soon(10000));
      served += *fetched.entry.body == "one" ? 1 : 0;
    });
    io::gather(tasks);
    CHECK(client.loads == 1);
    CHECK(served == 2000);
  });
}

TEST_CASE("readers on several loops share a load") {
  Server server;
  Options options = server.options();
  options.loops = 3;
  options.operation_timeout = io::Millis(1000);
  Redis redis(options);
  Cache cache(redis, "product");
  std::atomic<int> loads{0}, served{0};
  io::Threads threads(3);
  for (int round = 0; round < 20; ++round) {
    const std::string key = std::to_string(round);
    threads.run_on_all([&] {
      std::vector<std::function<void()>> tasks(50, [&] {
        const Fetched fetched = cache.fetch(
            key,
            [&](Entry& out) {
              ++loads;
              io::sleep_for(io::Millis(2));
              out = value(1, key);
              return true;
            },
            soon(10000));
        served += *fetched.entry.body == key ? 1 : 0;
      });
      io::gather(tasks);
    });
  }
  threads.run_on_all([&] { redis.close(); });
  CHECK(loads == 20);
  CHECK(served == 20 * 150);
}

TEST_CASE("a leader's failure is not shared: the next in line loads") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("warm", value(1));
    int attempts = 0, failed = 0, served = 0;
    std::vector<std::function<void()>> tasks(20, [&] {
      const Fetched fetched = client.cache.fetch(
          "7",
          [&](Entry& out) {
            io::sleep_for(io::Millis(5));
            if (++attempts <= 3) return false;
            out = value(1);
            return true;
          },
          soon());
      ++(fetched.state == State::kFailed ? failed : served);
    });
    io::gather(tasks);
    CHECK(attempts == 4);
    CHECK(failed == 3);
    CHECK(served == 17);
  });
}

TEST_CASE("who waits in vain loads at its own deadline") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("warm", value(1));
    std::vector<std::function<void()>> tasks;
    tasks.push_back([&] {
      client.cache.fetch(
          "7",
          [](Entry& out) {
            io::sleep_for(io::Millis(400));
            out = value(1, "late");
            return true;
          },
          soon());
    });
    tasks.push_back([&] {
      io::sleep_for(io::Millis(20));
      const io::TimePoint start = io::Clock::now();
      const Fetched fetched = client.cache.fetch(
          "7",
          [](Entry& out) {
            out = value(1, "own");
            return true;
          },
          start + io::Millis(50));
      CHECK(*fetched.entry.body == "own");
      CHECK(io::Clock::now() - start < io::Millis(300));
    });
    io::gather(tasks);
  });
}

TEST_CASE("FLUSHALL under load costs at most one load a key") {
  Server server;
  on_fiber([&] {
    for (const bool near : {false, true}) {
      Options options = server.options();
      options.near_cache = near;
      options.operation_timeout = io::Millis(1000);
      Client client(options);
      std::map<std::string, int> loads;
      bool quit = false;
      int flushes = 0;
      std::vector<std::function<void()>> tasks(32, [&] {
        for (int i = 0; !quit; ++i) {
          const std::string key = std::to_string(i % 10);
          const Fetched fetched = client.cache.fetch(
              key,
              [&](Entry& out) {
                ++loads[key];
                io::sleep_for(io::Millis(2));
                out = value(1, key);
                return true;
              },
              soon(10000));
          REQUIRE(*fetched.entry.body == key);
          if (i % 64 == 0) io::sleep_for(io::Millis(1));  // a near hit does not wait by itself
        }
      });
      tasks.push_back([&] {
        for (; flushes < 10; ++flushes) {
          io::sleep_for(io::Millis(30));
          server.raw({"FLUSHALL"});
        }
        io::sleep_for(io::Millis(20));
        quit = true;
      });
      io::gather(tasks);
      for (const auto& [key, count] : loads) {
        CHECK(count <= 1 + flushes);
        CHECK(count >= 2);
      }
      server.raw({"FLUSHALL"});
    }
  });
}
