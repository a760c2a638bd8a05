// Value: an entry as it lies in Redis, and the order of all writes of a key.
//
//   value   = "cleave1 " version SP kind SP soft SP size SP key LF body
//   version = 19 digits, zero-padded, so that text order is number order (Lua has no int64)
//   kind    = "0" floor | "1" value | "2" gone
//   soft    = 13 digits, milliseconds since the epoch: refresh after this
//   size    = the body's bytes, decimal without leading zeros
//   key     = the whole Redis key, so that a value copied elsewhere names the wrong one
//
// Writes of one key are ordered by version, then floor < value < gone. A write replaces what is
// not greater: an equal one renews the expiry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "redis/cache.hpp"

namespace cleave::redis {

struct Stored {
  Entry entry;
  std::int64_t soft = 0;  // ms since the epoch
};

/// Entries with a negative version have no place in the order and are not cached.
std::string encode(std::string_view key, const Stored& stored);
/// Nothing for anything that is not wholly as above. A body is copied once.
std::optional<Stored> decode(std::string_view key, const char* data, std::size_t size);

/// Whether a write of `a` would be replaced by, and not replace, `b`.
bool less(const Entry& a, const Entry& b) noexcept;

/// "version SP kind": what the script compares.
std::string order_text(const Entry& entry);

inline constexpr std::size_t kLongestHeader = 1024;  // keys are kept below, see Cache

/// KEYS[1]; ARGV: order_text, value, milliseconds to live. 1: stored, 0: a greater one was there.
/// Whatever is no value, or another key's, or cut, is overwritten.
extern const char* const kStoreScript;

}  // namespace cleave::redis
