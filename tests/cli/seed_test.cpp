// cleave seed beside a host that serves: it shares the host's database and cache.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "cli/program.hpp"
#include "supervise/servers.hpp"
#include "support/http_client.hpp"
#include "support/postgres.hpp"

namespace cleave::test {
namespace {

/// The rows of the first page, as soon as there are `wanted`. A host hears of a change in the cache
/// from the server, not by asking, hence the moment; far less than a cached page lives (30 s).
std::size_t rows_at_once(const std::string& address, std::size_t wanted) {
  std::size_t rows = 0;
  for (int look = 0; look < 100; ++look) {
    const HttpAnswer answer = ask_at(address, "GET", "/products");
    REQUIRE(answer.status == 200);
    rows = nlohmann::json::parse(answer.body).size();
    if (rows == wanted) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return rows;
}

}  // namespace

TEST_CASE("seeding replaces a first page that a running host has cached") {
  const OpenTempDir directory;
  supervise::RedisServer redis({.socket_dir = directory / "r"});
  redis.start();
  HostProcess::Environment shared{
      {"CLEAVE_MODULES", "product"},
      {"CLEAVE_REDIS_URL", redis.url()},
      {"CLEAVE_PRODUCT_DATABASE_URL", Postgres::shared().app("product")},
      {"CLEAVE_PRODUCT_OWNER_DATABASE_URL", Postgres::shared().owner("product")}};
  HostProcess host({"run", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--threads", "1",
                    "--log-format", "json"},
                   shared);
  REQUIRE(host.wait_until_serving());
  for (const std::size_t rows : {std::size_t{3}, std::size_t{5}}) {
    for (int cached = 0; cached < 2; ++cached) ask_at(host.address(), "GET", "/products");
    const Ended seeded =
        run_program({"seed", "--products", std::to_string(rows), "--replace", "--threads", "1"},
                    shared, std::chrono::milliseconds(60000));
    INFO(seeded.out, seeded.err);
    REQUIRE(seeded.code == 0);
    CHECK(rows_at_once(host.address(), rows) == rows);
  }
  host.signal(SIGTERM);
  CHECK(host.wait().value_or(-1) == 0);
}

}  // namespace cleave::test
