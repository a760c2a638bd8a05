// Database: one module's PostgreSQL, as fibers see it. A pool of connections on
// each loop.
//
// Autocommit statements that are issued in one turn of the loop, or while the
// pipeline's connection is busy, leave together in one segment (pipeline.hpp)
// and commit together; identical reads that wait together are run once. The
// promise: as if each statement had run alone, in some order. A transaction
// owns a connection. No libpq call here can block.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/abi_types.h"
#include "io/timer.hpp"
#include "observe/metrics.hpp"

struct pg_result;

namespace cleave::postgres {

/// Why a statement has no rows. `status` and `slug` are the problem that a
/// client may see (sqlstate.hpp maps them); the server's own message is only
/// logged.
struct Error {
  int status = 500;
  std::string_view slug = "internal";  // static text, as is title
  std::string_view title = "The database could not do this.";
  std::string sqlstate, constraint;
};

/// A statement's outcome: rows, shared between all that asked the same or in one batch, or an
/// error.
struct Result {
  std::shared_ptr<pg_result> rows;  // null when failed
  Error error;
  std::uint64_t shared = 0;  // cleave_rows::shared
  int first = 0,
      count = -1;  // which of the rows are this caller's: a batch has those of all; -1: to the end
  bool ok() const noexcept { return rows != nullptr; }
};

struct Statement {
  std::string_view sql;
  const cleave_view* params = nullptr;  // text; data == nullptr is NULL
  std::size_t param_count = 0;
  bool batched =
      false;  // one value of each array that the text asks for: cleave_host::query_batched
};

struct Options {
  std::string module;  // for logs, metrics and application_name
  std::string url;     // libpq connection string or URI; several hosts allowed
  unsigned loops = 1;
  unsigned pipelines = 1;     // connections for reads, a loop; writes have one more
  unsigned transactions = 4;  // most connections that transactions own, a loop
  unsigned segment = 128;     // most statements in one segment
  bool share_reads = true;
  io::Millis statement_timeout{1500};
  io::Millis acquire_timeout{300};  // to get a connection for a transaction
};

class Transaction;

class Database {
 public:
  explicit Database(Options options);
  ~Database();  // after close()

  /// One statement, autocommit. A SELECT goes to the read pipeline, whose
  /// session is read-only; anything else to the write pipeline. BEGIN, COMMIT,
  /// SET, LOCK, COPY, DO, CALL and the like would touch the session that others
  /// share: 500 "statement-not-allowed". Past its deadline a write that was
  /// sent is 503 "outcome-unknown". Those of one text that are batched and wait together are one
  /// statement; should it fail, its halves are asked for, down to the one. [fiber]
  Result query(const Statement& statement, io::TimePoint deadline);

  /// Null when no connection was to be had: `error` says why. [fiber]
  std::unique_ptr<Transaction> begin(io::TimePoint deadline, Error& error);

  /// Closes this loop's connections; later statements fail with 503. [fiber,
  /// once a loop]
  void close();

  /// False once no connection could be made for over `io::Millis(5000)`; true
  /// before the first try. [any thread]
  bool reachable() const noexcept;
  /// Statements, segments, shared reads, repeats, connects, failures by class,
  /// waiting.
  void collect(observe::Scrape& scrape) const;
  const Options& options() const noexcept { return options_; }

 private:
  class Pool;  // one a loop, made on first use
  Pool& pool();
  bool reachable_locked() const noexcept;
  Options options_;
  mutable std::mutex pools_mutex_;  // making a pool, against reading all of them
  std::vector<std::unique_ptr<Pool>> pools_;
};

/// An open transaction on a connection of its own. One fiber at a time.
class Transaction {
 public:
  virtual ~Transaction() = default;  // rolls back unless committed; returns the connection
  virtual Result query(const Statement& statement, io::TimePoint deadline) = 0;
  /// True when durable. False: nothing committed, or (status 503, slug
  /// "outcome-unknown") unknown.
  virtual bool commit(io::TimePoint deadline, Error& error) = 0;
};

}  // namespace cleave::postgres
