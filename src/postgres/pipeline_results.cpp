// Pipeline, the other half: what the server answers.
#include <sys/epoll.h>

#include "observe/log.hpp"
#include "postgres/pipeline.hpp"

namespace cleave::postgres {

void Pipeline::on_ready(std::uint32_t events) {
  PGconn* const raw = connection_.get();
  if ((events & EPOLLOUT) != 0) flush();
  if (connection_ == nullptr || (events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  if (PQconsumeInput(raw) == 0) return lost(message_of(raw));
  read_results();
}

void Pipeline::read_results() {
  int ends = 0;  // in a row; libpq ends each command with one
  while (connection_ != nullptr && PQisBusy(connection_.get()) == 0) {
    PGresult* const result = PQgetResult(connection_.get());
    if (result != nullptr) {
      ends = 0;
      on_result({result, &PQclear});
    } else if (in_flight_.empty()) {
      break;  // nothing is owed to us
    } else if (++ends > 2) {
      return lost("answers out of step with statements");
    }
  }
  if (connection_ == nullptr) return;
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return lost(message_of(connection_.get()));
  if (!in_flight_.empty()) return expect_progress();
  if (std::exchange(retire_, false)) return lost("the server takes no writes any more");
  loop_.batch(*this);
}

void Pipeline::on_result(std::shared_ptr<pg_result> result) {
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_PIPELINE_SYNC) return on_sync();
  const bool bad = status == PGRES_FATAL_ERROR || status == PGRES_PIPELINE_ABORTED;
  if (expects_sync_ && bad) return on_error_at_sync(std::move(result));
  if (at_ >= in_flight_.size()) return;  // the server's last words before it closes
  if (!bad && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
      status != PGRES_EMPTY_QUERY) {
    return lost("a statement that cannot share a connection, such as COPY");
  }
  Sent& sent = in_flight_[at_];
  failed_ |= bad;
  if (status == PGRES_FATAL_ERROR) sent.error = std::move(result);
  if (expects_parse_) {
    expects_parse_ = false;
    if (!bad && !sent.unnamed) prepared_[sent.prepared].known = true;
    return;  // the statement's own result follows; after a failed Parse it is
             // "aborted"
  }
  if (!bad) sent.rows = std::move(result);
  if (!bad && role_ == Role::kRead && !one_by_one_) {
    answer(std::exchange(sent.waiting, nullptr),
           sent.rows);  // what follows cannot take it back
  }
  ++at_;
  expects_sync_ = one_by_one_ || at_ == in_flight_.size();
  expects_parse_ = at_ < in_flight_.size() && in_flight_[at_].prepares;
}

/// All statements were done, and then the commit failed: a deferred constraint,
/// a serialization failure. Nothing of the segment was kept.
void Pipeline::on_error_at_sync(std::shared_ptr<pg_result> error) {
  failed_ = true;
  if (one_by_one_ || in_flight_.size() == 1) in_flight_[at_ - 1].error = std::move(error);
}

void Pipeline::on_sync() {
  expects_sync_ = false;
  if (one_by_one_) {
    if (at_ > 0) settle(in_flight_[at_ - 1]);
    in_doubt_ = false;
    if (at_ < in_flight_.size()) return;
  } else {
    for (Sent& sent : in_flight_) {
      // A read that failed by itself is answered, and so is who waited for a
      // lock: that was no neighbour's. Whoever was rolled back with it is
      // repeated, and of a segment of writes everybody else: the culprit may
      // have met a neighbour that is gone now.
      const bool final = sent.error != nullptr &&
                         (role_ == Role::kRead || failure_of(sent.error.get()) == Failure::kWait);
      if (!failed_ || final || in_flight_.size() == 1) {
        settle(sent);
      } else if (sent.waiting != nullptr) {
        alone_.push_back(std::exchange(sent.waiting, nullptr));
      }
    }
  }
  cancel();
  in_flight_.clear();
  at_ = 0;
}

/// Answers one statement whose outcome is final, or has it repeated when its
/// failure asks for that.
void Pipeline::settle(Sent& sent) {
  Waiting* const waiting = std::exchange(sent.waiting, nullptr);
  if (sent.error == nullptr) {
    if (!in_doubt_) return answer(waiting, sent.rows);
    stats_.failures[static_cast<std::size_t>(Failure::kUnknown)].add();
    return answer(waiting, error_of(kOutcomeUnknown));
  }
  const Error error = error_for(sent);
  const Failure failure = judge(error.sqlstate).failure;
  stats_.failures[static_cast<std::size_t>(failure)].add();
  const bool again = failure == Failure::kRetry || failure == Failure::kStale;
  if (failure == Failure::kStale) {
    // A new name: the server may still know the old one, and refuse a second
    // Parse of it.
    prepared_[sent.prepared] = {"s" + std::to_string(next_name_++), false};
  }
  if (role_ == Role::kWrite && error.sqlstate == "25006") retire_ = true;
  if (repeat_halves(waiting)) return;
  if (waiting != nullptr && again && waiting->attempts < 3) {
    alone_.push_back(waiting);
  } else {
    answer(waiting, error);
  }
}

Error Pipeline::error_for(const Sent& sent) {
  Error error = error_of(sent.error.get());
  if (role_ == Role::kRead && error.sqlstate == "25006") {
    error.status = 500;
    error.slug = "side-effect-in-select";
    error.title =
        "A SELECT with side effects must be written so that it does "
        "not begin with SELECT.";
  }
  if (error.status >= 500 && io::Clock::now() - last_log_ > io::Millis(1000)) {
    last_log_ = io::Clock::now();
    log::warn(options_.module, "a statement failed",
              {{"sqlstate", error.sqlstate},
               {"message", PQresultErrorField(sent.error.get(), PG_DIAG_MESSAGE_PRIMARY) != nullptr
                               ? PQresultErrorField(sent.error.get(), PG_DIAG_MESSAGE_PRIMARY)
                               : PQresultErrorMessage(sent.error.get())}});
  }
  return error;
}

void Pipeline::on_notice(void* self, const pg_result* notice) {
  if (warns_of_commit(notice)) static_cast<Pipeline*>(self)->in_doubt_ = true;
}

}  // namespace cleave::postgres
