// Pending: entries that this process has committed and Redis has not yet taken. Until one lands,
// what Redis holds for its key is older than what this process has acknowledged.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "redis/near.hpp"

namespace cleave::redis {

/// [any thread]
class Pending {
 public:
  explicit Pending(io::Millis remember) : remember_(remember) {}

  /// Keeps the greatest entry of a key.
  void add(std::string_view key, const Entry& entry);
  /// Redis has this one or a greater one.
  void landed(std::string_view key, const Entry& entry);
  /// Whether the cache must be read past for this key.
  bool has(std::string_view key);
  /// Some that have waited for longer than `age`, to be sent again.
  std::vector<std::pair<std::string, Entry>> waiting(io::Millis age, std::size_t most);

 private:
  static constexpr std::size_t kMost = 10000;
  struct Kept {
    Entry entry;
    io::TimePoint since;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Kept, TextHash, std::equal_to<>> kept_;
  std::atomic<std::size_t> size_{0};
  /// Forgotten ones may be any key's, so all are read past the cache until their old values have
  /// expired there.
  std::atomic<io::TimePoint::rep> past_until_{0};
  io::Millis remember_;
};

}  // namespace cleave::redis
