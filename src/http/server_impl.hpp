// What the connections of one server share. Private to src/http.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <vector>

#include "http/connection.hpp"
#include "http/listener.hpp"
#include "http/server.hpp"

namespace cleave::http {

/// One loop's part: only its thread touches it, but for the counters.
struct PerLoop {
  std::list<Connection*> connections;
  std::size_t in_hand = 0;
  std::vector<char> buffer = std::vector<char>(64 * 1024);  // what a recv may bring
  observe::Counter requests, overloaded;
  std::array<observe::Counter, 6> refused;  // by status class
};

struct Shared {
  Options options;
  std::vector<std::unique_ptr<PerLoop>> loops;
  std::atomic<bool> closing{false};  // answers say Connection: close
  std::atomic<std::size_t> connections{0};
};

}  // namespace cleave::http
