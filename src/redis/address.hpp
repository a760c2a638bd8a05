// Address: where a Redis lives and how to enter it, from CLEAVE_REDIS_URL.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace cleave::redis {

struct Address {
  std::string path;  // unix socket; empty: host and port
  std::string host;
  int port = 6379;
  std::string user, password;  // both percent-decoded; never logged
  int database = 0;

  /// redis://[user:password@]host[:port][/db] or unix:///path. Throws std::invalid_argument, in
  /// words that do not repeat the password.
  static Address parse(std::string_view url);
  std::string text() const;  // for the log
};

/// Name look-ups block, so a thread of their own makes them and loops use the last result. [any]
class Resolver {
 public:
  explicit Resolver(const std::string& host);
  /// A numeric address; empty while none is known yet.
  std::string last() const;
  /// Looks the name up again, soon. Nothing to do for a numeric address.
  void refresh();

 private:
  struct State {  // outlives the Resolver while a look-up runs
    std::mutex mutex;
    std::string host, address;
    bool busy = false;
  };
  std::shared_ptr<State> state_;
  bool numeric_;
};

}  // namespace cleave::redis
