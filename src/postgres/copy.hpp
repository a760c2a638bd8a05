// COPY … FROM STDIN: many rows into one table, fast. For seeding; on a connection of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/timer.hpp"

namespace cleave::postgres {

struct CopyOptions {
  std::string url;  // a role that may insert, and truncate when `replace` is set
  std::string table;
  std::vector<std::string> columns;
  bool replace = false;  // TRUNCATE … RESTART IDENTITY first, in the same transaction
  std::string before;    // a statement that begins the transaction; empty: none
};

struct Copied {
  bool ok = false;
  std::string why;   // one line, when not ok; then nothing was written
  std::string told;  // the first field of what `before` answered; empty: nothing
};

/// `next` appends rows in COPY's text format and returns false when there are no more. Refuses a
/// table that has rows unless `replace` is set. [fiber]
Copied copy_in(const CopyOptions& options, const std::function<bool(std::string&)>& next,
               io::TimePoint deadline);

}  // namespace cleave::postgres
