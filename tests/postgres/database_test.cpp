#include <doctest/doctest.h>
#include <libpq-fe.h>

#include <csignal>
#include <string>

#include "postgres/asking.hpp"

using namespace cleave;
using namespace cleave::test;

TEST_CASE("text, NULL, empty and large values go round unchanged") {
  with_database("values", [](Database& database) {
    const std::string large(1 << 20, 'x');
    CHECK(value(ask(database, "SELECT $1::text", {large})) == large);
    CHECK(value(ask(database, "SELECT $1::text", {""})).empty());
    const cleave_view null{nullptr, 0};
    const Result result = database.query({"SELECT $1::text", &null, 1}, soon());
    REQUIRE(result.ok());
    CHECK(PQgetisnull(result.rows.get(), 0, 0) == 1);
    const std::string nul("a\0b", 3);
    const Result refused = ask(database, "SELECT $1::text", {nul});
    CHECK_FALSE(refused.ok());
    CHECK(refused.error.status == 422);
    CHECK(refused.error.slug == "forbidden-character");
  });
}

TEST_CASE("fifty fibers share packets, and each gets its own answer") {
  with_database("shared", [](Database& database) {
    ask(database, "SELECT 1");  // connected
    const double before = count(database, "segments");
    side_by_side(50, [&](int i) {
      CHECK(value(ask(database, "SELECT $1::int * 2", {std::to_string(i)})) ==
            std::to_string(i * 2));
    });
    CHECK(count(database, "segments") - before <= 2);
  });
}

TEST_CASE("identical reads that wait together run once; switched off, they do not") {
  for (const bool share : {true, false}) {
    with_database(
        "twins",
        [&](Database& database) {
          ask(database, "SELECT 1");
          std::string first;
          std::uint64_t number = 0;
          side_by_side(20, [&](int) {
            const Result result = ask(database, "SELECT clock_timestamp()");
            const std::string mine = value(result);
            if (first.empty()) first = mine, number = result.shared;
            if (share) CHECK(mine == first);
            CHECK(result.shared == number);
          });
          CHECK((number != 0) == share);
          if (share) CHECK(ask(database, "SELECT clock_timestamp()").shared == 0);  // nobody else
          CHECK((count(database, "shared_reads") == 19) == share);
        },
        [&](postgres::Options& options) { options.share_reads = share; });
  }
}

TEST_CASE(
    "one bad statement among fifty good ones fails alone, reads and "
    "writes alike") {
  with_database("culprit", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int PRIMARY KEY)").ok());
    side_by_side(51, [&](int i) {
      const bool bad = i == 25;
      const Result read =
          ask(database, bad ? "SELECT nonsense" : "SELECT $1::int",
              bad ? std::vector<std::string>{} : std::vector<std::string>{std::to_string(i)});
      CHECK(read.ok() != bad);
      if (bad) CHECK(read.error.sqlstate == "42703");
      // 25 and 24 insert the same key: whichever comes second is refused,
      // nobody else.
      const Result write =
          ask(database, "INSERT INTO t VALUES ($1)", {std::to_string(bad ? 24 : i)});
      if (i != 24 && !bad) CHECK(write.ok());
      if (!write.ok()) {
        CHECK(write.error.status == 409);
        CHECK(write.error.constraint == "t_pkey");
      }
    });
    CHECK(value(ask(database, "SELECT count(*) FROM t")) == "50");
    CHECK(count(database, "repeats") > 0);
  });
}

TEST_CASE("a write is answered after its commit") {
  with_database("durable", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    side_by_side(30, [&](int i) {
      REQUIRE(ask(database, "INSERT INTO t VALUES ($1)", {std::to_string(i)}).ok());
      // The read pipeline is another session: it sees only what is committed.
      CHECK(value(ask(database, "SELECT count(*) FROM t WHERE id = $1", {std::to_string(i)})) ==
            "1");
    });
  });
}

TEST_CASE("a SELECT that writes is refused, with a remedy") {
  with_database("sideeffect", [](Database& database) {
    REQUIRE(ask(database, "CREATE SEQUENCE s").ok());
    const Result result = ask(database, "SELECT nextval('s')");
    CHECK(result.error.slug == "side-effect-in-select");
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    CHECK(ask(database, "SELECT id FROM t FOR UPDATE").ok());  // goes where writes go
  });
}

TEST_CASE("a deadline ends the wait, sent or not, and the pipeline goes on") {
  with_database("late", [](Database& database) {
    ask(database, "SELECT 1");
    side_by_side(3, [&](int i) {
      const io::TimePoint start = io::Clock::now();
      const Result result = ask(database, "SELECT pg_sleep(0.4), $1::int", {std::to_string(i)}, 50);
      CHECK(result.error.status == 504);
      CHECK(io::Clock::now() - start < io::Millis(300));
    });
    CHECK(value(ask(database, "SELECT 7")) == "7");
  });
}

TEST_CASE(
    "a killed backend costs a read nothing and a waiting write an honest "
    "answer") {
  with_database("killed", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    ask(database, "SELECT 1");
    const auto kill_all = [] {
      Postgres& postgres = Postgres::shared();
      const std::unique_ptr<PGconn, void (*)(PGconn*)> admin(
          PQconnectdb(postgres.server().superuser_url().c_str()), &PQfinish);
      PQclear(PQexec(admin.get(),
                     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE application_name = 'cleave-killed'"));
    };
    kill_all();
    CHECK(ask(database, "SELECT 2").ok());
    Result write;
    side_by_side(2, [&](int i) {
      if (i == 0) {
        write = ask(database, "INSERT INTO t SELECT 1 FROM pg_sleep(0.3)");
      } else {
        io::sleep_for(io::Millis(100));
        kill_all();
      }
    });
    CHECK_FALSE(write.ok());
    CHECK(write.error.status == 503);
    CHECK(value(ask(database, "SELECT count(*) FROM t")) == "0");
  });
}

TEST_CASE("a lock held by another gives 503, and others are served meanwhile") {
  with_database("locked", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    REQUIRE(ask(database, "CREATE TABLE free (id int)").ok());
    postgres::Error error;
    const auto holder = database.begin(soon(), error);
    REQUIRE(holder != nullptr);
    REQUIRE(holder->query({"LOCK TABLE t"}, soon()).ok());
    side_by_side(2, [&](int i) {
      if (i == 0) CHECK(ask(database, "INSERT INTO t VALUES (1)").error.sqlstate == "55P03");
      if (i == 1) CHECK(ask(database, "SELECT count(*) FROM free").ok());
    });
  });
}

TEST_CASE(
    "transactions commit, roll back, are abandoned, and wait in line for "
    "their turn") {
  with_database(
      "tx",
      [](Database& database) {
        REQUIRE(ask(database, "CREATE TABLE t (id int PRIMARY KEY)").ok());
        postgres::Error error;
        {
          const auto tx = database.begin(soon(), error);
          REQUIRE(tx != nullptr);
          CHECK(tx->query({"INSERT INTO t VALUES (1)"}, soon()).ok());
          CHECK(tx->commit(soon(), error));
        }
        {
          const auto abandoned = database.begin(soon(), error);
          CHECK(abandoned->query({"INSERT INTO t VALUES (2)"}, soon()).ok());
        }
        {
          const auto failed = database.begin(soon(), error);
          CHECK(failed->query({"INSERT INTO t VALUES (1)"}, soon()).error.status == 409);
          CHECK(failed->query({"SELECT 1"}, soon()).error.slug == "transaction-aborted");
          CHECK_FALSE(failed->commit(soon(), error));
        }
        CHECK(value(ask(database, "SELECT string_agg(id::text, ',') FROM t")) == "1");
        std::vector<std::unique_ptr<postgres::Transaction>> held;
        for (int i = 0; i < 2; ++i) held.push_back(database.begin(soon(), error));
        CHECK(database.begin(soon(), error) == nullptr);
        CHECK(error.slug == "overloaded");
        side_by_side(2, [&](int i) {
          if (i == 0) CHECK(database.begin(soon(), error) != nullptr);
          if (i == 1) held.pop_back();
        });
      },
      [](postgres::Options& options) { options.transactions = 2; });
}

TEST_CASE("the server is down at the start, comes, goes and comes back") {
  Postgres own;
  const std::string url = own.owner("restart");
  own.server().stop();
  Database database({.module = "restart", .url = url});
  test::on_fiber([&] {
    const Result early = ask(database, "SELECT 1");
    CHECK(early.error.slug == "database-unavailable");
    CHECK(early.error.status == 503);
    for (int round = 0; round < 2; ++round) {
      own.server().start();
      Result result;
      for (int i = 0; i < 100 && !result.ok(); ++i) {
        io::sleep_for(io::Millis(50));
        result = ask(database, "SELECT 1");
      }
      CHECK(result.ok());
      round == 0 ? own.server().kill() : own.server().stop();
      CHECK_FALSE(ask(database, "SELECT 1").ok());
    }
    database.close();
  });
}

TEST_CASE(
    "a server that is stopped like a debugger stops it is given up, not "
    "waited for") {
  Postgres own;
  Database database(
      {.module = "frozen", .url = own.owner("frozen"), .statement_timeout = io::Millis(200)});
  test::on_fiber([&] {
    CHECK(ask(database, "SELECT 1").ok());
    const std::string pid = value(ask(database, "SELECT pg_backend_pid()"));
    kill(std::stoi(pid), SIGSTOP);
    const io::TimePoint start = io::Clock::now();
    const Result result = ask(database, "SELECT 2", {}, 3000);  // sent again on a new connection
    CHECK(result.ok());
    CHECK(io::Clock::now() - start < io::Millis(2000));
    kill(std::stoi(pid), SIGKILL);
    database.close();
  });
}
