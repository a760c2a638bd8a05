// Cache: the versioned cache-aside of one module over a shared Redis (reliability rules: set only
// if newer, never DEL, single flight, soft expiry, negative entries).
//
// Redis is optional in every moment: down, slow, full or filled with garbage, it costs a load and
// never an error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/timer.hpp"
#include "observe/metrics.hpp"

namespace cleave::redis {

struct Options {
  std::string url;  // redis://[user:password@]host[:port][/db], unix:///path; empty: no cache
  unsigned loops = 1;
  bool near_cache = true;  // process-wide, kept true by CLIENT TRACKING
  std::size_t near_entries = 10000;
  io::Millis operation_timeout{30};
  io::Millis soft_ttl{30000}, hard_ttl{300000}, negative_ttl{2000};
  std::size_t largest = 64 * 1024;  // a bigger value is not cached
};

enum class Kind { kValue, kGone, kFloor };
struct Entry {
  std::int64_t version = 0;
  Kind kind = Kind::kValue;
  std::shared_ptr<const std::string> body;  // shared: a near-cache hit copies nothing
};
enum class State { kFailed = -1, kHit, kMiss, kStale, kOff };  // the values of CLEAVE_CACHE_*
struct Fetched {
  State state = State::kOff;
  Entry entry;
};

/// The process's Redis: a pipelined connection a loop, and one invalidation subscription. Connects
/// on first use. Commands that its role needs: PING, GETRANGE, GET, SET, EVAL, EVALSHA, SCRIPT
/// LOAD, and for the near cache CLIENT ID, CLIENT TRACKING, SUBSCRIBE.
class Redis {
 public:
  /// Throws std::invalid_argument for a URL that is none, in words without the password.
  explicit Redis(Options options);
  ~Redis();                         // after close()
  void close();                     // this loop's connections [fiber, once a loop]
  bool connected() const noexcept;  // on any loop [any thread]
  /// Hits, misses, stale, loads, joined flights, stores, refused as older, errors by kind, breaker.
  void collect(observe::Scrape& scrape) const;

  struct Impl;  // redis_impl.hpp: what the caches share

 private:
  friend class Cache;
  std::unique_ptr<Impl> impl_;
};

/// Keys of one module: "cleave:v1:<module>:<key>". [fiber]
class Cache {
 public:
  Cache(Redis& redis, std::string module);

  /// `load` reads the truth and returns false when it cannot; it runs on the fiber of one of the
  /// callers of this key while the others wait (each at most to its deadline, then it loads
  /// itself). Values that fail to parse or to name their key are misses and are overwritten.
  Fetched fetch(std::string_view key, const std::function<bool(Entry&)>& load,
                io::TimePoint deadline);
  /// Call after the commit. Entries of a key are ordered by version, then floor < value < gone;
  /// one replaces what is not greater. A negative version is never cached. A store that Redis did
  /// not take is kept and sent again; until it lands this process reads past the cache for that
  /// key. False: it has not landed yet.
  bool store(std::string_view key, const Entry& entry, io::TimePoint deadline);

 private:
  Redis& redis_;
  std::string prefix_;
};

}  // namespace cleave::redis
