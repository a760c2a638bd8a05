#include "postgres/fingerprint.hpp"

#include <libpq-fe.h>

namespace cleave::postgres {

std::string fingerprint(Database& database, io::TimePoint deadline) {
  const Result result = database.query(
      {.sql = "SELECT encode(sha256(convert_to(concat_ws('/', system.system_identifier, "
              "checkpoint.timeline_id, self.oid, self.datname), 'UTF8')), 'hex') "
              "FROM pg_control_system() AS system, pg_control_checkpoint() AS checkpoint, "
              "pg_database AS self WHERE self.datname = current_database()"},
      deadline);
  if (!result.ok() || PQntuples(result.rows.get()) != 1) return "";
  return PQgetvalue(result.rows.get(), 0, 0);
}

}  // namespace cleave::postgres
