// How the tests of this room ask a database.
#pragma once

#include <doctest/doctest.h>
#include <libpq-fe.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/wait.hpp"
#include "postgres/database.hpp"
#include "support/on_fiber.hpp"
#include "support/postgres.hpp"

namespace cleave::test {

using postgres::Database;
using postgres::Result;

inline io::TimePoint soon(int ms = 2000) {
  return io::Clock::now() + io::Millis(ms);
}

inline Result ask(Database& database, std::string_view sql, std::vector<std::string> params = {},
                  int ms = 2000) {
  std::vector<cleave_view> views;
  for (const std::string& one : params) views.push_back({one.data(), one.size()});
  return database.query({sql, views.data(), views.size()}, soon(ms));
}

inline std::string value(const Result& result, int row = 0, int column = 0) {
  REQUIRE(result.ok());
  REQUIRE(PQntuples(result.rows.get()) > row);
  return PQgetvalue(result.rows.get(), row, column);
}

/// Runs the body on a fiber with a database of its own, as the owner, and
/// closes it.
inline void with_database(const std::string& name, const std::function<void(Database&)>& body,
                          const std::function<void(postgres::Options&)>& change = {}) {
  postgres::Options options{.module = name, .url = Postgres::shared().owner(name)};
  if (change) change(options);
  Database database(options);
  test::on_fiber([&] {
    body(database);
    database.close();
  });
}

inline void as_superuser(Postgres& postgres, const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> admin(
      PQconnectdb(postgres.server().superuser_url().c_str()), &PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> done(PQexec(admin.get(), sql.c_str()),
                                                            &PQclear);
  CHECK(PQresultStatus(done.get()) != PGRES_FATAL_ERROR);
}

struct Counted final : observe::Scrape {
  std::map<std::string, double> sums;
  void counter(std::string_view name, std::string_view, observe::Labels, double value) override {
    sums[std::string(name)] += value;
  }
  void gauge(std::string_view, std::string_view, observe::Labels, double) override {}
  void histogram(std::string_view, std::string_view, observe::Labels,
                 const observe::Histogram&) override {}
};

inline double count(const Database& database, const std::string& name) {
  Counted counted;
  database.collect(counted);
  return counted.sums["cleave_postgres_" + name + "_total"];
}

inline void side_by_side(int many, const std::function<void(int)>& task) {
  std::vector<std::function<void()>> tasks;
  for (int i = 0; i < many; ++i) tasks.emplace_back([&task, i] { task(i); });
  io::gather(tasks);
}

}  // namespace cleave::test
