// A host that is killed between its commit and the cache, beside one that lives.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "cli/program.hpp"
#include "supervise/servers.hpp"
#include "support/http_client.hpp"
#include "support/postgres.hpp"

namespace cleave::test {

TEST_CASE("what a killed host had committed and not told the cache, another one tells it") {
  const OpenTempDir directory;
  supervise::RedisServer redis({.socket_dir = directory / "r"});
  redis.start();
  const HostProcess::Arguments serve{"run", "--listen",  "127.0.0.1:0", "--admin-listen",
                                     "off", "--threads", "1",           "--log-format",
                                     "json"};
  const HostProcess::Environment shared{
      {"CLEAVE_MODULES", "product"},
      {"CLEAVE_REDIS_URL", redis.url()},
      {"CLEAVE_PRODUCT_DATABASE_URL", Postgres::shared().app("product")},
      {"CLEAVE_PRODUCT_OWNER_DATABASE_URL", Postgres::shared().owner("product")}};
  HostProcess writer(serve, shared);
  REQUIRE(writer.wait_until_serving());
  HostProcess reader(serve, shared);
  REQUIRE(reader.wait_until_serving());
  const HttpAnswer made =
      ask_at(writer.address(), "POST", "/products", R"({"name":"before","price_cents":1})");
  REQUIRE(made.status == 201);
  const std::string path = made.header("Location");
  // Five turns of the outbox: while a host tells Redis from it, it reads past the cache.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  ask_at(reader.address(), "GET", path);
  REQUIRE(ask_at(reader.address(), "GET", path).header("X-Cache") == "hit");

  // Redis lives on, and nobody reaches it.
  const std::string socket = redis.url().substr(std::string_view("unix://").size());
  std::filesystem::rename(socket, socket + ".away");
  const std::string cut = "redis-cli -s " + socket + ".away CLIENT KILL TYPE normal >/dev/null";
  REQUIRE(std::system(cut.c_str()) == 0);
  const HttpAnswer written =
      ask_at(writer.address(), "PUT", path, R"({"name":"after","price_cents":1})");
  CHECK(written.status == 200);
  writer.signal(SIGKILL);
  CHECK(writer.wait().has_value());
  std::filesystem::rename(socket + ".away", socket);

  // Redis has the old value still, which would be served until it is 30 s old.
  HttpAnswer read;
  for (int look = 0; look < 500; ++look) {
    if (look > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    read = ask_at(reader.address(), "GET", path);
    REQUIRE(read.status == 200);
    if (read.header("X-Cache") == "hit" && read.body == written.body) break;
  }
  CHECK(read.header("X-Cache") == "hit");
  CHECK(read.body == written.body);
}

}  // namespace cleave::test
