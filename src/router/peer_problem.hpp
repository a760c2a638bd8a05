// What a caller is told of a peer that gave no answer of its own. The same words for a peer in
// another process and for one behind a played network.
#pragma once

#include "cleave/problem.hpp"

namespace cleave::router {

inline Problem peer_unavailable(int retry_after_s = 1) {
  return Problem(503, "peer-unavailable", "Another service cannot be asked now.")
      .retry_after(retry_after_s);
}
inline Problem peer_late() {
  return {504, "deadline-exceeded", "Another service did not answer in time."};
}
inline Problem bad_peer_answer() {
  return {502, "bad-peer-answer", "Another service gave an answer that makes no sense."};
}
inline Problem malformed_call() {
  return {500, "malformed-call", "A service asked another one for nothing valid."};
}

}  // namespace cleave::router
