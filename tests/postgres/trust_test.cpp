// Which servers and connections are trusted, and for how long.
#include "postgres/asking.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

std::string pid_of(postgres::Transaction& transaction) {
  return value(transaction.query({"SELECT pg_backend_pid()"}, soon()));
}

}  // namespace

TEST_CASE("nothing is written to a server that may lose what it acknowledged") {
  with_database("unsafe", [](Database& database) {
    Postgres& postgres = Postgres::shared();
    as_superuser(postgres, "ALTER ROLE unsafe_owner SET synchronous_commit = off");
    const Result refused = ask(database, "CREATE TABLE t (id int)");
    CHECK(refused.error.status == 503);
    CHECK(refused.error.slug == "database-unavailable");
    postgres::Error error;
    CHECK(database.begin(soon(), error) == nullptr);
    CHECK(error.status == 503);
    CHECK(ask(database, "SELECT 1").ok());
    as_superuser(postgres, "ALTER ROLE unsafe_owner RESET synchronous_commit");
    const io::TimePoint patience = soon(10000);
    while (!ask(database, "CREATE TABLE IF NOT EXISTS t (id int)").ok()) {
      REQUIRE(io::Clock::now() < patience);
      io::sleep_for(io::Millis(50));
    }
    CHECK(database.begin(soon(), error) != nullptr);
  });
}

TEST_CASE("when the server says that it goes away, no connection of before is trusted") {
  with_database("epoch", [](Database& database) {
    REQUIRE(ask(database,
                "CREATE FUNCTION fail(code text) RETURNS int LANGUAGE plpgsql AS "
                "'BEGIN RAISE EXCEPTION ''going'' USING ERRCODE = code; END'")
                .ok());
    for (const std::string code : {"57P01", "25006"}) {
      CAPTURE(code);
      postgres::Error error;
      auto first = database.begin(soon(), error), second = database.begin(soon(), error);
      REQUIRE(first != nullptr);
      REQUIRE(second != nullptr);
      const std::string pids[] = {pid_of(*first), pid_of(*second)};
      CHECK(second->commit(soon(), error));
      second.reset();  // idle, and as old as the one that hears it
      CHECK_FALSE(first->query({"SELECT fail('" + code + "')"}, soon()).ok());
      first.reset();
      const auto next = database.begin(soon(), error);
      REQUIRE(next != nullptr);
      CHECK(pid_of(*next) != pids[0]);
      CHECK(pid_of(*next) != pids[1]);
    }
  });
}

TEST_CASE("the line for a transaction's connection is short") {
  with_database(
      "line",
      [](Database& database) {
        postgres::Error error;
        const auto held = database.begin(soon(), error);
        REQUIRE(held != nullptr);
        int at_once = 0, later = 0;
        side_by_side(80, [&](int) {
          const io::TimePoint start = io::Clock::now();
          postgres::Error mine;
          CHECK(database.begin(soon(), mine) == nullptr);
          CHECK(mine.slug == "overloaded");
          ++(io::Clock::now() - start < io::Millis(150) ? at_once : later);
        });
        CHECK(at_once == 16);
        CHECK(later == 64);
      },
      [](postgres::Options& options) { options.transactions = 1; });
}
