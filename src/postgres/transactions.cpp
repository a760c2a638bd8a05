#include "postgres/transactions.hpp"

#include <algorithm>

#include "observe/log.hpp"
#include "postgres/sqlstate.hpp"

namespace cleave::postgres {

/// One transaction. It keeps its connection until it ends; a connection whose
/// state is not known to be idle is closed, never reused.
class Transactions::Open final : public Transaction {
 public:
  Open(Transactions& pool, std::unique_ptr<Session> session)
      : pool_(pool), session_(std::move(session)), epoch_(pool.epoch_) {}

  ~Open() override {
    if (!session_->broken() && session_->state() != PQTRANS_IDLE) {
      try {
        session_->run("ROLLBACK", io::Clock::now() + pool_.options_.acquire_timeout);
      } catch (const ConnectionError&) {
        // closed below; the server rolls back by itself
      }
    }
    pool_.give_back(std::move(session_), epoch_);
  }

  Result query(const Statement& statement, io::TimePoint deadline) override {
    if (has_nul(statement)) return {nullptr, error_of(kForbiddenCharacter, "22021")};
    try {
      ResultPtr result = session_->query(statement, deadline);
      if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) return {nullptr, told(result.get())};
      return {std::shared_ptr<pg_result>(result.release(), &PQclear), {}};
    } catch (const ConnectionError& error) {
      // Nothing was committed: the transaction is gone with its connection.
      log::warn(pool_.options_.module, "lost a transaction's connection", {{"why", error.what()}});
      return {nullptr, error_of(kUnavailable)};
    }
  }

  bool commit(io::TimePoint deadline, Error& error) override {
    try {
      const ResultPtr result = session_->run("COMMIT", deadline);
      const std::string_view tag = PQcmdStatus(result.get());
      if (PQresultStatus(result.get()) == PGRES_COMMAND_OK && tag == "COMMIT") {
        if (!session_->in_doubt()) return true;
        error = error_of(kOutcomeUnknown);
        return false;
      }
      if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) {  // "ROLLBACK": it had failed before
        error = error_of(judge("25P02"), "25P02");
        return false;
      }
      error = told(result.get());  // deferred constraints, serialization: rolled back
      return false;
    } catch (const ConnectionError&) {
      error = error_of(kOutcomeUnknown);
      return false;
    }
  }

 private:
  /// After "the server shuts down" or "read-only" the connection may look well, and its older
  /// siblings, too: none of them is trusted again.
  Error told(const PGresult* failed) {
    if (failure_of(failed) == Failure::kConnection) ++pool_.epoch_;
    return error_of(failed);
  }

  Transactions& pool_;
  std::unique_ptr<Session> session_;
  std::uint64_t epoch_;
};

std::unique_ptr<Transaction> Transactions::begin(io::TimePoint deadline, Error& error) {
  auto session = acquire(deadline, error);
  if (session == nullptr) return nullptr;
  auto open = std::make_unique<Open>(*this, std::move(session));
  const Result begun = open->query({.sql = "BEGIN"}, deadline);
  if (begun.ok()) return open;
  error = begun.error;
  return nullptr;
}

std::unique_ptr<Session> Transactions::acquire(io::TimePoint deadline, Error& error) {
  if (in_use_ >= options_.transactions || !line_.empty()) {
    if (line_.size() >= kMostInLine) {
      error = error_of(kOverloaded);
      return nullptr;
    }
    io::Waiter turn;
    line_.push_back(&turn);
    const auto limit = std::min(deadline, io::Clock::now() + options_.acquire_timeout);
    const bool mine = turn.wait(limit);
    if (const auto place = std::find(line_.begin(), line_.end(), &turn); place != line_.end()) {
      line_.erase(place);
    }
    if (!mine) {
      error = error_of(kOverloaded);
      return nullptr;
    }
  } else {
    ++in_use_;
  }
  // From here a place is ours; give_back hands it on.
  if (closed_) {
    error = error_of(kUnavailable);
    give_back(nullptr, epoch_);
    return nullptr;
  }
  if (auto session = take_idle()) return session;
  try {
    auto session =
        std::make_unique<Session>(ConnectOptions{.url = options_.url,
                                                 .application = "cleave-" + options_.module,
                                                 .server = "read-write",
                                                 .statement_timeout = options_.statement_timeout},
                                  deadline);
    session->require_durable(deadline);
    return session;
  } catch (const ConnectionError& failure) {
    log::warn(options_.module, "cannot open a connection for a transaction",
              {{"why", failure.what()}});
    error = error_of(kUnavailable, failure.sqlstate());
    give_back(nullptr, epoch_);
    return nullptr;
  }
}

std::unique_ptr<Session> Transactions::take_idle() {
  while (!idle_.empty()) {
    Idle last = std::move(idle_.back());
    idle_.pop_back();
    if (last.epoch != epoch_) continue;
    // Readable while idle: closed by the server, or a notice; consuming tells
    // which.
    PQconsumeInput(last.session->get());
    if (!last.session->broken()) return std::move(last.session);
  }
  return nullptr;
}

void Transactions::give_back(std::unique_ptr<Session> session, std::uint64_t epoch) noexcept {
  if (session != nullptr) {
    if (session->broken()) {
      ++epoch_;
    } else if (!closed_ && epoch == epoch_ && session->state() == PQTRANS_IDLE &&
               !session->in_doubt()) {  // the warning was of one commit; nothing takes it back
      idle_.push_back({std::move(session), epoch});
    }
  }
  if (line_.empty()) {
    --in_use_;
    return;
  }
  io::Waiter* const next = line_.front();  // the place goes over, it is never free in between
  line_.pop_front();
  next->wake();
}

void Transactions::close() noexcept {
  closed_ = true;
  idle_.clear();
}

}  // namespace cleave::postgres
