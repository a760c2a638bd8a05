// Pipeline, who waits: fibers that one command answers form a chain.
#include <algorithm>
#include <cstring>

#include "postgres/pipeline.hpp"

namespace cleave::postgres {
namespace {

std::uint64_t hash_of(const Statement& statement) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325 ^ reinterpret_cast<std::uintptr_t>(statement.sql.data());
  if (statement.batched) return hash ^ (hash >> 32);  // values of all kinds go together
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
  if (a.sql != b.sql || a.param_count != b.param_count || a.batched != b.batched) return false;
  if (a.batched) return true;
  for (std::size_t i = 0; i < a.param_count; ++i) {
    const cleave_view &x = a.params[i], &y = b.params[i];
    if ((x.data == nullptr) != (y.data == nullptr) || x.size != y.size) return false;
    if (x.size > 0 && std::memcmp(x.data, y.data, x.size) != 0) return false;
  }
  return true;
}

}  // namespace

/// Where an unsent statement like this one would be found.
Pipeline::Waiting** Pipeline::place_of(Waiting& waiting) {
  waiting.hash = hash_of(*waiting.statement);
  return &shares_[waiting.hash % kShares];
}

/// Joins a read that has not been sent and asks the same: its snapshot is yet
/// to be taken, so its rows are as fresh as our own would be. Or an unsent batch.
bool Pipeline::join(Waiting* first, Waiting& waiting) {
  if (first == nullptr || first->hash != waiting.hash ||
      !same(*first->statement, *waiting.statement) || first->chained >= options_.segment) {
    return false;
  }
  ++first->chained;
  waiting.next = first->next;
  first->next = &waiting;
  (waiting.statement->batched ? stats_.batched : stats_.shared).add();
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
  Waiting* const heir = waiting.next;
  if (heir != nullptr) heir->chained = std::max(waiting.chained, 2U) - 1;
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
    for (Waiting* one = head; one != nullptr; one = one->next) {
      if (one->next == &waiting) {
        one->next = heir;
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
    Waiting* const next = waiting->next;
    waiting->answered = true;
    waiting->waiter.wake();
    waiting = next;
  }
}

void Pipeline::answer(Waiting* waiting, const std::shared_ptr<pg_result>& rows) {
  if (waiting != nullptr && waiting->statement->batched) return deal(waiting, rows);
  static thread_local std::uint64_t number = 0;  // of results that several get
  const bool several = waiting != nullptr && waiting->next != nullptr;
  if (several) ++number;
  for (Waiting* one = waiting; one != nullptr; one = one->next) {
    one->result.rows = rows;
    one->result.shared = several ? number : 0;
  }
  wake_all(waiting);
}

void Pipeline::answer(Waiting* waiting, const Error& error) {
  for (Waiting* one = waiting; one != nullptr; one = one->next) {
    one->result.rows = nullptr;
    one->result.error = error;
  }
  wake_all(waiting);
}

}  // namespace cleave::postgres
