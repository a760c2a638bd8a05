#include "redis/near.hpp"

#include <algorithm>

#include "redis/value.hpp"

namespace cleave::redis {

Near::Near(std::size_t entries) : per_shard_(std::max<std::size_t>(1, entries / kShards)) {}

void Near::turn(bool on) {
  on_.store(on, std::memory_order_release);
  clear();  // after it, so that a put which saw the old state loses by its token
}

std::optional<Entry> Near::find(std::string_view key, io::TimePoint now) {
  if (!on()) return std::nullopt;
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.index.find(key);
  if (found == shard.index.end()) return std::nullopt;
  Slot& slot = shard.slots[found->second];
  if (slot.expires <= now) return std::nullopt;
  slot.used = true;
  return slot.entry;
}

std::uint64_t Near::token(std::string_view key) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  return shard.changes;
}

void Near::put(std::string_view key, const Entry& entry, io::TimePoint expires,
               std::uint64_t token) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.changes == token) insert(shard, key, entry, expires);
}

void Near::forget_older(std::string_view key, const Entry& entry) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  ++shard.changes;
  const auto found = shard.index.find(key);
  if (found != shard.index.end() && less(shard.slots[found->second].entry, entry)) {
    erase(shard, key);
  }
}

void Near::invalidate(std::string_view key) {
  Shard& shard = this->shard(key);
  const std::lock_guard lock(shard.mutex);
  ++shard.changes;
  erase(shard, key);
}

void Near::clear() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    ++shard.changes;
    shard.index.clear();
    shard.slots.clear();
    shard.free.clear();
    shard.hand = 0;
  }
}

void Near::insert(Shard& shard, std::string_view key, const Entry& entry, io::TimePoint expires) {
  if (!on()) return;
  auto found = shard.index.find(key);
  if (found == shard.index.end()) {
    found = shard.index.emplace(std::string(key), room(shard)).first;
    shard.slots[found->second].key = key;
  }
  Slot& slot = shard.slots[found->second];
  slot.entry = entry;
  slot.expires = expires;
  slot.used = false;
}

void Near::erase(Shard& shard, std::string_view key) {
  const auto found = shard.index.find(key);
  if (found == shard.index.end()) return;
  shard.slots[found->second] = Slot();
  shard.free.push_back(found->second);
  shard.index.erase(found);
}

std::size_t Near::room(Shard& shard) {
  if (!shard.free.empty()) {
    const std::size_t index = shard.free.back();
    shard.free.pop_back();
    return index;
  }
  if (shard.slots.size() < per_shard_) {
    shard.slots.emplace_back();
    return shard.slots.size() - 1;
  }
  // The clock algorithm; no slot is free, so each holds a key.
  while (shard.slots[shard.hand].used) {
    shard.slots[shard.hand].used = false;
    shard.hand = (shard.hand + 1) % shard.slots.size();
  }
  const std::size_t index = shard.hand;
  shard.hand = (shard.hand + 1) % shard.slots.size();
  shard.index.erase(shard.slots[index].key);
  return index;
}

}  // namespace cleave::redis
