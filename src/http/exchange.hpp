// One request's way through its handler to the bytes of its answer.
//
// The door has read and judged the request already; here the handler runs, what it throws becomes a
// problem, and the head is written: httplib's status line (status_line.hpp), the handler's headers,
// and what every answer carries. docs/decisions/0019 says why the rest is not httplib's.
#pragma once

#include <string_view>

#include "cleave/message.hpp"
#include "router/context.hpp"

namespace cleave::http {

/// What one answer needs from its connection. Lives on the caller's stack during exchange().
class Job {
 public:
  /// As in the request line; a HEAD is answered without its body.
  std::string_view method = "GET";
  router::RequestScope scope;
  int status = 500;  // of the answer, once produced
  /// Without Date, X-Request-Id, traceparent, Server-Timing and nosniff: who asked drops them.
  bool brief = false;

  /// Makes the answer; may wait when exchange() was called on a fiber. An exception becomes a 500.
  virtual void produce(Response& response) = 0;
  /// Asked after produce(): whether the connection stays, and what to say of it.
  virtual std::string_view connection() noexcept = 0;  // "close", "keep-alive" or ""
  /// The whole answer, once. `body` is empty for a HEAD.
  virtual void send(std::string_view head, std::string_view body) noexcept = 0;

 protected:
  ~Job() = default;
};

/// Returns after job.send(). Never throws; any number at once, on any thread.
void exchange(Job& job) noexcept;

}  // namespace cleave::http
