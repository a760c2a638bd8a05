// Connecting without blocking a loop: what every connection of ours begins
// with.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "io/timer.hpp"

namespace cleave::postgres {

using ConnectionPtr = std::unique_ptr<PGconn, void (*)(PGconn*)>;

/// libpq's or the server's own words, one line, and the code where there is
/// one. Only for logs.
class ConnectionError : public std::runtime_error {
 public:
  ConnectionError(const std::string& what, std::string sqlstate)
      : std::runtime_error(what), sqlstate_(std::move(sqlstate)) {}
  const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  std::string sqlstate_;
};

struct ConnectOptions {
  std::string url;
  std::string application;             // as pg_stat_activity shows it: "cleave-order"
  bool read_only = false;              // every transaction of the session
  bool generic_plans = false;          // a prepared text is planned once, not for each value
  const char* server = "any";          // target_session_attrs, unless the URL says it
  io::Millis statement_timeout{1500};  // 0: none
  io::Millis lock_timeout{500};        // 0: none
};

/// A connection that is up, non-blocking, in UTC, and silent: notices are
/// dropped. Throws ConnectionError. Names are looked up off the loop (hosts.hpp). [fiber]
ConnectionPtr connect(const ConnectOptions& options, io::TimePoint deadline);

/// Whether a notice says that a commit is done here and may yet be lost: the
/// wait for a synchronous standby was cut short. The warning's text is
/// translated; where it was raised is not (SyncRepWaitForLSN,
/// src/backend/replication/syncrep.c).
bool warns_of_commit(const PGresult* notice) noexcept;

/// The first line of libpq's message.
std::string message_of(const PGconn* connection);

}  // namespace cleave::postgres
