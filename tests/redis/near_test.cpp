#include "redis/near.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <string>

#include "observe/metrics.hpp"
#include "redis/cache.hpp"
#include "redis/server.hpp"
#include "redis/value.hpp"
#include "support/on_fiber.hpp"

using namespace cleave;
using namespace cleave::redis;
using namespace cleave::test;

namespace {

const io::TimePoint kLater = io::Clock::now() + io::Millis(600000);

bool near_is_on(const Redis& redis) {
  observe::Metrics metrics;
  const auto handle = metrics.add([&](observe::Scrape& scrape) { redis.collect(scrape); });
  return metrics.render().find("\ncleave_cache_near 1\n") != std::string::npos;
}

std::string near_hits(const Redis& redis) {
  observe::Metrics metrics;
  const auto handle = metrics.add([&](observe::Scrape& scrape) { redis.collect(scrape); });
  const std::string text = metrics.render();
  const auto at = text.find("result=\"near_hit\"} ");
  return text.substr(at + 19, text.find('\n', at) - at - 19);
}

Options near_options(const Server& server) {
  Options options = server.options();
  options.near_cache = true;
  return options;
}

/// Reads until the near cache answers with this body.
bool near_has(Client& client, const std::string& key, const std::string& body) {
  return eventually([&] {
    const std::string before = near_hits(client.redis);
    const Fetched fetched = client.fetch(key, value(1, "must not load"));
    return near_hits(client.redis) != before && *fetched.entry.body == body;
  });
}

}  // namespace

TEST_CASE("the near cache is bounded and keeps what is used") {
  Near near(640);
  near.turn(true);
  for (int i = 0; i < 5000; ++i) {
    const std::string key = std::to_string(i);
    near.put(key, value(1, key), kLater, near.token(key));
    near.put("hot", value(1, "hot"), kLater, near.token("hot"));
    REQUIRE(near.find("hot", io::Clock::now()));
  }
  std::size_t found = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto entry = near.find(std::to_string(i), io::Clock::now());
    if (entry) CHECK(*entry->body == std::to_string(i));
    found += entry ? 1 : 0;
  }
  CHECK(found <= 640);
  CHECK(found > 500);
}

TEST_CASE("a value read before an invalidation or a commit is not taken") {
  Near near(100);
  near.turn(true);
  const auto body = [&] {
    const auto found = near.find("7", io::Clock::now());
    return found ? *found->body : std::string("none");
  };
  const auto early = near.token("7");
  near.invalidate("7");
  near.put("7", value(1), kLater, early);
  CHECK(body() == "none");
  const auto before = near.token("7");
  near.forget_older("7", value(3, "new"));
  near.put("7", value(2, "old"), kLater, before);
  CHECK(body() == "none");
  near.put("7", value(3, "new"), kLater, near.token("7"));
  near.forget_older("7", value(2, "old"));
  CHECK(body() == "new");
  near.forget_older("7", floor_of(3));
  CHECK(body() == "new");  // the state that the floor asks for
  near.forget_older("7", floor_of(4));
  CHECK(body() == "none");
  const auto cleared = near.token("7");
  near.clear();
  near.put("7", value(5), kLater, cleared);
  CHECK_FALSE(near.find("7", io::Clock::now()));
}

TEST_CASE("entries expire, and a near cache that is off is empty and takes nothing") {
  Near near(100);
  near.put("7", value(1), kLater, near.token("7"));
  CHECK_FALSE(near.find("7", io::Clock::now()));
  near.turn(true);
  CHECK_FALSE(near.find("7", io::Clock::now()));
  near.put("7", value(1), io::Clock::now() + io::Millis(20), near.token("7"));
  CHECK(near.find("7", io::Clock::now()));
  CHECK_FALSE(near.find("7", io::Clock::now() + io::Millis(20)));
  near.put("8", value(1), kLater, near.token("8"));
  near.turn(false);
  near.turn(true);
  CHECK_FALSE(near.find("8", io::Clock::now()));
}

TEST_CASE("a near hit copies nothing and asks nobody") {
  Server server;
  on_fiber([&] {
    Client client(near_options(server));
    client.fetch("7", value(1, "one"));
    CHECK(eventually([&] { return near_is_on(client.redis); }));
    CHECK(near_has(client, "7", "one"));
    const Fetched first = client.fetch("7", value(1)), second = client.fetch("7", value(1));
    CHECK(first.entry.body.get() == second.entry.body.get());
    CHECK(first.state == State::kHit);
  });
}

TEST_CASE("who stores late, after somebody newer, brings nothing old back") {
  Server server;
  on_fiber([&] {
    Client client(near_options(server));
    client.fetch("7", value(1, "one"));
    CHECK(eventually([&] { return near_is_on(client.redis); }));
    for (int version = 2; version < 50; ++version) {
      client.store("7", value(version + 1, "new"));
      client.store("7", value(version, "old"));  // committed before it, told after it
      CHECK(*client.fetch("7", value(1)).entry.body == "new");
      io::sleep_for(io::Millis(1));  // Redis' word that the key has changed has come
      client.store("7", value(version, "old"));
      CHECK(*client.fetch("7", value(1)).entry.body == "new");
    }
  });
}

TEST_CASE("another process's store reaches the near cache") {
  Server server;
  on_fiber([&] {
    Client here(near_options(server)), there(server.options());
    here.fetch("7", value(1, "one"));
    CHECK(eventually([&] { return near_is_on(here.redis); }));
    for (int version = 2; version < 50; ++version) {
      const std::string body = std::to_string(version);
      there.store("7", value(version, body));
      CHECK(near_has(here, "7", body));
    }
    CHECK(here.loads == 1);
  });
}

TEST_CASE("a key that is deleted, expires or is flushed leaves the near cache") {
  Server server;
  on_fiber([&] {
    Client client(near_options(server));
    client.fetch("7", value(1, "one"));
    CHECK(eventually([&] { return near_is_on(client.redis); }));
    const auto leaves = [&](std::initializer_list<std::string_view> command) {
      client.fetch("7", value(1, "one"));
      CHECK(near_has(client, "7", "one"));
      CHECK(eventually([&] { return server.raw({"DBSIZE"})->integer == 1; }));  // the fill landed
      CAPTURE(*command.begin());
      server.raw(command);
      const int before = client.loads;
      CHECK(eventually([&] {
        client.fetch("7", value(1, "one"));
        return client.loads == before + 1;
      }));
    };
    leaves({"DEL", "cleave:v1:product:7"});
    leaves({"PEXPIRE", "cleave:v1:product:7", "20"});
    leaves({"FLUSHALL"});
    leaves({"FLUSHDB"});
  });
}

TEST_CASE("without the subscription nothing is served from memory") {
  Server server;
  on_fiber([&] {
    Client here(near_options(server));
    here.fetch("7", value(1, "one"));
    CHECK(eventually([&] { return near_is_on(here.redis); }));
    CHECK(near_has(here, "7", "one"));
    server.raw({"CLIENT", "KILL", "TYPE", "pubsub"});
    CHECK(eventually([&] { return !near_is_on(here.redis); }));
    CHECK(here.fetch("7", value(1)).state == State::kHit);  // Redis itself still answers
    CHECK(eventually([&] { return near_is_on(here.redis); }));
    CHECK(near_has(here, "7", "one"));
    server->signal(SIGSTOP);  // a silent loss: found by the heartbeat
    CHECK(eventually([&] { return !near_is_on(here.redis); }, 600));
    server->signal(SIGCONT);
    CHECK(eventually([&] { return near_is_on(here.redis); }, 3000));
  });
}

TEST_CASE("no reader sees less than this process has acknowledged") {
  Server server;
  on_fiber([&] {
    Options options = near_options(server);
    options.operation_timeout = io::Millis(500);
    Client client(options);
    client.fetch("warm", value(1));
    std::int64_t committed = 1, acknowledged = 1;
    bool quit = false;
    int stale = 0, reads = 0;
    std::vector<std::function<void()>> tasks(8, [&] {
      while (!quit) {
        const std::int64_t least = acknowledged;
        const Fetched fetched = client.cache.fetch(
            "7",
            [&](Entry& out) {
              out = value(committed);
              io::sleep_for(io::Millis(reads % 3));  // the fill comes late
              return true;
            },
            soon());
        stale += fetched.entry.version < least ? 1 : 0;
        if (++reads % 64 == 0) io::sleep_for(io::Millis(1));
      }
    });
    tasks.push_back([&] {
      for (int i = 0; i < 300; ++i) {
        const std::int64_t version = ++committed;
        if (i % 5 == 0) io::sleep_for(io::Millis(1));
        if (i % 7 == 0) server.raw({"DEL", "cleave:v1:product:7"});
        client.store("7", i % 3 == 0 ? floor_of(version) : value(version));
        acknowledged = version;
      }
      quit = true;
    });
    io::gather(tasks);
    CHECK(stale == 0);
    CHECK(reads > 300);
  });
}
