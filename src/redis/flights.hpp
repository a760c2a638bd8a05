// Flights: at most one load a key in the process. The first to miss leads; those who miss
// meanwhile wait for its result.
//
// A leader that fails shares nothing: one of the waiters becomes leader. A flight that has loaded
// stays until its value has landed in the cache, so that nobody falls between the two. A store
// detaches the flight of its key: who comes after the store must not get what was read before it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "io/wait.hpp"
#include "redis/near.hpp"

namespace cleave::redis {

/// [any thread; join and wait on a fiber]
class Flights {
 public:
  struct Flight;
  enum class Role {
    kLeader,    // load, then finish() or fail()
    kResult,    // `entry` is another's result
    kGaveUp,    // the deadline passed: load alone
    kTryAgain,  // a flight has landed since `token`: look into the cache again
    kBusy,      // only from try_lead: another is at it
  };
  struct Joined {
    Role role;
    std::shared_ptr<Flight> flight;  // a leader's
    Entry entry;
  };

  static constexpr std::uint64_t kAnyToken = ~std::uint64_t{0};  // never kTryAgain for its sake

  /// How many flights of the key's shard have landed: take it before looking into the cache.
  std::uint64_t token(std::string_view key);
  Joined join(std::string_view key, std::uint64_t token, io::TimePoint deadline);
  /// Leads when nobody else does; never waits.
  Joined try_lead(std::string_view key, std::uint64_t token);
  /// The leader has it: all who wait are woken. False: a store came meanwhile, and what was read
  /// before it must not be kept.
  bool finish(std::string_view key, const std::shared_ptr<Flight>& flight, const Entry& entry);
  /// The leader does not: the next waiter leads, or the flight ends.
  void fail(std::string_view key, const std::shared_ptr<Flight>& flight);
  /// The result is in the cache, or will not be.
  void land(std::string_view key, const std::shared_ptr<Flight>& flight);
  void detach(std::string_view key);

 private:
  static constexpr std::size_t kShards = 64;
  struct alignas(64) Shard {
    std::mutex mutex;
    std::uint64_t landed = 0;
    std::unordered_map<std::string, std::shared_ptr<Flight>, TextHash, std::equal_to<>> flights;
  };
  Shard& shard(std::string_view key) noexcept { return shards_[TextHash()(key) % kShards]; }
  static void remove(Shard& shard, std::string_view key, const std::shared_ptr<Flight>& flight);
  std::array<Shard, kShards> shards_;
};

}  // namespace cleave::redis
