// The two servers alone: what they keep, whom they let in, and what a crash leaves.
#include "supervise/servers.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>

#include "supervise/scene.hpp"

namespace cleave::test {
namespace {

using supervise::PostgresServer;
using supervise::RedisServer;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

PostgresServer::Options in(const Place& place) {
  return {.data_dir = place / "data", .socket_dir = place / "s"};
}

/// Answers of a server that speaks Redis' protocol, by one command in its inline form.
std::string ask_redis(const std::string& url, const std::string& command) {
  const std::string path = url.substr(std::string("unix://").size());
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  char answer[256] = {};
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string line = command + "\r\n";
    [[maybe_unused]] const auto sent = send(fd, line.data(), line.size(), MSG_NOSIGNAL);
    [[maybe_unused]] const auto got = recv(fd, answer, sizeof answer - 1, 0);
  }
  close(fd);
  return answer;
}

}  // namespace

TEST_CASE("PostgreSQL keeps its rows over a stop, and over a crash of all of it") {
  const Place place;
  PostgresServer server(in(place));
  server.start();
  server.create_database("shop");
  const std::string owner = server.url("shop", "shop_owner");
  REQUIRE(ask(owner, "CREATE TABLE t (x int)") == "");
  REQUIRE(ask(owner, "INSERT INTO t VALUES (7)") == "");

  server.stop();
  CHECK_FALSE(server.running());
  CHECK(contains(ask(owner, "SELECT x FROM t"), "refused"));
  server.start();
  CHECK(ask(owner, "SELECT x FROM t") == "7");

  REQUIRE(ask(owner, "INSERT INTO t VALUES (8)") == "");
  const std::vector<pid_t> all = descendants(server.pid());
  CHECK_FALSE(all.empty());
  server.kill();
  CHECK(all_end(all, std::chrono::seconds(10)));
  server.start();
  CHECK(ask(owner, "SELECT max(x) FROM t") == "8");
  CHECK(ask(server.superuser_url(), "SHOW fsync") == "on");
  CHECK(ask(server.superuser_url(), "SHOW synchronous_commit") == "on");
  CHECK(ask(server.superuser_url(), "SHOW listen_addresses") == "");
}

TEST_CASE("a module's roles reach their own database and no other, with no more than they need") {
  const Place place;
  PostgresServer server(in(place));
  server.start();
  server.create_database("user");  // also a word of SQL's
  server.create_database("order");
  server.create_database("order");  // again: no harm

  CHECK(ask(server.url("order", "order_app"), "SELECT current_user") == "order_app");
  for (const char* role : {"order_app", "order_owner"}) {
    CAPTURE(role);
    CHECK(contains(ask(server.url("user", role), "SELECT 1"), "refused"));
    CHECK(contains(ask(server.url("postgres", role), "SELECT 1"), "refused"));
    CHECK(contains(ask(server.url("template1", role), "SELECT 1"), "refused"));
    CHECK(contains(ask(server.url("order", role), "CREATE ROLE intruder"), "refused"));
    CHECK(contains(ask(server.url("order", role), "CREATE DATABASE more"), "refused"));
  }
  // Refused by the grant too, should the list of who may connect ever be wrong.
  CHECK(ask(server.superuser_url(),
            "SELECT has_database_privilege('order_app', 'user', 'CONNECT')") == "f");
  CHECK(contains(ask(server.url("order", "order_app"), "CREATE TABLE mine (x int)"), "refused"));
  CHECK(
      contains(ask(server.url("order", "order_app"), "CREATE TEMP TABLE mine (x int)"), "refused"));
  CHECK(ask(server.url("order", "order_owner"), "CREATE TABLE ours (x int)") == "");
  CHECK(contains(ask(server.url("order", "order_app"), "SELECT * FROM ours"), "refused"));
}

// Roles, not the process, keep one module from another's data: whatever SQL a module were tricked
// into, this is what it meets.
TEST_CASE("a module's roles get 42501 for files, programs, other roles and other databases") {
  const Place place;
  PostgresServer server(in(place));
  server.start();
  server.create_database("user");
  server.create_database("order");
  for (const char* role : {"order_app", "order_owner"}) {
    CAPTURE(role);
    const std::string url = server.url("order", role);
    CHECK(sqlstate(url, "SELECT 1") == "");
    for (const char* sql : {"SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')",
                            "COPY (SELECT 1) TO PROGRAM 'true'", "COPY (SELECT 1) TO '/tmp/x'",
                            "SET ROLE postgres", "SET ROLE user_app", "SET ROLE user_owner",
                            "SET SESSION AUTHORIZATION user_app", "ALTER SYSTEM SET fsync = off"}) {
      CAPTURE(sql);
      CHECK(sqlstate(url, sql) == "42501");
    }
  }
  CHECK(sqlstate(server.url("order", "order_app"), "SET ROLE order_owner") == "42501");
  // The list of who may connect turns others away before the grant is asked. Without that list:
  CHECK(sqlstate(server.url("user", "order_app"), "SELECT 1") == "28000");
  std::ofstream(place / "data/cleave_hba.conf") << "local all all trust\n";
  server.signal(SIGHUP);
  for (const char* role : {"order_app", "order_owner"}) {
    CAPTURE(role);
    std::string state = "28000";
    for (int i = 0; i < 500 && state == "28000"; ++i) {
      state = sqlstate(server.url("user", role), "SELECT 1");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(state == "42501");
  }
}

TEST_CASE("an initdb that was killed half way is not believed") {
  const Place place;
  std::filesystem::create_directories(place / "data.half");
  std::ofstream(place / "data.half/PG_VERSION") << "15\n";
  PostgresServer server(in(place));
  server.start();
  CHECK(ask(server.superuser_url(), "SELECT 1") == "1");
  CHECK_FALSE(std::filesystem::exists(place / "data.half"));
}

TEST_CASE("data of another version of PostgreSQL is refused, with what to do") {
  const Place place;
  std::filesystem::create_directories(place / "data");
  std::ofstream(place / "data/PG_VERSION") << "9\n";
  PostgresServer server(in(place));
  CHECK_THROWS_WITH_AS(server.start(),
                       doctest::Contains("install postgresql-9, or remove the data"),
                       std::runtime_error);
}

TEST_CASE("data is served by its own version's programs, however new the others are") {
  const Place place;
  PostgresServer::Options options = in(place);
  {
    PostgresServer first(options);
    first.start();
  }
  std::string version;
  std::ifstream(place / "data/PG_VERSION") >> version;
  std::filesystem::create_directories(place / "installed/99/bin");
  std::filesystem::create_symlink("/bin/false", place / "installed/99/bin/postgres");
  std::filesystem::create_symlink(options.installed / version, place / "installed" / version);
  options.installed = place / "installed";
  PostgresServer server(options);
  server.start();
  CHECK(ask(server.superuser_url(), "SELECT 1") == "1");
  server.stop();
  std::filesystem::remove(place / "installed" / version);
  CHECK_THROWS_WITH_AS(server.start(),
                       doctest::Contains(("install postgresql-" + version + ", or remove").c_str()),
                       std::runtime_error);
}

TEST_CASE("a server that cannot start says why, at once") {
  const Place place;
  PostgresServer::Options options = in(place);
  options.settings = {"shared_buffers=nonsense"};
  PostgresServer server(options);
  CHECK_THROWS_WITH_AS(server.start(), doctest::Contains("did not start"), std::runtime_error);
  CHECK_FALSE(server.running());
}

TEST_CASE(
    "Redis listens on its private socket alone, keeps nothing, and starts over a stale socket") {
  const Place place;
  RedisServer server({.socket_dir = place / "s"});
  server.start();
  CHECK(ask_redis(server.url(), "PING") == "+PONG\r\n");
  CHECK(contains(ask_redis(server.url(), "CONFIG GET port"), "\r\n0\r\n"));
  CHECK(contains(ask_redis(server.url(), "CONFIG GET maxmemory-policy"), "allkeys-lru"));
  struct stat info = {};
  REQUIRE(stat((place / "s/redis.sock").c_str(), &info) == 0);
  CHECK((info.st_mode & 0077) == 0);

  CHECK(ask_redis(server.url(), "SET a 1") == "+OK\r\n");
  server.kill();
  CHECK_FALSE(server.running());
  CHECK(std::filesystem::exists(place / "s/redis.sock"));
  server.start();
  CHECK(ask_redis(server.url(), "GET a") == "$-1\r\n");
  server.stop();
  CHECK_FALSE(server.running());
}

}  // namespace cleave::test
