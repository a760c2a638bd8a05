// Hosts: the names in a connection string as numeric addresses. libpq would look them up by itself,
// and block the loop for as long as the name server takes.
#pragma once

#include <optional>
#include <string>

#include "io/timer.hpp"

namespace cleave::postgres {

/// Lists as libpq wants them, of one length: a name with several addresses stands there as often.
struct Hosts {
  std::string host, hostaddr, port;
};

/// Nothing when there is nothing to look up: sockets, numeric addresses, a hostaddr. Names are
/// looked up anew each time; what was known before serves when the answer is slow. Throws
/// ConnectionError when no host is known. [fiber]
std::optional<Hosts> numeric_hosts(const std::string& url, io::TimePoint deadline);

}  // namespace cleave::postgres
