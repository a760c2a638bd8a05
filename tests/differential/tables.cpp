#include "differential/tables.hpp"

#include <sstream>
#include <stdexcept>

#include "gateway/gateway.hpp"

namespace cleave::test {
namespace {

// A time is the one thing that no two runs share.
constexpr const char* kTables =
    "SELECT table_name || ' ' || string_agg(quote_ident(column_name), ',' ORDER BY "
    "ordinal_position) "
    "FROM information_schema.columns WHERE table_schema = 'public' "
    "AND data_type NOT LIKE 'timestamp%' GROUP BY table_name ORDER BY table_name";

}  // namespace

std::vector<std::string> query(const std::string& url, const std::string& sql) {
  const Ran ran = run("psql '" + url + "' -XAtc \"" + sql + "\"");
  if (ran.code != 0) throw std::runtime_error(sql + ": " + ran.output);
  std::vector<std::string> lines;
  std::istringstream in(ran.output);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> rows_of(const std::vector<supervise::ModuleDatabase>& databases) {
  std::vector<std::string> lines;
  for (const supervise::ModuleDatabase& database : databases) {
    for (const std::string& line : query(database.owner_url, kTables)) {
      const std::string table = line.substr(0, line.find(' '));
      const std::string columns = line.substr(table.size() + 1);
      const std::string sql =
          "SELECT row_to_json(t) FROM (SELECT " + columns + " FROM " + table + " ORDER BY 1) AS t";
      for (const std::string& row : query(database.owner_url, sql)) {
        lines.push_back(database.module + "." + table + ": " + row);
      }
    }
  }
  return lines;
}

}  // namespace cleave::test
