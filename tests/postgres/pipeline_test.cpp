// What a shared connection must never do: say yes to what was not committed,
// let one caller's text touch another's, or stand still.
#include <set>

#include "postgres/asking.hpp"
#include "postgres/statement_kind.hpp"
#include "postgres/url.hpp"

using namespace cleave;
using namespace cleave::test;
using postgres::StatementKind;

TEST_CASE(
    "a constraint that fails at the commit fails its own caller, and "
    "nobody else") {
  with_database("deferred", [](Database& database) {
    REQUIRE(ask(database,
                "CREATE TABLE t (id int, v int UNIQUE DEFERRABLE "
                "INITIALLY DEFERRED)")
                .ok());
    REQUIRE(ask(database, "INSERT INTO t VALUES (0, 0)").ok());
    CHECK(ask(database, "INSERT INTO t VALUES (1, 0)").error.status == 409);
    side_by_side(5, [&](int i) {
      const Result result =
          ask(database, "INSERT INTO t VALUES ($1, $1)", {std::to_string(i == 2 ? 0 : 10 + i)});
      CHECK(result.ok() == (i != 2));
    });
    CHECK(value(ask(database, "SELECT string_agg(id::text, ',' ORDER BY id) FROM t")) ==
          "0,10,11,13,14");
  });
}

TEST_CASE("a commit whose wait for the standby was cut short is told as unknown") {
  Postgres own;
  Database database({.module = "standby", .url = own.owner("standby")});
  on_fiber([&] {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    postgres::Error error;
    auto transaction = database.begin(soon(), error);
    REQUIRE(transaction->query({"INSERT INTO t VALUES (2)"}, soon()).ok());
    as_superuser(own, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    as_superuser(own, "SELECT pg_reload_conf()");
    io::sleep_for(io::Millis(300));
    side_by_side(3, [&](int i) {
      if (i == 0) CHECK(ask(database, "INSERT INTO t VALUES (1)").error.slug == "outcome-unknown");
      if (i == 1) {
        CHECK_FALSE(transaction->commit(soon(), error));
        CHECK(error.slug == "outcome-unknown");
      }
      if (i == 2) {
        io::sleep_for(io::Millis(300));
        as_superuser(own,
                     "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                     "WHERE application_name = 'cleave-standby'");
      }
    });
    transaction.reset();
    // The warning was of that commit, and not of those to come.
    as_superuser(own, "ALTER SYSTEM RESET synchronous_standby_names");
    as_superuser(own, "SELECT pg_reload_conf()");
    io::sleep_for(io::Millis(300));
    const auto next = database.begin(soon(), error);
    REQUIRE(next != nullptr);
    REQUIRE(next->query({"INSERT INTO t VALUES (3)"}, soon()).ok());
    CHECK(next->commit(soon(), error));
  });
  on_fiber([&] { database.close(); });
}

TEST_CASE("a segment that goes on for long is not taken for one that hangs") {
  with_database("long", [](Database& database) {
    ask(database, "SELECT 1");
    side_by_side(32, [&](int i) {
      const std::string mine = std::to_string(i);
      CHECK(value(ask(database, "SELECT $1::int, pg_sleep(0.1)", {mine}, 10000)) == mine);
    });
    CHECK(count(database, "connects") == 1);
  });
}

TEST_CASE("who gave up leaves room in the queue for others") {
  with_database("room", [](Database& database) {
    ask(database, "SELECT 1");
    side_by_side(4200, [&](int i) {
      if (i == 0) return void(ask(database, "SELECT pg_sleep(0.7)"));
      io::sleep_for(io::Millis(20));
      if (i < 4180) return void(ask(database, "SELECT $1::text", {std::to_string(i)}, 100));
      io::sleep_for(io::Millis(400));
      CHECK(ask(database, "SELECT $1::text", {std::to_string(i)}).ok());
    });
  });
}

TEST_CASE(
    "a table that changes its columns under a prepared statement costs "
    "one repeat") {
  with_database("columns", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 3; ++i) CHECK(ask(database, "SELECT * FROM t").ok());
      REQUIRE(ask(database, "ALTER TABLE t ADD c" + std::to_string(round) + " int").ok());
    }
  });
}

TEST_CASE(
    "the same broken statement from several callers tells each of them "
    "the same") {
  with_database("broken_text", [](Database& database) {
    ask(database, "SELECT 1");
    side_by_side(5, [&](int i) {
      const Result result = ask(database, "INSERT INTO nowhere VALUES ($1)", {std::to_string(i)});
      CHECK(result.error.sqlstate == "42P01");
    });
  });
}

TEST_CASE(
    "what would touch the session or the transaction of others is "
    "refused unsent") {
  with_database("refused", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    for (const char* sql : {"BEGIN", "  /* now */ commit", "COPY t FROM STDIN",
                            "SET timezone = 'x'", "DO $$ BEGIN END $$", "", "-- nothing"}) {
      CAPTURE(sql);
      CHECK(ask(database, sql).error.slug == "statement-not-allowed");
    }
    CHECK(ask(database, "INSERT INTO t VALUES (1)").ok());
    CHECK(value(ask(database, "SELECT count(*) FROM t")) == "1");
  });
}

TEST_CASE("a statement's first word and its locks decide where it runs") {
  using postgres::kind_of;
  CHECK(kind_of("SELECT 1") == StatementKind::kRead);
  CHECK(kind_of("-- why\n (select\n1)") == StatementKind::kRead);
  CHECK(kind_of("SELECT id FROM t WHERE form = 'x'") == StatementKind::kRead);
  CHECK(kind_of("SELECT id FROM t\nFOR  UPDATE") == StatementKind::kWrite);
  CHECK(kind_of("select id from t for no key update") == StatementKind::kWrite);
  CHECK(kind_of("SELECT gen_random_uuid()") == StatementKind::kOwnRead);
  CHECK(kind_of("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x") == StatementKind::kWrite);
  CHECK(kind_of("selection") == StatementKind::kRefused);
  CHECK(kind_of("/* open") == StatementKind::kRefused);
}

TEST_CASE("callers that ask for a random value get one each") {
  with_database("random", [](Database& database) {
    ask(database, "SELECT 1");
    std::set<std::string> all;
    side_by_side(10, [&](int) { all.insert(value(ask(database, "SELECT gen_random_uuid()"))); });
    CHECK(all.size() == 10);
  });
}

TEST_CASE(
    "a locked table costs its writers one lock_timeout, and others' "
    "writes get through") {
  with_database("waits", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    REQUIRE(ask(database, "CREATE TABLE free (id int)").ok());
    postgres::Error error;
    const auto holder = database.begin(soon(), error);
    REQUIRE(holder->query({"LOCK TABLE t"}, soon()).ok());
    const io::TimePoint start = io::Clock::now();
    CHECK(ask(database, "INSERT INTO t VALUES (1)").error.sqlstate == "55P03");
    CHECK(io::Clock::now() - start < io::Millis(900));
    side_by_side(9, [&](int i) {
      if (i == 8) {
        io::sleep_for(io::Millis(20));
        CHECK(ask(database, "INSERT INTO free VALUES (1)", {}, 2500).ok());
      } else {
        CHECK_FALSE(ask(database, "INSERT INTO t VALUES (1)").ok());
      }
    });
  });
}

TEST_CASE("a queue that is full refuses, and what it refused is forgotten") {
  with_database("full", [](Database& database) {
    ask(database, "SELECT 1");
    int refused = 0;
    const auto one = [&](int i) {
      const Result result = ask(database, "SELECT $1::text", {std::to_string(i)}, 10000);
      if (result.ok()) {
        CHECK(value(result) == std::to_string(i));
      } else {
        CHECK(result.error.slug == "overloaded");
        ++refused;
      }
    };
    side_by_side(4300, [&](int i) {
      if (i == 0) return void(ask(database, "SELECT pg_sleep(0.5)"));
      if (i > 4200) io::sleep_for(io::Millis(100));
      one(i > 4200 ? i - 100 : i);  // the last hundred ask what was just refused
    });
    CHECK(refused > 100);
  });
}

TEST_CASE(
    "a write whose deadline passes after it was sent is unknown, before "
    "it was sent is late") {
  with_database("sent", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (id int)").ok());
    side_by_side(2, [&](int i) {
      if (i == 1) io::sleep_for(io::Millis(50));
      const Result result = ask(database, "INSERT INTO t SELECT $1::int FROM pg_sleep(0.5)",
                                {std::to_string(i)}, 100);
      CHECK(result.error.slug == (i == 0 ? "outcome-unknown" : "deadline-exceeded"));
    });
    CHECK(ask(database, "INSERT INTO t VALUES (7)").ok());
    CHECK(value(ask(database, "SELECT string_agg(id::text, ',' ORDER BY id) FROM t")) == "0,7");
  });
}

TEST_CASE("the server settings that a URL asks for are kept beside ours") {
  Postgres& postgres = Postgres::shared();
  const std::string url = postgres.owner("hosts") + " options='-c search_path=elsewhere'";
  CHECK(postgres::parse_url(url).options == "-c search_path=elsewhere");
  Database database({.module = "hosts", .url = url});
  on_fiber([&] {
    CHECK(value(ask(database, "SELECT current_setting('search_path')")) == "elsewhere");
    CHECK(value(ask(database, "SELECT current_setting('statement_timeout')")) == "1500ms");
    database.close();
  });
}

TEST_CASE("no part of a password is quoted when a connection string is refused") {
  for (const char* url : {"postgresql://u:s3cret%zz@h/db", "host=h password=my s3cret"}) {
    const postgres::UrlParts parts = postgres::parse_url(url);
    CHECK_FALSE(parts.valid);
    CHECK(parts.why.find("s3cret") == std::string::npos);
  }
}
