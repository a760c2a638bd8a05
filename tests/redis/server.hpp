// A Redis of a test's own, and a plain client beside the one under test.
#pragma once

#include <hiredis/hiredis.h>

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "io/wait.hpp"
#include "observe/log.hpp"
#include "redis/cache.hpp"
#include "redis/link.hpp"
#include "supervise/servers.hpp"
#include "support/temp_dir.hpp"

namespace cleave::test {

class Server {
 public:
  explicit Server(std::vector<std::string> arguments = {})
      : server_({.socket_dir = dir_.path(), .arguments = std::move(arguments)}) {
    log::init(log::Format::kText, log::Level::kError);  // also: a closed socket is no signal
    server_.start();
  }
  supervise::RedisServer* operator->() { return &server_; }
  std::string socket() const { return server_.url().substr(7); }

  /// Blocks: for servers that answer.
  redis::Reply raw(std::initializer_list<std::string_view> command) {
    std::vector<const char*> parts;
    std::vector<std::size_t> sizes;
    for (const std::string_view part : command) {
      parts.push_back(part.data());
      sizes.push_back(part.size());
    }
    const std::unique_ptr<redisContext, void (*)(redisContext*)> client(
        redisConnectUnix(socket().c_str()), redisFree);
    redis::Reply reply(static_cast<redisReply*>(redisCommandArgv(
        client.get(), static_cast<int>(parts.size()), parts.data(), sizes.data())));
    if (reply == nullptr) throw std::runtime_error(client->errstr);
    return reply;
  }

  redis::Options options() const {
    redis::Options options;
    options.url = server_.url();
    options.near_cache = false;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    options.operation_timeout = io::Millis(100);  // an instrumented loop on a busy machine
#endif
    return options;
  }

 private:
  TempDir dir_;
  supervise::RedisServer server_;
};

inline redis::Entry value(std::int64_t version, std::string body = "{}") {
  return {version, redis::Kind::kValue, std::make_shared<const std::string>(std::move(body))};
}
inline redis::Entry gone(std::int64_t version) {
  return {version, redis::Kind::kGone, nullptr};
}
inline redis::Entry floor_of(std::int64_t version) {
  return {version, redis::Kind::kFloor, nullptr};
}

inline io::TimePoint soon(int ms = 2000) {
  return io::Clock::now() + io::Millis(ms);
}

/// Waits, without blocking the loop, until `done` holds; false after two seconds.
template <typename Condition>
bool eventually(Condition done, int ms = 2000) {
  for (const io::TimePoint until = soon(ms); !done(); io::sleep_for(io::Millis(2))) {
    if (io::Clock::now() > until) return false;
  }
  return true;
}

/// A cache on this fiber's loop, and a truth that counts how often it is read.
struct Client {
  explicit Client(const redis::Options& options) : redis(options), cache(redis, "product") {}
  ~Client() { redis.close(); }

  redis::Fetched fetch(std::string_view key, const redis::Entry& truth) {
    return cache.fetch(
        key,
        [&](redis::Entry& out) {
          ++loads;
          out = truth;
          return true;
        },
        soon());
  }
  void store(std::string_view key, const redis::Entry& entry) { cache.store(key, entry, soon()); }

  redis::Redis redis;
  redis::Cache cache;
  int loads = 0;
};

}  // namespace cleave::test
