// Session: one connection, one fiber at a time, one statement after the other.
// For transactions, migrations and COPY; the hot path goes through Pipeline.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "postgres/connect.hpp"
#include "postgres/database.hpp"

namespace cleave::postgres {

using ResultPtr = std::unique_ptr<PGresult, void (*)(PGresult*)>;

/// Every method waits for the server, up to the deadline; then the session is
/// broken and must be closed: what was sent may or may not have been done.
/// [fiber]
class Session {
 public:
  /// Throws ConnectionError.
  Session(const ConnectOptions& options, io::TimePoint deadline);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The last result of a command without parameters ("BEGIN", a migration),
  /// failed or not. Throws ConnectionError when the connection broke or the
  /// deadline passed.
  ResultPtr run(const std::string& sql, io::TimePoint deadline);
  /// The result of one statement with text parameters.
  ResultPtr query(const Statement& statement, io::TimePoint deadline);

  /// Throws ConnectionError, with the remedy, when the server is a standby or may lose what it has
  /// acknowledged.
  void require_durable(io::TimePoint deadline);

  /// COPY data, after run("COPY … FROM STDIN") gave PGRES_COPY_IN.
  void put_copy(const std::string& bytes, io::TimePoint deadline);
  ResultPtr end_copy(io::TimePoint deadline);

  bool broken() const noexcept;
  /// Whether the server warned that a commit of this session may not outlive
  /// it.
  bool in_doubt() const noexcept { return in_doubt_; }
  PGTransactionStatusType state() const noexcept { return PQtransactionStatus(get()); }
  /// Gives the connection away; the session is of no use afterwards.
  ConnectionPtr release() noexcept { return std::move(connection_); }
  PGconn* get() const noexcept { return connection_.get(); }

 private:
  ResultPtr finish(io::TimePoint deadline);
  void flush(io::TimePoint deadline);
  void wait(std::uint32_t events, io::TimePoint deadline);
  [[noreturn]] void fail(const std::string& why);
  ConnectionPtr connection_;
  bool broken_ = false;
  bool in_doubt_ = false;
};

/// The parameters of a statement as libpq wants them: terminated, NULL as a
/// null pointer.
class Parameters {
 public:
  void set(const Statement& statement);
  /// Each parameter is the array of what the statements give for it, in their order.
  void set_arrays(std::span<const Statement* const> statements);
  const char* const* values() const noexcept { return pointers_.data(); }
  int count() const noexcept { return static_cast<int>(pointers_.size()); }

 private:
  std::string bytes_;
  std::vector<const char*> pointers_;
};
/// A text with an embedded NUL would be cut there by libpq.
bool has_nul(const Statement& statement) noexcept;

}  // namespace cleave::postgres
