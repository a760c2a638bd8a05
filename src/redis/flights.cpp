#include "redis/flights.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace cleave::redis {
namespace {

/// A fiber that waits. Shared, because it may give up before it is woken.
struct Seat {
  io::Loop* loop = io::Loop::current();
  io::Waiter waiter;                                    // of `loop`'s thread only
  enum { kWaiting, kLeads, kServed } state = kWaiting;  // under the shard's mutex
};
using Seats = std::vector<std::shared_ptr<Seat>>;

/// One message a loop, however many wait there.
void wake(const Seats& seats) {
  std::map<io::Loop*, Seats> by_loop;
  for (const auto& seat : seats) by_loop[seat->loop].push_back(seat);
  for (auto& [loop, there] : by_loop) {
    if (loop == io::Loop::current()) {
      for (const auto& seat : there) seat->waiter.wake();
    } else {
      loop->post([there = std::move(there)] {
        for (const auto& seat : there) seat->waiter.wake();
      });
    }
  }
}

}  // namespace

struct Flights::Flight {  // under its shard's mutex, also when detached
  bool done = false;
  Entry entry;
  std::deque<std::shared_ptr<Seat>> seats;
};

std::uint64_t Flights::token(std::string_view key) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  return shard.landed;
}

Flights::Joined Flights::try_lead(std::string_view key, std::uint64_t token) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.flights.find(key); found != shard.flights.end()) {
    if (found->second->done) return {Role::kResult, nullptr, found->second->entry};
    return {Role::kBusy, nullptr, {}};
  }
  if (token != kAnyToken && token != shard.landed) return {Role::kTryAgain, nullptr, {}};
  auto flight = std::make_shared<Flight>();
  shard.flights.emplace(key, flight);
  return {Role::kLeader, std::move(flight), {}};
}

Flights::Joined Flights::join(std::string_view key, std::uint64_t token, io::TimePoint deadline) {
  Joined joined = try_lead(key, token);
  if (joined.role != Role::kBusy) return joined;
  Shard& shard = this->shard(key);
  std::shared_ptr<Flight> flight;
  const auto seat = std::make_shared<Seat>();
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.flights.find(key);
    if (found == shard.flights.end()) return {Role::kTryAgain, nullptr, {}};  // just landed
    flight = found->second;
    if (flight->done) return {Role::kResult, nullptr, flight->entry};
    flight->seats.push_back(seat);
  }
  seat->waiter.wait(deadline);
  const std::lock_guard lock(shard.mutex);
  if (seat->state == Seat::kLeads) return {Role::kLeader, std::move(flight), {}};
  if (seat->state == Seat::kServed) return {Role::kResult, nullptr, flight->entry};
  std::erase(flight->seats, seat);
  return {Role::kGaveUp, nullptr, {}};
}

bool Flights::finish(std::string_view key, const std::shared_ptr<Flight>& flight,
                     const Entry& entry) {
  Shard& shard = this->shard(key);
  Seats served;
  bool current = false;
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.flights.find(key);
    current = found != shard.flights.end() && found->second == flight;
    flight->done = true;
    flight->entry = entry;
    served.assign(flight->seats.begin(), flight->seats.end());
    flight->seats.clear();
    for (const auto& seat : served) seat->state = Seat::kServed;
  }
  wake(served);
  return current;
}

void Flights::fail(std::string_view key, const std::shared_ptr<Flight>& flight) {
  std::shared_ptr<Seat> next;
  {
    Shard& shard = this->shard(key);
    const std::lock_guard lock(shard.mutex);
    if (flight->seats.empty()) {
      remove(shard, key, flight);
    } else {
      next = flight->seats.front();
      flight->seats.pop_front();
      next->state = Seat::kLeads;
    }
  }
  if (next != nullptr) wake({next});
}

void Flights::land(std::string_view key, const std::shared_ptr<Flight>& flight) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  ++shard.landed;
  remove(shard, key, flight);
}

void Flights::detach(std::string_view key) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  ++shard.landed;  // who looked into the cache before the store looks again
  if (const auto found = shard.flights.find(key); found != shard.flights.end()) {
    shard.flights.erase(found);
  }
}

void Flights::remove(Shard& shard, std::string_view key, const std::shared_ptr<Flight>& flight) {
  const auto found = shard.flights.find(key);
  if (found != shard.flights.end() && found->second == flight) shard.flights.erase(found);
}

}  // namespace cleave::redis
