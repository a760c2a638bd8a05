#include "postgres/migrate.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "postgres/database.hpp"
#include "support/on_fiber.hpp"
#include "support/postgres.hpp"
#include "support/temp_dir.hpp"

using namespace cleave;

namespace {

struct Folder {
  test::TempDir dir;
  void write(const std::string& name, const std::string& sql) { std::ofstream(dir / name) << sql; }
};

postgres::Migrated migrate(const std::string& name, const Folder& folder) {
  test::Postgres& postgres = test::Postgres::shared();
  const postgres::MigrateOptions options{.module = name,
                                         .owner_url = postgres.owner(name),
                                         .runtime_role = name + "_app",
                                         .folder = folder.dir.path()};
  return postgres::migrate(options, io::Clock::now() + io::Millis(10000));
}

}  // namespace

TEST_CASE(
    "migrations run in order, once, and grant to the runtime role "
    "exactly what they say") {
  Folder folder;
  folder.write("001_a.sql", "CREATE TABLE a (x int); GRANT SELECT ON a TO :\"runtime\";");
  folder.write("002_b.sql", "ALTER TABLE a ADD y int;");
  folder.write("notes.txt", "not a migration");
  test::on_fiber([&] {
    const auto first = migrate("mig", folder);
    CHECK(first.why == "");
    CHECK(first.applied == std::vector<std::string>{"001_a.sql", "002_b.sql"});
    CHECK(migrate("mig", folder).applied.empty());
    folder.write("003_c.sql", "ALTER TABLE a ADD z int;");
    CHECK(migrate("mig", folder).applied == std::vector<std::string>{"003_c.sql"});
    postgres::Database app({.module = "mig", .url = test::Postgres::shared().app("mig")});
    CHECK(app.query({"SELECT x, y, z FROM a"}, io::Clock::now() + io::Millis(2000)).ok());
    for (const char* forbidden : {"INSERT INTO a VALUES (1)", "CREATE TABLE b (x int)",
                                  "DROP TABLE a", "UPDATE cleave_migrations SET name = ''"}) {
      CAPTURE(forbidden);
      const auto result = app.query({forbidden}, io::Clock::now() + io::Millis(2000));
      CHECK(result.error.sqlstate == "42501");
    }
    app.close();
  });
}

TEST_CASE("a file that has changed since it was applied is refused with a remedy") {
  Folder folder;
  folder.write("001_a.sql", "CREATE TABLE a (x int);");
  test::on_fiber([&] {
    CHECK(migrate("changed", folder).ok);
    folder.write("001_a.sql", "CREATE TABLE a (x bigint);");
    const auto result = migrate("changed", folder);
    CHECK_FALSE(result.ok);
    CHECK_FALSE(result.retry);
    CHECK(result.why.find("put the change into a new file") != std::string::npos);
  });
}

TEST_CASE("a broken file leaves nothing, and names itself") {
  Folder folder;
  folder.write("001_a.sql", "CREATE TABLE a (x int); CREATE TABLE nonsense (;");
  test::on_fiber([&] {
    const auto result = migrate("broken", folder);
    CHECK_FALSE(result.ok);
    CHECK(result.why.find("001_a.sql") != std::string::npos);
    folder.write("001_a.sql", "CREATE TABLE a (x int);");
    CHECK(migrate("broken", folder).ok);
  });
}

TEST_CASE("a badly named file is refused before anything is applied") {
  Folder folder;
  folder.write("1_a.sql", "CREATE TABLE a (x int);");
  test::on_fiber(
      [&] { CHECK(migrate("named", folder).why.find("NNN_what.sql") != std::string::npos); });
}

TEST_CASE("the order of migrations is the order of their numbers, on every database") {
  test::on_fiber([&] {
    Folder twins;
    twins.write("001_a.sql", "CREATE TABLE a (x int);");
    twins.write("001_b.sql", "CREATE TABLE b (x int);");
    CHECK(migrate("twins", twins).why.find("have the same number") != std::string::npos);
    Folder late;
    late.write("002_b.sql", "CREATE TABLE b (x int);");
    CHECK(migrate("late", late).ok);
    late.write("001_a.sql", "CREATE TABLE a (x int);");
    const auto refused = migrate("late", late);
    CHECK_FALSE(refused.ok);
    CHECK(refused.why.find("001_a.sql comes before 002_b.sql") != std::string::npos);
  });
}

TEST_CASE("a file that ends its own transaction is refused, and what follows is not run") {
  Folder folder;
  folder.write("001_a.sql", "CREATE TABLE a (x int); COMMIT;");
  folder.write("002_b.sql", "CREATE TABLE b (x int);");
  test::on_fiber([&] {
    const auto refused = migrate("commits", folder);
    CHECK_FALSE(refused.ok);
    CHECK(refused.why.find("001_a.sql ends the transaction") != std::string::npos);
    CHECK(refused.applied.empty());
  });
}

TEST_CASE("hosts that start together apply each file once") {
  Folder folder;
  folder.write("001_a.sql", "SELECT pg_sleep(0.2); CREATE TABLE a (x int);");
  test::on_fiber([&] {
    std::size_t applied = 0;
    const std::function<void()> one = [&] {
      const auto result = migrate("race", folder);
      CHECK(result.ok);
      applied += result.applied.size();
    };
    const std::vector<std::function<void()>> three(3, one);
    io::gather(three);
    CHECK(applied == 1);
  });
}

TEST_CASE("a server that is not there is worth another try; a wrong name is not") {
  const Folder folder;
  test::on_fiber([&] {
    const auto ask = [&](const std::string& url) {
      return postgres::migrate({.module = "x", .owner_url = url, .folder = folder.dir.path()},
                               io::Clock::now() + io::Millis(2000));
    };
    CHECK(ask("host=/nonexistent dbname=x").retry);
    CHECK(ask("host=127.0.0.1 port=1 dbname=x").retry);
    const auto wrong = ask(test::Postgres::shared().server().superuser_url("no_such_database"));
    CHECK_FALSE(wrong.ok);
    CHECK_FALSE(wrong.retry);
    CHECK_FALSE(ask("postgresql://host:port:what").retry);
  });
}
