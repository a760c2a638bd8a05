// Fingerprint: whether two connections, of two hosts perhaps, lead to one and the same database.
#pragma once

#include <string>

#include "postgres/database.hpp"

namespace cleave::postgres {

/// A digest of the cluster's system identifier and timeline (PostgreSQL 15 manual, 9.27.11) and the
/// database's oid and name. A dump that was loaded elsewhere has another identifier, a copy of the
/// files that was promoted another timeline. Empty when the database does not answer. Tells nothing
/// about where the database is. [fiber]
std::string fingerprint(Database& database, io::TimePoint deadline);

}  // namespace cleave::postgres
