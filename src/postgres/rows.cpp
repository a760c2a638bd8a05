#include "postgres/rows.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <cstring>

namespace cleave::postgres {
namespace {

struct Held : cleave_rows {
  int first;
  std::shared_ptr<pg_result> result;
};

cleave_view value(const cleave_rows* rows, std::size_t row, std::size_t column) {
  const auto* held = static_cast<const Held*>(rows);
  const PGresult* result = held->result.get();
  const int r = static_cast<int>(row) + held->first;
  const int c = static_cast<int>(column);
  if (row >= rows->rows || column >= rows->columns) return {};
  const auto length = static_cast<std::size_t>(PQgetlength(result, r, c));
  if (length == 0 && PQgetisnull(result, r, c) != 0) return {};  // NULL has the length 0, too
  return {PQgetvalue(result, r, c), length};
}

}  // namespace

const cleave_rows* make_rows(Result result) {
  auto* held = new Held;
  PGresult* const raw = result.rows.get();
  held->size = sizeof(cleave_rows);
  const bool part = result.count >= 0;
  held->first = result.first;
  held->rows = static_cast<std::size_t>(part ? result.count : PQntuples(raw));
  held->columns = static_cast<std::size_t>(PQnfields(raw));
  const char* affected = PQcmdTuples(raw);  // "" when the command counts nothing
  held->affected = part ? held->rows : 0;
  if (!part) std::from_chars(affected, affected + std::strlen(affected), held->affected);
  held->value = &value;
  held->shared = result.shared;
  held->result = std::move(result.rows);
  return held;
}

void release_rows(const cleave_rows* rows) noexcept {
  delete static_cast<const Held*>(rows);
}

}  // namespace cleave::postgres
