// Near cache: the hottest entries in this process's memory, kept true by Redis' invalidations.
//
// A put carries the token that was taken before its value was read. If anything of that shard was
// invalidated or committed in between, the put is dropped: the value may be the older one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "redis/cache.hpp"

namespace cleave::redis {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

/// [any thread]
class Near {
 public:
  explicit Near(std::size_t entries);

  /// Off, it is empty, finds nothing and takes nothing.
  void turn(bool on);
  bool on() const noexcept { return on_.load(std::memory_order_acquire); }

  std::optional<Entry> find(std::string_view key, io::TimePoint now);
  std::uint64_t token(std::string_view key);
  void put(std::string_view key, const Entry& entry, io::TimePoint expires, std::uint64_t token);
  /// What is older than `entry`, which is committed, goes, and values that were read before lose.
  /// `entry` itself is not kept: another process may have committed something newer, and only Redis
  /// can tell.
  void forget_older(std::string_view key, const Entry& entry);
  void invalidate(std::string_view key);
  void clear();

 private:
  static constexpr std::size_t kShards = 64;
  struct Slot {
    std::string key;
    Entry entry;
    io::TimePoint expires;
    bool used = false;  // since the hand last passed: a second chance
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    std::uint64_t changes = 0;
    std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> index;
    std::vector<Slot> slots;
    std::vector<std::size_t> free;
    std::size_t hand = 0;
  };
  Shard& shard(std::string_view key) noexcept { return shards_[TextHash()(key) % kShards]; }
  void insert(Shard& shard, std::string_view key, const Entry& entry, io::TimePoint expires);
  static void erase(Shard& shard, std::string_view key);
  std::size_t room(Shard& shard);

  std::size_t per_shard_;
  std::atomic<bool> on_{false};
  std::array<Shard, kShards> shards_;
};

}  // namespace cleave::redis
