// Connecting without blocking a loop: what every connection of ours begins with.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "io/timer.hpp"

namespace cleave::postgres {

using ConnectionPtr = std::unique_ptr<PGconn, void (*)(PGconn*)>;

/// libpq's or the server's own words, one line, and the code where there is one. Only for logs.
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
  std::string application;              // as pg_stat_activity shows it: "cleave-order"
  bool read_only = false;               // every transaction of the session
  io::Millis statement_timeout{1500};   // 0: none
  io::Millis lock_timeout{500};         // 0: none
};

/// A connection that is up and non-blocking, in UTC. Throws ConnectionError. Names are resolved by
/// libpq, which blocks: give addresses or a socket directory where that matters. [fiber]
ConnectionPtr connect(const ConnectOptions& options, io::TimePoint deadline);

/// The first line of libpq's message.
std::string message_of(const PGconn* connection);

}  // namespace cleave::postgres
