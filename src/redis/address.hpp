// Address: where a Redis lives and how to enter it, from CLEAVE_REDIS_URL.
#pragma once

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

}  // namespace cleave::redis
