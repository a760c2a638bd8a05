#include "differential/tables.hpp"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>

namespace cleave::test {
namespace {

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

// A time is the one thing that no two runs share.
constexpr const char* kTables =
    "SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) "
    "FROM information_schema.columns WHERE table_schema = 'public' "
    "AND data_type NOT LIKE 'timestamp%' GROUP BY table_name ORDER BY table_name";

Result query(const Connection& connection, const std::string& sql) {
  Result result(PQexec(connection.get(), sql.c_str()), PQclear);
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
  }
  return result;
}

std::string line_of(const PGresult* rows, int row) {
  std::string line;
  for (int column = 0; column < PQnfields(rows); ++column) {
    line += " " + std::string(PQfname(rows, column)) + "=";
    line += PQgetisnull(rows, row, column) != 0 ? "null" : PQgetvalue(rows, row, column);
  }
  return line;
}

}  // namespace

std::vector<std::string> rows_of(const std::vector<supervise::ModuleDatabase>& databases) {
  std::vector<std::string> lines;
  for (const supervise::ModuleDatabase& database : databases) {
    const Connection connection(PQconnectdb(database.owner_url.c_str()), PQfinish);
    const Result tables = query(connection, kTables);
    for (int i = 0; i < PQntuples(tables.get()); ++i) {
      const std::string table = PQgetvalue(tables.get(), i, 0);
      const std::string columns = PQgetvalue(tables.get(), i, 1);
      const Result rows = query(connection, "SELECT " + columns + " FROM " + table + " ORDER BY 1");
      for (int row = 0; row < PQntuples(rows.get()); ++row) {
        lines.push_back(database.module + "." + table + ":" + line_of(rows.get(), row));
      }
    }
  }
  return lines;
}

}  // namespace cleave::test
