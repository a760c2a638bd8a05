// What two placements said to the same traffic, and where it differs.
#pragma once

#include <string>
#include <vector>

#include "differential/deployment.hpp"
#include "differential/traffic.hpp"

namespace cleave::test {

/// Headers that may differ, and why each.
struct Exception {
  const char* header;
  const char* why;
};
inline constexpr Exception kExceptions[] = {
    {"date", "the clock"},
    {"traceparent", "a span of its own for each answer"},
    {"server-timing", "how long it took, and over which hops"},
    {"connection", "about the hop to the client; who closes is compared instead"},
    {"content-length", "a time is shorter when its fraction ends with zeros; bodies are compared"},
    {"server", "NGINX names itself; see tests/diverge"},
};

struct Recorded {
  bool gateway = false;
  std::vector<HttpAnswer> answers;  // one a step; those left out have status 0
  std::vector<std::string> rows;    // tables.hpp
};

/// Sends it all, one request after the other, each over a connection of its own, with a request id
/// made of its line.
Recorded record(const Deployment& system, const std::vector<Step>& traffic);

/// One entry a difference, each with the line, the request and both sides; empty: they are equal.
/// Also a status that is not the one that the traffic states.
std::vector<std::string> differences(const std::vector<Step>& traffic, const std::string& left,
                                     const Recorded& one, const std::string& right,
                                     const Recorded& other);

}  // namespace cleave::test
