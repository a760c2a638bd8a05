// What a statement's text says about where it may run. Connections are shared,
// so a statement may change rows, but not the session or the transaction that
// others are in.
#pragma once

#include <cstdint>
#include <string_view>

namespace cleave::postgres {

enum class StatementKind : std::uint8_t {
  kRead,     // a SELECT that locks nothing: the read pipeline
  kOwnRead,  // the same, but each that asks wants an answer of its own:
             // random(), gen_random_uuid()
  kWrite,    // anything else that leaves session and transaction as they were
  kRefused,  // BEGIN, COMMIT, SET, LOCK, COPY, DO, CALL …: only in a transaction
             // of one's own
};

/// By the first word, after white space, comments and parentheses. Unknown
/// words are refused.
StatementKind kind_of(std::string_view sql);

}  // namespace cleave::postgres
