// What the connections of one server share. Private to src/http.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "http/exchange.hpp"
#include "http/framing.hpp"
#include "http/server.hpp"

namespace cleave::http {

class Connection;

/// One loop's part: only its thread touches it, but for the counters.
struct PerLoop {
  static constexpr std::size_t kMostPooled = 64;
  static constexpr std::size_t kLargestPooled = 64 * 1024;

  std::list<Connection*> connections;
  std::size_t in_hand = 0;
  std::vector<char> received = std::vector<char>(64 * 1024);  // what a recv may bring
  // Input buffers and heads go round, so that an idle connection owns none and a request allocates
  // none.
  std::vector<std::string> buffers;
  std::vector<std::unique_ptr<Head>> heads;
  observe::Counter requests, bodies_refused;
  std::array<observe::Counter, 6> answers;  // by status class; [0] unused
};

struct Shared {
  Options options;
  std::vector<std::unique_ptr<PerLoop>> loops;
  std::atomic<bool> closing{false};         // answers say Connection: close
  std::atomic<std::size_t> connections{0};  // counted when accepted
  std::atomic<std::size_t> held{0};         // bytes of bodies that come in parts
};

}  // namespace cleave::http
