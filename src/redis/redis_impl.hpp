// What the caches of a process share: a link a loop, the subscription, the tables.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "redis/cache.hpp"
#include "redis/flights.hpp"
#include "redis/link.hpp"
#include "redis/near.hpp"
#include "redis/pending.hpp"
#include "redis/subscription.hpp"

namespace cleave::redis {

std::int64_t wall_millis();  // since the epoch

enum class Outcome { kStored, kOlder, kFailed };

struct Redis::Impl {
  explicit Impl(Options given);

  struct alignas(64) PerLoop {
    std::unique_ptr<Link> link;
    std::string script;  // the store script's name on this server; empty: not taken
    std::atomic<bool> used{false}, up{false};
    Troubles troubles;
    observe::Counter hits, near_hits, misses, stale, off, failed, loads, joined;
    std::array<observe::Counter, 3> stores;  // by Outcome
  };

  struct Life {
    io::Millis soft, hard;
  };

  /// This loop's share; null when there is no cache, or none on this loop any more. Opens the link
  /// on first use, and then waits for its first attempt. [fiber]
  PerLoop* here(io::TimePoint deadline);
  /// Sends an entry to Redis; `done` runs on the loop, not on a fiber.
  void send_store(PerLoop& here, const std::string& key, const Entry& entry, Life life,
                  std::function<void(Outcome)> done);
  void resend(PerLoop& here);

  bool cacheable(std::string_view key, const Entry& entry) const noexcept;
  Life life_of_load(const Entry& entry) const noexcept;
  /// A deletion is kept long enough to win over any slow reader.
  Life life_of_store(const Entry& entry) const noexcept;

  Options options;
  Address address;
  io::Resolver resolver;
  Near near;
  Flights flights;
  Pending pending;
  std::vector<PerLoop> loops;

  /// What one loop, the first that uses the cache, does for all.
  struct Chores final : io::Timer {
    explicit Chores(Impl& owner, PerLoop& loop) : impl(owner), here(loop) {}
    void on_timer() override;
    Impl& impl;
    PerLoop& here;
    std::unique_ptr<Subscription> subscription;
  };
  void begin_chores(PerLoop& here);
  void close();
  std::atomic<PerLoop*> owner{nullptr};
  std::unique_ptr<Chores> chores;  // used by the owner's thread only
  Troubles heard;                  // the subscription's
};

}  // namespace cleave::redis
