#include "redis/pending.hpp"

#include "redis/value.hpp"

namespace cleave::redis {

void Pending::add(std::string_view key, const Entry& entry) {
  const io::TimePoint now = io::Clock::now();
  const std::lock_guard lock(mutex_);
  auto found = kept_.find(key);
  if (found == kept_.end()) {
    if (kept_.size() >= kMost) {
      past_until_.store((now + remember_).time_since_epoch().count());
      return;
    }
    found = kept_.emplace(std::string(key), Kept{entry, now}).first;
    size_.store(kept_.size(), std::memory_order_release);
  } else if (less(found->second.entry, entry)) {
    found->second = {entry, now};
  }
}

void Pending::landed(std::string_view key, const Entry& entry) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(key);
  if (found == kept_.end() || less(entry, found->second.entry)) return;
  kept_.erase(found);
  size_.store(kept_.size(), std::memory_order_release);
}

bool Pending::has(std::string_view key) {
  const io::TimePoint::rep until = past_until_.load();
  if (until != 0 && io::Clock::now().time_since_epoch().count() < until) return true;
  if (size_.load(std::memory_order_acquire) == 0) return false;
  const std::lock_guard lock(mutex_);
  return kept_.find(key) != kept_.end();
}

std::vector<std::pair<std::string, Entry>> Pending::waiting(io::Millis age, std::size_t most) {
  std::vector<std::pair<std::string, Entry>> found;
  if (size_.load(std::memory_order_acquire) == 0) return found;
  const io::TimePoint before = io::Clock::now() - age;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, kept] : kept_) {
    if (kept.since > before) continue;
    found.emplace_back(key, kept.entry);
    if (found.size() == most) break;
  }
  return found;
}

}  // namespace cleave::redis
