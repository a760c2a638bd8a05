#include "postgres/pipeline.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cleave::postgres {
namespace {

// How long past its statement_timeout a server may be silent before its
// connection is given up.
constexpr io::Millis kSlack{500};

std::uint64_t hash_of(const Statement& statement) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325 ^ reinterpret_cast<std::uintptr_t>(statement.sql.data());
  for (std::size_t i = 0; i < statement.param_count; ++i) {
    const cleave_view& param = statement.params[i];
    for (std::size_t at = 0; at < param.size; ++at) {
      hash = (hash ^ static_cast<unsigned char>(param.data[at])) * 0x100000001b3;
    }
    hash = (hash ^ 0xff) * 0x100000001b3;
  }
  return hash ^ (hash >> 32);
}

bool same(const Statement& a, const Statement& b) noexcept {
  if (a.sql != b.sql || a.param_count != b.param_count) return false;
  for (std::size_t i = 0; i < a.param_count; ++i) {
    const cleave_view &x = a.params[i], &y = b.params[i];
    if ((x.data == nullptr) != (y.data == nullptr) || x.size != y.size) return false;
    if (x.size > 0 && std::memcmp(x.data, y.data, x.size) != 0) return false;
  }
  return true;
}

}  // namespace

Pipeline::Pipeline(const Options& options, Role role, PipelineStats& stats)
    : options_(options),
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
  Waiting** const place = share && options_.share_reads ? place_of(waiting) : nullptr;
  if (place == nullptr || !join(*place, waiting)) {
    if (queue_.size() >= kMostWaiting) {
      stats_.failures[static_cast<std::size_t>(Failure::kLimit)].add();
      return {nullptr, error_of(kOverloaded)};
    }
    if (place != nullptr) *place = &waiting;
    queue_.push_back(&waiting);
    if (connection_ == nullptr) connect_in_background();
    loop_.at_end_of_turn(*this);
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

/// Where an unsent statement like this one would be found.
Pipeline::Waiting** Pipeline::place_of(Waiting& waiting) {
  waiting.hash = hash_of(*waiting.statement);
  return &shares_[waiting.hash % kShares];
}

/// Joins a read that has not been sent and asks the same: its snapshot is yet
/// to be taken, so its rows are as fresh as our own would be.
bool Pipeline::join(Waiting* first, Waiting& waiting) {
  if (first == nullptr || first->hash != waiting.hash ||
      !same(*first->statement, *waiting.statement)) {
    return false;
  }
  waiting.next_same = first->next_same;
  first->next_same = &waiting;
  stats_.shared.add();
  return true;
}

bool Pipeline::replace(std::vector<Waiting*>& list, Waiting* old, Waiting* with) {
  const auto found = std::find(list.begin(), list.end(), old);
  if (found == list.end()) return false;
  *found = with;
  return true;
}

/// Takes a fiber whose deadline has passed out of everything that points at it.
/// Others that asked the same go on: the first of them takes its place. True:
/// it was sent, and nobody waits for it.
bool Pipeline::give_up(Waiting& waiting) {
  Waiting* const heir = waiting.next_same;
  for (Waiting*& place : shares_) {
    if (place == &waiting) place = heir;
  }
  if (replace(queue_, &waiting, heir) || replace(alone_, &waiting, heir)) return false;
  for (Sent& one : in_flight_) {
    if (one.waiting != &waiting) continue;
    one.waiting = heir;
    return true;
  }
  // It is somewhere in another's chain.
  const auto unlink = [&](Waiting* head) {
    for (Waiting* one = head; one != nullptr; one = one->next_same) {
      if (one->next_same == &waiting) {
        one->next_same = heir;
        return true;
      }
    }
    return false;
  };
  for (Waiting* head : queue_) {
    if (unlink(head)) return false;
  }
  for (Waiting* head : alone_) {
    if (unlink(head)) return false;
  }
  for (const Sent& one : in_flight_) {
    if (unlink(one.waiting)) return true;
  }
  return false;
}

void Pipeline::wake_all(Waiting* waiting) {
  while (waiting != nullptr) {
    Waiting* const next = waiting->next_same;
    waiting->answered = true;
    waiting->waiter.wake();
    waiting = next;
  }
}

void Pipeline::answer(Waiting* waiting, const std::shared_ptr<pg_result>& rows) {
  static thread_local std::uint64_t number = 0;  // of results that several get
  const bool several = waiting != nullptr && waiting->next_same != nullptr;
  if (several) ++number;
  for (Waiting* one = waiting; one != nullptr; one = one->next_same) {
    one->result.rows = rows;
    one->result.shared = several ? number : 0;
  }
  wake_all(waiting);
}

void Pipeline::answer(Waiting* waiting, const Error& error) {
  for (Waiting* one = waiting; one != nullptr; one = one->next_same) {
    one->result.rows = nullptr;
    one->result.error = error;
  }
  wake_all(waiting);
}

void Pipeline::close() {
  closed_ = true;
  backoff_.wake();
  while (connecting_) closed_waiter_.wait(io::Clock::now() + io::Millis(100));
  lost("closed");
  for (Waiting* waiting : std::exchange(queue_, {})) answer(waiting, error_of(kUnavailable));
}

// --- sending
// -----------------------------------------------------------------------------------

void Pipeline::before_poll() {
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
  parameters_.set(statement);
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
    if (batch[i] == nullptr || send_one(batch[i])) continue;
    queue_.insert(queue_.begin(), batch.begin() + static_cast<std::ptrdiff_t>(i), batch.end());
    return connect_in_background();
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

/// The server ends each statement at its statement_timeout, so it says
/// something until then. A long segment that goes on is left to go on.
void Pipeline::expect_progress() {
  if (options_.statement_timeout == io::Millis(0)) return;
  loop_.timers().arm(*this, io::Clock::now() + options_.statement_timeout + kSlack);
}

}  // namespace cleave::postgres
