// What a busy server says to one of many: "not you, not now".
#include "postgres/asking.hpp"

using namespace cleave;
using namespace cleave::test;

TEST_CASE("a serialization failure or a deadlock is repeated for its caller, and not for ever") {
  with_database("again", [](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (n bigint)").ok());
    REQUIRE(ask(database, "CREATE SEQUENCE tries").ok());
    // A sequence is not rolled back: it counts the attempts.
    REQUIRE(ask(database,
                "CREATE FUNCTION fail(times bigint, code text) RETURNS bigint LANGUAGE plpgsql AS "
                "'BEGIN IF nextval(''tries'') <= times THEN "
                "RAISE EXCEPTION ''again'' USING ERRCODE = code; END IF; RETURN 1; END'")
                .ok());
    for (const char* code : {"40001", "40P01"}) {
      CAPTURE(code);
      REQUIRE(ask(database, "ALTER SEQUENCE tries RESTART").ok());
      side_by_side(5, [&](int i) {  // one of five in a segment; the others are not hurt
        const Result result =
            i == 2 ? ask(database, "INSERT INTO t VALUES (fail(1, $1))", {code})
                   : ask(database, "INSERT INTO t VALUES ($1::bigint)", {std::to_string(i)});
        CHECK(result.ok());
      });
      CHECK(value(ask(database, "SELECT count(*) FROM t")) == "5");
      REQUIRE(ask(database, "ALTER SEQUENCE tries RESTART").ok());
      const Result never = ask(database, "INSERT INTO t VALUES (fail(1000, $1))", {code});
      REQUIRE_FALSE(never.ok());
      CHECK(never.error.status == 503);
      CHECK(never.error.slug == "contention");
      CHECK(never.error.sqlstate == code);
      CHECK(std::stoi(value(ask(database, "SELECT last_value FROM tries"))) <= 4);
      CHECK(ask(database, "DELETE FROM t").ok());
    }
  });
}

TEST_CASE("a role at its connection limit works on what it has, and does not storm the server") {
  Postgres& postgres = Postgres::shared();
  with_database("crowd", [&](Database& database) {
    REQUIRE(ask(database, "CREATE TABLE t (n int)").ok());  // the write connection
    as_superuser(postgres, "ALTER ROLE crowd_owner CONNECTION LIMIT 1");
    const Result refused = ask(database, "SELECT 1");  // wants the read connection
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error.status == 503);
    CHECK(refused.error.slug == "database-unavailable");
    CHECK(refused.error.sqlstate == "53300");
    const double before = count(database, "errors");
    for (int i = 0; i < 20; ++i) {
      CHECK(ask(database, "INSERT INTO t VALUES (1)").ok());
      CHECK_FALSE(ask(database, "SELECT 1").ok());
      io::sleep_for(io::Millis(50));
    }
    CHECK(count(database, "errors") - before <= 5);  // attempts to connect in over a second
    as_superuser(postgres, "ALTER ROLE crowd_owner CONNECTION LIMIT -1");
    const io::TimePoint patience = soon(10000);
    while (!ask(database, "SELECT 1").ok() && io::Clock::now() < patience) {
      io::sleep_for(io::Millis(50));
    }
    CHECK(value(ask(database, "SELECT count(*) FROM t")) == "20");
  });
}
