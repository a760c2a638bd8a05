#include "postgres/pipeline.hpp"

#include <algorithm>
#include <utility>

namespace cleave::postgres {
namespace {

// How long past its statement_timeout a server may be silent before its
// connection is given up.
constexpr io::Millis kSlack{500};

}  // namespace

Pipeline::Pipeline(const Options& options, Role role, PipelineStats& stats)
    : Hook(role == Role::kWrite ? When::kTurn : When::kBatch),
      options_(options),
      role_(role),
      stats_(stats),
      loop_(*io::Loop::current()),
      connection_(nullptr, &PQfinish) {}

Pipeline::~Pipeline() {
  loop_.forget(*this);
  if (connection_) loop_.remove(PQsocket(connection_.get()), *this);
}

Result Pipeline::query(const Statement& statement, io::TimePoint deadline, bool share) {
  stats_.statements.add();
  if (has_nul(statement)) return {nullptr, error_of(kForbiddenCharacter, "22021")};
  if (closed_ || (down_ && connection_ == nullptr)) {
    return {nullptr, closed_ ? error_of(kUnavailable) : down_error_};
  }
  Waiting waiting;
  waiting.statement = &statement;
  const bool joins = statement.batched || (share && options_.share_reads);
  Waiting** const place = joins ? place_of(waiting) : nullptr;
  if (place == nullptr || !join(*place, waiting)) {
    if (queue_.size() >= kMostWaiting) std::erase(queue_, nullptr);  // who gave up does not wait
    if (queue_.size() >= kMostWaiting) {
      stats_.failures[static_cast<std::size_t>(Failure::kLimit)].add();
      return {nullptr, error_of(kOverloaded)};
    }
    if (place != nullptr) *place = &waiting;
    queue_.push_back(&waiting);
    if (connection_ == nullptr) connect_in_background();
    loop_.batch(*this);
  }
  stats_.waiting.fetch_add(1, std::memory_order_relaxed);
  const bool woken = waiting.waiter.wait(deadline);
  stats_.waiting.fetch_sub(1, std::memory_order_relaxed);
  if (!woken && !waiting.answered) {
    const bool unknown = give_up(waiting) && role_ == Role::kWrite;
    const Verdict& verdict = unknown ? kOutcomeUnknown : kTooLate;
    stats_.failures[static_cast<std::size_t>(verdict.failure)].add();
    return {nullptr, error_of(verdict)};
  }
  return std::move(waiting.result);
}

void Pipeline::close() {
  closed_ = true;
  backoff_.wake();
  while (connecting_) closed_waiter_.wait(io::Clock::now() + io::Millis(100));
  lost("closed");
  for (Waiting* waiting : std::exchange(queue_, {})) answer(waiting, error_of(kUnavailable));
  loop_.forget(*this);  // after close() this may be destroyed from elsewhere
}

void Pipeline::send_batch() {
  // While something is in flight, its Sync sends the rest. What was given up
  // sends nothing.
  while (connection_ != nullptr && in_flight_.empty() && !(alone_.empty() && queue_.empty())) {
    // By turns: those repeated may each wait for a lock, and others should not
    // wait for all of them.
    if (!alone_.empty() && (queue_.empty() || !one_by_one_)) {
      send_alone();
    } else {
      send_segment();
    }
  }
}

std::uint32_t Pipeline::prepared_for(std::string_view sql) {
  const auto [entry, fresh] =
      names_.try_emplace(std::string(sql), static_cast<std::uint32_t>(prepared_.size()));
  if (fresh) prepared_.push_back({"s" + std::to_string(next_name_++), false});
  return entry->second;
}

/// Queues one statement in libpq's buffer; false when the connection is of no
/// more use.
bool Pipeline::send_one(Waiting* waiting) {
  PGconn* const raw = connection_.get();
  const Statement& statement = *waiting->statement;
  Sent sent{waiting, prepared_for(statement.sql), false, false, nullptr, nullptr};
  const Prepared& prepared = prepared_[sent.prepared];
  if (!prepared.known) {
    // Alone, nobody may lean on a Parse that fails with another: each sends its
    // own. In a segment one Parse serves all: they fail together anyway.
    sent.unnamed = one_by_one_;
    sent.prepares =
        one_by_one_ || std::none_of(in_flight_.begin(), in_flight_.end(), [&](const Sent& one) {
          return one.prepares && one.prepared == sent.prepared;
        });
  }
  const char* const name = sent.unnamed ? "" : prepared.name.c_str();
  if (statement.batched) {
    set_batch(waiting);
  } else {
    parameters_.set(statement);
  }
  if ((sent.prepares &&
       PQsendPrepare(raw, name, std::string(statement.sql).c_str(), 0, nullptr) == 0) ||
      PQsendQueryPrepared(raw, name, parameters_.count(), parameters_.values(), nullptr, nullptr,
                          0) == 0) {
    lost(message_of(raw));
    return false;
  }
  ++waiting->attempts;
  in_flight_.push_back(std::move(sent));
  return true;
}

void Pipeline::send_segment() {
  if (prepared_.size() > kMostPrepared) {
    // Texts made at run time would fill the server's memory. Starting anew is
    // rare and simple.
    return lost("more than " + std::to_string(kMostPrepared) +
                " different statements; give values as parameters, not in the text");
  }
  shares_.fill(nullptr);  // who is sent is joined no more
  const std::size_t count = std::min<std::size_t>(queue_.size(), options_.segment);
  const std::vector<Waiting*> batch(queue_.begin(),
                                    queue_.begin() + static_cast<std::ptrdiff_t>(count));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
  one_by_one_ = false;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch[i] == nullptr) continue;
    if (!send_one(batch[i])) {
      queue_.insert(queue_.begin(), batch.begin() + static_cast<std::ptrdiff_t>(i), batch.end());
      return connect_in_background();
    }
    if (in_flight_.size() % kFlushEvery == 0) PQsendFlushRequest(connection_.get());
  }
  if (in_flight_.empty()) return;
  if (PQpipelineSync(connection_.get()) == 0) return lost(message_of(connection_.get()));
  sent();
}

void Pipeline::send_alone() {
  one_by_one_ = true;
  std::size_t done = 0;
  while (done < alone_.size() && in_flight_.size() < kMostAlone) {
    Waiting* const waiting = std::exchange(alone_[done], nullptr);
    ++done;
    if (waiting == nullptr) continue;
    stats_.repeats.add();
    if (!send_one(waiting)) {  // the connection is lost, and alone_ is queued
                               // again without it
      queue_.insert(queue_.begin(), waiting);
      return connect_in_background();
    }
    if (PQpipelineSync(connection_.get()) == 0) return lost(message_of(connection_.get()));
  }
  alone_.erase(alone_.begin(), alone_.begin() + static_cast<std::ptrdiff_t>(done));
  if (!in_flight_.empty()) sent();
}

void Pipeline::sent() {
  stats_.segments.add();
  at_ = 0;
  failed_ = false;
  in_doubt_ = false;
  expects_sync_ = false;
  expects_parse_ = in_flight_[0].prepares;
  expect_progress();
  flush();
}

/// The server ends each statement at its statement_timeout, so a segment of one has said something
/// until then. A long one says something after every kFlushEvery statements, and is left to go on:
/// they are rarely slow all together.
void Pipeline::expect_progress() {
  if (options_.statement_timeout == io::Millis(0)) return;
  loop_.timers().arm(*this, io::Clock::now() + options_.statement_timeout + kSlack);
}

void Pipeline::flush() {
  const int left = PQflush(connection_.get());
  if (left < 0) return lost(message_of(connection_.get()));
  if (write_blocked_ == (left > 0)) return;
  write_blocked_ = left > 0;
  loop_.modify(PQsocket(connection_.get()), write_blocked_ ? kReading | EPOLLOUT : kReading, *this);
}

}  // namespace cleave::postgres
