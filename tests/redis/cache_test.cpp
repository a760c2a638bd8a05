#include "redis/cache.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "redis/server.hpp"
#include "support/on_fiber.hpp"

using namespace cleave;
using namespace cleave::redis;
using namespace cleave::test;

TEST_CASE("a first read loads, the next is a hit with the very same bytes") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    const std::string body("{\"id\":7}\n\0\xff", 11);
    const Fetched first = client.fetch("7", value(3, body));
    CHECK(first.state == State::kMiss);
    CHECK(*first.entry.body == body);
    const Fetched second = client.fetch("7", value(99));
    CHECK(second.state == State::kHit);
    CHECK(*second.entry.body == body);
    CHECK(second.entry.version == 3);
    CHECK(client.loads == 1);
    const auto ttl = server.raw({"PTTL", "cleave:v1:product:7"});
    CHECK(ttl->integer > 260000);
    CHECK(ttl->integer <= 330000);
  });
}

TEST_CASE("modules do not see each other's keys") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    Cache other(client.redis, "user");
    client.fetch("7", value(1, "product"));
    const Fetched fetched = other.fetch(
        "7",
        [](Entry& out) {
          out = value(1, "user");
          return true;
        },
        soon());
    CHECK(*fetched.entry.body == "user");
  });
}

TEST_CASE("what does not exist is remembered, but only for a short while") {
  Server server;
  on_fiber([&] {
    Options options = server.options();
    options.negative_ttl = io::Millis(100);
    Client client(options);
    CHECK(client.fetch("7", gone(0)).entry.kind == Kind::kGone);
    CHECK(client.fetch("7", value(1)).state == State::kHit);
    io::sleep_for(io::Millis(130));
    CHECK(client.fetch("7", value(1)).entry.kind == Kind::kValue);
    CHECK(client.loads == 2);
  });
}

TEST_CASE("a load that fails is told, is not stored, and is tried again by the next") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    const Fetched failed = client.cache.fetch(
        "7", [](Entry&) { return false; }, soon());
    CHECK(failed.state == State::kFailed);
    CHECK(server.raw({"EXISTS", "cleave:v1:product:7"})->integer == 0);
    CHECK(client.fetch("7", value(1)).state == State::kMiss);
    CHECK_THROWS(client.cache.fetch(
        "8", [](Entry&) -> bool { throw std::runtime_error("load"); }, soon()));
    CHECK(client.fetch("8", value(1)).state == State::kMiss);  // no flight is left behind
  });
}

TEST_CASE("the greater of two stores remains, in whatever order they come") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    const Entry order[] = {floor_of(7), value(7, "seven"), gone(7), floor_of(8), value(8, "eight")};
    for (std::size_t a = 0; a < std::size(order); ++a) {
      for (std::size_t b = 0; b < std::size(order); ++b) {
        const std::string key = std::to_string(a) + "-" + std::to_string(b);
        client.store(key, order[a]);
        client.store(key, order[b]);
        const Entry& wins = order[std::max(a, b)];
        const Fetched fetched = client.fetch(key, value(100, "truth"));
        if (wins.kind == Kind::kFloor) {
          CHECK(*fetched.entry.body == "truth");
        } else {
          CHECK(fetched.state == State::kHit);
          CHECK(fetched.entry.version == wins.version);
          CHECK(fetched.entry.kind == wins.kind);
        }
      }
    }
  });
}

TEST_CASE("a floor is a miss, and only a value that is not older replaces it") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.store("7", floor_of(5));
    CHECK(client.fetch("7", value(4, "old")).state == State::kMiss);  // a replica that lags
    CHECK(client.fetch("7", value(5, "new")).state == State::kMiss);
    CHECK(eventually([&] { return client.fetch("7", value(6)).state == State::kHit; }));
    CHECK(*client.fetch("7", value(6)).entry.body == "new");
  });
}

TEST_CASE("a slow reader loses against a newer store") {
  Server server;
  on_fiber([&] {
    for (const bool near : {false, true}) {
      Options options = server.options();
      options.near_cache = near;
      Client client(options);
      const std::string key = near ? "near" : "far";
      client.fetch("warm", value(1));
      io::sleep_for(io::Millis(50));
      io::Loop::current()->spawn([&] {
        io::sleep_for(io::Millis(20));
        client.store(key, value(2, "new"));
      });
      const Fetched slow = client.cache.fetch(
          key,
          [](Entry& out) {
            out = value(1, "old");  // read before the commit, given after it
            io::sleep_for(io::Millis(60));
            return true;
          },
          soon());
      CHECK(*slow.entry.body == "old");
      for (int i = 0; i < 20; ++i) {
        CHECK(*client.fetch(key, value(2, "new")).entry.body == "new");
        io::sleep_for(io::Millis(1));
      }
    }
  });
}

TEST_CASE("who comes after a store does not get what was being read before it") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("warm", value(1));
    std::vector<std::function<void()>> tasks;
    tasks.push_back([&] {
      client.cache.fetch(
          "7",
          [](Entry& out) {
            out = value(1, "old");
            io::sleep_for(io::Millis(60));
            return true;
          },
          soon());
    });
    tasks.push_back([&] {
      io::sleep_for(io::Millis(20));
      client.store("7", floor_of(2));
      CHECK(*client.fetch("7", value(2, "new")).entry.body == "new");
    });
    io::gather(tasks);
  });
}

TEST_CASE("after the soft expiry one reader refreshes and the others are served at once") {
  Server server;
  on_fiber([&] {
    Options options = server.options();
    options.soft_ttl = io::Millis(50);
    Client client(options);
    client.fetch("7", value(1, "old"));
    io::sleep_for(io::Millis(70));
    std::vector<State> states;
    std::vector<std::function<void()>> tasks;
    for (int i = 0; i < 10; ++i) {
      tasks.push_back([&] {
        const Fetched fetched = client.cache.fetch(
            "7",
            [&](Entry& out) {
              ++client.loads;
              io::sleep_for(io::Millis(30));
              out = value(1, "same version");
              return true;
            },
            soon());
        states.push_back(fetched.state);
      });
    }
    io::gather(tasks);
    CHECK(client.loads == 2);
    CHECK(std::count(states.begin(), states.end(), State::kStale) == 9);
    CHECK(std::count(states.begin(), states.end(), State::kMiss) == 1);
    CHECK(client.fetch("7", value(9)).state == State::kHit);  // renewed at the same version
    io::sleep_for(io::Millis(70));
    const Fetched kept = client.cache.fetch(
        "7", [](Entry&) { return false; }, soon());
    CHECK(kept.state == State::kStale);
    CHECK(*kept.entry.body == "same version");
  });
}

TEST_CASE("a value too large is not kept, and takes the older one away") {
  Server server;
  on_fiber([&] {
    Options options = server.options();
    Client client(options);
    client.fetch("7", value(1, "small"));
    client.store("7", value(2, std::string(options.largest + 1, 'x')));
    CHECK(*client.fetch("7", value(2, "truth")).entry.body == "truth");
    client.store("8", value(1, std::string(options.largest, 'y')));
    CHECK(client.fetch("8", value(1)).state == State::kHit);
  });
}

TEST_CASE("without a URL every read loads and every store is harmless") {
  on_fiber([&] {
    Client client(Options{});
    client.store("7", value(2));
    CHECK(client.fetch("7", value(2)).state == State::kOff);
    CHECK(client.fetch("7", value(2)).state == State::kOff);
    CHECK(client.loads == 2);
    CHECK_FALSE(client.redis.connected());
  });
}
