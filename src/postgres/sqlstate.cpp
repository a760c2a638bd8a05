#include "postgres/sqlstate.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <iterator>

namespace cleave::postgres {
namespace {

struct Rule {
  std::string_view code;  // five characters, or the two of a class
  Verdict verdict;
};

constexpr std::string_view kBroken = "The database could not do this.";
constexpr Verdict kInternal{Failure::kStatement, 500, "internal", kBroken};

// The first match counts: single codes stand before their class.
constexpr Rule kRules[] = {
    {"23505", {Failure::kStatement, 409, "conflict", "Another row has this value already."}},
    {"23P01", {Failure::kStatement, 409, "conflict", "This overlaps with another row."}},
    {"23503", {Failure::kStatement, 422, "unknown-reference", "A row it refers to is missing."}},
    {"23", {Failure::kStatement, 422, "invalid-value", "A value breaks a rule of the data."}},
    {"22021", kForbiddenCharacter},
    {"22P05", kForbiddenCharacter},
    {"22003", {Failure::kStatement, 422, "out-of-range", "A number is out of range."}},
    {"22001", {Failure::kStatement, 422, "too-long", "A text is too long."}},
    {"22", {Failure::kStatement, 422, "invalid-value", "A value cannot be stored."}},
    {"40001", {Failure::kRetry, 503, "contention", "Too many changes at the same time."}},
    {"40P01", {Failure::kRetry, 503, "contention", "Too many changes at the same time."}},
    {"26000", {Failure::kStale, 503, "database-unavailable", "The statement must be sent again."}},
    {"0A000", {Failure::kStale, 500, "internal", kBroken}},
    {"55P03", {Failure::kWait, 503, "database-busy", "Others hold what this needs."}},
    {"57014", {Failure::kWait, 503, "database-busy", "The database took too long."}},
    {"08", kUnavailable},
    {"57P", kUnavailable},
    {"58", kUnavailable},
    {"25006", kUnavailable},
    {"53300", {Failure::kCrowded, 503, "database-unavailable", "The database has no room."}},
    {"53100", {Failure::kStatement, 507, "insufficient-storage", "The database's disk is full."}},
    {"53", {Failure::kStatement, 503, "database-busy", "The database is out of resources."}},
    {"25P02",
     {Failure::kStatement, 500, "transaction-aborted", "The transaction had failed already."}},
};

std::string_view code_of(const pg_result* failed) noexcept {
  const char* const code = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
  return code != nullptr ? code : "";
}

}  // namespace

std::string_view name_of(Failure failure) noexcept {
  constexpr std::string_view kNames[kFailures] = {"statement", "retry", "stale", "connection",
                                                  "crowded",   "wait",  "limit", "unknown"};
  return kNames[static_cast<std::size_t>(failure)];
}

Verdict judge(std::string_view sqlstate) noexcept {
  if (sqlstate.empty()) return kUnavailable;
  const auto* const rule = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& one) {
    return sqlstate.starts_with(one.code);
  });
  return rule == std::end(kRules) ? kInternal : rule->verdict;
}

Error error_of(const Verdict& verdict, std::string_view sqlstate) {
  return {verdict.status, verdict.slug, verdict.title, std::string(sqlstate), {}};
}

Failure failure_of(const pg_result* failed) noexcept {
  return judge(code_of(failed)).failure;
}

Error error_of(const pg_result* failed) {
  const std::string_view sqlstate = code_of(failed);
  Error error = error_of(judge(sqlstate), sqlstate);
  const char* const constraint = PQresultErrorField(failed, PG_DIAG_CONSTRAINT_NAME);
  if (constraint != nullptr) error.constraint = constraint;
  return error;
}

}  // namespace cleave::postgres
