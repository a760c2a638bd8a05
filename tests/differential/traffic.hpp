// Traffic: the recorded requests of traffic.jsonl, one JSON object a line.
//
//   {"say": "an e-mail twice", "POST": "/users", "body": {…}, "headers": {…}, "status": 409}
//   {"say": "a bare line feed", "raw": "GET /users HTTP/1.1\nHost: a\n\n", "status": 400}
//
// Instead of "POST", the method as it is. "body" is JSON, or a string that is sent as it is.
// "{a*9}" in a string stands for nine times "a". "direct": true keeps a line from the gateway,
// whose front door has an answer of its own (tests/diverge says which). Databases are fresh, so ids
// start at 1.
#pragma once

#include <string>
#include <vector>

#include "support/http_client.hpp"

namespace cleave::test {

struct Step {
  std::size_t line = 0;
  std::string say = {}, method = {}, path = {}, body = {};
  Headers headers = {};
  std::string raw = {};  // whole bytes instead; method and path are read from them
  int status = 0;        // what it must be everywhere: equal failures are no success
  bool direct = false, door = false;
};

/// Throws std::runtime_error that names the line which makes no sense.
std::vector<Step> read_traffic(const std::string& file);

}  // namespace cleave::test
