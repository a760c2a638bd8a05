// SQLSTATE: what a code of PostgreSQL means for the client, and for the
// connection it came from.
//
// Codes: PostgreSQL manual, appendix A. Titles are fixed sentences: the
// server's own message may hold a client's bytes, and is only logged.
#pragma once

#include <cstdint>
#include <string_view>

#include "postgres/database.hpp"

namespace cleave::postgres {

/// What a failure asks of us.
enum class Failure : std::uint8_t {
  kStatement,   // the statement's own fault, or its data's
  kRetry,       // a conflict with others: once more, alone, and it will likely pass
  kStale,       // the prepared statement is not what we think: prepare it again
  kConnection,  // this connection, or its server, is of no more use
  kCrowded,     // the server has no room for more connections: back off
  kWait,        // a lock or the time ran out; others' doing, never the segment's
  kLimit,       // refused by us before it was sent: queue full, pool busy, deadline
  kUnknown,     // sent, and nobody can say whether it was committed
};
inline constexpr std::size_t kFailures = 8;
std::string_view name_of(Failure failure) noexcept;  // label value of the metric

struct Verdict {
  Failure failure;
  int status;
  std::string_view slug, title;
};

/// An empty code is a connection that broke: libpq's own errors have none.
Verdict judge(std::string_view sqlstate) noexcept;

/// The problem for a failed result, with its constraint's name.
Error error_of(const pg_result* failed);
Error error_of(const Verdict& verdict, std::string_view sqlstate = {});
Failure failure_of(const pg_result* failed) noexcept;

// Problems that no server sends.
inline constexpr Verdict kUnavailable{Failure::kConnection, 503, "database-unavailable",
                                      "The database cannot be reached."};
inline constexpr Verdict kOutcomeUnknown{Failure::kUnknown, 503, "outcome-unknown",
                                         "Whether the change was made is not known."};
inline constexpr Verdict kOverloaded{Failure::kLimit, 503, "overloaded",
                                     "Too many requests wait for the database."};
inline constexpr Verdict kTooLate{Failure::kLimit, 504, "deadline-exceeded",
                                  "The database did not answer in time."};
inline constexpr Verdict kNotShareable{Failure::kStatement, 500, "statement-not-allowed",
                                       "This statement needs a transaction of its own."};
inline constexpr Verdict kNotDealt{Failure::kStatement, 500, "batch-not-dealt",
                                   "A batched statement gave rows that are nobody's."};
inline constexpr Verdict kForbiddenCharacter{Failure::kStatement, 422, "forbidden-character",
                                             "A text holds a character that cannot be stored."};

}  // namespace cleave::postgres
