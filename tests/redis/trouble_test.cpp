// Redis in every kind of trouble costs a load and never an error.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "observe/metrics.hpp"
#include "redis/cache.hpp"
#include "redis/server.hpp"
#include "redis/value.hpp"
#include "support/on_fiber.hpp"

using namespace cleave;
using namespace cleave::redis;
using namespace cleave::test;

namespace {

double metric(const Redis& redis, const std::string& sample) {
  observe::Metrics metrics;
  const auto handle = metrics.add([&](observe::Scrape& scrape) { redis.collect(scrape); });
  const std::string text = metrics.render();
  const auto at = text.find("\n" + sample + " ");
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + sample.size() + 2));
}

double errors(const Redis& redis, const std::string& kind) {
  return metric(redis, "cleave_redis_errors_total{kind=\"" + kind + "\"}");
}

double millis_since(io::TimePoint start) {
  return std::chrono::duration<double, std::milli>(io::Clock::now() - start).count();
}

/// Free a moment ago.
int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

TEST_CASE("whatever lies in a key that is no value of it is a miss and is repaired") {
  Server server;
  on_fiber([&] {
    Options options = server.options();
    options.operation_timeout = io::Millis(1000);
    Client client(options);
    const std::string key = "cleave:v1:product:7";
    client.fetch("7", value(5, "{\"id\":7}"));
    client.fetch("70", value(9, "{\"id\":70}"));
    CHECK(eventually([&] { return server.raw({"DBSIZE"})->integer == 2; }));
    const auto good = server.raw({"GET", key}), other = server.raw({"GET", key + "0"});
    const std::string value_of_7(good->str, good->len), value_of_70(other->str, other->len);
    const std::string garbage[] = {std::string("\0\xff\x01garbage", 10),
                                   value_of_7.substr(0, value_of_7.size() - 1),
                                   value_of_7.substr(0, 30),
                                   value_of_7 + "x",
                                   value_of_70,
                                   "{\"v\":7}",
                                   "",
                                   std::string(10 << 20, 'x'),
                                   value_of_7.substr(0, 27) + std::string(10 << 20, '9')};
    for (const std::string& bad : garbage) {
      server.raw({"SET", key, bad});
      const int before = client.loads;
      CHECK(client.fetch("7", value(5, "truth")).state == State::kMiss);
      CHECK(client.loads == before + 1);
      CHECK(eventually([&] { return client.fetch("7", value(5)).state == State::kHit; }));
      CHECK(*client.fetch("7", value(5)).entry.body == "truth");
    }
    server.raw({"DEL", key});
    server.raw({"LPUSH", key, "a", "list"});
    CHECK(client.fetch("7", value(5, "truth")).state == State::kMiss);
    CHECK(eventually([&] { return client.fetch("7", value(5)).state == State::kHit; }));
    CHECK(errors(client.redis, "wrongtype") == 1);
    CHECK(errors(client.redis, "garbage") >= 8);
    CHECK(client.redis.connected());
  });
}

TEST_CASE("a full Redis refuses stores, which costs loads and no error") {
  Server server({"--maxmemory", "2mb", "--maxmemory-policy", "noeviction"});
  on_fiber([&] {
    Client client(server.options());
    const std::string body(30000, 'x');
    for (int i = 0; i < 100; ++i) {
      const Fetched fetched = client.fetch(std::to_string(i), value(1, body));
      CHECK(fetched.state == State::kMiss);
      CHECK(fetched.entry.body->size() == body.size());
    }
    CHECK(eventually([&] { return errors(client.redis, "oom") > 0; }));
    client.store("0", value(2, "newer"));
    for (int i = 0; i < 5; ++i) {
      CHECK(*client.fetch("0", value(2, "newer")).entry.body == "newer");
    }
    server.raw({"FLUSHALL"});
    CHECK(eventually([&] { return client.fetch("0", value(2)).state == State::kHit; }));
  });
}

TEST_CASE("a hung Redis costs one timeout, then nothing, and comes back by itself") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("7", value(1));
    const double timeout = static_cast<double>(server.options().operation_timeout.count());
    server->signal(SIGSTOP);
    const io::TimePoint start = io::Clock::now();
    CHECK(client.fetch("7", value(1)).state == State::kOff);
    CHECK(millis_since(start) >= timeout - 1);
    CHECK(millis_since(start) < timeout + 30);
    CHECK(errors(client.redis, "timeout") == 1);
    const io::TimePoint after = io::Clock::now();
    for (int i = 0; i < 200; ++i) CHECK(client.fetch("7", value(1)).state == State::kOff);
    CHECK(millis_since(after) < 40);
    CHECK(metric(client.redis, "cleave_redis_breaker_open") == 1);
    // Probes fail meanwhile and cost nobody anything.
    for (int i = 0; i < 100; ++i) {
      io::sleep_for(io::Millis(5));
      const io::TimePoint one = io::Clock::now();
      CHECK(client.fetch("7", value(1)).state == State::kOff);
      CHECK(millis_since(one) < 20);
    }
    server->signal(SIGCONT);
    CHECK(eventually([&] { return client.redis.connected(); }, 1500));
    CHECK(client.fetch("7", value(1)).state == State::kHit);
    CHECK(metric(client.redis, "cleave_redis_breaker_open") == 0);
  });
}

TEST_CASE("a loop that was busy does not take its Redis for hung") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("7", value(1));
    CHECK(eventually([&] { return client.redis.connected(); }));
    const auto busy = [&] {  // turn after turn: the timer comes before the question has left
      for (int i = 0; i < 3; ++i) {
        usleep(2000 * static_cast<useconds_t>(server.options().operation_timeout.count()));
        io::Waiter next;
        io::Loop::current()->spawn([&] { next.wake(); });
        next.wait(soon());
      }
    };
    const std::vector<std::function<void()>> tasks{[&] { client.fetch("7", value(1)); }, busy};
    for (int round = 0; round < 3; ++round) io::gather(tasks);
    CHECK(errors(client.redis, "timeout") == 0);
    CHECK(client.redis.connected());
  });
}

TEST_CASE("a Redis that was never there costs nothing, and is found when it comes") {
  Server server;
  server->stop();
  on_fiber([&] {
    Client client(server.options());
    const io::TimePoint start = io::Clock::now();
    for (int i = 0; i < 50; ++i) CHECK(client.fetch("7", value(1)).state == State::kOff);
    client.store("7", value(2));
    CHECK(millis_since(start) < 50);
    server->start();
    CHECK(eventually([&] { return client.redis.connected(); }, 1500));
  });
}

TEST_CASE("a Redis that is killed under load causes no error and is used again") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    bool quit = false;
    int wrong = 0, reads = 0;
    std::vector<std::function<void()>> tasks(16, [&] {
      while (!quit) {
        const std::string key = std::to_string(++reads % 50);
        const Fetched fetched = client.fetch(key, value(1, key));
        wrong += fetched.state == State::kFailed || *fetched.entry.body != key ? 1 : 0;
        if (fetched.state != State::kHit) io::sleep_for(io::Millis(1));
      }
    });
    tasks.push_back([&] {
      for (int i = 0; i < 3; ++i) {
        io::sleep_for(io::Millis(50));
        server->kill();
        io::sleep_for(io::Millis(50));
        server->start();
        CHECK(eventually([&] { return client.redis.connected(); }));
      }
      quit = true;
    });
    io::gather(tasks);
    CHECK(wrong == 0);
    CHECK(reads > 100);
    CHECK(client.fetch("7", value(1, "7")).state != State::kOff);
  });
}

TEST_CASE("a store that Redis did not take is sent again, and not read past until then") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("7", value(1, "old"));
    const auto dumped = server.raw({"GET", "cleave:v1:product:7"});
    const std::string old(dumped->str, dumped->len);
    server->kill();
    CHECK(eventually([&] { return !client.redis.connected(); }));
    client.store("7", value(2, "new"));
    client.store("7", value(1, "old"));
    server->start();
    server.raw({"SET", "cleave:v1:product:7", old});  // as if it had kept its data
    for (bool landed = false; !landed;) {
      const Fetched fetched = client.fetch("7", value(2, "new"));
      REQUIRE(*fetched.entry.body == "new");
      const auto now = server.raw({"GET", "cleave:v1:product:7"});
      landed = std::string(now->str, now->len).ends_with("new");
      io::sleep_for(io::Millis(2));
    }
    CHECK(eventually([&] { return client.fetch("7", value(2)).state == State::kHit; }));
  });
}

TEST_CASE("a store sent again lands without anybody reading its key") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("warm", value(1));
    server->kill();
    CHECK(eventually([&] { return !client.redis.connected(); }));
    client.store("7", value(2, "new"));
    server->start();
    CHECK(eventually([&] { return server.raw({"EXISTS", "cleave:v1:product:7"})->integer == 1; }));
  });
}

TEST_CASE("the script may be forgotten by the server") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.store("7", value(1, "one"));
    server.raw({"SCRIPT", "FLUSH"});
    client.store("7", value(2, "two"));
    CHECK(*client.fetch("7", value(9)).entry.body == "two");
  });
}

TEST_CASE("a user, a password and a database are taken from the URL") {
  const std::string port = std::to_string(free_port());
  Server server({"--port", port, "--user", "app", "on", ">s3:cret", "~cleave:v1:*", "+@all"});
  on_fiber([&] {
    Options options = server.options();
    options.url = "redis://app:s3%3Acret@localhost:" + port + "/2";  // a name: looked up aside
    Client client(options);
    client.fetch("7", value(1));
    CHECK(eventually([&] { return client.redis.connected(); }));
    client.store("8", value(1));
    CHECK(server.raw({"DBSIZE"})->integer == 0);  // database 0
    CHECK(client.fetch("8", value(1)).state == State::kHit);
    options.url = "redis://app:wrong@127.0.0.1:" + port;
    Client refused(options);
    CHECK(refused.fetch("7", value(1)).state == State::kOff);
    CHECK(errors(refused.redis, "noauth") >= 1);
  });
}

TEST_CASE("a role without rights costs misses, counted") {
  Server server({"--user", "default", "on", "nopass", "~*", "-@all", "+ping", "+getrange"});
  on_fiber([&] {
    Options options = server.options();
    options.near_cache = true;
    Client client(options);
    for (int i = 0; i < 3; ++i) CHECK(client.fetch("7", value(1)).state == State::kMiss);
    client.store("7", value(2));
    CHECK(eventually([&] { return errors(client.redis, "noperm") >= 3; }));
  });
}

TEST_CASE("a Redis that closes connections, or talks another protocol, is no Redis") {
  Server server;
  on_fiber([&] {
    Client client(server.options());
    client.fetch("7", value(1));
    for (int i = 0; i < 5; ++i) {
      server.raw({"CLIENT", "KILL", "TYPE", "normal"});
      CHECK(client.fetch("7", value(1)).state != State::kFailed);
      CHECK(eventually([&] { return client.redis.connected(); }, 3000));
    }
  });
}
